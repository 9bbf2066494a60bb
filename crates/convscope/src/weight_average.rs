//! An average of a network's weights over the steps of its training.

use convscope_data::Dataset;
use convscope_nn::{Callback, Moment, Network, NnError, Result, Tensor, evaluate};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Keeps a second set of weights beside those of a training: after every step a rule moves it
/// towards the network's. Gathered statistics of batch norm are averaged, too. A clone shares the
/// average, so keep one and give the other to the training.
///
/// ```ignore
/// let average = WeightAverage::new(0.99, ema).watching(&valid);
/// Training::new(Adam::new(0.003)).callback(average.clone()).fit(&mut net, &train, &valid)?;
/// let averaged = average.network(&net)?;
/// ```
#[derive(Clone)]
pub struct WeightAverage {
    decay: f32,
    rule: Arc<Rule>,
    watched: Option<Arc<Dataset>>,
    kept: Arc<Mutex<Kept>>,
}

type Rule = dyn Fn(Vec<f32>, Vec<f32>, f32) -> Vec<f32> + Send + Sync;

#[derive(Default)]
struct Kept {
    /// By path.
    numbers: Vec<(String, Tensor)>,
    /// On the watched images, after every epoch.
    accuracies: Vec<f64>,
}

impl WeightAverage {
    /// An average that `rule` moves: it gets the average so far, the weights after a step, and the
    /// decay, and returns the new average. The first average is the weights after the first step.
    pub fn new(
        decay: f32,
        rule: impl Fn(Vec<f32>, Vec<f32>, f32) -> Vec<f32> + Send + Sync + 'static,
    ) -> WeightAverage {
        WeightAverage {
            decay,
            rule: Arc::new(rule),
            watched: None,
            kept: Arc::default(),
        }
    }

    /// Notes after every epoch how many of these images the averaged network names rightly.
    pub fn watching(mut self, images: &Dataset) -> WeightAverage {
        self.watched = Some(Arc::new(images.clone()));
        self
    }

    /// The averaged network's accuracy on the watched images, epoch by epoch.
    pub fn accuracies(&self) -> Vec<f64> {
        self.kept().accuracies.clone()
    }

    /// A network like this one with the averaged numbers.
    ///
    /// # Errors
    /// When nothing was averaged yet, or another network's numbers were.
    pub fn network(&self, like: &Network) -> Result<Network> {
        let kept = self.kept();
        if kept.numbers.is_empty() {
            return Err(NnError::Invalid(
                "nothing was averaged yet: give a clone of it to a training with .callback(..)"
                    .into(),
            ));
        }
        let mut net = like.clone();
        for (name, value) in &kept.numbers {
            let learned = net.parameter(name).is_ok();
            match learned {
                true => net.set_parameter(name, value.clone())?,
                false => net.set_buffer(name, value.clone())?,
            }
        }
        Ok(net)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for WeightAverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeightAverage")
            .field("decay", &self.decay)
            .finish_non_exhaustive()
    }
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.iter().copied().collect()
}

impl Callback for WeightAverage {
    fn after_batch(&self, at: &Moment<'_>) -> Result<()> {
        let net = at.network();
        let now = net.parameters().into_iter().chain(net.buffers());
        let mut kept = self.kept();
        if kept.numbers.is_empty() {
            kept.numbers = now.map(|(name, value)| (name, value.clone())).collect();
            return Ok(());
        }
        for ((name, average), (_, value)) in kept.numbers.iter_mut().zip(now) {
            let moved = (self.rule)(numbers(average), numbers(value), self.decay);
            if moved.len() != average.len() {
                return Err(NnError::Invalid(format!(
                    "the rule of an average returned {} numbers for the {} of \"{name}\"",
                    moved.len(),
                    average.len()
                )));
            }
            *average = Tensor::from_shape_vec(average.raw_dim(), moved).expect("as many numbers");
        }
        Ok(())
    }

    fn after_epoch(&self, at: &Moment<'_>) -> Result<()> {
        if let Some(images) = &self.watched {
            let accuracy = evaluate(&self.network(at.network())?, images)?.accuracy;
            self.kept().accuracies.push(accuracy);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_nn::{BatchNorm2d, Conv2d, Flatten, Linear, Sgd, Training};

    fn data() -> Dataset {
        Dataset {
            name: "halves".into(),
            images: Tensor::from_shape_fn(vec![16, 1, 2, 2], |i| (i[0] % 2 + i[3]) as f32),
            labels: (0..16).map(|i| i % 2).collect(),
            classes: vec!["dark".into(), "bright".into()],
        }
    }

    fn net() -> Network {
        Network::input([1, 2, 2])
            .add("conv", Conv2d::new(2, 1))
            .add("bn", BatchNorm2d::new())
            .add("flatten", Flatten)
            .add("fc", Linear::new(2))
            .build(1)
            .unwrap()
    }

    fn trained(average: &WeightAverage) -> Result<Network> {
        let (mut net, data) = (net(), data());
        let training = Training::new(Sgd::new(0.1)).epochs(3).batch_size(4).quiet();
        let training = training.callback(average.clone());
        training.fit(&mut net, &data, &data).map(|_| net)
    }

    #[test]
    fn an_average_that_forgets_at_once_is_the_network_itself() {
        let average = WeightAverage::new(0.0, |_, now, _| now).watching(&data());
        let net = trained(&average).unwrap();
        let same = average.network(&net).unwrap();
        let all = |n: &Network| {
            let all = n.parameters().into_iter().chain(n.buffers());
            all.map(|(name, t)| (name, t.clone())).collect::<Vec<_>>()
        };
        assert_eq!(all(&same), all(&net));
        let last = evaluate(&net, &data()).unwrap().accuracy;
        assert_eq!(average.accuracies().len(), 3);
        assert_eq!(average.accuracies()[2], last);
    }

    #[test]
    fn an_average_lags_behind_and_needs_a_training() {
        let rule = |a: Vec<f32>, w: Vec<f32>, d: f32| {
            let both = a.iter().zip(&w);
            both.map(|(a, w)| d * a + (1.0 - d) * w).collect()
        };
        let average = WeightAverage::new(0.9, rule);
        assert!(average.network(&net()).is_err());
        let after = trained(&average).unwrap();
        let averaged = average.network(&after).unwrap();
        let far = |a: &Network, b: &Network| {
            let of = |n: &Network| n.parameter("fc.weight").unwrap().clone();
            (of(a) - of(b)).mapv(|v| v * v).sum()
        };
        let begun = net();
        assert!(far(&averaged, &begun) > 0.0 && far(&averaged, &after) > 0.0);
        assert!(far(&averaged, &begun) < far(&after, &begun));
    }

    #[test]
    fn a_rule_that_loses_numbers_ends_the_training_with_an_error() {
        let average = WeightAverage::new(0.9, |_, _, _| Vec::new());
        let error = trained(&average).unwrap_err().to_string();
        assert!(error.contains("returned 0 numbers"), "{error}");
    }
}
