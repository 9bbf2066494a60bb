//! The checks of notebook 05, More data from less.

use crate::check::{About, Case, Draw, Exercise, Score};
use convscope_nn::eigh;
use ndarray::{Array2, Array3, Axis, array, s};

pub(crate) const ALL: &[&About] = &[
    &FLIP_BOX,
    &CROP,
    &COUNT,
    &BILINEAR,
    &LENS,
    &COVARIANCE,
    &COMPONENTS,
    &JITTER,
    &TOGETHER,
    &MIX_UP,
];

static FLIP_BOX: About = About::new(
    "05-flip-box",
    "A box in the mirror",
    2.0,
    [
        "A place at x pixels from the left edge comes to width - x. Do that to both vertical sides of \
         the box. Which of the two is the left one now?",
        "[width - x1, y0, width - x0, y1]: the right side has become the left one.",
    ],
);

/// Checks `fn flipped_box(corners: [f32; 4], width: f32) -> [f32; 4]`.
pub fn flipped_box(student: impl Fn([f32; 4], f32) -> [f32; 4] + Copy + Send + 'static) -> Score {
    let case = move |name: &str, corners: [f32; 4], width: f32| {
        let [x0, y0, x1, y1] = corners;
        let right = [width - x1, y0, width - x0, y1];
        Case::new(name, move || student(corners, width), right)
            .mistake(
                "The smaller number comes first: what was the right side is the left one now.",
                [width - x0, y0, width - x1, y1],
            )
            .mistake(
                "Sides are places between pixels, not pixels: take them off the width itself, without \
                 a 1.",
                [width - 1.0 - x1, y0, width - 1.0 - x0, y1],
            )
            .mistake(
                "That is turned upside down too: only left and right are exchanged.",
                [width - x1, width - y1, width - x0, width - y0],
            )
            .mistake("That is the box as it was.", corners)
    };
    Exercise::new(&FLIP_BOX)
        .check(case(
            "[2, 3, 8, 9] in 32 pixels",
            [2.0, 3.0, 8.0, 9.0],
            32.0,
        ))
        .check(case(
            "a box at the right edge",
            [20.0, 0.0, 32.0, 10.5],
            32.0,
        ))
        .seeded(2, 501, move |draw| {
            let [x0, y0, w, h] = [(); 4].map(|()| draw.integer(0..=40) as f32 / 2.0);
            let corners = [x0, y0, x0 + 0.5 + w, y0 + 0.5 + h];
            case(&format!("{corners:?} in 48 pixels"), corners, 48.0)
        })
        .run()
}

static CROP: About = About::new(
    "05-crop",
    "Padding and cropping",
    2.0,
    [
        "First a larger array of zeros with the image in its middle, then a window of the image's own \
         size out of that. Which shape has the larger one?",
        "let mut large = Array3::zeros((c, h + 2 * padding, w + 2 * padding)); then \
         large.slice_mut(s![.., padding..padding + h, padding..padding + w]).assign(&image); and at \
         last large.slice(s![.., top..top + h, left..left + w]).to_owned().",
    ],
);

fn padded(image: &Array3<f32>, padding: usize) -> Array3<f32> {
    let (c, h, w) = image.dim();
    let mut large = Array3::zeros((c, h + 2 * padding, w + 2 * padding));
    large
        .slice_mut(s![.., padding..padding + h, padding..padding + w])
        .assign(image);
    large
}

fn window(image: &Array3<f32>, padding: usize, top: usize, left: usize) -> Array3<f32> {
    let (_, h, w) = image.dim();
    padded(image, padding)
        .slice(s![.., top..top + h, left..left + w])
        .to_owned()
}

