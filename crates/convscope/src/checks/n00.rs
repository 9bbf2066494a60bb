//! The checks of notebook 00, Welcome.
//!
//! They take plain function pointers, so that they are compiled here and not in a student's cell.

use crate::check::{About, Case, Draw, Exercise, Score};
use ndarray::{Array2, Array3, Axis, array};

pub(crate) const ALL: &[&About] = &[
    &BRIGHTNESS,
    &NUMBERS,
    &CHECKERBOARD,
    &BRIGHTEN,
    &GREY,
    &PARTIAL_CREDIT,
];

static BRIGHTNESS: About = About::new(
    "00-brightness",
    "How bright is a picture?",
    2.0,
    [
        "Two things are needed, what all the values add up to and how many there are, and an array \
         knows both about itself.",
        "`image.sum()` is an `f32`, `image.len()` is a `usize`. Rust divides only numbers of one \
         type: turn the second into an `f32` with `as f32`.",
    ],
);

static NUMBERS: About = About::new(
    "00-numbers",
    "Numbers in a batch",
    1.0,
    [
        "How many pixels has one picture? And how many numbers does one pixel of a colour picture \
         take?",
        "An array has as many numbers as its sizes multiplied: write down the shape [channels, \
         height, width] of one picture, and [batch, channels, height, width] of them all.",
    ],
);

static CHECKERBOARD: About = About::new(
    "00-checkerboard",
    "A checkerboard",
    3.0,
    [
        "The pixel in this row belongs to the tile number `row / tile` from the top. Which tile is \
         it from the left? And what do the two numbers tell you about black and white?",
        "A step down changes the colour, and so does a step right; a step down and a step right \
         change it twice. So count the steps together: is their sum even (black) or odd (white)?",
    ],
);

static BRIGHTEN: About = About::new(
    "00-brighten",
    "Brighten and clamp",
    2.0,
    [
        "Begin with `let mut brighter = image.clone();`, change each of its values, and return it in \
         the last line. `for value in brighter.iter_mut() { ... }` goes through all values; `*value` \
         is the number itself.",
        "First add, then clamp, so that also the sum stays within 0 and 1: what is `(x + \
         amount).clamp(0.0, 1.0)` for x = 0.9 and amount = 0.3?",
    ],
);

static GREY: About = About::new(
    "00-grey",
    "From colour to grey",
    3.0,
    [
        "The three values of a pixel stand at `photo[[0, row, column]]`, `photo[[1, row, column]]` \
         and `photo[[2, row, column]]`: red, green, blue.",
        "Each value times its own weight, and the three products added up. If one colour comes out \
         wrong, compare its weight and its channel with the formula.",
    ],
);

static PARTIAL_CREDIT: About = About::new(
    "00-partial-credit",
    "Points for a part",
    1.0,
    [
        "An exercise's points are shared out evenly among the cases that its check tries.",
        "What is one case worth when 8 cases share 3 points? And does a worse attempt take \
         anything away from a better one?",
    ],
);

/// Checks `fn brightness(image: &Array2<f32>) -> f32`, the mean of all values.
pub fn brightness(student: fn(&Array2<f32>) -> f32) -> Score {
    let case = move |name: &str, image: Array2<f32>| {
        let (height, width) = image.dim();
        let sum = image.sum();
        let largest = image.fold(f32::NEG_INFINITY, |best, &v| best.max(v));
        let first = image[[0, 0]];
        Case::new(name, move || student(&image), sum / (height * width) as f32)
            .mistake(
                "That is the sum: divide it by how many values there are.",
                sum,
            )
            .mistake(
                "That is the sum divided by the number of rows: divide by the number of all values.",
                sum / height as f32,
            )
            .mistake(
                "That is the sum divided by the number of columns: divide by the number of all \
                 values.",
                sum / width as f32,
            )
            .mistake("That is the brightest value, not the mean.", largest)
            .mistake("That is the first value, not the mean.", first)
    };
    Exercise::new(&BRIGHTNESS)
        .check(case(
            "half black, half white",
            array![[0.0, 1.0], [1.0, 0.0]],
        ))
        .check(case("a single pixel of 0.25", array![[0.25]]))
        .check(case("a row of three", array![[0.0, 0.5, 0.25]]))
        .seeded(3, 1, move |draw| {
            let (height, width) = (draw.integer(2..=9), draw.integer(2..=9));
            let name = format!("{height} x {width} values drawn at random");
            case(&name, values(draw, height, width))
        })
        .run()
}

