//! Geometric changes as maps between points. A pixel `(y, x)` covers the square from `(x, y)` to
//! `(x + 1, y + 1)`, so an image is the rectangle from 0 to its width and height, boxes are in the
//! same units, and the centre of a pixel ends in one half.

use super::step::{Augment, Fill};
use crate::draw::Draw;

/// A point: across, down.
pub(super) type Point = [f64; 2];

/// One geometric change, drawn: how its output looks into its input.
#[derive(Clone, Debug)]
pub(super) struct Link {
    map: Map,
    /// Height and width before.
    pub(super) from: [usize; 2],
    /// Height and width after.
    pub(super) to: [usize; 2],
    /// What lies around its input, where it can look there.
    pub(super) fill: Option<Fill>,
    /// A flip or a shift by whole pixels, which needs no interpolation.
    pub(super) whole: Option<Whole>,
}

/// A change that moves whole pixels.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whole {
    FlipAcross,
    FlipDown,
    /// What stood at `(y + down, x + across)` comes to `(y, x)`.
    Move {
        down: isize,
        across: isize,
    },
}

#[derive(Clone, Debug)]
enum Map {
    /// From a point of the output to one of the input: `[a, b, c, d, e, f]` for
    /// `(a x + b y + c, d x + e y + f)`.
    Affine([f64; 6]),
    /// `r (1 + strength r^2)` around the centre of the frame.
    Lens { strength: f64 },
}

impl Link {
    pub(super) fn affine(
        back: [f64; 6],
        from: [usize; 2],
        to: [usize; 2],
        fill: Option<Fill>,
    ) -> Link {
        Link {
            map: Map::Affine(back),
            from,
            to,
            fill,
            whole: None,
        }
    }

    /// A part of an image, brought to another size.
    pub(super) fn part(
        from: [usize; 2],
        [top, left]: [f64; 2],
        [height, width]: [f64; 2],
        to: [usize; 2],
    ) -> Link {
        let (down, across) = (height / to[0] as f64, width / to[1] as f64);
        Link::affine([across, 0.0, left, 0.0, down, top], from, to, None)
    }

    /// Around the centre: from `(x, y)` seen from there to `(a x + b y, c x + d y)`.
    fn central([a, b, c, d]: [f64; 4], size: [usize; 2], fill: Fill) -> Link {
        let [y, x] = size.map(|n| n as f64 / 2.0);
        let back = [a, b, x - a * x - b * y, c, d, y - c * x - d * y];
        Link::affine(back, size, size, Some(fill))
    }

    fn whole(whole: Whole, size: [usize; 2], fill: Option<Fill>) -> Link {
        let [h, w] = size.map(|n| n as f64);
        let back = match whole {
            Whole::FlipAcross => [-1.0, 0.0, w, 0.0, 1.0, 0.0],
            Whole::FlipDown => [1.0, 0.0, 0.0, 0.0, -1.0, h],
            Whole::Move { down, across } => [1.0, 0.0, across as f64, 0.0, 1.0, down as f64],
        };
        Link {
            whole: Some(whole),
            ..Link::affine(back, size, size, fill)
        }
    }

    /// Draws what a geometric step does to an image of this height and width; `None` where it
    /// leaves it as it is.
    pub(super) fn draw(step: &Augment, size: [usize; 2], draw: &mut Draw) -> Option<Link> {
        Some(match step {
            Augment::HorizontalFlip { probability } => {
                let flips = f64::from(draw.unit()) < *probability;
                return flips.then(|| Link::whole(Whole::FlipAcross, size, None));
            }
            Augment::VerticalFlip { probability } => {
                let flips = f64::from(draw.unit()) < *probability;
                return flips.then(|| Link::whole(Whole::FlipDown, size, None));
            }
            Augment::RandomCrop { padding, fill } => {
                let [down, across] = [(); 2].map(|()| draw.below(2 * padding + 1));
                let [down, across] = [down, across].map(|at| at as isize - *padding as isize);
                Link::whole(Whole::Move { down, across }, size, Some(*fill))
            }
            Augment::ResizedCrop {
                area,
                ratio,
                size: to,
            } => {
                let (at, part) = resized_crop(size, *area, *ratio, draw);
                Link::part(size, at, part, to.unwrap_or(size))
            }
            Augment::ScaledCrop {
                short_side: (low, high),
                size: to,
            } => {
                let short = low + draw.below(high - low + 1);
                // As Preprocessing: the long side is rounded down.
                let scale = short as f64 / size[0].min(size[1]) as f64;
                let scaled = size.map(|n| ((n as f64 * scale + 1e-9) as usize).max(short));
                let at = [0, 1].map(|k| draw.below(scaled[k] - to[k] + 1));
                let per = [0, 1].map(|k| size[k] as f64 / scaled[k] as f64);
                let corner = [0, 1].map(|k| at[k] as f64 * per[k]);
                let part = [0, 1].map(|k| to[k] as f64 * per[k]);
                Link::part(size, corner, part, *to)
            }
            Augment::Shift { down, across, fill } => {
                let [down, across] = [down, across].map(|pair| uniform(*pair, draw));
                let back = [1.0, 0.0, -across, 0.0, 1.0, -down];
                Link::affine(back, size, size, Some(*fill))
            }
            Augment::Rotate { degrees, fill } => {
                let (sin, cos) = turn(uniform(*degrees, draw));
                Link::central([cos, -sin, sin, cos], size, *fill)
            }
            Augment::Shear { across, down, fill } => {
                let [s, t] = [across, down].map(|pair| uniform(*pair, draw));
                // The inverse of [[1, s], [t, 1]].
                let one = 1.0 / (1.0 - s * t);
                Link::central([one, -s * one, -t * one, one], size, *fill)
            }
            Augment::Stretch { down, across, fill } => {
                let [down, across] = [down, across].map(|pair| logarithmic(*pair, draw));
                Link::central([1.0 / across, 0.0, 0.0, 1.0 / down], size, *fill)
            }
            Augment::Zoom { factor, fill } => {
                let one = 1.0 / logarithmic(*factor, draw);
                Link::central([one, 0.0, 0.0, one], size, *fill)
            }
            Augment::Lens { strength, fill } => {
                let strength = uniform(*strength, draw);
                Link {
                    map: Map::Lens { strength },
                    ..Link::central([1.0, 0.0, 0.0, 1.0], size, *fill)
                }
            }
            _ => return None,
        })
    }

