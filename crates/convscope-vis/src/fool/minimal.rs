//! The smallest change that fools.

use super::bounds::{Bounds, Units};
use super::boxed_lbfgs::minimise;
use super::differentiable::DifferentiableScorer;
use super::fooled::{Fooled, Outcome};
use super::loss::{FoolingLoss, Goal, answers, logits};
use crate::error::{Result, VisError};
use crate::images::{dimensions, part};
use crate::map::Flag;
use crate::provenance::Provenance;
use crate::watch::Watch;
use convscope_nn::Tensor;
use ndarray::Axis;
use std::time::Instant;

/// Settings of the search for the smallest perturbation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SmallestPerturbation {
    /// What the images are to be taken for. Away from a class means towards the most probable
    /// other one: the search needs a class to go to.
    pub goal: Goal,
    /// How many weights of the loss are tried for each image. 10 unless set: enough to find the
    /// weight to within a few percent.
    pub searches: usize,
    /// The most steps of L-BFGS for each weight. 30 unless set.
    pub iterations: usize,
    /// The first weight of the loss. 1 unless set.
    pub first_weight: f64,
    /// Whether the best change is at last scaled down as far as it still fools: yes unless set.
    pub shrink: bool,
    /// What sizes are counted in. The way from black to white is 1 unless set.
    pub units: Units,
    /// What is black and white: the box.
    pub bounds: Bounds,
}

impl SmallestPerturbation {
    /// Away from the network's own answer.
    pub fn new(bounds: Bounds) -> SmallestPerturbation {
        SmallestPerturbation {
            goal: Goal::default(),
            searches: 10,
            iterations: 30,
            first_weight: 1.0,
            shrink: true,
            units: Units::default(),
            bounds,
        }
    }

    /// With a goal.
    pub fn goal(mut self, goal: Goal) -> SmallestPerturbation {
        self.goal = goal;
        self
    }

    /// With so many weights tried.
    pub fn searches(mut self, searches: usize) -> SmallestPerturbation {
        self.searches = searches;
        self
    }

    /// With at most so many steps for each weight.
    pub fn iterations(mut self, iterations: usize) -> SmallestPerturbation {
        self.iterations = iterations;
        self
    }

    /// Scaled down at last or not.
    pub fn shrink(mut self, shrink: bool) -> SmallestPerturbation {
        self.shrink = shrink;
        self
    }
}

/// The smallest perturbation that makes a network take images `[N, C, H, W]` for another class
/// (Szegedy et al. 2014, section 4.1): minimises `|r|² + c loss(x + r, class)` by L-BFGS within the
/// box, and searches for the smallest weight `c` with which the image is taken for the class:
/// tenfold until it is, then by bisection. (The paper weighs the other term, and takes the largest
/// weight; its norm is not squared.) An image for which no weight fools is returned as it was, with
/// [`Flag::NotReached`].
///
/// # Errors
/// When the images do not fit, there is no such class, or no search or step is allowed.
pub fn smallest_perturbation(
    model: &(impl DifferentiableScorer + ?Sized),
    images: &Tensor,
    settings: &SmallestPerturbation,
) -> Result<Fooled> {
    smallest_perturbation_watched(model, images, settings, &mut Watch::quiet())
}

