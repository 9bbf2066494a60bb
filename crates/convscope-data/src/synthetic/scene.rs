//! A still life that nobody owns: the photograph that notebooks filter when the reader has none at
//! hand. It has straight and round edges, fine and coarse texture, gloss, soft shadows and grain.
//!
//! Objects are signed distance functions and rays walk along them (sphere tracing, J. C. Hart 1996).

use super::fill;
use super::ground::Noise;
use super::vector::{V, v};
use crate::draw::Draw;
use libm::{atan2f, expf, fabsf, floorf, powf, sinf, sqrtf};
use ndarray::Array3;
use std::f32::consts::{PI, TAU};

/// Samples along each side of a pixel.
const SAMPLES: usize = 5;
/// Where the middle of the window is that lights the scene, and how large it is.
const WINDOW: (V, f32) = (v(-3.4, 4.2, -2.6), 0.8);

/// A rendered still life, shape `[3, size, size]`, red, green, blue, 0 to 1. `seed` sets the grain
/// and the textures' irregularities.
pub fn scene(size: usize, seed: u64) -> Array3<f32> {
    let textures = Textures::new(seed);
    let mut pixels = vec![0.0; 3 * size * size];
    fill(&mut pixels, 3 * size, |row, line| {
        let mut draw = Draw::new(seed, 1 + row as u64);
        for (column, pixel) in line.chunks_exact_mut(3).enumerate() {
            let colour = pixel_colour(&textures, size, column, row, &mut draw);
            let grain = 0.009 * draw.normal();
            for (value, c) in pixel.iter_mut().zip([colour.x, colour.y, colour.z]) {
                *value = (c + grain + 0.005 * draw.normal()).clamp(0.0, 1.0);
            }
        }
    });
    let rows =
        Array3::from_shape_vec((size, size, 3), pixels).expect("size x size pixels were filled");
    rows.permuted_axes([2, 0, 1])
        .as_standard_layout()
        .into_owned()
}

fn pixel_colour(textures: &Textures, size: usize, column: usize, row: usize, draw: &mut Draw) -> V {
    let eye = v(0.25, 1.75, -4.6);
    let forward = (v(0.02, 0.62, 0.0) - eye).unit();
    let right = v(0.0, 1.0, 0.0).cross(forward).unit();
    let up = forward.cross(right);
    let mut sum = v(0.0, 0.0, 0.0);
    for sub in 0..SAMPLES * SAMPLES {
        let at = |p: usize, s: usize, jitter: f32| {
            (p as f32 + (s as f32 + jitter) / SAMPLES as f32) / size as f32 - 0.5
        };
        let (x, y) = (
            at(column, sub % SAMPLES, draw.unit()),
            -at(row, sub / SAMPLES, draw.unit()),
        );
        let ray = (forward + right * (0.72 * x) + up * (0.72 * y)).unit();
        let lamp = window_point(sub, draw);
        let colour = radiance(textures, eye, ray, lamp, 0);
        // Bright spots are capped before averaging, or their edges stay jagged.
        sum = sum + colour.map(|c| c.min(1.5));
    }
    let linear = sum * (1.0 / (SAMPLES * SAMPLES) as f32);
    let edge = |p: usize| (p as f32 + 0.5) / size as f32 - 0.5;
    let vignette = 1.0 - 0.45 * (edge(column) * edge(column) + edge(row) * edge(row));
    linear.map(|c| {
        let exposed = 1.0 - expf(-1.7 * c * vignette);
        powf(exposed, 1.0 / 2.2)
    })
}

/// A point of the window, another part of it for each sample of a pixel, so that shadows blur evenly.
fn window_point(sub: usize, draw: &mut Draw) -> V {
    let mut part = |k: usize| WINDOW.1 * (2.0 * (k as f32 + draw.unit()) / SAMPLES as f32 - 1.0);
    // Rows and columns are shuffled against the pixel's own, so that the two do not line up.
    let (i, j) = (
        (2 * sub + sub / SAMPLES) % SAMPLES,
        (3 * (sub / SAMPLES) + sub) % SAMPLES,
    );
    WINDOW.0 + v(part(i), part(j), part((i + 2 * j) % SAMPLES))
}

