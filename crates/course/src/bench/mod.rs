//! `cargo course bench`: how fast the engine is, on this machine, against the machine's own ceiling
//! and (with `--peers`) against PyTorch, candle and burn, which run the same workloads in turn.
//!
//! Every visit to a workload is one run that warms up and several that count; what is told is the
//! median of all that count. Nothing else should run on the machine meanwhile.

mod conversation;
mod peers;
mod results;
mod save;
mod tables;

use crate::built::built;
use crate::doctor::system;
use crate::kernel::environment::{compute_environment, forget_cargo_run};
use crate::paths::Paths;
use crate::process::{catch_interrupts, interrupted, output};
use crate::setup::stamp::write_whole;
use anyhow::{Context, Result, bail, ensure};
use conversation::{Conversation, Visit};
use results::{Measured, Memory, Results, Runner};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

#[derive(clap::Args)]
pub struct Args {
    /// Workloads, by the beginning of their names [default: all]
    names: Vec<String>,
    /// Run against PyTorch, candle and burn, installing them into .convscope/peers first
    #[arg(long)]
    peers: bool,
    /// See in seconds whether it works: five workloads, no figure to rely on
    #[arg(long, conflicts_with_all = ["names", "peers"])]
    quick: bool,
    /// Write docs/results/performance.md and its data and pictures
    #[arg(long, conflicts_with_all = ["names", "quick"])]
    save: bool,
    /// The workloads' program, if it is built already
    #[arg(long, hide = true)]
    program: Option<PathBuf>,
}

/// One of each kind, small ones.
const QUICK: [&str; 5] = [
    "conv-1x96x54-1-16-forward",
    "conv-128x1x28-3-8-both",
    "cnn1-inference",
    "lenet-train",
    "look-squeezenet-saliency",
];

/// Whose memory is compared.
const MEMORY: [&str; 2] = ["vgg16-forward", "vgg-small-train"];

/// How often everyone's turn comes.
const ROUNDS: usize = 3;

pub fn main(args: Args) -> Result<ExitCode> {
    let paths = Paths::find()?;
    catch_interrupts();
    let bench = Bench {
        program: match args.program {
            Some(program) => program,
            None => built(&paths, "convscope-bench")?,
        },
        root: paths.root.clone(),
        quick: args.quick,
    };
    let mut workloads = bench.workloads()?;
    if args.quick {
        workloads.retain(|w| QUICK.contains(&w.workload.as_str()));
    } else if !args.names.is_empty() {
        select(&mut workloads, &args.names)?;
    }
    let peers = args
        .peers
        .then(|| peers::Peers::install(&paths))
        .transpose()?;
    let results = bench.measure(workloads, peers.as_ref())?;
    for line in tables::terminal(&results) {
        println!("{line}");
    }
    let name = if args.quick { "bench-quick" } else { "bench" };
    let file = paths.root.join("target").join(format!("{name}.json"));
    write_whole(&file, &serde_json::to_vec_pretty(&results)?)?;
    println!("\nAll runs are in {}", file.display());
    if args.save {
        save::save(&paths, &results, &bench)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Keeps the workloads that a name is the beginning of.
fn select(workloads: &mut Vec<Measured>, names: &[String]) -> Result<()> {
    for name in names {
        if !workloads.iter().any(|w| w.workload.starts_with(name)) {
            let known: Vec<_> = workloads.iter().map(|w| w.workload.as_str()).collect();
            bail!(
                "no workload begins with \"{name}\"; there are: {}",
                known.join(", ")
            );
        }
    }
    workloads.retain(|w| names.iter().any(|n| w.workload.starts_with(n)));
    Ok(())
}

/// The workloads' program and how it is run.
pub struct Bench {
    program: PathBuf,
    root: PathBuf,
    quick: bool,
}

impl Bench {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        forget_cargo_run(&mut command, &self.root);
        command.envs(compute_environment()).args(arguments);
        command
    }

    /// What the program prints, line by line.
    fn lines(&self, mut command: Command) -> Result<Vec<Value>> {
        let output = command
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        ensure!(
            output.status.success(),
            "{} failed ({})",
            crate::process::said(&command),
            output.status
        );
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| serde_json::from_str(line).with_context(|| format!("not JSON: {line:?}")))
            .collect()
    }

    fn workloads(&self) -> Result<Vec<Measured>> {
        let lines = self.lines(self.command(&["list"]))?;
        let read = |value: Value| -> Result<Measured> {
            let text = |key: &str| value[key].as_str().map(str::to_owned);
            Ok(Measured {
                workload: text("workload").context("a workload without a name")?,
                table: text("table").context("a workload without a table")?,
                long: value["long"].as_bool().unwrap_or(false),
                ..Measured::default()
            })
        };
        lines.into_iter().map(read).collect()
    }

    /// What OpenBLAS reaches on all cores: in a process where nobody set it to one.
    fn ceiling(&self) -> Result<Option<f64>> {
        let mut command = self.command(&["ceiling"]);
        command.env("OPENBLAS_NUM_THREADS", system::cores().to_string());
        let lines = self.lines(command)?;
        Ok(lines.first().and_then(|line| line["best_gflops"].as_f64()))
    }

    fn measure(&self, workloads: Vec<Measured>, peers: Option<&peers::Peers>) -> Result<Results> {
        let mut results = Results {
            date: output("date", &["-u", "+%Y-%m-%d"]).unwrap_or_default(),
            machine: system::summary(),
            workloads,
            ..Results::default()
        };
        if !self.quick {
            results.ceiling_gflops = self.ceiling()?;
            results.errors = self.lines(self.command(&["errors"]))?;
        }
        if let Some(peers) = peers {
            for workload in MEMORY {
                if results.workloads.iter().any(|m| m.workload == workload) {
                    results.memory.push(Memory {
                        workload: workload.into(),
                        convscope: peak_bytes(&mut self.command(&["memory", workload]))?,
                        pytorch: peers.memory(workload)?,
                    });
                }
            }
        }
        let mut contest = Contest::new(self, peers)?;
        results.versions = contest.versions();
        let total = results.workloads.len();
        for (i, measured) in results.workloads.iter_mut().enumerate() {
            eprintln!("[{}/{total}] {}", i + 1, measured.workload);
            contest.run(measured, self.quick)?;
        }
        Ok(results)
    }
}

