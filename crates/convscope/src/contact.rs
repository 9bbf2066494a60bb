//! What an augmentation makes of an image, many times over, on one sheet.

use convscope_data::{Augment, Augmentation, PixelRange};
use convscope_vis::render::{Cell, Sheet, picture};
use convscope_vis::{Result, VisError};
use image::RgbImage;
use ndarray::ArrayView3;

/// Pictures beside each other.
const COLUMNS: usize = 6;

/// An image as it is and `n` times after its random changes: those of `n` epochs under this seed.
/// Give a photograph or an image `[C, H, W]` of one or three channels: `contact_sheet(&photo, ..)`.
///
/// Colours are shown by the augmentation's range. Without one, an image within 0 to 1 or 0 to 255 is
/// shown as it is, and any other from its smallest to its largest value.
///
/// # Errors
/// When the changes cannot be made to this image, it has other channels, or `n` is 0.
pub fn contact_sheet<'a>(
    image: impl Into<ArrayView3<'a, f32>>,
    augmentation: &Augmentation,
    n: usize,
    seed: u64,
) -> Result<Sheet> {
    let image: ArrayView3<'a, f32> = image.into();
    if n == 0 || image.is_empty() {
        return Err(VisError::Invalid(
            "a contact sheet needs an image of at least one pixel, at least once".into(),
        ));
    }
    let range = augmentation.pixel_range().cloned();
    let range = range.unwrap_or_else(|| likely_range(image));
    let shown = |one: ArrayView3<'_, f32>| -> Result<RgbImage> {
        picture(range.unit_pixels(one)?.mapv(|v| v.clamp(0.0, 1.0)).view())
    };
    let mut cells = vec![Cell::picture(shown(image)?).note("as it is")];
    for epoch in 1..=n as u64 {
        let one = augmentation.augment(image, (seed, epoch, 0))?;
        cells.push(Cell::picture(shown(one.view())?));
    }
    let columns = COLUMNS.min(cells.len());
    let mut sheet = Sheet::new((0..columns).map(|_| ""));
    while !cells.is_empty() {
        let rest = cells.split_off(columns.min(cells.len()));
        sheet = sheet.row("", std::mem::replace(&mut cells, rest));
    }
    let side = if image.dim().1 <= 64 { 96 } else { 144 };
    Ok(sheet.side(side).caption(in_words(augmentation)))
}

/// The changes that a sheet shows, as its caption: without the numbers of the components of colours,
/// and with two decimals at most.
pub(crate) fn in_words(augmentation: &Augmentation) -> String {
    let steps = augmentation.steps().iter().map(|step| match step {
        Augment::ColourJitter { deviation, .. } => format!("colour jitter {deviation}"),
        other => other.to_string(),
    });
    let shorter = |word: &str| match word.parse::<f64>() {
        Ok(number) => format!("{}", (100.0 * number).round() / 100.0),
        Err(_) => word.to_string(),
    };
    let steps = steps.map(|step| step.split(' ').map(shorter).collect::<Vec<_>>().join(" "));
    match steps.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => augmentation.to_string(),
        words => words,
    }
}

pub(crate) fn likely_range(image: ArrayView3<'_, f32>) -> PixelRange {
    let low = image.iter().copied().fold(f32::INFINITY, f32::min);
    let high = image.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    match (low, high) {
        (0.0.., ..=1.0) => PixelRange::unit(),
        (0.0.., ..=255.0) => PixelRange::bytes(),
        _ if low < high => PixelRange::between(low, high),
        _ => PixelRange::between(low - 0.5, low + 0.5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_data::{ColourComponents, sample_photo};
    use ndarray::Array3;

    #[test]
    fn a_caption_is_short() {
        let components = ColourComponents {
            eigenvalues: [0.1708999, 0.01, 0.001],
            eigenvectors: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        };
        let recipe = Augmentation::new()
            .flip()
            .zoom(1.4)
            .colour_jitter(components);
        assert_eq!(
            in_words(&recipe),
            "flip 0.5, zoom 0.71 to 1.4, 0 around, colour jitter 0.1"
        );
        assert_eq!(in_words(&Augmentation::new()), "none");
    }

    #[test]
    fn a_sheet_shows_the_image_and_what_a_recipe_makes_of_it() {
        let photo = sample_photo();
        let recipe = Augmentation::new()
            .range(PixelRange::unit())
            .flip()
            .rotate(20.0)
            .hue(90.0)
            .scaled_crop((64, 96), 56);
        let sheet = contact_sheet(&photo, &recipe, 11, 1).unwrap();
        let drawn = sheet.draw();
        // Two rows of six.
        assert!(drawn.width() > 6 * 144 && drawn.height() > 2 * 144);
        assert!(drawn.height() < 3 * 190, "{}", drawn.height());
        assert_eq!(drawn, contact_sheet(&photo, &recipe, 11, 1).unwrap().draw());
        assert_ne!(drawn, contact_sheet(&photo, &recipe, 11, 2).unwrap().draw());
        // The first cell is the image itself: the same on every sheet.
        let plain = contact_sheet(&photo, &Augmentation::new(), 1, 1)
            .unwrap()
            .draw();
        assert!(plain.width() > 2 * 144);
        // An array in other units shows the same picture.
        let bytes = photo.pixels.mapv(|v| 255.0 * v);
        let other = contact_sheet(&bytes, &Augmentation::new(), 1, 1)
            .unwrap()
            .draw();
        assert_eq!(plain, other);
        for (image, n) in [(&photo.pixels, 0), (&Array3::zeros((3, 0, 4)), 1)] {
            assert!(contact_sheet(image, &recipe, n, 1).is_err());
        }
        let grey = Array3::<f32>::zeros((1, 70, 70));
        let error = contact_sheet(&grey, &recipe, 1, 1).unwrap_err().to_string();
        assert!(error.contains("red, green and blue"), "{error}");
    }
}
