//! Many small images, each with a title, right and wrong ones told apart.

use super::{Colormap, Picture};
use crate::show::{Element, Show, Shown, escape, note, paragraph};
use convscope_data::Dataset;
use convscope_nn::Evaluation;
use ndarray::{ArrayBase, ArrayD, ArrayViewD, Axis, Data, Dimension};

/// A tile's longer side is magnified to about this many pixels.
const TILE: usize = 84;
/// More tiles than this are not shown.
const MOST: usize = 100;

#[derive(Clone, Debug)]
struct Tile {
    picture: Picture,
    title: String,
    right: Option<bool>,
}

/// A grid of images with a title each.
#[derive(Clone)]
pub struct Gallery {
    tiles: Vec<Tile>,
    /// How many images there are, shown or not.
    count: usize,
    tiles_per_image: usize,
    /// All values in one row: knows the scale and how to say it.
    scale: Option<Picture>,
    columns: usize,
    title: String,
    caption: String,
    problem: Option<String>,
}

/// A grid of the images `[N, C, H, W]` (or `[N, H, W]`), on one scale: with one or three channels
/// a tile each, with other numbers of channels a tile per channel and a row per image.
pub fn gallery<A: Element, S: Data<Elem = A>, D: Dimension>(images: &ArrayBase<S, D>) -> Gallery {
    Gallery::of_values(A::tiles(images.view().into_dyn(), MOST))
}

/// A grid of some of a dataset's images, each under its class.
///
/// `gallery_of(&train, &[0, 1, 2])`
pub fn gallery_of(dataset: &Dataset, indices: &[usize]) -> Gallery {
    let mut g = picked(dataset, indices);
    for (tile, &i) in g.tiles.iter_mut().zip(indices) {
        tile.title = class(dataset, dataset.labels[i]);
    }
    g
}

/// A grid of some of a dataset's images with what a network took them for and how sure it was;
/// wrong answers are marked.
///
/// `predictions(&test, &evaluation, &evaluation.mistakes(&test)[..12])`
pub fn predictions(dataset: &Dataset, evaluation: &Evaluation, indices: &[usize]) -> Gallery {
    if evaluation.predictions.len() != dataset.len() {
        return Gallery::failed(format!(
            "This evaluation belongs to another dataset: it holds {} answers, \"{}\" holds {} images.",
            evaluation.predictions.len(),
            dataset.name,
            dataset.len()
        ));
    }
    let mut g = picked(dataset, indices);
    for (tile, &i) in g.tiles.iter_mut().zip(indices) {
        let (truth, said) = (dataset.labels[i], evaluation.predictions[i]);
        tile.right = Some(truth == said);
        tile.title = format!("{} ({:.2})", class(dataset, said), evaluation.confidence[i]);
        if truth != said {
            tile.title
                .push_str(&format!(", is {}", class(dataset, truth)));
        }
    }
    g
}

fn class(dataset: &Dataset, label: usize) -> String {
    match dataset.classes.get(label) {
        Some(name) => name.clone(),
        None => label.to_string(),
    }
}

fn picked(dataset: &Dataset, indices: &[usize]) -> Gallery {
    let images = dataset.images.shape().first().copied().unwrap_or(0);
    let len = images.min(dataset.labels.len());
    if let Some(wrong) = indices.iter().find(|&&i| i >= len) {
        return Gallery::failed(format!(
            "Image {wrong} is outside \"{}\", which holds {len} images.",
            dataset.name
        ));
    }
    let few = &indices[..indices.len().min(MOST)];
    let some = dataset.images.select(Axis(0), few);
    let mut g = Gallery::of_values(f32::tiles(some.view(), MOST));
    g.count = indices.len();
    g
}

/// The first images of a batch whose tiles number at most `most`, and how many there are in all.
pub(crate) fn first_tiles<A: Element>(
    images: ArrayViewD<'_, A>,
    most: usize,
) -> (ArrayD<f64>, usize) {
    let count = images.shape().first().copied().unwrap_or(0);
    let tiles_each = match *images.shape() {
        [_, c, _, _] if c != 1 && c != 3 => c.max(1),
        _ => 1,
    };
    let take = (most / tiles_each).clamp(1, count.max(1)).min(count);
    let mut images = images;
    if images.ndim() > 0 {
        images.slice_axis_inplace(Axis(0), (..take).into());
    }
    (A::to_f64s(images), count)
}

