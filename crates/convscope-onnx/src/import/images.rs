//! Layers that take parts of images, or make them larger.

use super::node::{Node, sizes};
use super::value::Value;
use super::{Import, Step, listed};
use convscope_nn::{Crop, Upsample2d, ZeroPad2d};

impl Import<'_> {
    pub(super) fn pad(&mut self, node: &Node) -> Step {
        let x = self.activation(node, 0)?;
        self.image(x)?;
        let mode = node.word("mode").unwrap_or_else(|| "constant".into());
        if mode != "constant" {
            return Err(format!("mode is \"{mode}\"; expected constant, with zeros"));
        }
        let value = match node.input(2) {
            Some(_) => self.constant(node, 2)?.single(),
            None => Some(node.given_float("value").unwrap_or(0.0)),
        };
        if value != Some(0.0) {
            return Err("it pads by another number than 0; expected zeros".into());
        }
        let pads = match node.input(1) {
            Some(_) => self.constant(node, 1)?.into_known()?,
            None => node.ints("pads").unwrap_or_default().to_vec(),
        };
        let pads = sizes("pads", &pads)?;
        let axes = match node.input(3) {
            Some(_) => self.constant(node, 3)?.into_known()?,
            None => vec![0, 1, 2, 3],
        };
        if pads.len() != 2 * axes.len() {
            return Err(format!(
                "pads has {} numbers; expected two for each of {} axes",
                pads.len(),
                axes.len()
            ));
        }
        let mut ends = [[0; 2]; 4];
        let (before, behind) = pads.split_at(axes.len());
        for ((&axis, &before), &behind) in axes.iter().zip(before).zip(behind) {
            let end = (axis + if axis < 0 { 4 } else { 0 }).try_into().ok();
            let end = end.and_then(|axis: usize| ends.get_mut(axis));
            *end.ok_or_else(|| format!("there is no axis {axis}"))? = [before, behind];
        }
        let [batch, channels, rows, columns] = ends;
        if batch != [0, 0] {
            return Err("it pads the batch; expected channels, rows and columns".into());
        }
        if ends == [[0; 2]; 4] {
            return self.give(node, Value::Activation(x));
        }
        let layer = ZeroPad2d::sides([rows[0], rows[1], columns[0], columns[1]])
            .channels(channels[0], channels[1]);
        self.layer(node, None, layer, vec![x], Vec::new())?;
        Ok(())
    }

    pub(super) fn slice(&mut self, node: &Node) -> Step {
        let mut lists = Vec::new();
        for (at, name) in (1..).zip(["starts", "ends", "axes", "steps"]) {
            lists.push(match (node.input(at), node.ints(name)) {
                (Some(_), _) => Some(self.constant(node, at)?.into_known()?),
                (None, Some(found)) => Some(found.to_vec()),
                (None, None) => None,
            });
        }
        let starts = lists[0].take().ok_or("expected starts")?;
        let ends = lists[1].take().ok_or("expected ends")?;
        let axes = lists[2]
            .take()
            .unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps = lists[3].take().unwrap_or_else(|| vec![1; starts.len()]);
        if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] || starts.len() > 8 {
            return Err("starts, ends, axes and steps are not of one length".into());
        }
        let Value::Activation(x) = self.value(node, 0)? else {
            return self.slice_constant(node, &starts, &ends, &axes, &steps);
        };
        let shape = self.shape(x).clone();
        let rank = shape.len() as i64 + 1;
        let mut ranges = shape.iter().map(|&size| [0, size, 1]).collect::<Vec<_>>();
        for (((start, end), axis), step) in starts.into_iter().zip(ends).zip(axes).zip(steps) {
            let axis = if axis < 0 { axis + rank } else { axis };
            // All images, however many there are.
            if axis == 0 && (start, step) == (0, 1) && end >= i64::from(i32::MAX) {
                continue;
            }
            let range = usize::try_from(axis - 1)
                .ok()
                .and_then(|at| ranges.get_mut(at));
            let range = range.ok_or_else(|| {
                format!("it goes along axis {axis} of [batch, {}]", listed(&shape))
            })?;
            *range = part(start, end, step, range[1])?;
        }
        if ranges
            .iter()
            .zip(&shape)
            .all(|(range, &size)| *range == [0, size, 1])
        {
            return self.give(node, Value::Activation(x));
        }
        self.image(x)?;
        let crop = Crop::new()
            .channels(ranges[0][0]..ranges[0][1])
            .rows(ranges[1][0]..ranges[1][1])
            .columns(ranges[2][0]..ranges[2][1])
            .steps([ranges[0][2], ranges[1][2], ranges[2][2]]);
        self.layer(node, None, crop, vec![x], Vec::new())?;
        Ok(())
    }

    /// One channel, or some side by side.
    pub(super) fn gather(&mut self, node: &Node) -> Step {
        let indices = self.constant(node, 1)?;
        let axis = node.int("axis", 0);
        let Value::Activation(x) = self.value(node, 0)? else {
            return self.gather_constant(node, indices, axis);
        };
        let [channels, h, w] = self.image(x)?;
        let single = indices.shape().is_empty();
        let indices = indices.into_known()?;
        let at = |&i: &i64| usize::try_from(if i < 0 { i + channels as i64 } else { i }).ok();
        let places: Option<Vec<usize>> = indices.iter().map(at).collect();
        let run = places.filter(|places| {
            !places.is_empty()
                && places
                    .windows(2)
                    .all(|pair| Some(pair[1]) == pair[0].checked_add(1))
        });
        let (Some(run), 1) = (run, axis) else {
            return Err(
                "it picks other places than channels side by side, which is not supported".into(),
            );
        };
        let end = run[run.len() - 1]
            .checked_add(1)
            .ok_or("there is no such channel")?;
        let crop = Crop::new().channels(run[0]..end);
        if !single {
            self.layer(node, None, crop, vec![x], Vec::new())?;
            return Ok(());
        }
        let name = node.candidate(None).part("channel");
        let id = self.draft(name, crop, vec![x], Vec::new())?;
        self.reshape_to(node, id, vec![h, w])
    }

    pub(super) fn split(&mut self, node: &Node) -> Step {
        let x = self.activation(node, 0)?;
        let [channels, ..] = self.image(x)?;
        let axis = node.int("axis", 0);
        if axis != 1 && axis != -3 {
            return Err(format!(
                "it goes along axis {axis}; expected the channels, axis 1"
            ));
        }
        let count = node.outputs().max(1);
        let parts = match (node.input(1), node.ints("split")) {
            (Some(_), _) => self.constant(node, 1)?.into_known()?,
            (None, Some(found)) => found.to_vec(),
            (None, None) => {
                let each = channels.div_ceil(count);
                (0..count)
                    .map(|i| channels.saturating_sub(i * each).min(each) as i64)
                    .collect()
            }
        };
        if parts.len() != count || parts.iter().any(|&size| size < 1) {
            return Err(format!(
                "it makes {count} parts of {channels} channels, of sizes {:?}",
                &parts[..parts.len().min(8)]
            ));
        }
        let mut start = 0usize;
        for (at, size) in parts.into_iter().enumerate() {
            let end = start.saturating_add(size as usize);
            let crop = Crop::new().channels(start..end);
            let name = node.candidate(None).part(&format!("part{at}"));
            let id = self.draft(name, crop, vec![x], Vec::new())?;
            self.give_as(node, at, Value::Activation(id))?;
            start = end;
        }
        Ok(())
    }

    pub(super) fn resize(&mut self, node: &Node) -> Step {
        let x = self.activation(node, 0)?;
        let [c, h, w] = self.image(x)?;
        // Scales stand in input 1 up to version 10, then in 2, or sizes in 3.
        let scales_at = if self.opset < 11 { 1 } else { 2 };
        let scales: Vec<f32> = match (node.input(scales_at), node.input(3), node.floats("scales")) {
            (_, Some(_), _) => {
                let sizes = self.constant(node, 3)?.into_wholes()?;
                let old = [1, c, h, w].map(|size| size as f32);
                let new = sizes.iter().map(|size| match size {
                    super::value::Whole::Known(size) => *size as f32,
                    super::value::Whole::Batch => 1.0,
                });
                let mut scales: Vec<f32> = new.zip(old).map(|(new, old)| new / old).collect();
                if scales.len() == 4 && self.batch.is_some_and(|batch| scales[0] == batch as f32) {
                    scales[0] = 1.0;
                }
                scales
            }
            (Some(_), _, _) => self.floats(node, scales_at)?.into_iter().collect(),
            (None, None, Some(found)) => found.to_vec(),
            _ => return Err("expected scales or sizes".into()),
        };
        let &[1.0, 1.0, down, across] = scales.as_slice() else {
            return Err(format!(
                "its scales are {:?}; expected four, of which the first two are 1",
                &scales[..scales.len().min(8)]
            ));
        };
        if down != across || down.fract() != 0.0 || !(1.0..=4096.0).contains(&down) {
            return Err(format!(
                "it makes images {down} times as high and {across} times as wide; expected the same \
                 whole number"
            ));
        }
        let factor = down as usize;
        let place = node.word("coordinate_transformation_mode");
        let place = place.unwrap_or_else(|| match self.opset < 11 {
            true => "asymmetric".into(),
            false => "half_pixel".into(),
        });
        let mode = node.word("mode").unwrap_or_else(|| "nearest".into());
        let nearest = node
            .word("nearest_mode")
            .unwrap_or_else(|| match self.opset < 11 {
                true => "floor".into(),
                false => "round_prefer_floor".into(),
            });
        let layer = match (mode.as_str(), place.as_str(), nearest.as_str()) {
            ("nearest", "asymmetric", "floor")
            | ("nearest", "tf_half_pixel_for_nn", "floor")
            | (
                "nearest",
                "half_pixel" | "pytorch_half_pixel",
                "round_prefer_floor" | "round_prefer_ceil",
            ) => Upsample2d::nearest(factor),
            ("linear" | "bilinear", "half_pixel" | "pytorch_half_pixel", _) => {
                Upsample2d::bilinear(factor)
            }
            ("linear" | "bilinear", "align_corners", _) => {
                Upsample2d::bilinear(factor).align_corners()
            }
            _ => {
                return Err(format!(
                    "mode {mode} with {place} and {nearest} is not supported; expected nearest \
                     (asymmetric and floor, or half_pixel) or linear (half_pixel or align_corners)"
                ));
            }
        };
        self.layer(node, None, layer, vec![x], Vec::new())?;
        Ok(())
    }
}

/// First place, end and step of a part of an axis; negative places count from its end.
pub(super) fn part(start: i64, end: i64, step: i64, size: usize) -> Step<[usize; 3]> {
    let size = size as i64;
    let place = |i: i64| (if i < 0 { i.saturating_add(size) } else { i }).clamp(0, size) as usize;
    let (start, end) = (place(start), place(end));
    match step {
        1.. if start < end => Ok([start, end, step.min(1 << 20) as usize]),
        _ => Err(format!(
            "it takes from {start} to {end} in steps of {step}; expected something, and forwards"
        )),
    }
}
