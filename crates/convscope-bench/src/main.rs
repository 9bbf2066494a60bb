//! The workloads that `cargo course bench` measures, one JSON object a line.
//!
//! ```text
//! convscope-bench list                       the workloads, with their tables
//! convscope-bench serve                      measures what it is told, a line each: NAME SECONDS LEAST
//! convscope-bench ceiling                    OpenBLAS's matrix product on all cores
//! convscope-bench errors                     each convolution's method and error against f64
//! convscope-bench memory NAME                peak memory of three runs of one workload
//! convscope-bench profile NAME [SECONDS]     where a whole step's time goes, node by node
//! convscope-bench plot FILE FOLDER           bars of the ratios in a file of results
//! ```

mod builder;
mod clock;
mod convolution;
mod look;
mod nets;
mod plot;
mod steps;

use builder::Watch;
use clock::{Budget, Timed, measure, median};
use convolution::{SHAPES, Shape};
use look::Look;
use serde_json::{Value, json};
use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use steps::{STEPS, Step};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Something to be measured.
#[derive(Clone, Copy, Debug)]
enum Workload {
    Convolution { shape: Shape, backward: bool },
    Step(Step),
    Look(Look),
}

impl Workload {
    fn all() -> Vec<Workload> {
        let convolutions = [false, true]
            .into_iter()
            .flat_map(|backward| SHAPES.map(|shape| Workload::Convolution { shape, backward }));
        let steps = STEPS.map(Workload::Step);
        let looks = Look::all().map(Workload::Look);
        convolutions.chain(steps).chain(looks).collect()
    }

    fn find(name: &str) -> Result<Workload> {
        Workload::all()
            .into_iter()
            .find(|w| w.name() == name)
            .ok_or_else(|| format!("there is no workload \"{name}\": see `list`").into())
    }

    fn name(&self) -> String {
        match self {
            Workload::Convolution { shape, backward } => {
                let passes = if *backward { "both" } else { "forward" };
                format!("{}-{passes}", shape.name())
            }
            Workload::Step(step) => step.name.to_owned(),
            Workload::Look(look) => look.name(),
        }
    }

    fn table(&self) -> &'static str {
        match self {
            Workload::Convolution {
                backward: false, ..
            } => "convolutions, forward",
            Workload::Convolution { backward: true, .. } => "convolutions, forward and backward",
            Workload::Step(_) => "whole steps",
            Workload::Look(_) => "looking inside",
        }
    }

    fn time(&self, budget: Budget, watch: Option<&Arc<Watch>>) -> Result<Timed> {
        Ok(match self {
            Workload::Convolution { shape, backward } => {
                convolution::time(*shape, *backward, budget)
            }
            Workload::Step(step) => step.time(budget, watch)?,
            Workload::Look(look) => look.time(budget)?,
        })
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<()> {
    match *arguments {
        ["list"] => {
            for workload in Workload::all() {
                let long = matches!(workload, Workload::Look(look) if look.is_long());
                let (name, table) = (workload.name(), workload.table());
                say(&json!({"workload": name, "table": table, "long": long}));
            }
            Ok(())
        }
        ["serve"] => serve(),
        ["ceiling"] => {
            say(&ceiling());
            Ok(())
        }
        ["errors"] => {
            for shape in SHAPES {
                let found = convolution::errors(shape);
                let [forward, input, weight] = found.map(
                    |(method, error)| json!({"method": format!("{method:?}"), "error": error}),
                );
                say(&json!({
                    "shape": shape.name(),
                    "forward": forward,
                    "backward_input": input,
                    "backward_weight": weight,
                }));
            }
            Ok(())
        }
        ["memory", name] => {
            Workload::find(name)?.time(Budget::new(0.0, 3), None)?;
            say(&json!({"workload": name, "peak_bytes": peak_bytes()}));
            Ok(())
        }
        ["profile", name] => profile(name, 3.0),
        ["profile", name, seconds] => profile(name, seconds.parse()?),
        ["plot", file, folder] => plot::plot(Path::new(file), Path::new(folder)),
        _ => Err("expected list, serve, ceiling, errors, memory, profile or plot".into()),
    }
}

fn say(value: &Value) {
    println!("{value}");
    let _ = std::io::stdout().flush();
}

/// Answers each line of the input, until it ends. A workload that is not there, or fails, is an
/// answer too.
fn serve() -> Result<()> {
    say(&json!({"version": env!("CARGO_PKG_VERSION")}));
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let answer = asked(&line).and_then(|(name, budget)| {
            let timed = Workload::find(name)?.time(budget, None)?;
            Ok(json!({
                "workload": name,
                "median": median(&timed.milliseconds),
                "milliseconds": timed.milliseconds,
                "multiply_adds": timed.multiply_adds,
            }))
        });
        say(&answer.unwrap_or_else(|error| json!({"error": error.to_string()})));
    }
    Ok(())
}

