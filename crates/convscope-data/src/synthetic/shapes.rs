//! Shapes: coloured objects of eight classes on textured grounds, with the truth about where they
//! are, so that an explanation or a box can be scored.

use super::fill;
use super::ground::{Ground, Paint};
use super::outline;
use crate::dataset::{Dataset, images_from};
use crate::draw::Draw;
use crate::error::{DataError, Result};
use libm::{cosf, sinf, sqrtf};
use ndarray::{Array2, Array3, Axis};
use std::f32::consts::TAU;

/// Samples along each side of a pixel: on the outline, and elsewhere.
const SAMPLES: (usize, usize) = (4, 2);

/// What kind of Shapes to draw.
#[derive(Clone, Debug, PartialEq)]
pub struct ShapesConfig {
    /// Height and width in pixels, 16 to 256. The course uses 32 and 64.
    pub size: usize,
    /// A ground that betrays a class, if any.
    pub confounder: Option<Confounder>,
}

impl Default for ShapesConfig {
    fn default() -> Self {
        Self {
            size: 32,
            confounder: None,
        }
    }
}

/// The snow behind the wolf: one class often stands on snow, so that a network can learn the snow
/// instead of the object.
#[derive(Clone, Debug, PartialEq)]
pub struct Confounder {
    /// The class that stands on snow.
    pub class: usize,
    /// How often it does.
    pub probability: f32,
    /// How often the other classes do.
    pub elsewhere: f32,
}

/// Images of coloured objects, with the truth about each.
#[derive(Clone, Debug, PartialEq)]
pub struct Shapes {
    /// Images `[N, 3, H, W]`, red, green, blue, 0 to 255, and their classes.
    pub dataset: Dataset,
    /// 1 where the object covers at least half of a pixel, else 0; shape `[N, H, W]`.
    pub masks: Array3<u8>,
    /// The box around each mask: x0, y0, x1, y1 in pixels, half-open (x1 and y1 are just outside);
    /// shape `[N, 4]`.
    pub boxes: Array2<f32>,
    /// Which images show snow.
    pub snow: Vec<bool>,
}

impl Shapes {
    /// The eight classes.
    pub const CLASSES: [&'static str; 8] = [
        "disc", "square", "triangle", "star", "cross", "ring", "heart", "arrow",
    ];

    /// `n` images. Classes are drawn, so they are about equally frequent. Image number i depends on
    /// the configuration, the seed and i alone; the same seed with another confounder gives the same
    /// objects on other grounds.
    ///
    /// # Errors
    /// If the size is not within 16 to 256, or the confounder's class or probabilities make no sense.
    pub fn generate(n: usize, config: &ShapesConfig, seed: u64) -> Result<Self> {
        config.check()?;
        let (size, area) = (config.size, config.size * config.size);
        // Pixels, mask and whether there is snow travel together, so that one pass fills them.
        let item = 4 * area + 1;
        let mut all = vec![0.0f32; n * item];
        fill(&mut all, item, |i, out| draw_image(config, seed, i, out));
        let mut pixels = Vec::with_capacity(n * 3 * area);
        let mut masks = Vec::with_capacity(n * area);
        let mut snow = Vec::with_capacity(n);
        for item in all.chunks_exact(item) {
            pixels.extend_from_slice(&item[..3 * area]);
            masks.extend(item[3 * area..4 * area].iter().map(|&m| m as u8));
            snow.push(item[4 * area] == 1.0);
        }
        let masks = Array3::from_shape_vec((n, size, size), masks).expect("n masks were filled");
        let mut boxes = Array2::zeros((n, 4));
        for (mask, mut row) in masks.outer_iter().zip(boxes.rows_mut()) {
            let (mut x0, mut y0, mut x1, mut y1) = (size, size, 0, 0);
            for ((y, x), _) in mask.indexed_iter().filter(|(_, m)| **m == 1) {
                (x0, y0, x1, y1) = (x0.min(x), y0.min(y), x1.max(x + 1), y1.max(y + 1));
            }
            row.assign(&ndarray::arr1(&[x0, y0, x1, y1].map(|v| v as f32)));
        }
        let dataset = Dataset {
            name: "shapes".into(),
            images: images_from(pixels, [n, 3, size, size]),
            labels: (0..n).map(|i| class_of(seed, i)).collect(),
            classes: Self::CLASSES.map(str::to_owned).to_vec(),
        };
        Ok(Self {
            dataset,
            masks,
            boxes,
            snow,
        })
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.dataset.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.dataset.is_empty()
    }

