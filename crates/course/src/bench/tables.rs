//! Results as tables: for a terminal, and for `docs/results/performance.md`.

use super::results::{Measured, Memory, Peer, Results, Summary, summary};
use crate::table;
use convscope_progress::size;

/// What a table must reach against a peer: its geometric mean, and the least of its ratios.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    pub mean: f64,
    pub least: f64,
}

/// The course's own demands.
pub fn bar(table: &str, peer: Peer) -> Option<Bar> {
    let of = |mean, least| Some(Bar { mean, least });
    match (table.starts_with("convolutions"), peer) {
        (true, Peer::PytorchBest) => of(2.0, 0.9),
        (true, Peer::Candle | Peer::Burn) => of(8.0, 0.0),
        (false, Peer::PytorchBest) => of(1.5, 0.9),
        _ => None,
    }
}

/// Peers that ran anything of these.
fn present(workloads: &[&Measured]) -> Vec<Peer> {
    let ran = |peer: &Peer| workloads.iter().any(|m| m.peer(*peer).is_some());
    Peer::ALL.into_iter().filter(ran).collect()
}

/// The head and a row for each workload.
pub fn rows(workloads: &[&Measured], ceiling: Option<f64>) -> Vec<Vec<String>> {
    let peers = present(workloads);
    let mut head: Vec<String> = ["workload", "ms", "GFLOP/s", "of ceiling"]
        .map(String::from)
        .to_vec();
    for peer in &peers {
        head.push(format!("{}, ms", peer.name()));
        head.push("ratio".into());
    }
    let number = |value: Option<f64>, text: fn(f64) -> String| value.map_or("".into(), text);
    let mut rows = vec![head];
    for m in workloads {
        let share = m.gflops().zip(ceiling).map(|(g, c)| g / c);
        let mut row = vec![
            m.workload.clone(),
            number(m.milliseconds(), milliseconds),
            number(m.gflops(), |g| format!("{g:.0}")),
            number(share, |s| format!("{:.0} %", 100.0 * s)),
        ];
        for peer in &peers {
            row.push(number(m.peer(*peer), milliseconds));
            row.push(number(m.ratio(*peer), |r| format!("{r:.2}")));
        }
        rows.push(row);
    }
    rows
}

fn milliseconds(ms: f64) -> String {
    match ms {
        ms if ms < 1.0 => format!("{ms:.3}"),
        ms if ms < 100.0 => format!("{ms:.2}"),
        ms => format!("{ms:.0}"),
    }
}

/// A line for each peer: mean, least, and whether that reaches the bar.
pub fn summaries(name: &str, workloads: &[&Measured]) -> Vec<String> {
    let line = |peer: Peer| {
        let found = summary(workloads, peer)?;
        Some(verdict(name, peer, &found))
    };
    Peer::ALL.into_iter().filter_map(line).collect()
}

fn verdict(name: &str, peer: Peer, found: &Summary) -> String {
    let Summary {
        mean,
        least,
        at,
        count,
    } = found;
    let mut text = format!(
        "{name}, {count} workloads: {mean:.2} times as fast as {} in the geometric mean, {least:.2} at least ({at})",
        peer.name()
    );
    if let Some(bar) = bar(name, peer) {
        text += &format!("; bar {:.1} and {:.1}: ", bar.mean, bar.least);
        text += match (*mean >= bar.mean, *least >= bar.least) {
            (true, true) => "reached",
            (true, false) => "the least MISSED",
            (false, true) => "the mean MISSED",
            (false, false) => "both MISSED",
        };
    }
    text
}

/// Everything, for a terminal.
pub fn terminal(results: &Results) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(ceiling) = results.ceiling_gflops {
        lines.push(format!(
            "The ceiling: OpenBLAS multiplies matrices at {ceiling:.0} GFLOP/s"
        ));
    }
    for name in results.tables() {
        let workloads = results.of_table(name);
        let rows = rows(&workloads, results.ceiling_gflops);
        let right: Vec<usize> = (1..rows[0].len()).collect();
        lines.extend([String::new(), format!("=== {name}")]);
        lines.extend(table::lines(&rows, &right));
    }
    lines.push(String::new());
    lines.extend(all_summaries(results));
    lines.extend(results.memory.iter().map(memory));
    lines
}

