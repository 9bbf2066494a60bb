//! Lines on pictures: boxes, outlines of masks, borders of superpixels.

use convscope_nn::Rect;
use image::{Rgb, RgbImage};
use ndarray::Array2;

/// Draws the outline of a rectangle of pixels, `line` pixels wide to the inside. What lies outside
/// the picture is not drawn.
pub fn boxed(picture: &mut RgbImage, rect: Rect, line: u32, ink: [u8; 3]) {
    let line = line as isize;
    let inside = rect.clipped(picture.height() as usize, picture.width() as usize);
    for y in inside.top..inside.bottom {
        for x in inside.left..inside.right {
            let edge = y < rect.top + line
                || y >= rect.bottom - line
                || x < rect.left + line
                || x >= rect.right - line;
            if edge {
                picture.put_pixel(x as u32, y as u32, Rgb(ink));
            }
        }
    }
}

/// Draws where a mask `[H, W]` ends, on its own pixels. A mask of another size than the picture is
/// stretched to it.
pub fn contour(picture: &mut RgbImage, mask: &Array2<bool>, ink: [u8; 3]) {
    outline(picture, mask, ink, |here, there| here && !there);
}

/// Draws the borders between superpixels, given their labels `[H, W]`.
pub fn borders(picture: &mut RgbImage, labels: &Array2<usize>, ink: [u8; 3]) {
    outline(picture, labels, ink, |here, there| here < there);
}

fn outline<T: Copy>(
    picture: &mut RgbImage,
    labels: &Array2<T>,
    ink: [u8; 3],
    ends: impl Fn(T, T) -> bool,
) {
    let (rows, columns) = labels.dim();
    if rows == 0 || columns == 0 {
        return;
    }
    let (width, height) = picture.dimensions();
    let at = |x: u32, y: u32| {
        let row = y as usize * rows / height as usize;
        labels[[row, x as usize * columns / width as usize]]
    };
    for y in 0..height {
        for x in 0..width {
            let here = at(x, y);
            let mut around = Vec::with_capacity(4);
            if x > 0 {
                around.push(at(x - 1, y));
            }
            if y > 0 {
                around.push(at(x, y - 1));
            }
            if x + 1 < width {
                around.push(at(x + 1, y));
            }
            if y + 1 < height {
                around.push(at(x, y + 1));
            }
            if around.into_iter().any(|there| ends(here, there)) {
                picture.put_pixel(x, y, Rgb(ink));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inked(picture: &RgbImage) -> Vec<(u32, u32)> {
        let dark = picture.enumerate_pixels().filter(|(_, _, c)| c.0 == [0; 3]);
        dark.map(|(x, y, _)| (x, y)).collect()
    }

    #[test]
    fn a_box_is_clipped_to_the_picture() {
        let mut picture = RgbImage::from_pixel(5, 5, Rgb([255; 3]));
        let rect = Rect {
            top: 2,
            bottom: 9,
            left: -3,
            right: 4,
        };
        boxed(&mut picture, rect, 1, [0; 3]);
        let mut expected: Vec<(u32, u32)> = (0..4).map(|x| (x, 2)).collect();
        expected.extend([(3, 3), (3, 4)]);
        let mut found = inked(&picture);
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_mask_is_outlined_on_its_own_pixels_and_borders_are_one_pixel_wide() {
        let mask =
            Array2::from_shape_fn((5, 5), |(y, x)| (1..4).contains(&y) && (1..4).contains(&x));
        let mut picture = RgbImage::from_pixel(5, 5, Rgb([255; 3]));
        contour(&mut picture, &mask, [0; 3]);
        assert_eq!(inked(&picture).len(), 8);
        let labels = Array2::from_shape_fn((4, 4), |(_, x)| x / 2);
        let mut picture = RgbImage::from_pixel(4, 4, Rgb([255; 3]));
        borders(&mut picture, &labels, [0; 3]);
        assert_eq!(inked(&picture), [(1, 0), (1, 1), (1, 2), (1, 3)]);
    }
}
