//! Eigenvalues and eigenvectors of symmetric matrices, by LAPACK.

use crate::error::{NnError, Result};
use crate::network::check_finite;
use ndarray::{Array1, Array2};
use ndarray_linalg::{Eigh, UPLO};

/// How far two halves of a symmetric matrix may differ, relative to its largest entry.
const SYMMETRIC: f64 = 1e-8;

/// The eigenvalues of a symmetric matrix in ascending order, and the eigenvectors that belong to
/// them as the columns of a matrix, at right angles and of length 1 (NumPy's `eigh`).
///
/// ```
/// use convscope_nn::eigh;
/// use ndarray::array;
/// # fn main() -> Result<(), convscope_nn::NnError> {
/// let (values, vectors) = eigh(&array![[2.0, 1.0], [1.0, 2.0]])?;
/// assert!((values[0] - 1.0).abs() < 1e-12 && (values[1] - 3.0).abs() < 1e-12);
/// assert!((vectors[[0, 1]] - vectors[[1, 1]]).abs() < 1e-12);
/// # Ok(()) }
/// ```
///
/// # Errors
/// When the matrix is not square, is empty, is not symmetric (to 1e-8 of its largest entry), or
/// holds a NaN or an infinity.
pub fn eigh(matrix: &Array2<f64>) -> Result<(Array1<f64>, Array2<f64>)> {
    if matrix.is_empty() || !matrix.is_square() {
        return Err(NnError::shape(
            "a matrix with eigenvalues",
            "as many rows as columns, at least one",
            matrix.shape(),
        ));
    }
    check_finite(
        &matrix.clone().into_dyn(),
        "the matrix",
        "look at how it was made",
    )?;
    let largest = matrix.iter().fold(0.0, |most, v| f64::max(most, v.abs()));
    let apart = |(i, j): (usize, usize)| (matrix[[i, j]] - matrix[[j, i]]).abs();
    let uneven = matrix
        .indexed_iter()
        .find(|(at, _)| apart(*at) > SYMMETRIC * largest);
    if let Some(((i, j), value)) = uneven {
        return Err(NnError::Invalid(format!(
            "expected a symmetric matrix: at [{i}, {j}] there is {value}, at [{j}, {i}] {}",
            matrix[[j, i]]
        )));
    }
    matrix
        .eigh(UPLO::Lower)
        .map_err(|e| NnError::Invalid(format!("the eigenvalues: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_vectors_turn_the_matrix_into_its_eigenvalues() {
        let m = array![[4.0, 1.0, -2.0], [1.0, 0.5, 3.0], [-2.0, 3.0, 1.0]];
        let (values, vectors) = eigh(&m).unwrap();
        assert!(values[0] <= values[1] && values[1] <= values[2]);
        let turned = vectors.t().dot(&m).dot(&vectors);
        for (at, v) in (&turned - &Array2::from_diag(&values)).indexed_iter() {
            assert!(v.abs() < 1e-12, "{at:?}: {v}");
        }
        assert!((values.sum() - 5.5).abs() < 1e-12);
    }

    #[test]
    fn what_has_no_such_eigenvalues_is_refused() {
        for (matrix, part) in [
            (Array2::zeros((2, 3)), "as many rows as columns"),
            (Array2::zeros((0, 0)), "at least one"),
            (array![[1.0, 2.0], [3.0, 1.0]], "symmetric"),
            (array![[1.0, f64::NAN], [2.0, 1.0]], "NaN"),
        ] {
            let error = eigh(&matrix).unwrap_err().to_string();
            assert!(error.contains(part), "{part} in {error}");
        }
    }
}