/// The peak memory that a process with this command tells of itself.
fn peak_bytes(command: &mut Command) -> Result<u64> {
    let said = crate::process::said(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {said}"))?;
    let answer: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{said} failed ({})", output.status))?;
    answer["peak_bytes"]
        .as_u64()
        .with_context(|| format!("{said}: this system does not tell peak memory"))
}

/// All who take turns.
struct Contest {
    ours: Conversation,
    pytorch: Option<[Conversation; 2]>,
    rust: Vec<(Runner, Conversation)>,
}

impl Contest {
    fn new(bench: &Bench, peers: Option<&peers::Peers>) -> Result<Contest> {
        Ok(Contest {
            ours: Conversation::start("Convscope", &mut bench.command(&["serve"]))?,
            pytorch: peers.map(|p| p.pytorch()).transpose()?,
            rust: match peers {
                Some(peers) => peers.candle_and_burn()?.into(),
                None => Vec::new(),
            },
        })
    }

    fn versions(&self) -> std::collections::BTreeMap<Runner, String> {
        let pytorch = self.pytorch.iter().map(|[p, _]| (Runner::Pytorch, p));
        let rust = self.rust.iter().map(|(runner, c)| (*runner, c));
        std::iter::once((Runner::Convscope, &self.ours))
            .chain(pytorch)
            .chain(rust)
            .map(|(runner, c)| (runner, c.version.clone()))
            .collect()
    }

    /// A B A B: each in turn, and again.
    fn run(&mut self, measured: &mut Measured, quick: bool) -> Result<()> {
        let convolution = measured.table.starts_with("convolutions");
        let visit = Visit {
            seconds: match (quick, convolution) {
                (true, _) => 0.0,
                (false, true) => 0.3,
                (false, false) => 0.8,
            },
            // Of what takes long, one run counts, and it is the first.
            least: match (measured.long, quick) {
                (true, _) => 0,
                (false, true) => 5,
                (false, false) => 3,
            },
        };
        let name = measured.workload.clone();
        let times = &mut measured.times;
        let mut note = |runner, new: Vec<f64>| times.entry(runner).or_default().extend(new);
        for _ in 0..if quick || measured.long { 1 } else { ROUNDS } {
            ensure!(!interrupted(), "stopped");
            let (new, multiply_adds) = self.ours.ask(&name, visit, "nchw")?;
            note(Runner::Convscope, new);
            measured.multiply_adds = multiply_adds;
            if let Some([plain, warm]) = &mut self.pytorch {
                note(Runner::Pytorch, plain.ask(&name, visit, "nchw")?.0);
                for (runner, layout) in [
                    (Runner::PytorchWarmNchw, "nchw"),
                    (Runner::PytorchWarmChannelsLast, "channels_last"),
                ] {
                    note(runner, warm.ask(&name, visit, layout)?.0);
                }
            }
            for (runner, peer) in &mut self.rust {
                if convolution {
                    note(*runner, peer.ask(&name, visit, "nchw")?.0);
                }
            }
        }
        Ok(())
    }
}

/// A file of the repository's `docs`.
fn docs(paths: &Paths, name: &str) -> PathBuf {
    paths.root.join(Path::new("docs")).join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_are_picked_by_the_beginning_of_their_names() {
        let named = |name: &str| Measured {
            workload: name.into(),
            ..Measured::default()
        };
        let all = || {
            vec![
                named("cnn1-train"),
                named("cnn2-train"),
                named("lenet-train"),
            ]
        };
        let pick = |names: &[&str]| {
            let mut found = all();
            let names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
            select(&mut found, &names).map(|()| found)
        };
        let names = |found: Vec<Measured>| {
            let names = found.into_iter().map(|m| m.workload);
            names.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(pick(&["cnn"]).unwrap()), "cnn1-train cnn2-train");
        assert_eq!(
            names(pick(&["le", "cnn2"]).unwrap()),
            "cnn2-train lenet-train"
        );
        let error = pick(&["cnn1", "vgg"]).unwrap_err().to_string();
        assert!(
            error.contains("\"vgg\"") && error.contains("lenet-train"),
            "{error}"
        );
    }
}
