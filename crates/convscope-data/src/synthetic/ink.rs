//! InkDigits: handwritten-looking digits in MNIST's format, drawn stroke by stroke.

use super::fill;
use super::glyphs::{DIGITS, Glyph};
use crate::dataset::{Dataset, images_from};
use crate::draw::Draw;
use libm::{cosf, expf, sinf, sqrtf};
use std::f32::consts::{PI, TAU};

const SIDE: usize = 28;
/// As in MNIST, a digit is scaled into a box of this many pixels, then centred by its mass.
const BOX: f32 = 20.0;
/// How many steps the curve between two points of a glyph is drawn in.
const STEPS: usize = 8;

/// Digits drawn from strokes, in MNIST's format: 28x28, white on black, 0 to 255, scaled into 20x20
/// and centred by their mass.
///
/// Each image is one way to write its digit, bent by a smooth random field (as elastic distortion
/// does to pixels, after Simard, Steinkraus and Platt 2003), slanted, turned, stretched, and drawn
/// with a pen of its own width whose pressure varies along the stroke. Where MNIST cannot be had,
/// this takes its place.
pub struct InkDigits;

impl InkDigits {
    /// `n` digits. Labels are drawn too, so the classes are about equally frequent. Image number i
    /// depends on the seed and on i alone: a shorter set is the beginning of a longer one.
    pub fn generate(n: usize, seed: u64) -> Dataset {
        let mut pixels = vec![0.0; n * SIDE * SIDE];
        let labels = (0..n).map(|i| stream(seed, i).below(10)).collect();
        fill(&mut pixels, SIDE * SIDE, |i, image| {
            let mut draw = stream(seed, i);
            let digit = draw.below(10);
            render(digit, &mut draw, image);
        });
        Dataset {
            name: "inkdigits".into(),
            images: images_from(pixels, [n, 1, SIDE, SIDE]),
            labels,
            classes: (0..10).map(|d| d.to_string()).collect(),
        }
    }
}

fn stream(seed: u64, image: usize) -> Draw {
    Draw::new(seed ^ 0x1d16_1757, image as u64)
}

/// A point of the pen's path: where, how wide, and whether the pen was down on the way there.
#[derive(Clone, Copy)]
struct Dab {
    x: f32,
    y: f32,
    radius: f32,
    joined: bool,
}

fn render(digit: usize, draw: &mut Draw, image: &mut [f32]) {
    let glyph = pick(DIGITS[digit], draw);
    let mut path = write(glyph, draw);
    let pen = pen_width(draw).min(finest_pen(digit, &path)).max(0.75);
    press(&mut path, pen, draw);
    place(&mut path, pen);
    let ink = draw.range(0.88, 1.0);
    let softness = draw.range(0.55, 0.85);
    ink_in(&path, softness, image);
    for pixel in image {
        // MNIST's strokes are saturated inside and grey at the edges.
        *pixel = libm::floorf((*pixel * ink * 1.06).min(1.0) * 255.0 + 0.5);
    }
}

fn pick<'a>(ways: &'a [Glyph], draw: &mut Draw) -> &'a Glyph {
    let total: f32 = ways.iter().map(|g| g.weight).sum();
    let mut at = draw.unit() * total;
    for way in ways {
        at -= way.weight;
        if at < 0.0 {
            return way;
        }
    }
    &ways[ways.len() - 1]
}

/// The glyph in this writer's hand: points moved, curves drawn, the sheet bent and slanted.
fn write(glyph: &Glyph, draw: &mut Draw) -> Vec<Dab> {
    let bend = Field::new(draw, 0.078);
    let angle = draw.normal() * 8.0 * PI / 180.0;
    let slant = 0.14 + 0.25 * draw.normal();
    let aspect = (glyph.aspect * expf(0.19 * draw.normal())).min(1.05);
    let (sin, cos) = (sinf(angle), cosf(angle));
    let mut path = Vec::with_capacity(128);
    for stroke in glyph.strokes {
        let points = unsteady(stroke, draw);
        let first = path.len();
        trace(&points, |x, y| {
            let (dx, dy) = bend.at(x, y);
            let (x, y) = ((x + dx - 0.5) * aspect, y + dy - 0.5);
            let x = x - slant * y;
            path.push(Dab {
                x: cos * x - sin * y,
                y: sin * x + cos * y,
                radius: 0.0,
                joined: path.len() > first,
            });
        });
    }
    path
}