/// A table's, and all convolutions' together.
pub fn all_summaries(results: &Results) -> Vec<String> {
    let mut lines = Vec::new();
    let tables = results.tables();
    for name in &tables {
        lines.extend(summaries(name, &results.of_table(name)));
    }
    let convolutions: Vec<&str> = tables
        .into_iter()
        .filter(|t| t.starts_with("convolutions"))
        .collect();
    if convolutions.len() > 1 {
        let all: Vec<&Measured> = convolutions
            .iter()
            .flat_map(|t| results.of_table(t))
            .collect();
        lines.extend(summaries("convolutions, both tables", &all));
    }
    lines
}

pub fn memory(memory: &Memory) -> String {
    format!(
        "peak memory of {}: {}, PyTorch {}",
        memory.workload,
        size(memory.convscope),
        size(memory.pytorch)
    )
}

/// Rows as Markdown.
pub fn markdown(rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = String::new();
    if let Some((head, rest)) = rows.split_first() {
        text += &line(head);
        text += &format!("|---|{}\n", "---:|".repeat(head.len().saturating_sub(1)));
        text.extend(rest.iter().map(|row| line(row)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::results::{Runner, tests::measured};
    use super::*;

    fn example() -> Measured {
        measured(
            "cnn1-train",
            "whole steps",
            &[
                (Runner::Convscope, &[4.0]),
                (Runner::Pytorch, &[10.0]),
                (Runner::PytorchWarmNchw, &[5.0]),
            ],
        )
    }

    #[test]
    fn a_row_has_speed_share_and_a_pair_for_each_peer_that_ran() {
        let m = example();
        let rows = rows(&[&m], Some(1000.0));
        assert_eq!(
            rows[0],
            [
                "workload",
                "ms",
                "GFLOP/s",
                "of ceiling",
                "PyTorch at its best, ms",
                "ratio",
                "PyTorch as it comes, ms",
                "ratio"
            ]
        );
        assert_eq!(
            rows[1],
            [
                "cnn1-train",
                "4.00",
                "500",
                "50 %",
                "5.00",
                "1.25",
                "10.00",
                "2.50"
            ]
        );
        assert_eq!(super::rows(&[&m], None)[1][3], "");
        let text = markdown(&rows);
        assert!(text.starts_with("| workload | ms |"), "{text}");
        assert!(text.contains("\n|---|---:|---:|---:|---:|---:|---:|---:|\n| cnn1-train |"));
    }

    #[test]
    fn a_verdict_says_what_was_missed() {
        let summary = |mean, least| Summary {
            mean,
            least,
            at: "a".into(),
            count: 3,
        };
        for (mean, least, expected) in [
            (1.6, 0.95, "reached"),
            (1.6, 0.8, "the least MISSED"),
            (1.4, 0.95, "the mean MISSED"),
            (1.4, 0.8, "both MISSED"),
        ] {
            let text = verdict("whole steps", Peer::PytorchBest, &summary(mean, least));
            assert!(text.ends_with(expected), "{text}");
        }
        let text = verdict("whole steps", Peer::Pytorch, &summary(1.0, 1.0));
        assert!(text.ends_with("1.00 at least (a)"), "{text}");
    }

    #[test]
    fn convolutions_are_summed_up_over_both_tables_too() {
        let of = |table: &str, ours: f64| {
            let times: [(Runner, &[f64]); 2] =
                [(Runner::Convscope, &[ours]), (Runner::Candle, &[8.0])];
            measured(table, table, &times)
        };
        let results = Results {
            workloads: vec![
                of("convolutions, forward", 1.0),
                of("convolutions, forward and backward", 4.0),
                example(),
            ],
            ..Results::default()
        };
        let lines = all_summaries(&results);
        let both = lines.iter().find(|l| l.contains("both tables")).unwrap();
        assert!(both.contains("4.00 times as fast as candle"), "{both}");
    }
}
