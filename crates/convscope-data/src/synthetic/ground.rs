//! Colours and textures: what Shapes' objects are painted with, and what lies behind them.

use crate::draw::Draw;
use libm::{cosf, floorf, sinf, sqrtf};
use std::f32::consts::{PI, TAU};

type Colour = [f32; 3];

/// A texture of two colours that fills the plane.
#[derive(Clone, Copy)]
enum Pattern {
    Plain,
    /// From one colour to the other across the image.
    Ramp,
    Stripes,
    Checks,
    Dots,
    /// Clouds of noise.
    Clouds,
    /// Stripes bent by noise, like grain in wood.
    Grain,
    /// Drifts with flakes over them.
    Snow,
}

struct Texture {
    pattern: Pattern,
    colours: [Colour; 2],
    /// Cosine and sine of its direction.
    along: (f32, f32),
    frequency: f32,
    phase: f32,
    noise: Noise,
}

impl Texture {
    fn new(pattern: Pattern, colours: [Colour; 2], frequency: f32, draw: &mut Draw) -> Self {
        let angle = draw.range(0.0, PI);
        Self {
            pattern,
            colours,
            along: (cosf(angle), sinf(angle)),
            frequency,
            phase: draw.unit(),
            noise: Noise::new(draw),
        }
    }

    fn colour(&self, u: f32, v: f32) -> Colour {
        let (cos, sin) = self.along;
        let (s, t) = (cos * u + sin * v, cos * v - sin * u);
        let waves =
            |s: f32| (0.5 + 1.2 * sinf(TAU * (s * self.frequency + self.phase))).clamp(0.0, 1.0);
        let mix = match self.pattern {
            Pattern::Plain => 0.25 * self.noise.clouds(u, v),
            Pattern::Ramp => (s * 0.7 + 0.15 + 0.15 * self.noise.clouds(u, v)).clamp(0.0, 1.0),
            Pattern::Stripes => waves(s),
            Pattern::Checks => {
                let odd = |s: f32| floorf(s * self.frequency + self.phase) as i32 & 1;
                if odd(s) ^ odd(t) == 1 { 1.0 } else { 0.0 }
            }
            Pattern::Dots => {
                let cell = |s: f32| {
                    let s = s * self.frequency + self.phase;
                    s - floorf(s) - 0.5
                };
                let (a, b) = (cell(s), cell(t));
                (4.0 - 12.0 * sqrtf(a * a + b * b)).clamp(0.0, 1.0)
            }
            Pattern::Clouds => ((self.noise.clouds(u, v) - 0.5) * 1.8 + 0.5).clamp(0.0, 1.0),
            Pattern::Grain => waves(s + 0.9 / self.frequency * self.noise.clouds(0.7 * u, 0.7 * v)),
            Pattern::Snow => {
                let drift = 0.75 * self.noise.clouds(u, 1.6 * v);
                let flake = self.noise.speck(u * 11.0, v * 11.0);
                (drift + flake).min(1.0)
            }
        };
        let [a, b] = self.colours;
        std::array::from_fn(|c| a[c] + mix * (b[c] - a[c]))
    }
}

/// What lies behind an object. Ordinary grounds are never as bright as snow.
pub(super) struct Ground(Texture);

impl Ground {
    pub(super) fn any(draw: &mut Draw) -> Self {
        use Pattern::{Checks, Clouds, Dots, Grain, Plain, Ramp, Stripes};
        let pattern = [Plain, Ramp, Stripes, Checks, Dots, Clouds, Clouds, Grain][draw.below(8)];
        let hue = draw.unit();
        let first = hsv(hue, draw.range(0.2, 0.75), draw.range(0.25, 0.72));
        let second = hsv(
            hue + 0.14 * draw.normal(),
            draw.range(0.2, 0.75),
            draw.range(0.25, 0.72),
        );
        let frequency = draw.range(2.5, 6.5);
        Self(Texture::new(pattern, [first, second], frequency, draw))
    }

    pub(super) fn snow(draw: &mut Draw) -> Self {
        let shade = [
            draw.range(0.68, 0.76),
            draw.range(0.76, 0.82),
            draw.range(0.88, 0.94),
        ];
        Self(Texture::new(
            Pattern::Snow,
            [shade, [0.98, 0.99, 1.0]],
            1.0,
            draw,
        ))
    }

