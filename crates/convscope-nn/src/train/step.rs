//! One step of training: forward, loss, backward, and the optimizer's move.

use super::batches::Batch;
use super::settings::Training;
use crate::error::{NnError, Result};
use crate::layer::Pass;
use crate::layer::random::mix;
use crate::loss::Target;
use crate::network::{Network, argmax, check_finite};
use crate::optim::{Clip, Group, State};
use crate::pool::recycle;
use crate::real::Tensor;

/// What holds for each parameter, in the order of [`Network::parameters`].
#[derive(Debug)]
pub(super) struct Stepper<'a> {
    training: &'a Training,
    groups: Vec<Group>,
}

/// What a step found before it moved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// Mean over the batch.
    pub(super) loss: f64,
    pub(super) right: usize,
}

impl<'a> Stepper<'a> {
    /// # Errors
    /// When a rule about parameters concerns none of the network's.
    pub(super) fn new(training: &'a Training, net: &Network) -> Result<Stepper<'a>> {
        let paths: Vec<String> = net.parameters().into_iter().map(|(p, _)| p).collect();
        Ok(Stepper {
            training,
            groups: training.groups.resolve(&paths)?,
        })
    }

    /// What the optimizer remembers before the first step.
    pub(super) fn start(&self, net: &Network) -> Vec<State> {
        let parameters = net.parameters();
        parameters
            .iter()
            .map(|(_, tensor)| self.training.optimizer.start(tensor))
            .collect()
    }

    /// Step number `step` (from 1) on one batch, at this learning rate. On an error the network is
    /// as it was.
    pub(super) fn step(
        &self,
        net: &mut Network,
        states: &mut [State],
        (step, rate): (u64, f64),
        batch: &Batch,
    ) -> Result<Found> {
        let (x, labels) = (&batch.x, &batch.labels);
        let pass = Pass::train(mix(self.training.seed, step));
        let trace = net.lean_trace(x, pass)?;
        let logits = trace.output();
        let target = match &batch.shares {
            Some(shares) => Target::Values(shares),
            None => Target::Classes(labels),
        };
        let (loss, gradient) = self.training.loss.value_and_gradient(logits, target)?;
        let right = logits
            .outer_iter()
            .zip(labels)
            .filter(|(row, label)| argmax(row.iter()) == **label)
            .count();
        if !loss.is_finite() {
            // The lean trace let most activations go; look again with all of them.
            net.trace_as(x, pass)?.check_finite()?;
            return Err(NnError::Invalid(format!(
                "the loss is {loss} at step {step}"
            )));
        }
        let mut gradients = trace.parameter_gradients(&gradient)?;
        self.keep_small(net, step, &mut gradients)?;
        net.learn_statistics(&trace);
        // It shares the parameters, which would be copied before they move.
        drop(trace);
        let moved = net.parameters_mut().into_iter().zip(&mut gradients);
        for (((_, parameter), gradient), (state, group)) in
            moved.zip(states.iter_mut().zip(&self.groups))
        {
            let optimizer = &*self.training.optimizer;
            group.step(optimizer, rate, parameter, gradient, state);
            if let Some(constraint) = &self.training.constraint
                && !group.frozen
            {
                constraint.apply(parameter);
            }
        }
        gradients.into_iter().for_each(recycle);
        Ok(Found { loss, right })
    }

    /// Clips the gradients, after making sure that they are finite.
    fn keep_small(&self, net: &Network, step: u64, gradients: &mut [Tensor]) -> Result<()> {
        let clip = &self.training.clip;
        if let Some(by_norm @ Clip::Norm(_)) = clip
            && by_norm.apply(gradients).is_some_and(f64::is_finite)
        {
            // A norm that is finite vouches for all of them: no second look.
            return Ok(());
        }
        for ((path, _), gradient) in net.parameters().iter().zip(&*gradients) {
            let what = format!("at step {step} the gradient of \"{path}\"");
            check_finite(gradient, &what, "try a smaller learning rate")?;
        }
        if let Some(clip) = clip {
            clip.apply(gradients);
        }
        Ok(())
    }
}
