//! What training prints: a line per epoch, and on a terminal how far the epoch has come.

use super::history::EpochRecord;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How much training prints on standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// Nothing.
    Quiet,
    /// A line per epoch.
    Epochs,
    /// A line per epoch, and one that is written over within the epoch.
    Batches,
    /// [`Batches`](Progress::Batches) on a terminal, else [`Epochs`](Progress::Epochs).
    #[default]
    Auto,
}

/// At most so often is the line within an epoch written.
const PAUSE: Duration = Duration::from_millis(200);

/// The printer of one run.
#[derive(Debug)]
pub(super) struct Printer {
    epochs: usize,
    lines: bool,
    within: bool,
    last: Option<Instant>,
    /// Characters of the line within the epoch that stand there now.
    drawn: usize,
}

impl Printer {
    pub(super) fn new(progress: Progress, epochs: usize) -> Printer {
        let within = match progress {
            Progress::Quiet | Progress::Epochs => false,
            Progress::Batches => true,
            Progress::Auto => io::stdout().is_terminal(),
        };
        Printer {
            epochs,
            lines: progress != Progress::Quiet,
            within,
            last: None,
            drawn: 0,
        }
    }

    /// After a batch: `rate` in images a second, `left` seconds until the epoch ends.
    pub(super) fn batch(
        &mut self,
        (epoch, batch, of): (usize, usize, usize),
        rate: f64,
        left: f64,
    ) {
        if !self.within || self.last.is_some_and(|last| last.elapsed() < PAUSE) {
            return;
        }
        self.last = Some(Instant::now());
        let line = format!(
            "epoch {epoch}/{}  batch {batch}/{of}  {rate:.0} images/s  {} left in this epoch",
            self.epochs,
            time(left)
        );
        let spaces = self.drawn.saturating_sub(line.len());
        print!("\r{line}{:spaces$}", "");
        let _ = io::stdout().flush();
        self.drawn = line.len();
    }

    /// After an epoch; `left` seconds until the last one ends.
    pub(super) fn epoch(&mut self, record: &EpochRecord, left: f64) {
        self.clear();
        if !self.lines {
            return;
        }
        let mut line = record.line(self.epochs);
        line += &format!(", {:.0} images/s", record.images_per_second);
        if left > 0.0 {
            line += &format!(", {} left", time(left));
        }
        println!("{line}");
    }

    /// A line of its own, e.g. why training ends.
    pub(super) fn say(&mut self, line: &str) {
        self.clear();
        if self.lines {
            println!("{line}");
        }
    }

    fn clear(&mut self) {
        if self.drawn > 0 {
            print!("\r{:width$}\r", "", width = self.drawn);
            let _ = io::stdout().flush();
            self.drawn = 0;
        }
    }
}

/// `12.3 s`, `4 min 5 s`, `2 h 7 min`.
pub(super) fn time(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..=59 => format!("{seconds:.1} s"),
        60..=3599 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_the_units_a_person_would_use() {
        for (seconds, text) in [
            (0.04, "0.0 s"),
            (12.34, "12.3 s"),
            (59.4, "59.4 s"),
            (59.6, "1 min 0 s"),
            (245.0, "4 min 5 s"),
            (7641.0, "2 h 7 min"),
        ] {
            assert_eq!(time(seconds), text);
        }
    }
}
