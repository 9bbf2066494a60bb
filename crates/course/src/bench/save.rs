//! `--save`: the results as a page of the documentation, with data and pictures.

use super::results::{Results, Runner};
use super::tables::{all_summaries, markdown, memory, rows};
use super::{Bench, docs};
use crate::paths::Paths;
use crate::setup::stamp::write_whole;
use anyhow::{Result, ensure};
use serde_json::Value;

/// The page, with places for what is generated.
const PAGE: &str = include_str!("performance.md");

pub fn save(paths: &Paths, results: &Results, bench: &Bench) -> Result<()> {
    let data = docs(paths, "results/bench.json");
    write_whole(&data, &serde_json::to_vec_pretty(&results.medians())?)?;
    let page = docs(paths, "results/performance.md");
    write_whole(&page, page_text(results).as_bytes())?;
    let pictures = docs(paths, "img");
    let mut plot = bench.command(&["plot"]);
    let status = plot.arg(&data).arg(&pictures).status()?;
    ensure!(status.success(), "the pictures could not be drawn");
    println!(
        "Written: {}, {} and its pictures in {}",
        page.display(),
        data.display(),
        pictures.display()
    );
    Ok(())
}

fn page_text(results: &Results) -> String {
    let list =
        |lines: Vec<String>| -> String { lines.iter().map(|line| format!("- {line}\n")).collect() };
    let tables: String = results
        .tables()
        .into_iter()
        .map(|name| {
            let rows = rows(&results.of_table(name), results.ceiling_gflops);
            format!("### {}\n\n{}\n", capitalised(name), markdown(&rows))
        })
        .collect();
    let ceiling = results.ceiling_gflops.unwrap_or(f64::NAN);
    let parts = [
        ("{date}", results.date.clone()),
        ("{machine}", machine(&results.machine)),
        ("{versions}", versions(results)),
        ("{ceiling}", format!("{ceiling:.0}")),
        ("{summaries}", list(all_summaries(results))),
        (
            "{memory}",
            list(results.memory.iter().map(memory).collect()),
        ),
        ("{tables}", tables.trim_end().to_owned()),
        ("{errors}", markdown(&errors(&results.errors))),
    ];
    let mut text = PAGE.to_owned();
    for (place, part) in parts {
        text = text.replace(place, part.trim_end());
    }
    text
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

fn machine(machine: &Value) -> String {
    let features: Vec<&str> = machine["features"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    format!(
        "{} {}, {}, {} cores ({})",
        machine["system"].as_str().unwrap_or("?"),
        machine["architecture"].as_str().unwrap_or("?"),
        machine["processor"].as_str().unwrap_or("?"),
        machine["cores"],
        features.join(", ")
    )
}

fn versions(results: &Results) -> String {
    let name = |runner: &Runner| match runner {
        Runner::Convscope => "Convscope",
        Runner::Candle => "candle",
        Runner::Burn => "burn",
        _ => "PyTorch",
    };
    let each = results.versions.iter();
    let each = each.map(|(runner, version)| format!("{} {version}", name(runner)));
    each.collect::<Vec<_>>().join(", ")
}

/// Each convolution's three computations.
fn errors(errors: &[Value]) -> Vec<Vec<String>> {
    let head = ["shape", "forward", "input gradient", "weight gradient"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for found in errors {
        let mut row = vec![found["shape"].as_str().unwrap_or_default().to_owned()];
        for direction in ["forward", "backward_input", "backward_weight"] {
            let part = &found[direction];
            row.push(format!(
                "{} {:.1e}",
                part["method"].as_str().unwrap_or_default(),
                part["error"].as_f64().unwrap_or(f64::NAN)
            ));
        }
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::measured;
    use super::*;
    use serde_json::json;

    #[test]
    fn the_page_has_every_part_in_its_place() {
        let results = Results {
            date: "2026-01-02".into(),
            machine: json!({"system": "linux", "architecture": "x86_64", "processor": "A chip",
                "cores": 2, "features": ["AVX2"]}),
            versions: [(Runner::Burn, "0.22".to_owned())].into(),
            ceiling_gflops: Some(480.4),
            workloads: vec![measured(
                "cnn1-train",
                "whole steps",
                &[(Runner::Convscope, &[1.0]), (Runner::Pytorch, &[3.0])],
            )],
            errors: vec![json!({"shape": "conv-a",
                "forward": {"method": "Winograd4", "error": 1.5e-6},
                "backward_input": {"method": "Window", "error": 1e-7},
                "backward_weight": {"method": "Im2col", "error": 2e-7}})],
            memory: Vec::new(),
        };
        let text = page_text(&results);
        for part in [
            "2026-01-02",
            "linux x86_64, A chip, 2 cores (AVX2)",
            "burn 0.22",
            "480 GFLOP/s",
            "### Whole steps",
            "| cnn1-train | 1.00 |",
            "3.00 times as fast as PyTorch as it comes",
            "| conv-a | Winograd4 1.5e-6 | Window 1.0e-7 | Im2col 2.0e-7 |",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!text.contains('{'), "{text}");
    }
}
