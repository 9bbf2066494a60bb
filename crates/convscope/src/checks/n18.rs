//! The checks of notebook 18, A cortex in the first layer.

use crate::check::{About, Case, Exercise, Score};
use convscope_vis::Grating;
use ndarray::Array2;
use std::f64::consts::TAU;

pub(crate) const ALL: &[&About] = &[
    &GRATING,
    &SIMPLE,
    &MODULATION,
    &SELECTIVITY,
    &PREFERRED,
    &GABOR,
    &CYCLES,
    &COMPLEX,
];

static GRATING: About = About::new(
    "18-grating",
    "A grating",
    3.0,
    [
        "Measure x and y from the middle: x = column - (size - 1) / 2, y = row - (size - 1) / 2. Each \
         pixel is the cosine of 2 pi frequency (x sin o + y cos o) - phase.",
        "Angles: let o = orientation.to_radians(); and o.sin(), o.cos(). 2 pi is \
         2.0 * std::f64::consts::PI. Array2::from_shape_fn((size, size), |(row, column)| ...).",
    ],
);

fn wave(size: usize, degrees: f64, frequency: f64, phase: f64) -> Array2<f64> {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let middle = (size as f64 - 1.0) / 2.0;
    Array2::from_shape_fn((size, size), |(y, x)| {
        let (y, x) = (y as f64 - middle, x as f64 - middle);
        (TAU * frequency * (x * sin + y * cos) - phase).cos()
    })
}

fn corner(size: usize, degrees: f64, frequency: f64, phase: f64) -> Array2<f64> {
    let (sin, cos) = degrees.to_radians().sin_cos();
    Array2::from_shape_fn((size, size), |(y, x)| {
        (TAU * frequency * (x as f64 * sin + y as f64 * cos) - phase).cos()
    })
}

/// Checks `fn grating(size: usize, orientation: f64, frequency: f64, phase: f64) -> Array2<f64>`.
pub fn grating(
    student: impl Fn(usize, f64, f64, f64) -> Array2<f64> + Copy + Send + 'static,
) -> Score {
    let case =
        move |name: &str, size: usize, o: f64, f: f64, phase: f64| {
            let right = wave(size, o, f, phase);
            Case::new(name, move || student(size, o, f, phase), right)
            .mistake(
                "Turned by a quarter: x goes with the sine of the orientation, y with the cosine.",
                wave(size, 90.0 - o, f, phase),
            )
            .mistake("Measure x and y from the middle of the picture.", corner(size, o, f, phase))
            .mistake("A cycle is 2 pi, not 1: multiply the frequency by it.", {
                wave(size, o, f / TAU, phase)
            })
            .mistake("Take the phase away: minus, not plus.", wave(size, o, f, -phase))
            .mistake("Degrees must become radians.", {
                wave(size, o.to_degrees(), f, phase)
            })
            .mistake(
                "That is the sine. With the cosine, phase 0 has light in the middle.",
                wave(size, o, f, phase + TAU / 4.0),
            )
        };
    Exercise::new(&GRATING)
        .check(case("vertical bars", 7, 90.0, 0.125, 0.0))
        .check(case("horizontal bars", 8, 0.0, 0.25, 0.0))
        .check(case("slanted, with a phase", 9, 30.0, 0.1, 1.0))
        .property("light in the middle at phase 0", move || {
            let middle = student(9, 57.0, 0.2, 0.0)[[4, 4]];
            match (middle - 1.0).abs() < 1e-6 {
                true => Ok(()),
                false => Err(format!("expected 1, got {middle}")),
            }
        })
        .property("it is the library's", move || {
            let ours = Grating::new([11, 11], 40.0, 0.15).phase(0.7).picture();
            let yours = student(11, 40.0, 0.15, 0.7);
            if yours.dim() != (11, 11) {
                return Err(format!("expected 11 x 11 pixels, got {:?}", yours.dim()));
            }
            let off = yours.iter().zip(&ours);
            let off = off
                .map(|(a, b)| (a - f64::from(*b)).abs())
                .fold(0.0, f64::max);
            match off < 1e-4 {
                true => Ok(()),
                false => Err(format!("a pixel is {off:.3} off")),
            }
        })
        .run()
}

static SIMPLE: About = About::new(
    "18-simple",
    "A simple cell",
    1.0,
    [
        "Multiply the two pixel by pixel, and add up: (&filter * &patch).sum(). A cell cannot fire \
         less than not at all.",
        "(&filter * &patch).sum().max(0.0)",
    ],
);

