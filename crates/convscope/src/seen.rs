//! Pictures of what networks saw, made and looked at: from arrays in the network's units, with its
//! preprocessing turned back.

use crate::picture::{Gallery, Picture, gallery};
use convscope_data::{Channels, Preprocessing};
use convscope_nn::Tensor;
use convscope_vis::render::{
    Cell, Colormap, Frames, Look, Overlay, Scale, Shared, Sheet, Tiles, photo, picture,
};
use convscope_vis::{
    Attribution, ChannelPatches, FilterScale, Filters, Fooled, Frame, Reduce, Result, Verdict,
    VisError,
};
use image::RgbImage;
use ndarray::{Array4, ArrayView3, Axis, Ix4};

/// Images `[N, C, H, W]` in a network's units as a [`Gallery`] of the pictures they are.
///
/// # Errors
/// When they are no batch of images, or have not the channels that the preprocessing makes.
pub fn seen(preprocessing: &Preprocessing, images: &Tensor) -> Result<Gallery> {
    let four = batch(images)?;
    let pixels = four.outer_iter().map(|one| Ok(preprocessing.pixels(one)?));
    let pixels = pixels.collect::<Result<Vec<_>>>()?;
    let views: Vec<_> = pixels.iter().map(|p| p.view()).collect();
    let together: Array4<f32> = ndarray::stack(Axis(0), &views).map_err(|_| {
        VisError::Invalid("there is no image to show: expected at least one".into())
    })?;
    Ok(gallery(&together.mapv(|v| v.clamp(0.0, 1.0))).range(0.0, 1.0))
}

/// Maps over the images that they explain: a row for each method, a column for each image, the
/// images themselves in the first row. Methods have units of their own, so each map is shown
/// relative to the 99.5th percentile of its own absolute values.
///
/// Channels are summed where a method has a sign for evidence (`Reduce::Sum`), else the largest
/// absolute value is taken; say which.
///
/// # Errors
/// When the maps are not of these images.
pub fn compare(
    preprocessing: &Preprocessing,
    images: &Tensor,
    maps: Vec<(impl Into<String>, &Attribution, Reduce)>,
) -> Result<Sheet> {
    let pictures = pictures(preprocessing, images)?;
    let height = pictures.first().map_or(0, |p| p.height() as usize);
    let originals = pictures.iter().cloned().map(Cell::picture);
    let mut sheet = Sheet::new(pictures.iter().map(|_| "")).row("image", originals);
    for (name, map, reduce) in maps {
        let values = map.per_pixel(reduce);
        if values.len_of(Axis(0)) != pictures.len() {
            return Err(VisError::Shape {
                what: "maps to compare".into(),
                expected: format!("a map for each of the {} images", pictures.len()),
                got: format!("{} maps", values.len_of(Axis(0))),
            });
        }
        let cells = pictures.iter().zip(values.outer_iter());
        let cells = cells.map(|(picture, map)| match map.nrows() == height {
            true => Cell::over(picture.clone(), map.to_owned()),
            false => Cell::map(map.to_owned()),
        });
        sheet = sheet.row(name, cells);
    }
    let side = if height <= 64 { 128 } else { 192 };
    Ok(sheet
        .shared(Shared::Relative { percentile: 99.5 })
        .overlay(Overlay::new())
        .side(side))
}

/// The patches that excite channels most: a row for each channel, the strongest first, the value
/// below each.
///
/// # Errors
/// When the patches have not the channels that the preprocessing makes.
pub fn patch_sheet(preprocessing: &Preprocessing, channels: &[ChannelPatches]) -> Result<Sheet> {
    let most = channels.iter().map(|c| c.patches.len()).max().unwrap_or(0);
    let mut sheet = Sheet::new((0..most).map(|_| ""));
    for channel in channels {
        let cells = channel.patches.iter().map(|patch| {
            let picture = photo(preprocessing, patch.pixels.view())?;
            Ok(Cell::picture(picture).note(format!("{:.1}", patch.value)))
        });
        let cells = cells.collect::<Result<Vec<_>>>()?;
        sheet = sheet.row(format!("channel {}", channel.channel), cells);
    }
    Ok(sheet.side(96))
}

