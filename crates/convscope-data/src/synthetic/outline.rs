//! The outlines of Shapes' eight classes as signed distances: negative inside, in units of the
//! object's radius. Inside they are near the true distance, which the shading needs; outside only
//! the sign and the growth matter.

use libm::sqrtf;
use std::f32::consts::FRAC_1_SQRT_2;

pub(super) fn distance(class: usize, x: f32, y: f32) -> f32 {
    match class {
        0 => length(x, y) - 0.95,
        1 => slab(x, y, 0.80, 0.80),
        2 => triangle(x, y + 0.12, 0.58),
        3 => star(x, y),
        4 => slab(x, y, 1.0, 0.32).min(slab(x, y, 0.32, 1.0)),
        5 => (length(x, y) - 0.72).abs() - 0.25,
        6 => heart(x, y),
        _ => arrow(x, y),
    }
}

fn length(x: f32, y: f32) -> f32 {
    sqrtf(x * x + y * y)
}

fn slab(x: f32, y: f32, half_width: f32, half_height: f32) -> f32 {
    (x.abs() - half_width).max(y.abs() - half_height)
}

/// Equilateral, pointing up, with this radius of its inner circle.
fn triangle(x: f32, y: f32, inner: f32) -> f32 {
    let side = 0.866_025_4 * x.abs() - 0.5 * y;
    side.max(y) - inner
}

/// Five points: the plane is folded onto one half of one point, which is bounded by one line.
fn star(x: f32, y: f32) -> f32 {
    const INNER: f32 = 0.46;
    // Sine and cosine of a fifth of half a turn, and of twice that.
    const FIFTH: (f32, f32) = (0.587_785_24, 0.809_017);
    const TWO_FIFTHS: (f32, f32) = (0.951_056_5, 0.309_017);
    let (mut x, mut y) = (x.abs(), -y);
    for (sin, cos) in [TWO_FIFTHS, FIFTH] {
        // Mirror across the axes between the points.
        let over = (x * cos - y * sin).max(0.0);
        x = (x - 2.0 * over * cos).abs();
        y += 2.0 * over * sin;
    }
    // The line from the tip (0, 1) to the notch, its normal pointing outwards.
    let (nx, ny) = (1.0 - INNER * FIFTH.1, INNER * FIFTH.0);
    (x * nx + (y - 1.0) * ny) / length(nx, ny)
}

/// A square on its corner with a disc on each upper side.
fn heart(x: f32, y: f32) -> f32 {
    const HALF: f32 = 0.52;
    let (x, y) = (x.abs(), y - 0.12);
    let (p, q) = ((x + y) * FRAC_1_SQRT_2, (y - x) * FRAC_1_SQRT_2);
    let centre = HALF * FRAC_1_SQRT_2;
    let disc = length(x - centre, y + centre) - HALF;
    disc.min(slab(p, q, HALF, HALF))
}

/// A shaft and a head, pointing right.
fn arrow(x: f32, y: f32) -> f32 {
    let shaft = slab(x + 0.42, y, 0.56, 0.24);
    let head = ((x - 1.0) * FRAC_1_SQRT_2 + y.abs() * FRAC_1_SQRT_2).max(0.08 - x);
    shaft.min(head)
}
