//! The checks of notebook 15, Dreams and inversions.

use crate::check::{About, Case, Exercise, Score};
use convscope_nn::Tensor;
use ndarray::{Array2, array};

pub(crate) const ALL: &[&About] = &[
    &PULL, &STEP, &OCTAVES, &WORK, &DETAIL, &LOSS, &PATCHES, &ALPHA, &VARIATION, &RAMP,
];

static PULL: About = About::new(
    "15-pull",
    "Who is pulled how much",
    1.0,
    [
        "The derivative of a²/2 with respect to a: bring the exponent down, and the 2 goes.",
        "It is a itself. So the three numbers are the three activations.",
    ],
);

/// Checks the derivatives of half the squares of the activations 6, 0.5 and 0.
pub fn pull(student: impl Fn() -> [f64; 3] + Copy + Send + 'static) -> Score {
    let half = "That is a²/2 itself. Its derivative is wanted.";
    let twice = "That is the derivative of a². There is a half in front.";
    Exercise::new(&PULL)
        .check(
            Case::new("activation 6", move || student()[0], 6.0)
                .mistake(half, 18.0)
                .mistake(twice, 12.0),
        )
        .check(
            Case::new("activation 0.5", move || student()[1], 0.5)
                .mistake(half, 0.125)
                .mistake(twice, 1.0),
        )
        .check(
            Case::new("activation 0", move || student()[2], 0.0)
                .mistake("What is not there at all is not made stronger.", 1.0),
        )
        .run()
}

static STEP: About = About::new(
    "15-step",
    "A step of the dream",
    3.0,
    [
        "The typical size is the mean of the absolute values this time: gradient.mapv(|g| g.abs()), \
         then the mean. Do not let it fall below 1e-6.",
        "let size = gradient.mapv(|g| g.abs()).mean().unwrap().max(1e-6); then image + gradient * \
         (rate / size).",
    ],
);

/// The image after a step whose length is found from the absolute values and the squares.
fn stepped(
    image: &Tensor,
    gradient: &Tensor,
    rate: f32,
    factor: impl Fn(f32, f32, f32) -> f32,
) -> Tensor {
    let n = gradient.len() as f32;
    let sizes: f32 = gradient.iter().map(|g| g.abs()).sum();
    let squares: f32 = gradient.iter().map(|g| g * g).sum();
    image + gradient * (rate * factor(sizes, squares, n))
}

/// Checks `fn dream_step(image: Tensor, gradient: Tensor, rate: f32) -> Tensor`.
pub fn step(student: impl Fn(Tensor, Tensor, f32) -> Tensor + Copy + Send + 'static) -> Score {
    let case = move |name: &str, image: Tensor, gradient: Tensor, rate: f32| {
        let with = |factor: fn(f32, f32, f32) -> f32| stepped(&image, &gradient, rate, factor);
        let right = with(|a, _, n| 1.0 / (a / n).max(1e-6));
        let largest = gradient.iter().fold(0.0_f32, |m, g| m.max(g.abs()));
        let (down, plain, root, sum) = (
            with(|a, _, n| -1.0 / (a / n).max(1e-6)),
            with(|_, _, _| 1.0),
            with(|_, s, n| 1.0 / ((s / n).sqrt() + 1e-5)),
            with(|a, _, _| 1.0 / a),
        );
        let signed = stepped(&image, &gradient, rate, |_, _, n| {
            1.0 / (gradient.iter().sum::<f32>() / n).max(1e-6)
        });
        let by_largest = stepped(&image, &gradient, rate, |_, _, _| 1.0 / largest);
        let alone = &right - &image;
        Case::new(
            name,
            move || student(image.clone(), gradient.clone(), rate),
            right,
        )
        .tolerance(1e-5, 1e-4)
        .mistake(
            "That goes downhill: add the gradient, do not subtract it.",
            down,
        )
        .mistake(
            "The gradient is not normalised: divide it by its typical size.",
            plain,
        )
        .mistake(
            "That divides by the root mean square, as notebook 14 did. Here it is the mean of the \
             absolute values.",
            root,
        )
        .mistake(
            "That divides by the sum of the absolute values. Take the mean.",
            sum,
        )
        .mistake(
            "That divides by the mean with signs, in which up and down cancel. Take absolute \
             values first.",
            signed,
        )
        .mistake(
            "That divides by the largest value. Take the mean.",
            by_largest,
        )
        .mistake("That is the step alone: add it to the image.", alone)
    };
    let small = |values: &[f32]| {
        Tensor::from_shape_vec(vec![1, 1, 2, 2], values.to_vec()).expect("four values")
    };
    Exercise::new(&STEP)
        .check(case(
            "gradient 3, -1, 1, -7 (mean size 3)",
            small(&[0.0, 0.5, 1.0, -1.0]),
            small(&[3.0, -1.0, 1.0, -7.0]),
            0.1,
        ))
        .check(case(
            "a gradient a thousand times smaller makes the same step",
            small(&[0.0, 0.5, 1.0, -1.0]),
            small(&[0.003, -0.001, 0.001, -0.007]),
            0.1,
        ))
        .property("a gradient of zero leaves the image as it is", move || {
            let image = Tensor::from_elem(vec![1, 3, 2, 2], 0.25);
            let after = student(image.clone(), Tensor::zeros(vec![1, 3, 2, 2]), 1.0);
            match after {
                after if after == image => Ok(()),
                after if after.iter().any(|v| v.is_nan()) => {
                    Err("the image is NaN: 0 / 0. Divide by at least 1e-6, with .max(1e-6)".into())
                }
                _ => Err("the image has changed".into()),
            }
        })
        .seeded(2, 1501, move |draw| {
            let (image, gradient) = (draw.tensor(&[1, 3, 4, 5]), draw.tensor(&[1, 3, 4, 5]));
            case("drawn numbers", image, gradient, 0.5)
        })
        .run()
}

