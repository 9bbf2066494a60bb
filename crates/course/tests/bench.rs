//! `cargo course bench` as a user types it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The workloads' program, where a test of the whole workspace has built it beside ours; else the
/// command builds it itself.
fn program() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_BIN_EXE_course")).with_file_name("convscope-bench");
    beside.exists().then_some(beside)
}

#[test]
fn the_quick_run_measures_a_workload_of_each_kind() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
    command.args(["bench", "--quick"]);
    if let Some(program) = program() {
        command.arg("--program").arg(program);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    for name in [
        "=== convolutions, forward",
        "conv-1x96x54-1-16-forward",
        "conv-128x1x28-3-8-both",
        "=== whole steps",
        "cnn1-inference",
        "lenet-train",
        "bench-quick.json",
    ] {
        assert!(text.contains(name), "{name} is not in {text}");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = std::fs::read(root.join("target/bench-quick.json")).unwrap();
    let results: serde_json::Value = serde_json::from_slice(&file).unwrap();
    let workloads = results["workloads"].as_array().unwrap();
    assert_eq!(workloads.len(), 4);
    for measured in workloads {
        let times = measured["times"]["convscope"].as_array().unwrap();
        assert!(times.len() >= 5, "{measured}");
        assert!(
            times.iter().all(|t| t.as_f64().unwrap() > 0.0),
            "{measured}"
        );
    }
}
