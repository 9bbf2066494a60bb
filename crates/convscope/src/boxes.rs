//! Images with boxes drawn on them.

use convscope_data::Dataset;
use convscope_nn::Rect;
use convscope_vis::render::{Cell, Sheet, boxed, magnified, picture};
use convscope_vis::{Result, VisError};
use image::RgbImage;
use ndarray::{Array2, ArrayView3, Axis, Ix3};

/// Images beside each other.
const COLUMNS: usize = 6;
/// About how wide an image is drawn.
const SIDE: usize = 128;
/// Each set of boxes has its ink and its line, so that one under another is still seen.
const INKS: [(&str, [u8; 3], u32); 4] = [
    ("green", [0, 210, 90], 4),
    ("magenta", [255, 30, 170], 2),
    ("blue", [40, 120, 255], 2),
    ("orange", [255, 150, 0], 2),
];

/// Some images of a dataset, each with its box of every set drawn on it: `[N, 4]` in pixels, left, top,
/// right, bottom, a row for each image of the dataset. The words of `notes` stand below the images, in
/// the order of `chosen`; there may be none.
///
/// Pixels are from 0 to 1, from 0 to 255, or else shown from the smallest to the largest of them.
///
/// # Errors
/// When an image is not there, boxes are not `[N, 4]`, or there are more than four sets of them.
pub fn box_sheet(
    set: &Dataset,
    chosen: &[usize],
    boxes: &[(&str, Array2<f32>)],
    notes: &[String],
) -> Result<Sheet> {
    let invalid = |words: String| Err(VisError::Invalid(words));
    if chosen.is_empty() || boxes.len() > INKS.len() {
        return invalid(format!(
            "a sheet of boxes: expected at least one image and at most {} sets of boxes, got {} and {}",
            INKS.len(),
            chosen.len(),
            boxes.len()
        ));
    }
    if let Some(&i) = chosen.iter().find(|i| **i >= set.len()) {
        return invalid(format!("there is no image {i} among {}", set.len()));
    }
    if let Some((name, rows)) = boxes.iter().find(|(_, b)| b.dim() != (set.len(), 4)) {
        return invalid(format!(
            "boxes \"{name}\": expected [{}, 4], a row for each image, got {:?}",
            set.len(),
            rows.dim()
        ));
    }
    let ends = ends(set);
    let mut cells = Vec::new();
    let mut side = 1;
    for (k, &i) in chosen.iter().enumerate() {
        let Ok(pixels) = set
            .images
            .index_axis(Axis(0), i)
            .into_dimensionality::<Ix3>()
        else {
            return invalid(format!("image {i} is no picture"));
        };
        let rows = boxes
            .iter()
            .map(|(_, rows)| std::array::from_fn(|c| rows[[i, c]]));
        let drawn = with_boxes(pixels, ends, &rows.collect::<Vec<[f32; 4]>>())?;
        side = side.max(drawn.width().max(drawn.height()));
        let cell = Cell::picture(drawn);
        cells.push(match notes.get(k) {
            Some(note) => cell.note(note.clone()),
            None => cell,
        });
    }
    let columns = COLUMNS.min(cells.len());
    let mut sheet = Sheet::new((0..columns).map(|_| ""));
    while !cells.is_empty() {
        let rest = cells.split_off(columns.min(cells.len()));
        sheet = sheet.row("", std::mem::replace(&mut cells, rest));
    }
    let inks = boxes.iter().zip(INKS);
    let words: Vec<String> = inks
        .map(|((name, _), (ink, ..))| format!("{ink}: {name}"))
        .collect();
    Ok(sheet.side(side).caption(words.join("; ")))
}

/// What is black and what is white.
fn ends(set: &Dataset) -> [f32; 2] {
    let low = set.images.iter().copied().fold(f32::INFINITY, f32::min);
    let high = set.images.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    match (low, high) {
        (0.0.., ..=1.0) => [0.0, 1.0],
        (0.0.., ..=255.0) => [0.0, 255.0],
        _ if low < high => [low, high],
        _ => [low - 0.5, low + 0.5],
    }
}

fn with_boxes(pixels: ArrayView3<'_, f32>, ends: [f32; 2], rows: &[[f32; 4]]) -> Result<RgbImage> {
    let (_, height, width) = pixels.dim();
    let unit = pixels.mapv(|v| ((v - ends[0]) / (ends[1] - ends[0])).clamp(0.0, 1.0));
    let factor = (SIDE / height.max(width).max(1)).max(1);
    let mut drawn = magnified(&picture(unit.view())?, factor as u32);
    for (row, (_, ink, line)) in rows.iter().zip(INKS) {
        // A box between two pixels is drawn where it is, to a pixel of the screen.
        let [left, top, right, bottom] = row.map(|v| (v * factor as f32).round() as isize);
        let rect = Rect {
            top,
            bottom,
            left,
            right,
        };
        boxed(&mut drawn, rect, line, ink);
    }
    Ok(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_data::Shapes;

    #[test]
    fn a_box_is_drawn_where_it_is_in_the_ink_of_its_set() {
        let shapes = Shapes::generate(3, &Default::default(), 1).unwrap();
        let pixels = shapes.dataset.images.index_axis(Axis(0), 0);
        let pixels = pixels.into_dimensionality::<Ix3>().unwrap();
        let boxes = [[4.0, 8.0, 20.0, 24.0], [4.5, 8.0, 30.0, 40.0]];
        let drawn = with_boxes(pixels, [0.0, 255.0], &boxes).unwrap();
        assert_eq!(drawn.dimensions(), (128, 128));
        // Four pixels of the screen to one: 4.5 is 18.
        assert_eq!(drawn.get_pixel(16, 48).0, INKS[0].1);
        assert_eq!(drawn.get_pixel(18, 48).0, INKS[1].1);
        assert_eq!(drawn.get_pixel(79, 48).0, INKS[0].1);
        assert_ne!(drawn.get_pixel(80, 48).0, INKS[0].1);
        assert_eq!(drawn.get_pixel(119, 127).0, INKS[1].1);
    }

    #[test]
    fn a_sheet_has_rows_of_images_and_what_does_not_fit_is_said() {
        let shapes = Shapes::generate(9, &Default::default(), 1).unwrap();
        let sheet = |chosen: &[usize], boxes: Array2<f32>| {
            let notes = vec!["disc".to_owned()];
            box_sheet(&shapes.dataset, chosen, &[("true", boxes)], &notes)
        };
        let drawn = sheet(&[0, 1, 2, 3, 4, 5, 6], shapes.boxes.clone()).unwrap();
        let drawn = drawn.draw();
        assert!(drawn.width() > 6 * 128 && drawn.height() > 2 * 128);
        for (error, words) in [
            (sheet(&[9], shapes.boxes.clone()), "no image 9 among 9"),
            (sheet(&[], shapes.boxes.clone()), "at least one image"),
            (sheet(&[0], Array2::zeros((2, 4))), "expected [9, 4]"),
        ] {
            let error = error.unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
