//! The checks of notebook 01, Convolution by hand.
//!
//! They take plain function pointers, so that they are compiled here and not in a student's cell.

use crate::check::{About, Case, Draw, Exercise, Score};
use ndarray::{Array2, Array3, array, s};

pub(crate) const ALL: &[&About] = &[
    &BY_HAND,
    &CONV2D,
    &DESIGN,
    &STRIDE_THREE,
    &OUTPUT_SIZE,
    &ZERO_PAD,
    &COUNT_PARAMETERS,
    &MAX_POOL,
    &AVG_POOL,
    &IM2COL,
    &MULTIPLICATIONS,
];

static BY_HAND: About = About::new(
    "01-by-hand",
    "Two places by hand",
    1.0,
    [
        "Lay the filter on the top left corner: it covers 0, 80, 20 and 40. Each of them meets one \
         number of the filter.",
        "Four products, added up. At the top left: 0 times 0, 0.25 times 80, 0.5 times 20, 1 times \
         40. For the second place move the filter one column to the right.",
    ],
);

static CONV2D: About = About::new(
    "01-conv2d",
    "Your own conv2d",
    3.0,
    [
        "Four loops: i and j choose a place of y, u and v walk through the filter. In the innermost \
         one a product is added to y[[i, j]].",
        "The filter's element [[u, v]] meets the input's element [[i + u, j + v]]. Rows (i, u) come \
         first. `+=` adds to what is there.",
    ],
);

static DESIGN: About = About::new(
    "01-design",
    "A filter for slashes",
    2.0,
    [
        "A filter is a small picture of what it looks for: positive where the edge is bright, \
         negative where it is dark.",
        "Positive numbers above the diagonal that runs like /, negative ones below it, zeros on it. \
         All nine must add up to 0, and mirroring the matrix at the other diagonal must not change \
         it.",
    ],
);

static STRIDE_THREE: About = About::new(
    "01-stride-three",
    "Steps that do not fit",
    1.0,
    [
        "Put the four numbers into the formula, once with S = 2 and once with S = 3. There is no \
         padding.",
        "N - F is 4. Divide it by the stride, and do not forget the place where the filter starts.",
    ],
);

static OUTPUT_SIZE: About = About::new(
    "01-output-size",
    "Output size",
    2.0,
    [
        "Put the filter at the left edge and push it to the right: how far can its left edge go, and \
         how many steps of the stride fit into that way?",
        "The padded input is n + 2 * p wide, so the filter can move n + 2 * p - f. Divide that by the \
         stride (whole numbers round down), and count the place it started from too.",
    ],
);

static ZERO_PAD: About = About::new(
    "01-zero-pad",
    "A frame of zeros",
    2.0,
    [
        "How much higher and wider is the picture with its frame? Begin with a matrix of zeros of \
         that size.",
        "The frame has p rows at the top and p at the bottom. So the pixel [[i, j]] of x goes to \
         [[i + p, j + p]].",
    ],
);

static COUNT_PARAMETERS: About = About::new(
    "01-count-parameters",
    "Count the parameters",
    2.0,
    [
        "How many numbers has one filter, if it looks through all channels of its input?",
        "One filter has f * f numbers for each input channel, and one bias on top. Then there are \
         several filters.",
    ],
);

static MAX_POOL: About = About::new(
    "01-max-pool",
    "Max pooling",
    2.0,
    [
        "The window of y[[i, j]] begins at row i * size and column j * size. Its largest value is \
         wanted.",
        "Start each search with f32::NEG_INFINITY, or with the window's first value: a window may \
         hold nothing but negative numbers. `a.max(b)` is the larger of the two.",
    ],
);

static AVG_POOL: About = About::new(
    "01-avg-pool",
    "Average pooling",
    2.0,
    [
        "It is max pooling with another question asked of each window: what is its mean?",
        "Add up the window's values, then divide by how many there are: size * size, as an f32.",
    ],
);