    /// The images of these numbers, in this order, with their truth.
    ///
    /// # Errors
    /// If there are not that many images.
    pub fn select(&self, indices: &[usize]) -> Result<Self> {
        Ok(Self {
            dataset: self.dataset.select(indices)?,
            masks: self.masks.select(Axis(0), indices),
            boxes: self.boxes.select(Axis(0), indices),
            snow: indices.iter().map(|&i| self.snow[i]).collect(),
        })
    }

    /// The first `at` images, and the rest, with their truth.
    ///
    /// # Errors
    /// If there are fewer than `at`.
    pub fn split(&self, at: usize) -> Result<(Self, Self)> {
        self.dataset.slice(..at)?;
        let indices: Vec<usize> = (0..self.len()).collect();
        Ok((self.select(&indices[..at])?, self.select(&indices[at..])?))
    }
}

impl ShapesConfig {
    fn check(&self) -> Result<()> {
        let wrong = |what, problem| Err(DataError::Argument { what, problem });
        if !(16..=256).contains(&self.size) {
            return wrong(
                "ShapesConfig::size",
                format!("{} pixels; expected 16 to 256", self.size),
            );
        }
        if let Some(Confounder {
            class,
            probability,
            elsewhere,
        }) = self.confounder
        {
            if class >= Shapes::CLASSES.len() {
                return wrong(
                    "Confounder::class",
                    format!("there is no class {class}; expected 0 to 7"),
                );
            }
            for p in [probability, elsewhere] {
                if !(0.0..=1.0).contains(&p) {
                    return wrong(
                        "Confounder",
                        format!("{p} is no probability; expected 0 to 1"),
                    );
                }
            }
        }
        Ok(())
    }
}

/// An image's object and its ground have streams of their own.
fn streams(seed: u64, image: usize) -> (Draw, Draw) {
    let seed = seed ^ 0x5a9e_5000;
    (
        Draw::new(seed, 2 * image as u64),
        Draw::new(seed, 2 * image as u64 + 1),
    )
}

fn class_of(seed: u64, image: usize) -> usize {
    streams(seed, image).0.below(Shapes::CLASSES.len())
}

fn draw_image(config: &ShapesConfig, seed: u64, image: usize, out: &mut [f32]) {
    let (mut draw, mut behind) = streams(seed, image);
    let class = draw.below(Shapes::CLASSES.len());
    // Drawn whether or not there is a confounder, so that all else stays the same.
    let luck = behind.unit();
    let snow = config.confounder.as_ref().is_some_and(|c| {
        luck < if class == c.class {
            c.probability
        } else {
            c.elsewhere
        }
    });
    let ordinary = Ground::any(&mut behind);
    let ground = if snow {
        Ground::snow(&mut behind)
    } else {
        ordinary
    };
    let object = Object::new(class, &mut draw, ground.colours());
    let (size, area) = (config.size, config.size * config.size);
    let noise = draw.range(0.008, 0.022);
    for y in 0..size {
        for x in 0..size {
            let middle = |p: usize| (p as f32 + 0.5) / size as f32;
            let samples = object.samples(middle(x), middle(y), size);
            let (mut colour, mut cover) = ([0.0f32; 3], 0);
            for sub in 0..samples * samples {
                let at = |p: usize, s: usize| {
                    (p as f32 + (s as f32 + 0.5) / samples as f32) / size as f32
                };
                let (u, v) = (at(x, sub % samples), at(y, sub / samples));
                let sample = match object.colour(u, v) {
                    Some(colour) => {
                        cover += 1;
                        colour
                    }
                    None => ground.colour(u, v).map(|c| c * object.shadow(u, v)),
                };
                for (sum, c) in colour.iter_mut().zip(sample) {
                    *sum += c;
                }
            }
            for (channel, sum) in colour.into_iter().enumerate() {
                let mean = sum / (samples * samples) as f32;
                let value = mean * object.exposure + noise * draw.normal();
                out[channel * area + y * size + x] =
                    libm::floorf(value.clamp(0.0, 1.0) * 255.0 + 0.5);
            }
            out[3 * area + y * size + x] = if 2 * cover >= samples * samples {
                1.0
            } else {
                0.0
            };
        }
    }
    out[4 * area] = if snow { 1.0 } else { 0.0 };
}

