//! The leaderboard.

use crate::error::{ChallengeError, Result};
use convscope_data::write_atomic;
use convscope_search::Cost;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// A submission that was scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What the network is called.
    pub name: String,
    /// Who made it.
    pub author: String,
    /// The network in a line.
    pub design: String,
    /// What it costs.
    pub cost: Cost,
    /// How it was trained.
    pub training: String,
    /// Seconds of training, as its maker says.
    pub seconds: f64,
    /// Hidden images it named rightly.
    pub right: usize,
    /// Hidden images it was shown.
    pub shown: usize,
    /// The checksum of its files.
    pub sha256: String,
    /// The hidden images it was scored on, told by a checksum of their secret.
    pub images: String,
}

impl Entry {
    /// The share of hidden images that it named rightly.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.shown.max(1) as f64
    }

    /// Where the accuracy lies with 95 % confidence (Wilson 1927): as if the hidden images were
    /// drawn anew.
    pub fn interval(&self) -> [f64; 2] {
        const Z: f64 = 1.959_964;
        let (n, p) = (self.shown.max(1) as f64, self.accuracy());
        let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        [middle - half, middle + half]
    }
}

/// Everything that was scored, in the order it came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// One entry a submission.
    pub entries: Vec<Entry>,
}

impl Board {
    /// Reads a board; an empty one where there is no file.
    ///
    /// # Errors
    /// When the file cannot be read or is no board. It is left as it is.
    pub fn read(path: impl AsRef<Path>) -> Result<Board> {
        let path = path.as_ref();
        let bytes = match std::fs::read(path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Board::default()),
            found => {
                found.map_err(|e| ChallengeError::file(path, format!("cannot be read: {e}")))?
            }
        };
        serde_json::from_slice(&bytes)
            .map_err(|e| ChallengeError::file(path, format!("is no leaderboard: {e}")))
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let json = serde_json::to_string_pretty(self).expect("names and numbers");
        write_atomic(path, json.as_bytes()).map_err(|e| ChallengeError::file(path, e))
    }

    /// Each author's best, the best first; of equal ones the cheaper, then the earlier. With it how
    /// often the author has tried: who tries often enough is lucky once.
    pub fn ranking(&self) -> Vec<(&Entry, usize)> {
        let mut best: Vec<(&Entry, usize)> = Vec::new();
        for entry in &self.entries {
            match best.iter_mut().find(|(b, _)| b.author == entry.author) {
                None => best.push((entry, 1)),
                Some((b, tries)) => {
                    *tries += 1;
                    if before(entry, b) {
                        *b = entry;
                    }
                }
            }
        }
        // (A stable sort keeps the earlier of equals first.)
        best.sort_by(|(a, _), (b, _)| order(a, b));
        best
    }
}

fn order(a: &Entry, b: &Entry) -> std::cmp::Ordering {
    let accuracy = b.accuracy().total_cmp(&a.accuracy());
    accuracy.then(a.cost.multiply_adds.cmp(&b.cost.multiply_adds))
}

fn before(a: &Entry, b: &Entry) -> bool {
    order(a, b).is_lt()
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranking = self.ranking();
        if ranking.is_empty() {
            return f.write_str("nobody has handed anything in yet");
        }
        let wide = |words: &str| words.chars().count();
        let name = |e: &Entry| format!("{}, {}", e.author, e.name);
        let width = ranking
            .iter()
            .map(|(e, _)| wide(&name(e)))
            .max()
            .unwrap_or(0);
        writeln!(
            f,
            "rank  accuracy  95 % interval  parameters  million multiply-adds  tries  {:<width$}  network",
            "who, what"
        )?;
        for (i, (entry, tries)) in ranking.iter().enumerate() {
            let [low, high] = entry.interval();
            let pad = width - wide(&name(entry));
            writeln!(
                f,
                "{:>4}  {:>8.3}  {:>5.3} to {:>5.3}  {:>10}  {:>21.2}  {:>5}  {}{}  {}",
                i + 1,
                entry.accuracy(),
                low,
                high,
                entry.cost.parameters,
                entry.cost.multiply_adds as f64 / 1e6,
                tries,
                name(entry),
                " ".repeat(pad),
                entry.design,
            )?;
        }
        Ok(())
    }
}