static IM2COL: About = About::new(
    "01-im2col",
    "Patches as columns",
    3.0,
    [
        "Each place of the filter is one column, and places are counted row by row: which column \
         belongs to the place (i, j), if a row of places has `across` of them?",
        "The column is i * across + j. The row, counted in the same way, is channel by channel, then \
         row by row of the filter: (c * f + u) * f + v. There goes x[[c, i + u, j + v]].",
    ],
);

static MULTIPLICATIONS: About = About::new(
    "01-multiplications",
    "Count the multiplications",
    1.0,
    [
        "One filter has a number for each of its 3 x 3 cells in each of the 64 channels.",
        "That many for one filter at one place; then there are 64 filters and 28 * 28 places.",
    ],
);

/// The sum over a patch times the filter, at every place: what `conv2d` should give.
fn correlate(x: &Array2<f32>, k: &Array2<f32>) -> Array2<f32> {
    let (rows, columns) = k.dim();
    Array2::from_shape_fn((x.nrows() - rows + 1, x.ncols() - columns + 1), |(i, j)| {
        let patch = x.slice(s![i..i + rows, j..j + columns]);
        patch.iter().zip(k).map(|(a, b)| a * b).sum()
    })
}

fn turned(k: &Array2<f32>) -> Array2<f32> {
    k.slice(s![..;-1, ..;-1]).to_owned()
}

/// Checks `fn top_row() -> (f64, f64)`, the first two values of the lecture's example.
pub fn by_hand(student: fn() -> (f64, f64)) -> Score {
    let slide = "That is the result with the filter turned, which comes a little later: use it as it \
                 stands.";
    let unweighted = "That is the sum of the pixels: each has to be multiplied by its weight.";
    Exercise::new(&BY_HAND)
        .check(
            Case::new("top left", move || student().0, 70.0)
                .mistake(slide, 45.0)
                .mistake(unweighted, 140.0),
        )
        .check(
            Case::new("one column further", move || student().1, 30.0)
                .mistake(slide, 110.0)
                .mistake(unweighted, 160.0),
        )
        .run()
}

/// Checks `fn conv2d(x: &Array2<f32>, k: &Array2<f32>) -> Array2<f32>` without padding, stride 1.
pub fn conv2d(student: fn(&Array2<f32>, &Array2<f32>) -> Array2<f32>) -> Score {
    let case = move |name: &str, x: Array2<f32>, k: Array2<f32>| {
        let right = correlate(&x, &k);
        let flipped = correlate(&x, &turned(&k));
        let last = {
            let corner = k[[k.nrows() - 1, k.ncols() - 1]];
            right.mapv(|_| 0.0)
                + x.slice(s![k.nrows() - 1.., k.ncols() - 1..])
                    .mapv(|v| v * corner)
        };
        let mean = &right / k.len() as f32;
        let swapped = (k.nrows() == k.ncols()).then(|| correlate(&x, &k.t().to_owned()));
        let mut case = Case::new(name, move || student(&x, &k), right)
            .mistake(
                "The filter is turned by half a turn: use k[[u, v]] with x[[i + u, j + v]].",
                flipped,
            )
            .mistake(
                "Only the last product is kept: add up with `+=` instead of `=`.",
                last,
            )
            .mistake("That is the mean of the products: only add them up.", mean);
        if let Some(swapped) = swapped {
            case = case.mistake(
                "Rows and columns of the filter are swapped: the row comes first, k[[u, v]].",
                swapped,
            );
        }
        case
    };
    let x = array![[0.0, 80.0, 40.0], [20.0, 40.0, 0.0], [0.0, 0.0, 40.0]];
    Exercise::new(&CONV2D)
        .check(case(
            "the lecture's example",
            x,
            array![[0.0, 0.25], [0.5, 1.0]],
        ))
        .seeded(2, 11, move |draw| {
            let (h, w) = (draw.integer(4..=7), draw.integer(4..=7));
            let name = format!("{h} x {w} numbers, filter 3 x 3");
            case(&name, draw.array2(h, w), draw.array2(3, 3))
        })
        .seeded(1, 12, move |draw| {
            case("a wide filter, 1 x 3", draw.array2(4, 6), draw.array2(1, 3))
        })
        .seeded(1, 13, move |draw| {
            case(
                "a filter as large as the input",
                draw.array2(3, 4),
                draw.array2(3, 4),
            )
        })
        .run()
}