/// Light along a ray: what the surface it meets sends back, mirrored parts included.
fn radiance(textures: &Textures, from: V, ray: V, lamp: V, depth: usize) -> V {
    let Some((distance, thing)) = march(from, ray, 14.0) else {
        return room(ray);
    };
    let point = from + ray * distance;
    let bump = if thing == Thing::Apple { 0.0 } else { 0.0012 };
    let normal = normal_at(point, thing, textures, bump);
    let (paint, gloss, mirror) = textures.surface(thing, point, normal);
    let to_light = lamp - point;
    let reach = to_light.length();
    let light = to_light * (1.0 / reach);
    let facing = normal.dot(light).max(0.0);
    let lit = if facing > 0.0 {
        shadow(point + normal * 0.01, light, reach)
    } else {
        0.0
    };
    let open = occlusion(point, normal);
    let sky = 0.105 + 0.075 * normal.y;
    // The table throws warm light back at what stands on it.
    let bounce = 0.14 * (0.5 - 0.5 * normal.y) * expf(-1.2 * point.y.max(0.0));
    let strength = 52.0 / (reach * reach);
    let diffuse = paint.times(
        v(1.0, 0.94, 0.84) * (strength * facing * lit * 0.62)
            + v(0.80, 0.90, 1.08) * (sky * open)
            + v(1.0, 0.72, 0.48) * (bounce * open),
    );
    let half = (light - ray).unit();
    let shine =
        gloss.0 * powf(normal.dot(half).max(0.0), gloss.1) * lit * facing.min(1.0) * strength;
    let mut colour = diffuse + v(1.0, 0.97, 0.92) * shine;
    if mirror > 0.0 && depth < 2 {
        let facing_us = (-normal.dot(ray)).clamp(0.0, 1.0);
        let grazing = powf(1.0 - facing_us, 5.0);
        let share = mirror + (1.0 - mirror) * grazing * 0.6;
        let bounced = ray - normal * (2.0 * normal.dot(ray));
        let seen = radiance(textures, point + normal * 0.01, bounced, lamp, depth + 1);
        let tint = if thing == Thing::Ring {
            paint
        } else {
            v(1.0, 1.0, 1.0)
        };
        colour = colour * (1.0 - share) + seen.times(tint) * share;
    }
    colour
}

