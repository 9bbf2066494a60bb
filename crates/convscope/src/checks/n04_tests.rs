//! Every check of notebook 04: the right answer passes, typical mistakes are named, and what is not
//! written yet is said kindly.

use super::*;
use crate::checks::testing::{UNWRITTEN, judge};

type Step1 = fn(f64, f64, f64, f64) -> (f64, f64);
type Step2 = fn(f64, f64, f64, f64, f64, i32) -> (f64, f64, f64);

#[test]
fn the_steep_direction_sets_the_rate() {
    let right: fn() -> [f64; 2] = || [2.0 / 40.0, 1.0 - 2.0 / 40.0];
    judge(
        stable_rate,
        right,
        &[
            (|| [0.025, 0.975], "still comes nearer"),
            (|| [2.0, -1.0], "stricter"),
            (|| [0.05, 0.05], "how much is left"),
            (|| [f64::NAN, 0.95], "NaN"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn momentum_gathers_and_the_first_step_that_differs_is_shown() {
    let right: Step1 = |r, w, g, v| {
        let v = 0.9 * v + g;
        (w - r * v, v)
    };
    let wrong: [(Step1, &str); 9] = [
        (|r, w, g, v| (w - r * g, v), "That is plain descent"),
        (
            |r, w, g, v| (w - r * (0.9 * v + g), v),
            "That is plain descent",
        ),
        (
            |r, w, g, v| {
                let v = 0.9 * v + g;
                (w + r * v, v)
            },
            "minus, not plus",
        ),
        (
            |r, w, g, v| {
                let v = 0.9 * v + g;
                (w - r * (g + 0.9 * v), v)
            },
            "Nesterov",
        ),
        (|r, w, g, v| (w - r * v, 0.9 * v + g), "old velocity"),
        (
            |r, w, g, v| {
                let v = 0.9 * v + 0.1 * g;
                (w - r * v, v)
            },
            "the whole gradient joins",
        ),
        (|r, w, g, v| (w - r * (v + g), v + g), "multiplied by 0.9"),
        (
            |r, w, g, v| {
                let v = 0.8 * v + g;
                (w - r * v, v)
            },
            "step 2 is the first that differs. From w = 0.800000 with gradient 2.0000: expected",
        ),
        (|_, _, _, _| todo!(), UNWRITTEN),
    ];
    judge(momentum, right, &wrong);
}

#[test]
fn sutskevers_velocity_is_as_good() {
    let other: Step1 = |r, w, g, v| {
        let v = 0.9 * v - r * g;
        (w + v, v)
    };
    judge(momentum, other, &[]);
}

#[test]
fn adagrad_sums_squares() {
    let right: Step1 = |r, w, g, s| {
        let s = s + g * g;
        (w - r * g / (s.sqrt() + 1e-8), s)
    };
    let wrong: [(Step1, &str); 7] = [
        (
            |r, w, g, s| {
                let s = s + g * g;
                (w - r * g / (s + 1e-8), s)
            },
            "The root is missing",
        ),
        (
            |r, w, g, s| (w - r * g / ((s + g * g).sqrt() + 1e-8), s),
            "forgotten",
        ),
        (
            |r, w, g, s| {
                let s = s + g * g;
                (w - r * g / s.sqrt(), s)
            },
            "where is epsilon",
        ),
        (
            |r, w, g, s| (w - r * g / (s.sqrt() + 1e-8), s + g * g),
            "before the division",
        ),
        (
            |r, w, g, s| {
                let s = s + g.abs();
                (w - r * g / (s.sqrt() + 1e-8), s)
            },
            "squared",
        ),
        (
            |r, w, g, s| {
                let s = 0.9 * s + 0.1 * g * g;
                (w - r * g / (s.sqrt() + 1e-8), s)
            },
            "RMSprop's idea",
        ),
        (|_, _, _, _| todo!(), UNWRITTEN),
    ];
    judge(adagrad, right, &wrong);
}

#[test]
fn rmsprop_divides_by_the_root_of_a_mean() {
    let right: Step1 = |r, w, g, s| {
        let s = 0.9 * s + 0.1 * g * g;
        (w - r * g / (s.sqrt() + 1e-8), s)
    };
    let wrong: [(Step1, &str); 7] = [
        (
            |r, w, g, s| {
                let s = 0.9 * s + 0.1 * g * g;
                (w - r * g / (s + 1e-8), s)
            },
            "The root is missing",
        ),
        (
            |r, w, g, s| {
                let s = 0.1 * s + 0.9 * g * g;
                (w - r * g / (s.sqrt() + 1e-8), s)
            },
            "the other way round",
        ),
        (
            |r, w, g, s| {
                let s = 0.9 * s + g * g;
                (w - r * g / (s.sqrt() + 1e-8), s)
            },
            "a sum that fades",
        ),
        (
            |r, w, g, s| {
                let s = s + g * g;
                (w - r * g / (s.sqrt() + 1e-8), s)
            },
            "That is Adagrad",
        ),
        (
            |r, w, g, s| (w - r * g / ((0.9 * s + 0.1 * g * g).sqrt() + 1e-8), s),
            "return the new s",
        ),
        (
            |r, w, g, s| {
                let s = 0.9 * s + 0.1 * g * g;
                (w - r * g / s.sqrt(), s)
            },
            "where is epsilon",
        ),
        (|_, _, _, _| todo!(), UNWRITTEN),
    ];
    judge(rmsprop, right, &wrong);
}

#[test]
fn adam_corrects_both_means_and_keeps_them_uncorrected() {
    let right: Step2 = |r, w, g, m, v, t| {
        let m = 0.9 * m + 0.1 * g;
        let v = 0.999 * v + 0.001 * g * g;
        let mh = m / (1.0 - 0.9f64.powi(t));
        let vh = v / (1.0 - 0.999f64.powi(t));
        (w - r * mh / (vh.sqrt() + 1e-8), m, v)
    };
    let wrong: [(Step2, &str); 9] = [
        (
            |r, w, g, m, v, _| {
                let [m, v] = means(g, m, v);
                (w - r * m / (v.sqrt() + 1e-8), m, v)
            },
            "Both corrections",
        ),
        (
            |r, w, g, m, v, t| {
                let ([m, v], [cm, cv]) = (means(g, m, v), corrections(t));
                (w - r * m / cm / (v / cv + 1e-8), m, v)
            },
            "The root is missing",
        ),
        (
            |r, w, g, m, v, t| {
                let ([m, v], [cm, _]) = (means(g, m, v), corrections(t));
                (w - r * m / cm / (v.sqrt() + 1e-8), m, v)
            },
            "correction of v",
        ),
        (
            |r, w, g, m, v, t| {
                let ([m, v], [_, cv]) = (means(g, m, v), corrections(t));
                (w - r * m / ((v / cv).sqrt() + 1e-8), m, v)
            },
            "correction of m",
        ),
        (
            |r, w, g, m, v, t| {
                let ([m, v], [cm, cv]) = (means(g, m, v), corrections(t));
                (w - r * m / cm / ((v / cv).sqrt() + 1e-8), m / cm, v / cv)
            },
            "again and again",
        ),
        (
            |r, w, g, m, v, t| {
                let ([m, v], [_, cv]) = (means(g, m, v), corrections(t));
                (w - r * g / ((v / cv).sqrt() + 1e-8), m, v)
            },
            "along m, not along g",
        ),
        (
            |r, w, g, m, v, t| (course_adam(r, w, g, m, v, t).0, m, v),
            "must be returned",
        ),
        (
            |r, w, g, m, v, t| course_adam(r, w, g, m, v, t - 1),
            "step 1 is the first that differs",
        ),
        (|_, _, _, _, _, _| todo!(), UNWRITTEN),
    ];
    judge(adam, right, &wrong);
}

#[test]
fn a_rule_that_is_not_ready_is_replaced_and_a_ready_one_runs() {
    let walk = |rule: OwnRule| {
        let mut w: Tensor<f64> = arr1(&[1.0, -2.0]).into_dyn();
        let mut state = rule.start(&w);
        for _ in 0..5 {
            let g = w.mapv(|v| 3.0 * v);
            rule.step(0.1, &mut w, &g, &mut state);
        }
        w
    };
    let near = |a: OwnRule, b: OwnRule| {
        assert!((walk(a) - walk(b)).iter().all(|d| d.abs() < 1e-12));
    };
    let ours = |_: f64, _: f64, _: f64, _: f64| -> (f64, f64) { todo!() };
    near(
        your_momentum(ours, 0.1),
        your_momentum(|r, w, g, v| (w - r * (0.9 * v + g), 0.9 * v + g), 0.1),
    );
    near(
        your_adagrad(|_, w, g, _| (w, g), 0.1),
        your_adagrad(
            |r, w, g, s| (w - r * g / ((s + g * g).sqrt() + 1e-8), s + g * g),
            0.1,
        ),
    );
    near(
        your_rmsprop(ours, 0.1),
        your_rmsprop(|_, _, _, _| (0.0, 0.0), 0.1),
    );
    near(
        your_adam(|_, _, _, _, _, _| todo!(), 0.1),
        your_adam(course_adam, 0.1),
    );
    let named = |rule: &OwnRule| Optimizer::<f64>::describe(rule);
    assert!(named(&your_adam(course_adam, 0.1)).starts_with("your Adam"));
    assert!(named(&your_momentum(ours, 0.1)).starts_with("momentum"));
}

#[test]
fn a_loss_in_per_cent_is_counted_through() {
    let right: fn() -> [f64; 3] = || [100.0, 1.0, 0.01];
    judge(
        units,
        right,
        &[
            (|| [1.0, 1.0, 0.01], "the gradient grew"),
            (|| [100.0, 100.0, 0.01], "so does what is below"),
            (|| [100.0, 1.0, 1.0], "100 times 100"),
            (|| [100.0, 0.01, 1e-4], "That is without the root"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_uncorrected_step_is_a_ratio_of_what_both_means_lack() {
    let right: fn(i32) -> f64 = |t| (1.0 - 0.9f64.powi(t)) / (1.0 - 0.999f64.powi(t)).sqrt();
    judge(
        uncorrected,
        right,
        &[
            (|t| corrections(t)[0] / corrections(t)[1], "under a root"),
            (
                |t| corrections(t)[1].sqrt() / corrections(t)[0],
                "The other way round",
            ),
            (|t| 1.0 / corrections(t)[1].sqrt(), "m begins at 0 too"),
            (|t| corrections(t)[0], "v begins at 0 too"),
            (|_| 10f64.sqrt(), "step 2"),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

type Suggest = fn(Vec<f64>, Vec<f64>) -> f64;

fn smallest(losses: &[f64]) -> usize {
    (0..losses.len()).fold(0, |best, i| if losses[i] < losses[best] { i } else { best })
}

#[test]
fn the_suggestion_is_a_tenth_of_the_rate_at_the_smallest_loss() {
    let right: Suggest = |rates, losses| rates[smallest(&losses)] / 10.0;
    let wrong: [(Suggest, &str); 5] = [
        (|rates, losses| rates[smallest(&losses)], "Take a tenth"),
        (
            |_, losses| losses[smallest(&losses)],
            "the loss, not the rate",
        ),
        (|rates, _| rates[rates.len() - 1] / 10.0, "last rate"),
        (|_, losses| smallest(&losses) as f64, "a place in the list"),
        (|_, _| todo!(), UNWRITTEN),
    ];
    judge(suggest, right, &wrong);
}

#[test]
fn noise_falls_with_a_root_and_the_last_batch_counts() {
    let right: fn() -> [f64; 2] = || [4.0, 38.0];
    judge(
        batches,
        right,
        &[
            (|| [2.0, 38.0], "root of 2"),
            (|| [4.0, 37.0], "a step of its own"),
            (|| [4.0, 37.5], "Half a step"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

type Factor = fn(f64, f64, f64) -> f64;

#[test]
fn a_warm_up_is_a_line_and_then_half_a_cosine() {
    let right: Factor = |t, l, w| match t < w {
        true => t / w,
        false => 0.5 * (1.0 + (std::f64::consts::PI * (t - w) / (l - w)).cos()),
    };
    let wrong: [(Factor, &str); 6] = [
        (
            |t, l, _| 0.5 * (1.0 + (std::f64::consts::PI * t / l).cos()),
            "there is no cosine yet",
        ),
        (
            |t, l, w| match t < w {
                true => t / w,
                false => 0.5 * (1.0 + (std::f64::consts::PI * t / l).cos()),
            },
            "take warmup off the time",
        ),
        (
            |t, l, w| match t < w {
                true => t / l,
                false => 0.5 * (1.0 + (std::f64::consts::PI * (t - w) / (l - w)).cos()),
            },
            "at the end of the warm-up",
        ),
        (
            |t, l, w| match t < w {
                true => t / w,
                false => (std::f64::consts::PI * (t - w) / (l - w)).cos(),
            },
            "Add 1 to the cosine",
        ),
        (
            |t, l, w| {
                if t < w {
                    t / w
                } else {
                    1.0 - (t - w) / (l - w)
                }
            },
            "straight line",
        ),
        (|_, _, _| todo!(), UNWRITTEN),
    ];
    judge(warm_cosine, right, &wrong);
}