static OCTAVES: About = About::new(
    "15-octaves",
    "Octave sizes",
    2.0,
    [
        "Octave number i below the last has side / scale to the power i, rounded down. Go from the \
         largest i down to 0.",
        "for i in (0..octaves).rev() { sizes.push((side as f64 / scale.powi(i as i32)) as usize); }",
    ],
);

fn sizes(octaves: usize, each: impl Fn(i32) -> f64) -> Vec<usize> {
    let powers = (0..octaves as i32).rev();
    powers.map(|i| each(i) as usize).collect()
}

/// Checks `fn octave_sizes(side: usize, octaves: usize, scale: f64) -> Vec<usize>`.
pub fn octaves(student: impl Fn(usize, usize, f64) -> Vec<usize> + Copy + Send + 'static) -> Score {
    let case =
        move |name: &str, side: usize, octaves: usize, scale: f64| {
            let whole = side as f64;
            let right = sizes(octaves, |i| whole / scale.powi(i));
            let backwards: Vec<usize> = right.iter().rev().copied().collect();
            let rounded = sizes(octaves, |i| (whole / scale.powi(i)).round());
            let without = sizes(octaves, |i| whole / scale.powi(i + 1));
            let growing = sizes(octaves, |i| whole * scale.powi(octaves as i32 - 1 - i));
            let divided = sizes(octaves, |i| whole / (scale * f64::from(i)).max(1.0));
            let mut stepwise = vec![side];
            while stepwise.len() < octaves {
                let last = stepwise[0] as f64;
                stepwise.insert(0, (last / scale) as usize);
            }
            Case::new(name, move || student(side, octaves, scale), right)
            .mistake(
                "The smallest comes first, the image's own side last.",
                backwards,
            )
            .mistake("Round down: `as usize` does.", rounded)
            .mistake("The last octave has the image's own side.", without)
            .mistake(
                "The sizes shrink from the image's own side; they do not grow beyond it.",
                growing,
            )
            .mistake("Divide by scale to the power i, not by scale times i.", divided)
            .mistake(
                "Rounding at every step adds up. Divide the image's side by a power of the scale.",
                stepwise,
            )
        };
    Exercise::new(&OCTAVES)
        .check(case("224 pixels, 4 octaves, scale 1.4", 224, 4, 1.4))
        .check(case("640 pixels, 3 octaves, scale 2", 640, 3, 2.0))
        .check(case("one octave is the image itself", 99, 1, 1.4))
        .check(case("333 pixels, 5 octaves, scale 1.3", 333, 5, 1.3))
        .run()
}

static WORK: About = About::new(
    "15-work",
    "What octaves cost",
    1.0,
    [
        "An image whose sides are divided by 1.4 has 1 / 1.96 of the pixels. Add up four such \
         shares, beginning with 1.",
        "1 + 1/1.96 + 1/1.96² + 1/1.96³.",
    ],
);

