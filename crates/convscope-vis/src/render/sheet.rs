//! The comparator: methods beside images (or layers), on a declared scale.

use super::canvas::{blank, fitted, paste};
use super::caption::{header, paragraph, shifted};
use super::heat::{Overlay, colour_bar, coloured, laid_over, resized};
use super::scale::{Ends, Look, Scale};
use super::words::{INK, letter, wrapped, write};
use image::RgbImage;
use ndarray::Array2;
use std::fmt;

/// What shares a scale.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Shared {
    /// Every map of the sheet: for maps in the same units.
    #[default]
    Sheet,
    /// The maps of each row.
    Row,
    /// None. Each map is divided by this percentile of its own absolute values (100: by its
    /// largest), and then all are shown from -1 or 0 to 1. For methods whose numbers have different
    /// units.
    Relative {
        /// 0 to 100.
        percentile: f32,
    },
}

/// One place of a [`Sheet`].
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    content: Content,
    note: String,
}

#[derive(Clone, PartialEq)]
enum Content {
    Empty,
    Picture(RgbImage),
    Map(Array2<f32>, Option<RgbImage>),
}

/// Without the pixels, which are megabytes as text.
impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Empty => f.write_str("nothing"),
            Content::Picture(p) => write!(f, "picture {}x{}", p.height(), p.width()),
            Content::Map(map, _) => write!(f, "map {}x{}", map.nrows(), map.ncols()),
        }
    }
}

impl Cell {
    fn of(content: Content) -> Cell {
        Cell {
            content,
            note: String::new(),
        }
    }

    /// Nothing, for a method that does not apply.
    pub fn empty() -> Cell {
        Cell::of(Content::Empty)
    }

    /// A picture as it is.
    pub fn picture(picture: RgbImage) -> Cell {
        Cell::of(Content::Picture(picture))
    }

    /// Numbers `[H, W]` on the sheet's scale.
    pub fn map(values: Array2<f32>) -> Cell {
        Cell::of(Content::Map(values, None))
    }

    /// Numbers over a photo.
    pub fn over(photo: RgbImage, values: Array2<f32>) -> Cell {
        Cell::of(Content::Map(values, Some(photo)))
    }

    /// With a few words below.
    pub fn note(mut self, words: impl Into<String>) -> Cell {
        self.note = words.into();
        self
    }

    fn values(&self) -> Option<&Array2<f32>> {
        match &self.content {
            Content::Map(values, _) => Some(values),
            _ => None,
        }
    }
}

/// Pictures and maps in rows and columns with titles, on one declared scale.
///
/// ```
/// use convscope_vis::render::{Cell, Sheet};
/// use ndarray::Array2;
/// let map = |k: usize| Array2::from_shape_fn((8, 8), move |(y, x)| ((x + y) * k) as f32);
/// let picture = Sheet::new(["one", "two"])
///     .row("ramps", [Cell::map(map(1)), Cell::map(map(2))])
///     .caption("The second is twice the first.")
///     .draw();
/// assert!(picture.width() > 320);
/// ```
#[derive(Clone, Debug)]
pub struct Sheet {
    columns: Vec<String>,
    rows: Vec<(String, Vec<Cell>)>,
    look: Option<Look>,
    shared: Shared,
    side: u32,
    overlay: Overlay,
    caption: String,
}

/// White pixels around cells.
pub(super) const GAP: u32 = 8;
/// The size of titles.
pub(super) const TITLE: u32 = 2;

impl Sheet {
    /// With a title for each column.
    pub fn new<T: Into<String>>(columns: impl IntoIterator<Item = T>) -> Sheet {
        Sheet {
            columns: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
            look: None,
            shared: Shared::Sheet,
            side: 224,
            overlay: Overlay::default(),
            caption: String::new(),
        }
    }

    /// With another row.
    pub fn row(mut self, title: impl Into<String>, cells: impl IntoIterator<Item = Cell>) -> Sheet {
        self.rows.push((title.into(), cells.into_iter().collect()));
        self
    }

    /// With these colours and this rule of the ends. Default: [`Look::fitting`] all maps.
    pub fn look(mut self, look: Look) -> Sheet {
        self.look = Some(look);
        self
    }

    /// With another choice of what shares a scale. Default: the whole sheet.
    pub fn shared(mut self, shared: Shared) -> Sheet {
        self.shared = shared;
        self
    }

    /// With cells of this side in pixels. Default: 224, at which ImageNet's networks see a photo as
    /// it is.
    pub fn side(mut self, pixels: u32) -> Sheet {
        self.side = pixels.clamp(32, 4096);
        self
    }

    /// With another way to lay maps over photos.
    pub fn overlay(mut self, how: Overlay) -> Sheet {
        self.overlay = how;
        self
    }

