//! The gradient of a whole set of images, as one long list.

use convscope_data::Dataset;
use convscope_nn::{CrossEntropy, Loss, Network, NnError, Pass, Result, Target};
use ndarray::{Array1, Axis, s};

/// Images in one pass; the sum over all is the same for any number but for rounding.
const AT_ONCE: usize = 256;

/// The gradient of the mean cross-entropy over these images with respect to every parameter of the
/// network, one after the other. The network computes as when it is used, not as in training:
/// nothing is dropped, and batch norm takes its running statistics.
///
/// # Errors
/// When the images do not fit the network, or there are none.
pub fn gradient(net: &Network, images: &Dataset) -> Result<Array1<f32>> {
    let count: usize = net.parameters().iter().map(|(_, p)| p.len()).sum();
    let mut sum = Array1::<f32>::zeros(count);
    let loss = CrossEntropy::new();
    let n = images.labels.len();
    if n == 0 {
        return Err(NnError::Invalid("the gradient of no images".into()));
    }
    let mut begin = 0;
    while begin < n {
        let end = (begin + AT_ONCE).min(n);
        let x = images
            .images
            .slice_axis(Axis(0), (begin..end).into())
            .to_owned();
        let labels = &images.labels[begin..end];
        let trace = net.trace_as(&x, Pass::default())?;
        let (_, seed) = loss.value_and_gradient(trace.output(), Target::Classes(labels))?;
        let share = labels.len() as f32 / n as f32;
        let mut at = 0;
        for part in trace.parameter_gradients(&seed)? {
            let mut place = sum.slice_mut(s![at..at + part.len()]);
            for (total, value) in place.iter_mut().zip(&part) {
                *total += share * value;
            }
            at += part.len();
        }
        begin = end;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_data::InkDigits;
    use convscope_nn::{Dropout, Flatten, Linear};

    #[test]
    fn the_gradient_of_all_is_the_mean_of_the_parts() {
        let net = Network::input([1, 28, 28])
            .add("flatten", Flatten)
            .add("drop", Dropout::new(0.5))
            .add("fc", Linear::new(10))
            .build(1)
            .unwrap();
        let set = InkDigits::generate(300, 1);
        let whole = gradient(&net, &set).unwrap();
        assert_eq!(whole.len(), 7850);
        let parts = [0..100, 100..200, 200..300].map(|r| gradient(&net, &set.slice(r).unwrap()));
        let mean = parts.into_iter().map(|p| p.unwrap() / 3.0);
        let mean = mean.reduce(|a, b| a + b).unwrap();
        let far = (&whole - &mean).mapv(f32::abs).sum() / whole.mapv(f32::abs).sum();
        assert!(far < 1e-4, "{far}");
        assert_eq!(whole, gradient(&net, &set).unwrap(), "nothing is dropped");
    }

    #[test]
    fn no_images_are_an_error() {
        let net = Network::input([1, 28, 28])
            .add("flatten", Flatten)
            .add("fc", Linear::new(10))
            .build(1)
            .unwrap();
        let mut set = InkDigits::generate(1, 1);
        set.images = ndarray::ArrayD::zeros(vec![0, 1, 28, 28]);
        set.labels.clear();
        assert!(gradient(&net, &set).is_err());
    }
}
