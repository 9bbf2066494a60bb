//! The checks of notebook 09, Features from a pretrained network.

use crate::check::{About, Case, Exercise, Score};
use ndarray::{Array1, Array2, Array3, Axis, array};

pub(crate) const ALL: &[&About] = &[
    &INTERVAL, &AVERAGE, &WEIGHTS, &NEAREST, &HOG, &HONEST, &PURITY, &DRAWS, &APART, &CERTAIN,
];

static AVERAGE: About = About::new(
    "09-average",
    "Global average pooling",
    2.0,
    [
        "There is one number for each channel: add up all numbers of its map, and divide by how many \
         there are, height x width.",
        "In the loop over y and x: features[c] += maps[[c, y, x]]. After it: features[c] /= (height * \
         width) as f32.",
    ],
);

/// Checks `fn global_average(maps: Array3<f32>) -> Array1<f32>`.
pub fn global_average(
    student: impl Fn(Array3<f32>) -> Array1<f32> + Copy + Send + 'static,
) -> Score {
    let case = move |name: String, maps: Array3<f32>| {
        let (_, h, w) = maps.dim();
        let sum = maps.sum_axis(Axis(2)).sum_axis(Axis(1));
        let most = maps.map_axis(Axis(2), |row| row.fold(f32::NEG_INFINITY, |a, v| a.max(*v)));
        let most = most.map_axis(Axis(1), |row| row.fold(f32::NEG_INFINITY, |a, v| a.max(*v)));
        let right = &sum / (h * w) as f32;
        Case::new(name, move || student(maps.clone()), right)
            .mistake("Those are the sums. Divide by height x width.", sum.clone())
            .mistake(
                "Divide by height x width, not by the height alone.",
                &sum / h as f32,
            )
            .mistake(
                "Divide by height x width, not by the width alone.",
                &sum / w as f32,
            )
            .mistake(
                "Those are the largest numbers. That is a pooling too, another one.",
                most,
            )
    };
    let small = array![
        [[1.0, 3.0, 0.0], [0.0, 2.0, 0.0]],
        [[0.0, 0.0, 0.0], [0.0, 0.0, 12.0]]
    ];
    Exercise::new(&AVERAGE)
        .check(case("two maps of 2x3".into(), small))
        .seeded(2, 901, move |draw| {
            let (c, h, w) = (
                draw.integer(2..=5),
                draw.integer(3..=6),
                draw.integer(7..=9),
            );
            case(
                format!("a drawn activation of {c}x{h}x{w}"),
                draw.array3(c, h, w),
            )
        })
        .run()
}

static WEIGHTS: About = About::new(
    "09-weights",
    "How many numbers to learn",
    1.0,
    [
        "Logistic regression has, for each class, a weight for each number that it reads, and a bias. \
         How many numbers is an image, flattened? And averaged?",
        "Flattened it reads 512 * 7 * 7 numbers, averaged 512. For ten classes: 10 * (numbers + 1).",
    ],
);

/// Checks what a logistic regression of ten classes learns on 512 maps of 7x7, flattened and averaged.
pub fn weights(student: impl Fn() -> [usize; 2] + Copy + Send + 'static) -> Score {
    let part = move |which: usize, name: &str, reads: usize| {
        Case::new(name, move || student()[which], 10 * (reads + 1))
            .mistake("Each class has a bias too: ten numbers more.", 10 * reads)
            .mistake(
                "That is what it reads. It has weights for ten classes.",
                reads,
            )
            .mistake(
                "That is one class. There are ten, each with weights of its own.",
                reads + 1,
            )
            .mistake(
                "Ten biases: one for each class, not one for all.",
                10 * reads + 1,
            )
    };
    Exercise::new(&WEIGHTS)
        .check(part(0, "of the maps, flattened", 512 * 7 * 7).mistake(
            "A map of 7x7 has 49 numbers, and there are 512 of them.",
            10 * (512 * 7 + 1),
        ))
        .check(part(1, "of their averages", 512).mistake(
            "Averaged over its whole map, a channel is one number.",
            10 * (512 * 7 * 7 + 1),
        ))
        .run()
}

