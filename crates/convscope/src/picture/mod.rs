//! Pictures of arrays and photographs, with a declared scale from numbers to colours.

mod colour;
mod gallery;
mod raster;
mod row;

pub(crate) use colour::css;
pub use convscope_vis::render::Colormap;
pub(crate) use gallery::first_tiles;
pub use gallery::{Gallery, gallery, gallery_of, predictions};
pub(crate) use raster::{Raster, svg_address};
pub use row::{Row, side_by_side};

use crate::show::{
    Element, Show, Shown, Stats, debug_says_how_to_show, escape, img, note, paragraph, plain_number,
};
use ndarray::{ArrayBase, ArrayD, Data, Dimension};

/// The longer side of a small picture is magnified to about this many pixels.
const SIZE: usize = 280;
/// Above this many pixels on the longer side a picture is reduced.
const LARGEST: usize = 1000;
/// A picture is shown at most this wide.
const WIDEST: usize = 640;

const BOX_COLOURS: [([u8; 3], &str); 4] = [
    ([230, 159, 0], "orange"),
    ([86, 180, 233], "light blue"),
    ([0, 158, 115], "green"),
    ([204, 121, 167], "pink"),
];

#[derive(Clone, Debug)]
enum Source {
    /// `[C, H, W]` with one or three channels.
    Values(ArrayD<f64>),
    Pixels(Raster),
    /// What could not be made a picture, and why.
    Problem(String),
}

/// A picture, ready to be shown: as the last expression of a cell, in a
/// [`side_by_side`] or in a [`gallery`].
#[derive(Clone)]
pub struct Picture {
    source: Source,
    title: String,
    caption: String,
    range: Option<[f64; 2]>,
    colormap: Option<Colormap>,
    /// Whether numbers are the point (a heat map) or the looks (a photograph).
    measure: bool,
    magnification: Option<usize>,
    boxes: Vec<([usize; 4], String)>,
}

/// A picture of an image `[H, W]`, `[1, H, W]` or `[3, H, W]` (a leading batch axis of 1 is fine).
///
/// Black and white are 0 and 1 for values in 0 to 1, 0 and 255 for values in 0 to 255, else the
/// smallest and the largest value; the line under the picture says which. [`Picture::range`]
/// chooses. Three channels are red, green and blue.
pub fn picture<A: Element, S: Data<Elem = A>, D: Dimension>(image: &ArrayBase<S, D>) -> Picture {
    Picture::of_values(A::to_f64s(image.view().into_dyn()))
}

/// A heat map of a matrix, with a colour bar: violet to yellow, or blue to red around a white
/// zero when there are negative values.
pub fn heatmap<A: Element, S: Data<Elem = A>, D: Dimension>(
    values: &ArrayBase<S, D>,
    title: &str,
) -> Picture {
    Picture::heat(A::to_f64s(values.view().into_dyn())).title(title)
}

impl Picture {
    fn empty(source: Source) -> Picture {
        Picture {
            source,
            title: String::new(),
            caption: String::new(),
            range: None,
            colormap: None,
            measure: false,
            magnification: None,
            boxes: Vec::new(),
        }
    }

    /// A picture of `[.., C, H, W]` or `[H, W]`, where leading axes are 1.
    pub(crate) fn of_values(values: ArrayD<f64>) -> Picture {
        let shape = values.shape().to_vec();
        let leading = shape.len().saturating_sub(3);
        let image = match shape[leading..] {
            [h, w] => Some([1, h, w]),
            [c @ (1 | 3), h, w] => Some([c, h, w]),
            _ => None,
        };
        let fits = image.filter(|i| i[1] * i[2] > 0 && shape[..leading].iter().all(|&n| n == 1));
        let Some(image) = fits else {
            return Picture::empty(Source::Problem(format!(
                "This is no picture: expected an image of shape [H, W], [1, H, W] or [3, H, W] \
                 without a zero, got {shape:?}. For a batch of images use gallery(&images)."
            )));
        };
        let values: Vec<f64> = values.iter().copied().collect();
        let values = ArrayD::from_shape_vec(image.to_vec(), values).expect("as many as before");
        Picture::empty(Source::Values(values))
    }

