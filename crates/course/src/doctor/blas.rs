//! How fast OpenBLAS is with the core that kernels use, and with the others it has.

use crate::kernel::compute_environment;
use crate::kernel::environment::{Processor, forget_cargo_run};
use crate::paths::Paths;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::Command;

const PROBE: &str = include_str!("../../py/blas_speed.py");

/// One core's speed: a matrix product of floats on one thread.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Speed {
    pub core: String,
    pub config: String,
    pub gflops: f64,
}

#[derive(Debug, Serialize)]
pub struct Blas {
    /// With the environment that kernels get.
    pub used: Speed,
    /// As the library chooses by itself.
    pub unasked: Speed,
    /// The fastest of all cores tried.
    pub best: Speed,
    pub tried: Vec<Speed>,
}

impl Blas {
    /// Speed in use over the fastest found.
    pub fn share(&self) -> f64 {
        self.used.gflops / self.best.gflops
    }
}

pub fn measure(paths: &Paths, python: &Path) -> Result<Blas> {
    let used = probe(paths, python, None)?;
    let unasked = probe(paths, python, Some(""))?;
    let mut tried = Vec::new();
    for core in cores(Processor::of_this_machine()) {
        // A core that this build of the library lacks is answered with another: skip that.
        if let Ok(speed) = probe(paths, python, Some(core))
            && speed.core.eq_ignore_ascii_case(core)
        {
            tried.push(speed);
        }
    }
    // Twice in turn, the better of two: another program's moment does not count.
    let again = probe(paths, python, None)?;
    let used = if again.gflops > used.gflops {
        again
    } else {
        used
    };
    for speed in &mut tried {
        if let Ok(again) = probe(paths, python, Some(&speed.core))
            && again.gflops > speed.gflops
        {
            *speed = again;
        }
    }
    let best = tried
        .iter()
        .chain([&used, &unasked])
        .max_by(|a, b| a.gflops.total_cmp(&b.gflops))
        .cloned()
        .unwrap_or_else(|| used.clone());
    Ok(Blas {
        used,
        unasked,
        best,
        tried,
    })
}

/// The cores worth comparing: one that the processor cannot run would crash.
fn cores(processor: Processor) -> Vec<&'static str> {
    if !cfg!(target_arch = "x86_64") {
        return Vec::new();
    }
    let mut cores = vec!["HASWELL", "ZEN"];
    if processor.avx512 {
        cores.push("SKYLAKEX");
    }
    cores
}

/// `core`: none for the kernels' environment, empty for the library's own choice.
fn probe(paths: &Paths, python: &Path, core: Option<&str>) -> Result<Speed> {
    let mut command = Command::new(python);
    command.args(["-I", "-c", PROBE]);
    forget_cargo_run(&mut command, &paths.root);
    command
        .envs(compute_environment())
        .env("OPENBLAS_NUM_THREADS", "1");
    match core {
        None => &mut command,
        Some("") => command.env_remove("OPENBLAS_CORETYPE"),
        Some(core) => command.env("OPENBLAS_CORETYPE", core),
    };
    let output = command.output().context("cannot start Python")?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(
        output.status.success(),
        "OpenBLAS's speed cannot be measured: {}",
        said.lines()
            .last()
            .unwrap_or("the probe ended without a word")
    );
    serde_json::from_slice(&output.stdout).context("the probe's answer cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_with_avx512_is_tried_only_where_it_runs() {
        let with = cores(Processor { avx512: true });
        let without = cores(Processor { avx512: false });
        assert_eq!(with.contains(&"SKYLAKEX"), cfg!(target_arch = "x86_64"));
        assert!(!without.contains(&"SKYLAKEX"));
    }
}