/// Checks `fn numbers_in_the_batch() -> (f64, f64)`: how many numbers there are in one picture
/// `[3, 20, 30]` and in 32 of them.
pub fn numbers(student: fn() -> (f64, f64)) -> Score {
    let [batch, channels, height, width] = [32.0, 3.0, 20.0, 30.0];
    let colours = "A colour picture has three channels, and each has all the pixels.";
    Exercise::new(&NUMBERS)
        .check(
            Case::new(
                "one picture",
                move || student().0,
                channels * height * width,
            )
            .mistake(colours, height * width)
            .mistake(
                "Multiply the sizes, do not add them.",
                channels + height + width,
            ),
        )
        .check(
            Case::new(
                "the batch",
                move || student().1,
                batch * channels * height * width,
            )
            .mistake(colours, batch * height * width)
            .mistake(
                "That is one picture: there are 32.",
                channels * height * width,
            )
            .mistake(
                "Multiply the sizes, do not add them.",
                batch + channels + height + width,
            ),
        )
        .run()
}

/// Checks `fn checkerboard(size: usize, tile: usize) -> Array2<f32>`, black in the upper left.
pub fn checkerboard(student: fn(usize, usize) -> Array2<f32>) -> Score {
    let case = move |size: usize, tile: usize| {
        let board = |white: fn(usize, usize, usize) -> usize| {
            Array2::from_shape_fn((size, size), |(row, column)| {
                white(row, column, tile) as f32
            })
        };
        Case::new(
            format!("size {size}, tile {tile}"),
            move || student(size, tile),
            board(|r, c, t| (r / t + c / t) % 2),
        )
        .mistake(
            "Black and white are swapped: the upper left tile is black, 0.",
            board(|r, c, t| (r / t + c / t + 1) % 2),
        )
        .mistake(
            "Your tiles are single pixels: divide the row and the column by `tile` first.",
            board(|r, c, _| (r + c) % 2),
        )
        .mistake(
            "These are stripes across: the column matters too.",
            board(|r, _, t| r / t % 2),
        )
        .mistake(
            "These are stripes down: the row matters too.",
            board(|_, c, t| c / t % 2),
        )
        .mistake(
            "White only where both tile numbers are odd: add them, do not multiply.",
            board(|r, c, t| (r / t) * (c / t) % 2),
        )
        .mistake(
            "Row and column are added before they are divided, which makes diagonal bands: divide \
             each of them first.",
            board(|r, c, t| (r + c) / t % 2),
        )
        .mistake(
            "That is the remainder within a tile: `/` tells which tile it is, `%` how far inside.",
            board(|r, c, t| (r % t + c % t) % 2),
        )
        .mistake("All is black still.", board(|_, _, _| 0))
    };
    Exercise::new(&CHECKERBOARD)
        .check(case(4, 1))
        .check(case(6, 2))
        .check(case(9, 3))
        .check(case(5, 2))
        .check(case(1, 4))
        .seeded(2, 2, move |draw| {
            let tile = draw.integer(2..=4);
            case(draw.integer(tile + 1..=16), tile)
        })
        .run()
}

