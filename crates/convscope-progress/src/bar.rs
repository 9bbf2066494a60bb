use crate::html::{State, View};
use crate::relay::{self, Display};
use crate::words::{duration, grouped, rate, size};
use indicatif::{ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Where a bar is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nowhere.
    Hidden,
    /// Among a cell's outputs, changing in place.
    Notebook,
    /// A terminal's last line, on standard error.
    Terminal,
    /// Plain lines under a cell of a kernel that cannot change an output.
    Cell,
    /// Plain lines on standard error: a log.
    Log,
}

impl Place {
    fn of_this_process() -> Place {
        if relay::is_there() {
            Place::Notebook
        } else if std::env::var_os("EVCXR_IS_RUNTIME").is_some() {
            Place::Cell
        } else if io::stderr().is_terminal() {
            Place::Terminal
        } else {
            Place::Log
        }
    }

    /// At most so often is it drawn.
    fn pause(self) -> Duration {
        match self {
            Place::Notebook | Place::Terminal => Duration::from_millis(200),
            Place::Hidden | Place::Cell | Place::Log => Duration::from_secs(10),
        }
    }
}

/// What is counted.
#[derive(Clone, Debug)]
enum Unit {
    Things(String),
    Bytes,
}

/// How far long work has come: a bar, the rate, the time left, and a picture where one can be
/// shown. Threads may share it.
///
/// Work that is over within half a second shows nothing. A bar that is dropped before
/// [`finish`](ProgressBar::finish) says that its work was stopped.
///
/// ```
/// use convscope_progress::ProgressBar;
/// let bar = ProgressBar::new("sharpening", 300).unit("images");
/// for _ in 0..300 {
///     // One image.
///     bar.step(1);
/// }
/// bar.finish();
/// ```
#[derive(Debug)]
pub struct ProgressBar {
    what: String,
    unit: Unit,
    place: Place,
    patience: Duration,
    /// Keeps the numbers everywhere, and draws in a terminal.
    bar: indicatif::ProgressBar,
    begun: Instant,
    display: Display,
    shown: Mutex<Shown>,
}

#[derive(Debug, Default)]
struct Shown {
    last: Option<Instant>,
    note: String,
    picture: Option<String>,
    ended: bool,
}

impl ProgressBar {
    /// A bar over `total` steps of `what`; with a total of 0 the end is not known.
    pub fn new(what: impl Into<String>, total: u64) -> ProgressBar {
        ProgressBar::at(Place::of_this_process(), what.into(), total)
    }

    /// A bar that nobody sees.
    pub fn hidden() -> ProgressBar {
        ProgressBar::at(Place::Hidden, String::new(), 0)
    }

    fn at(place: Place, what: String, total: u64) -> ProgressBar {
        // A terminal is drawn to when there is something to say, not before.
        let bar = indicatif::ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if total > 0 {
            bar.set_length(total);
        }
        ProgressBar {
            what,
            unit: Unit::Things(String::new()),
            place,
            patience: Duration::from_millis(500),
            bar,
            begun: Instant::now(),
            display: Display::new(),
            shown: Mutex::default(),
        }
    }

    /// What is counted, in the plural: `"images"`.
    pub fn unit(mut self, unit: impl Into<String>) -> ProgressBar {
        self.unit = Unit::Things(unit.into());
        self
    }

    /// Bytes are counted.
    pub fn bytes(mut self) -> ProgressBar {
        self.unit = Unit::Bytes;
        self
    }

    /// Shown from the beginning, however short the work may be.
    pub fn at_once(mut self) -> ProgressBar {
        self.patience = Duration::ZERO;
        self
    }

    /// So many more are done.
    pub fn step(&self, more: u64) {
        self.bar.inc(more);
        self.draw_if_due();
    }

    /// So many are done in all.
    pub fn set(&self, done: u64) {
        self.bar.set_position(done);
        self.draw_if_due();
    }

    /// The work turned out to be this much.
    pub fn set_total(&self, total: u64) {
        self.bar.set_length(total);
    }

