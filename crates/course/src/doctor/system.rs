//! The machine: system, processor, memory.

use crate::kernel::environment::Processor;
use crate::process::output;
use convscope_progress::size;
use serde_json::{Value, json};

pub fn summary() -> Value {
    json!({
        "system": std::env::consts::OS,
        "architecture": std::env::consts::ARCH,
        "processor": processor_name(),
        "cores": cores(),
        "features": features(),
        "memory_bytes": memory().map(|(total, _)| total),
    })
}

pub fn description() -> String {
    let memory = memory().map_or_else(String::new, |(total, _)| format!(", {}", size(total)));
    format!(
        "{} {}, {} ({} cores; {}){memory}",
        std::env::consts::OS,
        std::env::consts::ARCH,
        processor_name(),
        cores(),
        features().join(", "),
    )
}

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

fn processor_name() -> String {
    let named = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        });
    named
        .or_else(|| output("sysctl", &["-n", "machdep.cpu.brand_string"]))
        .unwrap_or_else(|| "an unnamed processor".to_owned())
}

/// Those that decide how fast matrices are multiplied.
fn features() -> Vec<&'static str> {
    let mut found = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx2") {
            found.push("AVX2");
        }
        if std::is_x86_feature_detected!("fma") {
            found.push("FMA");
        }
    }
    if Processor::of_this_machine().avx512 {
        found.push("AVX-512");
    }
    if cfg!(target_arch = "aarch64") {
        found.push("NEON");
    }
    if found.is_empty() {
        found.push("no vector extensions found");
    }
    found
}

/// All memory and what is available of it, in bytes.
pub fn memory() -> Option<(u64, u64)> {
    if let Ok(text) = std::fs::read_to_string("/proc/meminfo") {
        let field = |name: &str| -> Option<u64> {
            let line = text.lines().find(|line| line.starts_with(name))?;
            let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
            Some(kilobytes * 1024)
        };
        return Some((field("MemTotal:")?, field("MemAvailable:")?));
    }
    let total = output("sysctl", &["-n", "hw.memsize"])?.parse().ok()?;
    // What macOS could free cannot be told in one number: assume it all.
    Some((total, total))
}
