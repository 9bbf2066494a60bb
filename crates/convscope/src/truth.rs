//! What an augmentation makes of an image, of the boxes in it and of its mask.

use crate::contact::{in_words, likely_range};
use convscope_data::{Augmentation, PixelRange};
use convscope_nn::Rect;
use convscope_vis::render::{Cell, Sheet, boxed, contour, magnified, picture};
use convscope_vis::{Result, VisError};
use image::RgbImage;
use ndarray::{Array2, Array3};

/// Pictures beside each other.
const COLUMNS: usize = 4;
/// The longer side of a small image is magnified to about this many pixels.
const SIDE: u32 = 192;
const BOX_INK: [u8; 3] = [230, 159, 0];
const MASK_INK: [u8; 3] = [86, 180, 233];

/// An image `[C, H, W]` with its boxes `[boxes, 4]` (orange; x0, y0, x1, y1 in pixels) and the
/// outline of its mask `[H, W]` (blue), as they are and `n` times after random changes. A box that
/// is no longer to be learned from is not drawn.
///
/// # Errors
/// When the changes cannot be made to this image, a box lies outside it, the mask has another size,
/// or `n` is 0.
pub fn truth_sheet(
    image: &Array3<f32>,
    boxes: &Array2<f32>,
    mask: &Array2<u8>,
    augmentation: &Augmentation,
    n: usize,
    seed: u64,
) -> Result<Sheet> {
    if n == 0 || image.is_empty() {
        return Err(VisError::Invalid(
            "a sheet of changed images needs an image of at least one pixel, at least once".into(),
        ));
    }
    let range = augmentation.pixel_range().cloned();
    let range = range.unwrap_or_else(|| likely_range(image.view()));
    let all = vec![true; boxes.nrows()];
    let mut cells = vec![Cell::picture(drawn(image, &range, boxes, &all, mask)?).note("as it is")];
    for epoch in 1..=n as u64 {
        let one = augmentation.augment_with(image, boxes, Some(mask), (seed, epoch, 0))?;
        let left = one.mask.as_ref().expect("a mask was given");
        let shown = drawn(&one.image, &range, &one.boxes, &one.kept, left)?;
        let shares = one.visible.iter().zip(&one.kept).map(|(share, kept)| {
            let lost = if *kept { "" } else { ", left out" };
            format!("{:.0} % visible{lost}", 100.0 * share)
        });
        cells.push(Cell::picture(shown).note(shares.collect::<Vec<_>>().join("; ")));
    }
    let columns = COLUMNS.min(cells.len());
    let mut sheet = Sheet::new((0..columns).map(|_| ""));
    while !cells.is_empty() {
        let rest = cells.split_off(columns.min(cells.len()));
        sheet = sheet.row("", std::mem::replace(&mut cells, rest));
    }
    Ok(sheet.side(SIDE).caption(in_words(augmentation)))
}

fn drawn(
    image: &Array3<f32>,
    range: &PixelRange,
    boxes: &Array2<f32>,
    kept: &[bool],
    mask: &Array2<u8>,
) -> Result<RgbImage> {
    let pixels = range.unit_pixels(image.view())?;
    let small = picture(pixels.mapv(|v| v.clamp(0.0, 1.0)).view())?;
    let factor = (SIDE / small.width().max(small.height()).max(1)).max(1);
    let mut large = magnified(&small, factor);
    contour(&mut large, &mask.mapv(|m| m > 0), MASK_INK);
    for (row, _) in boxes.rows().into_iter().zip(kept).filter(|(_, k)| **k) {
        let [left, top, right, bottom] =
            [0, 1, 2, 3].map(|i| (row[i] * factor as f32).round() as isize);
        let rect = Rect {
            top,
            bottom,
            left,
            right,
        };
        boxed(&mut large, rect, 2, BOX_INK);
    }
    Ok(large)
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_data::{Augment, Fill};
    use ndarray::array;

    fn example() -> (Array3<f32>, Array2<f32>, Array2<u8>) {
        let image = Array3::from_shape_fn((3, 48, 48), |(_, y, x)| ((y + x) % 48) as f32 / 48.0);
        let inside = |v: usize| (10..30).contains(&v);
        let mask = Array2::from_shape_fn((48, 48), |(y, x)| u8::from(inside(y) && inside(x)));
        (image, array![[10.0, 10.0, 30.0, 30.0]], mask)
    }

    #[test]
    fn a_sheet_shows_boxes_and_masks_on_their_way() {
        let (image, boxes, mask) = example();
        let recipe = Augmentation::new().flip().shift(6.0).rotate(20.0);
        let drawn = |seed| {
            let sheet = truth_sheet(&image, &boxes, &mask, &recipe, 7, seed).unwrap();
            sheet.draw()
        };
        // Two rows of four.
        assert!(drawn(1).width() > 4 * SIDE && drawn(1).height() > 2 * SIDE);
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        let inks = |ink: [u8; 3]| drawn(1).pixels().filter(|p| p.0 == ink).count();
        assert!(inks(BOX_INK) > 100 && inks(MASK_INK) > 100);
    }

    #[test]
    fn what_is_gone_is_not_drawn_and_what_does_not_fit_is_refused() {
        let (image, boxes, mask) = example();
        let plain = truth_sheet(&image, &boxes, &mask, &Augmentation::new(), 1, 1).unwrap();
        let down = Augment::Shift {
            down: (25.0, 25.0),
            across: (0.0, 0.0),
            fill: Fill::Edge,
        };
        let strict = Augmentation::new().least_visible(1.0).then(down);
        let moved = truth_sheet(&image, &boxes, &mask, &strict, 1, 1).unwrap();
        let boxes_drawn = |sheet: &Sheet| sheet.draw().pixels().filter(|p| p.0 == BOX_INK).count();
        assert_eq!(boxes_drawn(&plain), 2 * boxes_drawn(&moved));
        let beyond = array![[10.0, 10.0, 60.0, 30.0]];
        assert!(truth_sheet(&image, &beyond, &mask, &strict, 1, 1).is_err());
        assert!(truth_sheet(&image, &boxes, &mask, &strict, 0, 1).is_err());
    }
}
