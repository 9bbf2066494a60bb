//! The checks of notebook 19, Let a machine design it.

use crate::check::{About, Case, Exercise, Score};
use convscope_data::Draw as Dice;
use convscope_search::{Design, Piece, Space};

pub(crate) const ALL: &[&About] = &[
    &HOW_MANY,
    &SEPARABLE,
    &FRONT,
    &LUCK,
    &RANDOM,
    &MUTATION,
    &TOURNAMENT,
    &DEATH,
    &GRADIENT,
    &ADVANTAGE,
];

static HOW_MANY: About = About::new(
    "19-how-many",
    "How many designs",
    1.0,
    [
        "Choices multiply. One stage can be built in as many ways as its numbers of options \
         multiplied; each further stage multiplies by as many again.",
        "let one: usize = stage.iter().product(); and then one.pow(stages as u32) times the product \
         of the others.",
    ],
);

/// Checks `fn how_many(stage: Vec<usize>, stages: usize, others: Vec<usize>) -> usize`.
pub fn how_many(
    student: impl Fn(Vec<usize>, usize, Vec<usize>) -> usize + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, stage: Vec<usize>, stages: usize, others: Vec<usize>| {
        let product = |list: &[usize]| list.iter().product::<usize>();
        let sum = |list: &[usize]| list.iter().sum::<usize>();
        let (one, rest) = (product(&stage), product(&others));
        let added = sum(&stage) * stages + sum(&others);
        let apart = one.pow(stages as u32) + sum(&others);
        Case::new(
            name,
            move || student(stage.clone(), stages, others.clone()),
            one.pow(stages as u32) * rest,
        )
        .mistake("Choices multiply; they do not add up.", added)
        .mistake(
            "Each stage is chosen by itself: with two stages, each way of the first goes with each \
             way of the second.",
            one * stages * rest,
        )
        .mistake("That is one stage alone.", one * rest)
        .mistake(
            "The other choices come once, not once a stage.",
            (one * rest).pow(stages as u32),
        )
        .mistake("The other choices multiply as well.", apart)
    };
    let small = Space::small([1, 28, 28], 10);
    let options = small.options();
    let large = case(
        "the library's large space, three stages",
        options[..4].to_vec(),
        3,
        options[12..].to_vec(),
    );
    Exercise::new(&HOW_MANY)
        .check(case(
            "two stages of 3 x 2 ways, and a choice of 4",
            vec![3, 2],
            2,
            vec![4],
        ))
        .check(case(
            "one stage of 5 ways, nothing else",
            vec![5],
            1,
            vec![],
        ))
        .check(large)
        .run()
}

static SEPARABLE: About = About::new(
    "19-separable",
    "The bill of a separable convolution",
    3.0,
    [
        "Two convolutions. The first has one filter of kernel x kernel a channel; the second is 1 x 1, \
         from all channels to all filters. Behind each a batch norm, which learns two numbers for \
         each of its channels. Every weight of a convolution is multiplied once at every position.",
        "let weights = channels * kernel * kernel + channels * filters; then \
         [weights + 2 * channels + 2 * filters, weights * side * side].",
    ],
);

/// Checks `fn separable(channels: usize, side: usize, filters: usize, kernel: usize) -> [usize; 2]`.
pub fn separable(
    student: impl Fn(usize, usize, usize, usize) -> [usize; 2] + Copy + Send + 'static,
) -> Score {
    let case =
        move |name: &str, c: usize, side: usize, f: usize, k: usize| {
            let design = Design::new([c, side, side], 2).then(Piece::Separable {
                filters: f,
                kernel: k,
            });
            let cost = design.parts().map(|parts| parts[0].cost);
            let cost = cost.expect("a design that is a network");
            let right = [cost.parameters as usize, cost.multiply_adds as usize];
            let (depth, point) = (c * k * k, c * f);
            let (weights, area) = (depth + point, side * side);
            Case::new(name, move || student(c, side, f, k), right)
            .mistake(
                "That is a plain convolution: here each filter of the first step sees one channel.",
                [f * c * k * k + 2 * f, f * c * k * k * area],
            )
            .mistake("The two batch norms learn numbers as well: two a channel.", [
                weights,
                weights * area,
            ])
            .mistake("Batch norm comes twice: after the first step, on channels, as well.", [
                weights + 2 * f,
                weights * area,
            ])
            .mistake("Batch norm learns two numbers for each channel, not one.", [
                weights + c + f,
                weights * area,
            ])
            .mistake("Multiply-adds are counted for the convolutions alone.", [
                right[0],
                right[0] * area,
            ])
            .mistake("Every weight is used at each of side x side positions.", [right[0], weights])
            .mistake("The image has side x side positions.", [right[0], weights * side])
            .mistake("The order is [parameters, multiply-adds].", [right[1], right[0]])
            .mistake("The 1x1 convolution is missing.", [depth + 2 * c, depth * area])
        };
    Exercise::new(&SEPARABLE)
        .check(case(
            "8 channels of 14 x 14, 16 filters of 3 x 3",
            8,
            14,
            16,
            3,
        ))
        .check(case(
            "1 channel of 28 x 28, 4 filters of 5 x 5",
            1,
            28,
            4,
            5,
        ))
        .seeded(2, 1901, move |draw| {
            let [c, side, f] = [3..=20, 5..=30, 3..=20].map(|range| draw.integer(range));
            case(
                &format!("{c} channels of {side} x {side}, {f} filters of 3 x 3"),
                c,
                side,
                f,
                3,
            )
        })
        .run()
}

