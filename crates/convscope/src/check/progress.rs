//! The file that remembers a student's points, one per notebook.

use super::{About, Score};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What is known of a notebook.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) notebook: String,
    #[serde(default)]
    pub(crate) exercises: BTreeMap<String, Entry>,
}

/// What is known of an exercise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Of the last attempt.
    pub(crate) points: f64,
    pub(crate) max: f64,
    pub(crate) attempts: u32,
    pub(crate) best: f64,
    pub(crate) passed: usize,
    pub(crate) checks: usize,
    /// Of the last attempt, in UTC.
    pub(crate) time: String,
}

/// Where the files are: `CONVSCOPE_PROGRESS`, or `.convscope/progress` in the course's folder.
fn folder() -> Result<PathBuf, String> {
    #[cfg(test)]
    if let Some(folder) = tests_folder() {
        return Ok(folder);
    }
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty());
    if let Some(folder) = set("CONVSCOPE_PROGRESS") {
        return Ok(folder.into());
    }
    let home = match set("CONVSCOPE_HOME") {
        Some(home) => Some(PathBuf::from(home)),
        None => std::env::current_dir()
            .ok()
            .and_then(|cwd| course_above(&cwd)),
    };
    match home {
        Some(home) => Ok(home.join(".convscope").join("progress")),
        None => Err(
            "this notebook does not lie in the course's folder; set CONVSCOPE_PROGRESS to a \
             folder for your scores"
                .into(),
        ),
    }
}

fn course_above(start: &Path) -> Option<PathBuf> {
    start
        .ancestors()
        .find(|a| a.join("crates").join("convscope").is_dir())
        .map(Path::to_owned)
}

/// A notebook's record; an empty one when there is none yet.
pub(crate) fn read(notebook: &str) -> Result<Record, String> {
    load(&file(notebook)?).map(|(record, _)| record)
}

fn file(notebook: &str) -> Result<PathBuf, String> {
    Ok(folder()?.join(format!("{notebook}.json")))
}

/// Reads a record; one that cannot be understood is put aside, with a note.
fn load(path: &Path) -> Result<(Record, Option<String>), String> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok((Record::default(), None)),
        Err(e) => return Err(format!("cannot read {}: {e}", path.display())),
    };
    match serde_json::from_slice(&text) {
        Ok(record) => Ok((record, None)),
        Err(problem) => {
            let aside = path.with_extension("json.bad");
            let kept = match std::fs::rename(path, &aside) {
                Ok(()) => format!("it is kept as {}", aside.display()),
                Err(e) => format!("and it cannot be put aside: {e}"),
            };
            let said = format!(
                "{} could not be understood ({problem}); {kept}, and a new one is begun.",
                path.display()
            );
            Ok((Record::default(), Some(said)))
        }
    }
}

/// Adds an attempt; returns what is now known of the exercise, and what the student should be told.
pub(super) fn record(about: &About, score: &Score) -> Result<(Entry, Vec<String>), String> {
    let path = file(about.notebook())?;
    let (mut record, note) = load(&path)?;
    record.notebook = about.notebook().to_owned();
    let old = record.exercises.get(about.id).cloned().unwrap_or_default();
    let best = if old.best.is_finite() { old.best } else { 0.0 };
    let entry = Entry {
        points: score.points(),
        max: score.max(),
        attempts: old.attempts.saturating_add(1),
        best: best.max(score.points()).min(score.max()),
        passed: score.passed(),
        checks: score.checks(),
        time: now(),
    };
    record.exercises.insert(about.id.to_owned(), entry.clone());
    write(&path, &record).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    Ok((entry, note.into_iter().collect()))
}

/// Writes the whole file or nothing.
fn write(path: &Path, record: &Record) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut file, record)?;
    file.write_all(b"\n")?;
    file.persist(path)?;
    Ok(())
}

/// The time in UTC, as RFC 3339 writes it.
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    rfc3339(since.map_or(0, |d| d.as_secs()))
}

/// Seconds since 1970 as a date; the calendar is Hinnant's `civil_from_days`.
fn rfc3339(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let z = days + 719_468;
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (h, m, s) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
}

#[cfg(test)]
thread_local! {
    static FOLDER: std::cell::RefCell<Option<PathBuf>> = const { std::cell::RefCell::new(None) };
}

#[cfg(test)]
fn tests_folder() -> Option<PathBuf> {
    FOLDER.with_borrow(Clone::clone)
}

/// Runs a test with a progress folder of its own.
#[cfg(test)]
pub(crate) fn in_test_folder<T>(test: impl FnOnce() -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    FOLDER.set(Some(folder.path().to_owned()));
    let result = test();
    FOLDER.set(None);
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Exercise;
    use crate::show::Show;

    static ABOUT: About = About::new("97-file", "File", 1.0, ["", ""]);

    fn attempt(right: bool) -> Score {
        Exercise::new(&ABOUT).case("a", move || right, true).run()
    }

    #[test]
    fn dates_are_right() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_230_061, "2026-11-21T03:01:01Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
        }
    }

    #[test]
    fn attempts_are_counted_and_the_best_stays() {
        in_test_folder(|| {
            attempt(true);
            attempt(false);
            let record = read("97").unwrap();
            assert_eq!(record.notebook, "97");
            let entry = &record.exercises["97-file"];
            assert_eq!((entry.points, entry.best, entry.max), (0.0, 1.0, 1.0));
            assert_eq!((entry.attempts, entry.passed, entry.checks), (2, 0, 1));
            let files: Vec<_> = std::fs::read_dir(folder().unwrap()).unwrap().collect();
            assert_eq!(files.len(), 1, "no temporary file is left");
        });
    }

    #[test]
    fn a_corrupt_file_is_kept_aside() {
        in_test_folder(|| {
            let path = file("97").unwrap();
            for rubbish in ["{\"notebook\":", "[1, 2]", "", "\u{0}\u{1}"] {
                std::fs::write(&path, rubbish).unwrap();
                let html = attempt(true).shown().html.unwrap();
                assert!(html.contains("could not be understood"), "{html}");
                let bad = std::fs::read_to_string(path.with_extension("json.bad")).unwrap();
                assert_eq!(bad, rubbish);
                assert_eq!(read("97").unwrap().exercises["97-file"].attempts, 1);
            }
        });
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_a_note_and_no_failure() {
        let file = tempfile::NamedTempFile::new().unwrap();
        FOLDER.set(Some(file.path().join("below")));
        let shown = attempt(true).shown();
        FOLDER.set(None);
        assert_eq!(shown.text, "1");
        assert!(shown.html.unwrap().contains("could not be recorded"));
    }

    #[test]
    fn the_course_is_found_from_below() {
        let root = tempfile::tempdir().unwrap();
        let below = root.path().join("notebooks/solutions");
        std::fs::create_dir_all(&below).unwrap();
        assert_eq!(course_above(&below), None);
        std::fs::create_dir_all(root.path().join("crates/convscope")).unwrap();
        assert_eq!(course_above(&below).unwrap(), root.path());
    }
}
