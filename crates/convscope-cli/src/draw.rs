//! `scope draw`: a network's graph as a picture.

use crate::model::{Shape, about_node, structure};
use crate::output::{print, say};
use anyhow::{Context, Result};
use convscope_graph::Detail;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    scope draw googlenet -o googlenet.svg\n  \
    scope draw resnet50 --detail blocks\n  \
    scope draw inception_v3 --block Mixed_6b -o mixed.svg\n  \
    scope draw my_net.onnx --text")]
pub struct Args {
    /// A network of the zoo, or an .onnx file
    model: String,
    /// The file; its name ends in .svg [default: the model's name]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// A box for each innermost block, each layer, or every node
    #[arg(long, value_enum, default_value_t = Boxes::Layers)]
    detail: Boxes,
    /// Only what is in one block
    #[arg(long, value_name = "NAME")]
    block: Option<String>,
    /// Draw blocks that are the same one by one
    #[arg(long)]
    expand: bool,
    /// About how wide it may become, in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 1060)]
    width: usize,
    /// Print it as an indented outline instead of drawing
    #[arg(long, conflicts_with = "output")]
    text: bool,
    #[command(flatten)]
    shape: Shape,
}

#[derive(clap::ValueEnum, Clone, Copy)]
enum Boxes {
    Blocks,
    Layers,
    Nodes,
}

pub fn main(args: &Args) -> Result<ExitCode> {
    let found = structure(&args.model, &args.shape)?;
    let title = found.entry.map_or(found.name.as_str(), |entry| entry.title);
    let detail = match args.detail {
        Boxes::Blocks => Detail::Blocks,
        Boxes::Layers => Detail::Layers,
        Boxes::Nodes => Detail::Nodes,
    };
    let mut drawing = convscope_graph::draw(&found.network)
        .title(title)
        .detail(detail)
        .width(args.width);
    if args.expand {
        drawing = drawing.expand();
    }
    if let Some(block) = &args.block {
        let part = drawing.block(block);
        drawing = part.map_err(|e| about_node(&found.network, block, e))?;
    }
    if args.text {
        print(&format!("{drawing}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let path = match &args.output {
        Some(path) => path.clone(),
        None => PathBuf::from(format!("{}.svg", found.name)),
    };
    let saved = drawing.save(&path);
    saved.with_context(|| format!("cannot write {}", path.display()))?;
    say(&format!("wrote {}", path.display()));
    Ok(ExitCode::SUCCESS)
}
