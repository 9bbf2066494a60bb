//! `scope receptive-field`: what the units of a layer see.

use crate::model::{Shape, about_node, structure};
use crate::output::print;
use anyhow::Result;
use convscope_nn::Rect;
use std::process::ExitCode;

#[derive(clap::Args)]
#[command(
    after_help = "Along each axis, unit i of a layer sees `size` pixels from `offset + i * \
    stride` on; what lies\noutside the image is padding. --effective measures how much these pixels \
    matter, by the gradient\nof the middle unit over random images, with weights drawn by He's \
    rule.\n\n\
    Examples:\n  \
    scope receptive-field alexnet_two_towers conv5 --unit 6,6\n  \
    scope receptive-field resnet18 layer2\n  \
    scope receptive-field vgg16 features.28 --effective"
)]
pub struct Args {
    /// A network of the zoo, or an .onnx file
    model: String,
    /// A node (`scope summary MODEL` lists them), or a block for its last node
    node: String,
    /// The unit in this row and column, counted from 0
    #[arg(long, value_name = "Y,X", value_parser = parse_unit)]
    unit: Option<[usize; 2]>,
    /// Measure which part of it matters
    #[arg(long)]
    effective: bool,
    /// Random images for --effective
    #[arg(long, value_name = "N", default_value_t = 20, requires = "effective",
          value_parser = clap::value_parser!(u32).range(1..))]
    images: u32,
    /// Seeds the random images and weights of --effective
    #[arg(long, value_name = "N", default_value_t = 0, requires = "effective")]
    seed: u64,
    #[command(flatten)]
    shape: Shape,
}

fn parse_unit(text: &str) -> Result<[usize; 2], String> {
    let unit = text
        .split_once(',')
        .and_then(|(y, x)| Some([y.trim().parse().ok()?, x.trim().parse().ok()?]));
    unit.ok_or_else(|| "expected a row and a column like 6,6".to_owned())
}

pub fn main(args: &Args) -> Result<ExitCode> {
    let found = structure(&args.model, &args.shape)?;
    let (network, node) = (&found.network, args.node.as_str());
    let unknown = |error| about_node(network, node, error);
    let field = network.receptive_field(node).map_err(unknown)?;
    let [height, width] = field.size;
    let [down, across] = field.stride;
    let [top, left] = field.offset;
    let mut text = format!(
        "{}, {node}\n\
         size    {height} x {width} pixels\n\
         stride  {down} x {across} pixels\n\
         offset  {top}, {left}\n",
        found.name
    );
    if let Some([y, x]) = args.unit {
        let seen = network.receptive_field_of(node, [y, x]).map_err(unknown)?;
        text += &format!("unit    {y},{x} sees {}\n", in_words(&seen));
        if let &[_, height, width] = network.input_shape() {
            let inside = seen.clipped(height, width);
            if inside != seen {
                text += &format!("        of these, in the image: {}\n", in_words(&inside));
            }
        }
    }
    if args.effective {
        let drawn = match found.entry {
            Some(entry) => args.shape.build(entry, |o| o.seed(args.seed))?,
            None => found.network.clone(),
        };
        let effective = drawn.effective_field(node, args.images as usize, args.seed)?;
        text += &format!("effective: {effective}\n");
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Rows and columns, the last ones included.
fn in_words(seen: &Rect) -> String {
    format!(
        "rows {} to {}, columns {} to {}",
        seen.top,
        seen.bottom - 1,
        seen.left,
        seen.right - 1
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_a_row_and_a_column() {
        assert_eq!(parse_unit("6,7"), Ok([6, 7]));
        assert_eq!(parse_unit("6, 7"), Ok([6, 7]));
        for wrong in ["6", "6x7", "-1,2", "a,b", ","] {
            assert!(parse_unit(wrong).is_err(), "{wrong}");
        }
    }
}
