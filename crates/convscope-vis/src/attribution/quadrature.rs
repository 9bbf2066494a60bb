//! Where an integral from 0 to 1 is sampled.

use serde::Serialize;
use std::f64::consts::PI;

/// The rule by which an integral over the way from a baseline to an image becomes a sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Quadrature {
    /// The middles of equal steps (captum's `riemann_middle`): the error falls with the square of
    /// the number of steps where the function is smooth, and kinks do it no harm.
    #[default]
    Midpoint,
    /// The ends of equal steps: the sum as Sundararajan, Taly and Yan (2017) write it in equation 3.
    Right,
    /// Gauss and Legendre's points, captum's default: exact for polynomials of a degree up to twice
    /// the number of steps less one.
    GaussLegendre,
}

impl Quadrature {
    /// Points in [0, 1], ascending, and their weights, which sum to 1.
    pub(crate) fn nodes(self, steps: usize) -> Vec<(f64, f64)> {
        let n = steps as f64;
        let even = |shift: f64| (0..steps).map(move |k| ((k as f64 + shift) / n, 1.0 / n));
        match self {
            Quadrature::Midpoint => even(0.5).collect(),
            Quadrature::Right => even(1.0).collect(),
            Quadrature::GaussLegendre => gauss_legendre(steps),
        }
    }
}

/// The zeros of the Legendre polynomial of degree `n`, found by Newton's method, and the weights
/// that belong to them, moved from [-1, 1] to [0, 1].
fn gauss_legendre(n: usize) -> Vec<(f64, f64)> {
    let zero = |i: usize| {
        // Tricomi's estimate is near enough for Newton to end at the right zero.
        let mut x = -((i as f64 + 0.75) / (n as f64 + 0.5) * PI).cos();
        for _ in 0..100 {
            let (value, slope) = legendre(n, x);
            let step = value / slope;
            x -= step;
            if step.abs() < 1e-15 {
                break;
            }
        }
        let (_, slope) = legendre(n, x);
        let weight = 2.0 / ((1.0 - x * x) * slope * slope);
        ((x + 1.0) / 2.0, weight / 2.0)
    };
    (0..n).map(zero).collect()
}

/// The Legendre polynomial of degree `n` and its derivative, by Bonnet's recursion.
fn legendre(n: usize, x: f64) -> (f64, f64) {
    let (mut before, mut now) = (1.0, x);
    for k in 2..=n {
        let k = k as f64;
        (before, now) = (now, ((2.0 * k - 1.0) * x * now - (k - 1.0) * before) / k);
    }
    (now, n as f64 * (x * now - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_and_points_ascend_inside_the_way() {
        for rule in [
            Quadrature::Midpoint,
            Quadrature::Right,
            Quadrature::GaussLegendre,
        ] {
            for steps in [1, 2, 3, 20, 50, 301] {
                let nodes = rule.nodes(steps);
                assert_eq!(nodes.len(), steps);
                let sum: f64 = nodes.iter().map(|n| n.1).sum();
                assert!((sum - 1.0).abs() < 1e-12, "{rule:?} {steps}: {sum}");
                assert!(nodes.windows(2).all(|w| w[0].0 < w[1].0));
                assert!(nodes.iter().all(|n| (0.0..=1.0).contains(&n.0)));
            }
        }
    }

    #[test]
    fn gauss_and_legendre_have_the_points_of_the_tables() {
        // Abramowitz and Stegun, table 25.4, moved to [0, 1].
        let three = Quadrature::GaussLegendre.nodes(3);
        let x = 0.774_596_669_241_483_4;
        let table = [
            ((1.0 - x) / 2.0, 5.0 / 18.0),
            (0.5, 4.0 / 9.0),
            ((1.0 + x) / 2.0, 5.0 / 18.0),
        ];
        for (found, expected) in three.iter().zip(table) {
            assert!((found.0 - expected.0).abs() < 1e-14);
            assert!((found.1 - expected.1).abs() < 1e-14);
        }
    }

    #[test]
    fn each_rule_integrates_what_it_should() {
        let integral = |rule: Quadrature, steps: usize, power: i32| -> f64 {
            let nodes = rule.nodes(steps).into_iter();
            nodes.map(|(x, w)| w * x.powi(power)).sum()
        };
        // x^19 has degree 2 * 10 - 1.
        let gauss = integral(Quadrature::GaussLegendre, 10, 19);
        assert!((gauss - 1.0 / 20.0).abs() < 1e-14);
        // The middles of n steps miss x² by 1 / 12n², their ends by 1 / 2n + 1 / 6n².
        let middle = integral(Quadrature::Midpoint, 10, 2);
        assert!((middle - (1.0 / 3.0 - 1.0 / 1200.0)).abs() < 1e-14);
        let right = integral(Quadrature::Right, 10, 2);
        assert!((right - (1.0 / 3.0 + 1.0 / 20.0 + 1.0 / 600.0)).abs() < 1e-14);
    }
}
