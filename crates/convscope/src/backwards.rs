//! Pictures of what comes back from a unit to the pixels, as Zeiler and Fergus (2014) show them.

use convscope_data::{Channels, Preprocessing};
use convscope_nn::Rect;
use convscope_vis::Result;
use convscope_vis::render::{Scale, picture};
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use ndarray::{Array3, ArrayView3, Axis};

/// What came back to an image `[C, H, W]` as a picture in its colours: grey where it is zero,
/// lighter above and darker below, each colour on its own. The ends are the 99.5th percentile of
/// the absolute values; of zeros the picture is grey throughout.
///
/// # Errors
/// When there are not 1 or 3 channels, or no pixel.
pub fn came_back(preprocessing: &Preprocessing, values: ArrayView3<'_, f32>) -> Result<RgbImage> {
    let clipped = Scale::SymmetricClipped { percentile: 99.5 };
    let most = match clipped.ends(values.iter()).high {
        high if high > 0.0 => high,
        _ => Scale::Symmetric.ends(values.iter()).high,
    };
    let by = if most > 0.0 { 0.5 / most } else { 0.0 };
    let mut shades = values.mapv(|v| 0.5 + by * v);
    if preprocessing.channels == Channels::Bgr {
        shades.invert_axis(Axis(0));
    }
    picture(shades.view())
}

/// The part of an image or of a map `[C, H, W]` that a unit sees, zero where its field reaches
/// beyond.
pub fn cut_out(values: ArrayView3<'_, f32>, field: Rect) -> Array3<f32> {
    let (channels, height, width) = values.dim();
    let side = |from: isize, to: isize| (to - from).max(0) as usize;
    let shape = (
        channels,
        side(field.top, field.bottom),
        side(field.left, field.right),
    );
    Array3::from_shape_fn(shape, |(c, y, x)| {
        let (y, x) = (y as isize + field.top, x as isize + field.left);
        let inside = (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
        match inside {
            true => values[[c, y as usize, x as usize]],
            false => 0.0,
        }
    })
}

/// Nine pictures (or fewer) in a block of three by three, each of this side in pixels.
pub fn nine(pictures: &[RgbImage], side: u32) -> RgbImage {
    const GAP: u32 = 3;
    let whole = 3 * side + 2 * GAP;
    let mut block = RgbImage::from_pixel(whole, whole, Rgb([255; 3]));
    for (i, picture) in (0u32..).zip(pictures.iter().take(9)) {
        let filter = match picture.width() < side {
            true => FilterType::Nearest,
            false => FilterType::Triangle,
        };
        let fitted = imageops::resize(picture, side, side, filter);
        let [x, y] = [i % 3, i / 3].map(|n| i64::from(n * (side + GAP)));
        imageops::replace(&mut block, &fitted, x, y);
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn what_came_back_is_grey_at_zero_and_symmetric_around_it() {
        let values = array![[[-2.0, 0.0, 2.0]]];
        let shown = came_back(&Preprocessing::mnist(), values.view()).unwrap();
        let shades: Vec<u8> = shown.pixels().map(|p| p.0[0]).collect();
        assert_eq!(shades, [0, 128, 255]);
        let zeros = Array3::zeros((3, 2, 2));
        let shown = came_back(&Preprocessing::cifar10(), zeros.view()).unwrap();
        assert!(shown.pixels().all(|p| p.0 == [128; 3]));
        let red = array![[[1.0]], [[0.0]], [[0.0]]];
        let mut blue_first = Preprocessing::cifar10();
        assert_eq!(
            came_back(&blue_first, red.view()).unwrap()[(0, 0)].0,
            [255, 128, 128]
        );
        blue_first.channels = Channels::Bgr;
        assert_eq!(
            came_back(&blue_first, red.view()).unwrap()[(0, 0)].0,
            [128, 128, 255]
        );
    }

    #[test]
    fn a_field_beyond_the_image_is_zero_there() {
        let values = array![[[1.0, 2.0], [3.0, 4.0]]];
        let field = Rect {
            top: -1,
            bottom: 1,
            left: 1,
            right: 3,
        };
        assert_eq!(
            cut_out(values.view(), field),
            array![[[0.0, 0.0], [2.0, 0.0]]]
        );
    }

    #[test]
    fn nine_pictures_make_a_block() {
        let shade = |i: u8| RgbImage::from_pixel(2, 2, Rgb([i; 3]));
        let pictures: Vec<RgbImage> = (0..9).map(shade).collect();
        let block = nine(&pictures, 10);
        assert_eq!(block.dimensions(), (36, 36));
        assert_eq!(block[(0, 0)].0, [0; 3]);
        assert_eq!(block[(18, 5)].0, [1; 3]);
        assert_eq!(block[(35, 35)].0, [8; 3]);
        assert_eq!(block[(11, 11)].0, [255; 3]);
    }
}