/// Checks `fn cropped(image: Array3<f32>, padding: usize, top: usize, left: usize) -> Array3<f32>`.
pub fn cropped(
    student: impl Fn(Array3<f32>, usize, usize, usize) -> Array3<f32> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, image: Array3<f32>, padding: usize, top: usize, left: usize| {
        let right = window(&image, padding, top, left);
        let swapped = window(&image, padding, left, top);
        let turned = window(&image, padding, 2 * padding - top, 2 * padding - left);
        let whole = padded(&image, padding);
        let same = image.clone();
        let got = move || student(image.clone(), padding, top, left);
        Case::new(name, got, right)
            .mistake(
                "Rows and columns are exchanged: top counts rows, left counts columns.",
                swapped,
            )
            .mistake(
                "The image has moved the wrong way: the window's corner is at (top, left) of the \
                 larger array.",
                turned,
            )
            .mistake(
                "That is the image with its border. Cut a window of the image's size out of it.",
                whole,
            )
            .mistake("That is the image as it was.", same)
    };
    let ramp = |c: usize, h: usize, w: usize| {
        Array3::from_shape_fn((c, h, w), |(k, y, x)| (1 + 100 * k + 10 * y + x) as f32)
    };
    Exercise::new(&CROP)
        .check(case(
            "2x3, one zero around, corner (0, 1)",
            ramp(1, 2, 3),
            1,
            0,
            1,
        ))
        .check(case(
            "3x4x4, two around, corner (4, 1)",
            ramp(3, 4, 4),
            2,
            4,
            1,
        ))
        .seeded(2, 502, move |draw| {
            let (h, w) = (draw.integer(4..=7), draw.integer(4..=7));
            let padding = draw.integer(2..=3);
            let (top, left) = (
                draw.integer(0..=padding - 1),
                draw.integer(padding..=2 * padding),
            );
            let name = format!("3x{h}x{w}, {padding} around, corner ({top}, {left})");
            case(&name, ramp(3, h, w), padding, top, left)
        })
        .run()
}

static COUNT: About = About::new(
    "05-count",
    "Out of one image",
    1.0,
    [
        "A window of 32 in an image of 32 + 2 * 4 pixels: how many places has its upper edge? As many \
         has its left edge. And each of these images comes in two kinds.",
        "The corner is at 0 to 8, which is 9 places in each direction: 9 * 9 windows, and each as it is \
         or mirrored.",
    ],
);

/// Checks the number of images that flips and crops with a border of 4 make of one of 32x32.
pub fn count(student: impl Fn() -> usize + Copy + Send + 'static) -> Score {
    Exercise::new(&COUNT)
        .check(
            Case::new("your answer", student, 162)
                .mistake("Each of them may be mirrored.", 81)
                .mistake("The corner may be at 0 and at 8: those are 9 places.", 128)
                .mistake("The border is on both sides.", 50)
                .mistake("The window moves in two directions.", 18)
                .mistake("A flip makes two of each: times two, not plus.", 83),
        )
        .property("half of them are mirror images of the rest", move || {
            let n = student();
            match n > 1 && n.is_multiple_of(2) && (n / 2).isqrt().pow(2) == n / 2 {
                true => Ok(()),
                false => Err(format!(
                    "{n} is not twice the square of the places in one direction"
                )),
            }
        })
        .run()
}

static BILINEAR: About = About::new(
    "05-bilinear",
    "Between the pixels",
    2.0,
    [
        "dy says how far the place is below the upper two neighbours, dx how far it is to the right of \
         the left two. The nearer a neighbour, the more it counts; the four weights sum to 1.",
        "The weights are (1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx) and dy * dx for the pixels \
         (top, left), (top, left + 1), (top + 1, left) and (top + 1, left + 1). Sum pixel(..) times its \
         weight.",
    ],
);

/// The value between pixels, with what is done to the shares left over.
fn between(image: &Array2<f32>, y: f64, x: f64, shares: impl Fn(f64, f64) -> [f64; 2]) -> f32 {
    let (top, left) = (y.floor(), x.floor());
    let [dy, dx] = shares(y - top, x - left);
    let at = |y: f64, x: f64| {
        let (h, w) = image.dim();
        let inside = y >= 0.0 && x >= 0.0 && y < h as f64 && x < w as f64;
        if inside {
            f64::from(image[[y as usize, x as usize]])
        } else {
            0.0
        }
    };
    let upper = (1.0 - dx) * at(top, left) + dx * at(top, left + 1.0);
    let lower = (1.0 - dx) * at(top + 1.0, left) + dx * at(top + 1.0, left + 1.0);
    ((1.0 - dy) * upper + dy * lower) as f32
}