static FRONT: About = About::new(
    "19-front",
    "The front",
    3.0,
    [
        "Go through all others. Design j beats design i when it is no worse in either respect, and \
         better in at least one. Design i is on the front when nobody beats it.",
        "let no_worse = costs[j] <= costs[i] && accuracies[j] >= accuracies[i]; let better = costs[j] \
         < costs[i] || accuracies[j] > accuracies[i]; if no_worse && better { return false; }",
    ],
);

fn on_front_by(
    costs: &[f64],
    accuracies: &[f64],
    beats: impl Fn([f64; 2], [f64; 2]) -> bool,
) -> Vec<bool> {
    let all = || costs.iter().copied().zip(accuracies.iter().copied());
    all()
        .map(|(c, a)| !all().any(|(oc, oa)| beats([oc, oa], [c, a])))
        .collect()
}

fn beats([cost, accuracy]: [f64; 2], [c, a]: [f64; 2]) -> bool {
    cost <= c && accuracy >= a && (cost < c || accuracy > a)
}

/// Checks `fn on_front(costs: Vec<f64>, accuracies: Vec<f64>, i: usize) -> bool`.
pub fn on_front(
    student: impl Fn(Vec<f64>, Vec<f64>, usize) -> bool + Copy + Send + 'static,
) -> Score {
    let case =
        move |name: &str, costs: Vec<f64>, accuracies: Vec<f64>| {
            let by = |f: fn([f64; 2], [f64; 2]) -> bool| on_front_by(&costs, &accuracies, f);
            let (right, strict) = (by(beats), by(|o, m| o[0] < m[0] && o[1] > m[1]));
            let (most, turned) = (by(|o, m| o[1] > m[1]), by(|o, m| beats(m, o)));
            let either = by(|o, m| o[0] < m[0] || o[1] > m[1]);
            let equals = by(|o, m| o[0] <= m[0] && o[1] >= m[1]);
            let n = costs.len();
            let got = move || -> Vec<bool> {
                (0..n)
                    .map(|i| student(costs.clone(), accuracies.clone(), i))
                    .collect()
            };
            let not = right.iter().map(|on| !on).collect();
            Case::new(name, got, right)
            .mistake(
                "Equal in one respect and better in the other is enough to beat a design.",
                strict,
            )
            .mistake("A cheap design may be on the front without being the most accurate.", most)
            .mistake("That is the other end: the designs that beat nobody.", turned)
            .mistake(
                "A design is beaten by one that is no worse in BOTH respects. Dearer and better is \
                 no defeat.",
                either,
            )
            .mistake(
                "A design does not beat itself: at least one of the two must be strictly better.",
                equals,
            )
            .mistake("The other way round: true for those that nobody beats.", not)
        };
    Exercise::new(&FRONT)
        .check(case(
            "four designs, one is beaten",
            vec![1.0, 2.0, 3.0, 4.0],
            vec![0.7, 0.8, 0.75, 0.9],
        ))
        .check(case(
            "equal cost, and equal accuracy",
            vec![1.0, 1.0, 2.0, 3.0],
            vec![0.6, 0.7, 0.8, 0.8],
        ))
        .check(case("one design alone", vec![5.0], vec![0.5]))
        .seeded(2, 1902, move |draw| {
            let mut numbers = || {
                (0..12)
                    .map(|_| draw.number(0.0..=1.0))
                    .collect::<Vec<f64>>()
            };
            let (costs, accuracies) = (numbers(), numbers());
            case("twelve drawn designs", costs, accuracies)
        })
        .run()
}

