//! `scope summary`: what a network consists of.

use crate::model::{Shape, structure};
use crate::output::{print, table};
use anyhow::Result;
use convscope_progress::grouped;
use convscope_zoo::{Accuracy, Entry, PUBLISHED, Quantity};
use std::process::ExitCode;

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    scope summary resnet18\n  \
    scope summary vgg16 --size 96 --classes 10\n  \
    scope summary my_net.onnx")]
pub struct Args {
    /// A network of the zoo, or an .onnx file
    model: String,
    #[command(flatten)]
    shape: Shape,
}

pub fn main(args: &Args) -> Result<ExitCode> {
    let found = structure(&args.model, &args.shape)?;
    let mut text = format!("{}\n", found.network);
    if let Some(entry) = found.entry {
        text += &format!("\n{}: {}\n", entry.title, entry.source);
        if let Some(accuracy) = &entry.accuracy {
            text += &format!("accuracy: {}\n", in_words(accuracy));
        }
        if !args.shape.is_said() {
            text += &published(entry);
        }
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// "top-1 69.76 %, top-5 89.08 % (ImageNet, validation; torchvision, IMAGENET1K_V1)".
fn in_words(accuracy: &Accuracy) -> String {
    let share = |name: &str, value: Option<f64>| value.map(|v| format!("{name} {v:.2} %"));
    let shares = [share("top-1", accuracy.top1), share("top-5", accuracy.top5)];
    let shares: Vec<String> = shares.into_iter().flatten().collect();
    format!(
        "{} ({}; {})",
        shares.join(", "),
        accuracy.on,
        accuracy.source
    )
}

/// What others have printed about it, beside what is counted here.
fn published(entry: &Entry) -> String {
    let mut rows = Vec::new();
    for figure in PUBLISHED.iter().filter(|figure| figure.name == entry.name) {
        let counted = match figure.quantity {
            Quantity::Parameters => entry.parameters as f64,
            Quantity::MultiplyAdds => entry.multiply_adds as f64,
            Quantity::Bytes => 4.0 * entry.parameters as f64,
            _ => continue,
        };
        rows.push(vec![
            format!("  {}", figure.quantity),
            grouped(figure.value as u64),
            match figure.agrees(counted) {
                true => "as counted here".to_owned(),
                false => format!("here {}", grouped(counted as u64)),
            },
            figure.source.to_owned(),
        ]);
    }
    match rows.is_empty() {
        true => String::new(),
        false => format!("published:\n{}", table(&rows, &[1])),
    }
}