/// Checks `fn slash_filter() -> Array2<f32>`: blind to flat patches and to `\`, awake to `/`.
pub fn slash_filter(student: fn() -> Array2<f32>) -> Score {
    let shape = |k: &Array2<f32>| match k.dim() {
        (3, 3) => Ok(()),
        other => Err(format!("the filter is {other:?}, it should be (3, 3)")),
    };
    // 1 on the side of the diagonal where `side` is positive, 0 on the other, a half on it.
    let edge = |side: fn(i32, i32) -> i32| {
        Array2::from_shape_fn((3, 3), |(i, j)| {
            0.5 + 0.5 * side(i as i32, j as i32).signum() as f32
        })
    };
    let slash = edge(|i, j| 2 - i - j);
    let backslash = edge(|i, j| j - i);
    let answer = move |patch: &Array2<f32>| -> Result<f32, String> {
        let k = student();
        shape(&k)?;
        Ok((&k * patch).sum())
    };
    let exactly_zero = move |what: &str, patch: &Array2<f32>| match answer(patch)? {
        a if a.abs() < 1e-5 => Ok(()),
        a => Err(format!("{what} gives {a}, it should give 0")),
    };
    let reverse = slash.mapv(|v| 1.0 - v);
    let (one, two) = (backslash.clone(), backslash.mapv(|v| 1.0 - v));
    Exercise::new(&DESIGN)
        .property("flat patches, dark and bright, give 0", move || {
            let flat = |v: f32| Array2::from_elem((3, 3), v);
            exactly_zero("a flat patch of 0.3", &flat(0.3))?;
            exactly_zero("a flat patch of 1", &flat(1.0))
        })
        .property(
            "an edge like /, bright at the top left, gives 1 or more",
            move || match answer(&slash)? {
                a if a >= 1.0 => Ok(()),
                a if a <= -1.0 => Err(format!(
                    "it gives {a}: dark and bright are the wrong way round"
                )),
                a => Err(format!("it gives {a}")),
            },
        )
        .property("the reverse gives the same number, negative", move || {
            let (there, back) = (answer(&reverse.mapv(|v| 1.0 - v))?, answer(&reverse)?);
            match (there + back).abs() < 1e-5 && there.abs() > 1e-5 {
                true => Ok(()),
                false => Err(format!("the edge gives {there}, its reverse {back}")),
            }
        })
        .property("an edge like \\ gives 0, both ways round", move || {
            exactly_zero("an edge like \\", &one)?;
            exactly_zero("its reverse", &two)
        })
        .run()
}

/// Checks `fn stride_two_and_three() -> (f64, f64)`: what the formula gives for N = 7, F = 3.
pub fn stride_three(student: fn() -> (f64, f64)) -> Score {
    let start = "The place where the filter starts counts too: + 1.";
    Exercise::new(&STRIDE_THREE)
        .tolerance(0.01, 0.0)
        .check(Case::new("stride 2", move || student().0, 3.0).mistake(start, 2.0))
        .check(
            Case::new("stride 3", move || student().1, 7.0 / 3.0)
                .mistake(start, 4.0 / 3.0)
                .mistake(
                    "Do not round: this number shows that the steps do not fit.",
                    2.0,
                ),
        )
        .run()
}