static LUCK: About = About::new(
    "19-luck",
    "How much luck it takes",
    2.0,
    [
        "One draw misses the best designs with probability 1 - share, and n draws miss them all with \
         (1 - share) to the power of n. Find the first n for which that is at most 1 - sure.",
        "let mut n = 0; let mut missed = 1.0; while 1.0 - missed < sure { missed *= 1.0 - share; \
         n += 1; } n",
    ],
);

/// Checks `fn draws_needed(share: f64, sure: f64) -> usize`.
pub fn draws_needed(student: impl Fn(f64, f64) -> usize + Copy + Send + 'static) -> Score {
    let case = move |name: &str, share: f64, sure: f64| {
        let exact = (1.0 - sure).ln() / (1.0 - share).ln();
        let right = (exact - 1e-9).ceil() as usize;
        Case::new(name, move || student(share, sure), right)
            .mistake(
                "Round up: with one draw less you are not sure enough.",
                right - 1,
            )
            .mistake(
                "That many draws hit once on average, and often not at all.",
                (1.0 / share).round() as usize,
            )
            .mistake(
                "Chances of several draws do not add up: after 1 / share of them they would be \
                 certain.",
                (sure / share).ceil() as usize,
            )
            .mistake("One draw too many.", right + 1)
    };
    Exercise::new(&LUCK)
        .check(case("the best 5 %, 95 % sure", 0.05, 0.95))
        .check(case("the best 1 %, 95 % sure", 0.01, 0.95))
        .check(case("the best 10 %, 99.9 % sure", 0.1, 0.999))
        .run()
}

/// How often each option of each gene comes.
fn counts(all: &[Vec<usize>], options: &[usize]) -> Vec<Vec<usize>> {
    let mut counts: Vec<Vec<usize>> = options.iter().map(|&n| vec![0; n]).collect();
    for genes in all {
        for (count, &gene) in counts.iter_mut().zip(genes) {
            count[gene] += 1;
        }
    }
    counts
}

fn in_range(genes: &[usize], options: &[usize]) -> Result<(), String> {
    if genes.len() != options.len() {
        return Err(format!(
            "expected {} genes, one a choice, got {}",
            options.len(),
            genes.len()
        ));
    }
    match genes.iter().zip(options).position(|(g, n)| g >= n) {
        None => Ok(()),
        Some(i) => Err(format!(
            "gene {i} is {}, and there are {} options: 0 to {}",
            genes[i],
            options[i],
            options[i] - 1
        )),
    }
}

static RANDOM: About = About::new(
    "19-random",
    "Genes at random",
    2.0,
    [
        "For each number n in options push one draw from 0 to n - 1. draw.below(n) is just that.",
        "let mut genes = Vec::new(); for n in options { genes.push(draw.below(n)); } genes",
    ],
);

/// Checks `fn random_genes(options: Vec<usize>, draw: &mut Draw) -> Vec<usize>`.
pub fn random_genes(
    student: impl Fn(Vec<usize>, &mut Dice) -> Vec<usize> + Copy + Send + 'static,
) -> Score {
    const MANY: usize = 3000;
    let options = vec![2, 3, 1, 4];
    let drawn = move || -> Vec<Vec<usize>> {
        let mut dice = Dice::new(19, 1);
        (0..MANY)
            .map(|_| student(vec![2, 3, 1, 4], &mut dice))
            .collect()
    };
    let wanted = options.clone();
    Exercise::new(&RANDOM)
        .property(
            "one gene a choice, each below its number of options",
            move || {
                drawn()
                    .iter()
                    .try_for_each(|genes| in_range(genes, &wanted))
            },
        )
        .property("every option comes as often as the others", move || {
            let all = drawn();
            all.iter().try_for_each(|genes| in_range(genes, &options))?;
            for (i, counts) in counts(&all, &options).iter().enumerate() {
                let even = MANY as f64 / counts.len() as f64;
                for (option, &count) in counts.iter().enumerate() {
                    if (count as f64 - even).abs() > 0.15 * even {
                        return Err(format!(
                            "of {MANY} drawings option {option} of gene {i} came {count} times, \
                             expected about {even:.0}"
                        ));
                    }
                }
            }
            Ok(())
        })
        .property("one gene says nothing about the next", move || {
            let mut dice = Dice::new(19, 2);
            let pairs = (0..MANY).map(|_| student(vec![2, 2], &mut dice));
            let same = pairs.filter(|genes| genes.len() == 2 && genes[0] == genes[1]);
            let share = same.count() as f64 / MANY as f64;
            match (share - 0.5).abs() < 0.06 {
                true => Ok(()),
                false => Err(format!(
                    "of two choices with two options each, both were the same in {:.0} % of the \
                     drawings, expected about 50 %: draw each gene anew",
                    100.0 * share
                )),
            }
        })
        .run()
}