/// Checks how much four octaves cost beside the last alone.
pub fn work(student: impl Fn() -> f64 + Copy + Send + 'static) -> Score {
    let shares = |by: f64| (0..4).map(|i| by.powi(-i)).sum::<f64>();
    let (right, sides) = (shares(1.96), shares(1.4));
    Exercise::new(&WORK)
        .check(
            Case::new("four octaves of scale 1.4", student, right)
                .tolerance(0.01, 0.0)
                .mistake(
                    "That adds up the sides. A network's work goes with the number of pixels, that \
                     is with the area.",
                    sides,
                )
                .mistake("The smaller octaves have fewer pixels.", 4.0)
                .mistake("The last octave counts too: add its 1.", right - 1.0),
        )
        .property(
            "more than one octave, and less than two of them",
            move || match student() {
                v if v > 1.0 && v < 2.0 => Ok(()),
                v => Err(format!(
                    "{v} times the work of the largest alone: expected something from 1 to 2"
                )),
            },
        )
        .run()
}

static DETAIL: About = About::new(
    "15-detail",
    "Putting back what was lost",
    3.0,
    [
        "What the photo lost is photo - doubled(halved(photo)). The next octave begins with the \
         dream, doubled, plus that.",
        "let lost = photo.clone() - doubled(halved(photo)); then doubled(dreamt) + lost.",
    ],
);

/// Means of squares of four pixels.
fn halved(image: &Array2<f32>) -> Array2<f32> {
    let (h, w) = (image.nrows() / 2, image.ncols() / 2);
    Array2::from_shape_fn((h, w), |(y, x)| {
        let four = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(b, a)| image[[2 * y + b, 2 * x + a]]);
        four.iter().sum::<f32>() / 4.0
    })
}

/// Every pixel four times.
fn doubled(image: &Array2<f32>) -> Array2<f32> {
    let size = (2 * image.nrows(), 2 * image.ncols());
    Array2::from_shape_fn(size, |(y, x)| image[[y / 2, x / 2]])
}

/// Checks `fn next_octave(dreamt: Array2<f32>, photo: Array2<f32>) -> Array2<f32>`.
pub fn detail(
    student: impl Fn(Array2<f32>, Array2<f32>) -> Array2<f32> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, dreamt: Array2<f32>, photo: Array2<f32>| {
        let (large, smooth) = (doubled(&dreamt), doubled(&halved(&photo)));
        let lost = &photo - &smooth;
        let right = &large + &lost;
        let both = &large + &photo;
        let negative = &large - &lost;
        let (blurred, photo_alone) = (large.clone(), photo.clone());
        Case::new(name, move || student(dreamt.clone(), photo.clone()), right)
            .mistake(
                "That is the dream made larger. The photo's lost detail is missing.",
                blurred,
            )
            .mistake("That adds the whole photo. Add only what it lost.", both)
            .mistake("The lost detail is to be added, not taken away.", negative)
            .mistake(
                "That is the lost detail alone: add it to the larger dream.",
                lost,
            )
            .mistake("The dream is gone: that is the photo.", photo_alone)
    };
    let four = || array![[0.0, 1.0], [0.5, 0.25]];
    Exercise::new(&DETAIL)
        .check(case(
            "nothing dreamt yet: the photo comes back as it was",
            halved(&four()),
            four(),
        ))
        .check(case(
            "a plain photo has lost nothing",
            array![[1.0, 2.0]],
            Array2::from_elem((2, 4), 0.5),
        ))
        .seeded(2, 1502, move |draw| {
            let (h, w) = (draw.integer(1..=3), draw.integer(1..=3));
            case(
                &format!("{}x{} drawn numbers", 2 * h, 2 * w),
                draw.array2(h, w),
                draw.array2(2 * h, 2 * w),
            )
        })
        .run()
}

static LOSS: About = About::new(
    "15-loss",
    "The normalised loss",
    2.0,
    [
        "Two sums: the squares of the differences, and the squares of the wanted code. Divide the \
         first by the second.",
        "for (c, w) in code.iter().zip(&wanted) { apart += (c - w).powi(2); size += w * w; } and \
         then apart / size.",
    ],
);

