//! The checks of notebook 17, Where is it?

use crate::check::{About, Case, Exercise, Score};
use ndarray::{Array2, array};

pub(crate) const ALL: &[&About] = &[
    &BOX_OF, &CORNERS, &SHARES, &OVERLAP, &SHIFTED, &OUTPUTS, &BOX_FOR, &L2, &SMOOTH_L1, &LOCALISED,
];

type Corners = [f64; 4];

static BOX_OF: About = About::new(
    "17-box-of",
    "The box around a mask",
    2.0,
    [
        "Go over all pixels that are 1. Keep the smallest and the largest x and y. Right and bottom are \
         just outside: the largest plus 1.",
        "left = left.min(x); top = top.min(y); right = right.max(x + 1); bottom = bottom.max(y + 1); begin \
         with left = width, top = height, right = 0, bottom = 0.",
    ],
);

fn around(mask: &Array2<u8>) -> [usize; 4] {
    let (height, width) = mask.dim();
    let mut found = [width, height, 0, 0];
    for ((y, x), _) in mask.indexed_iter().filter(|(_, m)| **m == 1) {
        found[0] = found[0].min(x);
        found[1] = found[1].min(y);
        found[2] = found[2].max(x + 1);
        found[3] = found[3].max(y + 1);
    }
    found
}

/// Checks `fn box_of(mask: Array2<u8>) -> [usize; 4]`: left, top, right, bottom.
pub fn box_of(student: impl Fn(Array2<u8>) -> [usize; 4] + Copy + Send + 'static) -> Score {
    let case = move |name: &str, mask: Array2<u8>| {
        let right = around(&mask);
        let [l, t, r, b] = right;
        let got = move || student(mask.clone());
        Case::new(name, got, right)
            .mistake(
                "x counts columns, y counts rows: left comes first, then top.",
                [t, l, b, r],
            )
            .mistake(
                "Right and bottom are just outside: one more than the last pixel.",
                [l, t, r - 1, b - 1],
            )
            .mistake("That is left, top, width, height.", [l, t, r - l, b - t])
    };
    let mask = array![
        [0, 0, 0, 0, 0],
        [0, 0, 0, 1, 0],
        [0, 1, 1, 1, 0],
        [0, 0, 0, 1, 0]
    ];
    let mut one = Array2::zeros((3, 6));
    one[[2, 0]] = 1;
    Exercise::new(&BOX_OF)
        .check(case("a mask of 4x5", mask))
        .check(case("one pixel", one))
        .check(case("all pixels of 2x3", Array2::ones((2, 3))))
        .seeded(2, 1701, move |draw| {
            let mut mask = Array2::zeros((draw.integer(6..=9), draw.integer(10..=14)));
            for _ in 0..4 {
                mask[[draw.integer(1..=5), draw.integer(1..=9)]] = 1;
            }
            let (height, width) = mask.dim();
            case(&format!("four drawn pixels of {height}x{width}"), mask)
        })
        .run()
}

static CORNERS: About = About::new(
    "17-corners",
    "From the middle to the corners",
    2.0,
    [
        "Left is half a width to the left of the middle, right half a width to the right. The same with \
         the height.",
        "let [cx, cy, w, h] = middle; then [cx - w / 2.0, cy - h / 2.0, cx + w / 2.0, cy + h / 2.0].",
    ],
);

