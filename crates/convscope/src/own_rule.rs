//! An optimizer of one's own making.

use convscope_nn::{Optimizer, Real, State, Tensor};
use std::fmt;
use std::sync::Arc;

/// An optimizer made from a function that moves one weight, since the usual rules treat every
/// weight alike and apart from the others. It trains networks and runs races.
///
/// ```ignore
/// // Descent by the sign of the gradient: it needs to remember nothing.
/// OwnRule::new("sign", 0.01, 0, |rate, w, g, _memory, _step| w - rate * g.signum())
/// ```
#[derive(Clone)]
pub struct OwnRule {
    name: String,
    rate: f64,
    memories: usize,
    step: Arc<Step>,
}

type Step = dyn Fn(f64, f64, f64, &mut [f64], u64) -> f64 + Send + Sync;

impl OwnRule {
    /// A rule that remembers so many numbers of each weight, all 0 at first. `step` is given the
    /// learning rate, the weight, its gradient, what is remembered of it (to be changed in place)
    /// and the number of the step from 1, and returns the new weight.
    pub fn new(
        name: &str,
        learning_rate: f64,
        memories: usize,
        step: impl Fn(f64, f64, f64, &mut [f64], u64) -> f64 + Send + Sync + 'static,
    ) -> OwnRule {
        OwnRule {
            name: name.to_owned(),
            rate: learning_rate,
            memories,
            step: Arc::new(step),
        }
    }
}

impl fmt::Debug for OwnRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnRule")
            .field("name", &self.name)
            .field("learning_rate", &self.rate)
            .field("memories", &self.memories)
            .finish()
    }
}

impl From<OwnRule> for Box<dyn Optimizer<f32>> {
    #[inline(never)]
    fn from(rule: OwnRule) -> Self {
        Box::new(rule)
    }
}

impl<F: Real> Optimizer<F> for OwnRule {
    fn name(&self) -> &'static str {
        "own rule"
    }

    fn describe(&self) -> String {
        format!("{}, learning rate {}", self.name, self.rate)
    }

    fn learning_rate(&self) -> f64 {
        self.rate
    }

    fn start(&self, parameter: &Tensor<F>) -> State<F> {
        State::zeros(parameter, self.memories)
    }

    fn step(
        &self,
        rate: f64,
        parameter: &mut Tensor<F>,
        gradient: &Tensor<F>,
        state: &mut State<F>,
    ) {
        state.steps += 1;
        let steps = state.steps;
        let mut memory = vec![0.0; self.memories];
        let mut kept: Vec<_> = state.tensors.iter_mut().map(|t| t.iter_mut()).collect();
        for (w, g) in parameter.iter_mut().zip(gradient) {
            let mut places: Vec<Option<&mut F>> = Vec::with_capacity(kept.len());
            for (number, tensor) in memory.iter_mut().zip(&mut kept) {
                let place = tensor.next();
                *number = place.as_ref().map_or(0.0, |p| p.as_f64());
                places.push(place);
            }
            *w = F::of((self.step)(
                rate,
                w.as_f64(),
                g.as_f64(),
                &mut memory,
                steps,
            ));
            for (number, place) in memory.iter().zip(places) {
                if let Some(place) = place {
                    *place = F::of(*number);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_nn::Adam;

    #[test]
    fn adam_written_as_an_own_rule_is_adam() {
        let own = OwnRule::new("Adam", 0.1, 2, |rate, w, g, memory, t| {
            memory[0] = 0.9 * memory[0] + 0.1 * g;
            memory[1] = 0.999 * memory[1] + 0.001 * g * g;
            let m = memory[0] / (1.0 - 0.9f64.powi(t as i32));
            let v = memory[1] / (1.0 - 0.999f64.powi(t as i32));
            w - rate * m / (v.sqrt() + 1e-8)
        });
        let adam = Adam::new(0.1);
        let mut w: Tensor<f64> = ndarray::arr2(&[[1.0, -2.0], [0.5, 3.0]]).into_dyn();
        let mut x = w.clone();
        let (mut a, mut b) = (adam.start(&w), own.start(&w));
        for _ in 0..20 {
            let g = w.mapv(|v| 2.0 * v - 0.3);
            adam.step(0.1, &mut w, &g, &mut a);
            let g = x.mapv(|v| 2.0 * v - 0.3);
            own.step(0.1, &mut x, &g, &mut b);
        }
        assert!((&w - &x).iter().all(|d| d.abs() < 1e-12), "{w} {x}");
        assert!(b.check_like(&own.start(&x), "w").is_ok());
    }
}
