//! Means with 95 % intervals.

use std::fmt;

/// The mean of some measurements, and how sure it is: where 95 % of such intervals hold the true mean,
/// if measurements scatter normally (Student 1908).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// The interval is the mean plus and minus this; none of a single measurement.
    pub half_width: Option<f64>,
    /// How many measurements.
    pub n: usize,
}

/// The 97.5 % points of Student's distribution with 1 to 30 degrees of freedom.
const STUDENT: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
];

impl Interval {
    /// Of these measurements; none of nothing.
    pub fn of(values: &[f64]) -> Option<Interval> {
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let half_width = (n > 1).then(|| {
            let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
            let error = (squares / (n - 1) as f64 / n as f64).sqrt();
            STUDENT.get(n - 2).copied().unwrap_or(1.96) * error
        });
        Some(Interval {
            mean,
            half_width,
            n,
        })
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.half_width {
            Some(half) => format!("{:.3} ± {half:.3}", self.mean),
            None => format!("{:.3}", self.mean),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_by_hand() {
        assert_eq!(Interval::of(&[]), None);
        let one = Interval::of(&[0.5]).unwrap();
        assert_eq!((one.half_width, one.to_string()), (None, "0.500".into()));
        // Mean 3, variance 2.5, standard error sqrt(0.5); 2.776 of it on each side.
        let five = Interval::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!((five.mean, five.n), (3.0, 5));
        assert!((five.half_width.unwrap() - 2.776 * 0.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!(format!("{five:>16}"), "   3.000 ± 1.963");
        assert_eq!(Interval::of(&[2.0; 40]).unwrap().half_width, Some(0.0));
    }
}