/// Filters as pictures on a grid, grey where a weight is zero; those that read a photograph in its
/// colours, whatever the order in which the network takes them. Of deeper ones a row for each of the
/// first `most` filters, with at most as many of its channels.
///
/// # Errors
/// When there is no filter.
pub fn filter_sheet(
    preprocessing: &Preprocessing,
    filters: &Filters,
    scale: FilterScale,
    most: usize,
) -> Result<Picture> {
    let tiles = filters.tiles(scale);
    let columns = tiles.columns;
    let keep = |i: &usize| columns == 0 || (i / columns < most && i % columns < most);
    let mut kept: Vec<_> = (0..tiles.pictures.dim().0).filter(keep).collect();
    if columns == 0 {
        kept.truncate(most);
    }
    let shown: Vec<_> = kept
        .into_iter()
        .map(|i| {
            let mut tile = tiles.pictures.index_axis(Axis(0), i).to_owned();
            if preprocessing.channels == Channels::Bgr && tile.dim().0 == 3 {
                tile.invert_axis(Axis(0));
            }
            tile
        })
        .collect();
    let unit = Scale::Given {
        low: 0.0,
        high: 1.0,
    };
    let side = filters.weights.dim().2;
    let (wide, size) = match columns {
        0 => (12, 49),
        _ => (columns.min(most), 24),
    };
    let grid = Tiles::new()
        .look(Look::new(Colormap::Grey, unit))
        .magnify((size / side).max(1) as u32)
        .columns(wide);
    Ok(Picture::from(&grid.arrays(&shown)?.image).magnify(1))
}

/// A slider over the recorded frames of image number `image`.
///
/// # Errors
/// When there is no frame, or no such image in them.
pub fn slider(preprocessing: &Preprocessing, frames: &[Frame], image: usize) -> Result<Frames> {
    let mut slider = Frames::new();
    for frame in frames {
        let four = batch(&frame.images)?;
        if image >= four.len_of(Axis(0)) {
            return Err(VisError::Invalid(format!(
                "there is no image {image} in the frames: they hold {}",
                four.len_of(Axis(0))
            )));
        }
        let one = four.index_axis(Axis(0), image);
        slider.push(format!("step {}", frame.step), photo(preprocessing, one)?);
    }
    match slider.is_empty() {
        true => Err(VisError::Invalid(
            "no frame was recorded: ask for one every few steps".into(),
        )),
        false => Ok(slider),
    }
}

/// Images before and after they were changed to fool a network, and the change between them: a
/// column for each image, with what the network says below. Changes are magnified until the largest
/// hundredth is black or white; grey is no change.
///
/// # Errors
/// When the images are not those that were changed.
pub fn before_after(
    preprocessing: &Preprocessing,
    labels: &[String],
    images: &Tensor,
    fooled: &Fooled,
) -> Result<Sheet> {
    let (before, after) = (
        pictures(preprocessing, images)?,
        pictures(preprocessing, &fooled.images)?,
    );
    if before.len() != after.len() {
        return Err(VisError::Shape {
            what: "images before they were changed".into(),
            expected: format!("{} images", after.len()),
            got: format!("{} images", before.len()),
        });
    }
    let said = |verdict: &Verdict| {
        let label = labels.get(verdict.class);
        let label = label.map_or_else(|| format!("class {}", verdict.class), Clone::clone);
        format!("{label}, {:.1} %", 100.0 * verdict.confidence)
    };
    let noted = |all: &[RgbImage], verdicts: &[Verdict]| -> Vec<Cell> {
        let both = all.iter().cloned().zip(verdicts);
        both.map(|(picture, v)| Cell::picture(picture).note(said(v)))
            .collect()
    };
    let (given, changed) = (batch(images)?, batch(&fooled.images)?);
    let both = given.outer_iter().zip(changed.outer_iter());
    let mut changes = Vec::new();
    for (one, other) in both {
        let change = preprocessing.pixels(other)? - preprocessing.pixels(one)?;
        let most = change.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
        let mut sizes: Vec<f32> = change.iter().map(|v| v.abs()).collect();
        sizes.sort_by(f32::total_cmp);
        let large = sizes[sizes.len() * 99 / 100];
        let half = 0.5 / large.max(1e-9);
        let cell = Cell::picture(picture(change.mapv(|v| 0.5 + half * v).view())?);
        changes.push(cell.note(format!("up to {:.1} of 255 grey levels", 255.0 * most)));
    }
    let height = before.first().map_or(0, |p| p.height());
    let side = match (height <= 64, before.len()) {
        (true, ..7) => 112,
        (true, _) => 80,
        (false, _) => 176,
    };
    Ok(Sheet::new(before.iter().map(|_| ""))
        .row("before", noted(&before, &fooled.before))
        .row("change", changes)
        .row("after", noted(&after, &fooled.after))
        .side(side))
}

fn pictures(preprocessing: &Preprocessing, images: &Tensor) -> Result<Vec<RgbImage>> {
    let picture = |one: ArrayView3<'_, f32>| photo(preprocessing, one);
    batch(images)?.outer_iter().map(picture).collect()
}

