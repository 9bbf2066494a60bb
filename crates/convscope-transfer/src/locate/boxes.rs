//! Boxes in several conventions, and images with one each.

use crate::error::{Result, TransferError};
use convscope_data::{Dataset, Shapes};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// Which four numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoxLayout {
    /// Left, top, right, bottom; right and bottom are just outside (torchvision's `xyxy`).
    #[default]
    Corners,
    /// The middle's x and y, width, height (`cxcywh`).
    CentreSize,
    /// Left, top, width, height (`xywh`, COCO's).
    CornerSize,
}

/// In which unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoxUnit {
    /// Pixels.
    #[default]
    Pixels,
    /// Shares of the image's width and height, 0 to 1.
    Relative,
}

/// How a box is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoxConvention {
    /// Which four numbers.
    pub layout: BoxLayout,
    /// In which unit.
    pub unit: BoxUnit,
}

impl BoxConvention {
    /// In this layout and unit.
    pub fn new(layout: BoxLayout, unit: BoxUnit) -> BoxConvention {
        BoxConvention { layout, unit }
    }

    /// Boxes `[N, 4]` of this convention in another, for images of `[height, width]`.
    ///
    /// # Errors
    /// When the shape is another, the image has no pixel, or a number is NaN or infinite.
    pub fn convert(
        self,
        boxes: &Array2<f32>,
        to: BoxConvention,
        image: [usize; 2],
    ) -> Result<Array2<f32>> {
        checked(boxes)?;
        if image.contains(&0) {
            return Err(TransferError::invalid(format!(
                "boxes: expected an image of at least a pixel, got {image:?}"
            )));
        }
        let [height, width] = image.map(|side| side as f32);
        let scale = match (self.unit, to.unit) {
            (BoxUnit::Pixels, BoxUnit::Relative) => [1.0 / width, 1.0 / height],
            (BoxUnit::Relative, BoxUnit::Pixels) => [width, height],
            _ => [1.0, 1.0],
        };
        let mut all = boxes.clone();
        for mut row in all.rows_mut() {
            let [a, b, c, d] = [row[0], row[1], row[2], row[3]];
            let [x0, y0, x1, y1] = match self.layout {
                BoxLayout::Corners => [a, b, c, d],
                BoxLayout::CentreSize => [a - c / 2.0, b - d / 2.0, a + c / 2.0, b + d / 2.0],
                BoxLayout::CornerSize => [a, b, a + c, b + d],
            };
            let [x0, x1] = [x0, x1].map(|x| x * scale[0]);
            let [y0, y1] = [y0, y1].map(|y| y * scale[1]);
            let written = match to.layout {
                BoxLayout::Corners => [x0, y0, x1, y1],
                BoxLayout::CentreSize => [(x0 + x1) / 2.0, (y0 + y1) / 2.0, x1 - x0, y1 - y0],
                BoxLayout::CornerSize => [x0, y0, x1 - x0, y1 - y0],
            };
            row.assign(&ndarray::aview1(&written));
        }
        Ok(all)
    }
}

fn checked(boxes: &Array2<f32>) -> Result<()> {
    if boxes.ncols() != 4 {
        return Err(TransferError::shape("boxes", "[N, 4]", boxes.shape()));
    }
    match boxes.indexed_iter().find(|(_, v)| !v.is_finite()) {
        None => Ok(()),
        Some(((row, _), v)) => Err(TransferError::invalid(format!("box {row} holds {v}"))),
    }
}

/// Whether boxes in pixels by their corners are boxes inside images of `[height, width]`.
///
/// # Errors
/// Names the first that has no area or reaches outside its image.
pub fn check_boxes(boxes: &Array2<f32>, image: [usize; 2]) -> Result<()> {
    checked(boxes)?;
    let [height, width] = image.map(|side| side as f32);
    for (i, row) in boxes.outer_iter().enumerate() {
        let (x, y) = ((row[0], row[2]), (row[1], row[3]));
        if x.0 >= x.1 || y.0 >= y.1 {
            return Err(TransferError::invalid(format!(
                "box {i}: expected [left, top, right, bottom] with an area, got {row}"
            )));
        }
        if x.0 < 0.0 || y.0 < 0.0 || x.1 > width || y.1 > height {
            return Err(TransferError::invalid(format!(
                "box {i}, {row}, reaches outside its image of {}x{} pixels (clip_boxes cuts boxes off \
                 there)",
                image[0], image[1]
            )));
        }
    }
    Ok(())
}

/// Boxes in pixels by their corners, cut off where their images of `[height, width]` end; corners that
/// changed places change back.
pub fn clip_boxes(boxes: &Array2<f32>, image: [usize; 2]) -> Array2<f32> {
    let mut all = boxes.clone();
    for mut row in all.rows_mut() {
        for (k, side) in [(0, image[1]), (1, image[0])] {
            let [low, high] = [row[k].min(row[k + 2]), row[k].max(row[k + 2])];
            row[k] = low.clamp(0.0, side as f32);
            row[k + 2] = high.clamp(0.0, side as f32);
        }
    }
    all
}