    /// So many were done before this process began, so that they do not count for the rate.
    pub fn resume(&self, done: u64) {
        self.bar.set_position(done);
        self.bar.reset_eta();
    }

    /// Whether the next step is drawn: time to make a note or a picture.
    pub fn is_due(&self) -> bool {
        if self.place == Place::Hidden {
            return false;
        }
        let last = self.lock().last;
        match last {
            Some(last) => last.elapsed() >= self.place.pause(),
            None => match self.place {
                Place::Notebook | Place::Terminal => self.begun.elapsed() >= self.patience,
                _ => self.begun.elapsed() >= self.place.pause(),
            },
        }
    }

    /// Whether it moves in place, so that plain lines need not say how far the work is.
    pub fn is_live(&self) -> bool {
        matches!(self.place, Place::Notebook | Place::Terminal)
    }

    /// Whether a picture would be seen.
    pub fn shows_pictures(&self) -> bool {
        self.place == Place::Notebook
    }

    /// How the work goes, in a few words that stand for the plain numbers from the next time it is
    /// drawn.
    pub fn note(&self, words: impl Into<String>) {
        self.lock().note = words.into();
    }

    /// An SVG to show below the bar from the next time it is drawn; it goes when the bar is
    /// finished.
    pub fn picture(&self, svg: impl Into<String>) {
        self.lock().picture = Some(svg.into());
    }

    /// A line of standard output that stays, clear of the bar.
    pub fn line(&self, text: &str) {
        self.bar.suspend(|| {
            let mut out = io::stdout().lock();
            let _ = writeln!(out, "{text}");
        });
    }

    /// The work is done; what remains says how much it was and how long it took.
    pub fn finish(&self) {
        let done = self.amount(self.bar.position());
        let seconds = self.begun.elapsed().as_secs_f64();
        self.end(State::Done, &format!("{done}in {}", duration(seconds)));
    }

    /// The work is done, and these words remain.
    pub fn finish_with(&self, words: &str) {
        self.end(State::Done, words);
    }