/// The stroke's points, each a little off. Neighbours are off together: a hand drifts, it does not jump.
fn unsteady(stroke: &[(f32, f32)], draw: &mut Draw) -> Vec<(f32, f32)> {
    let offset = (0.02 * draw.normal(), 0.02 * draw.normal());
    let mut drift = (draw.normal(), draw.normal());
    let mut points: Vec<(f32, f32)> = Vec::with_capacity(stroke.len());
    for (k, &(x, y)) in stroke.iter().enumerate() {
        // A corner is one point: both its copies move together.
        if k > 0 && stroke[k - 1] == (x, y) {
            points.push(points[k - 1]);
            continue;
        }
        drift = (
            0.85 * drift.0 + 0.53 * draw.normal(),
            0.85 * drift.1 + 0.53 * draw.normal(),
        );
        points.push((
            x + offset.0 + 0.028 * drift.0,
            y + offset.1 + 0.028 * drift.1,
        ));
    }
    points
}

/// Walks a Catmull-Rom curve through the points, breaking it at corners.
fn trace(points: &[(f32, f32)], mut visit: impl FnMut(f32, f32)) {
    visit(points[0].0, points[0].1);
    for k in 0..points.len() - 1 {
        let (b, c) = (points[k], points[k + 1]);
        if b == c {
            continue;
        }
        let a = if k > 0 && points[k - 1] != b {
            points[k - 1]
        } else {
            (2.0 * b.0 - c.0, 2.0 * b.1 - c.1)
        };
        let d = match points.get(k + 2) {
            Some(&d) if d != c => d,
            _ => (2.0 * c.0 - b.0, 2.0 * c.1 - b.1),
        };
        for step in 1..=STEPS {
            let t = step as f32 / STEPS as f32;
            let along = |a: f32, b: f32, c: f32, d: f32| {
                b + 0.5
                    * t
                    * ((c - a)
                        + t * ((2.0 * a - 5.0 * b + 4.0 * c - d) + t * (3.0 * (b - c) + d - a)))
            };
            visit(along(a.0, b.0, c.0, d.0), along(a.1, b.1, c.1, d.1));
        }
    }
}

/// The pen's radius in pixels.
fn pen_width(draw: &mut Draw) -> f32 {
    (1.28 + 0.32 * draw.normal()).clamp(0.75, 1.9)
}

/// The widest pen that leaves the holes of a narrow or flat digit open. Digits that are one line have
/// none.
fn finest_pen(digit: usize, path: &[Dab]) -> f32 {
    if digit == 1 || digit == 7 {
        return f32::MAX;
    }
    let n = path.len() as f32;
    let mean = |f: &dyn Fn(&Dab) -> f32| path.iter().map(f).sum::<f32>() / n;
    let (mx, my) = (mean(&|d| d.x), mean(&|d| d.y));
    let xx = mean(&|d| (d.x - mx) * (d.x - mx));
    let yy = mean(&|d| (d.y - my) * (d.y - my));
    let xy = mean(&|d| (d.x - mx) * (d.y - my));
    // The spread along the narrow axis of the path, in pixels.
    let half = 0.5 * (xx - yy);
    let narrow = sqrtf((0.5 * (xx + yy) - sqrtf(half * half + xy * xy)).max(0.0));
    let (low, high) = bounds(path);
    let scale = (BOX - 2.5) / (high.0 - low.0).max(high.1 - low.1).max(1e-3);
    0.44 * narrow * scale
}

fn bounds(path: &[Dab]) -> ((f32, f32), (f32, f32)) {
    let (mut low, mut high) = ((f32::MAX, f32::MAX), (f32::MIN, f32::MIN));
    for dab in path {
        low = (low.0.min(dab.x), low.1.min(dab.y));
        high = (high.0.max(dab.x), high.1.max(dab.y));
    }
    (low, high)
}

/// Pressure: slow waves along the path, lighter where the pen comes down and lifts.
fn press(path: &mut [Dab], pen: f32, draw: &mut Draw) {
    let (phase, waves, depth) = (
        draw.range(0.0, TAU),
        draw.range(0.5, 2.0),
        draw.range(0.05, 0.22),
    );
    let lift = draw.range(0.70, 1.0);
    let n = path.len();
    for i in 0..n {
        let t = i as f32 / n as f32;
        let at_end = !path[i].joined || i + 1 == n || !path[i + 1].joined;
        let ends = if at_end { lift } else { 1.0 };
        path[i].radius = pen * ends * (1.0 + depth * sinf(phase + TAU * waves * t));
    }
}