/// Labelled images, each with the box around its object.
#[derive(Clone, Debug, PartialEq)]
pub struct BoxedSet {
    /// Images and classes.
    pub dataset: Dataset,
    /// `[N, 4]`: left, top, right, bottom in pixels, right and bottom just outside.
    pub boxes: Array2<f32>,
}

impl BoxedSet {
    /// Puts both together, after checking that they belong together.
    ///
    /// # Errors
    /// When there are more or fewer boxes than images, or one reaches outside its image or has no area.
    pub fn new(dataset: Dataset, boxes: Array2<f32>) -> Result<BoxedSet> {
        dataset.check()?;
        if boxes.nrows() != dataset.len() {
            return Err(TransferError::shape(
                format!("boxes of \"{}\"", dataset.name),
                format!("[{}, 4], one for each image", dataset.len()),
                boxes.shape(),
            ));
        }
        let [_, height, width] = dataset.image_shape();
        check_boxes(&boxes, [height, width])?;
        Ok(BoxedSet { dataset, boxes })
    }

    /// The objects of Shapes, pixels from -1 to 1.
    ///
    /// # Errors
    /// As [`BoxedSet::new`].
    pub fn shapes(shapes: &Shapes) -> Result<BoxedSet> {
        let mut dataset = shapes.dataset.clone();
        dataset.images.mapv_inplace(|v| v / 127.5 - 1.0);
        BoxedSet::new(dataset, shapes.boxes.clone())
    }

    /// The boxes as shares of their images.
    pub(super) fn relative(&self) -> Array2<f32> {
        let [_, height, width] = self.dataset.image_shape();
        let to = BoxConvention::new(BoxLayout::Corners, BoxUnit::Relative);
        let boxes = BoxConvention::default().convert(&self.boxes, to, [height, width]);
        boxes.expect("checked when the set was made")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn every_convention_leads_to_every_other_and_back() {
        let corners = arr2(&[[10.0, 4.0, 30.0, 8.0], [0.0, 0.0, 40.0, 20.0]]);
        let image = [20, 40];
        use BoxLayout::*;
        use BoxUnit::*;
        let written = [
            (Corners, Pixels, corners.clone()),
            (
                CentreSize,
                Pixels,
                arr2(&[[20.0, 6.0, 20.0, 4.0], [20.0, 10.0, 40.0, 20.0]]),
            ),
            (
                CornerSize,
                Pixels,
                arr2(&[[10.0, 4.0, 20.0, 4.0], [0.0, 0.0, 40.0, 20.0]]),
            ),
            (
                Corners,
                Relative,
                arr2(&[[0.25, 0.2, 0.75, 0.4], [0.0, 0.0, 1.0, 1.0]]),
            ),
            (
                CentreSize,
                Relative,
                arr2(&[[0.5, 0.3, 0.5, 0.2], [0.5, 0.5, 1.0, 1.0]]),
            ),
            (
                CornerSize,
                Relative,
                arr2(&[[0.25, 0.2, 0.5, 0.2], [0.0, 0.0, 1.0, 1.0]]),
            ),
        ];
        for (layout, unit, from) in &written {
            for (to_layout, to_unit, to) in &written {
                let source = BoxConvention::new(*layout, *unit);
                let target = BoxConvention::new(*to_layout, *to_unit);
                let found = source.convert(from, target, image).unwrap();
                assert!(
                    found.abs_diff_eq(to, 1e-5),
                    "{source:?} to {target:?}: {found}"
                );
            }
        }
    }

    #[test]
    fn boxes_outside_their_images_are_named() {
        for (boxes, words) in [
            (
                arr2(&[[0.0, 0.0, 5.0, 5.0], [0.0, 0.0, 41.0, 5.0]]),
                "box 1, [0, 0, 41, 5]",
            ),
            (arr2(&[[-1.0, 0.0, 5.0, 5.0]]), "outside its image of 20x40"),
            (arr2(&[[5.0, 0.0, 5.0, 5.0]]), "with an area"),
            (arr2(&[[0.0, f32::NAN, 5.0, 5.0]]), "box 0 holds NaN"),
        ] {
            let error = check_boxes(&boxes, [20, 40]).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        let wild = arr2(&[[50.0, -3.0, 12.0, 7.0]]);
        assert_eq!(clip_boxes(&wild, [20, 40]), arr2(&[[12.0, 0.0, 40.0, 7.0]]));
        assert!(check_boxes(&arr2(&[[0.0; 3]]), [20, 40]).is_err());
        let shapes = Shapes::generate(4, &Default::default(), 1).unwrap();
        let set = BoxedSet::shapes(&shapes).unwrap();
        assert!(set.dataset.images.iter().all(|v| v.abs() <= 1.0));
        let error = BoxedSet::new(set.dataset, set.boxes.select(ndarray::Axis(0), &[0]));
        assert!(error.unwrap_err().to_string().contains("[4, 4]"));
    }
}
