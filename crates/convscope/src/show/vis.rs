//! What looking inside a network gives: maps, sheets, frames, curves.

use super::{Align, Show, Shown, Table, img, note, paragraph};
use crate::picture::Raster;
use crate::plot::Plot;
use convscope_vis::render::{Cell, Frames, Look, Painted, Shared, Sheet, Tiles, borders, heat_map};
use convscope_vis::{
    Attribution, DeletionInsertion, Filters, LayerStatistics, Provenance, Reduce, Robustness,
    Segmentation,
};
use image::RgbImage;
use ndarray::Axis;
use serde_json::Value;

/// A picture of pixels is shown at most this wide.
const WIDEST: u32 = 960;
/// Most tiles of a picture of filters.
const MOST_TILES: usize = 256;
/// Most images of a batch whose maps are shown.
const MOST: usize = 8;

/// A picture with its words below; the words alone are its plain-text twin.
pub(crate) fn pictured(picture: &RgbImage, alt: &str, words: &[String]) -> Shown {
    let text = [alt.to_owned()]
        .iter()
        .chain(words)
        .cloned()
        .collect::<Vec<_>>();
    let text = text
        .into_iter()
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n");
    let raster = Raster {
        width: picture.width() as usize,
        height: picture.height() as usize,
        rgb: picture.as_raw().clone(),
    };
    let address = raster.data_address();
    let mut html = img(&address, alt, picture.width().min(WIDEST) as usize);
    for line in words.iter().filter(|line| !line.is_empty()) {
        html.push_str(&paragraph(line));
    }
    Shown::html(format!("<div>{html}</div>"), text)
}

impl Show for Painted {
    fn shown(&self) -> Shown {
        let [low, high] = self.colours.ends();
        let words = format!(
            "{low} {:.3} to {high} {:.3}, {}",
            self.ends.low,
            self.ends.high,
            self.scale.in_words()
        );
        let factor = (256 / self.image.width().max(self.image.height()).max(1)).max(1);
        pictured(&self.clone().magnified(factor).with_bar(), &words, &[])
    }
}

impl Show for Sheet {
    fn shown(&self) -> Shown {
        pictured(&self.draw(), &self.scale_in_words(), &[])
    }
}

/// A slider, where scripts may run; a strip of frames in a notebook that is not trusted.
impl Show for Frames {
    fn shown(&self) -> Shown {
        let text = format!("{} frames", self.len());
        match self.html() {
            Ok(html) => Shown::html(html, text),
            Err(problem) => Shown::text(problem.to_string()),
        }
    }
}

impl Show for Attribution {
    fn shown(&self) -> Shown {
        let images = self.values.len_of(Axis(0)).min(MOST);
        let signed = self.values.iter().any(|&v| v < 0.0);
        let maps = self.per_pixel(Reduce::MaxAbs);
        let titles = (0..images).map(|i| {
            let class = self.classes[i].map_or(String::new(), |k| format!("class {k}: "));
            format!("{class}{:.3}", self.target_values[i])
        });
        let cells = (0..images).map(|i| Cell::map(maps.index_axis(Axis(0), i).to_owned()));
        let sheet = Sheet::new(titles)
            .row("", cells)
            .shared(Shared::Relative { percentile: 99.5 });
        let sheet = sheet.look(Look::unsigned());
        let mut words = vec![in_words(&self.provenance)];
        if signed {
            words.push("Shown: the largest absolute value of the channels.".into());
        }
        let mut shown = pictured(&sheet.draw(), &self.provenance.method, &words);
        for (i, flags) in self.flags.iter().enumerate() {
            for flag in flags {
                let words = format!("Image {i}: {flag}.");
                shown.text.push_str(&format!("\nNote. {words}"));
                if let Some(html) = &mut shown.html {
                    html.push_str(&note(&words));
                }
            }
        }
        shown
    }
}

