//! From other libraries' layouts to the one used here: convolutions OIHW, dense layers \[out, in\].

use crate::{Result, WeightsError};
use ndarray::{Array2, Array4, ArrayD, Ix2, Ix4};

fn four(what: &'static str, axes: &str, array: &ArrayD<f32>) -> Result<Array4<f32>> {
    let owned = array.view().into_dimensionality::<Ix4>();
    owned
        .map(|a| a.to_owned())
        .map_err(|_| WeightsError::Shape {
            what,
            expected: axes.to_owned(),
            got: array.shape().to_vec(),
        })
}

fn two(what: &'static str, axes: &str, array: &ArrayD<f32>) -> Result<Array2<f32>> {
    let owned = array.view().into_dimensionality::<Ix2>();
    owned
        .map(|a| a.to_owned())
        .map_err(|_| WeightsError::Shape {
            what,
            expected: axes.to_owned(),
            got: array.shape().to_vec(),
        })
}

fn contiguous<D: ndarray::Dimension>(array: ndarray::ArrayView<'_, f32, D>) -> ArrayD<f32> {
    array.as_standard_layout().into_owned().into_dyn()
}

/// A convolution's kernel from Keras and TensorFlow: \[height, width, in, out\] to
/// \[out, in, height, width\].
///
/// # Errors
/// If the array has not four axes.
pub fn conv_from_hwio(kernel: &ArrayD<f32>) -> Result<ArrayD<f32>> {
    let kernel = four(
        "kernel of a convolution",
        "[height, width, in, out]",
        kernel,
    )?;
    Ok(contiguous(kernel.view().permuted_axes([3, 2, 0, 1])))
}

/// A depthwise convolution's kernel from Keras and TensorFlow:
/// \[height, width, channels, multiplier\] to \[channels * multiplier, 1, height, width\].
///
/// # Errors
/// If the array has not four axes.
pub fn depthwise_from_hwcm(kernel: &ArrayD<f32>) -> Result<ArrayD<f32>> {
    let axes = "[height, width, channels, multiplier]";
    let kernel = four("kernel of a depthwise convolution", axes, kernel)?;
    let (h, w, c, m) = kernel.dim();
    let permuted = contiguous(kernel.view().permuted_axes([2, 3, 0, 1]));
    permuted
        .into_shape_with_order(vec![c * m, 1, h, w])
        .map_err(|_| WeightsError::Shape {
            what: "kernel of a depthwise convolution",
            expected: axes.to_owned(),
            got: vec![h, w, c, m],
        })
}

/// A dense layer's kernel from Keras: \[in, out\] to \[out, in\].
///
/// # Errors
/// If the array has not two axes.
pub fn dense_from_in_out(kernel: &ArrayD<f32>) -> Result<ArrayD<f32>> {
    let kernel = two("kernel of a dense layer", "[in, out]", kernel)?;
    Ok(contiguous(kernel.t()))
}

/// The kernel of the first dense layer behind a flattening, from Keras: \[in, out\] to \[out, in\],
/// where the inputs were counted over height, width, channel and are to be counted over channel,
/// height, width. `before` is the shape that was flattened, as \[channels, height, width\].
///
/// # Errors
/// If the array has not two axes, or as many inputs as `before` has numbers.
pub fn dense_after_flatten(kernel: &ArrayD<f32>, before: [usize; 3]) -> Result<ArrayD<f32>> {
    let what = "kernel of a dense layer behind a flattening";
    let kernel = two(what, "[in, out]", kernel)?;
    let [c, h, w] = before;
    let (inputs, outputs) = kernel.dim();
    let wrong = || WeightsError::Shape {
        what,
        expected: format!("[{c} * {h} * {w}, out]"),
        got: vec![inputs, outputs],
    };
    let product = c.checked_mul(h).and_then(|n| n.checked_mul(w));
    if product != Some(inputs) {
        return Err(wrong());
    }
    let rows = kernel.as_standard_layout().into_owned();
    let grid = rows.into_shape_with_order([h, w, c, outputs]);
    let grid = grid.map_err(|_| wrong())?;
    let permuted = contiguous(grid.view().permuted_axes([3, 2, 0, 1]));
    permuted
        .into_shape_with_order(vec![outputs, inputs])
        .map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array, IxDyn};

    fn counted(shape: &[usize]) -> ArrayD<f32> {
        let n: usize = shape.iter().product();
        Array::from_iter((0..n).map(|i| i as f32))
            .into_shape_with_order(IxDyn(shape))
            .unwrap()
    }

    #[test]
    fn every_number_of_a_kernel_lands_at_its_own_place() {
        let (h, w, i, o) = (2, 3, 4, 5);
        let from = counted(&[h, w, i, o]);
        let conv = conv_from_hwio(&from).unwrap();
        let depthwise = depthwise_from_hwcm(&from).unwrap();
        assert_eq!(conv.shape(), [o, i, h, w]);
        assert_eq!(depthwise.shape(), [i * o, 1, h, w]);
        for ((y, x, c, k), v) in from
            .view()
            .into_dimensionality::<Ix4>()
            .unwrap()
            .indexed_iter()
        {
            assert_eq!(conv[[k, c, y, x]], *v);
            assert_eq!(depthwise[[c * o + k, 0, y, x]], *v);
        }
    }

    #[test]
    fn a_dense_layer_behind_a_flattening_gives_the_same_answers_in_the_other_order() {
        let (c, h, w, out) = (2, 3, 4, 5);
        let kernel = counted(&[h * w * c, out]);
        let ours = dense_after_flatten(&kernel, [c, h, w]).unwrap();
        let image = counted(&[c, h, w]);
        for k in 0..out {
            let mut theirs_sum = 0.0;
            let mut ours_sum = 0.0;
            for y in 0..h {
                for x in 0..w {
                    for ch in 0..c {
                        let pixel = image[[ch, y, x]];
                        theirs_sum += pixel * kernel[[(y * w + x) * c + ch, k]];
                        ours_sum += pixel * ours[[k, (ch * h + y) * w + x]];
                    }
                }
            }
            assert_eq!(ours_sum, theirs_sum);
        }
        assert_eq!(dense_from_in_out(&kernel).unwrap()[[3, 7]], kernel[[7, 3]]);
    }

    #[test]
    fn a_wrong_shape_is_told_with_both() {
        let error = dense_after_flatten(&counted(&[10, 2]), [2, 3, 4]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "kernel of a dense layer behind a flattening: expected shape [2 * 3 * 4, out], got [10, 2]"
        );
        assert!(conv_from_hwio(&counted(&[3, 3])).is_err());
    }
}