    /// The work was ended early, and these words remain.
    pub fn stop_with(&self, words: &str) {
        self.end(State::Stopped, words);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn share(&self) -> Option<f64> {
        let total = self.bar.length().filter(|total| *total > 0)?;
        Some((self.bar.position() as f64 / total as f64).min(1.0))
    }

    fn amount(&self, n: u64) -> String {
        match &self.unit {
            Unit::Bytes => size(n) + " ",
            Unit::Things(unit) if unit.is_empty() => grouped(n) + " ",
            Unit::Things(unit) => format!("{} {unit} ", grouped(n)),
        }
    }

    /// `1,234 of 5,000 images, 830 images/s, 4.5 s left`; a note stands for the numbers.
    fn words(&self, note: &str) -> String {
        let (done, total) = (self.bar.position(), self.bar.length());
        let mut words = vec![match (&self.unit, total) {
            _ if !note.is_empty() => note.to_owned(),
            (Unit::Bytes, Some(total)) => {
                format!("{} of {}", size(done), size(total))
            }
            (Unit::Things(unit), Some(total)) => {
                let text = format!("{} of {} {unit}", grouped(done), grouped(total));
                text.trim_end().to_owned()
            }
            _ => self.amount(done).trim_end().to_owned(),
        }];
        let per_second = self.bar.per_sec();
        if per_second > 0.0 && per_second.is_finite() {
            words.push(match &self.unit {
                Unit::Bytes => format!("{}/s", size(per_second as u64)),
                Unit::Things(unit) => format!("{} {unit}/s", rate(per_second)).replace(" /", "/"),
            });
            if total.is_some_and(|total| total > done) {
                words.push(format!("{} left", duration(self.bar.eta().as_secs_f64())));
            }
        }
        words.join(", ")
    }

    fn draw_if_due(&self) {
        if !self.is_due() {
            return;
        }
        let mut shown = self.lock();
        // Another thread may have been here between.
        let fresh = |last: Instant| last.elapsed() < self.place.pause();
        if shown.ended || shown.last.is_some_and(fresh) {
            return;
        }
        let first = shown.last.is_none();
        shown.last = Some(Instant::now());
        let words = self.words(&shown.note);
        self.draw(&shown, &words, State::Running, first);
    }

    fn draw(&self, shown: &Shown, words: &str, state: State, first: bool) {
        let view = View {
            what: &self.what,
            share: self.share(),
            words,
            state,
            picture: shown.picture.as_deref().filter(|_| state == State::Running),
        };
        match self.place {
            Place::Hidden => {}
            Place::Notebook => self.display.show(&view.html(), &view.text()),
            Place::Terminal => {
                if first {
                    self.bar.set_draw_target(ProgressDrawTarget::stderr());
                    let bar = if self.share().is_some() {
                        "[{bar:28}] "
                    } else {
                        ""
                    };
                    let style = format!("{{prefix}} {bar}{{wide_msg}}");
                    if let Ok(style) = ProgressStyle::with_template(&style) {
                        self.bar.set_style(style.progress_chars("=> "));
                    }
                    self.bar.set_prefix(self.what.clone());
                }
                self.bar.set_message(words.to_owned());
            }
            Place::Cell => {
                let _ = writeln!(io::stdout().lock(), "{}", view.text());
            }
            Place::Log => {
                let _ = writeln!(io::stderr().lock(), "{}", view.text());
            }
        }
    }

    fn end(&self, state: State, words: &str) {
        let mut shown = self.lock();
        if std::mem::replace(&mut shown.ended, true) {
            return;
        }
        match self.place {
            // Nothing was seen of short work, and nothing is to be.
            Place::Notebook if shown.last.is_some() => self.draw(&shown, words, state, false),
            Place::Cell | Place::Log if shown.last.is_some() => {
                self.draw(&shown, words, state, false);
            }
            _ => {}
        }
        self.bar.finish_and_clear();
    }
}

impl Drop for ProgressBar {
    fn drop(&mut self) {
        let seconds = duration(self.begun.elapsed().as_secs_f64());
        let done = self.amount(self.bar.position());
        self.end(State::Stopped, &format!("stopped after {done}in {seconds}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(total: u64) -> ProgressBar {
        ProgressBar::at(Place::Hidden, "work".into(), total)
    }

    #[test]
    fn numbers_have_their_unit_and_their_total_where_it_is_known() {
        let sheep = bar(1500).unit("sheep");
        sheep.set(1000);
        assert!(sheep.words("").starts_with("1,000 of 1,500 sheep"));
        assert!(sheep.words("night 3").starts_with("night 3"));
        assert!(!sheep.words("night 3").contains("1,000"));
        assert_eq!(sheep.share(), Some(2.0 / 3.0));
        let bytes = bar(0).bytes();
        bytes.set(2_500_000);
        assert!(bytes.words("").starts_with("2.5 MB"));
        assert_eq!(bytes.share(), None);
        let plain = bar(4);
        plain.step(1);
        assert!(plain.words("").starts_with("1 of 4"));
    }

    #[test]
    fn what_was_done_before_counts_for_the_share_and_not_for_the_rate() {
        let resumed = bar(1000);
        resumed.resume(900);
        assert_eq!(resumed.share(), Some(0.9));
        assert!(!resumed.words("").contains("/s"), "{}", resumed.words(""));
    }

    #[test]
    fn a_plain_line_comes_every_ten_seconds_and_no_sooner() {
        let mut bar = ProgressBar::at(Place::Cell, "work".into(), 10);
        bar.step(1);
        assert!(bar.lock().last.is_none());
        bar.begun -= Duration::from_secs(11);
        bar.step(1);
        let first = bar.lock().last;
        assert!(first.is_some());
        bar.step(1);
        assert_eq!(bar.lock().last, first);
    }

    #[test]
    fn a_bar_ends_once() {
        let bar = bar(10);
        bar.finish();
        bar.stop_with("late");
        assert!(bar.lock().ended);
    }
}