/// Checks `fn output_size(n, f, s, p) -> usize`, where a last step that does not fit is left out.
pub fn output_size(student: fn(usize, usize, usize, usize) -> usize) -> Score {
    let case = move |[n, f, s, p]: [usize; 4]| {
        let right = (n + 2 * p - f) / s + 1;
        let mut case = Case::new(
            format!("input {n}, filter {f}, stride {s}, padding {p}"),
            move || student(n, f, s, p),
            right,
        )
        .mistake(
            "The place where the filter starts counts too: + 1.",
            right - 1,
        );
        if p > 0 && n + p >= f {
            let one_side = (n + p - f) / s + 1;
            case = case.mistake("Padding goes on both sides: 2 * p.", one_side);
        }
        case.mistake(
            "A last step that does not fit is left out: round down, not up.",
            (n + 2 * p - f).div_ceil(s) + 1,
        )
    };
    Exercise::new(&OUTPUT_SIZE)
        .check(case([7, 3, 1, 0]))
        .check(case([7, 3, 2, 0]))
        .check(case([7, 3, 1, 1]))
        .check(case([7, 3, 3, 0]))
        .check(case([32, 5, 1, 2]))
        .seeded(3, 101, move |draw| {
            let f = draw.integer(1..=7);
            let n = draw.integer(f..=64);
            case([n, f, draw.integer(1..=4), draw.integer(0..=3)])
        })
        .run()
}

/// Checks `fn zero_pad(x: &Array2<f32>, p: usize) -> Array2<f32>`.
pub fn zero_pad(student: fn(&Array2<f32>, usize) -> Array2<f32>) -> Score {
    let case =
        move |name: &str, x: Array2<f32>, p: usize| {
            let (h, w) = x.dim();
            let place = |top: usize, left: usize, high: usize, wide: usize| {
                let mut padded = Array2::zeros((high, wide));
                padded
                    .slice_mut(s![top..top + h, left..left + w])
                    .assign(&x);
                padded
            };
            let right = place(p, p, h + 2 * p, w + 2 * p);
            let corner = place(0, 0, h + 2 * p, w + 2 * p);
            let once = place(p, p, h + p, w + p);
            let border = Array2::from_shape_fn((h + 2 * p, w + 2 * p), |(i, j)| {
                x[[
                    i.saturating_sub(p).min(h - 1),
                    j.saturating_sub(p).min(w - 1),
                ]]
            });
            let case = Case::new(name, move || student(&x, p), right);
            if p == 0 {
                return case;
            }
            case.mistake(
            "The picture sits in the corner: it belongs p rows down and p columns to the right.",
            corner,
        )
        .mistake("The frame goes on both sides: the size grows by 2 * p.", once)
        .mistake("The frame repeats the border: it should be zeros.", border)
        };
    Exercise::new(&ZERO_PAD)
        .check(case(
            "2 x 2 picture, p = 1",
            array![[1.0, 2.0], [3.0, 4.0]],
            1,
        ))
        .check(case("p = 0 changes nothing", array![[5.0, -6.0, 7.0]], 0))
        .seeded(2, 21, move |draw| {
            let (h, w, p) = (
                draw.integer(1..=5),
                draw.integer(2..=6),
                draw.integer(1..=3),
            );
            case(&format!("{h} x {w} picture, p = {p}"), draw.array2(h, w), p)
        })
        .run()
}

/// Checks `fn count_parameters(channels, filters, f) -> usize`.
pub fn count_parameters(student: fn(usize, usize, usize) -> usize) -> Score {
    let case = move |name: &str, [c, n, f]: [usize; 3]| {
        Case::new(
            format!("{name}: {c} channels, {n} filters {f} x {f}"),
            move || student(c, n, f),
            n * (c * f * f + 1),
        )
        .mistake("Each filter has a bias too.", n * c * f * f)
        .mistake(
            "There is one bias a filter, not one in all.",
            n * c * f * f + 1,
        )
        .mistake(
            "A filter looks through every channel of its input.",
            n * (f * f + 1),
        )
        .mistake(
            "A filter has one bias, not one per channel.",
            n * c * (f * f + 1),
        )
        .mistake("A filter is f high and f wide: f * f.", n * (c * f + 1))
    };
    Exercise::new(&COUNT_PARAMETERS)
        .check(case("the lecture's layer", [3, 10, 5]))
        .check(case("a grey picture", [1, 6, 5]))
        .check(case("a 1 x 1 convolution", [64, 30, 1]))
        .check(case("AlexNet's first layer", [3, 96, 11]))
        .run()
}