/// Checks `fn simple_cell(filter: Array2<f64>, patch: Array2<f64>) -> f64`.
pub fn simple_cell(
    student: impl Fn(Array2<f64>, Array2<f64>) -> f64 + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, filter: Array2<f64>, patch: Array2<f64>| {
        let sum = (&filter * &patch).sum();
        let n = filter.len() as f64;
        Case::new(
            name,
            move || student(filter.clone(), patch.clone()),
            sum.max(0.0),
        )
        .mistake(
            "A cell cannot fire less than not at all: no less than 0.",
            sum,
        )
        .mistake("The sum, not the mean.", (sum / n).max(0.0))
        .mistake("Cut off below 0, do not take the size.", sum.abs())
    };
    Exercise::new(&SIMPLE)
        .check(case(
            "an edge it likes",
            ndarray::array![[-1.0, 1.0], [-1.0, 1.0]],
            ndarray::array![[0.0, 1.0], [0.25, 1.0]],
        ))
        .check(case(
            "the same edge turned around",
            ndarray::array![[-1.0, 1.0], [-1.0, 1.0]],
            ndarray::array![[1.0, 0.0], [1.0, 0.5]],
        ))
        .seeded(3, 1801, move |draw| {
            let mut numbers = || draw.array2(3, 3).mapv(f64::from);
            let (filter, patch) = (numbers(), numbers());
            case("nine drawn pixels", filter, patch)
        })
        .run()
}

static MODULATION: About = About::new(
    "18-modulation",
    "Modulation",
    3.0,
    [
        "With n responses, number i belongs to the angle a = 2 pi i / n. Add up r cos a, and r sin a; \
         the modulation is 2 / n times the length of the two sums.",
        "(c * c + s * s).sqrt() * 2.0 / n as f64, with c and s the two sums over i.",
    ],
);

fn turned(responses: &[f64]) -> (f64, f64) {
    let n = responses.len() as f64;
    let all = responses.iter().enumerate();
    all.fold((0.0, 0.0), |(c, s), (i, r)| {
        let a = TAU * i as f64 / n;
        (c + r * a.cos(), s + r * a.sin())
    })
}

/// Checks `fn modulation(responses: Vec<f64>) -> f64`.
pub fn modulation(student: impl Fn(Vec<f64>) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: &str, responses: Vec<f64>| {
        let n = responses.len() as f64;
        let (c, s) = turned(&responses);
        let right = 2.0 / n * c.hypot(s);
        let mean = responses.iter().sum::<f64>() / n;
        Case::new(name, move || student(responses.clone()), right)
            .mistake(
                "Multiply by 2 / n: the amplitude of a wave is wanted.",
                c.hypot(s),
            )
            .mistake("The factor is 2 / n, not 1 / n.", right / 2.0)
            .mistake(
                "That is the mean. It says nothing about how much goes up and down.",
                mean,
            )
            .mistake(
                "Take the root: the length of the two sums.",
                2.0 / n * (c * c + s * s),
            )
            .mistake(
                "Both sums count, that of the cosine and that of the sine.",
                2.0 / n * c.abs(),
            )
    };
    let waves = |n: usize, mean: f64, size: f64, phase: f64| -> Vec<f64> {
        (0..n)
            .map(|i| mean + size * (TAU * i as f64 / n as f64 - phase).cos())
            .collect()
    };
    Exercise::new(&MODULATION)
        .check(case("a wave of amplitude 3", waves(8, 0.0, 3.0, 0.0)))
        .check(case(
            "a wave of amplitude 2 around 5, late",
            waves(8, 5.0, 2.0, 1.0),
        ))
        .check(case("the same answer to every phase", vec![4.0; 8]))
        .check(case(
            "half a wave, as after a ReLU",
            vec![0.0, 1.0, 1.5, 1.0, 0.0, 0.0, 0.0, 0.0],
        ))
        .run()
}

static SELECTIVITY: About = About::new(
    "18-selectivity",
    "Orientation selectivity",
    2.0,
    [
        "Find where the curve is largest. The orientation at right angles to it is half the list \
         further on, and the list is closed: after the last comes the first again.",
        "With n = curve.len() and the best at b: orthogonal = curve[(b + n / 2) % n], and \
         (best - orthogonal) / (best + orthogonal).",
    ],
);