static MUTATION: About = About::new(
    "19-mutation",
    "One mutation",
    3.0,
    [
        "Draw which gene is to change, draw.below(genes.len()), again and again until one comes that \
         has two options or more. Then draw options for it until one differs from the old.",
        "let mut at = draw.below(genes.len()); while options[at] < 2 { at = draw.below(genes.len()); } \
         let mut child = genes.clone(); while child[at] == genes[at] { child[at] = \
         draw.below(options[at]); } child",
    ],
);

/// Checks `fn mutate(genes: Vec<usize>, options: Vec<usize>, draw: &mut Draw) -> Vec<usize>`.
pub fn mutate(
    student: impl Fn(Vec<usize>, Vec<usize>, &mut Dice) -> Vec<usize> + Copy + Send + 'static,
) -> Score {
    const MANY: usize = 3000;
    const PARENT: [usize; 4] = [1, 0, 0, 2];
    /// The second is no choice: it never changes.
    const OPTIONS: [usize; 4] = [2, 1, 3, 4];
    let children = move || -> Result<Vec<Vec<usize>>, String> {
        let mut dice = Dice::new(19, 3);
        let all: Vec<Vec<usize>> = (0..MANY)
            .map(|_| student(PARENT.to_vec(), OPTIONS.to_vec(), &mut dice))
            .collect();
        all.iter().try_for_each(|genes| in_range(genes, &OPTIONS))?;
        Ok(all)
    };
    let differs = |child: &[usize]| child.iter().zip(&PARENT).filter(|(c, p)| c != p).count();
    Exercise::new(&MUTATION)
        .property("the child has the parent's choices", move || children().map(|_| ()))
        .property("never the parent itself", move || {
            let same = children()?.iter().filter(|c| differs(c) == 0).count();
            match same {
                0 => Ok(()),
                n => Err(format!(
                    "{n} of {MANY} children are their parent: the drawn option may be the old one; \
                     draw until it is another"
                )),
            }
        })
        .property("one gene and no more", move || {
            let more = children()?.iter().filter(|c| differs(c) > 1).count();
            match more {
                0 => Ok(()),
                n => Err(format!("{n} of {MANY} children differ in more than one gene")),
            }
        })
        .property("every gene, and every other option, as often as the others", move || {
            let all = children()?;
            for (i, counts) in counts(&all, &OPTIONS).iter().enumerate() {
                let even = MANY as f64 / 3.0 / (OPTIONS[i] as f64 - 1.0);
                for (option, &count) in counts.iter().enumerate() {
                    let off = (count as f64 - even).abs();
                    if option != PARENT[i] && off > 0.25 * even {
                        return Err(format!(
                            "of {MANY} children of {PARENT:?} {count} have option {option} at gene \
                             {i}, expected about {even:.0}"
                        ));
                    }
                }
            }
            Ok(())
        })
        .run()
}

static TOURNAMENT: About = About::new(
    "19-tournament",
    "A tournament",
    2.0,
    [
        "Only the members whose numbers stand in drawn take part. Go through them and keep the one \
         with the highest reward.",
        "let mut best = drawn[0]; for member in drawn { if rewards[member] > rewards[best] { best = \
         member; } } best",
    ],
);

fn largest(values: &[f64], among: &[usize], sign: f64) -> usize {
    among.iter().copied().fold(among[0], |best, i| {
        match sign * values[i] > sign * values[best] {
            true => i,
            false => best,
        }
    })
}

