//! The Hessian of a loss: how the gradient of every weight changes with every weight, and how
//! unevenly the loss is curved because of it.

use crate::error::{NnError, Result};
use crate::loss::{Loss, Target};
use crate::network::Network;
use crate::real::Tensor;
use ndarray::{Array1, Array2, Axis};
use ndarray_linalg::{EigValshInto, UPLO};
use rayon::prelude::*;

/// The step of the central differences of the gradient.
///
/// In one weight alone a linear network's output is a straight line, so its squared error is a
/// parabola and every gradient at most one: central differences of a parabola have no error but
/// rounding, about 1e-11. With smooth activations the error is about 1e-10 of the values.
const STEP: f64 = 1e-5;

/// The most parameters: their matrix then takes 200 MB.
const MOST: usize = 5000;

/// Columns that one task computes with one copy of the network.
const COLUMNS_PER_TASK: usize = 16;

/// The matrix of second derivatives of a loss with respect to parameters of a network, at the
/// values that they have.
///
/// Column `i` is the difference of two gradients in double precision, taken a step of 1e-5 to
/// either side along parameter `i` (evaluation mode: batch norm by its running statistics, nothing
/// dropped). For a linear network under the squared error that is exact up to rounding. Where a
/// ReLU or a max pooling has its kink within a step, it is not the second derivative, which does
/// not exist there; [`Hessian::asymmetry`] tells.
///
/// ```
/// use convscope_nn::{Hessian, Linear, MeanSquaredError, Network, Target, Tensor};
/// # fn main() -> Result<(), convscope_nn::NnError> {
/// let net = Network::input([2]).add("fc", Linear::new(1)).build(1)?.to_f64();
/// let x = Tensor::from_shape_vec(vec![2, 2], vec![3.0, 0.0, 0.0, 1.0]).unwrap();
/// let y = Tensor::zeros(vec![2, 1]);
/// let hessian = Hessian::of_weights(&net, &x, Target::Values(&y), &MeanSquaredError)?;
/// let eigenvalues = hessian.eigenvalues()?; // of 2 xᵀx / 2
/// assert!((eigenvalues[0] - 1.0).abs() < 1e-8 && (eigenvalues[1] - 9.0).abs() < 1e-8);
/// assert!((hessian.condition_number()? - 9.0).abs() < 1e-8);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Hessian {
    matrix: Array2<f64>,
    parameters: Vec<(String, usize)>,
    asymmetry: f64,
}

impl Hessian {
    /// The Hessian with respect to all parameters, for one batch.
    ///
    /// # Errors
    /// When the batch does not fit the network, the target does not fit the output or the loss, or
    /// there are more than 5000 parameters.
    pub fn of(
        net: &Network<f64>,
        x: &Tensor<f64>,
        target: Target<'_, f64>,
        loss: &dyn Loss<f64>,
    ) -> Result<Hessian> {
        let paths: Vec<String> = net.parameters().into_iter().map(|(p, _)| p).collect();
        Hessian::over(net, &paths, x, target, loss)
    }

    /// The same with respect to the weights alone, the parameters whose paths end in `.weight`:
    /// biases stay as they are.
    ///
    /// # Errors
    /// As [`Hessian::of`].
    pub fn of_weights(
        net: &Network<f64>,
        x: &Tensor<f64>,
        target: Target<'_, f64>,
        loss: &dyn Loss<f64>,
    ) -> Result<Hessian> {
        let paths = net.parameters().into_iter().map(|(path, _)| path);
        let weights: Vec<String> = paths.filter(|path| path.ends_with(".weight")).collect();
        Hessian::over(net, &weights, x, target, loss)
    }

    /// The same with respect to the parameters of these paths, in the network's order.
    ///
    /// # Errors
    /// As [`Hessian::of`], or when there is no parameter of such a path, or none at all.
    pub fn over(
        net: &Network<f64>,
        paths: &[String],
        x: &Tensor<f64>,
        target: Target<'_, f64>,
        loss: &dyn Loss<f64>,
    ) -> Result<Hessian> {
        for path in paths {
            net.parameter(path)?;
        }
        let chosen: Vec<bool> = net
            .parameters()
            .iter()
            .map(|(path, _)| paths.contains(path))
            .collect();
        let parameters: Vec<(String, usize)> = net
            .parameters()
            .into_iter()
            .zip(&chosen)
            .filter(|(_, chosen)| **chosen)
            .map(|((path, values), _)| (path, values.len()))
            .collect();
        let size: usize = parameters.iter().map(|(_, len)| len).sum();
        if size == 0 || size > MOST {
            return Err(NnError::Invalid(format!(
                "a Hessian has a row and a column for every parameter: expected 1 to {MOST} of \
                 them, got {size}"
            )));
        }
        // Errors come before the work.
        gradient(net, &chosen, x, target, loss)?;
        let mut matrix = Array2::zeros((size, size)); // row i: the gradient's slope along i
        matrix
            .axis_chunks_iter_mut(Axis(0), COLUMNS_PER_TASK)
            .into_par_iter()
            .enumerate()
            .try_for_each(|(task, mut rows)| {
                let mut net = net.clone();
                for (i, mut row) in rows.outer_iter_mut().enumerate() {
                    let place = Place::of(&parameters, task * COLUMNS_PER_TASK + i);
                    let begin = place.read(&net)?;
                    let mut at = |value: f64| {
                        place.write(&mut net, value);
                        gradient(&net, &chosen, x, target, loss)
                    };
                    let (up, down) = (at(begin + STEP)?, at(begin - STEP)?);
                    place.write(&mut net, begin);
                    // The step that was taken, in the numbers that there are.
                    let step = (begin + STEP) - (begin - STEP);
                    row.assign(&((up - down) / step));
                }
                Ok::<(), NnError>(())
            })?;
        let largest = largest(matrix.iter());
        let apart = largest_of(&matrix - &matrix.t());
        let matrix = (&matrix + &matrix.t()) / 2.0;
        Ok(Hessian {
            matrix,
            parameters,
            asymmetry: if largest > 0.0 { apart / largest } else { 0.0 },
        })
    }

