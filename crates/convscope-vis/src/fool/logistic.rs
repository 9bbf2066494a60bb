//! The lecture's example by hand: a linear classifier of ten numbers is fooled by half a step on
//! each.

/// The score `w . x` of a logistic regression without a bias, and the probability `1 / (1 + e^-z)`
/// of its class. Numbers beyond the shorter of the two lists do not count.
///
/// ```
/// use convscope_vis::{logistic, logistic_fooled};
/// let x = [2.0, -1.0, 3.0, -2.0, 2.0, 2.0, 1.0, -4.0, 5.0, 1.0];
/// let w = [-1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0, 1.0];
/// let (z, p) = logistic(&x, &w);
/// assert_eq!(z, -3.0);
/// assert!((p - 0.0474).abs() < 1e-4);
/// // Every number moves by only 0.5, and all of them together by a lot.
/// let (z, p) = logistic(&logistic_fooled(&x, &w, 0.5), &w);
/// assert_eq!(z, 2.0);
/// assert!((p - 0.8808).abs() < 1e-4);
/// ```
pub fn logistic(x: &[f64], w: &[f64]) -> (f64, f64) {
    let z: f64 = x.iter().zip(w).map(|(x, w)| x * w).sum();
    (z, 1.0 / (1.0 + (-z).exp()))
}

/// The example moved by `step` along the sign of each weight, which is the sign of the score's
/// gradient: the score grows by `step` times the sum of the weights' absolute values.
pub fn logistic_fooled(x: &[f64], w: &[f64], step: f64) -> Vec<f64> {
    let sign = |w: f64| if w == 0.0 { 0.0 } else { w.signum() };
    x.iter().zip(w).map(|(x, &w)| x + step * sign(w)).collect()
}