/// Checks `fn brighten(image: &Array2<f32>, amount: f32) -> Array2<f32>`, clamped to 0 to 1.
pub fn brighten(student: fn(&Array2<f32>, f32) -> Array2<f32>) -> Score {
    let case = move |name: String, image: Array2<f32>, amount: f32| {
        let with = |f: &dyn Fn(f32) -> f32| image.mapv(f);
        let right = with(&|v| (v + amount).clamp(0.0, 1.0));
        let mistakes = [
            (
                "Some values lie outside 0 to 1: clamp them, at both ends.",
                with(&|v| v + amount),
            ),
            (
                "Values that leave the scale come in again at its other end, as bytes do: clamp \
                 them.",
                with(&|v| (v + amount).rem_euclid(1.0)),
            ),
            (
                "That is clamped before the amount is added: add first.",
                with(&|v| v.clamp(0.0, 1.0) + amount),
            ),
            (
                "The values are multiplied: add the amount.",
                with(&|v| (v * (1.0 + amount)).clamp(0.0, 1.0)),
            ),
            (
                "The amount is taken away where it should be added.",
                with(&|v| (v - amount).clamp(0.0, 1.0)),
            ),
            (
                "The picture comes back unchanged: is it the copy that you change and return?",
                image.clone(),
            ),
        ];
        let mut case = Case::new(name, move || student(&image, amount), right);
        for (message, value) in mistakes {
            case = case.mistake(message, value);
        }
        case
    };
    let scale = array![[0.0, 0.25, 0.5], [0.75, 0.875, 1.0]];
    let darker = scale.clone();
    let mut exercise = Exercise::new(&BRIGHTEN)
        .check(case("a scale of grey, amount 0.25".into(), scale, 0.25))
        .check(case("a scale of grey, amount -0.5".into(), darker, -0.5))
        .check(case("one white pixel, amount 2".into(), array![[1.0]], 2.0));
    for (seed, amount) in [(31, 0.5), (32, -0.25), (33, 0.0)] {
        exercise = exercise.seeded(1, seed, move |draw| {
            let (height, width) = (draw.integer(2..=6), draw.integer(2..=6));
            let name = format!("{height} x {width} values drawn at random, amount {amount}");
            case(name, values(draw, height, width), amount)
        });
    }
    exercise.run()
}

/// Checks `fn grey(photo: &Array3<f32>) -> Array2<f32>` with the weights of ITU-R BT.601; a
/// thousandth off is right, as published weights differ in their last digit.
pub fn grey(student: fn(&Array3<f32>) -> Array2<f32>) -> Score {
    let case = move |name: String, photo: Array3<f32>| {
        let weighted = |weights: [f32; 3]| {
            let channel = |c: usize| photo.index_axis(Axis(0), c).mapv(|v| v * weights[c]);
            channel(0) + channel(1) + channel(2)
        };
        let third = 1.0 / 3.0;
        let mistakes = [
            (
                "That is the plain mean: each colour has a weight of its own.",
                weighted([third; 3]),
            ),
            (
                "Red and blue are swapped: channel 0 is red.",
                weighted([0.114, 0.587, 0.299]),
            ),
            (
                "That is the sum without weights.",
                weighted([1.0, 1.0, 1.0]),
            ),
            ("That is the red channel alone.", weighted([1.0, 0.0, 0.0])),
            (
                "That is the green channel alone.",
                weighted([0.0, 1.0, 0.0]),
            ),
            ("That is the blue channel alone.", weighted([0.0, 0.0, 1.0])),
            (
                "The weighted sum is divided by 3: the weights add up to 1 already.",
                weighted([0.299 * third, 0.587 * third, 0.114 * third]),
            ),
            (
                "Those are the weights of high-definition television (BT.709): here it is BT.601.",
                weighted([0.2126, 0.7152, 0.0722]),
            ),
        ];
        let right = weighted([0.299, 0.587, 0.114]);
        let mut case = Case::new(name, move || student(&photo), right).tolerance(1e-3, 0.0);
        for (message, value) in mistakes {
            case = case.mistake(message, value);
        }
        case
    };
    let at_random = move |draw: &mut Draw, height: usize, width: usize| {
        let photo = draw.array3(3, height, width).mapv(|v| v.abs() / 2.0);
        let name = format!("a picture [3, {height}, {width}] drawn at random");
        case(name, photo)
    };
    let pure = |channel: usize| {
        let mut photo = Array3::zeros((3, 1, 2));
        photo.index_axis_mut(Axis(0), channel).fill(1.0);
        photo
    };
    Exercise::new(&GREY)
        .check(case("two pixels of pure red".into(), pure(0)))
        .check(case("two pixels of pure green".into(), pure(1)))
        .check(case("two pixels of pure blue".into(), pure(2)))
        .check(case("white stays white".into(), Array3::ones((3, 2, 2))))
        .seeded(1, 4, move |draw| at_random(draw, 2, 5))
        .seeded(1, 5, move |draw| at_random(draw, 4, 3))
        .run()
}