/// Checks `fn tournament(rewards: Vec<f64>, drawn: Vec<usize>) -> usize`.
pub fn tournament(
    student: impl Fn(Vec<f64>, Vec<usize>) -> usize + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, rewards: Vec<f64>, drawn: Vec<usize>| {
        let everybody: Vec<usize> = (0..rewards.len()).collect();
        let right = largest(&rewards, &drawn, 1.0);
        let place = drawn.iter().position(|&m| m == right).unwrap_or(0);
        let all = largest(&rewards, &everybody, 1.0);
        let worst = largest(&rewards, &drawn, -1.0);
        let (first, ignored) = (
            drawn[0],
            largest(&rewards[..drawn.len()], &everybody[..drawn.len()], 1.0),
        );
        Case::new(name, move || student(rewards.clone(), drawn.clone()), right)
            .mistake("That is the best of all. Only those drawn take part.", all)
            .mistake("That is the worst of those drawn.", worst)
            .mistake(
                "That is a place in drawn; the member's own number is asked for.",
                place,
            )
            .mistake("That is the first that was drawn, not the best.", first)
            .mistake("Look at rewards[member] for the members in drawn.", ignored)
    };
    Exercise::new(&TOURNAMENT)
        .check(case(
            "members 4, 1 and 3 of six",
            vec![0.95, 0.7, 0.9, 0.8, 0.6, 0.2],
            vec![4, 1, 3],
        ))
        .check(case("one alone", vec![0.5, 0.9, 0.1], vec![2]))
        .check(case(
            "rewards below zero",
            vec![-0.1, -0.7, -0.3, -0.2, -0.9],
            vec![1, 4, 2, 3],
        ))
        .run()
}

static DEATH: About = About::new(
    "19-death",
    "Who dies",
    1.0,
    [
        "Not the worst one: the oldest. That is the member that was born first.",
        "Find the place of the smallest number in born; the rewards are not looked at.",
    ],
);

/// Checks `fn who_dies(born: Vec<usize>, rewards: Vec<f64>) -> usize`.
pub fn who_dies(student: impl Fn(Vec<usize>, Vec<f64>) -> usize + Copy + Send + 'static) -> Score {
    let case = move |name: &str, born: Vec<usize>, rewards: Vec<f64>| {
        let everybody: Vec<usize> = (0..born.len()).collect();
        let times: Vec<f64> = born.iter().map(|&b| b as f64).collect();
        let right = largest(&times, &everybody, -1.0);
        let (youngest, worst) = (
            largest(&times, &everybody, 1.0),
            largest(&rewards, &everybody, -1.0),
        );
        let when = born[right];
        let best = largest(&rewards, &everybody, 1.0);
        Case::new(name, move || student(born.clone(), rewards.clone()), right)
            .mistake(
                "That is the worst one. Here the oldest dies, however good it is.",
                worst,
            )
            .mistake(
                "That is the youngest: a small number was born early.",
                youngest,
            )
            .mistake("That is the best one.", best)
            .mistake(
                "That is when it was born; its place in the list is asked for.",
                when,
            )
    };
    Exercise::new(&DEATH)
        .check(case(
            "the oldest is the best",
            vec![7, 4, 9, 5],
            vec![0.3, 0.9, 0.5, 0.6],
        ))
        .check(case(
            "the oldest stands last",
            vec![12, 10, 11, 8],
            vec![0.7, 0.2, 0.9, 0.4],
        ))
        .run()
}

static GRADIENT: About = About::new(
    "19-gradient",
    "The gradient of a choice",
    3.0,
    [
        "First the probabilities: e to the power of each score, divided by their sum. The gradient is \
         minus the probability everywhere, and 1 more at the chosen option.",
        "gradient[i] = -p[i] for all i, then gradient[chosen] += 1.0.",
    ],
);

fn softmax(scores: &[f64]) -> Vec<f64> {
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exps: Vec<f64> = scores.iter().map(|s| (s - most).exp()).collect();
    let sum: f64 = exps.iter().sum();
    exps.iter().map(|e| e / sum).collect()
}

