//! What training shows: a line per epoch, and a bar with the curves so far.

use super::history::EpochRecord;
use convscope_progress::{ProgressBar, duration};
use std::sync::OnceLock;

/// How much training shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// Nothing.
    Quiet,
    /// A line per epoch on standard output.
    Epochs,
    /// A bar with the rate and the time left, and in a notebook with the curves so far; one line
    /// remains of it there.
    Bar,
    /// Both: a line per epoch, and the bar. Where neither terminal nor notebook can move a bar, a
    /// long epoch has a plain line now and then.
    #[default]
    Auto,
}

/// The curves of a training under way, against time in epochs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    /// How many epochs it will be.
    pub epochs: usize,
    /// Mean loss over a few batches, while the weights moved.
    pub loss: Vec<(f64, f64)>,
    /// Share of right answers over the same batches.
    pub accuracy: Vec<(f64, f64)>,
    /// Loss on the validation set after each epoch.
    pub valid_loss: Vec<(f64, f64)>,
    /// Accuracy on the validation set after each epoch.
    pub valid_accuracy: Vec<(f64, f64)>,
}

/// Draws curves as SVG.
pub type CurvePainter = fn(&Curves) -> String;

static PAINTER: OnceLock<CurvePainter> = OnceLock::new();

/// Says how the curves of a training under way are drawn in a notebook; the first word holds.
/// Without one there is a bar alone. This crate draws nothing itself.
pub fn set_curve_painter(painter: CurvePainter) {
    let _ = PAINTER.set(painter);
}

/// A curve has at most so many points.
const POINTS: usize = 150;

/// The display of one run.
#[derive(Debug)]
pub(super) struct Printer {
    lines: bool,
    bar: ProgressBar,
    curves: Curves,
    /// Batches in an epoch.
    batches: usize,
    /// Batches to a point of a curve.
    to_a_point: usize,
    /// Batches, loss, right answers and images since the last point.
    sums: (usize, f64, u64, u64),
}

/// A batch that was learned from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Learned {
    /// After it, in epochs.
    pub(super) time: f64,
    pub(super) loss: f64,
    pub(super) right: u64,
    pub(super) images: u64,
}

impl Printer {
    /// For a run over `epochs` of `batches` batches and `images` images each, of which `done` images
    /// were learned from before this process began.
    pub(super) fn new(
        progress: Progress,
        epochs: usize,
        batches: usize,
        images: u64,
        done: u64,
    ) -> Printer {
        let bar = match progress {
            Progress::Quiet | Progress::Epochs => ProgressBar::hidden(),
            Progress::Bar | Progress::Auto => {
                ProgressBar::new("training", epochs as u64 * images).unit("images")
            }
        };
        bar.resume(done);
        Printer {
            lines: matches!(progress, Progress::Epochs | Progress::Auto),
            bar: bar.at_once(),
            curves: Curves {
                epochs,
                ..Curves::default()
            },
            batches,
            to_a_point: (epochs * batches).div_ceil(POINTS).max(1),
            sums: (0, 0.0, 0, 0),
        }
    }

    /// The epochs of an earlier process.
    pub(super) fn earlier(&mut self, records: &[EpochRecord]) {
        for record in records {
            let at = record.epoch as f64;
            self.curves.loss.push((at - 0.5, record.train_loss));
            self.curves.accuracy.push((at - 0.5, record.train_accuracy));
            self.measured(record);
        }
    }

    pub(super) fn batch(&mut self, batch: Learned, note: impl FnOnce() -> String) {
        let (batches, loss, right, images) = &mut self.sums;
        *batches += 1;
        *loss += batch.loss;
        *right += batch.right;
        *images += batch.images;
        if *batches >= self.to_a_point {
            let n = (*images).max(1) as f64;
            // In the middle of its batches.
            let at = batch.time - 0.5 * *batches as f64 / self.batches as f64;
            self.curves.loss.push((at, *loss / n));
            self.curves.accuracy.push((at, *right as f64 / n));
            self.sums = (0, 0.0, 0, 0);
        }
        if self.bar.is_due() {
            self.bar.note(note());
            self.paint();
        }
        self.bar.step(batch.images);
    }

    fn paint(&self) {
        if let Some(painter) = PAINTER.get()
            && self.bar.shows_pictures()
            && !self.curves.loss.is_empty()
        {
            self.bar.picture(painter(&self.curves));
        }
    }

    fn measured(&mut self, record: &EpochRecord) {
        let at = record.epoch as f64;
        self.curves.valid_loss.push((at, record.valid_loss));
        self.curves.valid_accuracy.push((at, record.valid_accuracy));
    }

    /// After an epoch; `left` seconds until the last one ends.
    pub(super) fn epoch(&mut self, record: &EpochRecord, left: f64) {
        self.measured(record);
        if !self.lines {
            return;
        }
        let mut line = record.line(self.curves.epochs);
        line += &format!(", {:.0} images/s", record.images_per_second);
        if left > 0.0 && !self.bar.is_live() {
            line += &format!(", {} left", duration(left));
        }
        self.bar.line(&line);
    }

    /// Training ended as planned, or by what a callback decided.
    pub(super) fn done(&self, reason: Option<&str>, words: &str) {
        if let Some(reason) = reason.filter(|_| self.lines) {
            self.bar.line(reason);
        }
        self.bar.finish_with(words);
    }

    /// Training was stopped.
    pub(super) fn stopped(&self, reason: &str) {
        // In a notebook it stands beside the bar.
        if self.lines && !self.bar.shows_pictures() {
            self.bar.line(reason);
        }
        self.bar.stop_with(reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(time: f64, loss: f64) -> Learned {
        Learned {
            time,
            loss: 10.0 * loss,
            right: 5,
            images: 10,
        }
    }

    #[test]
    fn a_point_of_the_curve_is_the_mean_of_its_batches_in_their_middle() {
        // 3 epochs of 100 batches: two batches to a point.
        let mut printer = Printer::new(Progress::Quiet, 3, 100, 1000, 0);
        for (i, loss) in [4.0, 2.0, 1.0].into_iter().enumerate() {
            printer.batch(learned((i + 1) as f64 / 100.0, loss), String::new);
        }
        assert_eq!(printer.curves.loss, [(0.01, 3.0)]);
        assert_eq!(printer.curves.accuracy, [(0.01, 0.5)]);
    }

    #[test]
    fn a_long_run_has_no_more_points_than_can_be_seen() {
        let mut printer = Printer::new(Progress::Quiet, 10, 1000, 1000, 0);
        for i in 0..10_000 {
            printer.batch(learned(f64::from(i + 1) / 1000.0, 1.0), String::new);
        }
        let points = printer.curves.loss.len();
        assert!((POINTS / 2..=POINTS).contains(&points), "{points}");
        assert!(printer.curves.loss.is_sorted());
    }
}
