//! Draws every architecture of the zoo, to be looked at:
//! `cargo run -p convscope-graph --example drawings -- FOLDER [NAME...]`.

use convscope_graph::{Detail, draw};
use convscope_zoo::{self as zoo, Options};
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let names: Vec<String> = arguments.collect();
    for entry in zoo::entries() {
        if !names.is_empty() && !names.iter().any(|n| n == entry.name) {
            continue;
        }
        let net = entry.build(Options::new().blank())?;
        let drawing = draw(&net).title(entry.title);
        drawing.save(folder.join(format!("{}.svg", entry.name)))?;
        let blocks = drawing.clone().detail(Detail::Blocks);
        blocks.save(folder.join(format!("{}-blocks.svg", entry.name)))?;
        std::fs::write(
            folder.join(format!("{}.txt", entry.name)),
            drawing.to_string(),
        )?;
    }
    Ok(())
}
