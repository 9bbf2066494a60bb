//! The directions in which the colours of a training set vary.

use crate::eigen::eigh;
use crate::error::Result;
use convscope_data::{ColourComponents, Dataset, PixelRange};

/// The eigenvalues and eigenvectors of the covariance of red, green and blue over all pixels of a
/// set, from 0 (black) to 1 (white), the largest first: what PCA colour jitter moves colours along
/// (Krizhevsky, Sutskever and Hinton 2012, section 4.1). An eigenvector's sign is that which makes
/// the sum of its parts positive.
///
/// ```
/// use convscope_data::{Augmentation, PixelRange, Shapes, ShapesConfig};
/// use convscope_nn::colour_components;
/// # fn main() -> Result<(), convscope_nn::NnError> {
/// let shapes = Shapes::generate(40, &ShapesConfig::default(), 1)?;
/// let range = PixelRange::bytes();
/// let components = colour_components(&shapes.dataset, &range)?;
/// let augmentation = Augmentation::new().range(range).colour_jitter(components);
/// # Ok(()) }
/// ```
///
/// # Errors
/// When there is no image, the images have not three channels, or their pixels lie far outside the
/// range.
pub fn colour_components(images: &Dataset, range: &PixelRange) -> Result<ColourComponents> {
    let (values, vectors) = eigh(&ColourComponents::covariance(images, range)?)?;
    // Ascending, as LAPACK gives them; rounding may leave the least a little below 0.
    let order = [2, 1, 0];
    Ok(ColourComponents {
        eigenvalues: order.map(|k| f64::max(values[k], 0.0)),
        eigenvectors: order.map(|k| {
            let vector = vectors.column(k);
            let sign = if vector.sum() < 0.0 { -1.0 } else { 1.0 };
            [0, 1, 2].map(|c| sign * vector[c])
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array4;

    #[test]
    fn colours_that_vary_along_a_line_have_it_as_their_first_component() {
        // Around grey along (2, 1, -2) / 3, and a little across it along (1, 2, 2) / 3.
        let images = Array4::from_shape_fn((50, 3, 2, 2), |(i, c, y, x)| {
            let along = ((i * 7 + y * 3 + x) % 11) as f32 / 11.0 - 0.5;
            let across = if (i + y + x) % 2 == 0 { 0.01 } else { -0.01 };
            let [a, b] = [[2.0, 1.0, -2.0], [1.0, 2.0, 2.0]].map(|v: [f32; 3]| v[c] / 3.0);
            0.5 + a * along + b * across
        });
        let classes = vec!["a".to_owned()];
        let set = Dataset::new("line", images.into_dyn(), vec![0; 50], classes).unwrap();
        let found = colour_components(&set, &PixelRange::unit()).unwrap();
        let [first, second, third] = found.eigenvalues;
        assert!((0.05..0.12).contains(&first), "{first}");
        assert!((second - 1e-4).abs() < 2e-5 && third < 1e-9, "{found}");
        for (k, expected) in [[2.0, 1.0, -2.0], [1.0, 2.0, 2.0]].iter().enumerate() {
            let parts = found.eigenvectors[k].iter().zip(expected);
            let cosine: f64 = parts.map(|(a, b)| a * b / 3.0).sum();
            assert!(cosine > 0.9995, "{found}");
        }
        let sum = first + second + third;
        let covariance = ColourComponents::covariance(&set, &PixelRange::unit()).unwrap();
        assert!((covariance.diag().sum() - sum).abs() < 1e-9);
    }

    #[test]
    fn sets_without_colours_are_refused() {
        let grey = convscope_data::InkDigits::generate(3, 1);
        let error = colour_components(&grey, &PixelRange::bytes()).unwrap_err();
        assert!(error.to_string().contains("1 channels"), "{error}");
    }
}