/// Checks `fn bilinear(image: &Array2<f32>, y: f64, x: f64) -> f32`.
pub fn bilinear(student: impl Fn(&Array2<f32>, f64, f64) -> f32 + Copy + Send + 'static) -> Score {
    let case = move |name: &str, image: Array2<f32>, y: f64, x: f64| {
        let right = between(&image, y, x, |dy, dx| [dy, dx]);
        let nearest = between(&image, y, x, |dy, dx| [dy.round(), dx.round()]);
        let first = between(&image, y, x, |_, _| [0.0, 0.0]);
        let turned = between(&image, y, x, |dy, dx| [1.0 - dy, 1.0 - dx]);
        let crossed = between(&image, y, x, |dy, dx| [dx, dy]);
        let got = move || student(&image, y, x);
        Case::new(name, got, right)
            .mistake(
                "That is the nearest pixel. Here all four neighbours count.",
                nearest,
            )
            .mistake("That is the upper left neighbour alone.", first)
            .mistake(
                "The weights are the wrong way round: the nearer a pixel, the more it counts.",
                turned,
            )
            .mistake(
                "dy and dx are exchanged: dy belongs to the rows, dx to the columns.",
                crossed,
            )
    };
    let small = array![[0.0, 8.0, 4.0], [4.0, 20.0, 2.0]];
    Exercise::new(&BILINEAR)
        .check(case("on a pixel", small.clone(), 1.0, 1.0))
        .check(case(
            "a quarter of the way down and three across",
            small.clone(),
            0.25,
            0.75,
        ))
        .check(case(
            "between the last two pixels of the first row",
            small.clone(),
            0.0,
            1.5,
        ))
        .check(case(
            "half a pixel beyond the edge, where the outside counts as 0",
            small,
            1.5,
            0.25,
        ))
        .seeded(3, 503, move |draw| {
            let (y, x) = (draw.number(0.05..=2.9), draw.number(0.05..=3.9));
            let name = format!("at ({y:.3}, {x:.3}) of a drawn 4x5");
            case(&name, draw.array2(4, 5), y, x)
        })
        .run()
}

static LENS: About = About::new(
    "05-lens",
    "A lens",
    2.0,
    [
        "Go in three steps: how far is the point from the centre, across and down; how large is r, if it \
         is 1 in the corners; and then both distances times 1 + strength * r * r, from the centre again.",
        "let (dx, dy) = (x - cx, y - cy); let r2 = (dx * dx + dy * dy) / (cx * cx + cy * cy); the answer \
         is [cx + dx * (1.0 + strength * r2), cy + dy * (1.0 + strength * r2)].",
    ],
);

fn bent([x, y]: [f64; 2], [w, h]: [f64; 2], factor: impl Fn(f64) -> f64) -> [f64; 2] {
    let (cx, cy) = (w / 2.0, h / 2.0);
    let (dx, dy) = (x - cx, y - cy);
    let factor = factor(((dx * dx + dy * dy) / (cx * cx + cy * cy)).sqrt());
    [cx + dx * factor, cy + dy * factor]
}

/// Checks `fn lens_source(point: [f64; 2], size: [f64; 2], strength: f64) -> [f64; 2]`.
pub fn lens_source(
    student: impl Fn([f64; 2], [f64; 2], f64) -> [f64; 2] + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, point: [f64; 2], size: [f64; 2], k: f64| {
        let half = (size[0] / 2.0).hypot(size[1] / 2.0);
        let right = bent(point, size, |r| 1.0 + k * r * r);
        let centre = [size[0] / 2.0, size[1] / 2.0];
        Case::new(name, move || student(point, size, k), right)
            .mistake("It is r squared: 1 + strength * r * r.", bent(point, size, |r| 1.0 + k * r))
            .mistake(
                "That divides by 1 + strength * r * r. Multiply: the question is where to look.",
                bent(point, size, |r| 1.0 / (1.0 + k * r * r)),
            )
            .mistake(
                "Here r is counted in pixels. Divide by the distance of a corner, so that it is 1 there.",
                bent(point, size, |r| 1.0 + k * (r * half).powi(2)),
            )
            .mistake(
                "That is seen from the centre. Add the centre again.",
                [right[0] - centre[0], right[1] - centre[1]],
            )
            .mistake(
                "Take the distances from the centre, not from the upper left corner.",
                point.map(|v| v * (1.0 + k * (point[0].hypot(point[1]) / half).powi(2))),
            )
    };
    Exercise::new(&LENS)
        .tolerance(1e-9, 1e-9)
        .check(case("the centre stays", [50.0, 40.0], [100.0, 80.0], 0.3))
        .check(case(
            "a corner, strength 0.2",
            [100.0, 0.0],
            [100.0, 80.0],
            0.2,
        ))
        .check(case(
            "half-way up, strength -0.25",
            [50.0, 20.0],
            [100.0, 80.0],
            -0.25,
        ))
        .seeded(2, 504, move |draw| {
            let size = [draw.integer(30..=90) as f64, draw.integer(30..=90) as f64];
            let point = [draw.integer(0..=29) as f64, draw.integer(0..=14) as f64];
            let k = draw.choice(&[0.1, 0.3, -0.2]);
            let name = format!("{point:?} of {size:?}, strength {k}");
            case(&name, point, size, k)
        })
        .run()
}