/// [`smallest_perturbation`] with progress and a budget.
///
/// # Errors
/// As [`smallest_perturbation`].
pub fn smallest_perturbation_watched(
    model: &(impl DifferentiableScorer + ?Sized),
    images: &Tensor,
    settings: &SmallestPerturbation,
    watch: &mut Watch,
) -> Result<Fooled> {
    let begun = Instant::now();
    let [n, ..] = dimensions(images)?;
    if settings.searches == 0 || settings.iterations == 0 {
        return Err(VisError::invalid(
            "the smallest perturbation: expected at least one search of at least one step",
        ));
    }
    let before = logits(model, images)?;
    let classes = settings.goal.classes(&before)?;
    let scale = settings.bounds.scale(settings.units, images)?;
    let limits = settings.bounds.of_image(images)?;
    let mut moved = images.clone();
    let mut flags = vec![Vec::new(); n];
    // Line searches rarely take a second evaluation.
    watch.begin(n * settings.searches * settings.iterations);
    for i in 0..n {
        let row = before.index_axis(Axis(0), i).to_owned();
        let mut search = Search {
            model,
            given: part(images, i, i + 1),
            scale: &scale,
            limits: &limits,
            target: target(&settings.goal, classes[i], &row),
            goal: &settings.goal,
            class: classes[i],
            settings,
            watch: &mut *watch,
            best: None,
            spent: false,
        };
        search.run(answers(&row.insert_axis(Axis(0)))[0])?;
        match search.best.take() {
            Some((_, image)) => moved
                .index_axis_mut(Axis(0), i)
                .assign(&image.index_axis(Axis(0), 0)),
            None => flags[i].push(Flag::NotReached),
        }
        if search.spent {
            let done = i as f64 / n as f64;
            flags[i..]
                .iter_mut()
                .for_each(|f| f.push(Flag::Unfinished { done }));
            break;
        }
    }
    watch.finish();
    let after = logits(model, &moved)?;
    let provenance = Provenance::new("smallest_perturbation", "Szegedy et al. 2014")
        .setting("searches", settings.searches)
        .setting("iterations", settings.iterations)
        .setting("first_weight", settings.first_weight)
        .setting("shrink", settings.shrink)
        .figure("evaluations", watch.passes().done);
    let outcome = Outcome {
        given: images,
        images: moved,
        goal: &settings.goal,
        classes: &classes,
        before,
        after,
        flags,
        bounds: &settings.bounds,
        units: settings.units,
    };
    outcome.told(provenance.took(begun))
}

/// The class to go to.
fn target(goal: &Goal, class: usize, logits: &Tensor) -> usize {
    if let Goal::Towards(_) = goal {
        return class;
    }
    let others = (0..logits.len()).filter(|&k| k != class);
    others
        .reduce(|best, k| if logits[k] > logits[best] { k } else { best })
        .unwrap_or(class)
}

/// The search for one image.
struct Search<'a, M: ?Sized> {
    model: &'a M,
    given: Tensor,
    scale: &'a Tensor,
    limits: &'a [Tensor; 2],
    target: usize,
    goal: &'a Goal,
    class: usize,
    settings: &'a SmallestPerturbation,
    watch: &'a mut Watch,
    /// The smallest change that fooled: its squared length, and the image.
    best: Option<(f64, Tensor)>,
    /// Whether the budget is used up.
    spent: bool,
}