/// One number for each window of `size x size`; what does not fill a window is left out.
fn pool(
    x: &Array2<f32>,
    size: usize,
    f: impl Fn(&mut dyn Iterator<Item = f32>) -> f32,
) -> Array2<f32> {
    Array2::from_shape_fn((x.nrows() / size, x.ncols() / size), |(i, j)| {
        let window = x.slice(s![i * size..(i + 1) * size, j * size..(j + 1) * size]);
        f(&mut window.iter().copied())
    })
}

fn largest(values: &mut dyn Iterator<Item = f32>) -> f32 {
    values.fold(f32::NEG_INFINITY, f32::max)
}

/// Pictures to pool: as in the lecture, below zero, with a rest, with windows of three.
fn pooling_cases(
    exercise: Exercise,
    case: impl Fn(&str, Array2<f32>, usize) -> Case<Array2<f32>> + Copy,
) -> Exercise {
    let lecture = array![
        [1.0, 1.0, 2.0, 4.0],
        [5.0, 6.0, 7.0, 8.0],
        [3.0, 2.0, 1.0, 0.0],
        [1.0, 2.0, 3.0, 4.0]
    ];
    let random = |draw: &mut Draw, h: usize, w: usize| draw.array2(h, w);
    exercise
        .check(case("4 x 4 numbers, windows of 2", lecture.clone(), 2))
        .check(case("nothing but negative numbers", lecture - 9.0, 2))
        .seeded(1, 31, move |draw| {
            case(
                "5 x 7 numbers: a row and a column are left over",
                random(draw, 5, 7),
                2,
            )
        })
        .seeded(1, 32, move |draw| {
            case("6 x 9 numbers, windows of 3", random(draw, 6, 9), 3)
        })
}

/// Checks `fn max_pool(x: &Array2<f32>, size: usize) -> Array2<f32>`.
pub fn max_pool(student: fn(&Array2<f32>, usize) -> Array2<f32>) -> Score {
    let case = move |name: &str, x: Array2<f32>, size: usize| {
        let right = pool(&x, size, largest);
        let from_zero = right.mapv(|v| v.max(0.0));
        let mean = pool(&x, size, |w| w.sum::<f32>() / (size * size) as f32);
        let smallest = pool(&x, size, |w| w.fold(f32::INFINITY, f32::min));
        let first = pool(&x, size, |w| w.next().unwrap_or(0.0));
        Case::new(name, move || student(&x, size), right)
            .mistake(
                "The search starts at 0, which is larger than every negative number: start at \
                 f32::NEG_INFINITY.",
                from_zero,
            )
            .mistake(
                "That is the mean of each window, not its largest value.",
                mean,
            )
            .mistake("That is the smallest value of each window.", smallest)
            .mistake("That is only the first value of each window.", first)
    };
    pooling_cases(Exercise::new(&MAX_POOL), case).run()
}

/// Checks `fn avg_pool(x: &Array2<f32>, size: usize) -> Array2<f32>`.
pub fn avg_pool(student: fn(&Array2<f32>, usize) -> Array2<f32>) -> Score {
    let case = move |name: &str, x: Array2<f32>, size: usize| {
        let sum = pool(&x, size, |w| w.sum());
        let right = &sum / (size * size) as f32;
        let by_width = &sum / size as f32;
        let top = pool(&x, size, largest);
        Case::new(name, move || student(&x, size), right)
            .mistake("That is the sum: divide by the number of values.", sum)
            .mistake("A window holds size * size values, not size.", by_width)
            .mistake("That is max pooling.", top)
    };
    pooling_cases(Exercise::new(&AVG_POOL), case).run()
}

