//! How right a network stays under attacks that grow.

use super::differentiable::DifferentiableScorer;
use super::fgsm::{Fgsm, fgsm};
use super::fooled::Fooled;
use super::loss::{Goal, parts};
use super::pgd::{Pgd, pgd};
use crate::error::{Result, VisError};
use crate::images::{dimensions, part};
use crate::map::Flag;
use crate::provenance::Provenance;
use crate::watch::Watch;
use convscope_nn::Tensor;
use std::time::Instant;

/// An attack whose strength can be set.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Attack {
    /// One step along the sign of the gradient.
    Fgsm(Fgsm),
    /// Projected gradient descent. Its step grows with its radius.
    Pgd(Pgd),
}

impl From<Fgsm> for Attack {
    fn from(fgsm: Fgsm) -> Attack {
        Attack::Fgsm(fgsm)
    }
}

impl From<Pgd> for Attack {
    fn from(pgd: Pgd) -> Attack {
        Attack::Pgd(pgd)
    }
}

impl Attack {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Attack::Fgsm(_) => "fgsm",
            Attack::Pgd(_) => "pgd",
        }
    }

    /// The changed images, away from the given labels.
    ///
    /// # Errors
    /// As [`fgsm`] and [`pgd`].
    pub fn run(
        &self,
        model: &(impl DifferentiableScorer + ?Sized),
        images: &Tensor,
        labels: &[usize],
    ) -> Result<Fooled> {
        let goal = Goal::AwayFrom(labels.to_vec());
        match self.clone() {
            Attack::Fgsm(settings) => fgsm(model, images, &settings.goal(goal)),
            Attack::Pgd(settings) => pgd(model, images, &settings.goal(goal)),
        }
    }

    /// The same attack of another strength.
    pub fn with_epsilon(&self, epsilon: f32) -> Attack {
        match self.clone() {
            Attack::Fgsm(mut fgsm) => {
                fgsm.epsilon = epsilon;
                Attack::Fgsm(fgsm)
            }
            Attack::Pgd(mut pgd) => {
                let share = if pgd.radius > 0.0 {
                    pgd.step / pgd.radius
                } else {
                    0.25
                };
                pgd.radius = epsilon;
                pgd.step = share * epsilon;
                Attack::Pgd(pgd)
            }
        }
    }
}

/// Accuracy against the strength of an attack.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Robustness {
    /// The strengths.
    pub epsilons: Vec<f32>,
    /// The share of right answers at each.
    pub accuracy: Vec<f64>,
    /// How sure the network is, on average, of its wrong answers at each; 0 where none is wrong.
    pub confidence_when_wrong: Vec<f64>,
    /// Unfinished where a budget ended it: the later strengths are missing.
    pub flags: Vec<Flag>,
    /// Where the numbers come from.
    pub provenance: Provenance,
}

/// Accuracy of a network on labelled images `[N, C, H, W]` when each is attacked with each of these
/// strengths (the curve that Goodfellow et al. give one point of). The attack's own strength and
/// goal do not count: it leads away from the labels. 0 is the accuracy on the images themselves.
///
/// # Errors
/// When images and labels do not fit, or as the attack.
pub fn accuracy_against_epsilon(
    model: &(impl DifferentiableScorer + ?Sized),
    images: &Tensor,
    labels: &[usize],
    attack: &Attack,
    epsilons: &[f32],
) -> Result<Robustness> {
    let mut quiet = Watch::quiet();
    accuracy_against_epsilon_watched(model, images, labels, attack, epsilons, &mut quiet)
}

/// [`accuracy_against_epsilon`] with progress and a budget.
///
/// # Errors
/// As [`accuracy_against_epsilon`].
pub fn accuracy_against_epsilon_watched(
    model: &(impl DifferentiableScorer + ?Sized),
    images: &Tensor,
    labels: &[usize],
    attack: &Attack,
    epsilons: &[f32],
    watch: &mut Watch,
) -> Result<Robustness> {
    let begun = Instant::now();
    let [n, ..] = dimensions(images)?;
    if labels.len() != n {
        return Err(VisError::invalid(format!(
            "accuracy against epsilon: expected a label for each of {n} images, got {}",
            labels.len()
        )));
    }
    let mut accuracy = Vec::new();
    let mut confidence_when_wrong = Vec::new();
    let mut flags = Vec::new();
    watch.begin(n * epsilons.len());
    for &epsilon in epsilons {
        if watch.allows(n) < n {
            let done = accuracy.len() as f64 / epsilons.len() as f64;
            flags.push(Flag::Unfinished { done });
            break;
        }
        let attack = attack.with_epsilon(epsilon);
        let (mut right, mut sure) = (0, 0.0);
        for (from, to) in parts(images) {
            let fooled = attack.run(model, &part(images, from, to), &labels[from..to])?;
            for (verdict, &label) in fooled.after.iter().zip(&labels[from..to]) {
                match verdict.class == label {
                    true => right += 1,
                    false => sure += f64::from(verdict.confidence),
                }
            }
        }
        accuracy.push(f64::from(right) / n as f64);
        let wrong = n - right as usize;
        confidence_when_wrong.push(if wrong > 0 { sure / wrong as f64 } else { 0.0 });
        watch.step(n);
    }
    watch.finish();
    let provenance = Provenance::new("accuracy_against_epsilon", "Goodfellow et al. 2015")
        .setting("attack", attack.name())
        .setting("images", n);
    Ok(Robustness {
        epsilons: epsilons[..accuracy.len()].to_vec(),
        accuracy,
        confidence_when_wrong,
        flags,
        provenance: provenance.took(begun),
    })
}