static COVARIANCE: About = About::new(
    "05-covariance",
    "How colours vary together",
    2.0,
    [
        "Take the mean colour off every row first. Then entry (i, j) is the mean, over all rows, of \
         column i times column j.",
        "let mean = pixels.mean_axis(Axis(0)).unwrap(); let away = &pixels - &mean; then \
         away.t().dot(&away) / pixels.nrows() as f64.",
    ],
);

fn covariance_of(pixels: &Array2<f64>, centred: bool, divisor: f64) -> Array2<f64> {
    let mut away = pixels.clone();
    if centred {
        away -= &pixels.mean_axis(Axis(0)).expect("at least one row");
    }
    away.t().dot(&away) / divisor
}

/// Checks `fn covariance(pixels: Array2<f64>) -> Array2<f64>`.
pub fn covariance(student: impl Fn(Array2<f64>) -> Array2<f64> + Copy + Send + 'static) -> Score {
    let case = move |name: &str, pixels: Array2<f64>| {
        let n = pixels.nrows() as f64;
        let right = covariance_of(&pixels, true, n);
        let moments = covariance_of(&pixels, false, n);
        let unbiased = covariance_of(&pixels, true, n - 1.0);
        let sums = covariance_of(&pixels, true, 1.0);
        let spread = right.diag().mapv(f64::sqrt);
        let correlation = Array2::from_shape_fn(right.dim(), |(i, j)| {
            right[[i, j]] / (spread[i] * spread[j])
        });
        let got = move || student(pixels.clone());
        Case::new(name, got, right)
            .mistake("Take the mean colour off the pixels first.", moments)
            .mistake(
                "That divides by N - 1. With millions of pixels it makes no difference, but the check \
                 has few: divide by N.",
                unbiased,
            )
            .mistake(
                "Those are sums over the pixels. Divide by how many there are.",
                sums,
            )
            .mistake(
                "That is the correlation. Do not divide by the deviations.",
                correlation,
            )
    };
    let grey = array![[0.2, 0.2, 0.2], [0.4, 0.4, 0.4], [0.9, 0.9, 0.9]];
    let mixed = array![
        [0.0, 0.5, 1.0],
        [1.0, 0.5, 0.0],
        [0.5, 1.0, 0.5],
        [0.5, 0.0, 0.5]
    ];
    Exercise::new(&COVARIANCE)
        .tolerance(1e-9, 1e-9)
        .check(case("three greys", grey))
        .check(case("four colours", mixed))
        .seeded(1, 505, move |draw| {
            let pixels = Array2::from_shape_simple_fn((12, 3), || draw.integer(0..=255) as f64);
            case("twelve drawn colours", pixels / 255.0)
        })
        .run()
}

static COMPONENTS: About = About::new(
    "05-components",
    "The components of colours",
    3.0,
    [
        "eigh gives the eigenvalues from the smallest to the largest, and the eigenvectors as the \
         COLUMNS of a matrix. So the first component is number 2 of both.",
        "For k in 0..3 take values[2 - k] and the column 2 - k: [vectors[[0, 2 - k]], vectors[[1, 2 - \
         k]], vectors[[2, 2 - k]]]. If the three sum to less than 0, turn the sign of all three.",
    ],
);

/// Variances and directions of colours.
type Components = ([f64; 3], [[f64; 3]; 3]);

/// What `part` reads as part `c` of vector `k`, with or without a choice of the sign.
fn components_as(
    covariance: &Array2<f64>,
    signs: bool,
    part: impl Fn(&Array2<f64>, usize, usize) -> f64,
) -> Components {
    let (values, vectors) = eigh(covariance).expect("a symmetric matrix");
    let vector = |k: usize| {
        let v = [0, 1, 2].map(|c| part(&vectors, k, c));
        let turn = signs && v.iter().sum::<f64>() < 0.0;
        v.map(|p| if turn { -p } else { p })
    };
    ([2, 1, 0].map(|k| values[k]), [2, 1, 0].map(vector))
}

