//! Every check of notebook 19: the right answer passes, typical mistakes are named, and what is not
//! written yet is said kindly.

use super::*;
use crate::checks::testing::{UNWRITTEN, judge};

#[test]
fn choices_multiply() {
    type Count = fn(Vec<usize>, usize, Vec<usize>) -> usize;
    fn product(list: &[usize]) -> usize {
        list.iter().product()
    }
    let right: Count = |s, n, o| product(&s).pow(n as u32) * product(&o);
    judge(
        how_many,
        right,
        &[
            (
                |s, n, o| product(&s) * n * product(&o),
                "each way of the first",
            ),
            (
                |s, n, o| s.iter().sum::<usize>() * n + o.iter().sum::<usize>(),
                "do not add up",
            ),
            (|s, _, o| product(&s) * product(&o), "one stage alone"),
            (
                |s, n, o| (product(&s) * product(&o)).pow(n as u32),
                "come once",
            ),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_separable_convolution_has_two_steps_and_two_batch_norms() {
    type Bill = fn(usize, usize, usize, usize) -> [usize; 2];
    fn weights(c: usize, f: usize, k: usize) -> usize {
        c * k * k + c * f
    }
    let right: Bill = |c, s, f, k| [weights(c, f, k) + 2 * c + 2 * f, weights(c, f, k) * s * s];
    judge(
        separable,
        right,
        &[
            (
                |c, s, f, k| [f * c * k * k + 2 * f, f * c * k * k * s * s],
                "a plain convolution",
            ),
            (
                |c, s, f, k| [weights(c, f, k), weights(c, f, k) * s * s],
                "two batch norms",
            ),
            (
                |c, s, f, k| [weights(c, f, k) + 2 * f, weights(c, f, k) * s * s],
                "comes twice",
            ),
            (
                |c, s, f, k| [weights(c, f, k) + 2 * c + 2 * f, weights(c, f, k) * s],
                "side x side",
            ),
            (
                |c, s, f, k| {
                    let all = weights(c, f, k) + 2 * c + 2 * f;
                    [all, all * s * s]
                },
                "the convolutions alone",
            ),
            (|_, _, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_front_is_what_nobody_beats() {
    type Front = fn(Vec<f64>, Vec<f64>, usize) -> bool;
    let right: Front = |c, a, i| on_front_by(&c, &a, beats)[i];
    judge(
        on_front,
        right,
        &[
            (
                |c, a, i| on_front_by(&c, &a, |o, m| o[0] < m[0] && o[1] > m[1])[i],
                "Equal in one respect",
            ),
            (
                |_, a, i| a.iter().all(|v| *v <= a[i]),
                "without being the most accurate",
            ),
            (
                |c, a, i| on_front_by(&c, &a, |o, m| o[0] <= m[0] && o[1] >= m[1])[i],
                "does not beat itself",
            ),
            (
                |c, a, i| !on_front_by(&c, &a, beats)[i],
                "The other way round",
            ),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn luck_is_counted_in_misses() {
    type Needed = fn(f64, f64) -> usize;
    let right: Needed = |share, sure| {
        let (mut n, mut missed) = (0, 1.0);
        while 1.0 - missed < sure {
            missed *= 1.0 - share;
            n += 1;
        }
        n
    };
    judge(
        draws_needed,
        right,
        &[
            (
                |share, sure| ((1.0 - sure).ln() / (1.0 - share).ln()) as usize,
                "Round up",
            ),
            (|share, _| (1.0 / share).round() as usize, "on average"),
            (
                |share, sure| (sure / share).ceil() as usize,
                "do not add up",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn random_genes_are_even_and_independent() {
    type Genes = fn(Vec<usize>, &mut Dice) -> Vec<usize>;
    let right: Genes = |options, dice| options.iter().map(|&n| dice.below(n)).collect();
    judge(
        random_genes,
        right,
        &[
            (
                |options, dice| options.iter().map(|&n| dice.below(n.max(2) - 1)).collect(),
                "came 3000 times",
            ),
            (
                |options, dice| options.iter().map(|&n| dice.below(n + 1)).collect(),
                "and there are",
            ),
            (|_, dice| vec![dice.below(2)], "one a choice"),
            (
                |options, dice| {
                    let same = dice.unit();
                    let one = |n: &usize| (same * *n as f32) as usize;
                    options.iter().map(one).collect()
                },
                "draw each gene anew",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_mutation_changes_one_gene() {
    type Child = fn(Vec<usize>, Vec<usize>, &mut Dice) -> Vec<usize>;
    let right: Child = |genes, options, dice| {
        let mut at = dice.below(genes.len());
        while options[at] < 2 {
            at = dice.below(genes.len());
        }
        let mut child = genes.clone();
        while child[at] == genes[at] {
            child[at] = dice.below(options[at]);
        }
        child
    };
    judge(
        mutate,
        right,
        &[
            (
                |mut genes, options, dice| {
                    let at = dice.below(genes.len());
                    genes[at] = dice.below(options[at]);
                    genes
                },
                "are their parent",
            ),
            (
                |_, options, dice| options.iter().map(|&n| dice.below(n)).collect(),
                "more than one gene",
            ),
            (
                |mut genes, options, dice| {
                    let at = dice.below(genes.len());
                    genes[at] = (genes[at] + 1) % options[at];
                    genes
                },
                "expected about",
            ),
            (
                |mut genes, options, _| {
                    genes[0] = (genes[0] + 1) % options[0];
                    genes
                },
                "expected about",
            ),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_tournament_is_won_by_the_best_of_those_drawn() {
    type Winner = fn(Vec<f64>, Vec<usize>) -> usize;
    let right: Winner = |rewards, drawn| largest(&rewards, &drawn, 1.0);
    judge(
        tournament,
        right,
        &[
            (
                |rewards, _| largest(&rewards, &(0..rewards.len()).collect::<Vec<_>>(), 1.0),
                "the best of all",
            ),
            (
                |rewards, drawn| largest(&rewards, &drawn, -1.0),
                "the worst",
            ),
            (
                |rewards, drawn| {
                    let best = largest(&rewards, &drawn, 1.0);
                    drawn.iter().position(|m| *m == best).unwrap()
                },
                "a place in drawn",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_oldest_dies() {
    type Dies = fn(Vec<usize>, Vec<f64>) -> usize;
    fn first(born: &[usize]) -> usize {
        (0..born.len()).min_by_key(|&i| born[i]).unwrap()
    }
    let right: Dies = |born, _| first(&born);
    judge(
        who_dies,
        right,
        &[
            (
                |_, rewards| largest(&rewards, &(0..rewards.len()).collect::<Vec<_>>(), -1.0),
                "the worst one",
            ),
            (
                |born, _| (0..born.len()).max_by_key(|&i| born[i]).unwrap(),
                "the youngest",
            ),
            (|born, _| born[first(&born)], "when it was born"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_gradient_of_a_choice_is_one_less_the_probability() {
    type Slope = fn(Vec<f64>, usize) -> Vec<f64>;
    let right: Slope = |scores, chosen| {
        let mut gradient: Vec<f64> = softmax(&scores).iter().map(|p| -p).collect();
        gradient[chosen] += 1.0;
        gradient
    };
    judge(
        choice_gradient,
        right,
        &[
            (
                |scores, chosen| {
                    let mut gradient = softmax(&scores);
                    gradient[chosen] -= 1.0;
                    gradient
                },
                "MORE likely",
            ),
            (
                |scores, chosen| {
                    let p = softmax(&scores);
                    let hot = |i| if i == chosen { 1.0 } else { 0.0 };
                    (0..p.len()).map(|i| p[chosen] * (hot(i) - p[i])).collect()
                },
                "its logarithm",
            ),
            (|scores, _| softmax(&scores), "Those are the probabilities"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn an_advantage_is_over_the_baseline_before() {
    type Advantage = fn(Vec<f64>, f64) -> Vec<f64>;
    let right: Advantage = |r, news| advantages_by(&r, news, r[0], false);
    judge(
        advantages,
        right,
        &[
            (|r, news| advantages_by(&r, news, r[0], true), "BEFORE"),
            (|r, news| advantages_by(&r, news, 0.0, false), "begins at"),
            (
                |r, news| advantages_by(&r, 1.0 - news, r[0], false),
                "weighs news",
            ),
            (|r, _| advantages_by(&r, 0.0, r[0], false), "moves with"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}