/// Checks `fn points() -> (f64, f64)`: what 6 of 8 cases give of 3 points, and what counts after
/// another attempt with 4 of 8.
pub fn partial_credit(student: fn() -> (f64, f64)) -> Score {
    let [first, second] = [3.0 * 6.0 / 8.0, 3.0 * 4.0 / 8.0];
    Exercise::new(&PARTIAL_CREDIT)
        .check(
            Case::new("after the first attempt", move || student().0, first)
                .mistake(
                    "That is the share of the cases: how many points is it?",
                    0.75,
                )
                .mistake("Some cases passed: there is something for them.", 0.0)
                .mistake("Not all cases passed: not all the points are there.", 3.0),
        )
        .check(
            Case::new("after the second attempt", move || student().1, first)
                .mistake(
                    "That is what the second attempt gives. The best attempt counts.",
                    second,
                )
                .mistake("Points of several attempts are not added.", first + second),
        )
        .run()
}

/// A picture with values from 0 to 1.
fn values(draw: &mut Draw, height: usize, width: usize) -> Array2<f32> {
    draw.array2(height, width).mapv(|v| v.abs() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::progress::in_test_folder;

    type Draws = fn(usize, usize) -> Array2<f32>;
    type Changes = fn(&Array2<f32>, f32) -> Array2<f32>;
    type Greys = fn(&Array3<f32>) -> Array2<f32>;

    /// The points, and what the student reads.
    fn outcome(check: impl FnOnce() -> Score) -> (f64, String) {
        let score = in_test_folder(check);
        (score.points(), score.to_string())
    }

    #[track_caller]
    fn passes(check: impl FnOnce() -> Score, about: &About) {
        let (points, text) = outcome(check);
        assert_eq!(points, about.points, "{text}");
    }

    #[track_caller]
    fn fails_with(message: &str, check: impl FnOnce() -> Score) {
        let (points, text) = outcome(check);
        assert!(points < 2.0 && text.contains(message), "{text}");
    }

    #[track_caller]
    fn is_open(check: impl FnOnce() -> Score) {
        let (points, text) = outcome(check);
        assert_eq!(points, 0.0, "{text}");
        assert!(text.contains("not written yet"), "{text}");
    }

    #[test]
    fn brightness_is_the_mean_and_neither_sum_nor_largest() {
        passes(
            || brightness(|image| image.sum() / image.len() as f32),
            &BRIGHTNESS,
        );
        passes(|| brightness(|image| image.mean().unwrap()), &BRIGHTNESS);
        fails_with("That is the sum:", || brightness(|image| image.sum()));
        fails_with("number of rows", || {
            brightness(|image| image.sum() / image.nrows() as f32)
        });
        fails_with("number of columns", || {
            brightness(|image| image.sum() / image.ncols() as f32)
        });
        fails_with("brightest", || {
            brightness(|image| image.fold(0.0, |a, &b| b.max(a)))
        });
        fails_with("first value", || brightness(|image| image[[0, 0]]));
        is_open(|| brightness(|_| todo!("write it")));
    }

    #[test]
    fn numbers_are_products_of_all_sizes() {
        passes(|| numbers(|| (1800.0, 57_600.0)), &NUMBERS);
        fails_with("three channels", || numbers(|| (600.0, 19_200.0)));
        fails_with("there are 32", || numbers(|| (1800.0, 1800.0)));
        fails_with("do not add", || numbers(|| (53.0, 85.0)));
        fails_with("NaN", || numbers(|| (f64::NAN, f64::NAN)));
        is_open(|| numbers(|| todo!()));
    }

    #[test]
    fn a_checkerboard_has_square_tiles_and_begins_with_black() {
        fn board(size: usize, tile: usize, white: fn(usize, usize, usize) -> usize) -> Array2<f32> {
            Array2::from_shape_fn((size, size), |(r, c)| white(r, c, tile) as f32)
        }
        passes(
            || checkerboard(|n, t| board(n, t, |r, c, t| (r / t + c / t) % 2)),
            &CHECKERBOARD,
        );
        let wrong: [(Draws, &str); 8] = [
            (
                |n, t| board(n, t, |r, c, t| (r / t + c / t + 1) % 2),
                "swapped",
            ),
            (|n, t| board(n, t, |r, c, _| (r + c) % 2), "single pixels"),
            (|n, t| board(n, t, |r, _, t| r / t % 2), "stripes across"),
            (|n, t| board(n, t, |_, c, t| c / t % 2), "stripes down"),
            (
                |n, t| board(n, t, |r, c, t| (r / t) * (c / t) % 2),
                "do not multiply",
            ),
            (|n, t| board(n, t, |r, c, t| (r + c) / t % 2), "diagonal"),
            (
                |n, t| board(n, t, |r, c, t| (r % t + c % t) % 2),
                "remainder",
            ),
            (|n, _| Array2::zeros((n, n)), "black still"),
        ];
        for (student, message) in wrong {
            fails_with(message, || checkerboard(student));
        }
        is_open(|| checkerboard(|_, _| todo!("write it")));
    }

    #[test]
    fn brightening_adds_and_clamps_at_both_ends() {
        passes(
            || brighten(|image, a| image.mapv(|v| (v + a).clamp(0.0, 1.0))),
            &BRIGHTEN,
        );
        let wrong: [(Changes, &str); 7] = [
            (|image, a| image + a, "at both ends"),
            (|image, a| image.mapv(|v| (v + a).min(1.0)), "at both ends"),
            (|image, a| image.mapv(|v| (v + a).max(0.0)), "at both ends"),
            (
                |image, a| image.mapv(|v| (v + a).rem_euclid(1.0)),
                "other end",
            ),
            (
                |image, a| image.mapv(|v| (v * (1.0 + a)).clamp(0.0, 1.0)),
                "multiplied",
            ),
            (
                |image, a| image.mapv(|v| (v - a).clamp(0.0, 1.0)),
                "taken away",
            ),
            (|image, _| image.clone(), "unchanged"),
        ];
        for (student, message) in wrong {
            fails_with(message, || brighten(student));
        }
        is_open(|| brighten(|_, _| todo!("write it")));
    }

    #[test]
    fn grey_has_the_weights_of_bt_601_in_the_order_red_green_blue() {
        fn weighted(photo: &Array3<f32>, weights: [f32; 3]) -> Array2<f32> {
            let (_, height, width) = photo.dim();
            Array2::from_shape_fn((height, width), |(r, c)| {
                (0..3).map(|k| weights[k] * photo[[k, r, c]]).sum()
            })
        }
        passes(|| grey(|p| weighted(p, [0.299, 0.587, 0.114])), &GREY);
        passes(|| grey(|p| weighted(p, [0.2989, 0.587, 0.114])), &GREY);
        let wrong: [(Greys, &str); 7] = [
            (|p| p.mean_axis(Axis(0)).unwrap(), "plain mean"),
            (|p| weighted(p, [0.114, 0.587, 0.299]), "swapped"),
            (|p| p.sum_axis(Axis(0)), "without weights"),
            (|p| weighted(p, [0.0, 1.0, 0.0]), "green channel alone"),
            (|p| weighted(p, [0.0997, 0.1957, 0.038]), "divided by 3"),
            (|p| weighted(p, [0.2126, 0.7152, 0.0722]), "BT.709"),
            (
                |p| weighted(p, [0.299, 0.587, 0.114]).reversed_axes(),
                "shape [",
            ),
        ];
        for (student, message) in wrong {
            let (points, text) = outcome(|| grey(student));
            assert!(points < 3.0 && text.contains(message), "{text}");
        }
        is_open(|| grey(|_| todo!("write it")));
    }

    #[test]
    fn points_for_a_part_are_a_share_and_the_best_attempt_counts() {
        passes(|| partial_credit(|| (2.25, 2.25)), &PARTIAL_CREDIT);
        fails_with("share of the cases", || partial_credit(|| (0.75, 0.75)));
        fails_with("best attempt counts", || partial_credit(|| (2.25, 1.5)));
        is_open(|| partial_credit(|| todo!()));
    }

    /// The numbers that the question is about, from the framework itself.
    #[test]
    fn the_framework_shares_points_out_as_the_question_says() {
        static EXAMPLE: About = About::new("96-example", "Example", 3.0, ["", ""]);
        let attempt = |right: usize| {
            let mut exercise = Exercise::new(&EXAMPLE);
            for i in 0..8 {
                exercise = exercise.case(format!("{i}"), move || i < right, true);
            }
            exercise.run()
        };
        in_test_folder(|| {
            assert_eq!(attempt(6).points(), 2.25);
            assert_eq!(attempt(4).points(), 1.5);
            let record = crate::check::progress::read("96").unwrap();
            assert_eq!(record.exercises["96-example"].best, 2.25);
        });
    }
}