/// Checks `fn loss(code: Vec<f64>, wanted: Vec<f64>) -> f64`.
pub fn loss(student: impl Fn(Vec<f64>, Vec<f64>) -> f64 + Copy + Send + 'static) -> Score {
    let case =
        move |name: &str, code: Vec<f64>, wanted: Vec<f64>| {
            let pairs = || code.iter().zip(&wanted);
            let apart: f64 = pairs().map(|(c, w)| (c - w) * (c - w)).sum();
            let size: f64 = wanted.iter().map(|w| w * w).sum();
            let own: f64 = code.iter().map(|c| c * c).sum();
            let (absolute, lengths): (f64, f64) = (
                pairs().map(|(c, w)| (c - w).abs()).sum(),
                wanted.iter().map(|w| w.abs()).sum(),
            );
            let count = code.len() as f64;
            Case::new(
            name,
            move || student(code.clone(), wanted.clone()),
            apart / size,
        )
        .mistake("Divide by the squared length of the wanted code.", apart)
        .mistake(
            "That is the mean squared difference. Divide by the wanted code's squared length.",
            apart / count,
        )
        .mistake(
            "That divides by the squared length of the code that is there. Take the wanted one's.",
            apart / own,
        )
        .mistake("No roots here: squares over squares.", (apart / size).sqrt())
        .mistake(
            "Square the differences, and square the numbers of the wanted code.",
            absolute / lengths,
        )
        };
    Exercise::new(&LOSS)
        .check(case("the code is met", vec![1.0, 2.0], vec![1.0, 2.0]))
        .check(case(
            "a code of zeros has loss 1",
            vec![0.0; 3],
            vec![3.0, -4.0, 1.0],
        ))
        .check(case(
            "[1, 5] where [3, 4] is wanted",
            vec![1.0, 5.0],
            vec![3.0, 4.0],
        ))
        .seeded(2, 1503, move |draw| {
            let five = |draw: &mut crate::check::Draw| {
                (0..5).map(|_| draw.number(-2.0..=2.0)).collect::<Vec<_>>()
            };
            case("drawn codes", five(draw), five(draw))
        })
        .run()
}

static ALPHA: About = About::new(
    "15-alpha",
    "The alpha-norm",
    2.0,
    [
        "For each pixel: absolute value, divided by half, to the power 6. Then the mean of these.",
        "image.iter().map(|x| (x.abs() / half).powi(6)).sum::<f64>() / image.len() as f64",
    ],
);

/// Checks `fn alpha_norm(image: Vec<f64>, half: f64) -> f64`.
pub fn alpha(student: impl Fn(Vec<f64>, f64) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: &str, image: Vec<f64>, half: f64| {
        let mean = |each: &dyn Fn(f64) -> f64| {
            image.iter().map(|&x| each(x)).sum::<f64>() / image.len() as f64
        };
        let right = mean(&|x| (x.abs() / half).powi(6));
        let square = mean(&|x| (x / half).powi(2));
        let undivided = mean(&|x| x.powi(6));
        let late = mean(&|x| x.powi(6) / half);
        let sum = right * image.len() as f64;
        let root = right.powf(1.0 / 6.0);
        Case::new(name, move || student(image.clone(), half), right)
            .mistake("That has the exponent 2. Here it is 6.", square)
            .mistake("Divide each pixel by half first.", undivided)
            .mistake(
                "Divide before the power is taken: the whole quotient is raised to it.",
                late,
            )
            .mistake("That is the sum. Divide by the number of pixels.", sum)
            .mistake("No root is taken at the end.", root)
    };
    Exercise::new(&ALPHA)
        .check(case(
            "black and white cost 1 each",
            vec![-2.0, 2.0, 2.0],
            2.0,
        ))
        .check(case(
            "one pixel twice too bright",
            vec![0.0, 4.0, 0.0, 0.0],
            2.0,
        ))
        .seeded(2, 1504, move |draw| {
            let image = (0..6).map(|_| draw.number(-2.0..=2.0)).collect();
            case("drawn pixels, half 1.5", image, 1.5)
        })
        .run()
}

static VARIATION: About = About::new(
    "15-variation",
    "Total variation with beta",
    3.0,
    [
        "For each pixel the two differences, 0 where there is no neighbour; their squares added; \
         that to the power beta / 2; all of them added up.",
        "total += (down * down + right * right).powf(beta / 2.0); inside of the loop.",
    ],
);

fn varied(image: &Array2<f64>, each: impl Fn(f64, f64) -> f64) -> f64 {
    let (h, w) = image.dim();
    let mut total = 0.0;
    for ((y, x), &v) in image.indexed_iter() {
        let down = if y + 1 < h {
            image[[y + 1, x]] - v
        } else {
            0.0
        };
        let right = if x + 1 < w {
            image[[y, x + 1]] - v
        } else {
            0.0
        };
        total += each(down, right);
    }
    total
}