    pub(crate) fn heat(values: ArrayD<f64>) -> Picture {
        let mut picture = Picture::of_values(values);
        picture.measure = true;
        picture
    }

    /// A heading above the picture.
    pub fn title(mut self, title: impl Into<String>) -> Picture {
        self.title = title.into();
        self
    }

    /// A sentence below it: what to notice.
    pub fn caption(mut self, caption: impl Into<String>) -> Picture {
        self.caption = caption.into();
        self
    }

    /// The values at the two ends of the colour scale; what lies beyond takes the end's colour.
    pub fn range(mut self, low: f64, high: f64) -> Picture {
        self.range = Some([low, high]);
        self
    }

    /// The colours, for one channel.
    pub fn colormap(mut self, colormap: Colormap) -> Picture {
        self.colormap = Some(colormap);
        self
    }

    /// Shows every pixel as a square of this many screen pixels.
    pub fn magnify(mut self, factor: usize) -> Picture {
        self.magnification = Some(factor.clamp(1, 64));
        self
    }

    /// Draws a box `[top, left, height, width]` in pixels of the image; the caption names it.
    pub fn with_box(mut self, place: [usize; 4], label: impl Into<String>) -> Picture {
        self.boxes.push((place, label.into()));
        self
    }

    /// The scale's ends and colours, chosen where the caller has not.
    fn scale(&self, values: &ArrayD<f64>) -> (Stats, [f64; 2], Colormap) {
        let stats = Stats::of(values.iter().copied());
        let (min, max) = (stats.min, stats.max);
        let grey = values.shape()[0] == 3 || !self.measure && min >= 0.0;
        let colormap = self.colormap.unwrap_or(if grey {
            Colormap::Grey
        } else if min < 0.0 {
            Colormap::BlueWhiteRed
        } else {
            Colormap::Viridis
        });
        let range = self.range.unwrap_or(if stats.finite == 0 {
            [0.0, 1.0]
        } else if colormap == Colormap::BlueWhiteRed {
            let reach = min.abs().max(max.abs());
            [-reach, reach]
        } else if self.measure {
            [min, max]
        } else if min >= 0.0 && max <= 1.0 {
            [0.0, 1.0]
        } else if min >= 0.0 && (16.0..=255.0).contains(&max) {
            [0.0, 255.0]
        } else {
            [min, max]
        });
        (stats, range, colormap)
    }

    pub(crate) fn range_and_colormap(&self) -> ([f64; 2], Colormap) {
        match &self.source {
            Source::Values(values) => {
                let (_, range, colormap) = self.scale(values);
                (range, colormap)
            }
            _ => ([0.0, 1.0], Colormap::Grey),
        }
    }