static NEAREST: About = About::new(
    "09-nearest",
    "The nearest neighbour",
    2.0,
    [
        "For each row of `known` add up the squares of the differences to `query`. Keep the number of \
         the row for which that is smallest, and return its label.",
        "let gap = &known.row(i) - &query; let distance = gap.dot(&gap); and if distance < best \
         { best = distance; label = labels[i]; }",
    ],
);

fn closest(
    known: &Array2<f64>,
    labels: &[usize],
    query: &Array1<f64>,
    far: impl Fn(&Array1<f64>) -> f64,
) -> usize {
    let mut best = (f64::INFINITY, 0);
    for (row, &label) in known.outer_iter().zip(labels) {
        let distance = far(&(&row - query));
        if distance < best.0 {
            best = (distance, label);
        }
    }
    best.1
}

/// Checks `fn nearest(known: Array2<f64>, labels: Vec<usize>, query: Array1<f64>) -> usize`.
pub fn nearest(
    student: impl Fn(Array2<f64>, Vec<usize>, Array1<f64>) -> usize + Copy + Send + 'static,
) -> Score {
    let case = move |name: String, known: Array2<f64>, labels: Vec<usize>, query: Array1<f64>| {
        let squares = |gap: &Array1<f64>| gap.dot(gap);
        let right = closest(&known, &labels, &query, squares);
        let farthest = closest(&known, &labels, &query, |gap| -gap.dot(gap));
        let plain = closest(&known, &labels, &query, |gap| gap.sum());
        let row = closest(
            &known,
            &(0..labels.len()).collect::<Vec<_>>(),
            &query,
            squares,
        );
        let got = move || student(known.clone(), labels.clone(), query.clone());
        let mut case = Case::new(name, got, right);
        for (message, wrong) in [
            (
                "That is the farthest one: keep the smallest distance.",
                farthest,
            ),
            (
                "Square the differences before you add them: those of opposite sign cancel.",
                plain,
            ),
            (
                "That is the number of the nearest row. Return that row's label.",
                row,
            ),
        ] {
            if wrong != right {
                case = case.mistake(message, wrong);
            }
        }
        case
    };
    let known = array![[0.0, 0.0], [4.0, -4.0], [1.0, 2.0], [9.0, 9.0]];
    Exercise::new(&NEAREST)
        .check(case(
            "four points in the plane".into(),
            known.clone(),
            vec![5, 6, 7, 8],
            array![0.5, 1.5],
        ))
        .check(case(
            "the first of them is the nearest".into(),
            known,
            vec![5, 6, 7, 8],
            array![0.5, -0.5],
        ))
        .seeded(3, 903, move |draw| {
            let (n, d) = (draw.integer(8..=14), draw.integer(3..=6));
            let known = draw.array2(n, d).mapv(f64::from);
            let labels = (0..n).map(|i| 20 + i * 3 % 7).collect();
            let query = draw.array1(d).mapv(|v| f64::from(v) + 0.01);
            case(
                format!("{n} drawn points of {d} numbers"),
                known,
                labels,
                query,
            )
        })
        .run()
}

static INTERVAL: About = About::new(
    "09-interval",
    "How sure is a mean",
    2.0,
    [
        "Three steps: the mean; the standard deviation s, with n - 1 in its denominator; then half the \
         width, t * s / sqrt(n).",
        "let variance = sum of (a - mean) * (a - mean), divided by (n - 1.0); \
         [mean, t * (variance / n).sqrt()].",
    ],
);

