//! Plots of searches: accuracy against cost, and how a search's best grew.

use crate::plot::Plot;
use convscope_search::{Trial, front};

/// A mean, and how far to either side its 95 % interval reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Half of the interval's length, by Student's t; infinite for fewer than two values.
    pub margin: f64,
}

impl std::fmt::Display for Estimate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.4} ± {:.4}", self.mean, self.margin)
    }
}

/// What 97.5 % of Student's t lie below, for 1, 2, ... degrees of freedom.
const T: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
];

/// The mean of some values, and its 95 % interval.
pub fn mean_with_interval(values: &[f64]) -> Estimate {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    let margin = match values.len() {
        0 | 1 => f64::INFINITY,
        // Beyond the table: off by less than a thousandth.
        count => {
            let t = T.get(count - 2).copied();
            t.unwrap_or(1.96 + 2.4 / (n - 1.0)) * (squares / (n - 1.0) / n).sqrt()
        }
    };
    Estimate { mean, margin }
}

/// Accuracy against multiply-adds: every trial as a point, and the front as a staircase, since what
/// a cheaper network reaches is reached.
pub fn accuracy_against_cost(title: &str, trials: &[Trial]) -> Plot {
    let cost = |t: &Trial| t.cost.multiply_adds as f64;
    let best = front(trials);
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    for trial in &best {
        if let Some(&before) = ys.last() {
            xs.push(cost(trial));
            ys.push(before);
        }
        xs.push(cost(trial));
        ys.push(trial.accuracy);
    }
    if let Some(&last) = ys.last() {
        xs.push(trials.iter().map(cost).fold(0.0, f64::max));
        ys.push(last);
    }
    Plot::new(title)
        .x_label("multiply-adds for one image")
        .y_label("accuracy on the validation set")
        .log_x()
        .points(
            "designs",
            trials.iter().map(cost),
            trials.iter().map(|t| t.accuracy),
        )
        .line("front", xs, ys)
}

/// The best so far against the number of designs tried: for each method the mean over its searches,
/// and the 95 % interval of that mean as a band.
pub fn best_so_far(title: &str, methods: &[(&str, Vec<Vec<f64>>)]) -> Plot {
    let mut plot = Plot::new(title)
        .x_label("designs tried")
        .y_label("accuracy of the best so far");
    for (name, searches) in methods {
        let length = searches.iter().map(Vec::len).min().unwrap_or(0);
        let at = |i: usize| {
            let values: Vec<f64> = searches.iter().map(|s| s[i]).collect();
            mean_with_interval(&values)
        };
        let all: Vec<Estimate> = (0..length).map(at).collect();
        if searches.len() > 1 {
            plot = plot.band(
                1..=length,
                all.iter().map(|e| e.mean - e.margin),
                all.iter().map(|e| e.mean + e.margin),
            );
        }
        plot = plot.line(name, 1..=length, all.iter().map(|e| e.mean));
    }
    plot
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::Show;
    use convscope_search::{Method, Score, Search, Space};

    #[test]
    fn an_interval_is_students() {
        // R: t.test(c(1, 2, 3, 4, 5))$conf.int is 1.036757 to 4.963243.
        let five = mean_with_interval(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert!((five.mean - 3.0).abs() < 1e-12 && (five.margin - 1.963243).abs() < 1e-3);
        assert!(mean_with_interval(&[1.0]).margin.is_infinite());
        // qt(0.975, 199) is 1.971957.
        let many: Vec<f64> = (0..200).map(|i| f64::from(i % 2)).collect();
        let margin = mean_with_interval(&many).margin;
        let deviation = (0.25_f64 * 200.0 / 199.0).sqrt();
        assert!((margin - 1.971957 * deviation / 200.0_f64.sqrt()).abs() < 1e-5);
    }

    #[test]
    fn searches_are_points_a_staircase_and_bands() {
        let search = |seed| {
            Search::new(Space::small([1, 12, 12], 10), Method::Random)
                .trials(12)
                .seed(seed)
                .quiet()
                .run(|design, _| {
                    Ok(Score {
                        accuracy: (design.cost()?.parameters % 97) as f64 / 97.0,
                    })
                })
                .unwrap()
        };
        let (one, two) = (search(1), search(2));
        let plot = accuracy_against_cost("cost", &one.trials);
        let text = plot.shown().text;
        assert!(
            text.contains("designs:") && text.contains("front:"),
            "{text}"
        );
        assert!(!text.contains("Note."), "{text}");
        let curves = vec![one.best_so_far(), two.best_so_far()];
        let text = best_so_far("two", &[("random", curves)]).shown().text;
        assert!(
            text.contains("random: (1, ") && !text.contains("Note."),
            "{text}"
        );
    }
}