fn components_of(covariance: &Array2<f64>) -> Components {
    components_as(covariance, true, |vectors, k, c| vectors[[c, k]])
}

/// Checks `fn components(covariance: Array2<f64>) -> ([f64; 3], [[f64; 3]; 3])`.
pub fn components(student: impl Fn(Array2<f64>) -> Components + Copy + Send + 'static) -> Score {
    let case = move |name: &str, covariance: Array2<f64>| {
        let right = components_of(&covariance);
        let (values, vectors) = right;
        let mut backwards = right;
        backwards.0.reverse();
        backwards.1.reverse();
        let rows = components_as(&covariance, true, |vectors, k, c| vectors[[k, c]]);
        let signless = components_as(&covariance, false, |vectors, k, c| vectors[[c, k]]);
        let negative = vectors.map(|v| v.map(|part| -part));
        let sign = "Mind the sign: the three parts of each vector sum to something positive.";
        let got = move || student(covariance.clone());
        Case::new(name, got, right)
            .mistake("The largest comes first: eigh begins with the smallest.", backwards)
            .mistake(
                "The eigenvalues begin with the largest, the eigenvectors with the smallest: turn both.",
                (values, backwards.1),
            )
            .mistake(
                "Those are rows of the matrix. The eigenvectors are its columns.",
                rows,
            )
            .mistake(sign, signless)
            .mistake(sign, (values, negative))
    };
    // At right angles, and of length 1 when divided by 3; each sums to something positive.
    let frame = [[2.0, 1.0, 2.0], [1.0, 2.0, -2.0], [-2.0, 2.0, 1.0]];
    let built = move |variances: [f64; 3], order: [usize; 3]| {
        Array2::from_shape_fn((3, 3), |(i, j)| {
            let parts = variances.iter().zip(&frame);
            let parts = parts.map(|(v, p)| v * p[order[i]] * p[order[j]] / 9.0);
            parts.sum::<f64>()
        })
    };
    let right_angles = move || {
        let (values, vectors) = student(built([0.2, 0.05, 0.01], [0, 1, 2]));
        if !values.is_sorted_by(|a, b| a >= b) {
            return Err("the largest eigenvalue comes first".into());
        }
        for (k, v) in vectors.iter().enumerate() {
            let length: f64 = v.iter().map(|p| p * p).sum();
            if (length - 1.0).abs() > 1e-6 {
                return Err(format!("vector {k} is not of length 1: {v:?}"));
            }
        }
        Ok(())
    };
    Exercise::new(&COMPONENTS)
        .tolerance(1e-7, 1e-7)
        .check(case(
            "0.2, 0.05 and 0.01 along three directions",
            built([0.2, 0.05, 0.01], [0, 1, 2]),
        ))
        .check(case(
            "with red and blue exchanged",
            built([0.3, 0.02, 0.004], [2, 1, 0]),
        ))
        .seeded(2, 506, move |draw| {
            let order = draw.choice(&[[0, 1, 2], [1, 2, 0], [2, 0, 1]]);
            let first = draw.number(0.2..=0.4);
            let variances = [first, first * draw.number(0.2..=0.5), first * 0.05];
            case("drawn variances", built(variances, order))
        })
        .property("in order, and of length 1", right_angles)
        .run()
}

static JITTER: About = About::new(
    "05-jitter",
    "PCA colour jitter",
    2.0,
    [
        "To each channel c comes the sum over the three components i of vectors[i][c] * alpha[i] * \
         values[i]. Then keep the result between 0 and 1.",
        "let mut out = colour; for i in 0..3 { for c in 0..3 { out[c] += vectors[i][c] * alpha[i] * \
         values[i]; } } out.map(|v| v.clamp(0.0, 1.0))",
    ],
);

fn moved(
    colour: [f64; 3],
    vectors: [[f64; 3]; 3],
    by: impl Fn(usize) -> f64,
    cut: bool,
) -> [f64; 3] {
    let mut out = colour;
    for (i, vector) in vectors.iter().enumerate() {
        let sum = out.iter_mut().zip(vector);
        sum.for_each(|(part, p)| *part += p * by(i));
    }
    out.map(|v| if cut { v.clamp(0.0, 1.0) } else { v })
}