/// Checks `fn interval(accuracies: Vec<f64>, t: f64) -> [f64; 2]`.
pub fn interval(student: impl Fn(Vec<f64>, f64) -> [f64; 2] + Copy + Send + 'static) -> Score {
    let case = move |name: String, values: Vec<f64>, t: f64| {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        let s = (squares / (n - 1.0)).sqrt();
        Case::new(
            name,
            move || student(values.clone(), t),
            [mean, t * s / n.sqrt()],
        )
        .mistake("Divide the squares by n - 1, not by n.", [mean, t * squares.sqrt() / n])
        .mistake(
            "That is t times the spread of single runs. A mean of n runs is surer: divide by sqrt(n).",
            [mean, t * s],
        )
        .mistake("Divide by the root of n, not by n.", [mean, t * s / n])
        .mistake("The factor t is missing.", [mean, s / n.sqrt()])
        .mistake("The other way round: the mean first.", [t * s / n.sqrt(), mean])
        .mistake(
            "That is the variance: take its root first.",
            [mean, t * s * s / n.sqrt()],
        )
    };
    Exercise::new(&INTERVAL)
        .check(case(
            "1, 2, 3, 4, 5, t 2.776".into(),
            vec![1.0, 2.0, 3.0, 4.0, 5.0],
            2.776,
        ))
        .check(case(
            "three runs, t 4.303".into(),
            vec![0.60, 0.66, 0.63],
            4.303,
        ))
        .seeded(2, 904, move |draw| {
            let n = draw.integer(4..=9);
            let values = (0..n).map(|_| draw.number(0.2..=0.9)).collect();
            case(format!("{n} drawn accuracies, t 2.5"), values, 2.5)
        })
        .run()
}

static HOG: About = About::new(
    "09-hog",
    "Votes for directions",
    3.0,
    [
        "For each pixel: length = dx.hypot(dy), angle = dy.atan2(dx).to_degrees(). Bring the angle \
         between 0 and 180 with rem_euclid(180.0); its bin is the angle divided by 20, rounded down.",
        "let bin = ((angle.rem_euclid(180.0) / 20.0) as usize).min(8); votes[bin] += length; where \
         length is dx[[y, x]].hypot(dy[[y, x]]).",
    ],
);

fn voted(
    dx: &Array2<f64>,
    dy: &Array2<f64>,
    turn: f64,
    vote: impl Fn(f64, f64) -> f64,
) -> Array1<f64> {
    let mut votes = Array1::zeros(9);
    for (x, y) in dx.iter().zip(dy) {
        let angle = y.atan2(*x).to_degrees().rem_euclid(turn);
        votes[((angle / (turn / 9.0)) as usize).min(8)] += vote(*x, *y);
    }
    votes
}

/// Checks `fn votes(dx: Array2<f64>, dy: Array2<f64>) -> Array1<f64>`.
pub fn votes(
    student: impl Fn(Array2<f64>, Array2<f64>) -> Array1<f64> + Copy + Send + 'static,
) -> Score {
    let case =
        move |name: &str, dx: Array2<f64>, dy: Array2<f64>| {
            let right = voted(&dx, &dy, 180.0, f64::hypot);
            let ones = voted(&dx, &dy, 180.0, |_, _| 1.0);
            let around = voted(&dx, &dy, 360.0, f64::hypot);
            let swapped = voted(&dy, &dx, 180.0, f64::hypot);
            let squares = voted(&dx, &dy, 180.0, |x, y| x * x + y * y);
            let cut = {
                let mut votes = Array1::zeros(9);
                for (x, y) in dx.iter().zip(&dy) {
                    let angle = y.atan2(*x).to_degrees();
                    votes[((angle / 20.0) as usize).min(8)] += x.hypot(*y);
                }
                votes
            };
            let shares = &right / right.sum();
            let got = move || student(dx.clone(), dy.clone());
            Case::new(name, got, right)
            .tolerance(1e-9, 1e-9)
            .mistake(
                "Each pixel votes with the length of its gradient, not with 1: edges count more.",
                ones,
            )
            .mistake(
                "Opposite directions are one: nine bins of 20 degrees over 180, not over 360.",
                around,
            )
            .mistake("The angle is dy.atan2(dx), in this order.", swapped)
            .mistake("The length is the root of dx² + dy².", squares)
            .mistake(
                "Negative angles all fall into the first bin: bring them between 0 and 180 first, \
                 with rem_euclid(180.0).",
                cut,
            )
            .mistake("Leave the votes as they are here; blocks are normalised later.", shares)
        };
    // No angle lies on the border of two bins.
    let number = |draw: &mut crate::check::Draw, h: usize, w: usize| {
        draw.array2(h, w).mapv(|v| f64::from(v) + 0.03)
    };
    Exercise::new(&HOG)
        .check(case(
            "one gradient to the lower right, two to the left",
            array![[3.0, -1.0, -2.0]],
            array![[4.0, 0.1, 0.2]],
        ))
        .check(case(
            "upwards and downwards",
            array![[0.1, 0.1], [2.0, 0.1]],
            array![[-1.0, 1.0], [0.1, -3.0]],
        ))
        .seeded(2, 905, move |draw| {
            let (h, w) = (draw.integer(3..=8), draw.integer(3..=8));
            let (dx, dy) = (number(draw, h, w), number(draw, h, w));
            case(&format!("drawn gradients of {h}x{w}"), dx, dy)
        })
        .run()
}

