//! What was measured, and the arithmetic on it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One who runs the workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Runner {
    Convscope,
    /// As it comes: NCHW, the system's allocator as it is.
    Pytorch,
    /// Free of page faults.
    PytorchWarmNchw,
    PytorchWarmChannelsLast,
    Candle,
    Burn,
}

/// Whom we compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// The better of the two layouts, free of page faults.
    PytorchBest,
    Pytorch,
    Candle,
    Burn,
}

impl Peer {
    pub const ALL: [Peer; 4] = [Peer::PytorchBest, Peer::Pytorch, Peer::Candle, Peer::Burn];

    pub fn name(self) -> &'static str {
        match self {
            Peer::PytorchBest => "PyTorch at its best",
            Peer::Pytorch => "PyTorch as it comes",
            Peer::Candle => "candle",
            Peer::Burn => "burn",
        }
    }

    fn runners(self) -> &'static [Runner] {
        match self {
            Peer::PytorchBest => &[Runner::PytorchWarmNchw, Runner::PytorchWarmChannelsLast],
            Peer::Pytorch => &[Runner::Pytorch],
            Peer::Candle => &[Runner::Candle],
            Peer::Burn => &[Runner::Burn],
        }
    }
}

/// One workload's times, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub workload: String,
    /// The table it belongs to.
    pub table: String,
    /// Whether a run takes seconds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub long: bool,
    /// Of one run, counted as the definition of a convolution has them.
    pub multiply_adds: u64,
    pub times: BTreeMap<Runner, Vec<f64>>,
}

impl Measured {
    pub fn median(&self, runner: Runner) -> Option<f64> {
        median(self.times.get(&runner)?)
    }

    /// Ours.
    pub fn milliseconds(&self) -> Option<f64> {
        self.median(Runner::Convscope)
    }

    /// Where it was counted.
    pub fn gflops(&self) -> Option<f64> {
        if self.multiply_adds == 0 {
            return None;
        }
        Some(2.0 * self.multiply_adds as f64 / self.milliseconds()? / 1e6)
    }

    pub fn peer(&self, peer: Peer) -> Option<f64> {
        let medians = peer.runners().iter().filter_map(|&r| self.median(r));
        medians.min_by(f64::total_cmp)
    }

    /// How many times as fast as the peer we are.
    pub fn ratio(&self, peer: Peer) -> Option<f64> {
        Some(self.peer(peer)? / self.milliseconds()?)
    }
}

/// Peak memory of a process that runs nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    pub workload: String,
    pub convscope: u64,
    pub pytorch: u64,
}

/// A run of the command.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    pub date: String,
    pub machine: Value,
    pub versions: BTreeMap<Runner, String>,
    /// OpenBLAS's matrix product on all cores.
    pub ceiling_gflops: Option<f64>,
    pub workloads: Vec<Measured>,
    /// Method and error against `f64` of each convolution.
    pub errors: Vec<Value>,
    pub memory: Vec<Memory>,
}

impl Results {
    /// The tables in the order of their first workload.
    pub fn tables(&self) -> Vec<&str> {
        let mut tables: Vec<&str> = Vec::new();
        for measured in &self.workloads {
            if !tables.contains(&measured.table.as_str()) {
                tables.push(&measured.table);
            }
        }
        tables
    }

    pub fn of_table(&self, table: &str) -> Vec<&Measured> {
        let all = self.workloads.iter();
        all.filter(|m| m.table == table).collect()
    }

    /// The same with each list of times reduced to its median: what is kept for good.
    pub fn medians(&self) -> Results {
        let mut reduced = self.clone();
        for measured in &mut reduced.workloads {
            for times in measured.times.values_mut() {
                let median = median(times).unwrap_or(f64::NAN);
                *times = vec![(median * 1e4).round() / 1e4];
            }
        }
        reduced
    }
}

/// Ratios put together: their geometric mean, and the least with its workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    pub mean: f64,
    pub least: f64,
    pub at: String,
    pub count: usize,
}

/// Of those workloads that the peer ran.
pub fn summary(workloads: &[&Measured], peer: Peer) -> Option<Summary> {
    let ratios: Vec<(f64, &str)> = workloads
        .iter()
        .filter_map(|m| Some((m.ratio(peer)?, m.workload.as_str())))
        .collect();
    let (least, at) = ratios.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
    let logs: f64 = ratios.iter().map(|(r, _)| r.ln()).sum();
    Some(Summary {
        mean: (logs / ratios.len() as f64).exp(),
        least: *least,
        at: (*at).to_owned(),
        count: ratios.len(),
    })
}

/// The middle value; the mean of the two in the middle of an even number.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn measured(workload: &str, table: &str, times: &[(Runner, &[f64])]) -> Measured {
        Measured {
            workload: workload.into(),
            table: table.into(),
            long: false,
            multiply_adds: 1_000_000_000,
            times: times.iter().map(|(r, t)| (*r, t.to_vec())).collect(),
        }
    }

    #[test]
    fn a_ratio_is_the_peers_median_over_ours_and_the_better_layout_counts() {
        let m = measured(
            "w",
            "t",
            &[
                (Runner::Convscope, &[3.0, 2.0, 100.0]),
                (Runner::Pytorch, &[9.0]),
                (Runner::PytorchWarmNchw, &[8.0, 4.0]),
                (Runner::PytorchWarmChannelsLast, &[4.5]),
            ],
        );
        assert_eq!(m.milliseconds(), Some(3.0));
        assert_eq!(m.ratio(Peer::Pytorch), Some(3.0));
        assert_eq!(m.ratio(Peer::PytorchBest), Some(1.5));
        assert_eq!(m.ratio(Peer::Burn), None);
        // 1e9 multiply-adds are 2e9 operations, in 3 ms.
        assert!((m.gflops().unwrap() - 2000.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_summary_is_the_geometric_mean_and_the_least_with_its_name() {
        let pair = |name, ours: f64, theirs: f64| {
            measured(
                name,
                "t",
                &[(Runner::Convscope, &[ours]), (Runner::Candle, &[theirs])],
            )
        };
        let all = [
            pair("a", 1.0, 8.0),
            pair("b", 2.0, 1.0),
            pair("c", 1.0, 2.0),
        ];
        let all: Vec<&Measured> = all.iter().collect();
        let found = summary(&all, Peer::Candle).unwrap();
        assert!((found.mean - 2.0).abs() < 1e-12, "{found:?}");
        assert_eq!((found.least, found.at.as_str(), found.count), (0.5, "b", 3));
        assert_eq!(summary(&all, Peer::Burn), None);
        assert_eq!(summary(&[], Peer::Candle), None);
    }

    #[test]
    fn results_survive_a_file_and_are_kept_as_medians() {
        let results = Results {
            date: "2026-01-01".into(),
            workloads: vec![
                measured("a", "one", &[(Runner::Convscope, &[1.0, 2.00004, 3.0])]),
                measured("b", "two", &[(Runner::PytorchWarmNchw, &[5.0, 7.0])]),
                measured("c", "one", &[]),
            ],
            ..Results::default()
        };
        let text = serde_json::to_string(&results).unwrap();
        assert_eq!(serde_json::from_str::<Results>(&text).unwrap(), results);
        assert_eq!(results.tables(), ["one", "two"]);
        assert_eq!(results.of_table("one").len(), 2);
        let kept = results.medians();
        assert_eq!(kept.workloads[0].times[&Runner::Convscope], [2.0]);
        assert_eq!(kept.workloads[1].times[&Runner::PytorchWarmNchw], [6.0]);
    }
}