    /// The pixels, before they are magnified.
    pub(crate) fn raster(&self) -> Option<Raster> {
        match &self.source {
            Source::Problem(_) => None,
            Source::Pixels(raster) => Some(raster.clone()),
            Source::Values(values) => {
                let (_, [low, high], colormap) = self.scale(values);
                let span = if high > low { high - low } else { 1.0 };
                let at = |c: usize, y: usize, x: usize| {
                    let v = values[[c, y, x].as_slice()];
                    let t = (v - low) / span;
                    if v.is_finite() { t } else { f64::NAN }
                };
                let (height, width) = (values.shape()[1], values.shape()[2]);
                Some(Raster::new(width, height, |y, x| {
                    if values.shape()[0] == 1 {
                        return colormap.at(at(0, y, x));
                    }
                    let rgb: [f64; 3] = std::array::from_fn(|c| at(c, y, x));
                    match rgb.iter().any(|v| v.is_nan()) {
                        true => Colormap::Grey.at(f64::NAN),
                        false => rgb.map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8),
                    }
                }))
            }
        }
    }

    /// The picture's `<img>`, its longer side magnified to about `size`.
    pub(crate) fn image(&self, size: usize) -> Option<String> {
        let mut raster = self.raster()?;
        let longest = raster.width.max(raster.height);
        if longest > LARGEST {
            raster = raster.reduced(longest.div_ceil(LARGEST));
        }
        let longest = raster.width.max(raster.height);
        let factor = self.magnification.unwrap_or((size / longest).clamp(1, 32));
        // A magnified picture must not outgrow what a page can hold.
        let factor = factor.min((4 * LARGEST / longest).max(1));
        let mut raster = raster.magnified(factor);
        for (i, (place, _)) in self.boxes.iter().enumerate() {
            let colour = BOX_COLOURS[i % BOX_COLOURS.len()].0;
            raster.outline(place.map(|p| p * factor), 2, colour);
        }
        let width = raster.width.min(WIDEST);
        Some(img(&raster.data_address(), &self.alt(), width))
    }

    /// What the picture shows, for those who do not see it.
    pub(crate) fn alt(&self) -> String {
        let name = match self.title.as_str() {
            "" => "Picture",
            title => title,
        };
        match &self.source {
            Source::Problem(problem) => problem.clone(),
            Source::Pixels(r) => format!("{name}, {} x {} pixels", r.width, r.height),
            Source::Values(values) => {
                let (stats, ..) = self.scale(values);
                let shape = values.shape();
                let kind = match (shape[0], self.measure) {
                    (1, true) => "heat map",
                    (1, false) => "grey image",
                    _ => "colour image",
                };
                format!("{name}: {kind}, {} x {}, {stats}", shape[1], shape[2])
            }
        }
    }

    /// The scale in words, and with a bar where numbers are the point.
    pub(crate) fn legend(&self) -> Option<(String, String)> {
        let Source::Values(values) = &self.source else {
            return None;
        };
        let (stats, [low, high], colormap) = self.scale(values);
        let [from, to] = colormap.ends();
        let (low, high) = (plain_number(low), plain_number(high));
        let text = match values.shape()[0] {
            1 => format!("{from} {low} to {to} {high}; {stats}"),
            _ => format!("each of red, green and blue from {low} to {high}; {stats}"),
        };
        let text = match stats.not_finite() {
            0 => text,
            _ => format!("{text} (shown in magenta)"),
        };
        if values.shape()[0] == 3 || (!self.measure && colormap == Colormap::Grey) {
            return Some((paragraph(&text), text));
        }
        let bar = Raster::new(160, 12, |_, x| colormap.at(x as f64 / 159.0));
        let bar = img(&bar.data_address(), "colour scale", 160);
        let html = format!(
            "<p style=\"margin: 4px 0\">{low} {bar} {high} <br>{}</p>",
            escape(&stats.to_string())
        );
        Some((html, text))
    }

    fn boxes_in_words(&self) -> String {
        let words: Vec<String> = self
            .boxes
            .iter()
            .enumerate()
            .filter(|(_, (_, label))| !label.is_empty())
            .map(|(i, (_, label))| format!("{} box: {label}", BOX_COLOURS[i % 4].1))
            .collect();
        words.join("; ")
    }
}

debug_says_how_to_show!(Picture, Gallery, Row);

impl Show for Picture {
    fn shown(&self) -> Shown {
        if let Source::Problem(problem) = &self.source {
            return Shown::html(note(problem), problem.clone());
        }
        let mut html = String::new();
        let mut text = vec![self.alt()];
        if !self.title.is_empty() {
            html.push_str(&format!("<b>{}</b><br>", escape(&self.title)));
        }
        html.push_str(&self.image(SIZE).unwrap_or_default());
        if let Some((legend, words)) = self.legend() {
            html.push_str(&legend);
            text.push(words);
        }
        for line in [&self.boxes_in_words(), &self.caption] {
            if !line.is_empty() {
                html.push_str(&paragraph(line));
                text.push(line.clone());
            }
        }
        Shown::html(format!("<div>{html}</div>"), text.join("\n"))
    }
}