    /// The matrix `[P, P]`, symmetric. Rows and columns are the parameters in the network's order,
    /// each in C order.
    pub fn matrix(&self) -> &Array2<f64> {
        &self.matrix
    }

    /// The parameters' paths with how many rows each has.
    pub fn parameters(&self) -> &[(String, usize)] {
        &self.parameters
    }

    /// How far the matrix was from symmetric before it was made so, relative to its largest entry.
    /// Much more than 1e-8 says that it cannot be trusted: a kink lies within a step.
    pub fn asymmetry(&self) -> f64 {
        self.asymmetry
    }

    /// All eigenvalues in ascending order: the curvatures of the loss along the axes of the
    /// parabola that fits it best. Negative ones lead downwards on both sides.
    ///
    /// # Errors
    /// When LAPACK's decomposition fails.
    pub fn eigenvalues(&self) -> Result<Array1<f64>> {
        self.matrix
            .clone()
            .eigvalsh_into(UPLO::Lower)
            .map_err(|e| NnError::Invalid(format!("the Hessian's eigenvalues: {e}")))
    }

    /// `|λ|max / |λ|min`, the largest eigenvalue over the smallest, both by size: how much the
    /// curvature differs between directions, and with it how far a learning rate that is just
    /// short enough for the steepest is too short for the flattest. Infinite where the smallest
    /// is 0; beyond about 1e10 it is made of rounding errors.
    ///
    /// # Errors
    /// As [`Hessian::eigenvalues`], or when all of them are 0.
    pub fn condition_number(&self) -> Result<f64> {
        self.condition_number_above(0.0)
    }

    /// The same with the smallest eigenvalue after this share of them is left out at the lower
    /// end. Li, Jiao, Han and Weissman (2016, <https://arxiv.org/abs/1611.01186>) leave out a tenth,
    /// because `|λ|min` changes wildly from one random start to another.
    ///
    /// # Errors
    /// As [`Hessian::condition_number`], or when the share is not at least 0 and below 1.
    pub fn condition_number_above(&self, share: f64) -> Result<f64> {
        if !(0.0..1.0).contains(&share) {
            return Err(NnError::Invalid(format!(
                "the share of eigenvalues to leave out: expected at least 0 and below 1, got {share}"
            )));
        }
        let mut sizes: Vec<f64> = self.eigenvalues()?.iter().map(|v| v.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let (smallest, largest) = (
            sizes[(share * sizes.len() as f64) as usize],
            sizes[sizes.len() - 1],
        );
        match largest > 0.0 {
            true => Ok(largest / smallest),
            false => Err(NnError::Invalid(
                "every eigenvalue is 0: to second order the loss is flat here, and has no \
                 condition number"
                    .into(),
            )),
        }
    }
}

/// One number among the chosen parameters.
struct Place<'a> {
    path: &'a str,
    index: usize,
}

impl Place<'_> {
    fn of(parameters: &[(String, usize)], mut index: usize) -> Place<'_> {
        for (path, len) in parameters {
            match index < *len {
                true => return Place { path, index },
                false => index -= len,
            }
        }
        unreachable!("a row for every parameter")
    }

    fn read(&self, net: &Network<f64>) -> Result<f64> {
        let values = net.parameter(self.path)?.as_slice();
        Ok(values.expect("parameters are in C order")[self.index])
    }

    fn write(&self, net: &mut Network<f64>, value: f64) {
        for (path, values) in net.parameters_mut() {
            if path == self.path {
                values.as_slice_mut().expect("parameters are in C order")[self.index] = value;
            }
        }
    }
}

/// The gradient of the loss with respect to the chosen parameters, in a row.
fn gradient(
    net: &Network<f64>,
    chosen: &[bool],
    x: &Tensor<f64>,
    target: Target<'_, f64>,
    loss: &dyn Loss<f64>,
) -> Result<Array1<f64>> {
    let trace = net.trace(x)?;
    let (_, slope) = loss.value_and_gradient(trace.output(), target)?;
    let gradients = trace.parameter_gradients(&slope)?;
    let wanted = gradients.iter().zip(chosen).filter(|(_, chosen)| **chosen);
    Ok(wanted
        .flat_map(|(gradient, _)| gradient.iter().copied())
        .collect())
}

fn largest<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    values.fold(0.0, |most, v| f64::max(most, v.abs()))
}

fn largest_of(values: Array2<f64>) -> f64 {
    largest(values.iter())
}

#[cfg(test)]
#[path = "hessian_tests.rs"]
mod tests;