/// Checks `fn variation(image: Array2<f64>, beta: f64) -> f64`.
pub fn variation(student: impl Fn(Array2<f64>, f64) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: &str, image: Array2<f64>, beta: f64| {
        let right = varied(&image, |d, r| (d * d + r * r).powf(beta / 2.0));
        let whole = varied(&image, |d, r| (d * d + r * r).powf(beta));
        let fixed = varied(&image, |d, r| d * d + r * r);
        let apart = varied(&image, |d, r| d.abs().powf(beta) + r.abs().powf(beta));
        let late = fixed.powf(beta / 2.0);
        let down = varied(&image, |d, _| d.abs().powf(beta));
        let across = varied(&image, |_, r| r.abs().powf(beta));
        Case::new(name, move || student(image.clone(), beta), right)
            .mistake(
                "Raise to the power beta / 2: the squares are squares already.",
                whole,
            )
            .mistake(
                "Beta has no effect: raise each pixel's sum to beta / 2.",
                fixed,
            )
            .mistake(
                "Add the two squares first, then raise the sum to the power beta / 2.",
                apart,
            )
            .mistake(
                "Take the power for each pixel, and add up afterwards.",
                late,
            )
            .mistake("The differences to the right are missing.", down)
            .mistake("The differences to the pixel below are missing.", across)
    };
    let three = || array![[0.0, 3.0, 3.0], [4.0, 1.0, 0.0], [4.0, 2.0, 5.0]];
    Exercise::new(&VARIATION)
        .check(case(
            "a plain grey has none",
            Array2::from_elem((3, 4), 0.5),
            1.0,
        ))
        .check(case("nine pixels, beta 1", three(), 1.0))
        .check(case("the same, beta 2", three(), 2.0))
        .seeded(2, 1505, move |draw| {
            let (h, w) = (draw.integer(2..=4), draw.integer(3..=5));
            let image = draw.array2(h, w).mapv(f64::from);
            case(&format!("{h}x{w} drawn numbers, beta 3"), image, 3.0)
        })
        .run()
}

static RAMP: About = About::new(
    "15-ramp",
    "An edge or a ramp",
    1.0,
    [
        "Four steps of 1/4 each: what does a step of 1/4 cost for beta 2, and what for beta 1?",
        "4 times (1/4)², and 4 times 1/4.",
    ],
);

/// Checks what a ramp of four steps costs, for beta 2 and for beta 1.
pub fn ramp(student: impl Fn() -> [f64; 2] + Copy + Send + 'static) -> Score {
    Exercise::new(&RAMP)
        .check(
            Case::new("beta 2", move || student()[0], 0.25)
                .mistake("That is one of the four steps.", 0.0625)
                .mistake("Square each step: it is smaller than 1.", 1.0),
        )
        .check(
            Case::new("beta 1", move || student()[1], 1.0)
                .mistake("That is one of the four steps.", 0.25)
                .mistake("For beta 1 a step of 1/4 costs 1/4.", 2.0),
        )
        .run()
}

static PATCHES: About = About::new(
    "15-patches",
    "How many share a maximum",
    2.0,
    [
        "Count the patches in which no pixel is above the maximum. Which of them do not reach it?",
        "All four from 0 to most: (most + 1)^4. All four below most: most^4. The difference is the \
         answer.",
    ],
);

/// Checks `fn patches(most: u64) -> u64`.
pub fn patches(student: impl Fn(u64) -> u64 + Copy + Send + 'static) -> Score {
    let case = move |name: &str, most: u64| {
        let m = most;
        Case::new(name, move || student(most), (m + 1).pow(4) - m.pow(4))
            .mistake(
                "These are all patches up to that maximum. Take away those that do not reach it.",
                (m + 1).pow(4),
            )
            .mistake(
                "That counts a patch with two largest pixels twice.",
                4 * (m + 1).pow(3),
            )
            .mistake(
                "Several pixels may have the largest value together.",
                4 * m.pow(3),
            )
            .mistake(
                "There are most + 1 values from 0 to most.",
                m.pow(4) - m.saturating_sub(1).pow(4),
            )
    };
    Exercise::new(&PATCHES)
        .check(case("a maximum of 0: all four are 0", 0))
        .check(case("a maximum of 1", 1))
        .check(case("a maximum of 2", 2))
        .check(case("a maximum of 200", 200))
        .run()
}

#[cfg(test)]
#[path = "n15_tests.rs"]
mod tests;
