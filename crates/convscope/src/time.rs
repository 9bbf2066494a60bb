//! How long something takes.

use crate::show::{Show, Shown};
use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Runs are repeated until they have taken this long together.
const LONG_ENOUGH: Duration = Duration::from_millis(400);
const MOST_RUNS: usize = 25;

/// The duration of several runs of one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// Each run in seconds, the shortest first.
    pub runs: Vec<f64>,
}

/// Runs `f` once to warm up and then several times (once, if it is slow), and measures each run.
///
/// `time_it(|| net.forward(&x))`
pub fn time_it<T>(mut f: impl FnMut() -> T) -> Timing {
    let mut once = || {
        let start = Instant::now();
        black_box(f());
        start.elapsed()
    };
    let first = once();
    let mut runs = Vec::new();
    // A run of a second varies little: it stands for itself.
    if first > Duration::from_secs(1) {
        runs.push(first.as_secs_f64());
    } else {
        let begin = Instant::now();
        while runs.len() < 3 || (begin.elapsed() < LONG_ENOUGH && runs.len() < MOST_RUNS) {
            runs.push(once().as_secs_f64());
        }
    }
    runs.sort_by(f64::total_cmp);
    Timing { runs }
}

impl Timing {
    /// The median run in seconds.
    pub fn seconds(&self) -> f64 {
        let n = self.runs.len();
        match n {
            0 => 0.0,
            n if n.is_multiple_of(2) => (self.runs[n / 2 - 1] + self.runs[n / 2]) / 2.0,
            n => self.runs[n / 2],
        }
    }

    /// How many times faster than `other` this is.
    pub fn speedup_over(&self, other: &Timing) -> f64 {
        other.seconds() / self.seconds().max(1e-12)
    }
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let median = duration(self.seconds());
        match &self.runs[..] {
            [] => write!(f, "no run"),
            [_] => write!(f, "{median} (one run)"),
            [first, .., last] => write!(
                f,
                "{median} (median of {} runs, {} to {})",
                self.runs.len(),
                duration(*first),
                duration(*last)
            ),
        }
    }
}

impl Show for Timing {
    fn shown(&self) -> Shown {
        Shown::text(self.to_string())
    }
}

/// Seconds with a unit that suits them.
fn duration(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s >= 1.0 => (s, "s"),
        s if s >= 1e-3 => (s * 1e3, "ms"),
        s if s >= 1e-6 => (s * 1e6, "µs"),
        s => (s * 1e9, "ns"),
    };
    let digits = match value {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_its_unit() {
        let t = Timing {
            runs: vec![0.001, 0.002, 0.5],
        };
        assert_eq!(
            t.to_string(),
            "2.00 ms (median of 3 runs, 1.00 ms to 500 ms)"
        );
        let slow = Timing { runs: vec![0.2] };
        assert_eq!(t.speedup_over(&slow).round(), 100.0);
        assert_eq!(duration(2.5e-6), "2.50 µs");
    }

    #[test]
    fn a_sleep_takes_as_long_as_it_says() {
        let t = time_it(|| std::thread::sleep(Duration::from_millis(20)));
        assert!((0.02..0.2).contains(&t.seconds()), "{t}");
        assert!(t.runs.len() >= 3);
    }
}
