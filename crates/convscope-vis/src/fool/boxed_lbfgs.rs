//! L-BFGS within a box: the curvature of the last few steps, by the two loops of Nocedal (1980), and
//! numbers at a limit that want beyond it left where they are.

use crate::error::Result;
use std::collections::VecDeque;

/// Steps that are remembered.
const MEMORY: usize = 8;
/// Halvings of a step before it is given up.
const HALVINGS: usize = 20;
/// The share of the promised decrease that a step must bring (Armijo).
const ENOUGH: f64 = 1e-4;

/// A place, the function's value and its gradient there.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) x: Vec<f64>,
    pub(super) value: f64,
    pub(super) gradient: Vec<f64>,
}

/// Goes downhill from `x` between `low` and `high` for at most so many steps. `f` gives value and
/// gradient, or nothing when no more evaluations are to be had. `visit` sees every place that was
/// accepted and may end the walk.
pub(super) fn minimise(
    x: Vec<f64>,
    [low, high]: [&[f64]; 2],
    steps: usize,
    mut f: impl FnMut(&[f64]) -> Result<Option<(f64, Vec<f64>)>>,
) -> Result<Option<Place>> {
    let Some((value, gradient)) = f(&x)? else {
        return Ok(None);
    };
    let mut at = Place { x, value, gradient };
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
    for _ in 0..steps {
        let free: Vec<bool> = (0..at.x.len())
            .map(|i| {
                let g = at.gradient[i];
                !((at.x[i] <= low[i] && g > 0.0) || (at.x[i] >= high[i] && g < 0.0))
            })
            .collect();
        let mut direction = direction(&at.gradient, &free, &memory);
        if dot(&direction, &at.gradient) >= 0.0 {
            // No way down by what is remembered: along the gradient itself.
            memory.clear();
            direction = self::direction(&at.gradient, &free, &memory);
        }
        let length = dot(&direction, &direction).sqrt();
        if length < 1e-12 {
            break;
        }
        let mut size = match memory.is_empty() {
            true => (1.0 / length).min(1.0),
            false => 1.0,
        };
        let mut found = None;
        for _ in 0..HALVINGS {
            let mut x: Vec<f64> =
                at.x.iter()
                    .zip(&direction)
                    .map(|(x, d)| x + size * d)
                    .collect();
            for (x, (&l, &h)) in x.iter_mut().zip(low.iter().zip(high)) {
                *x = x.clamp(l, h);
            }
            let Some((value, gradient)) = f(&x)? else {
                return Ok(Some(at));
            };
            let promised: f64 = (0..x.len())
                .map(|i| at.gradient[i] * (x[i] - at.x[i]))
                .sum();
            if value <= at.value + ENOUGH * promised {
                found = Some(Place { x, value, gradient });
                break;
            }
            size /= 2.0;
        }
        let Some(next) = found else {
            if memory.is_empty() {
                break;
            }
            memory.clear();
            continue;
        };
        let moved: Vec<f64> = next.x.iter().zip(&at.x).map(|(a, b)| a - b).collect();
        let turned: Vec<f64> = next
            .gradient
            .iter()
            .zip(&at.gradient)
            .map(|(a, b)| a - b)
            .collect();
        if dot(&moved, &turned) > 1e-12 * dot(&turned, &turned) {
            memory.push_back((moved, turned));
            if memory.len() > MEMORY {
                memory.pop_front();
            }
        }
        let gained = at.value - next.value;
        at = next;
        if gained <= 1e-9 * at.value.abs() {
            break;
        }
    }
    Ok(Some(at))
}

/// Minus the gradient of the free numbers, times what is known of the inverse Hessian.
fn direction(gradient: &[f64], free: &[bool], memory: &VecDeque<(Vec<f64>, Vec<f64>)>) -> Vec<f64> {
    let only = |v: f64, free: bool| if free { v } else { 0.0 };
    let mut q: Vec<f64> = gradient
        .iter()
        .zip(free)
        .map(|(&g, &f)| only(-g, f))
        .collect();
    let mut alphas = Vec::new();
    for (s, y) in memory.iter().rev() {
        let alpha = dot(s, &q) / dot(s, y);
        add(&mut q, -alpha, y);
        alphas.push(alpha);
    }
    if let Some((s, y)) = memory.back() {
        let scale = dot(s, y) / dot(y, y);
        q.iter_mut().for_each(|v| *v *= scale);
    }
    for ((s, y), alpha) in memory.iter().zip(alphas.into_iter().rev()) {
        let beta = dot(y, &q) / dot(s, y);
        add(&mut q, alpha - beta, s);
    }
    q.iter().zip(free).map(|(&v, &f)| only(v, f)).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], factor: f64, what: &[f64]) {
    for (t, w) in to.iter_mut().zip(what) {
        *t += factor * w;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's valley, whose lowest point is (1, 1).
    fn valley(x: &[f64]) -> Result<Option<(f64, Vec<f64>)>> {
        let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
        let gradient = vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b];
        Ok(Some((a * a + 100.0 * b * b, gradient)))
    }

    #[test]
    fn finds_the_floor_of_a_curved_valley() {
        let wide = [&[-5.0; 2][..], &[5.0; 2][..]];
        let end = minimise(vec![-1.2, 1.0], wide, 200, valley)
            .unwrap()
            .unwrap();
        assert!(
            (end.x[0] - 1.0).abs() < 1e-3 && (end.x[1] - 1.0).abs() < 1e-3,
            "{:?}",
            end.x
        );
    }

    #[test]
    fn stops_at_the_wall_where_the_floor_lies_behind_it() {
        // Along x = 0.5 the valley is lowest at y = 0.25.
        let walled = [&[-5.0; 2][..], &[0.5, 5.0][..]];
        let end = minimise(vec![-1.2, 1.0], walled, 200, valley)
            .unwrap()
            .unwrap();
        assert!(
            (end.x[0] - 0.5).abs() < 1e-6 && (end.x[1] - 0.25).abs() < 1e-3,
            "{:?}",
            end.x
        );
    }

    #[test]
    fn a_minimiser_without_evaluations_has_nothing() {
        let wide = [&[-5.0][..], &[5.0][..]];
        assert!(
            minimise(vec![0.0], wide, 5, |_| Ok(None))
                .unwrap()
                .is_none()
        );
    }
}
