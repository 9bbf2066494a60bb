//! `cargo course progress`: the points so far, notebook by notebook.
//!
//! The checks in the notebooks write a small file for each notebook; this reads them and takes the
//! possible points from the notebooks themselves.

use crate::notebook::{self, Entry, Notebook};
use crate::paths::Paths;
use crate::table;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {}

/// What a notebook's checks wrote.
#[derive(Debug, Default, Deserialize, PartialEq)]
struct Record {
    exercises: BTreeMap<String, Exercise>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Exercise {
    points: f64,
    best: f64,
    attempts: u64,
    /// RFC 3339, in UTC.
    time: String,
}

pub fn main(_args: Args) -> Result<ExitCode> {
    let paths = Paths::find()?;
    let folder = folder(&paths);
    let entries = notebook::all(&paths)?;
    let mut rows = Vec::new();
    let mut damaged = Vec::new();
    let mut begun = false;
    for entry in &entries {
        let record = match read(&folder, &entry.number) {
            Ok(record) => record,
            Err(error) => {
                damaged.push(error);
                Record::default()
            }
        };
        begun |= !record.exercises.is_empty();
        rows.push((entry, course_points(entry)?, record));
    }
    for error in &damaged {
        eprintln!("{error:#}");
    }
    if begun {
        print(&rows);
    } else if damaged.is_empty() {
        println!(
            "No points yet. `cargo course lab` opens the notebooks: begin with {}, and run its \
             check cells.",
            entries.first().map_or("the first", |e| e.stem.as_str())
        );
    }
    Ok(if damaged.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn folder(paths: &Paths) -> PathBuf {
    std::env::var_os("CONVSCOPE_PROGRESS")
        .map_or_else(|| paths.made().join("progress"), PathBuf::from)
}

/// The exercises' points by id, from the notebook that the student works in.
fn course_points(entry: &Entry) -> Result<BTreeMap<String, f64>> {
    let file = [&entry.student, &entry.solution];
    let file = file.into_iter().find(|f| f.is_file());
    let notebook = Notebook::read(file.unwrap_or(&entry.solution))?;
    let checks = notebook.cells.iter().filter_map(|c| c.grader());
    Ok(checks
        .filter(|g| g.grade)
        .filter_map(|g| Some((g.id.strip_suffix("-check")?.to_string(), g.points?)))
        .collect())
}

/// The record of a notebook, empty where nobody began it.
fn read(folder: &Path, number: &str) -> Result<Record> {
    let file = folder.join(format!("{number}.json"));
    if !file.exists() {
        return Ok(Record::default());
    }
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    let record: Record = serde_json::from_str(&text).with_context(|| {
        format!(
            "{} is damaged and was left out: remove it, and run that notebook's checks again",
            file.display()
        )
    })?;
    Ok(record)
}

fn print(rows: &[(&Entry, BTreeMap<String, f64>, Record)]) {
    let head = ["notebook", "points", "of", "exercises", "attempts", "last"];
    let mut lines = vec![head.map(String::from).to_vec()];
    let (mut points, mut most) = (0.0, 0.0);
    for (entry, possible, record) in rows {
        let row = Summary::of(possible, record);
        points += row.points;
        most += row.most;
        lines.push(row.cells(&entry.stem));
    }
    lines.push(vec![
        "in all".into(),
        points_text(points),
        points_text(most),
        String::new(),
    ]);
    for line in table::lines(&lines, &[1, 2, 4]) {
        println!("{line}");
    }
}

#[derive(Debug, Default, PartialEq)]
struct Summary {
    points: f64,
    most: f64,
    solved: usize,
    exercises: usize,
    attempts: u64,
    last: String,
}

impl Summary {
    /// The best of each exercise counts, up to what it is worth.
    fn of(possible: &BTreeMap<String, f64>, record: &Record) -> Summary {
        let mut summary = Summary {
            most: possible.values().fold(0.0, |sum, points| sum + points),
            exercises: possible.len(),
            ..Summary::default()
        };
        for (id, done) in &record.exercises {
            let Some(&max) = possible.get(id) else {
                continue;
            };
            let best = done.best.max(done.points).min(max).max(0.0);
            summary.points += best;
            summary.solved += usize::from(best == max);
            summary.attempts += done.attempts;
            summary.last = summary.last.max(done.time.clone());
        }
        summary
    }

    fn cells(&self, stem: &str) -> Vec<String> {
        let minute = self.last.get(..16).unwrap_or(&self.last).replace('T', " ");
        vec![
            stem.to_string(),
            points_text(self.points),
            points_text(self.most),
            format!("{} of {}", self.solved, self.exercises),
            self.attempts.to_string(),
            minute,
        ]
    }
}

fn points_text(points: f64) -> String {
    format!("{}", (points * 100.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notebook::testing;

    const RECORD: &str = r#"{"notebook":"01","exercises":{
        "01-a":{"points":1.0,"max":2.0,"attempts":3,"best":2.0,"passed":3,"checks":3,"time":"2026-11-21T03:00:00Z"},
        "01-b":{"points":0.5,"max":1.0,"attempts":1,"best":0.5,"passed":1,"checks":2,"time":"2026-11-22T04:05:06Z"},
        "01-gone":{"points":9.0,"max":9.0,"attempts":1,"best":9.0,"passed":1,"checks":1,"time":"2027-01-01T00:00:00Z"}}}"#;

    #[test]
    fn the_best_of_each_exercise_counts_against_the_notebooks_points() {
        let possible = [("01-a", 2.0), ("01-b", 1.0), ("01-c", 4.0)];
        let possible = possible.map(|(id, p)| (id.to_string(), p)).into();
        let record = serde_json::from_str(RECORD).unwrap();
        let summary = Summary::of(&possible, &record);
        assert_eq!(
            summary,
            Summary {
                points: 2.5,
                most: 7.0,
                solved: 1,
                exercises: 3,
                attempts: 4,
                last: "2026-11-22T04:05:06Z".into()
            }
        );
        assert_eq!(
            summary.cells("01_x"),
            ["01_x", "2.5", "7", "1 of 3", "4", "2026-11-22 04:05"]
        );
    }

    #[test]
    fn a_damaged_file_is_named_and_a_missing_one_is_empty() {
        let folder = testing::folder();
        assert_eq!(read(folder.path(), "01").unwrap(), Record::default());
        for damage in ["", "{", "[]", r#"{"exercises": {"01-a": {}}}"#] {
            std::fs::write(folder.path().join("01.json"), damage).unwrap();
            let error = format!("{:#}", read(folder.path(), "01").unwrap_err());
            assert!(error.contains("01.json is damaged"), "{error}");
        }
        std::fs::write(folder.path().join("01.json"), RECORD).unwrap();
        assert_eq!(read(folder.path(), "01").unwrap().exercises.len(), 3);
    }
}
