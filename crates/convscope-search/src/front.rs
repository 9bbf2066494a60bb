//! Accuracy against cost.

use crate::log::Trial;

/// The front of accuracy against cost (Pareto's): the trials that no other beats, that is, for which
/// no other has at least their accuracy at less cost, or more accuracy at no more cost. The cheapest
/// first; cost counts multiply-adds. Of trials with equal accuracy and cost the first stands for all.
pub fn front(trials: &[Trial]) -> Vec<Trial> {
    let mut order: Vec<&Trial> = trials.iter().filter(|t| t.accuracy.is_finite()).collect();
    order.sort_by(|a, b| {
        let cost = a.cost.multiply_adds.cmp(&b.cost.multiply_adds);
        cost.then(b.accuracy.total_cmp(&a.accuracy))
            .then(a.number.cmp(&b.number))
    });
    let mut best = f64::NEG_INFINITY;
    let mut kept = Vec::new();
    for trial in order {
        if trial.accuracy > best {
            best = trial.accuracy;
            kept.push(trial.clone());
        }
    }
    kept
}