impl Gallery {
    fn failed(problem: String) -> Gallery {
        Gallery {
            tiles: Vec::new(),
            count: 0,
            tiles_per_image: 1,
            scale: None,
            columns: 10,
            title: String::new(),
            caption: String::new(),
            problem: Some(problem),
        }
    }

    pub(crate) fn of_values((values, count): (ArrayD<f64>, usize)) -> Gallery {
        let (channels, tiles_per_image) = match *values.shape() {
            [_, h, w] if h * w > 0 => (1, 1),
            [_, c @ (1 | 3), h, w] if h * w > 0 => (c, 1),
            [_, c, h, w] if c * h * w > 0 => (1, c),
            _ => {
                return Gallery::failed(format!(
                    "These are no images: expected shape [N, C, H, W] or [N, H, W] without a zero, \
                     got {:?}.",
                    values.shape()
                ));
            }
        };
        let shape = values.shape();
        let (h, w) = (shape[shape.len() - 2], shape[shape.len() - 1]);
        let all: Vec<f64> = values.iter().copied().collect();
        let of = |shape: Vec<usize>, values: &[f64]| {
            let values = ArrayD::from_shape_vec(shape, values.to_vec());
            Picture::of_values(values.expect("as many numbers as the shape says"))
        };
        // One scale for all, so that tiles can be compared.
        let mut scale = of(vec![1, all.len()], &all);
        if channels == 3 {
            scale = scale.colormap(Colormap::Grey);
        }
        let ([low, high], colormap) = scale.range_and_colormap();
        let tiles = all
            .chunks_exact(channels * h * w)
            .take(MOST)
            .map(|image| Tile {
                picture: of(vec![channels, h, w], image)
                    .range(low, high)
                    .colormap(colormap),
                title: String::new(),
                right: None,
            })
            .collect();
        Gallery {
            tiles,
            count,
            tiles_per_image,
            scale: Some(scale),
            columns: match tiles_per_image {
                1 => 10,
                c => c.min(16),
            },
            title: String::new(),
            caption: String::new(),
            problem: None,
        }
    }

    /// A heading above the grid.
    pub fn title(mut self, title: impl Into<String>) -> Gallery {
        self.title = title.into();
        self
    }

    /// A sentence below it: what to notice.
    pub fn caption(mut self, caption: impl Into<String>) -> Gallery {
        self.caption = caption.into();
        self
    }

    /// One title per tile, in order.
    pub fn titles<T: ToString>(mut self, titles: impl IntoIterator<Item = T>) -> Gallery {
        for (tile, title) in self.tiles.iter_mut().zip(titles) {
            tile.title = title.to_string();
        }
        self
    }

    /// Marks each tile, in order, as right or wrong.
    pub fn marks(mut self, right: impl IntoIterator<Item = bool>) -> Gallery {
        for (tile, right) in self.tiles.iter_mut().zip(right) {
            tile.right = Some(right);
        }
        self
    }

    /// How many tiles stand in a row.
    pub fn columns(mut self, columns: usize) -> Gallery {
        self.columns = columns.max(1);
        self
    }

    /// Shows every pixel as a square of this many screen pixels.
    pub fn magnify(mut self, factor: usize) -> Gallery {
        for tile in &mut self.tiles {
            tile.picture = tile.picture.clone().magnify(factor);
        }
        self
    }

    /// The values at the two ends of the colour scale.
    pub fn range(mut self, low: f64, high: f64) -> Gallery {
        for tile in &mut self.tiles {
            tile.picture = tile.picture.clone().range(low, high);
        }
        self.scale = self.scale.map(|s| s.range(low, high));
        self
    }
}

