//! Geometric changes that follow each other, made by looking up every pixel of the result in the
//! image once: interpolating after each of them would blur it a little more every time.

use super::link::{Link, Point, Whole};
use super::step::Fill;

/// So near to the centre of a pixel counts as there; what a chain of maps rounds off is far less.
const THERE: f64 = 1e-7;
/// At most so many samples along each side of a pixel, where an image shrinks.
const MOST_SAMPLES: f64 = 16.0;

/// Links from the image to the result.
#[derive(Debug, Default)]
pub(super) struct Chain {
    links: Vec<Link>,
}

/// What a pixel of the result shows.
enum Source {
    At(Point),
    Value(f32),
    Mean,
}

impl Chain {
    pub(super) fn push(&mut self, link: Link) {
        self.links.push(link);
    }

    pub(super) fn links(&self) -> &[Link] {
        &self.links
    }

    pub(super) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// The result of an image `[C, H, W]` in C order, and its height and width.
    pub(super) fn apply(&self, mut image: Vec<f32>, [h, w]: [usize; 2]) -> (Vec<f32>, [usize; 2]) {
        if image.is_empty() || self.links.is_empty() {
            return (image, [h, w]);
        }
        let whole: Option<Vec<_>> = self
            .links
            .iter()
            .map(|l| Some((l.whole?, l.fill)))
            .collect();
        if let Some(moves) = whole {
            for (whole, fill) in moves {
                match whole {
                    Whole::FlipAcross => image.chunks_exact_mut(w).for_each(<[f32]>::reverse),
                    Whole::FlipDown => flip_down(&mut image, [h, w]),
                    Whole::Move { down, across } => {
                        let fill = fill.unwrap_or(Fill::Edge);
                        shift(&mut image, [h, w], [down, across], fill);
                    }
                }
            }
            return (image, [h, w]);
        }
        let to = self.links[self.links.len() - 1].to;
        (self.interpolate(&image, [h, w], to), to)
    }

    fn interpolate(&self, image: &[f32], [h, w]: [usize; 2], to: [usize; 2]) -> Vec<f32> {
        let (channels, area) = (image.len() / (h * w), to[0] * to[1]);
        let means = means(image, h * w);
        let fill = self.border().unwrap_or(Fill::Edge);
        let samples = self.samples(to);
        let share = 1.0 / (samples * samples) as f32;
        let mut out = vec![0.0; channels * area];
        for at in 0..area {
            let (y, x) = (at / to[1], at % to[1]);
            for sub in 0..samples * samples {
                let inside = |k: usize| (k as f64 + 0.5) / samples as f64;
                let point = [
                    x as f64 + inside(sub % samples),
                    y as f64 + inside(sub / samples),
                ];
                let (taps, around) = match self.source(point) {
                    Source::At(point) => (Taps::around(point, [h, w], fill), fill),
                    Source::Value(v) => (Taps::outside(), Fill::Value(v)),
                    Source::Mean => (Taps::outside(), Fill::Mean),
                };
                let planes = image.chunks_exact(h * w).zip(&means);
                for ((plane, mean), v) in planes.zip(out[at..].iter_mut().step_by(area)) {
                    let mut sum = 0.0;
                    for (place, weight) in taps.places.iter().zip(&taps.weights).take(taps.count) {
                        sum += weight * plane[*place];
                    }
                    if taps.outside > 0.0 {
                        sum += taps.outside
                            * match around {
                                Fill::Value(v) => v,
                                _ => *mean,
                            };
                    }
                    *v += share * sum;
                }
            }
        }
        out
    }