/// Checks `fn corners(middle: [f64; 4]) -> [f64; 4]`.
pub fn corners(student: impl Fn(Corners) -> Corners + Copy + Send + 'static) -> Score {
    let case = move |middle: Corners| {
        let [cx, cy, w, h] = middle;
        let right = [cx - w / 2.0, cy - h / 2.0, cx + w / 2.0, cy + h / 2.0];
        let name = format!("middle ({cx:.1}, {cy:.1}), {w:.1} wide, {h:.1} high");
        Case::new(name, move || student(middle), right)
            .mistake(
                "Half the width to each side, not the whole.",
                [cx - w, cy - h, cx + w, cy + h],
            )
            .mistake(
                "The first two numbers are the middle, not the corner.",
                [cx, cy, cx + w, cy + h],
            )
            .mistake(
                "The width goes with x, the height with y.",
                [cx - h / 2.0, cy - w / 2.0, cx + h / 2.0, cy + w / 2.0],
            )
            .mistake(
                "The order is left, top, right, bottom.",
                [cx - w / 2.0, cx + w / 2.0, cy - h / 2.0, cy + h / 2.0],
            )
    };
    Exercise::new(&CORNERS)
        .check(case([20.0, 6.0, 20.0, 4.0]))
        .check(case([5.5, 9.0, 3.0, 10.0]))
        .seeded(2, 1702, move |draw| {
            let (w, h) = (draw.number(2.0..=8.0), draw.number(9.0..=14.0));
            case([draw.number(10.0..=20.0), draw.number(21.0..=30.0), w, h])
        })
        .run()
}

static SHARES: About = About::new(
    "17-shares",
    "Shares of the image",
    1.0,
    [
        "Left and right are divided by the width, top and bottom by the height.",
        "let [l, t, r, b] = corners; then [l / width, t / height, r / width, b / height].",
    ],
);

/// Checks `fn shares(corners: [f64; 4], height: f64, width: f64) -> [f64; 4]`.
pub fn shares(student: impl Fn(Corners, f64, f64) -> Corners + Copy + Send + 'static) -> Score {
    let case = move |[l, t, r, b]: Corners, height: f64, width: f64| {
        let name = format!("an image {height} high and {width} wide");
        let right = [l / width, t / height, r / width, b / height];
        Case::new(name, move || student([l, t, r, b], height, width), right)
            .mistake(
                "x is a share of the width, y of the height.",
                [l / height, t / width, r / height, b / width],
            )
            .mistake(
                "Top and bottom are shares of the height.",
                [l / width, t / width, r / width, b / width],
            )
            .mistake(
                "The order stays left, top, right, bottom.",
                [l / width, r / width, t / height, b / height],
            )
    };
    Exercise::new(&SHARES)
        .check(case([10.0, 4.0, 30.0, 8.0], 20.0, 40.0))
        .seeded(2, 1703, move |draw| {
            let (l, t) = (draw.number(1.0..=10.0), draw.number(11.0..=15.0));
            let (r, b) = (draw.number(20.0..=30.0), draw.number(31.0..=40.0));
            let height = draw.integer(40..=60) as f64;
            case([l, t, r, b], height, draw.integer(70..=90) as f64)
        })
        .run()
}

static OVERLAP: About = About::new(
    "17-overlap",
    "Intersection over union",
    3.0,
    [
        "The intersection begins where the later of the two begins, and ends where the earlier ends. If \
         that is no box, it is 0. The union is both areas, less the intersection.",
        "let w = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0); the same for h with 3 and 1; then w * h / \
         (area_a + area_b - w * h).",
    ],
);

fn intersection_over_union(a: Corners, b: Corners) -> f64 {
    convscope_nn::intersection_over_union(a, b).unwrap_or(f64::NAN)
}

