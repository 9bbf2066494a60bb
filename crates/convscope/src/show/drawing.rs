//! Drawings of networks, and how much the pixels that a unit sees matter to it.

use super::{Show, Shown, img, paragraph};
use crate::picture::{heatmap, svg_address};
use convscope_graph::Drawing;
use convscope_nn::EffectiveField;

impl Show for Drawing {
    fn shown(&self) -> Shown {
        let (svg, [width, _]) = self.svg_and_size();
        let alt = format!("{}: the network's graph", self.name());
        let mut html = img(&svg_address(&svg), &alt, width as usize);
        let mut text = self.to_string();
        if !self.sentence().is_empty() {
            html.push_str(&paragraph(self.sentence()));
            text.push_str(&format!("\n{}", self.sentence()));
        }
        Shown::html(format!("<div>{html}</div>"), text)
    }
}

impl From<&EffectiveField> for crate::Picture {
    /// A heat map with the theoretical field as a box.
    fn from(field: &EffectiveField) -> crate::Picture {
        let (height, width) = field.map.dim();
        let seen = field.theoretical.clipped(height, width);
        let [top, left] = [seen.top, seen.left].map(|v| v as usize);
        let [h, w] = [seen.bottom - seen.top, seen.right - seen.left].map(|v| v as usize);
        heatmap(&field.map, &format!("What matters to {}", field.node))
            .with_box([top, left, h, w], "all that the unit can see")
            .caption(format!("{field}."))
    }
}

impl Show for EffectiveField {
    fn shown(&self) -> Shown {
        crate::Picture::from(self).shown()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_nn::{Conv2d, Network};

    fn net() -> Network {
        Network::input([1, 16, 16])
            .add("<conv>", Conv2d::new(2, 3).same())
            .add("conv2", Conv2d::new(2, 3).same())
            .build(1)
            .unwrap()
    }

    #[test]
    fn a_drawing_is_an_image_with_an_outline_for_a_twin() {
        let drawing = convscope_graph::draw(&net())
            .title("<net>")
            .caption("a < b");
        let shown = drawing.shown();
        let html = shown.html.unwrap();
        assert!(html.contains("src=\"data:image/svg+xml;base64,") && !html.contains("<svg"));
        assert!(
            html.contains("alt=\"&lt;net&gt;") && html.contains("a &lt; b"),
            "{html}"
        );
        assert!(shown.text.contains("3x3 conv, 2") && shown.text.ends_with("a < b"));
    }

    #[test]
    fn an_effective_field_is_a_heat_map_with_its_numbers() {
        let shown = net().effective_field("conv2", 2, 1).unwrap().shown();
        for words in [
            "unit (8, 8) of \"conv2\"",
            "of the 5 x 5 pixels",
            "all that the unit can see",
        ] {
            assert!(shown.text.contains(words), "{}", shown.text);
        }
        assert!(shown.html.unwrap().contains("data:image/png;base64,"));
    }
}