impl From<&image::DynamicImage> for Picture {
    fn from(photo: &image::DynamicImage) -> Picture {
        Picture::from(&photo.to_rgb8())
    }
}

impl From<&image::RgbImage> for Picture {
    fn from(photo: &image::RgbImage) -> Picture {
        let (width, height) = (photo.width() as usize, photo.height() as usize);
        if width * height == 0 {
            return Picture::empty(Source::Problem("This photo has no pixels.".into()));
        }
        Picture::empty(Source::Pixels(Raster {
            width,
            height,
            rgb: photo.as_raw().clone(),
        }))
    }
}

impl Show for image::DynamicImage {
    fn shown(&self) -> Shown {
        Picture::from(self).shown()
    }
}

impl Show for image::RgbImage {
    fn shown(&self) -> Shown {
        Picture::from(self).shown()
    }
}

impl Show for image::GrayImage {
    fn shown(&self) -> Shown {
        Picture::from(&image::DynamicImage::ImageLuma8(self.clone())).shown()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, Array3, Array4, array};

    #[test]
    fn a_photo_in_0_to_1_and_one_in_0_to_255_keep_their_black_and_white() {
        for (top, words) in [
            (1.0, "black 0 to white 1;"),
            (255.0, "black 0 to white 255;"),
        ] {
            let image = array![[0.25 * top, 0.5 * top], [0.75 * top, 0.9 * top]];
            let p = picture(&image);
            assert_eq!(p.raster().unwrap().get(0, 1)[0], 128);
            assert!(p.shown().text.contains(words), "{}", p.shown().text);
        }
    }

    #[test]
    fn zero_is_white_when_there_are_signs() {
        let p = heatmap(&array![[-1.0f32, 0.0], [0.5, 0.25]], "w");
        let raster = p.raster().unwrap();
        assert_eq!(raster.get(0, 1), [247, 247, 247]);
        assert_eq!(raster.get(0, 0), [5, 48, 97]);
        assert!(p.shown().text.contains("blue -1 to red 1;"));
    }

    #[test]
    fn nan_and_constant_images_are_shown_and_said() {
        let p = picture(&array![[f32::NAN, 1.0]]);
        assert_eq!(p.raster().unwrap().get(0, 0), Colormap::Grey.at(f64::NAN));
        assert!(p.shown().text.contains("1 NaN"), "{}", p.shown().text);
        picture(&Array2::<f32>::from_elem((3, 3), 7.0)).shown();
        picture(&Array2::<f32>::from_elem((3, 3), f32::NAN)).shown();
    }

    #[test]
    fn what_is_no_picture_says_what_would_be() {
        for shown in [
            picture(&Array3::<f32>::zeros((5, 3, 3))).shown(),
            picture(&Array4::<f32>::zeros((2, 1, 3, 3))).shown(),
            picture(&Array2::<f32>::zeros((0, 3))).shown(),
            picture(&ndarray::arr1(&[1.0])).shown(),
        ] {
            assert!(shown.text.contains("expected an image"), "{}", shown.text);
        }
    }

    #[test]
    fn pictures_are_data_addresses_with_an_alt_text() {
        let html = picture(&Array3::<u8>::zeros((3, 8, 8)))
            .title("<dark>")
            .with_box([1, 1, 4, 4], "here")
            .shown()
            .html
            .unwrap();
        assert!(html.contains("src=\"data:image/png;base64,"));
        assert!(html.contains("alt=\"&lt;dark&gt;: colour image, 8 x 8"));
        assert!(html.contains("orange box: here"));
        assert!(!html.contains("<svg"));
    }
}
