//! Optimizers, schedules, and the search for a learning rate.

use super::{Show, Shown};
use crate::own_rule::OwnRule;
use crate::plot::Plot;
use convscope_nn::{
    AdaDelta, AdaMax, Adagrad, Adam, AdamW, AmsGrad, Constant, Cosine, Exponential, Momentum,
    Nadam, Nesterov, OneCycle, Optimizer, PerEpoch, RateSearch, ReduceOnPlateau, RmsProp, Schedule,
    Sgd, StepDecay, WarmUp,
};

macro_rules! described {
    ($($rule:ty),* $(,)?) => {$(
        impl Show for $rule {
            fn shown(&self) -> Shown {
                Shown::text(Optimizer::<f32>::describe(self))
            }
        }
    )*};
}

described!(
    AdaDelta, AdaMax, Adagrad, Adam, AdamW, AmsGrad, Momentum, Nadam, Nesterov, OwnRule, RmsProp,
    Sgd
);

impl Show for Box<dyn Optimizer> {
    fn shown(&self) -> Shown {
        Shown::text(self.describe())
    }
}

/// How many epochs show what a schedule does.
trait Span: Schedule {
    fn span(&self) -> f64;
}

impl Span for Constant {
    fn span(&self) -> f64 {
        10.0
    }
}

impl Span for StepDecay {
    fn span(&self) -> f64 {
        4.0 * self.every
    }
}

impl Span for Exponential {
    /// Until a hundredth is left.
    fn span(&self) -> f64 {
        let epochs = 0.01f64.ln() / self.gamma.ln();
        if epochs.is_finite() && epochs > 0.0 {
            epochs.clamp(1.0, 1000.0)
        } else {
            10.0
        }
    }
}

impl Span for Cosine {
    fn span(&self) -> f64 {
        self.length
    }
}

impl Span for OneCycle {
    fn span(&self) -> f64 {
        self.length
    }
}

impl<S: Span> Span for WarmUp<S> {
    fn span(&self) -> f64 {
        self.length + self.then.span()
    }
}

impl<S: Span> Span for PerEpoch<S> {
    fn span(&self) -> f64 {
        self.0.span()
    }
}

fn curve(schedule: &dyn Schedule, epochs: f64) -> Shown {
    frame(schedule).schedule("", schedule, 1.0, epochs).shown()
}

fn frame(schedule: &dyn Schedule) -> Plot {
    Plot::new(schedule.describe())
        .x_label("epoch")
        .y_label("share of the learning rate")
        .y_range(0.0, 1.05)
        .size(480, 280)
}

macro_rules! drawn {
    ($($schedule:ty),*) => {$(
        impl Show for $schedule {
            fn shown(&self) -> Shown {
                curve(self, self.span())
            }
        }
    )*};
}

drawn!(Constant, StepDecay, Exponential, Cosine, OneCycle);

#[allow(private_bounds)] // which schedules can be wrapped is the engine's business
impl<S: Span> Show for WarmUp<S> {
    fn shown(&self) -> Shown {
        curve(self, self.span())
    }
}

#[allow(private_bounds)]
impl<S: Span> Show for PerEpoch<S> {
    fn shown(&self) -> Shown {
        curve(self, self.span())
    }
}

impl Show for ReduceOnPlateau {
    /// What it does to a loss that falls for two epochs and never again.
    fn shown(&self) -> Shown {
        let wait = self.patience.min(1000) as usize;
        let losses: Vec<f64> = (0..4 + 3 * (wait + 1))
            .map(|epoch| 0.5f64.powi(epoch.min(2) as i32))
            .collect();
        frame(self)
            .schedule_hearing("", self, 1.0, &losses)
            .caption("After a loss that falls in the first three epochs and then stands still.")
            .shown()
    }
}

impl Show for RateSearch {
    fn shown(&self) -> Shown {
        let finite = self.smoothed.iter().copied().filter(|l| l.is_finite());
        let low = finite.clone().fold(f64::INFINITY, f64::min);
        let start = self.smoothed.first().copied().unwrap_or(1.0);
        let mut plot = Plot::new("One step at each learning rate")
            .x_label("learning rate")
            .y_label("loss of the step's batch")
            .log_x()
            .size(640, 340)
            .points("each batch", &self.rates, &self.losses)
            .line("smoothed", &self.rates, &self.smoothed);
        if low < start {
            // Where it blows up nothing is to be read; give the room to where it falls.
            let reach = start - low;
            plot = plot.y_range((low - 0.6 * reach).max(0.0), start + reach);
        }
        if let Some(rate) = self.suggestion {
            plot = plot.vertical(rate, format!("try {rate:.1e}"));
        }
        let mut shown = plot.shown();
        shown.text = format!("{self}\n{}", shown.text);
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_a_curve_over_its_own_time() {
        let cases: Vec<(Shown, &str)> = vec![
            (Constant.shown(), "constant"),
            (StepDecay::new(3.0).shown(), "times 0.1 every 3 epochs"),
            (Exponential::new(0.9).shown(), "times 0.9 per epoch"),
            (Exponential::new(1.0).shown(), "times 1 per epoch"),
            (Cosine::new(7.0).shown(), "cosine over 7 epochs"),
            (OneCycle::new(7.0).shown(), "one cycle over 7 epochs"),
            (WarmUp::new(2.0, Cosine::new(5.0)).shown(), "warm-up"),
            (PerEpoch(Cosine::new(5.0)).shown(), "once per epoch"),
            (ReduceOnPlateau::new(2).shown(), "without progress"),
        ];
        for (shown, words) in cases {
            assert!(shown.text.contains(words), "{}", shown.text);
            assert!(shown.html.unwrap().contains("<img"), "{words}");
        }
    }

    #[test]
    fn a_search_marks_its_suggestion_and_bears_having_none() {
        let mut search = RateSearch {
            rates: vec![1e-4, 1e-3, 1e-2, 1e-1],
            losses: vec![2.3, 2.0, 1.0, 9.0],
            smoothed: vec![2.3, 2.1, 1.5, 4.0],
            suggestion: Some(1e-3),
        };
        assert!(search.shown().text.starts_with("4 rates"));
        assert!(search.shown().text.contains("try 1.0e-3"));
        search.suggestion = None;
        assert!(search.shown().text.contains("did not fall"));
        for loss in &mut search.smoothed {
            *loss = f64::NAN;
        }
        assert!(search.shown().html.is_some());
    }

    #[test]
    fn an_optimizer_is_its_name_and_settings() {
        assert_eq!(Adam::new(0.01).shown().text, "Adam, learning rate 0.01");
        let boxed: Box<dyn Optimizer> = Sgd::new(0.1).into();
        assert!(boxed.shown().text.contains("0.1"));
    }
}