/// Checks `fn im2col(x: &Array3<f32>, f: usize) -> Array2<f32>`: rows (channel, u, v), columns (i, j).
pub fn im2col(student: fn(&Array3<f32>, usize) -> Array2<f32>) -> Score {
    let case = move |name: &str, x: Array3<f32>, f: usize| {
        let (c, h, w) = x.dim();
        let (down, across) = (h - f + 1, w - f + 1);
        let build = |place: fn([usize; 5], [usize; 3]) -> (usize, usize)| {
            let mut columns = Array2::zeros((c * f * f, down * across));
            for (c, u, v) in ndarray::indices((c, f, f)) {
                for (i, j) in ndarray::indices((down, across)) {
                    let at = place([c, u, v, i, j], [f, down, across]);
                    columns[at] = x[[c, i + u, j + v]];
                }
            }
            columns
        };
        let right = build(|[c, u, v, i, j], [f, _, across]| ((c * f + u) * f + v, i * across + j));
        let patch = build(|[c, u, v, i, j], [f, _, across]| ((c * f + v) * f + u, i * across + j));
        let places = build(|[c, u, v, i, j], [f, down, _]| ((c * f + u) * f + v, j * down + i));
        let rows = right.t().to_owned();
        Case::new(name, move || student(&x, f), right)
            .mistake("Patches stand as rows: they should be columns.", rows)
            .mistake(
                "Inside a patch columns come before rows: the row number is (c * f + u) * f + v.",
                patch,
            )
            .mistake(
                "The places are counted column by column: count row by row, i * across + j.",
                places,
            )
    };
    let counted = Array3::from_shape_fn((1, 3, 3), |(_, i, j)| (3 * i + j + 1) as f32);
    Exercise::new(&IM2COL)
        .check(case("one channel of 3 x 3, f = 2", counted, 2))
        .seeded(1, 41, move |draw| {
            case("two channels of 4 x 5, f = 3", draw.array3(2, 4, 5), 3)
        })
        .seeded(1, 42, move |draw| {
            case("three channels of 2 x 3, f = 1", draw.array3(3, 2, 3), 1)
        })
        .seeded(1, 43, move |draw| {
            case("a filter as large as the picture", draw.array3(2, 3, 3), 3)
        })
        .run()
}