fn asked(line: &str) -> Result<(&str, Budget)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match *words {
        // A peer's layout may follow; ours has one.
        [name, seconds, least, ..] => Ok((name, Budget::new(seconds.parse()?, least.parse()?))),
        _ => Err(format!("expected NAME SECONDS LEAST, got \"{line}\"").into()),
    }
}

/// What OpenBLAS reaches with as many threads as its environment lets it have, in a process in
/// which the engine has not set it to one.
fn ceiling() -> Value {
    const SIZE: usize = 2048;
    let matrix = |seed| {
        ndarray::Array2::from_shape_vec((SIZE, SIZE), convolution::numbers(SIZE * SIZE, seed))
            .expect("a square")
    };
    let (a, b) = (matrix(1), matrix(2));
    let mut c = ndarray::Array2::<f32>::zeros((SIZE, SIZE));
    let times = measure(Budget::new(2.0, 5), || {
        ndarray::linalg::general_mat_mul(1.0, &a, &b, 0.0, &mut c);
        Ok::<_, std::convert::Infallible>(())
    });
    let Ok(times) = times;
    let best = times.iter().copied().fold(f64::INFINITY, f64::min);
    let gflops = |ms: f64| 2.0 * (SIZE as f64).powi(3) / ms / 1e6;
    json!({
        "size": SIZE,
        "median": median(&times),
        "milliseconds": times,
        "gflops": gflops(median(&times)),
        "best_gflops": gflops(best),
    })
}

/// The most memory that this process has held, where the system tells.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Prints what each node of a step takes, in milliseconds a run.
fn profile(name: &str, seconds: f64) -> Result<()> {
    let Workload::Step(step) = Workload::find(name)? else {
        return Err("only whole steps have nodes".into());
    };
    let watch = Arc::new(Watch::default());
    let times = step
        .time(Budget::new(seconds, 5), Some(&watch))?
        .milliseconds;
    // Of training, the first step of every epoch is watched, but not counted.
    let runs = match step.task {
        steps::Task::Train => times.len() + (times.len() + 1) / 7,
        _ => times.len(),
    } as f64;
    // The parts are means, so the whole is, too.
    let total = times.iter().sum::<f64>() / times.len() as f64;
    let ms = |d: std::time::Duration| d.as_secs_f64() * 1e3 / runs;
    let mut known = 0.0;
    println!("{name}: {total:.3} ms a run, {} runs", times.len());
    println!("{:>9} {:>9} {:>6}", "forward", "backward", "share");
    for part in watch.parts() {
        let (forward, backward) = (ms(part.forward), ms(part.backward));
        known += forward + backward;
        println!(
            "{forward:>9.3} {backward:>9.3} {:>5.1}%  {:<28} {}",
            100.0 * (forward + backward) / total,
            part.name,
            part.kind,
        );
    }
    let rest = total - known;
    println!("{rest:>19.3} {:>5.1}%  (the rest)", 100.0 * rest / total);
    Ok(())
}
