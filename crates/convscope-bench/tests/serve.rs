//! The measuring program does what `cargo course bench` asks of it. No figure is looked at.

use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_convscope-bench");

fn output(arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn every_kind_of_workload_is_measured_and_a_wrong_name_is_an_answer() {
    let asked = [
        "conv-1x96x54-1-16-forward",
        "conv-128x1x28-3-8-both",
        "cnn2-train",
        "lenet-inference",
        "squeezenet-saliency",
    ];
    let known: Vec<Value> = lines(&output(&["list"], ""));
    let mut input = String::new();
    for name in asked {
        assert!(known.iter().any(|line| line["workload"] == name), "{name}");
        input += &format!("{name} 0 2 nchw\n");
    }
    let answers = lines(&output(
        &["serve"],
        &(input + "conv-9 0 2\nlenet-train soon\n"),
    ));
    assert!(answers[0]["version"].is_string());
    for (name, answer) in asked.iter().zip(&answers[1..]) {
        assert_eq!(answer["workload"], *name, "{answer}");
        assert!(answer["median"].as_f64().unwrap() > 0.0);
        assert!(answer["milliseconds"].as_array().unwrap().len() >= 2);
        assert!(answer["multiply_adds"].as_u64().unwrap() > 0);
    }
    let rest = &answers[1 + asked.len()..];
    assert_eq!(rest.len(), 2);
    for answer in rest {
        assert!(answer["error"].is_string(), "{answer}");
    }
}

#[test]
fn memory_and_a_profile_are_told() {
    let memory = &lines(&output(&["memory", "lenet-inference"], ""))[0];
    assert!(memory["peak_bytes"].as_u64().unwrap() > 1 << 20);
    let profile = output(&["profile", "lenet-train", "0.2"], "");
    assert!(
        profile.contains("Conv2d") && profile.contains("(the rest)"),
        "{profile}"
    );
    let failed = Command::new(PROGRAM)
        .args(["profile", "conv-1x96x54-1-16-forward"])
        .output()
        .unwrap();
    let error = String::from_utf8(failed.stderr).unwrap();
    assert!(
        !failed.status.success() && error.contains("only whole steps"),
        "{error}"
    );
}