/// Checks `fn selectivity(curve: Vec<f64>) -> f64`.
pub fn selectivity(student: impl Fn(Vec<f64>) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: &str, curve: Vec<f64>| {
        let n = curve.len();
        let b = (0..n).fold(0, |b, i| if curve[i] > curve[b] { i } else { b });
        let (best, least) = (
            curve[b],
            curve.iter().copied().fold(f64::INFINITY, f64::min),
        );
        let orthogonal = curve[(b + n / 2) % n];
        let share = |o: f64| (best - o) / (best + o);
        let opposite = curve[(b + n / 4) % n];
        Case::new(name, move || student(curve.clone()), share(orthogonal))
            .mistake(
                "That is the smallest response. Take the one at right angles to the best.",
                share(least),
            )
            .mistake("Divide by the sum of the two.", (best - orthogonal) / best)
            .mistake("Divide by the sum of the two.", best - orthogonal)
            .mistake(
                "The whole list is half a turn, so a right angle is half of it.",
                share(opposite),
            )
    };
    Exercise::new(&SELECTIVITY)
        .check(case(
            "one orientation alone",
            vec![0.0, 0.0, 5.0, 0.0, 0.0, 0.0],
        ))
        .check(case("no preference", vec![2.0; 6]))
        .check(case(
            "three to one, the best at the end",
            vec![3.0, 2.0, 0.5, 3.0, 2.0, 3.0, 4.0, 6.0, 9.0, 3.5],
        ))
        .check(case("a bell", vec![1.0, 2.0, 6.0, 2.0, 1.0, 0.5, 2.0, 1.0]))
        .run()
}

static PREFERRED: About = About::new(
    "18-preferred",
    "The preferred orientation",
    3.0,
    [
        "Give each response an arrow of its length at twice its orientation, add the arrows up, and \
         halve the angle of the sum.",
        "c += r * (2.0 * a).cos(); s += r * (2.0 * a).sin(); with a in radians; then \
         s.atan2(c).to_degrees() / 2.0, and 180 more where that is below 0: .rem_euclid(180.0).",
    ],
);

fn arrows(degrees: &[f64], curve: &[f64], times: f64) -> f64 {
    let both = degrees.iter().zip(curve);
    let (c, s) = both.fold((0.0, 0.0), |(c, s), (d, r)| {
        let a = times * d.to_radians();
        (c + r * a.cos(), s + r * a.sin())
    });
    s.atan2(c).to_degrees() / times
}

/// Checks `fn preferred(orientations: Vec<f64>, curve: Vec<f64>) -> f64`.
pub fn preferred(student: impl Fn(Vec<f64>, Vec<f64>) -> f64 + Copy + Send + 'static) -> Score {
    let bell = |middle: f64| -> (Vec<f64>, Vec<f64>) {
        let degrees: Vec<f64> = (0..18).map(|i| 10.0 * f64::from(i)).collect();
        let curve = degrees
            .iter()
            .map(|d| (2.0 * (d - middle).to_radians().cos().powi(2)).exp());
        let curve = curve.collect();
        (degrees, curve)
    };
    let case = move |name: &str, middle: f64| {
        let (degrees, curve) = bell(middle);
        let right = arrows(&degrees, &curve, 2.0).rem_euclid(180.0);
        let single = arrows(&degrees, &curve, 1.0);
        let open = arrows(&degrees, &curve, 2.0);
        let twice = (2.0 * open).rem_euclid(360.0);
        let sum: f64 = curve.iter().sum();
        let mean = degrees.iter().zip(&curve).map(|(d, r)| d * r).sum::<f64>() / sum;
        let best = (0..curve.len()).fold(0, |b, i| if curve[i] > curve[b] { i } else { b });
        let best = degrees[best];
        Case::new(name, move || student(degrees.clone(), curve.clone()), right)
            .tolerance(1e-3, 1e-4)
            .mistake(
                "0 and 180 degrees are the same orientation. Arrows at twice the angle know that.",
                single,
            )
            .mistake("Halve the angle at the end.", twice)
            .mistake("An orientation lies from 0 to 180: add 180 where it is below 0.", open)
            .mistake(
                "That is the mean of the numbers: between 170 and 10 it would lie at 90. Use arrows.",
                mean,
            )
            .mistake("That is the best of those asked; the arrows find it between them.", best)
    };
    Exercise::new(&PREFERRED)
        .check(case("a bell around 60", 60.0))
        .check(case(
            "a bell around 87.5, between two that were asked",
            87.5,
        ))
        .check(case("a bell around 175, beyond the end", 175.0))
        .check(case("a bell around 3", 3.0))
        .run()
}