/// Checks `fn overlap(a: [f64; 4], b: [f64; 4]) -> f64`.
pub fn overlap(student: impl Fn(Corners, Corners) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: &str, a: Corners, b: Corners| {
        let side = |k: usize| a[k + 2].min(b[k + 2]) - a[k].max(b[k]);
        let area = |[l, t, r, b]: Corners| (r - l) * (b - t);
        let (w, h) = (side(0), side(1));
        let shared = w.max(0.0) * h.max(0.0);
        let both = area(a) + area(b);
        Case::new(name, move || student(a, b), intersection_over_union(a, b))
            .mistake(
                "The union counts the intersection once: take it off the sum of the areas.",
                shared / both,
            )
            .mistake(
                "Where boxes lie apart, the side of the intersection is 0, not negative: .max(0.0).",
                w * h / (both - w * h),
            )
            .mistake("That is the intersection. Divide it by the union.", shared)
            .mistake("Divide by the union of both, not by the second's area.", shared / area(b))
            .mistake("Divide by the union of both, not by the first's area.", shared / area(a))
    };
    let a = [2.0, 2.0, 10.0, 8.0];
    Exercise::new(&OVERLAP)
        .check(case("two that overlap", a, [6.0, 4.0, 14.0, 12.0]))
        .check(case("one inside the other", a, [3.0, 3.0, 5.0, 6.0]))
        .check(case("a box and itself", a, a))
        .check(case("side by side, with a gap", a, [12.0, 2.0, 20.0, 8.0]))
        .check(case("apart in both directions", a, [13.0, 9.0, 20.0, 12.0]))
        .seeded(3, 1704, move |draw| {
            let mut one = || {
                let (l, t) = (draw.number(0.0..=10.0), draw.number(0.0..=10.0));
                [
                    l,
                    t,
                    l + draw.number(5.0..=15.0),
                    t + draw.number(5.0..=15.0),
                ]
            };
            let (a, b) = (one(), one());
            case("two drawn boxes", a, b)
        })
        .run()
}

static SHIFTED: About = About::new(
    "17-shifted",
    "Half a box aside",
    1.0,
    [
        "Draw it. The two share half of each: what is their intersection, and what do both cover?",
        "50 pixels are shared. Both cover 100 + 100 - 50.",
    ],
);

/// Checks the overlap of a box of 10x10 with itself, shifted by 5.
pub fn shifted(student: impl Fn() -> f64 + Copy + Send + 'static) -> Score {
    Exercise::new(&SHIFTED)
        .tolerance(1e-3, 1e-3)
        .check(
            Case::new("your answer", student, 1.0 / 3.0)
                .mistake("That is the share of one box. What is the union?", 0.5)
                .mistake("The union counts the shared part once: 150, not 200.", 0.25),
        )
        .property("it is a share", move || match student() {
            v if v > 0.0 && v < 1.0 => Ok(()),
            v => Err(format!("{v} does not lie between 0 and 1")),
        })
        .run()
}

static OUTPUTS: About = About::new(
    "17-outputs",
    "How many numbers?",
    1.0,
    [
        "There is a number for each class, and beside them one box, or a box for each class.",
        "Agnostic: 8 + 4. Per class: 8 + 8 * 4.",
    ],
);

/// Checks how many numbers a detector of 8 classes puts out: agnostic, per class.
pub fn outputs(student: impl Fn() -> [usize; 2] + Copy + Send + 'static) -> Score {
    Exercise::new(&OUTPUTS)
        .check(
            Case::new("[agnostic, per class]", student, [12, 40])
                .mistake("The classes' own numbers are missing.", [4, 32])
                .mistake("First the agnostic one, then the one per class.", [40, 12])
                .mistake("Each class has four numbers of its own.", [12, 12]),
        )
        .property("per class has more", move || {
            let [agnostic, per_class] = student();
            match agnostic < per_class {
                true => Ok(()),
                false => Err(format!("{agnostic} and {per_class}")),
            }
        })
        .run()
}

static BOX_FOR: About = About::new(
    "17-box-for",
    "The box of a class",
    2.0,
    [
        "The classes' numbers come first, `classes` of them. Then four for class 0, four for class 1, and \
         so on.",
        "let from = classes + 4 * class; then [output[from], output[from + 1], output[from + 2], \
         output[from + 3]].",
    ],
);