/// Checks `fn jittered(colour, values, vectors, alpha) -> [f64; 3]`.
pub fn jittered(
    student: impl Fn([f64; 3], [f64; 3], [[f64; 3]; 3], [f64; 3]) -> [f64; 3] + Copy + Send + 'static,
) -> Score {
    let vectors = [[2.0, 1.0, 2.0], [1.0, 2.0, -2.0], [-2.0, 2.0, 1.0]].map(|v| v.map(|p| p / 3.0));
    let across = [0, 1, 2].map(|i| [0, 1, 2].map(|j: usize| vectors[j][i]));
    let case = move |name: &str, colour: [f64; 3], values: [f64; 3], alpha: [f64; 3]| {
        let right = moved(colour, vectors, |i| alpha[i] * values[i], true);
        Case::new(name, move || student(colour, values, vectors, alpha), right)
            .mistake(
                "What leaves the range is cut off: .clamp(0.0, 1.0) at the end.",
                moved(colour, vectors, |i| alpha[i] * values[i], false),
            )
            .mistake(
                "The eigenvalues are missing: a direction in which colours vary much is moved along \
                 more.",
                moved(colour, vectors, |i| alpha[i], true),
            )
            .mistake(
                "The paper takes the eigenvalue itself, not its root.",
                moved(colour, vectors, |i| alpha[i] * values[i].sqrt(), true),
            )
            .mistake(
                "vectors[i] is component i: part c of it is vectors[i][c].",
                moved(colour, across, |i| alpha[i] * values[i], true),
            )
            .mistake("That is the colour as it was.", colour)
    };
    Exercise::new(&JITTER)
        .check(case(
            "along the first component",
            [0.5, 0.5, 0.5],
            [0.2, 0.02, 0.004],
            [1.0, 0.0, 0.0],
        ))
        .check(case(
            "along all three, over the edge",
            [0.98, 0.1, 0.5],
            [0.2, 0.1, 0.05],
            [1.5, -1.0, 2.0],
        ))
        .seeded(2, 507, move |draw| {
            let colour = [(); 3].map(|()| draw.number(0.3..=0.7));
            let alpha = [(); 3].map(|()| draw.number(-1.0..=1.0));
            case("drawn numbers", colour, [0.2, 0.05, 0.01], alpha)
        })
        .run()
}

static TOGETHER: About = About::new(
    "05-together",
    "Asking several",
    2.0,
    [
        "Add the arrays up (they have one shape: a row for each image, a column for each class), and \
         find the largest number in each row of the sum.",
        "let mut sum = answers[0].clone(); for more in &answers[1..] { sum += more; } Then for each \
         row: keep the best class so far, and replace it where row[class] > row[best].",
    ],
);

fn best(row: impl Iterator<Item = f32>) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (k, v) in row.enumerate() {
        if v > best.1 {
            best = (k, v);
        }
    }
    best.0
}

fn averaged(answers: &[Array2<f32>]) -> Vec<usize> {
    let mut sum = Array2::<f32>::zeros(answers[0].dim());
    answers.iter().for_each(|a| sum += a);
    sum.rows()
        .into_iter()
        .map(|r| best(r.iter().copied()))
        .collect()
}

/// The class that most of them name, the lowest of several; and the one that is named most surely.
fn other_ways(answers: &[Array2<f32>]) -> [Vec<usize>; 2] {
    let mut votes = Array2::<f32>::zeros(answers[0].dim());
    let mut surest = votes.clone();
    for a in answers {
        for (i, row) in a.rows().into_iter().enumerate() {
            votes[[i, best(row.iter().copied())]] += 1.0;
        }
        surest.zip_mut_with(a, |most, v| *most = most.max(*v));
    }
    [votes, surest].map(|of| averaged(&[of]))
}

/// Probabilities of four classes for twelve images.
fn drawn_answer(draw: &mut Draw) -> Array2<f32> {
    let mut p = Array2::from_shape_simple_fn((12, 4), || draw.number(0.01..=1.0) as f32);
    for mut row in p.rows_mut() {
        let sum = row.sum();
        row /= sum;
    }
    p
}