    /// The result of a mask `[H, W]`: the pixel in which the centre of each of the result's lies.
    /// What comes in from a value or the mean is 0.
    pub(super) fn nearest(&self, mask: &[u8], [h, w]: [usize; 2]) -> (Vec<u8>, [usize; 2]) {
        let Some(last) = self.links.last() else {
            return (mask.to_vec(), [h, w]);
        };
        let fill = self.border().unwrap_or(Fill::Edge);
        let pixel = |at: usize| {
            let centre = [
                (at % last.to[1]) as f64 + 0.5,
                (at / last.to[1]) as f64 + 0.5,
            ];
            let Source::At([x, y]) = self.source(centre) else {
                return 0;
            };
            // A point on the line between two pixels belongs to the one that a tiny bit more of the
            // map would not change.
            let place = |v: f64, size| resolve(floor(v - THERE), size, fill);
            match (place(y, h), place(x, w)) {
                (Some(y), Some(x)) => mask[y * w + x],
                _ => 0,
            }
        };
        ((0..last.to[0] * last.to[1]).map(pixel).collect(), last.to)
    }

    /// Flips at the beginning bring in nothing: around the image is what the first other link has
    /// around its input.
    fn flips(&self) -> usize {
        let is_flip = |l: &&Link| matches!(l.whole, Some(Whole::FlipAcross | Whole::FlipDown));
        self.links.iter().take_while(is_flip).count()
    }

    fn border(&self) -> Option<Fill> {
        self.links.get(self.flips()).and_then(|l| l.fill)
    }

    /// Where a point of the result looks into the image. On the way it may leave the frame that one
    /// of the links was given, and then sees what lies around that.
    fn source(&self, mut point: Point) -> Source {
        let first = self.flips();
        for (k, link) in self.links.iter().enumerate().rev() {
            point = link.back(point);
            if k <= first {
                continue;
            }
            let [h, w] = link.from.map(|n| n as f64);
            let outside = point[0] < 0.0 || point[1] < 0.0 || point[0] > w || point[1] > h;
            match link.fill {
                Some(Fill::Value(v)) if outside => return Source::Value(v),
                Some(Fill::Mean) if outside => return Source::Mean,
                Some(Fill::Reflect) => point = [mirrored(point[0], w), mirrored(point[1], h)],
                Some(Fill::Edge) | None => {
                    point = [held(point[0], w), held(point[1], h)];
                }
                _ => {}
            }
        }
        Source::At(point)
    }

    /// How many samples a pixel of the result takes along each side: as many pixels as it covers,
    /// in the middle, so that an image that shrinks is averaged and does not flicker.
    fn samples(&self, to: [usize; 2]) -> usize {
        let trace = |point: Point| self.links.iter().rev().fold(point, |p, link| link.back(p));
        let middle = [to[1] as f64 / 2.0, to[0] as f64 / 2.0];
        let from = trace(middle);
        let length = |[dx, dy]: Point| {
            let there = trace([middle[0] + dx, middle[1] + dy]);
            libm::hypot(there[0] - from[0], there[1] - from[1])
        };
        let most = length([1.0, 0.0]).max(length([0.0, 1.0]));
        most.round().clamp(1.0, MOST_SAMPLES) as usize
    }
}

/// The mean of each plane of so many pixels.
pub(super) fn means(image: &[f32], area: usize) -> Vec<f32> {
    let planes = image.chunks_exact(area.max(1));
    let sum = |plane: &[f32]| plane.iter().map(|&v| f64::from(v)).sum::<f64>();
    planes.map(|p| (sum(p) / area as f64) as f32).collect()
}

/// The pixels around a point and their weights, which sum to 1 with that of what is not the image's.
struct Taps {
    places: [usize; 4],
    weights: [f32; 4],
    count: usize,
    outside: f32,
}

impl Taps {
    fn outside() -> Taps {
        Taps {
            places: [0; 4],
            weights: [0.0; 4],
            count: 0,
            outside: 1.0,
        }
    }

    fn around([x, y]: Point, [h, w]: [usize; 2], fill: Fill) -> Taps {
        let ((left, right_share), (top, low_share)) = (split(x), split(y));
        let mut taps = Taps {
            outside: 0.0,
            ..Taps::outside()
        };
        for (down, weight) in [(0, 1.0 - low_share), (1, low_share)] {
            let row = resolve(top + down, h, fill);
            for (across, share) in [(0, 1.0 - right_share), (1, right_share)] {
                let weight = weight * share;
                if weight == 0.0 {
                    continue;
                }
                match row.zip(resolve(left + across, w, fill)) {
                    None => taps.outside += weight,
                    Some((y, x)) => {
                        taps.places[taps.count] = y * w + x;
                        taps.weights[taps.count] = weight;
                        taps.count += 1;
                    }
                }
            }
        }
        taps
    }
}