fn batch(images: &Tensor) -> Result<ndarray::ArrayView4<'_, f32>> {
    let got = format!("{:?}", images.shape());
    let four = images.view().into_dimensionality::<Ix4>();
    four.map_err(|_| VisError::Shape {
        what: "images to show".into(),
        expected: "[batch, channels, height, width]".into(),
        got,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::Show;
    use convscope_nn::{Conv2d, Flatten, Linear, Network};
    use convscope_vis::{Bounds, Fgsm, Target, fgsm, saliency};

    fn images() -> Tensor {
        Tensor::from_shape_fn(vec![2, 3, 12, 12], |i| (i[2] * i[3]) as f32 / 144.0 - 0.5)
    }

    #[test]
    fn images_in_the_networks_units_are_shown_as_the_pictures_they_were() {
        let shown = seen(&Preprocessing::cifar10(), &images()).unwrap().shown();
        assert!(shown.html.unwrap().contains("data:image/png"));
        let flat = Tensor::zeros(vec![2, 5]);
        let error = seen(&Preprocessing::cifar10(), &flat).unwrap_err();
        assert!(error.to_string().contains("[2, 5]"), "{error}");
    }

    #[test]
    fn methods_are_compared_over_the_images_they_explain() {
        let net = Network::input([3, 12, 12])
            .add("conv1", Conv2d::new(2, 3))
            .add("flatten", Flatten)
            .add("fc", Linear::new(4))
            .build(1)
            .unwrap();
        let map = saliency(&net, &images(), &Target::Top).unwrap();
        let rows = vec![
            ("saliency", &map, Reduce::MaxAbs),
            ("sum", &map, Reduce::Sum),
        ];
        let sheet = compare(&Preprocessing::cifar10(), &images(), rows).unwrap();
        assert!(sheet.draw().height() > 3 * 128);
        let one = saliency(
            &net,
            &images()
                .slice(ndarray::s![..1, .., .., ..])
                .to_owned()
                .into_dyn(),
            &Target::Top,
        );
        let wrong = compare(
            &Preprocessing::cifar10(),
            &images(),
            vec![("one", &one.unwrap(), Reduce::Sum)],
        );
        assert!(
            wrong
                .unwrap_err()
                .to_string()
                .contains("each of the 2 images")
        );
    }

    #[test]
    fn filters_are_shown_in_the_colours_of_the_photograph() {
        let mut net = Network::input([3, 8, 8])
            .add("conv1", Conv2d::new(1, 2).no_bias())
            .add("conv2", Conv2d::new(5, 2).no_bias())
            .build(1)
            .unwrap();
        let mut first = Tensor::zeros(vec![1, 3, 2, 2]);
        first.slice_mut(ndarray::s![0, 0, .., ..]).fill(1.0);
        net.set_parameter("conv1.weight", first).unwrap();
        let shown = |preprocessing: &Preprocessing, layer| {
            let found = convscope_vis::filters(&net, layer).unwrap();
            filter_sheet(preprocessing, &found, FilterScale::Shared, 4)
                .unwrap()
                .shown()
                .html
                .unwrap()
        };
        let mut blue_first = Preprocessing::cifar10();
        blue_first.channels = Channels::Bgr;
        assert_ne!(
            shown(&Preprocessing::cifar10(), "conv1"),
            shown(&blue_first, "conv1")
        );
        assert_eq!(
            shown(&Preprocessing::cifar10(), "conv2"),
            shown(&blue_first, "conv2")
        );
    }

    #[test]
    fn frames_slide_and_none_is_an_error() {
        let frames = [Frame {
            step: 4,
            images: images(),
        }];
        assert_eq!(
            slider(&Preprocessing::cifar10(), &frames, 1).unwrap().len(),
            1
        );
        assert!(slider(&Preprocessing::cifar10(), &frames, 2).is_err());
        assert!(slider(&Preprocessing::cifar10(), &[], 0).is_err());
    }

    #[test]
    fn changed_images_stand_below_what_they_were() {
        let net = Network::input([3, 12, 12])
            .add("flatten", Flatten)
            .add("fc", Linear::new(2))
            .build(1)
            .unwrap();
        let preprocessing = Preprocessing::cifar10();
        let settings = Fgsm::new(0.1, Bounds::of(&preprocessing).unwrap());
        let fooled = fgsm(&net, &images(), &settings).unwrap();
        let labels = ["ant".to_owned(), "bee".to_owned()];
        let sheet = before_after(&preprocessing, &labels, &images(), &fooled).unwrap();
        assert!(sheet.draw().height() > 3 * 112);
        let one = images()
            .slice(ndarray::s![..1, .., .., ..])
            .to_owned()
            .into_dyn();
        let wrong = before_after(&preprocessing, &labels, &one, &fooled);
        assert!(wrong.unwrap_err().to_string().contains("2 images"));
    }
}
