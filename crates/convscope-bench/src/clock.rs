//! Timing: a warm-up, then runs until the time is used up.

use std::time::{Duration, Instant};

/// What a workload took, and how much of it there was.
#[derive(Clone, Debug)]
pub struct Timed {
    /// Of each run that counts.
    pub milliseconds: Vec<f64>,
    /// Multiplications followed by an addition, of one run, as the definition has them.
    pub multiply_adds: u64,
}

/// How long a workload is measured.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Runs go on until this is used up...
    pub time: Duration,
    /// ...but there are at least as many as this...
    pub least: usize,
}

/// ...and at most as many as this.
const MOST: usize = 200;

impl Budget {
    pub fn new(seconds: f64, least: usize) -> Budget {
        Budget {
            time: Duration::from_secs_f64(seconds.clamp(0.0, 3600.0)),
            least,
        }
    }

    /// Whether it is spent after so many runs since `start`.
    pub fn is_spent(&self, runs: usize, start: Instant) -> bool {
        runs >= MOST || (runs >= self.least && start.elapsed() >= self.time)
    }
}

/// Milliseconds of each run after the first, which warms up. Where no run is asked for at least, the
/// first is the only one, and counts: for what takes long.
pub fn measure<E>(budget: Budget, run: impl FnMut() -> Result<(), E>) -> Result<Vec<f64>, E> {
    measure_after(budget, run, || {})
}

/// The same, calling `warm` between the first run and the others.
pub fn measure_after<E>(
    budget: Budget,
    mut run: impl FnMut() -> Result<(), E>,
    warm: impl FnOnce(),
) -> Result<Vec<f64>, E> {
    let start = Instant::now();
    run()?;
    if budget.least == 0 {
        return Ok(vec![start.elapsed().as_secs_f64() * 1e3]);
    }
    warm();
    let mut times = Vec::new();
    let start = Instant::now();
    while !budget.is_spent(times.len(), start) {
        let begun = Instant::now();
        run()?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}

/// The middle value; the mean of the two in the middle of an even number; 0 of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_in_the_middle() {
        for (values, expected) in [
            (&[3.0, 1.0, 2.0][..], 2.0),
            (&[4.0, 1.0, 2.0, 100.0], 3.0),
            (&[5.0], 5.0),
            (&[], 0.0),
        ] {
            assert_eq!(median(values), expected);
        }
    }

    #[test]
    fn the_first_run_is_not_counted_and_the_least_number_is_kept_to() {
        let mut runs = 0;
        let times = measure(Budget::new(0.0, 5), || {
            runs += 1;
            Ok::<_, ()>(())
        });
        assert_eq!((runs, times.unwrap().len()), (6, 5));
        let times = measure(Budget::new(60.0, 0), || {
            runs += 1;
            Ok::<_, ()>(())
        });
        assert_eq!((runs, times.unwrap().len()), (7, 1));
        let times = measure(Budget::new(60.0, 5), || Ok::<_, ()>(()));
        assert_eq!(times.unwrap().len(), MOST);
    }
}