/// Checks `fn multiplications() -> (f64, f64)`: of one filter at one place, and of the layer.
pub fn multiplications(student: fn() -> (f64, f64)) -> Score {
    let one = 64.0 * 9.0;
    let all = one * 64.0 * 28.0 * 28.0;
    Exercise::new(&MULTIPLICATIONS)
        .check(
            Case::new("one filter at one place", move || student().0, one)
                .mistake("The filter looks through all 64 channels.", 9.0)
                .mistake("The bias is added, not multiplied.", one + 1.0),
        )
        .check(
            Case::new("the whole layer", move || student().1, all)
                .mistake("There are 64 filters.", one * 28.0 * 28.0)
                .mistake(
                    "The output has 28 x 28 places, not 30 x 30.",
                    one * 64.0 * 900.0,
                )
                .mistake("There are 28 x 28 places, not 28.", one * 64.0 * 28.0),
        )
        .run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::progress::in_test_folder;

    /// The right answer gets all points; each wrong one fewer, and its own message.
    fn judge<S: Copy>(check: impl Fn(S) -> Score, about: &About, right: S, wrong: &[(S, &str)]) {
        let score = in_test_folder(|| check(right));
        assert_eq!(score.points(), about.points, "{score}");
        for (student, said) in wrong {
            let score = in_test_folder(|| check(*student));
            let text = score.to_string();
            assert!(
                score.points() < about.points && text.contains(said),
                "{said}: {text}"
            );
        }
    }

    #[test]
    fn by_hand_knows_the_turned_filter() {
        judge::<fn() -> (f64, f64)>(
            by_hand,
            &BY_HAND,
            || (70.0, 30.0),
            &[
                (|| (45.0, 110.0), "turned"),
                (|| (140.0, 160.0), "its weight"),
                (|| (f64::NAN, 30.0), "top left"),
                (|| todo!(), "not written yet"),
            ],
        );
    }

    #[test]
    fn conv2d_knows_the_usual_slips() {
        type S = fn(&Array2<f32>, &Array2<f32>) -> Array2<f32>;
        let zeros: S = |x, k| Array2::zeros((x.nrows() - k.nrows() + 1, x.ncols() - k.ncols() + 1));
        judge::<S>(
            conv2d,
            &CONV2D,
            correlate,
            &[
                (|x, k| correlate(x, &turned(k)), "half a turn"),
                (|x, k| correlate(x, &k.t().to_owned()), "swapped"),
                (
                    |x, k| correlate(x, k) / k.len() as f32,
                    "mean of the products",
                ),
                (
                    |x, k| {
                        let (r, c) = k.dim();
                        Array2::from_shape_fn((x.nrows() - r + 1, x.ncols() - c + 1), |(i, j)| {
                            k[[r - 1, c - 1]] * x[[i + r - 1, j + c - 1]]
                        })
                    },
                    "Only the last product",
                ),
                (zeros, "expected"),
                (|_, _| todo!(), "not written yet"),
            ],
        );
    }

    #[test]
    fn any_filter_for_slashes_will_do_and_others_will_not() {
        type S = fn() -> Array2<f32>;
        let other: S = || array![[1.0, 1.0, 0.0], [1.0, 0.0, -1.0], [0.0, -1.0, -1.0]];
        assert_eq!(in_test_folder(|| slash_filter(other)).points(), 2.0);
        judge::<S>(
            slash_filter,
            &DESIGN,
            || array![[2.0, 1.0, 0.0], [1.0, 0.0, -1.0], [0.0, -1.0, -2.0]],
            &[
                (
                    || array![[-2.0, -1.0, 0.0], [-1.0, 0.0, 1.0], [0.0, 1.0, 2.0]],
                    "wrong way round",
                ),
                (
                    || array![[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]],
                    "it should give 0",
                ),
                (|| Array2::zeros((2, 2)), "(3, 3)"),
                (|| Array2::zeros((3, 3)), "it gives 0"),
                (|| Array2::from_elem((3, 3), f32::NAN), "NaN"),
                (|| todo!(), "not written yet"),
            ],
        );
    }

    #[test]
    fn sizes_are_rounded_only_when_asked() {
        judge::<fn() -> (f64, f64)>(
            stride_three,
            &STRIDE_THREE,
            || (3.0, 2.33),
            &[
                (|| (3.0, 2.0), "Do not round"),
                (|| (2.0, 1.33), "+ 1."),
                (|| todo!(), "not written yet"),
            ],
        );
        type S = fn(usize, usize, usize, usize) -> usize;
        judge::<S>(
            output_size,
            &OUTPUT_SIZE,
            |n, f, s, p| (n + 2 * p - f) / s + 1,
            &[
                (|n, f, s, p| (n + 2 * p - f) / s, "+ 1."),
                (|n, f, s, p| (n + p).saturating_sub(f) / s + 1, "both sides"),
                (|n, f, s, p| (n + 2 * p - f).div_ceil(s) + 1, "round down"),
                (|_, _, _, _| todo!(), "not written yet"),
            ],
        );
    }

    #[test]
    fn a_frame_of_zeros_goes_all_around() {
        type S = fn(&Array2<f32>, usize) -> Array2<f32>;
        fn at(x: &Array2<f32>, top: usize, p: usize) -> Array2<f32> {
            let (h, w) = x.dim();
            let mut y = Array2::zeros((h + 2 * p, w + 2 * p));
            y.slice_mut(s![top..top + h, top..top + w]).assign(x);
            y
        }
        judge::<S>(
            zero_pad,
            &ZERO_PAD,
            |x, p| at(x, p, p),
            &[
                (|x, p| at(x, 0, p), "in the corner"),
                (
                    |x, p| {
                        at(x, p, p)
                            .slice(s![..x.nrows() + p, ..x.ncols() + p])
                            .to_owned()
                    },
                    "2 * p",
                ),
                (
                    |x, p| {
                        let (h, w) = x.dim();
                        Array2::from_shape_fn((h + 2 * p, w + 2 * p), |(i, j)| {
                            x[[
                                i.saturating_sub(p).min(h - 1),
                                j.saturating_sub(p).min(w - 1),
                            ]]
                        })
                    },
                    "repeats the border",
                ),
                (|x, _| x.clone(), "expected"),
                (|_, _| todo!(), "not written yet"),
            ],
        );
    }

    #[test]
    fn parameters_are_weights_and_biases() {
        type S = fn(usize, usize, usize) -> usize;
        judge::<S>(
            count_parameters,
            &COUNT_PARAMETERS,
            |c, n, f| n * (c * f * f + 1),
            &[
                (|c, n, f| n * c * f * f, "has a bias too"),
                (|c, n, f| n * c * f * f + 1, "not one in all"),
                (|_, n, f| n * (f * f + 1), "every channel"),
                (|c, n, f| n * c * (f * f + 1), "not one per channel"),
                (|_, _, _| todo!(), "not written yet"),
            ],
        );
    }

    #[test]
    fn multiplications_count_channels_filters_and_places() {
        let all = 576.0 * 64.0 * 784.0;
        judge::<fn() -> (f64, f64)>(
            multiplications,
            &MULTIPLICATIONS,
            || (576.0, 576.0 * 64.0 * 784.0),
            &[
                (|| (9.0, 576.0 * 64.0 * 784.0), "all 64 channels"),
                (|| (576.0, 576.0 * 784.0), "There are 64 filters"),
                (|| (576.0, 576.0 * 64.0 * 900.0), "not 30 x 30"),
                (|| todo!(), "not written yet"),
            ],
        );
        assert_eq!(all, 28_901_376.0);
    }

    #[test]
    fn pooling_knows_its_other_kinds() {
        type S = fn(&Array2<f32>, usize) -> Array2<f32>;
        fn sums(x: &Array2<f32>, n: usize) -> Array2<f32> {
            pool(x, n, |w| w.sum())
        }
        judge::<S>(
            max_pool,
            &MAX_POOL,
            |x, n| pool(x, n, largest),
            &[
                (
                    |x, n| pool(x, n, largest).mapv(|v| v.max(0.0)),
                    "starts at 0",
                ),
                (|x, n| sums(x, n) / (n * n) as f32, "mean of each window"),
                (
                    |x, n| pool(x, n, |w| w.fold(f32::INFINITY, f32::min)),
                    "smallest",
                ),
                (|_, _| todo!(), "not written yet"),
            ],
        );
        judge::<S>(
            avg_pool,
            &AVG_POOL,
            |x, n| sums(x, n) / (n * n) as f32,
            &[
                (sums, "That is the sum"),
                (|x, n| sums(x, n) / n as f32, "size * size values"),
                (|x, n| pool(x, n, largest), "max pooling"),
                (|_, _| todo!(), "not written yet"),
            ],
        );
    }

    #[test]
    fn im2col_knows_rows_from_columns() {
        type S = fn(&Array3<f32>, usize) -> Array2<f32>;
        fn columns(x: &Array3<f32>, f: usize, places_first: bool, turned: bool) -> Array2<f32> {
            let (c, h, w) = x.dim();
            let (down, across) = (h - f + 1, w - f + 1);
            let mut y = Array2::zeros((c * f * f, down * across));
            for (c, u, v) in ndarray::indices((c, f, f)) {
                for (i, j) in ndarray::indices((down, across)) {
                    let row = if turned {
                        (c * f + v) * f + u
                    } else {
                        (c * f + u) * f + v
                    };
                    let column = if places_first {
                        j * down + i
                    } else {
                        i * across + j
                    };
                    y[[row, column]] = x[[c, i + u, j + v]];
                }
            }
            y
        }
        judge::<S>(
            im2col,
            &IM2COL,
            |x, f| columns(x, f, false, false),
            &[
                (
                    |x, f| columns(x, f, false, false).reversed_axes(),
                    "stand as rows",
                ),
                (
                    |x, f| columns(x, f, false, true),
                    "columns come before rows",
                ),
                (|x, f| columns(x, f, true, false), "column by column"),
                (|_, _| todo!(), "not written yet"),
            ],
        );
    }
}