/// Checks `fn box_for(output: Vec<f32>, classes: usize, class: usize) -> [f32; 4]`.
pub fn box_for(
    student: impl Fn(Vec<f32>, usize, usize) -> [f32; 4] + Copy + Send + 'static,
) -> Score {
    let case = move |classes: usize, class: usize| {
        let output: Vec<f32> = (0..5 * classes)
            .map(|i| (7 * i % 41) as f32 / 8.0)
            .collect();
        let four = |from: usize| -> [f32; 4] {
            std::array::from_fn(|k| output.get(from + k).copied().unwrap_or(f32::NAN))
        };
        let right = four(classes + 4 * class);
        let (no_classes, first, by_one) = (four(4 * class), four(classes), four(classes + class));
        let strided = std::array::from_fn(|k| output[classes + k * classes + class]);
        let name = format!("{classes} classes, class {class}");
        let got = output.clone();
        Case::new(name, move || student(got.clone(), classes, class), right)
            .mistake("The classes' numbers come before the boxes.", no_classes)
            .mistake("Each class has four numbers: begin at 4 * class.", by_one)
            .mistake("That is the box of class 0.", first)
            .mistake("A class's four numbers stand beside each other.", strided)
    };
    Exercise::new(&BOX_FOR)
        .check(case(8, 0))
        .check(case(8, 5))
        .seeded(2, 1705, move |draw| {
            let classes = draw.integer(3..=10);
            case(classes, draw.integer(1..=classes - 1))
        })
        .run()
}

static L2: About = About::new(
    "17-l2",
    "The L2 loss",
    1.0,
    [
        "Four differences, squared; then their mean.",
        "Sum (found[k] - truth[k]).powi(2) over the four k, and divide by 4.",
    ],
);

fn mean_of(found: Corners, truth: Corners, each: impl Fn(f64) -> f64) -> f64 {
    (0..4).map(|k| each(found[k] - truth[k])).sum::<f64>() / 4.0
}

/// Checks `fn l2(found: [f64; 4], truth: [f64; 4]) -> f64`.
pub fn l2(student: impl Fn(Corners, Corners) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |found: Corners, truth: Corners| {
        let right = mean_of(found, truth, |d| d * d);
        Case::new("four numbers", move || student(found, truth), right)
            .mistake("That is the sum. Divide by 4.", 4.0 * right)
            .mistake(
                "That is the length of the difference. No root.",
                (4.0 * right).sqrt(),
            )
            .mistake("No root at the end.", right.sqrt())
            .mistake("Square the differences.", mean_of(found, truth, f64::abs))
            .mistake(
                "Square each difference before you sum.",
                mean_of(found, truth, |d| d),
            )
    };
    Exercise::new(&L2)
        .check(case([0.25, 0.25, 0.75, 0.75], [0.35, 0.45, 0.5, 1.0]))
        .seeded(2, 1706, move |draw| {
            let mut four = || std::array::from_fn(|_| draw.number(0.0..=1.0));
            let (found, truth) = (four(), four());
            case(found, truth)
        })
        .run()
}

static SMOOTH_L1: About = About::new(
    "17-smooth-l1",
    "The smooth L1 loss",
    2.0,
    [
        "For each of the four take d, the size of the difference. Below beta it counts d * d / (2 * beta), \
         else d - beta / 2. Then the mean.",
        "let d = (found[k] - truth[k]).abs(); sum += if d < beta { d * d / (2.0 * beta) } else { d - beta \
         / 2.0 }; at the end sum / 4.0.",
    ],
);

