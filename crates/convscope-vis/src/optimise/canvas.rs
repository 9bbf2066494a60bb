//! Between what is moved and the image that the network sees.

use super::fourier::Waves;
use super::range::{PixelRange, planes, rows, rows_mut};
use super::settings::{Maximize, Parametrisation};
use super::start::Start;
use crate::error::Result;
use convscope_nn::Tensor;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// A parametrisation for images of one shape.
#[derive(Clone, Debug)]
pub(crate) struct Canvas {
    pub(crate) range: PixelRange,
    pub(crate) shape: [usize; 3],
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Pixels,
    Levels,
    Waves(Waves),
}

impl Canvas {
    pub(crate) fn new(settings: &Maximize, shape: [usize; 3]) -> Result<Canvas> {
        let range = settings.range_for(shape[0])?;
        let kind = match settings.parametrisation {
            Parametrisation::Pixels => Kind::Pixels,
            Parametrisation::Levels => Kind::Levels,
            Parametrisation::Fourier { decay, decorrelate } => {
                Kind::Waves(Waves::new([shape[1], shape[2]], &range, decay, decorrelate))
            }
        };
        Ok(Canvas { range, shape, kind })
    }

    /// What is moved, at the start.
    pub(crate) fn start(
        &self,
        start: &Start,
        rngs: &mut [ChaCha8Rng],
        first: usize,
    ) -> Result<Tensor> {
        let images = start.images(self.shape, &self.range, rngs, first)?;
        Ok(match (start, &self.kind) {
            (Start::Waves(_), Kind::Waves(_)) => images,
            (Start::Waves(_), _) => {
                let [_, h, w] = self.shape;
                let waves = Waves::new([h, w], &self.range, 1.0, true);
                self.parameters(&drawn(&waves, &images))
            }
            _ => self.parameters(&images),
        })
    }

    /// The images of what is moved.
    pub(crate) fn images(&self, z: &Tensor) -> Tensor {
        match &self.kind {
            Kind::Pixels => z.clone(),
            Kind::Levels => self.by_level(z, |level| level),
            Kind::Waves(waves) => drawn(waves, z),
        }
    }

    /// What has these images.
    fn parameters(&self, images: &Tensor) -> Tensor {
        match &self.kind {
            Kind::Pixels => images.clone(),
            Kind::Levels => self.by_level(images, |level| 1.0 / level),
            Kind::Waves(waves) => {
                let all: Vec<f32> = rows(images).flat_map(|row| waves.waves(row)).collect();
                Tensor::from_shape_vec(images.raw_dim(), all).expect("as many")
            }
        }
    }

    /// The gradient with respect to what is moved, given that with respect to the images.
    pub(crate) fn back(&self, images: &Tensor, mut gradient: Tensor) -> Tensor {
        match &self.kind {
            Kind::Pixels => gradient,
            Kind::Levels => self.by_level(&gradient, |level| level),
            Kind::Waves(waves) => {
                let pairs: Vec<_> = rows(images).zip(rows_mut(&mut gradient)).collect();
                let each = pairs.into_par_iter();
                each.for_each(|(image, g)| waves.back(image, g));
                gradient
            }
        }
    }

    /// Brings what is moved into the range; waves are always in it.
    pub(crate) fn clamp(&self, z: &mut Tensor) {
        match &self.kind {
            Kind::Pixels => self.range.clamp(z, |_| 1.0),
            Kind::Levels => self.range.clamp(z, |c| self.range.level(c)),
            Kind::Waves(_) => {}
        }
    }

    /// Whether penalties are on what is moved, or else on the images.
    pub(crate) fn moves_pixels(&self) -> bool {
        !matches!(self.kind, Kind::Waves(_))
    }

    fn by_level(&self, t: &Tensor, factor: impl Fn(f32) -> f32) -> Tensor {
        let mut out = t.clone();
        for (channel, plane) in planes(&mut out) {
            let by = factor(self.range.level(channel));
            plane.iter_mut().for_each(|v| *v *= by);
        }
        out
    }
}

fn drawn(waves: &Waves, z: &Tensor) -> Tensor {
    let mut images = Tensor::zeros(z.raw_dim());
    let pairs: Vec<_> = rows(z).zip(rows_mut(&mut images)).collect();
    let each = pairs.into_par_iter();
    each.for_each(|(z, image)| waves.image(z, image));
    images
}
