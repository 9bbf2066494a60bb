//! What an optimisation gives back.

use crate::map::Flag;
use crate::provenance::Provenance;
use convscope_nn::Tensor;
use std::collections::BTreeSet;

/// Images that were made for objectives, one each.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Maximized {
    /// The images as the last step left them, `[N, C, H, W]` in the network's units.
    pub images: Tensor,
    /// What each is worth by its objective, without transforms. (Where the budget ran out before,
    /// the last of its curve, or 0.)
    pub values: Vec<f64>,
    /// The best image of each, by its objective less the penalties.
    pub best: Tensor,
    /// What it was worth, less the penalties.
    pub best_values: Vec<f64>,
    /// The objective of each image before every step, under that step's transforms.
    pub curves: Vec<Vec<f64>>,
    /// The images on their way.
    pub frames: Vec<Frame>,
    /// What is to be known of each image.
    pub flags: Vec<Vec<Flag>>,
    /// Where they come from.
    pub provenance: Provenance,
}

/// Images on their way.
#[derive(Clone, Debug)]
pub struct Frame {
    /// After so many steps.
    pub step: usize,
    /// `[N, C, H, W]`, in the network's units.
    pub images: Tensor,
}

/// Batches one after the other. Their frames are joined where they have the same step.
pub(crate) fn joined(mut batches: Vec<Maximized>) -> Maximized {
    let mut made = batches.remove(0);
    for batch in batches {
        let join = |a: &mut Tensor, b: &Tensor| {
            *a = ndarray::concatenate(ndarray::Axis(0), &[a.view(), b.view()])
                .expect("images of one shape");
        };
        // A batch that stopped earlier stands still in the others' frames.
        let steps: BTreeSet<usize> = [&made, &batch]
            .iter()
            .flat_map(|m| m.frames.iter().map(|f| f.step))
            .collect();
        let at = |m: &Maximized, step: usize| {
            let frame = m.frames.iter().rfind(|f| f.step <= step);
            frame.map_or_else(|| m.images.clone(), |f| f.images.clone())
        };
        let frames = steps.into_iter().map(|step| {
            let mut images = at(&made, step);
            join(&mut images, &at(&batch, step));
            Frame { step, images }
        });
        made.frames = frames.collect();
        join(&mut made.images, &batch.images);
        join(&mut made.best, &batch.best);
        made.values.extend(batch.values);
        made.best_values.extend(batch.best_values);
        made.curves.extend(batch.curves);
        made.flags.extend(batch.flags);
    }
    made
}