static HONEST: About = About::new(
    "09-honest",
    "An honest best",
    2.0,
    [
        "Choose the layer by the validation accuracies alone. The test accuracy of that layer is the \
         answer, whatever the others reached.",
        "Go over the layers, remember the one whose validation accuracy is the largest (of equals the \
         first), and return test[that one].",
    ],
);

fn first_largest(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

/// Checks `fn honest(validation: Vec<f64>, test: Vec<f64>) -> f64`.
pub fn honest(student: impl Fn(Vec<f64>, Vec<f64>) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: String, validation: Vec<f64>, test: Vec<f64>| {
        let at = first_largest(&validation);
        let right = test[at];
        let most = test[first_largest(&test)];
        let chosen_by = validation[at];
        let last = test[validation.len() - 1];
        let got = move || student(validation.clone(), test.clone());
        let mut case = Case::new(name, got, right);
        for (message, wrong) in [
            (
                "That is the largest test accuracy: it was chosen by looking at the test set.",
                most,
            ),
            (
                "That is the validation accuracy, by which the layer was chosen: it is flattered too.",
                chosen_by,
            ),
            ("That is the last layer, not the chosen one.", last),
        ] {
            if (wrong - right).abs() > 1e-3 {
                case = case.mistake(message, wrong);
            }
        }
        case
    };
    Exercise::new(&HONEST)
        .check(case(
            "three layers".into(),
            vec![0.30, 0.62, 0.58],
            vec![0.33, 0.59, 0.61],
        ))
        .check(case(
            "of equals the first".into(),
            vec![0.5, 0.7, 0.7],
            vec![0.52, 0.64, 0.69],
        ))
        .seeded(2, 906, move |draw| {
            let n = draw.integer(4..=7);
            let mut all = |low: f64| (0..n).map(|_| draw.number(low..=0.9)).collect::<Vec<f64>>();
            let (validation, test) = (all(0.2), all(0.1));
            case(format!("{n} drawn layers"), validation, test)
        })
        .run()
}

static PURITY: About = About::new(
    "09-purity",
    "Purity",
    2.0,
    [
        "For each cluster count how many of its examples are of each class, and take the largest \
         count. Add these up over the clusters and divide by the number of examples.",
        "let mut counts = vec![vec![0; classes]; clusters]; counts[cluster[i]][label[i]] += 1 for each \
         i; then the sum of each row's largest, over cluster.len() as f64.",
    ],
);

/// Checks `fn purity(cluster: Vec<usize>, label: Vec<usize>, clusters: usize, classes: usize) -> f64`.
pub fn purity(
    student: impl Fn(Vec<usize>, Vec<usize>, usize, usize) -> f64 + Copy + Send + 'static,
) -> Score {
    let case = move |name: String, cluster: Vec<usize>, label: Vec<usize>, k: usize, c: usize| {
        let n = cluster.len() as f64;
        let mut counts = vec![vec![0usize; c]; k];
        cluster
            .iter()
            .zip(&label)
            .for_each(|(&i, &l)| counts[i][l] += 1);
        let most = |row: &Vec<usize>| row.iter().max().copied().unwrap_or(0) as f64;
        let right = counts.iter().map(most).sum::<f64>() / n;
        let shares = counts.iter().filter(|row| row.iter().sum::<usize>() > 0);
        let shares: Vec<f64> = shares
            .map(|row| most(row) / row.iter().sum::<usize>() as f64)
            .collect();
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        let same = cluster.iter().zip(&label).filter(|(i, l)| i == l).count() as f64 / n;
        let by_class = (0..c)
            .map(|l| counts.iter().map(|row| row[l]).max().unwrap_or(0) as f64)
            .sum::<f64>()
            / n;
        let got = move || student(cluster.clone(), label.clone(), k, c);
        let mut case = Case::new(name, got, right);
        for (message, wrong) in [
            (
                "That is the mean of the clusters' own purities. Large clusters count more: add the \
                 counts first, and divide once.",
                mean,
            ),
            (
                "Numbers of clusters mean nothing: cluster 3 is not class 3. Look for the most frequent \
                 class in each cluster.",
                same,
            ),
            (
                "That takes the largest cluster of each class. Take the largest class of each cluster.",
                by_class,
            ),
            ("Divide by the number of examples.", right * n),
        ] {
            if (wrong - right).abs() > 1e-3 {
                case = case.mistake(message, wrong);
            }
        }
        case
    };
    Exercise::new(&PURITY)
        .check(case(
            "six examples in two clusters".into(),
            vec![1, 1, 1, 1, 0, 0],
            vec![0, 0, 0, 1, 1, 1],
            2,
            2,
        ))
        .check(case(
            "a class that fills two clusters".into(),
            vec![0, 0, 0, 1, 1, 2, 2, 2],
            vec![2, 2, 0, 2, 2, 1, 1, 0],
            3,
            3,
        ))
        .seeded(2, 907, move |draw| {
            let (n, k, c) = (
                draw.integer(20..=40),
                draw.integer(3..=5),
                draw.integer(3..=6),
            );
            let cluster = (0..n).map(|_| draw.integer(0..=k - 1)).collect();
            let label = (0..n).map(|_| draw.integer(0..=c - 1)).collect();
            case(format!("{n} drawn examples"), cluster, label, k, c)
        })
        .run()
}

static DRAWS: About = About::new(
    "09-draws",
    "What many draws say",
    3.0,
    [
        "Average each column over the draws. The class whose average is largest is the answer. How sure \
         it is: that average; how much it swings: the standard deviation of that column over the draws.",
        "let mean = draws.mean_axis(Axis(0)).unwrap(); find the largest of mean, say at k; then \
         draws.column(k).std(0.0) is the spread. Return (k, mean[k], spread).",
    ],
);

/// A class with the mean and the spread of its column.
fn of_class(draws: &Array2<f64>, k: usize) -> (usize, f64, f64) {
    let column = draws.column(k);
    (k, column.sum() / column.len() as f64, column.std(0.0))
}

fn told(draws: &Array2<f64>) -> (usize, f64, f64) {
    let mean = draws.sum_axis(Axis(0)).to_vec();
    of_class(draws, first_largest(&mean))
}

/// Checks `fn what_draws_say(draws: Array2<f64>) -> (usize, f64, f64)`.
pub fn what_draws_say(
    student: impl Fn(Array2<f64>) -> (usize, f64, f64) + Copy + Send + 'static,
) -> Score {
    let case = move |name: String, draws: Array2<f64>| {
        let right = told(&draws);
        let (k, mean, spread) = right;
        let first = first_largest(&draws.row(0).to_vec());
        let of_first = of_class(&draws, first);
        let t = draws.nrows() as f64;
        let all = draws.std(0.0);
        let got = move || student(draws.clone());
        let mut case = Case::new(name, got, right)
            .tolerance(1e-9, 1e-7)
            .mistake(
                "Divide by the number of draws here: .std(0.0).",
                (k, mean, spread * (t / (t - 1.0)).sqrt()),
            )
            .mistake(
                "That is the variance: take its root.",
                (k, mean, spread * spread),
            )
            .mistake(
                "Wanted is the spread of the winning class's column, not of all numbers.",
                (k, mean, all),
            );
        if first != k {
            case = case.mistake(
                "The first draw alone does not decide: average the draws, then look for the largest.",
                of_first,
            );
        }
        case
    };
    Exercise::new(&DRAWS)
        .check(case(
            "four draws of two classes".into(),
            array![[0.9, 0.1], [0.8, 0.2], [1.0, 0.0], [0.7, 0.3]],
        ))
        .check(case(
            "the first draw is another opinion".into(),
            array![[0.2, 0.7, 0.1], [0.6, 0.2, 0.2], [0.7, 0.1, 0.2]],
        ))
        .seeded(2, 908, move |draw| {
            let (t, c) = (draw.integer(5..=12), draw.integer(3..=6));
            let raw = draw.array2(t, c).mapv(|v| f64::from(v).exp());
            let sums = raw.sum_axis(Axis(1)).insert_axis(Axis(1));
            case(format!("{t} drawn draws of {c} classes"), raw / sums)
        })
        .run()
}

static CERTAIN: About = About::new(
    "09-certain",
    "The most certain of them",
    3.0,
    [
        "Sort the numbers of the images by their certainty, the largest first, keep the first share of \
         them, and count how many of those are right.",
        "let mut order: Vec<usize> = (0..right.len()).collect(); order.sort_by(|&a, &b| \
         certainty[b].total_cmp(&certainty[a])); let kept = (share * right.len() as f64).round() as \
         usize;",
    ],
);

fn of_most_certain(certainty: &[f64], right: &[bool], share: f64, sign: f64) -> f64 {
    let mut order: Vec<usize> = (0..right.len()).collect();
    order.sort_by(|&a, &b| (sign * certainty[b]).total_cmp(&(sign * certainty[a])));
    let kept = (share * right.len() as f64).round() as usize;
    order[..kept].iter().filter(|&&i| right[i]).count() as f64 / kept as f64
}

/// Checks `fn most_certain(certainty: Vec<f64>, right: Vec<bool>, share: f64) -> f64`.
pub fn most_certain(
    student: impl Fn(Vec<f64>, Vec<bool>, f64) -> f64 + Copy + Send + 'static,
) -> Score {
    let case = move |name: String, certainty: Vec<f64>, right: Vec<bool>, share: f64| {
        let expected = of_most_certain(&certainty, &right, share, 1.0);
        let least = of_most_certain(&certainty, &right, share, -1.0);
        let unsorted = {
            let kept = (share * right.len() as f64).round() as usize;
            right[..kept].iter().filter(|v| **v).count() as f64 / kept as f64
        };
        let of_all = right.iter().filter(|v| **v).count() as f64 / right.len() as f64;
        let got = move || student(certainty.clone(), right.clone(), share);
        let mut case = Case::new(name, got, expected);
        for (message, wrong) in [
            ("Those are the least certain: sort the other way.", least),
            (
                "Those are the first that came: sort by certainty first.",
                unsorted,
            ),
            ("That is the accuracy of all of them.", of_all),
            (
                "Divide by how many you kept, not by all of them.",
                expected * share,
            ),
        ] {
            if (wrong - expected).abs() > 1e-3 {
                case = case.mistake(message, wrong);
            }
        }
        case
    };
    Exercise::new(&CERTAIN)
        .check(case(
            "the surer half of six".into(),
            vec![0.5, 0.9, 0.6, 0.8, 0.7, 0.4],
            vec![true, true, false, true, true, false],
            0.5,
        ))
        .check(case(
            "all of five".into(),
            vec![0.3, 0.9, 0.5, 0.8, 0.4],
            vec![true, true, false, true, false],
            1.0,
        ))
        .seeded(2, 909, move |draw| {
            let n = 10 * draw.integer(2..=4);
            let certainty: Vec<f64> = (0..n).map(|_| draw.number(0.1..=1.0)).collect();
            let right = certainty
                .iter()
                .map(|&c| draw.number(0.0..=1.0) < c)
                .collect();
            let share = draw.choice(&[0.2, 0.3, 0.5]);
            case(
                format!("the surest {share} of {n} drawn"),
                certainty,
                right,
                share,
            )
        })
        .run()
}

static APART: About = About::new(
    "09-apart",
    "Known and unknown apart",
    2.0,
    [
        "Compare every known image with every unknown one. Count the pairs in which the known one is \
         the surer, and divide by the number of pairs. Equals count one half.",
        "Two loops: if k > u { sum += 1.0 } else if k == u { sum += 0.5 }; at the end divide by \
         (known.len() * unknown.len()) as f64.",
    ],
);

fn surer(known: &[f64], unknown: &[f64], equals: f64) -> f64 {
    let one = |k: f64, u: f64| match k.total_cmp(&u) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => equals,
        std::cmp::Ordering::Less => 0.0,
    };
    let pairs = known
        .iter()
        .flat_map(|&k| unknown.iter().map(move |&u| one(k, u)));
    pairs.sum::<f64>() / (known.len() * unknown.len()) as f64
}