    pub(super) fn colours(&self) -> [Colour; 2] {
        self.0.colours
    }

    pub(super) fn colour(&self, u: f32, v: f32) -> Colour {
        self.0.colour(u, v)
    }
}

/// What an object is painted with.
pub(super) struct Paint(Texture);

impl Paint {
    /// A paint that stands out from these colours.
    pub(super) fn apart_from(ground: [Colour; 2], draw: &mut Draw) -> Self {
        let far = |colour: Colour| {
            ground
                .iter()
                .map(|g| contrast(*g, colour))
                .fold(f32::MAX, f32::min)
        };
        let mut any = || hsv(draw.unit(), draw.range(0.5, 1.0), draw.range(0.4, 1.0));
        let mut best = any();
        for _ in 0..12 {
            if far(best) > 0.4 {
                break;
            }
            let other = any();
            if far(other) > far(best) {
                best = other;
            }
        }
        let darker = draw.range(0.55, 0.8);
        use Pattern::{Clouds, Dots, Plain, Stripes};
        let pattern = [Plain, Plain, Plain, Clouds, Stripes, Dots][draw.below(6)];
        let frequency = draw.range(1.6, 2.8);
        Self(Texture::new(
            pattern,
            [best, best.map(|c| c * darker)],
            frequency,
            draw,
        ))
    }

    pub(super) fn colour(&self, x: f32, y: f32) -> Colour {
        self.0.colour(x, y)
    }
}

/// How different two colours look: brightness counts more than hue.
fn contrast(a: Colour, b: Colour) -> f32 {
    let [r, g, b] = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    let brightness = 0.30 * r + 0.59 * g + 0.11 * b;
    sqrtf(2.0 * brightness * brightness + 0.4 * (r * r + g * g + b * b))
}

fn hsv(hue: f32, saturation: f32, value: f32) -> Colour {
    let hue = (hue - floorf(hue)) * 6.0;
    [5.0, 3.0, 1.0].map(|n: f32| {
        let k = (n + hue) % 6.0;
        value * (1.0 - saturation * k.min(4.0 - k).clamp(0.0, 1.0))
    })
}

/// Smooth noise that repeats after 16 cells.
pub(super) struct Noise {
    lattice: [f32; Noise::SIDE * Noise::SIDE],
}

impl Noise {
    const SIDE: usize = 16;

    pub(super) fn new(draw: &mut Draw) -> Self {
        Self {
            lattice: std::array::from_fn(|_| draw.unit()),
        }
    }

    fn corner(&self, x: i32, y: i32) -> f32 {
        let wrap = |v: i32| v.rem_euclid(Self::SIDE as i32) as usize;
        self.lattice[wrap(y) * Self::SIDE + wrap(x)]
    }

    pub(super) fn smooth(&self, x: f32, y: f32) -> f32 {
        let (x0, y0) = (floorf(x), floorf(y));
        let ease = |t: f32| t * t * (3.0 - 2.0 * t);
        let (tx, ty) = (ease(x - x0), ease(y - y0));
        let (i, j) = (x0 as i32, y0 as i32);
        let across = |j| self.corner(i, j) + tx * (self.corner(i + 1, j) - self.corner(i, j));
        let (top, bottom) = (across(j), across(j + 1));
        top + ty * (bottom - top)
    }

    /// Four octaves, 0 to 1.
    pub(super) fn clouds(&self, u: f32, v: f32) -> f32 {
        let (mut sum, mut weight, mut total) = (0.0, 1.0, 0.0);
        for octave in 0..4 {
            let scale = (3 << octave) as f32;
            sum += weight * self.smooth(u * scale + 5.3 * octave as f32, v * scale);
            total += weight;
            weight *= 0.55;
        }
        sum / total
    }

    /// A bright speck in some cells, near their middle.
    fn speck(&self, x: f32, y: f32) -> f32 {
        let (i, j) = (floorf(x), floorf(y));
        let corner = |dx, dy| self.corner(i as i32 + dx, j as i32 + dy);
        if corner(0, 0) < 0.62 {
            return 0.0;
        }
        let (dx, dy) = (
            x - i - 0.3 - 0.4 * corner(3, 5),
            y - j - 0.3 - 0.4 * corner(7, 2),
        );
        (1.8 - (5.0 + 4.0 * corner(1, 9)) * sqrtf(dx * dx + dy * dy)).clamp(0.0, 1.0)
    }
}