/// Checks `fn choice_gradient(scores: Vec<f64>, chosen: usize) -> Vec<f64>`.
pub fn choice_gradient(
    student: impl Fn(Vec<f64>, usize) -> Vec<f64> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, scores: Vec<f64>, chosen: usize| {
        let p = softmax(&scores);
        let hot = |i: usize| if i == chosen { 1.0 } else { 0.0 };
        let each = |f: &dyn Fn(usize) -> f64| -> Vec<f64> { (0..scores.len()).map(f).collect() };
        let right = each(&|i| hot(i) - p[i]);
        let downhill = each(&|i| p[i] - hot(i));
        let of_p = each(&|i| p[chosen] * (hot(i) - p[i]));
        let raw = each(&|i| hot(i) - scores[i]);
        let alone = each(&|i| hot(i) * (1.0 - p[i]));
        Case::new(name, move || student(scores.clone(), chosen), right)
            .mistake(
                "The sign: a step along the gradient makes the choice MORE likely.",
                downhill,
            )
            .mistake(
                "That is the gradient of the probability itself; its logarithm is asked for.",
                of_p,
            )
            .mistake("First turn the scores into probabilities.", raw)
            .mistake(
                "The scores of the other options count as well: each by minus its probability.",
                alone,
            )
            .mistake("Those are the probabilities.", p)
    };
    Exercise::new(&GRADIENT)
        .check(case("three equal scores", vec![0.0, 0.0, 0.0], 1))
        .check(case("two options", vec![1.0, -1.0], 0))
        .seeded(2, 1903, move |draw| {
            let scores: Vec<f64> = (0..4).map(|_| draw.number(-2.0..=2.0)).collect();
            let chosen = draw.integer(0..=3);
            case("four drawn scores", scores, chosen)
        })
        .property("it is the slope", move || {
            let scores = vec![0.3, -0.8, 1.1];
            let got = student(scores.clone(), 2);
            if got.len() != 3 {
                return Err(format!("expected one number a score, got {}", got.len()));
            }
            for (i, got) in got.into_iter().enumerate() {
                let log = |by: f64| {
                    let mut moved = scores.clone();
                    moved[i] += by;
                    softmax(&moved)[2].ln()
                };
                let slope = (log(1e-4) - log(-1e-4)) / 2e-4;
                // (Not so of NaN either.)
                let close = (slope - got).abs() < 1e-5;
                if !close {
                    return Err(format!(
                        "score {i} moved by a little: log p grows by {slope:.4} of it, got {got:.4}"
                    ));
                }
            }
            Ok(())
        })
        .run()
}

static ADVANTAGE: About = About::new(
    "19-advantage",
    "The advantage",
    2.0,
    [
        "Begin with baseline = rewards[0]. For each reward: first push reward - baseline, then move \
         the baseline a little towards the reward.",
        "baseline = (1.0 - news) * baseline + news * reward; after the push.",
    ],
);

fn advantages_by(rewards: &[f64], news: f64, start: f64, before: bool) -> Vec<f64> {
    let mut baseline = start;
    rewards
        .iter()
        .map(|reward| {
            let next = (1.0 - news) * baseline + news * reward;
            let advantage = reward - if before { next } else { baseline };
            baseline = next;
            advantage
        })
        .collect()
}

/// Checks `fn advantages(rewards: Vec<f64>, news: f64) -> Vec<f64>`.
pub fn advantages(student: impl Fn(Vec<f64>, f64) -> Vec<f64> + Copy + Send + 'static) -> Score {
    let case = move |name: &str, rewards: Vec<f64>, news: f64| {
        let first = rewards[0];
        let by = |news: f64, start: f64, before: bool| advantages_by(&rewards, news, start, before);
        let right = by(news, first, false);
        let (early, zero) = (by(news, first, true), by(news, 0.0, false));
        let (swapped, still) = (by(1.0 - news, first, false), by(0.0, first, false));
        let turned = right.iter().map(|a| -a).collect();
        Case::new(name, move || student(rewards.clone(), news), right)
            .mistake(
                "Take the baseline as it was BEFORE this reward: first the advantage, then the move.",
                early,
            )
            .mistake("The baseline begins at the first reward.", zero)
            .mistake("The new reward weighs news, the old baseline 1 - news.", swapped)
            .mistake("The baseline moves with every reward.", still)
            .mistake("Reward less baseline, not the other way round.", turned)
    };
    Exercise::new(&ADVANTAGE)
        .check(case(
            "four rewards, news 0.1",
            vec![0.5, 0.7, 0.9, 0.6],
            0.1,
        ))
        .check(case("the same reward again and again", vec![0.8; 4], 0.3))
        .seeded(2, 1904, move |draw| {
            let rewards: Vec<f64> = (0..6).map(|_| draw.number(0.2..=1.0)).collect();
            case("six drawn rewards, news 0.25", rewards, 0.25)
        })
        .run()
}

#[cfg(test)]
#[path = "n19_tests.rs"]
mod tests;