/// Checks `fn apart(known: Vec<f64>, unknown: Vec<f64>) -> f64`.
pub fn apart(student: impl Fn(Vec<f64>, Vec<f64>) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: String, known: Vec<f64>, unknown: Vec<f64>| {
        let right = surer(&known, &unknown, 0.5);
        let in_turn = known.iter().zip(&unknown).filter(|(k, u)| k > u).count() as f64;
        let in_turn = in_turn / known.len().min(unknown.len()) as f64;
        let wrongs = [
            (
                "That is the share of pairs in which the unknown one is surer: the other way round.",
                1.0 - right,
            ),
            (
                "Equals count one half: chance would decide.",
                surer(&known, &unknown, 0.0),
            ),
            (
                "Equals count one half: chance would decide.",
                surer(&known, &unknown, 1.0),
            ),
            (
                "Compare every known image with every unknown one, not each with its partner.",
                in_turn,
            ),
            (
                "Divide by the number of pairs, known.len() * unknown.len().",
                right * unknown.len() as f64,
            ),
        ];
        let got = move || student(known.clone(), unknown.clone());
        let mut case = Case::new(name, got, right);
        for (message, wrong) in wrongs {
            if (wrong - right).abs() > 1e-3 {
                case = case.mistake(message, wrong);
            }
        }
        case
    };
    Exercise::new(&APART)
        .check(case(
            "three known, two unknown".into(),
            vec![0.9, 0.6, 0.8],
            vec![0.7, 0.5],
        ))
        .check(case(
            "with equals".into(),
            vec![1.0, 1.0, 0.5],
            vec![1.0, 0.4],
        ))
        .seeded(2, 910, move |draw| {
            let (n, m) = (draw.integer(5..=12), draw.integer(4..=9));
            let known = (0..n).map(|_| draw.number(0.4..=1.0)).collect();
            let unknown = (0..m).map(|_| draw.number(0.2..=0.9)).collect();
            case(format!("{n} known and {m} unknown, drawn"), known, unknown)
        })
        .run()
}

#[cfg(test)]
#[path = "n09_tests.rs"]
mod tests;