static GABOR: About = About::new(
    "18-gabor",
    "A Gabor function",
    3.0,
    [
        "It is your grating times a bell: exp(-(x x + y y) / (2 sigma sigma)), x and y from the \
         middle. Make both, and multiply pixel by pixel.",
        "let bell = Array2::from_shape_fn((size, size), |(row, column)| ...); and then \
         grating(size, orientation, frequency, phase) * bell.",
    ],
);

fn bell(size: usize, sigma: f64, two: f64) -> Array2<f64> {
    let middle = (size as f64 - 1.0) / 2.0;
    Array2::from_shape_fn((size, size), |(y, x)| {
        let (y, x) = (y as f64 - middle, x as f64 - middle);
        (-(x * x + y * y) / (two * sigma * sigma)).exp()
    })
}

/// Checks `fn gabor(size: usize, orientation: f64, frequency: f64, phase: f64, sigma: f64) ->
/// Array2<f64>`.
pub fn gabor(
    student: impl Fn(usize, f64, f64, f64, f64) -> Array2<f64> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, size: usize, o: f64, f: f64, phase: f64, sigma: f64| {
        let carrier = wave(size, o, f, phase);
        Case::new(
            name,
            move || student(size, o, f, phase, sigma),
            &carrier * &bell(size, sigma, 2.0),
        )
        .mistake("That is the grating without its bell.", carrier.clone())
        .mistake(
            "That is the bell without the grating.",
            bell(size, sigma, 2.0),
        )
        .mistake(
            "The bell's exponent is divided by 2 sigma sigma.",
            &carrier * &bell(size, sigma, 1.0),
        )
        .mistake(
            "Multiply the two; do not add them.",
            &carrier + &bell(size, sigma, 2.0),
        )
    };
    Exercise::new(&GABOR)
        .check(case("light in the middle", 7, 90.0, 0.2, 0.0, 1.5))
        .check(case("an edge", 7, 30.0, 0.15, TAU / 4.0, 2.0))
        .check(case("larger", 15, 120.0, 0.1, 0.5, 3.0))
        .run()
}

static CYCLES: About = About::new(
    "18-cycles",
    "How much of a wave",
    1.0,
    [
        "A grating of 0.1 cycles per pixel has a tenth of a cycle in each pixel. How many pixels wide \
         is the window?",
        "0.1 times 7, and 0.1 times 3.",
    ],
);

/// Checks the cycles of a 0.1 grating in windows of 7 and of 3 pixels.
pub fn cycles(student: impl Fn() -> [f64; 2] + Copy + Send + 'static) -> Score {
    Exercise::new(&CYCLES)
        .tolerance(0.005, 0.0)
        .check(
            Case::new("7 pixels wide", move || student()[0], 0.7)
                .mistake("That is how many windows make a cycle.", 1.0 / 0.7)
                .mistake("Seven pixels are wider than that: 0.1 for each.", 0.1)
                .mistake("The width counts, not the area.", 4.9),
        )
        .check(
            Case::new("3 pixels wide", move || student()[1], 0.3)
                .mistake("That is how many windows make a cycle.", 1.0 / 0.3)
                .mistake("The width counts, not the area.", 0.9),
        )
        .run()
}

static COMPLEX: About = About::new(
    "18-complex",
    "A complex cell",
    2.0,
    [
        "Square both responses, and add: what the phase takes from one it gives to the other.",
        "even * even + odd * odd",
    ],
);

/// Checks `fn complex_cell(even: f64, odd: f64) -> f64`.
pub fn complex_cell(student: impl Fn(f64, f64) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: &str, even: f64, odd: f64| {
        Case::new(name, move || student(even, odd), even * even + odd * odd)
            .mistake("Square each before you add.", even + odd)
            .mistake("First square, then add.", (even + odd) * (even + odd))
            .mistake("Square and add is enough: no root here.", even.hypot(odd))
            .mistake("Squares, not sizes.", even.abs() + odd.abs())
    };
    Exercise::new(&COMPLEX)
        .check(case("3 and 4", 3.0, 4.0))
        .check(case("-2 and 1", -2.0, 1.0))
        .property("it does not mind the phase", move || {
            let answers: Vec<f64> = (0..8)
                .map(|i| {
                    let a = TAU * f64::from(i) / 8.0;
                    student(2.0 * a.cos(), 2.0 * a.sin())
                })
                .collect();
            match answers.iter().all(|v| (v - 4.0).abs() < 1e-9) {
                true => Ok(()),
                false => Err(format!(
                    "over the phases of a wave of amplitude 2: {answers:.2?}"
                )),
            }
        })
        .run()
}

#[cfg(test)]
#[path = "n18_tests.rs"]
mod tests;