/// Scales the path into MNIST's box and centres it by its mass.
fn place(path: &mut [Dab], pen: f32) {
    let (low, high) = bounds(path);
    let scale = (BOX - 2.0 * pen) / (high.0 - low.0).max(high.1 - low.1).max(1e-3);
    let (mut mass, mut mx, mut my) = (0.0, 0.0, 0.0);
    for i in 1..path.len() {
        let (a, b) = (path[i - 1], path[i]);
        if b.joined {
            let m = sqrtf((b.x - a.x) * (b.x - a.x) + (b.y - a.y) * (b.y - a.y))
                * (a.radius + b.radius);
            mass += m;
            mx += m * (a.x + b.x) * 0.5;
            my += m * (a.y + b.y) * 0.5;
        }
    }
    let (mx, my) = if mass > 0.0 {
        (mx / mass, my / mass)
    } else {
        (low.0, low.1)
    };
    // Centred by mass, unless that would push ink over the edge.
    let edge = SIDE as f32 * 0.5 - pen - 0.5;
    let shift = |low: f32, high: f32, mean: f32| {
        let (low, high) = ((low - mean) * scale, (high - mean) * scale);
        SIDE as f32 * 0.5 + (-edge - low).max(0.0) - (high - edge).max(0.0)
    };
    let (sx, sy) = (shift(low.0, high.0, mx), shift(low.1, high.1, my));
    for dab in path {
        dab.x = (dab.x - mx) * scale + sx;
        dab.y = (dab.y - my) * scale + sy;
    }
}

/// Paints each piece of the path as a soft-edged capsule; a pixel takes the darkest ink over it.
fn ink_in(path: &[Dab], softness: f32, image: &mut [f32]) {
    for i in 1..path.len() {
        let (a, b) = (path[i - 1], path[i]);
        if !b.joined {
            continue;
        }
        let reach = a.radius.max(b.radius) + softness;
        let span = |p: f32, q: f32| {
            let low = (p.min(q) - reach - 0.5).max(0.0) as usize;
            let high = (p.max(q) + reach + 0.5).clamp(0.0, SIDE as f32) as usize;
            low..high.min(SIDE)
        };
        let (dx, dy) = (b.x - a.x, b.y - a.y);
        let length2 = (dx * dx + dy * dy).max(1e-12);
        for row in span(a.y, b.y) {
            for column in span(a.x, b.x) {
                let (px, py) = (column as f32 + 0.5 - a.x, row as f32 + 0.5 - a.y);
                let t = ((px * dx + py * dy) / length2).clamp(0.0, 1.0);
                let (ex, ey) = (px - t * dx, py - t * dy);
                let radius = a.radius + t * (b.radius - a.radius);
                let inside = radius + softness - sqrtf(ex * ex + ey * ey);
                let cover = (inside / (2.0 * softness)).clamp(0.0, 1.0);
                let pixel = &mut image[row * SIDE + column];
                *pixel = pixel.max(cover);
            }
        }
    }
}

/// A smooth random displacement of the plane: random arrows on a coarse grid, blended by cubic
/// B-splines.
struct Field {
    arrows: [[(f32, f32); Field::GRID]; Field::GRID],
}

impl Field {
    /// Three cells over the glyph's box, and the spline's reach beyond them.
    const GRID: usize = 6;

    fn new(draw: &mut Draw, size: f32) -> Self {
        // Blending averages arrows; this gives back the spread it takes away.
        let size = size * 2.0;
        let mut arrows = [[(0.0, 0.0); Self::GRID]; Self::GRID];
        for arrow in arrows.iter_mut().flatten() {
            *arrow = (size * draw.normal(), size * draw.normal());
        }
        Self { arrows }
    }

    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        let split = |v: f32| {
            let v = v.clamp(0.0, 0.999) * (Self::GRID - 3) as f32;
            let cell = v as usize;
            (cell, blend(v - cell as f32))
        };
        let ((column, across), (row, down)) = (split(x), split(y));
        let mut sum = (0.0, 0.0);
        for (j, wy) in down.into_iter().enumerate() {
            for (i, wx) in across.into_iter().enumerate() {
                let arrow = self.arrows[row + j][column + i];
                sum.0 += wx * wy * arrow.0;
                sum.1 += wx * wy * arrow.1;
            }
        }
        sum
    }
}

/// The four weights of a uniform cubic B-spline.
fn blend(t: f32) -> [f32; 4] {
    let s = 1.0 - t;
    let sixth = 1.0 / 6.0;
    [
        s * s * s * sixth,
        (3.0 * t * t * t - 6.0 * t * t + 4.0) * sixth,
        (3.0 * s * s * s - 6.0 * s * s + 4.0) * sixth,
        t * t * t * sixth,
    ]
}