/// Checks `fn smooth_l1(found: [f64; 4], truth: [f64; 4], beta: f64) -> f64`.
pub fn smooth_l1(student: impl Fn(Corners, Corners, f64) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: &str, found: Corners, truth: Corners, beta: f64| {
        let of = |small: fn(f64, f64) -> f64, large: fn(f64, f64) -> f64| {
            mean_of(found, truth, |d| {
                let d = d.abs();
                if d < beta {
                    small(d, beta)
                } else {
                    large(d, beta)
                }
            })
        };
        let parabola = |d: f64, b: f64| d * d / (2.0 * b);
        let line = |d: f64, b: f64| d - b / 2.0;
        let right = of(parabola, line);
        let name = format!("{name}, beta {beta}");
        Case::new(name, move || student(found, truth, beta), right)
            .mistake(
                "The parabola is divided by 2 beta, so that both parts meet.",
                of(|d, _| d * d, line),
            )
            .mistake(
                "The parabola is d * d / (2 * beta): a 2 is missing.",
                of(|d, b| d * d / b, line),
            )
            .mistake(
                "The line is d - beta / 2, so that both parts meet.",
                of(parabola, |d, _| d),
            )
            .mistake("The two parts are the wrong way round.", of(line, parabola))
            .mistake("That is the sum. Divide by 4.", 4.0 * right)
            .mistake(
                "Take the size of the difference, .abs(), before you ask whether it is small.",
                mean_of(found, truth, |d| {
                    if d < beta {
                        parabola(d, beta)
                    } else {
                        line(d, beta)
                    }
                }),
            )
    };
    let found = [0.25, 0.25, 0.75, 0.75];
    Exercise::new(&SMOOTH_L1)
        .check(case("near and far", found, [0.3, 0.75, 0.5, 1.0], 0.1))
        .check(case("all near", found, [0.26, 0.2, 0.7, 0.8], 0.5))
        .check(case("all far", found, [0.6, 0.8, 0.1, 0.2], 0.05))
        .seeded(1, 1707, move |draw| {
            let mut four = || std::array::from_fn(|_| draw.number(0.0..=1.0));
            let (found, truth) = (four(), four());
            case("drawn", found, truth, 0.25)
        })
        .run()
}

static LOCALISED: About = About::new(
    "17-localised",
    "Right, and in the right place",
    2.0,
    [
        "An image counts if its class is right and its overlap is 0.5 or more. The answer is the share of \
         those that count.",
        "Count the i with found[i] == labels[i] && overlaps[i] >= 0.5, and divide by labels.len() as f64.",
    ],
);

/// Checks `fn localised(found: Vec<usize>, labels: Vec<usize>, overlaps: Vec<f64>) -> f64`.
pub fn localised(
    student: impl Fn(Vec<usize>, Vec<usize>, Vec<f64>) -> f64 + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, found: Vec<usize>, labels: Vec<usize>, overlaps: Vec<f64>| {
        let n = labels.len();
        let share = |counts: &dyn Fn(usize) -> bool| {
            (0..n).filter(|i| counts(*i)).count() as f64 / n as f64
        };
        let class = |i: usize| found[i] == labels[i];
        let right = share(&|i| class(i) && overlaps[i] >= 0.5);
        let above = share(&|i| class(i) && overlaps[i] > 0.5);
        let either = share(&|i| class(i) || overlaps[i] >= 0.5);
        let (classes, places) = (share(&class), share(&|i| overlaps[i] >= 0.5));
        Case::new(
            name,
            {
                let (found, labels, overlaps) = (found.clone(), labels.clone(), overlaps.clone());
                move || student(found.clone(), labels.clone(), overlaps.clone())
            },
            right,
        )
        .mistake(
            "That is the number of them. Divide by the number of images.",
            right * n as f64,
        )
        .mistake("An overlap of exactly 0.5 counts.", above)
        .mistake("Both must hold, the class and the place.", either)
        .mistake("The box must be right, too.", classes)
        .mistake("The class must be right, too.", places)
    };
    Exercise::new(&LOCALISED)
        .check(case(
            "six images, one with an overlap of 0.5",
            vec![1, 2, 3, 4, 5, 1],
            vec![1, 2, 0, 4, 0, 1],
            vec![0.5, 0.75, 0.875, 0.25, 0.125, 0.25],
        ))
        .check(case(
            "four images",
            vec![1, 2, 3, 4],
            vec![1, 0, 3, 0],
            vec![0.875, 0.75, 0.25, 0.625],
        ))
        .seeded(2, 1708, move |draw| {
            let n = draw.integer(8..=16);
            let mut classes = || (0..n).map(|_| draw.integer(0..=1)).collect::<Vec<usize>>();
            let (found, labels) = (classes(), classes());
            let overlaps = (0..n).map(|_| draw.integer(0..=8) as f64 / 8.0).collect();
            case(&format!("{n} drawn images"), found, labels, overlaps)
        })
        .run()
}

#[cfg(test)]
#[path = "n17_tests.rs"]
mod tests;
