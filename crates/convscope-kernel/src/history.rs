//! What was run, for Jupyter's history requests. It lives as long as the relay.

use serde_json::{Value, json};
use std::collections::VecDeque;

const MOST: usize = 1000;
const LONGEST: usize = 64 * 1024;

/// The cells that were run, the last thousand of them.
#[derive(Default)]
pub struct History {
    cells: VecDeque<(u32, String)>,
}

impl History {
    /// Remembers a cell.
    pub fn add(&mut self, count: u32, code: &str) {
        if code.len() <= LONGEST {
            self.cells.push_back((count, code.to_owned()));
            if self.cells.len() > MOST {
                self.cells.pop_front();
            }
        }
    }

    /// The cells, the latest first.
    pub fn latest(&self) -> impl Iterator<Item = (u32, &str)> {
        self.cells
            .iter()
            .rev()
            .map(|(count, code)| (*count, code.as_str()))
    }

    /// Answers a `history_request`.
    pub fn answer(&self, request: &Value) -> Value {
        let most = request["n"]
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(MOST);
        let mut found: Vec<&(u32, String)> = match request["hist_access_type"].as_str() {
            Some("range") => {
                let bound = |name: &str, default: i64| request[name].as_i64().unwrap_or(default);
                let (start, stop) = (bound("start", 0), bound("stop", i64::MAX));
                // Only this session is known.
                let own = matches!(request["session"].as_i64(), None | Some(0 | 1));
                self.cells
                    .iter()
                    .filter(|(count, _)| own && (start..stop).contains(&i64::from(*count)))
                    .collect()
            }
            Some("search") => {
                let pattern = request["pattern"].as_str().unwrap_or("*");
                self.cells
                    .iter()
                    .filter(|(_, code)| fits(pattern, code))
                    .collect()
            }
            _ => self.cells.iter().collect(),
        };
        if request["unique"].as_bool() == Some(true) {
            let all = std::mem::take(&mut found);
            for (at, cell) in all.iter().enumerate() {
                if !all[at + 1..].iter().any(|later| later.1 == cell.1) {
                    found.push(cell);
                }
            }
        }
        let skipped = match request["hist_access_type"].as_str() {
            Some("range") => 0,
            _ => found.len().saturating_sub(most),
        };
        let output = request["output"].as_bool() == Some(true);
        let entries: Vec<Value> = found[skipped..]
            .iter()
            .map(|(count, code)| match output {
                true => json!([1, count, [code, null]]),
                false => json!([1, count, code]),
            })
            .collect();
        json!({"status": "ok", "history": entries})
    }
}

/// Whether a text fits a pattern in which `*` stands for anything and `?` for one character.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            p = at + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tail_range_and_search_find_what_was_run() {
        let mut history = History::default();
        for (count, code) in [(1, "let a = 1;"), (2, "a"), (3, "let b = 2;"), (4, "a")] {
            history.add(count, code);
        }
        let lines = |request: Value| -> Vec<u64> {
            let answer = history.answer(&request);
            let entries = answer["history"].as_array().cloned().unwrap_or_default();
            entries
                .iter()
                .filter_map(|entry| entry[1].as_u64())
                .collect()
        };
        for (request, wanted) in [
            (json!({"hist_access_type": "tail", "n": 2}), vec![3, 4]),
            (
                json!({"hist_access_type": "range", "session": 0, "start": 2, "stop": 4}),
                vec![2, 3],
            ),
            (
                json!({"hist_access_type": "range", "session": 7, "start": 2}),
                vec![],
            ),
            (
                json!({"hist_access_type": "search", "pattern": "let*"}),
                vec![1, 3],
            ),
            (
                json!({"hist_access_type": "search", "pattern": "?", "unique": true}),
                vec![4],
            ),
        ] {
            assert_eq!(lines(request.clone()), wanted, "{request}");
        }
        let answer = history.answer(&json!({"n": 1, "output": true}));
        assert_eq!(answer["history"], json!([[1, 4, ["a", null]]]));
    }

    #[test]
    fn the_oldest_cells_are_forgotten() {
        let mut history = History::default();
        for count in 0..3000 {
            history.add(count, "x");
        }
        assert_eq!(history.cells.len(), MOST);
        history.add(1, &"x".repeat(LONGEST + 1));
        assert_eq!(history.cells.back().map(|cell| cell.0), Some(2999));
    }
}