impl Show for DeletionInsertion {
    fn shown(&self) -> Shown {
        let curve = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        let x = || self.fractions.iter().map(|&v| f64::from(v));
        let deletion = format!("deletion, area {:.3}", self.deletion_area);
        let insertion = format!("insertion, area {:.3}", self.insertion_area);
        Plot::new("The most important pixels first")
            .x_label("share of pixels taken away, or put in")
            .y_label("score")
            .line(&deletion, x(), curve(&self.deletion))
            .line(&insertion, x(), curve(&self.insertion))
            .caption("A good map: deletion falls early, insertion rises early.")
            .shown()
    }
}

impl Show for Robustness {
    fn shown(&self) -> Shown {
        let x = || self.epsilons.iter().map(|&v| f64::from(v));
        Plot::new("How little it takes")
            .x_label("epsilon")
            .y_label("share")
            .line("accuracy", x(), self.accuracy.clone())
            .line(
                "confidence when wrong",
                x(),
                self.confidence_when_wrong.clone(),
            )
            .caption(in_words(&self.provenance))
            .shown()
    }
}

impl Show for Filters {
    fn shown(&self) -> Shown {
        let all: Vec<_> = self
            .weights
            .outer_iter()
            .map(|one| one.to_owned())
            .collect();
        let tiles: Vec<_> = match self.reads_image && all.first().is_some_and(|t| t.dim().0 == 3) {
            true => all,
            // A filter's channels are shown one beside the other.
            false => all
                .iter()
                .flat_map(|filter| {
                    filter
                        .outer_iter()
                        .map(|c| c.insert_axis(Axis(0)).to_owned())
                })
                .take(MOST_TILES)
                .collect(),
        };
        match Tiles::new().arrays(&tiles) {
            Ok(painted) => {
                let ends = format!("{:.3} to {:.3}", painted.ends.low, painted.ends.high);
                pictured(&painted.image, &in_words(&self.provenance), &[ends])
            }
            Err(problem) => Shown::text(problem.to_string()),
        }
    }
}

impl Show for Segmentation {
    fn shown(&self) -> Shown {
        let shades = self.labels.mapv(|label| (label * 7919 % 97) as f32);
        let mut picture = heat_map(&shades, Look::grey()).image;
        borders(&mut picture, &self.labels, [255, 200, 0]);
        let words = format!("{} superpixels, {}", self.count, in_words(&self.provenance));
        pictured(&picture, &words, &[])
    }
}

impl Show for Vec<LayerStatistics> {
    fn shown(&self) -> Shown {
        let columns = [
            ("layer", Align::Left),
            ("units", Align::Right),
            ("dead", Align::Right),
            ("zeros", Align::Right),
            ("mean", Align::Right),
            ("spread", Align::Right),
        ];
        let mut table = Table::new(&columns);
        for row in self {
            table.row([
                row.layer.clone(),
                row.units.to_string(),
                format!("{:.1} %", 100.0 * row.dead_units),
                format!("{:.1} %", 100.0 * row.zeros),
                format!("{:.3}", row.mean),
                format!("{:.3}", row.std),
            ]);
        }
        Shown::html(table.html(""), table.text())
    }
}

impl Show for Provenance {
    fn shown(&self) -> Shown {
        Shown::text(self.to_json())
    }
}

/// A sentence about where a result comes from.
pub(crate) fn in_words(provenance: &Provenance) -> String {
    let mut words = format!("{} ({})", provenance.method, provenance.source);
    if let Some(target) = &provenance.target {
        words.push_str(&format!(", {target}"));
    }
    if let Some(layer) = &provenance.layer {
        words.push_str(&format!(", layer {layer}"));
    }
    for (name, value) in &provenance.settings {
        if let Value::Number(_) | Value::String(_) | Value::Bool(_) = value {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            words.push_str(&format!(", {} {value}", name.replace('_', " ")));
        }
    }
    words + "."
}
