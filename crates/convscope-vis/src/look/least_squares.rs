//! Least squares of a function of a few numbers, by Levenberg (1944) and Marquardt (1963).

/// Where a fit ended.
#[derive(Clone, Debug)]
pub(super) struct Fit<const P: usize> {
    pub(super) parameters: [f64; P],
    /// The sum of the squared residuals there.
    pub(super) squares: f64,
}

/// Normal equations: what the residuals and their derivatives add up to.
struct Normal<const P: usize> {
    squares: f64,
    slope: [f64; P],
    curvature: [[f64; P]; P],
}

/// From a start downhill. `keep` moves numbers back into their limits; `each` gives every residual
/// with its derivatives by the numbers.
pub(super) fn levenberg_marquardt<const P: usize>(
    start: [f64; P],
    steps: usize,
    keep: impl Fn(&mut [f64; P]),
    each: impl Fn(&[f64; P], &mut dyn FnMut(f64, &[f64; P])),
) -> Fit<P> {
    let mut at = start;
    keep(&mut at);
    let mut normal = sums(&at, &each);
    let mut damping = 1e-2;
    for _ in 0..steps {
        let Some(step) = solve(&normal, damping) else {
            damping *= 10.0;
            continue;
        };
        let mut next = at;
        next.iter_mut().zip(step).for_each(|(n, s)| *n -= s);
        keep(&mut next);
        let there = sums(&next, &each);
        if there.squares < normal.squares {
            let gained = normal.squares - there.squares;
            let done = gained <= 1e-12 * normal.squares;
            (at, normal) = (next, there);
            damping = f64::max(damping / 5.0, 1e-12);
            if done {
                break;
            }
        } else {
            damping *= 4.0;
            if damping > 1e12 {
                break;
            }
        }
    }
    Fit {
        parameters: at,
        squares: normal.squares,
    }
}

fn sums<const P: usize>(
    at: &[f64; P],
    each: &impl Fn(&[f64; P], &mut dyn FnMut(f64, &[f64; P])),
) -> Normal<P> {
    let mut normal = Normal {
        squares: 0.0,
        slope: [0.0; P],
        curvature: [[0.0; P]; P],
    };
    each(at, &mut |residual, by| {
        normal.squares += residual * residual;
        for i in 0..P {
            normal.slope[i] += residual * by[i];
            for j in 0..=i {
                normal.curvature[i][j] += by[i] * by[j];
            }
        }
    });
    normal
}

/// The damped step, by Cholesky's decomposition; nothing where that breaks down.
fn solve<const P: usize>(normal: &Normal<P>, damping: f64) -> Option<[f64; P]> {
    let mut l = normal.curvature;
    let largest = (0..P).map(|i| l[i][i]).fold(0.0, f64::max);
    for (i, row) in l.iter_mut().enumerate() {
        row[i] += damping * f64::max(row[i], 1e-9 * largest);
    }
    for i in 0..P {
        for j in 0..=i {
            let known: f64 = l[i][..j].iter().zip(&l[j][..j]).map(|(a, b)| a * b).sum();
            let sum = l[i][j] - known;
            if i == j {
                if sum <= 0.0 || !sum.is_finite() {
                    return None;
                }
                l[i][i] = sum.sqrt();
            } else {
                l[i][j] = sum / l[j][j];
            }
        }
    }
    let mut x = normal.slope;
    for i in 0..P {
        for k in 0..i {
            x[i] -= l[i][k] * x[k];
        }
        x[i] /= l[i][i];
    }
    for i in (0..P).rev() {
        for k in i + 1..P {
            x[i] -= l[k][i] * x[k];
        }
        x[i] /= l[i][i];
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exponential_is_found_again() {
        let truth = [2.5, -0.7, 0.3];
        let f = |p: &[f64; 3], x: f64| p[0] * (p[1] * x).exp() + p[2];
        let fit = levenberg_marquardt(
            [1.0, -0.1, 0.0],
            100,
            |_| {},
            |p, add| {
                for i in 0..20 {
                    let x = f64::from(i) / 5.0;
                    let e = (p[1] * x).exp();
                    add(f(p, x) - f(&truth, x), &[e, p[0] * x * e, 1.0]);
                }
            },
        );
        assert!(fit.squares < 1e-18, "{fit:?}");
        for (got, wanted) in fit.parameters.iter().zip(truth) {
            assert!((got - wanted).abs() < 1e-6, "{fit:?}");
        }
    }
}
