//! The learning rate over time, as a curve.

use super::Plot;
use convscope_nn::Schedule;

/// Points of a curve for each epoch at least, so that stairs are steep.
const POINTS: usize = 600;

impl Plot {
    /// The learning rate that a schedule gives over so many epochs, from the optimizer's own `rate`:
    ///
    /// ```ignore
    /// Plot::new("Schedules").x_label("epoch").y_label("learning rate")
    ///     .schedule("cosine", &Cosine::new(20.0), 0.1, 20.0)
    /// ```
    pub fn schedule(self, name: &str, schedule: &dyn Schedule, rate: f64, epochs: f64) -> Plot {
        let state = schedule.start();
        let epochs = if epochs.is_finite() {
            epochs.max(0.0)
        } else {
            0.0
        };
        let times: Vec<f64> = (0..=POINTS)
            .map(|i| epochs * i as f64 / POINTS as f64)
            .collect();
        // The last moment belongs to the epochs, not to what would come after them.
        let just_before = |t: f64| t.min(epochs * (1.0 - 1e-9));
        let rates: Vec<f64> = times
            .iter()
            .map(|t| rate * schedule.factor(just_before(*t), &state))
            .collect();
        self.line(name, times, rates)
    }

    /// The same for a schedule that listens: one epoch for each loss, which it hears at its end.
    pub fn schedule_hearing(
        self,
        name: &str,
        schedule: &dyn Schedule,
        rate: f64,
        losses: &[f64],
    ) -> Plot {
        let mut state = schedule.start();
        let (mut times, mut rates) = (Vec::new(), Vec::new());
        let pieces = (POINTS / losses.len().max(1)).max(2);
        for (epoch, loss) in losses.iter().enumerate() {
            for i in 0..=pieces {
                let part = i as f64 / pieces as f64;
                let time = epoch as f64 + part.min(1.0 - 1e-9);
                times.push(epoch as f64 + part);
                rates.push(rate * schedule.factor(time, &state));
            }
            schedule.observe(*loss, &mut state);
        }
        self.line(name, times, rates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::Show;
    use convscope_nn::{Cosine, OneCycle, ReduceOnPlateau, StepDecay};

    fn ys(plot: &Plot) -> Vec<f64> {
        plot.series[0].points.iter().map(|p| p.1).collect()
    }

    #[test]
    fn a_curve_is_the_schedules_factor_times_the_rate() {
        let curve = |s: &dyn Schedule| ys(&Plot::new("").schedule("s", s, 0.1, 10.0));
        let cosine = curve(&Cosine::new(10.0));
        assert!((cosine[0] - 0.1).abs() < 1e-12 && (cosine[POINTS / 2] - 0.05).abs() < 1e-9);
        assert!(cosine[POINTS] < 1e-6);
        let stairs = curve(&StepDecay::new(5.0));
        assert!(
            (stairs[POINTS] - 0.01).abs() < 1e-9,
            "still the second stair"
        );
        let cycle = curve(&OneCycle::new(10.0));
        let top = cycle.iter().copied().fold(0.0, f64::max);
        assert!((top - 0.1).abs() < 1e-6);
    }

    #[test]
    fn a_schedule_that_listens_falls_when_the_losses_stall() {
        let plateau = ReduceOnPlateau::new(1);
        let losses = [1.0, 0.5, 0.5, 0.5, 0.5];
        let rates = ys(&Plot::new("").schedule_hearing("p", &plateau, 1.0, &losses));
        assert_eq!((rates[0], rates[rates.len() - 1]), (1.0, 0.1));
        let nothing = Plot::new("").schedule_hearing("p", &plateau, 1.0, &[]);
        assert!(nothing.shown().text.contains("nothing to show"));
    }
}