    /// With a sentence below.
    pub fn caption(mut self, words: impl Into<String>) -> Sheet {
        self.caption = words.into();
        self
    }

    /// The scale in words, as it is printed under the sheet.
    pub fn scale_in_words(&self) -> String {
        match self.shared {
            Shared::Sheet => format!(
                "one scale for all maps, {}",
                self.chosen_look().scale.in_words()
            ),
            Shared::Row => format!(
                "one scale for each row, {}",
                self.chosen_look().scale.in_words()
            ),
            Shared::Relative { percentile: 100.0 } => {
                "each map relative to its own largest absolute value".into()
            }
            Shared::Relative { percentile } => format!(
                "each map relative to the {percentile}th percentile of its own absolute values"
            ),
        }
    }

    fn chosen_look(&self) -> Look {
        let fitting = || Look::fitting(self.maps().flat_map(|m| m.iter()));
        self.look.unwrap_or_else(fitting)
    }

    fn maps(&self) -> impl Iterator<Item = &Array2<f32>> {
        self.rows
            .iter()
            .flat_map(|(_, row)| row.iter().filter_map(Cell::values))
    }

    /// The picture: titles, cells, a colour bar for each scale, the caption.
    pub fn draw(&self) -> RgbImage {
        let look = self.chosen_look();
        let columns = self
            .rows
            .iter()
            .map(|(_, row)| row.len())
            .max()
            .unwrap_or(0);
        let columns = columns.max(self.columns.len());
        let letters = |width: u32, size: u32| (width / letter(size)[0]) as usize;
        let titles: Vec<Vec<String>> = self
            .columns
            .iter()
            .map(|t| wrapped(t, letters(self.side, TITLE)))
            .collect();
        let line = letter(TITLE)[1] + 1;
        let head = titles.iter().map(Vec::len).max().unwrap_or(0) as u32 * line + GAP;
        let longest = self.rows.iter().map(|(t, _)| t.chars().count()).max();
        let margin = longest.unwrap_or(0).min(14) as u32 * letter(TITLE)[0];
        let margin = margin + if margin > 0 { 2 * GAP } else { GAP };
        let width = margin + columns as u32 * (self.side + GAP);
        let mut parts = vec![header(&titles, margin, self.side, width, head, line)];
        let one = look.scale.ends(self.maps().flat_map(|m| m.iter()));
        for (title, cells) in &self.rows {
            let values = || cells.iter().filter_map(Cell::values).flatten();
            let ends = match self.shared {
                Shared::Sheet => one,
                Shared::Row => look.scale.ends(values()),
                Shared::Relative { .. } => relative(look),
            };
            parts.push(self.row_picture(title, cells, look, ends, margin, width));
            if self.shared == Shared::Row && values().next().is_some() {
                parts.push(shifted(&colour_bar(look.colours, ends, 320), margin, width));
            }
        }
        let ends = match self.shared {
            Shared::Sheet => Some(one),
            Shared::Relative { .. } => Some(relative(look)),
            Shared::Row => None,
        };
        if self.maps().next().is_some() {
            if let Some(ends) = ends {
                let bar = colour_bar(look.colours, ends, 320.min(width - margin));
                parts.push(shifted(&bar, margin, width));
            }
            parts.push(paragraph(&self.scale_in_words(), margin, width, 1));
        }
        if !self.caption.is_empty() {
            parts.push(paragraph(&self.caption, margin, width, 1));
        }
        super::canvas::below(&parts, GAP / 2)
    }

    fn row_picture(
        &self,
        title: &str,
        cells: &[Cell],
        look: Look,
        ends: Ends,
        margin: u32,
        width: u32,
    ) -> RgbImage {
        let pictures: Vec<RgbImage> = cells.iter().map(|c| self.cell(c, look, ends)).collect();
        let height = pictures.iter().map(RgbImage::height).max().unwrap_or(1);
        let room = (self.side / letter(1)[0]) as usize;
        let notes: Vec<Vec<String>> = cells.iter().map(|c| wrapped(&c.note, room)).collect();
        let lines = notes.iter().map(Vec::len).max().unwrap_or(0) as u32;
        let mut row = blank(
            width,
            height + lines * (letter(1)[1] + 1) + lines.min(1) * 3,
        );
        for (i, words) in wrapped(title, 14).iter().enumerate() {
            let y = i64::from(height / 2) + i64::from(letter(TITLE)[1] + 1) * i as i64 - 12;
            write(&mut row, i64::from(GAP), y, words, TITLE, INK);
        }
        for (i, (picture, note)) in pictures.iter().zip(&notes).enumerate() {
            let x = margin + i as u32 * (self.side + GAP);
            paste(&mut row, picture, x, 0);
            for (k, words) in note.iter().enumerate() {
                let y = height + 3 + k as u32 * (letter(1)[1] + 1);
                write(&mut row, i64::from(x), i64::from(y), words, 1, INK);
            }
        }
        row
    }