impl<M: DifferentiableScorer + ?Sized> Search<'_, M> {
    /// Tries one weight after the other. `answer`: what the image is taken for as it is.
    fn run(&mut self, answer: usize) -> Result<()> {
        if self.goal.met(self.class, answer) {
            self.best = Some((0.0, self.given.clone()));
            return Ok(());
        }
        let (mut low, mut high) = (0.0, f64::INFINITY);
        let mut weight = self.settings.first_weight;
        for _ in 0..self.settings.searches {
            let fooled = self.descend(weight)?;
            if self.spent {
                return Ok(());
            }
            if fooled {
                high = weight;
            } else {
                low = weight;
            }
            weight = match (low > 0.0, high.is_finite()) {
                (_, false) => weight * 10.0,
                (false, true) => weight / 10.0,
                (true, true) => f64::sqrt(low * high),
            };
        }
        if self.settings.shrink {
            self.shrink()?;
        }
        Ok(())
    }

    /// Minimises with one weight; whether any place on the way fooled. The smallest such is kept.
    fn descend(&mut self, weight: f64) -> Result<bool> {
        let numbers = |t: &Tensor| t.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        let (given, scale) = (numbers(&self.given), numbers(self.scale));
        let [low, high] = self.limits;
        // On the pixel scale, as changes of the image.
        let bound = |limit: &Tensor| -> Vec<f64> {
            let all = limit.iter().zip(&given).zip(&scale);
            all.map(|((&l, g), s)| (f64::from(l) - g) / s).collect()
        };
        // An image that lies outside the bounds may stay where it is.
        let low: Vec<f64> = bound(low).into_iter().map(|v| v.min(0.0)).collect();
        let high: Vec<f64> = bound(high).into_iter().map(|v| v.max(0.0)).collect();
        let mut fooled = false;
        let start = vec![0.0; given.len()];
        minimise(start, [&low, &high], self.settings.iterations, |change| {
            let image = self.image(change, &given, &scale);
            let Some((loss, gradient, answer)) = self.evaluate(&image)? else {
                return Ok(None);
            };
            let squares: f64 = change.iter().map(|c| c * c).sum();
            if self.goal.met(self.class, answer) {
                fooled = true;
                self.keep(squares, image);
            }
            let slope = change.iter().zip(gradient.iter().zip(&scale));
            let slope = slope.map(|(c, (&g, s))| 2.0 * c + weight * f64::from(g) * s);
            Ok(Some((squares + weight * loss, slope.collect())))
        })?;
        Ok(fooled)
    }

    /// The best change times the smallest factor that still fools, to a part in 2^10.
    fn shrink(&mut self) -> Result<()> {
        let Some((_, best)) = self.best.clone() else {
            return Ok(());
        };
        let change = &best - &self.given;
        let (mut low, mut high) = (0.0_f32, 1.0_f32);
        for _ in 0..10 {
            let middle = (low + high) / 2.0;
            let image = &self.given + &(&change * middle);
            let Some((_, _, answer)) = self.evaluate(&image)? else {
                return Ok(());
            };
            if self.goal.met(self.class, answer) {
                high = middle;
                let scaled = (&image - &self.given) / self.scale;
                self.keep(
                    scaled.iter().map(|&v| f64::from(v) * f64::from(v)).sum(),
                    image,
                );
            } else {
                low = middle;
            }
        }
        Ok(())
    }

    fn keep(&mut self, squares: f64, image: Tensor) {
        if self.best.as_ref().is_none_or(|(least, _)| squares < *least) {
            self.best = Some((squares, image));
        }
    }

    /// The image that a change on the pixel scale makes.
    fn image(&self, change: &[f64], given: &[f64], scale: &[f64]) -> Tensor {
        let all = change.iter().zip(given).zip(scale);
        let values = all.map(|((c, g), s)| (g + c * s) as f32).collect();
        Tensor::from_shape_vec(self.given.raw_dim(), values).expect("as many numbers")
    }

    /// The loss, its gradient, and the answer; nothing when the budget is used up.
    fn evaluate(&mut self, image: &Tensor) -> Result<Option<(f64, Tensor, usize)>> {
        if self.watch.allows(1) == 0 {
            self.spent = true;
            return Ok(None);
        }
        self.watch.step(1);
        let target = self.target;
        let mut loss = 0.0;
        let seed = &mut |logits: &Tensor| {
            loss = cross_entropy(logits, target);
            Ok(FoolingLoss::CrossEntropy.seed(logits, &[target], false))
        };
        let (logits, gradient) = self.model.pull_back(image, seed)?;
        match gradient.iter().all(|g| g.is_finite()) && loss.is_finite() {
            true => Ok(Some((loss, gradient, answers(&logits)[0]))),
            false => Err(VisError::invalid(
                "the scores or their gradient hold a NaN or an infinity: look at what gives them",
            )),
        }
    }
}

/// `-ln softmax(logits)[class]` of the only row.
fn cross_entropy(logits: &Tensor, class: usize) -> f64 {
    let top = logits.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
    let sum: f64 = logits.iter().map(|&z| f64::from(z - top).exp()).sum();
    sum.ln() - f64::from(logits[[0, class]] - top)
}
