//! `scope convert`: weights and networks from one format to another.

use crate::model::{Choice, Shape, structure, weights};
use crate::output::{either, say};
use anyhow::{Context, Result, bail};
use convscope_nn::Network;
use convscope_weights::Weights;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(clap::Args)]
#[command(
    after_help = "IN is a file of weights (.safetensors, .pth, .npz, .h5, .keras, \
    .caffemodel), an .onnx file,\nor a network of the zoo, whose published weights are taken. OUT's \
    ending says what is written:\n.safetensors or .npz (arrays by name) or .onnx (a network, which \
    needs --arch if IN is a file\nof weights). With --arch, names and layouts become the network's: \
    Keras's and Caffe's are\ntranslated, a missing or misshapen array is an error.\n\n\
    Examples:\n  \
    scope convert weights.pth weights.safetensors\n  \
    scope convert vgg16.h5 vgg16.safetensors --arch vgg16\n  \
    scope convert mine.pth mine.onnx --arch resnet18 --classes 2\n  \
    scope convert squeezenet1_0 squeezenet.onnx\n  \
    scope convert net.onnx net.npz"
)]
pub struct Args {
    /// Weights, an .onnx file or a network of the zoo
    #[arg(value_name = "IN")]
    input: String,
    /// What to write: .safetensors, .npz or .onnx
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// The network whose weights IN holds
    #[arg(long, value_name = "NAME")]
    arch: Option<String>,
    /// Write over OUT if it exists
    #[arg(long)]
    force: bool,
    /// Fetch nothing: take what is here, or in the mirror
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    shape: Shape,
}

/// How files of weights end.
const WEIGHTS: [&str; 8] = [
    "safetensors",
    "pth",
    "pt",
    "npz",
    "npy",
    "h5",
    "keras",
    "caffemodel",
];

#[derive(Clone, Copy, PartialEq)]
enum To {
    Safetensors,
    Npz,
    Onnx,
}

/// What was read: a network, or arrays of nobody knows which.
enum Read {
    Network(Network),
    Arrays(Weights),
}

pub fn main(args: &Args) -> Result<ExitCode> {
    let to = ending(&args.output)?;
    let target = args.output.display();
    if args.output.exists() && !args.force {
        bail!("{target} exists already; --force writes over it");
    }
    let read = read(args)?;
    let written = match (to, read) {
        (To::Onnx, Read::Network(network)) => {
            convscope_onnx::write(&network, &args.output)?;
            format!("{} nodes", network.nodes().len())
        }
        (To::Onnx, Read::Arrays(_)) => bail!(
            "{} holds weights alone, and an .onnx file the network too: name it with --arch",
            args.input
        ),
        (to, Read::Network(network)) => arrays(&weights(&network)?, to, &args.output)?,
        (to, Read::Arrays(weights)) => arrays(&weights, to, &args.output)?,
    };
    say(&format!("wrote {target}: {written}"));
    Ok(ExitCode::SUCCESS)
}

fn ending(path: &Path) -> Result<To> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    match extension.to_str() {
        Some("safetensors") => Ok(To::Safetensors),
        Some("npz") => Ok(To::Npz),
        Some("onnx") => Ok(To::Onnx),
        _ => bail!(
            "{}: what is written ends in {}",
            path.display(),
            either(&[".safetensors", ".npz", ".onnx"])
        ),
    }
}

fn read(args: &Args) -> Result<Read> {
    let file = Path::new(&args.input);
    let onnx = file
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("onnx"));
    if onnx {
        if args.arch.is_some() {
            bail!("{} holds its network itself: leave out --arch", args.input);
        }
        return Ok(Read::Network(structure(&args.input, &args.shape)?.network));
    }
    if file.is_file() {
        let weights = Weights::read(file)?;
        let Some(arch) = &args.arch else {
            return Ok(Read::Arrays(weights));
        };
        let mut network = structure(arch, &args.shape)?.network;
        let loaded = convscope_zoo::load(&mut network, &weights).with_context(|| arch.clone())?;
        say(&format!(
            "{} names its arrays by {}",
            args.input, loaded.naming
        ));
        if !loaded.ignored.is_empty() {
            let count = loaded.ignored.len();
            say(&format!(
                "left out {count} arrays: {}",
                some(&loaded.ignored)
            ));
        }
        return Ok(Read::Network(network));
    }
    let extension = file.extension().and_then(|e| e.to_str());
    if extension.is_some_and(|e| WEIGHTS.contains(&e)) || file.components().count() > 1 {
        bail!("{}: there is no such file", args.input);
    }
    let choice = Choice {
        weights: None,
        shape: args.shape,
        random_weights: false,
        seed: 0,
        labels: None,
        preprocessing: None,
        offline: args.offline,
    };
    Ok(Read::Network(choice.model(&args.input)?.network))
}

fn some(names: &[String]) -> String {
    let first: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    match names.len() > first.len() {
        true => format!("{}, ..", first.join(", ")),
        false => first.join(", "),
    }
}

fn arrays(weights: &Weights, to: To, path: &Path) -> Result<String> {
    match to {
        To::Npz => weights.write_npz(path)?,
        _ => weights.write_safetensors(path)?,
    }
    Ok(format!(
        "{} arrays",
        weights.len() + weights.integers().len()
    ))
}