/// Checks `fn together(answers: Vec<Array2<f32>>) -> Vec<usize>`.
pub fn together(student: impl Fn(Vec<Array2<f32>>) -> Vec<usize> + Copy + Send + 'static) -> Score {
    let case = move |name: &str, answers: Vec<Array2<f32>>| {
        let right = averaged(&answers);
        let first = averaged(&answers[..1]);
        let last = averaged(&answers[answers.len() - 1..]);
        let [votes, surest] = other_ways(&answers);
        Case::new(name, move || student(answers.clone()), right)
            .mistake(
                "That counts votes. Average the probabilities: who is sure counts more.",
                votes,
            )
            .mistake("That takes the surest of them. Average all.", surest)
            .mistake("That is the first one's answer alone.", first)
            .mistake("That is the last one's answer alone.", last)
    };
    let sure = array![[0.1, 0.9, 0.0], [0.2, 0.3, 0.5]];
    let unsure = array![[0.5, 0.4, 0.1], [0.4, 0.25, 0.35]];
    let third = array![[0.5, 0.3, 0.2], [0.55, 0.25, 0.2]];
    Exercise::new(&TOGETHER)
        .check(case("one alone", vec![sure.clone()]))
        .check(case(
            "one sure against two unsure",
            vec![sure, unsure, third],
        ))
        .seeded(3, 508, move |draw| {
            let n = draw.integer(3..=5);
            let answers = (0..n).map(|_| drawn_answer(draw)).collect();
            case(&format!("{n} about 12 images"), answers)
        })
        .run()
}

static MIX_UP: About = About::new(
    "05-mix-up",
    "Mix-up",
    2.0,
    [
        "Both halves of the pair: share times the image plus (1 - share) times the other. And the label \
         is a row of zeros to which share is added at labels[0], and the rest at labels[1].",
        "let mixed = image * share + other * (1.0 - share); let mut label = vec![0.0; classes]; \
         label[labels[0]] += share; label[labels[1]] += 1.0 - share; (mixed, label). Mind the +=: the \
         two classes may be one.",
    ],
);

/// An image and its label.
type Mixed = (Array3<f32>, Vec<f32>);

/// Checks `fn mixed(image, other, labels, share, classes) -> (Array3<f32>, Vec<f32>)`.
pub fn mixed(
    student: impl Fn(Array3<f32>, Array3<f32>, [usize; 2], f32, usize) -> Mixed + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str,
                     image: Array3<f32>,
                     other: Array3<f32>,
                     labels: [usize; 2],
                     share: f32| {
        let classes = 5;
        let blend = |share: f32| &image * share + &other * (1.0 - share);
        let label = |share: f32| {
            let mut row = vec![0.0; classes];
            row[labels[0]] += share;
            row[labels[1]] += 1.0 - share;
            row
        };
        let mut assigned = vec![0.0; classes];
        assigned[labels[0]] = share;
        assigned[labels[1]] = 1.0 - share;
        let larger = if share >= 0.5 { 1.0 } else { 0.0 };
        let right = (blend(share), label(share));
        let hard = (blend(share), label(larger));
        let halves = (blend(share), label(0.5));
        let turned = (blend(1.0 - share), label(1.0 - share));
        let crossed = (blend(share), label(1.0 - share));
        let lost = (blend(share), assigned);
        let (image, other) = (image.clone(), other.clone());
        let got = move || student(image.clone(), other.clone(), labels, share, classes);
        Case::new(name, got, right)
            .mistake("The label is mixed too, in the same shares.", hard)
            .mistake("The label has the shares of the image, not halves.", halves)
            .mistake(
                "The shares are exchanged: the first image has share.",
                turned,
            )
            .mistake(
                "The label's shares are exchanged: labels[0] belongs to the first image.",
                crossed,
            )
            .mistake(
                "Both images may be of one class: add to its place instead of overwriting it.",
                lost,
            )
    };
    let ramp = |from: f32| Array3::from_shape_fn((1, 2, 2), |(_, y, x)| from + (2 * y + x) as f32);
    Exercise::new(&MIX_UP)
        .check(case(
            "three quarters of class 1, a quarter of class 3",
            ramp(0.0),
            ramp(8.0),
            [1, 3],
            0.75,
        ))
        .check(case(
            "two images of class 2",
            ramp(1.0),
            ramp(-3.0),
            [2, 2],
            0.375,
        ))
        .seeded(1, 509, move |draw| {
            let (image, other) = (draw.array3(3, 4, 4), draw.array3(3, 4, 4));
            case("a drawn pair", image, other, [4, 0], 0.25)
        })
        .run()
}

#[cfg(test)]
#[path = "n05_tests.rs"]
mod tests;