/// The pixel before a place along an axis, and the share of the next one.
fn split(v: f64) -> (isize, f32) {
    let v = v - 0.5;
    let near = floor(v + 0.5);
    match (v - near as f64).abs() < THERE {
        true => (near, 0.0),
        false => {
            let before = floor(v);
            (before, (v - before as f64) as f32)
        }
    }
}

/// `f64::floor` is a call to a function where the processor is not known.
fn floor(v: f64) -> isize {
    let cut = v as isize;
    cut - isize::from((cut as f64) > v)
}

/// The pixel at a place along an axis, which may lie outside.
fn resolve(at: isize, size: usize, fill: Fill) -> Option<usize> {
    let last = size as isize - 1;
    match fill {
        _ if (0..=last).contains(&at) => Some(at as usize),
        Fill::Value(_) | Fill::Mean => None,
        Fill::Edge => Some(at.clamp(0, last) as usize),
        // -1 is 1, and size is size - 2.
        Fill::Reflect if last == 0 => Some(0),
        Fill::Reflect => {
            let at = at.rem_euclid(2 * last);
            Some(if at > last { 2 * last - at } else { at } as usize)
        }
    }
}

/// A place mirrored at the centres of the outermost pixels.
fn mirrored(v: f64, size: f64) -> f64 {
    let (v, last) = (v - 0.5, size - 1.0);
    if (0.0..=last).contains(&v) {
        return v + 0.5;
    }
    if last == 0.0 {
        return 0.5;
    }
    let v = v.rem_euclid(2.0 * last);
    0.5 + if v > last { 2.0 * last - v } else { v }
}

/// A place kept between the centres of the outermost pixels.
fn held(v: f64, size: f64) -> f64 {
    v.clamp(0.5, size - 0.5)
}

fn flip_down(image: &mut [f32], [h, w]: [usize; 2]) {
    for plane in image.chunks_exact_mut(h * w) {
        for y in 0..h / 2 {
            let (above, below) = plane.split_at_mut((h - 1 - y) * w);
            above[y * w..][..w].swap_with_slice(&mut below[..w]);
        }
    }
}

/// What stood at `(y + down, x + across)` comes to `(y, x)`.
pub(super) fn shift(image: &mut [f32], [h, w]: [usize; 2], [down, across]: [isize; 2], fill: Fill) {
    if (down, across) == (0, 0) || image.is_empty() {
        return;
    }
    let columns: Vec<Option<usize>> = (0..w)
        .map(|x| resolve(x as isize + across, w, fill))
        .collect();
    let mut old = vec![0.0; h * w];
    for plane in image.chunks_exact_mut(h * w) {
        old.copy_from_slice(plane);
        let border = match fill {
            Fill::Value(v) => v,
            Fill::Mean => means(&old, h * w)[0],
            Fill::Edge | Fill::Reflect => 0.0,
        };
        for (y, row) in plane.chunks_exact_mut(w).enumerate() {
            match resolve(y as isize + down, h, fill) {
                None => row.fill(border),
                Some(from) => {
                    let from = &old[from * w..][..w];
                    for (v, column) in row.iter_mut().zip(&columns) {
                        *v = column.map_or(border, |x| from[x]);
                    }
                }
            }
        }
    }
}

/// An image `[C, H, W]` brought to another size, bilinearly, averaged where it shrinks.
pub(crate) fn resized(image: &ndarray::Array3<f32>, to: [usize; 2]) -> ndarray::Array3<f32> {
    let (c, h, w) = image.dim();
    let mut chain = Chain::default();
    chain.push(Link::part([h, w], [0.0; 2], [h as f64, w as f64], to));
    let (pixels, [h, w]) = chain.apply(image.iter().copied().collect(), [h, w]);
    ndarray::Array3::from_shape_vec((c, h, w), pixels).expect("the chain makes this size")
}