/// One object: outline, place, paint and light. Coordinates run from 0 to 1 over the image.
struct Object {
    class: usize,
    centre: (f32, f32),
    radius: f32,
    stretch: f32,
    turn: (f32, f32),
    paint: Paint,
    light: (f32, f32),
    bevel: f32,
    gloss: f32,
    exposure: f32,
}

impl Object {
    fn new(class: usize, draw: &mut Draw, ground: [[f32; 3]; 2]) -> Self {
        let radius = draw.range(0.21, 0.38);
        let room = 1.16 * radius;
        let centre = (draw.range(room, 1.0 - room), draw.range(room, 1.0 - room));
        let angle = draw.range(0.0, TAU);
        let light = draw.range(0.0, TAU);
        Self {
            class,
            centre,
            radius,
            stretch: draw.range(0.88, 1.0),
            turn: (sinf(angle), cosf(angle)),
            light: (cosf(light), sinf(light)),
            bevel: draw.range(0.12, 0.4),
            gloss: draw.range(0.0, 0.45),
            exposure: draw.range(0.85, 1.1),
            paint: Paint::apart_from(ground, draw),
        }
    }

    /// From the image to the outline's own coordinates, where its radius is 1.
    fn inward(&self, u: f32, v: f32) -> (f32, f32) {
        let (x, y) = (
            (u - self.centre.0) / self.radius,
            (v - self.centre.1) / self.radius,
        );
        let (sin, cos) = self.turn;
        (cos * x + sin * y, (cos * y - sin * x) / self.stretch)
    }

    /// How many samples along each side a pixel with this middle takes.
    fn samples(&self, u: f32, v: f32, size: usize) -> usize {
        let (x, y) = self.inward(u, v);
        let nearest = outline::distance(self.class, x, y).abs() * self.radius * size as f32;
        if nearest < 0.9 { SAMPLES.0 } else { SAMPLES.1 }
    }

    /// The lit colour, or nothing outside the outline.
    fn colour(&self, u: f32, v: f32) -> Option<[f32; 3]> {
        let (x, y) = self.inward(u, v);
        if x * x + y * y > 1.7 {
            return None;
        }
        let depth = -outline::distance(self.class, x, y);
        if depth < 0.0 {
            return None;
        }
        // The rim falls away like a cushion's; the slope follows the outline.
        let rim = (1.0 - depth / self.bevel).max(0.0);
        let step = 0.02;
        let slope_x = outline::distance(self.class, x + step, y) + depth;
        let slope_y = outline::distance(self.class, x, y + step) + depth;
        let length = sqrtf(slope_x * slope_x + slope_y * slope_y).max(1e-6);
        let (sin, cos) = self.turn;
        let (nx, ny) = (
            (cos * slope_x - sin * slope_y) / length,
            (sin * slope_x + cos * slope_y) / length,
        );
        let facing = rim * (nx * self.light.0 + ny * self.light.1);
        let shade = 0.92 + 0.38 * facing;
        let shine = self.gloss * (facing - 0.35).max(0.0);
        Some(
            self.paint
                .colour(x, y)
                .map(|c| (c * shade + shine).min(1.0)),
        )
    }

    /// How much light reaches the ground beside the object.
    fn shadow(&self, u: f32, v: f32) -> f32 {
        let offset = 0.16 * self.radius;
        let (x, y) = self.inward(u + offset * self.light.0, v + offset * self.light.1);
        if x * x + y * y > 2.2 {
            return 1.0;
        }
        let outside = outline::distance(self.class, x, y);
        0.62 + 0.38 * (outside / 0.22 + 0.35).clamp(0.0, 1.0)
    }
}