    fn cell(&self, cell: &Cell, look: Look, ends: Ends) -> RgbImage {
        let scaled = |values: &Array2<f32>| match self.shared {
            Shared::Relative { percentile } => {
                let own = Scale::SymmetricClipped { percentile }.ends(values).high;
                // Where that percentile is zero, the largest still is not.
                let own = match own > 0.0 {
                    true => own,
                    false => Scale::Symmetric.ends(values).high,
                };
                let by = if own > 0.0 { own } else { 1.0 };
                values.mapv(|v| v / by)
            }
            _ => values.clone(),
        };
        match &cell.content {
            Content::Empty => blank(self.side, self.side),
            Content::Picture(picture) => fitted(picture, self.side),
            Content::Map(values, None) => {
                let values = scaled(values);
                let (h, w) = values.dim();
                // Maps larger than their place are averaged as numbers, not as colours.
                let longest = h.max(w);
                let values = match longest > self.side as usize {
                    true => {
                        let to = |n: usize| (n * self.side as usize / longest).max(1);
                        resized(&values, to(h), to(w))
                    }
                    false => values,
                };
                fitted(&coloured(&values, look.colours, ends), self.side)
            }
            Content::Map(values, Some(photo)) => {
                let photo = fitted(photo, self.side);
                laid_over(&photo, &scaled(values), look.colours, ends, self.overlay)
            }
        }
    }
}

/// The ends where each map is relative to itself.
fn relative(look: Look) -> Ends {
    Ends {
        low: match look.colours.neutral() > 0.0 {
            true => -1.0,
            false => 0.0,
        },
        high: 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn flat(value: f32) -> Array2<f32> {
        Array2::from_elem((4, 4), value)
    }

    #[test]
    fn a_sheet_as_text_has_no_pixels() {
        let sheet = Sheet::new(["one", "two"]).row(
            "a row",
            [Cell::picture(RgbImage::new(300, 200)), Cell::map(flat(1.0))],
        );
        let text = format!("{sheet:?}");
        assert!(
            text.contains("picture 200x300") && text.contains("map 4x4"),
            "{text}"
        );
        assert!(text.len() < 600, "{}", text.len());
    }

    /// The colour in the middle of a cell.
    fn middle(sheet: &Sheet, row: u32, column: u32) -> [u8; 3] {
        let picture = sheet.draw();
        let x = GAP + column * (64 + GAP) + 32;
        let head = 19 + GAP + GAP / 2;
        let bar = if sheet.shared == Shared::Row {
            30 + GAP / 2
        } else {
            0
        };
        let y = head + row * (64 + GAP / 2 + bar) + 32;
        picture.get_pixel(x, y).0
    }

    fn sheet(shared: Shared) -> Sheet {
        Sheet::new(["a", "b"])
            .row("", [Cell::map(flat(1.0)), Cell::map(flat(2.0))])
            .row("", [Cell::map(flat(4.0)), Cell::empty()])
            .side(64)
            .shared(shared)
    }

    #[test]
    fn what_shares_a_scale_is_as_declared() {
        let yellow = [253, 231, 37];
        let one = sheet(Shared::Sheet);
        assert_ne!(middle(&one, 0, 1), yellow);
        assert_eq!(middle(&one, 1, 0), yellow);
        let row = sheet(Shared::Row);
        assert_eq!(middle(&row, 0, 1), yellow);
        assert_ne!(middle(&row, 0, 0), yellow);
        let relative = sheet(Shared::Relative { percentile: 100.0 });
        for (row, column) in [(0, 0), (0, 1), (1, 0)] {
            assert_eq!(middle(&relative, row, column), yellow);
        }
        assert!(relative.scale_in_words().contains("its own"));
    }

    #[test]
    fn a_map_of_zeros_and_a_sheet_of_nothing_are_drawn() {
        let zeros = Sheet::new(["a"])
            .row("r", [Cell::map(flat(0.0))])
            .shared(Shared::Relative { percentile: 99.0 });
        assert!(zeros.draw().pixels().all(|p| p.0 != [255, 0, 200]));
        assert!(Sheet::new(Vec::<String>::new()).draw().width() > 0);
        let picture = RgbImage::from_pixel(500, 300, Rgb([9; 3]));
        let drawn = Sheet::new(["a"]).row("", [Cell::picture(picture)]).draw();
        assert!(drawn.width() < 300);
    }
}