    /// From a point of the output to the one it shows.
    pub(super) fn back(&self, point: Point) -> Point {
        match &self.map {
            Map::Affine(m) => affine(m, point),
            Map::Lens { strength } => self.radially(point, |r| 1.0 + strength * r * r),
        }
    }

    /// Where a point of the input comes to. With a lens, what lies beyond its reach comes to a place
    /// outside the image.
    pub(super) fn forth(&self, point: Point) -> Point {
        match &self.map {
            Map::Affine(m) => affine(&inverse(m), point),
            Map::Lens { strength } => self.radially(point, |r| undistort(r, *strength)),
        }
    }

    /// Whether straight lines stay straight.
    pub(super) fn keeps_lines(&self) -> bool {
        matches!(self.map, Map::Affine(_))
    }

    /// Distances from the centre times `factor` of themselves, which are 1 at the corners.
    fn radially(&self, [x, y]: Point, factor: impl Fn(f64) -> f64) -> Point {
        let [cy, cx] = self.from.map(|n| n as f64 / 2.0);
        let (dx, dy) = (x - cx, y - cy);
        let r = ((dx * dx + dy * dy) / (cx * cx + cy * cy)).sqrt();
        let factor = factor(r);
        [cx + dx * factor, cy + dy * factor]
    }
}

/// `s / r` with `s (1 + k s^2) = r`, by Newton's method. The left side rises from 0 to 1 for `k`
/// above -1/3; beyond its top there is no `s`, and one outside the image is as good.
fn undistort(r: f64, k: f64) -> f64 {
    if r == 0.0 || k == 0.0 {
        return 1.0;
    }
    let most = if k < 0.0 {
        (-1.0 / (3.0 * k)).sqrt()
    } else {
        f64::INFINITY
    };
    if most.is_finite() && r >= most * (1.0 + k * most * most) {
        return most.max(1.0) * 2.0 / r;
    }
    let mut s = r.min(most);
    if k < 0.0 {
        // From the left, where the slope is steep, it cannot overshoot the top.
        s = s.min(r);
    }
    for _ in 0..60 {
        let next = s - (s * (1.0 + k * s * s) - r) / (1.0 + 3.0 * k * s * s);
        if (next - s).abs() <= 1e-14 {
            break;
        }
        s = next;
    }
    s / r
}

fn affine([a, b, c, d, e, f]: &[f64; 6], [x, y]: Point) -> Point {
    [a * x + b * y + c, d * x + e * y + f]
}

fn inverse([a, b, c, d, e, f]: &[f64; 6]) -> [f64; 6] {
    let one = 1.0 / (a * e - b * d);
    let (ia, ib, id, ie) = (e * one, -b * one, -d * one, a * one);
    [ia, ib, -(ia * c + ib * f), id, ie, -(id * c + ie * f)]
}

pub(super) fn uniform((low, high): (f64, f64), draw: &mut Draw) -> f64 {
    low + (high - low) * f64::from(draw.unit())
}

fn logarithmic((low, high): (f64, f64), draw: &mut Draw) -> f64 {
    let at = f64::from(draw.unit());
    match low == high {
        true => low,
        false => low * libm::pow(high / low, at),
    }
}

/// Sine and cosine of an angle in degrees, exact at quarter turns.
fn turn(degrees: f64) -> (f64, f64) {
    let degrees = degrees.rem_euclid(360.0);
    match degrees {
        0.0 => (0.0, 1.0),
        90.0 => (1.0, 0.0),
        180.0 => (0.0, -1.0),
        270.0 => (-1.0, 0.0),
        _ => libm::sincos(degrees.to_radians()),
    }
}

/// Top and left, and height and width, of a random part (in whole pixels).
fn resized_crop(
    [h, w]: [usize; 2],
    area: (f64, f64),
    ratio: (f64, f64),
    draw: &mut Draw,
) -> ([f64; 2], [f64; 2]) {
    let whole = (h * w) as f64;
    for _ in 0..10 {
        let area = uniform(area, draw) * whole;
        let ratio = logarithmic(ratio, draw);
        let width = (area * ratio).sqrt().round() as usize;
        let height = (area / ratio).sqrt().round() as usize;
        if (1..=h).contains(&height) && (1..=w).contains(&width) {
            let top = draw.below(h - height + 1);
            let left = draw.below(w - width + 1);
            return ([top as f64, left as f64], [height as f64, width as f64]);
        }
    }
    let (h, w) = (h as f64, w as f64);
    let fitting = (w / h).clamp(ratio.0, ratio.1);
    let (height, width) = match w / h > fitting {
        true => (h, (h * fitting).round()),
        false => ((w / fitting).round(), w),
    };
    let [height, width] = [height.clamp(1.0, h), width.clamp(1.0, w)];
    let middle = [((h - height) / 2.0).floor(), ((w - width) / 2.0).floor()];
    (middle, [height, width])
}