impl Show for Gallery {
    fn shown(&self) -> Shown {
        if let Some(problem) = &self.problem {
            return Shown::html(note(problem), problem.clone());
        }
        let mut html = String::new();
        let mut text = vec![self.title.clone()];
        if !self.title.is_empty() {
            html.push_str(&format!("<b>{}</b>", escape(&self.title)));
        }
        html.push_str("<table style=\"border: none\">");
        for row in self.tiles.chunks(self.columns) {
            html.push_str("<tr>");
            for tile in row {
                let (mark, colour) = match tile.right {
                    None => ("", "transparent"),
                    Some(true) => ("✓ ", "#009e73"),
                    Some(false) => ("✗ ", "#d55e00"),
                };
                let mut picture = tile.picture.clone();
                if !tile.title.is_empty() {
                    picture = picture.title(format!("{mark}{}", tile.title));
                }
                html.push_str(&format!(
                    "<td style=\"text-align: center; vertical-align: top; padding: 3px; \
                     font-size: 12px; border: 2px solid {colour}\">{}<br>{mark}{}</td>",
                    picture.image(TILE).unwrap_or_default(),
                    escape(&tile.title)
                ));
            }
            html.push_str("</tr>");
        }
        html.push_str("</table>");
        let titles: Vec<String> = self
            .tiles
            .iter()
            .filter(|t| !t.title.is_empty())
            .map(|t| match t.right {
                Some(false) => format!("✗ {}", t.title),
                _ => t.title.clone(),
            })
            .collect();
        text.push(match titles.is_empty() {
            true => format!("{} tiles", self.tiles.len()),
            false => format!("{} tiles: {}", self.tiles.len(), titles.join("; ")),
        });
        if let Some((legend, words)) = self.scale.as_ref().and_then(Picture::legend) {
            html.push_str(&legend);
            text.push(words);
        }
        let shown = self.tiles.len();
        if shown < self.count * self.tiles_per_image {
            let line = match self.tiles_per_image {
                1 => format!("The first {shown} of {} images.", self.count),
                c => format!(
                    "The first {shown} of {} tiles ({} images of {c} channels).",
                    self.count * c,
                    self.count
                ),
            };
            html.push_str(&paragraph(&line));
            text.push(line);
        }
        if !self.caption.is_empty() {
            html.push_str(&paragraph(&self.caption));
            text.push(self.caption.clone());
        }
        text.retain(|t| !t.is_empty());
        Shown::html(format!("<div>{html}</div>"), text.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, Array4};

    fn digits() -> Dataset {
        Dataset {
            name: "few".into(),
            images: Array4::<f32>::from_shape_fn((4, 1, 5, 5), |(n, ..)| n as f32).into_dyn(),
            labels: vec![0, 1, 1, 0],
            classes: vec!["cat".into(), "<dog>".into()],
        }
    }

    #[test]
    fn tiles_share_one_scale_and_carry_their_class() {
        let g = gallery_of(&digits(), &[3, 1]);
        let [a, b] = [0, 1].map(|i| g.tiles[i].picture.raster().unwrap().get(0, 0));
        assert_eq!((a, b), ([255; 3], [0; 3]));
        let shown = g.shown();
        assert!(shown.text.contains("2 tiles: cat; <dog>"), "{}", shown.text);
        assert!(shown.html.unwrap().contains("&lt;dog&gt;"));
    }

    #[test]
    fn wrong_predictions_are_marked_in_words() {
        let set = digits();
        let said = vec![0, 0, 1, 0];
        let evaluation = Evaluation {
            dataset: "few".into(),
            loss: 0.0,
            accuracy: 0.75,
            confidence: vec![0.9; 4],
            confusion: convscope_nn::ConfusionMatrix::new(&set.classes, &set.labels, &said),
            predictions: said,
        };
        let text = predictions(&set, &evaluation, &[0, 1]).shown().text;
        assert!(
            text.contains("cat (0.90); ✗ cat (0.90), is <dog>"),
            "{text}"
        );
        let text = predictions(&set, &evaluation, &[9]).shown().text;
        assert!(text.contains("Image 9 is outside"), "{text}");
    }

    #[test]
    fn channels_get_a_tile_each_and_what_is_left_out_is_said() {
        let shown = gallery(&Array4::<f32>::zeros((40, 8, 3, 3))).shown();
        assert!(shown.text.contains("96 tiles"), "{}", shown.text);
        assert!(
            shown.text.contains("The first 96 of 320 tiles"),
            "{}",
            shown.text
        );
        let text = gallery(&Array3::<u8>::zeros((200, 3, 3))).shown().text;
        assert!(text.contains("The first 100 of 200 images"), "{text}");
    }

    #[test]
    fn nothing_and_nonsense_do_not_panic() {
        assert!(
            gallery(&Array4::<f32>::zeros((0, 1, 3, 3)))
                .shown()
                .text
                .contains("0 tiles")
        );
        assert!(
            gallery(&ndarray::arr1(&[1.0]))
                .shown()
                .text
                .contains("no images")
        );
    }
}