/// What mirrors see behind the camera: a dim room and the window with its bars.
fn room(ray: V) -> V {
    let facing = WINDOW.0.unit();
    let across = v(0.0, 1.0, 0.0).cross(facing).unit();
    let up = facing.cross(across);
    let depth = ray.dot(facing);
    let (x, y) = (ray.dot(across) / depth, ray.dot(up) / depth);
    let in_pane =
        depth > 0.0 && (0.025..0.27).contains(&fabsf(x)) && (0.025..0.33).contains(&fabsf(y));
    if in_pane {
        v(2.6, 2.6, 2.5)
    } else {
        v(0.13, 0.12, 0.11) + v(0.10, 0.11, 0.13) * ray.y.max(0.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    Table,
    Cloth,
    Wall,
    Apple,
    Stem,
    Vase,
    Ball,
    Die,
    Ring,
}

const APPLE: V = v(0.62, 0.42, -0.95);
const VASE: V = v(-0.62, 0.0, 0.45);
const BALL: V = v(0.98, 0.52, 0.35);
const DIE: V = v(-0.52, 0.27, -1.02);
const RING: V = v(0.02, 0.40, -0.18);

/// How far it is to the nearest surface, and whose it is.
fn nearest(p: V) -> (f32, Thing) {
    let mut best = (p.y, Thing::Table);
    let mut add = |distance: f32, thing: Thing| {
        if distance < best.0 {
            best = (distance, thing);
        }
    };
    add(2.3 - p.z, Thing::Wall);
    // The cloth lies turned on the table, its edge a little thick.
    let (cx, cz) = (
        0.93 * p.x + 0.37 * (p.z + 0.5),
        0.93 * (p.z + 0.5) - 0.37 * p.x,
    );
    add(
        rounded_box(v(cx - 0.12, p.y - 0.006, cz), v(1.35, 0.008, 0.95), 0.01),
        Thing::Cloth,
    );
    add(apple(p - APPLE), Thing::Apple);
    add(stem(p - APPLE), Thing::Stem);
    add(vase(p - VASE), Thing::Vase);
    add((p - BALL).length() - 0.5, Thing::Ball);
    add(
        rounded_box(die_frame(p), v(0.20, 0.20, 0.20), 0.06),
        Thing::Die,
    );
    let q = p - RING;
    // Leaning on the vase.
    let (y, z) = (0.90 * q.y - 0.436 * q.z, 0.90 * q.z + 0.436 * q.y);
    let around = sqrtf(q.x * q.x + y * y) - 0.31;
    add(sqrtf(around * around + z * z) - 0.085, Thing::Ring);
    best
}

fn rounded_box(p: V, half: V, radius: f32) -> f32 {
    let q = v(
        fabsf(p.x) - half.x,
        fabsf(p.y) - half.y,
        fabsf(p.z) - half.z,
    );
    q.map(|c| c.max(0.0)).length() + q.x.max(q.y).max(q.z).min(0.0) - radius
}

fn apple(p: V) -> f32 {
    let across = sqrtf(p.x * p.x + p.z * p.z);
    // A heart-shaped outline turned about its axis: dimples above and below.
    let angle = atan2f(across, p.y);
    let radius =
        0.43 - 0.15 * expf(-4.5 * angle * angle) - 0.06 * expf(-6.0 * (PI - angle) * (PI - angle))
            + 0.012 * sinf(angle * 2.0);
    0.75 * (p.length() - radius)
}

fn stem(p: V) -> f32 {
    let t = ((p.y - 0.22) / 0.36).clamp(0.0, 1.0);
    let q = p - v(0.10 * t * t, 0.22 + 0.36 * t, 0.02);
    q.length() - (0.016 + 0.012 * t * t)
}

fn vase(p: V) -> f32 {
    let across = sqrtf(p.x * p.x + p.z * p.z);
    let h = (p.y / 1.62).clamp(0.0, 1.0);
    // A foot, a belly, a neck and a lip.
    let profile = 0.26 + 0.31 * sinf(PI * powf(h, 0.80)) * (1.0 - 0.35 * h) - 0.09 * h
        + 0.13 * expf(-60.0 * (1.0 - h) * (1.0 - h))
        + 0.05 * expf(-400.0 * h * h);
    let wall = fabsf(across - profile + 0.03) - 0.03;
    let height = fabsf(p.y - 0.81) - 0.81;
    0.6 * if height > 0.0 {
        sqrtf(height * height + wall.max(0.0) * wall.max(0.0))
    } else {
        wall
    }
}

fn die_frame(p: V) -> V {
    let q = p - DIE;
    v(0.80 * q.x + 0.60 * q.z, q.y, 0.80 * q.z - 0.60 * q.x)
}

fn march(from: V, ray: V, far: f32) -> Option<(f32, Thing)> {
    let mut t = 0.0;
    for _ in 0..160 {
        let (step, thing) = nearest(from + ray * t);
        if step < 0.0006 * (1.0 + t) {
            return Some((t, thing));
        }
        t += step;
        if t > far {
            return None;
        }
    }
    None
}

/// 0 in full shadow, 1 in full light; the window's size makes the edge soft.
fn shadow(from: V, light: V, reach: f32) -> f32 {
    let mut t = 0.02;
    for _ in 0..70 {
        let step = nearest(from + light * t).0;
        if step < 0.001 {
            return 0.0;
        }
        t += step;
        if t >= reach {
            break;
        }
    }
    1.0
}

/// How open the sky is above a point, from how fast surfaces come nearer along the normal.
fn occlusion(point: V, normal: V) -> f32 {
    let mut hidden = 0.0;
    let mut weight = 1.0;
    for k in 1..=5 {
        let reach = 0.07 * k as f32;
        hidden += weight * (reach - nearest(point + normal * reach).0).max(0.0);
        weight *= 0.75;
    }
    (1.0 - 1.5 * hidden).clamp(0.12, 1.0)
}

fn normal_at(p: V, thing: Thing, textures: &Textures, bump: f32) -> V {
    let e = 0.0012;
    let height = |q: V| nearest(q).0 - bump * textures.relief(thing, q);
    let slope = |d: V| height(p + d * e) - height(p - d * e);
    v(
        slope(v(1.0, 0.0, 0.0)),
        slope(v(0.0, 1.0, 0.0)),
        slope(v(0.0, 0.0, 1.0)),
    )
    .unit()
}

struct Textures {
    grain: Noise,
    clouds: Noise,
    weave: Noise,
}

impl Textures {
    fn new(seed: u64) -> Self {
        let mut draw = Draw::new(seed, 0);
        Self {
            grain: Noise::new(&mut draw),
            clouds: Noise::new(&mut draw),
            weave: Noise::new(&mut draw),
        }
    }

    /// Small unevenness, 0 to 1, that catches the light.
    fn relief(&self, thing: Thing, p: V) -> f32 {
        match thing {
            Thing::Wall => 2.2 * self.clouds.clouds(1.3 * p.x, 1.3 * p.y),
            Thing::Cloth => 0.5 * (sinf(150.0 * p.x) + sinf(150.0 * p.z)),
            Thing::Table => self.grain.clouds(0.45 * p.x, 3.0 * p.z),
            _ => 0.0,
        }
    }

    /// Paint, gloss (strength and sharpness) and how much it mirrors.
    fn surface(&self, thing: Thing, p: V, normal: V) -> (V, (f32, f32), f32) {
        match thing {
            Thing::Table => {
                let plank = floorf((p.z + 10.0) / 0.62);
                let seam = fabsf((p.z + 10.0) / 0.62 - plank - 0.5);
                let shift = plank * 3.7;
                let warp = self.clouds.clouds(0.25 * p.x + shift, 0.5 * p.z);
                let rings = 0.5 + 0.5 * sinf(26.0 * (p.z + 0.55 * warp) + 7.0 * warp + shift);
                let fibre = self.grain.clouds(0.5 * p.x + shift, 5.0 * p.z);
                let tone = 0.55 * rings * rings + 0.45 * fibre;
                let wood = v(0.33, 0.17, 0.075) * (1.0 - tone) + v(0.62, 0.38, 0.19) * tone;
                let dark = if seam > 0.487 { 0.35 } else { 1.0 };
                (wood * dark, (0.16, 30.0), 0.03)
            }
            Thing::Cloth => {
                let (x, z) = (
                    0.93 * p.x + 0.37 * (p.z + 0.5),
                    0.93 * (p.z + 0.5) - 0.37 * p.x,
                );
                let odd = |s: f32| f32::from(floorf(s * 5.2 + 100.0) as i32 & 1 == 1);
                let both = odd(x) + odd(z);
                let thread = 0.90 + 0.16 * (self.weave.smooth(60.0 * x, 60.0 * z) - 0.5);
                let cloth =
                    v(0.86, 0.84, 0.79) * (1.0 - 0.5 * both) + v(0.60, 0.06, 0.07) * (0.5 * both);
                (cloth * thread, (0.0, 1.0), 0.0)
            }
            Thing::Wall => {
                let mottle = self.clouds.clouds(0.35 * p.x, 0.35 * p.y);
                let upper = v(0.36, 0.43, 0.41) * (0.80 + 0.4 * mottle);
                (upper, (0.0, 1.0), 0.0)
            }
            Thing::Apple => {
                let q = p - APPLE;
                let around = atan2f(q.z, q.x);
                let streak = self.grain.clouds(2.2 + around * 2.0, 0.35 * q.y);
                let top = expf(-9.0 * (q.x * q.x + q.z * q.z)) * f32::from(q.y > 0.0);
                let blush = (0.42 + 1.1 * streak - 0.55 * normal.x - 0.2 * normal.y - 0.8 * top)
                    .clamp(0.0, 1.0);
                let skin = v(0.66, 0.60, 0.12) * (1.0 - blush) + v(0.62, 0.035, 0.03) * blush;
                let freckle = if self.weave.smooth(around * 22.0, q.y * 40.0) > 0.93 {
                    1.25
                } else {
                    1.0
                };
                (skin * freckle, (0.55, 60.0), 0.04)
            }
            Thing::Stem => (v(0.16, 0.09, 0.04), (0.05, 10.0), 0.0),
            Thing::Vase => {
                let q = p - VASE;
                let around = atan2f(q.z, q.x) / TAU;
                let white = v(0.82, 0.80, 0.74);
                let blue = v(0.035, 0.09, 0.33);
                let turn = around * 18.0 - floorf(around * 18.0);
                let zigzag = 0.72 + 0.12 * fabsf(2.0 * turn - 1.0);
                let bands = [0.10, 0.30, 0.36, 1.06, 1.12, 1.40];
                let on_band = bands.iter().any(|b| fabsf(q.y - b) < 0.018);
                let on_zigzag = fabsf(q.y - zigzag) < 0.035 || fabsf(q.y - zigzag + 0.17) < 0.016;
                let dot_x = around * 24.0 - floorf(around * 24.0) - 0.5;
                let on_dots = dot_x * dot_x * 0.018 + (q.y - 1.26) * (q.y - 1.26) < 0.0011;
                let glaze = if on_band || on_zigzag || on_dots || q.y > 1.58 {
                    blue
                } else {
                    white
                };
                (
                    glaze * (0.94 + 0.12 * self.clouds.clouds(3.0 * around, q.y)),
                    (0.65, 90.0),
                    0.05,
                )
            }
            Thing::Ball => (v(0.015, 0.10, 0.16), (0.5, 300.0), 0.14),
            Thing::Die => (self.die(p), (0.45, 70.0), 0.04),
            Thing::Ring => (v(0.83, 0.58, 0.22), (0.8, 80.0), 0.55),
        }
    }

    fn die(&self, p: V) -> V {
        let q = die_frame(p) * (1.0 / 0.26);
        let (a, b, c) = (fabsf(q.x), fabsf(q.y), fabsf(q.z));
        // The face this point is on: its two coordinates and its number.
        let (s, t, pips): (f32, f32, &[(f32, f32)]) = if b > a && b > c {
            (
                q.x,
                q.z,
                &[
                    (-0.5, -0.5),
                    (0.5, 0.5),
                    (-0.5, 0.5),
                    (0.5, -0.5),
                    (0.0, 0.0),
                ],
            )
        } else if a > c {
            (q.y, q.z, &[(-0.5, -0.5), (0.5, 0.5), (0.0, 0.0)])
        } else {
            (
                q.x,
                q.y,
                &[
                    (-0.5, -0.5),
                    (0.5, 0.5),
                    (-0.5, 0.5),
                    (0.5, -0.5),
                    (-0.5, 0.0),
                    (0.5, 0.0),
                ],
            )
        };
        let on_pip = pips
            .iter()
            .any(|(x, y)| (s - x) * (s - x) + (t - y) * (t - y) < 0.032);
        if on_pip {
            v(0.03, 0.03, 0.035)
        } else {
            v(0.84, 0.81, 0.72)
        }
    }
}
