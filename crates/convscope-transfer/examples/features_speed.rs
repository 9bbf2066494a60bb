//! Features of CIFAR-10's images through SqueezeNet at 128 pixels: images a second, in turn with
//! PyTorch in one run.
//!
//! ```text
//! CONVSCOPE_MIRROR=FOLDER cargo run -p convscope-transfer --example features_speed -- \
//!     PYTHON [IMAGES [ROUNDS]]
//! ```
//!
//! PYTHON has torch 2 and numpy. Both sides begin with the bytes of the images and end with the global
//! averages of the last fire module as an array. PyTorch's best is looked for first: both layouts of
//! memory, several sizes of batches, resizing bytes or floats, with memory that it keeps; each then has
//! its turn, and medians count.

use convscope_data::{Photo, fetched};
use convscope_transfer::{Extraction, RecordFile, Result as TransferResult, Source};
use convscope_zoo::Model;
use serde_json::Value;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const LAYER: &str = "features.12";
const SIDE: usize = 128;
const BATCHES: [usize; 5] = [8, 16, 32, 64, 128];

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let Some(python) = args.next() else {
        println!("say which Python has torch: features_speed PYTHON [IMAGES [ROUNDS]]");
        return Ok(());
    };
    let number = |text: Option<String>, usual| text.map_or(Ok(usual), |t| t.parse::<usize>());
    let (images, rounds) = (number(args.next(), 512)?, number(args.next(), 7)?);
    let records = fetched("cifar10-first4000")?.paths.remove(0);
    let weights = fetched("squeezenet1_0")?;
    if let Some(notice) = &weights.notice {
        println!("{notice}");
    }
    let model = Model::pretrained("squeezenet1_0")?;
    let extraction = Extraction::of(&model).size(SIDE).layer(LAYER).quiet();
    let all = RecordFile::open(&records)?;
    let few = First(&all, images.min(all.len()));
    let ours = || -> Result<(f64, Vec<f32>)> {
        let begun = Instant::now();
        let found = extraction.run(&few)?;
        let seconds = begun.elapsed().as_secs_f64();
        Ok((few.len() as f64 / seconds, found[0].values.row(0).to_vec()))
    };
    let mut plain = Torch::start(&python, &records, &weights.paths[0], false)?;
    let mut warm = Torch::start(&python, &records, &weights.paths[0], true)?;
    println!("PyTorch {}", plain.version);

    // Everyone's first run warms up.
    ours()?;
    let mut best = Vec::new();
    for layout in ["nchw", "channels_last"] {
        let mut ways = Vec::new();
        for resize in ["bytes", "floats"] {
            for batch in BATCHES {
                warm.ask(layout, batch, resize, few.len() / 4)?;
                let (rate, _) = warm.ask(layout, batch, resize, few.len() / 4)?;
                ways.push((rate, batch, resize));
            }
        }
        ways.sort_by(|a, b| b.0.total_cmp(&a.0));
        println!(
            "PyTorch, {layout}: best with batches of {}, resizing {}",
            ways[0].1, ways[0].2
        );
        best.push((layout, ways[0].1, ways[0].2));
    }
    plain.ask("nchw", 64, "floats", few.len())?;

    // Resized alike, to bytes, the features are alike.
    let (row, theirs) = (ours()?.1, warm.ask("nchw", 1, "bytes", 1)?.1);
    let largest = row.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    let apart = row.iter().zip(&theirs).map(|(a, b)| (a - b).abs());
    let furthest = apart.fold(0.0, f32::max) / largest;

    let mut rates: [Vec<f64>; 4] = Default::default();
    for _ in 0..rounds {
        rates[0].push(ours()?.0);
        for (k, &(layout, batch, resize)) in best.iter().enumerate() {
            rates[1 + k].push(warm.ask(layout, batch, resize, few.len())?.0);
        }
        rates[3].push(plain.ask("nchw", 64, "floats", few.len())?.0);
    }
    let medians = rates.each_ref().map(|r| median(r));
    let names = [
        "Convscope",
        "PyTorch at its best, NCHW",
        "PyTorch at its best, channels last",
        "PyTorch as it comes, batches of 64",
    ];
    println!("{} images, {rounds} rounds, images a second:", few.len());
    for ((name, rate), all) in names.iter().zip(medians).zip(&rates) {
        let ends = |a: f64, b: f64| (a.min(b), a.max(b));
        let (low, high) = all
            .iter()
            .fold((f64::MAX, 0.0), |(l, h), &r| (ends(l, r).0, ends(h, r).1));
        let ratio = medians[0] / rate;
        println!(
            "{name:36} {rate:6.0}  ({low:.0} to {high:.0})  Convscope {ratio:.2} times as fast"
        );
    }
    println!(
        "resized to bytes on both sides, features of the first image are {furthest:.1e} of the \
         largest apart"
    );
    Ok(())
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The first of some images.
struct First<'a>(&'a RecordFile, usize);

impl Source for First<'_> {
    fn name(&self) -> String {
        self.0.name()
    }
    fn len(&self) -> usize {
        self.1
    }
    fn image_name(&self, index: usize) -> String {
        self.0.image_name(index)
    }
    fn label(&self, index: usize) -> usize {
        self.0.label(index)
    }
    fn classes(&self) -> Vec<String> {
        self.0.classes()
    }
    fn open(&self, index: usize) -> TransferResult<Photo> {
        Source::open(self.0, index)
    }
}

/// The Python process.
struct Torch {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    version: String,
}

impl Torch {
    /// `warm`: memory once had is kept, so that no page is fresh.
    fn start(python: &str, records: &Path, weights: &Path, warm: bool) -> Result<Torch> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/features_speed.py");
        let mut command = Command::new(python);
        command.arg(script).arg(records).arg(weights);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        if warm {
            command.env("MALLOC_MMAP_MAX_", "0");
            command.env("MALLOC_TRIM_THRESHOLD_", "17179869184");
        }
        let mut child = command.spawn()?;
        let input = child.stdin.take().ok_or("a pipe")?;
        let output = BufReader::new(child.stdout.take().ok_or("a pipe")?);
        let version = String::new();
        let mut torch = Torch {
            child,
            input,
            output,
            version,
        };
        torch.version = torch.listen()?["version"].to_string();
        Ok(torch)
    }

    /// Images a second, and the features of the first image.
    fn ask(
        &mut self,
        layout: &str,
        batch: usize,
        resize: &str,
        count: usize,
    ) -> Result<(f64, Vec<f32>)> {
        writeln!(self.input, "{layout} {batch} {resize} 0 {count}")?;
        self.input.flush()?;
        let answer = self.listen()?;
        let seconds = answer["seconds"].as_f64().ok_or("no seconds")?;
        let first = answer["first"].as_array().into_iter().flatten();
        let first = first.filter_map(Value::as_f64).map(|v| v as f32);
        Ok((count as f64 / seconds, first.collect()))
    }

    fn listen(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        match line.is_empty() {
            true => Err("PyTorch ended without an answer".into()),
            false => Ok(serde_json::from_str(&line)?),
        }
    }
}

impl Drop for Torch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
