//! Is a gradient right? Compare it with what a small step does.

use crate::error::Result;
use crate::layer::{Pass, Rule};
use crate::network::{INPUT, Network};
use crate::real::Tensor;
use ndarray::IxDyn;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The step of the central differences. At 1e-5 their own error is about 1e-10 of the value.
const STEP: f64 = 1e-5;

/// Where analysis and central differences part most.
#[derive(Clone, Debug, PartialEq)]
pub struct Worst {
    /// `"input"` or the parameter's path.
    pub of: String,
    /// The element.
    pub index: Vec<usize>,
    /// The gradient by the backward pass.
    pub analytic: f64,
    /// The gradient by central differences.
    pub numeric: f64,
    /// `|a - n| / max(1, |a| + |n|)`: relative for large gradients, absolute for small ones.
    pub error: f64,
}

/// Compares every gradient of a network, with respect to its input and all parameters, with
/// central differences in double precision, on one batch of random numbers. The scalar is a
/// random projection of the output.
///
/// Inputs are spread out so that no ReLU or max pooling sits within a step of its kink.
///
/// # Errors
/// When the network cannot run.
pub fn check(net: &Network, batch: usize, seed: u64) -> Result<Worst> {
    check_as(net, batch, seed, Pass::default())
}

/// The same for another kind of pass: of training, through batch norm's statistics and with the
/// same units dropped every time.
///
/// # Errors
/// When the network cannot run.
pub fn check_as(net: &Network, batch: usize, seed: u64, pass: Pass) -> Result<Worst> {
    // On a thread of the pool: thousands of small passes would each wait to enter it.
    rayon::scope(|_| compare(net, batch, seed, pass))
}

fn compare(net: &Network, batch: usize, seed: u64, pass: Pass) -> Result<Worst> {
    let mut net = net.to_f64();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut shape = vec![batch];
    shape.extend(net.input_shape());
    let x = Tensor::from_shape_simple_fn(IxDyn(&shape), || crate::init::normal(&mut rng));
    // Biases begin at zero, which would hide mistakes in them.
    let paths: Vec<String> = net.parameters().iter().map(|(p, _)| p.clone()).collect();
    for path in &paths {
        let value = net
            .parameter(path)?
            .mapv(|v| v + 0.1 * crate::init::normal(&mut rng));
        net.set_parameter(path, value)?;
    }
    let trace = net.trace_as(&x, pass)?;
    let direction =
        Tensor::from_shape_simple_fn(trace.output().raw_dim(), || crate::init::normal(&mut rng));
    let scalar = |net: &Network<f64>, x: &Tensor<f64>| -> Result<f64> {
        Ok((net.trace_as(x, pass)?.output() * &direction).sum())
    };
    let output = net.nodes().pop().expect("a network has a node");
    let input_gradient = trace.gradient_from(&output, &direction, INPUT, Rule::Gradient)?;
    let mut worst = Worst {
        of: INPUT.to_owned(),
        index: Vec::new(),
        analytic: 0.0,
        numeric: 0.0,
        error: -1.0,
    };
    let mut compare = |of: &str, index: Vec<usize>, analytic: f64, numeric: f64| {
        let error = (analytic - numeric).abs() / (analytic.abs() + numeric.abs()).max(1.0);
        if error > worst.error || error.is_nan() {
            worst = Worst {
                of: of.to_owned(),
                index,
                analytic,
                numeric,
                error,
            };
        }
    };
    for (index, &analytic) in input_gradient.indexed_iter() {
        let at = |d: f64| {
            let mut moved = x.clone();
            moved[&index] += d;
            scalar(&net, &moved)
        };
        let numeric = (at(STEP)? - at(-STEP)?) / (2.0 * STEP);
        compare(
            INPUT,
            ndarray::Dimension::slice(&index).to_vec(),
            analytic,
            numeric,
        );
    }
    let gradients = trace.parameter_gradients(&direction)?;
    for (path, gradient) in paths.iter().zip(&gradients) {
        let original = net.parameter(path)?.clone();
        for (index, &analytic) in gradient.indexed_iter() {
            let mut at = |d: f64| {
                let mut moved = original.clone();
                moved[&index] += d;
                net.set_parameter(path, moved)?;
                scalar(&net, &x)
            };
            let numeric = (at(STEP)? - at(-STEP)?) / (2.0 * STEP);
            compare(
                path,
                ndarray::Dimension::slice(&index).to_vec(),
                analytic,
                numeric,
            );
        }
        net.set_parameter(path, original)?;
    }
    Ok(worst)
}
