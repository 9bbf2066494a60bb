//! The one loop that makes images: uphill on an objective, step by step.

use super::canvas::Canvas;
use super::cut::Cut;
use super::maximised::{Frame, Maximized, joined};
use super::objective::Objective;
use super::range::{rows, rows_mut};
use super::regularise::regularise;
use super::settings::{Clamp, Maximize};
use super::step::{Stepper, finite};
use super::transform::{Chain, size_after};
use crate::error::{Result, VisError};
use crate::map::Flag;
use crate::provenance::Provenance;
use crate::watch::Watch;
use convscope_nn::{Network, Rule, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde_json::Value;
use std::time::Instant;

/// An image that maximises an objective in a network (Erhan et al. 2009; Simonyan, Vedaldi and
/// Zisserman 2014): `[1, C, H, W]`. The network is cut behind the layers looked at, and may have
/// been made for images of another size.
///
/// ```
/// use convscope_nn::{Conv2d, Network, Relu};
/// use convscope_vis::{Maximize, Objective, maximize};
/// # fn main() -> Result<(), convscope_vis::VisError> {
/// let net = Network::input([3, 16, 16])
///     .add("conv1", Conv2d::new(8, 3).same())
///     .add("relu1", Relu)
///     .build(1)?;
/// let made = maximize(&net, &Objective::channel("relu1", 2), &Maximize::new().steps(20))?;
/// assert!(made.values[0] > made.curves[0][0]);
/// # Ok(()) }
/// ```
///
/// # Errors
/// When there is no such layer, channel or class, the network does not fit the size, or a setting
/// makes no sense.
pub fn maximize(net: &Network, objective: &Objective, settings: &Maximize) -> Result<Maximized> {
    maximize_all(net, std::slice::from_ref(objective), settings)
}

/// [`maximize`] with progress and a budget.
///
/// # Errors
/// As [`maximize`].
pub fn maximize_watched(
    net: &Network,
    objective: &Objective,
    settings: &Maximize,
    watch: &mut Watch,
) -> Result<Maximized> {
    maximize_all_watched(net, std::slice::from_ref(objective), settings, watch)
}

/// An image for each objective, [`Maximize::batch`] at a time. Many channels together go through a
/// network faster than one after the other.
///
/// # Errors
/// As [`maximize`], or when there is no objective.
pub fn maximize_all(
    net: &Network,
    objectives: &[Objective],
    settings: &Maximize,
) -> Result<Maximized> {
    maximize_all_watched(net, objectives, settings, &mut Watch::quiet())
}

/// [`maximize_all`] with progress and a budget. A budget that is used up leaves the images where
/// they are, with [`Flag::Unfinished`].
///
/// # Errors
/// As [`maximize_all`].
pub fn maximize_all_watched(
    net: &Network,
    objectives: &[Objective],
    settings: &Maximize,
    watch: &mut Watch,
) -> Result<Maximized> {
    watch.begin(objectives.len() * (settings.steps + 1));
    let made = run(net, objectives, settings, watch);
    watch.finish();
    made
}

/// The same under a watch that has begun.
pub(crate) fn run(
    net: &Network,
    objectives: &[Objective],
    settings: &Maximize,
    watch: &mut Watch,
) -> Result<Maximized> {
    let begun = Instant::now();
    let [channels, h, w] = *net.input_shape() else {
        return Err(VisError::shape(
            "the input of a network whose image is to be made",
            "[channels, height, width]",
            net.input_shape(),
        ));
    };
    let [h, w] = settings.size.unwrap_or([h, w]);
    let shape = [channels, h, w];
    settings.check(shape)?;
    if objectives.is_empty() || objectives.iter().any(|o| o.terms.is_empty()) {
        return Err(VisError::invalid("expected at least one objective"));
    }
    let mut batches = Vec::new();
    for (i, part) in objectives.chunks(settings.batch).enumerate() {
        let batch = Batch::new(net, part, settings, shape, i * settings.batch)?;
        batches.push(batch.climb(watch)?);
    }
    let mut made = joined(batches);
    made.provenance = provenance(objectives, settings).took(begun);
    Ok(made)
}

fn provenance(objectives: &[Objective], settings: &Maximize) -> Provenance {
    let words: Vec<String> = objectives.iter().map(Objective::to_string).collect();
    let source = "Erhan et al. 2009; Simonyan, Vedaldi and Zisserman 2014";
    let mut provenance = Provenance::new("activation maximisation", source)
        .target(words.join("; "))
        .seed(settings.seed);
    let layers = objectives.iter().flat_map(|o| &o.terms);
    provenance.layer = layers.clone().find_map(|t| t.layer.clone());
    if let Ok(Value::Object(all)) = serde_json::to_value(settings) {
        provenance.settings = all;
    }
    provenance
}

/// Images on their way together.
struct Batch<'a> {
    settings: &'a Maximize,
    objectives: &'a [Objective],
    canvas: Canvas,
    cut: Cut,
    /// For images without transforms.
    still: Cut,
    rngs: Vec<ChaCha8Rng>,
    z: Tensor,
    /// Images that move no more.
    fixed: Vec<bool>,
    /// Images that ever had a gradient.
    woken: Vec<bool>,
    made: Maximized,
}

impl<'a> Batch<'a> {
    fn new(
        net: &Network,
        objectives: &'a [Objective],
        settings: &'a Maximize,
        shape: [usize; 3],
        first: usize,
    ) -> Result<Batch<'a>> {
        let [c, h, w] = shape;
        let n = objectives.len();
        let canvas = Canvas::new(settings, shape)?;
        let [th, tw] = size_after(&settings.transforms, [h, w]).expect("checked");
        let still = Cut::new(net, objectives, &shape)?;
        let cut = match [th, tw] == [h, w] {
            true => still.clone(),
            false => Cut::new(net, objectives, &[c, th, tw])?,
        };
        // Each image has its own stream, whatever it is batched with.
        let stream = |i: usize| {
            let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
            rng.set_stream((first + i) as u64);
            rng
        };
        let mut rngs: Vec<ChaCha8Rng> = (0..n).map(stream).collect();
        let z = canvas.start(&settings.start, &mut rngs, first)?;
        let images = canvas.images(&z);
        Ok(Batch {
            settings,
            objectives,
            canvas,
            cut,
            still,
            rngs,
            z,
            fixed: vec![false; n],
            woken: vec![false; n],
            made: Maximized {
                best: images.clone(),
                images,
                values: vec![0.0; n],
                best_values: vec![f64::NEG_INFINITY; n],
                curves: vec![Vec::new(); n],
                frames: Vec::new(),
                flags: vec![Vec::new(); n],
                provenance: Provenance::default(),
            },
        })
    }

    fn climb(mut self, watch: &mut Watch) -> Result<Maximized> {
        let (n, steps) = (self.objectives.len(), self.settings.steps);
        let mut stepper = Stepper::new(self.settings.step, steps, &self.z);
        let mut taken = 0;
        while taken < steps && watch.allows(n) == n && !self.fixed.iter().all(|&f| f) {
            self.step(taken, &mut stepper)?;
            watch.step(n);
            taken += 1;
        }
        if self.settings.clamp != Clamp::No {
            self.canvas.clamp(&mut self.z);
        }
        self.made.images = self.canvas.images(&self.z);
        if self.settings.frame_every > 0 && !self.made.frames.iter().any(|f| f.step == taken) {
            self.frame(taken);
        }
        let finished = taken == steps || self.fixed.iter().all(|&f| f);
        if finished && !self.settings.appraise {
            self.last_values();
        } else if finished && watch.allows(n) == n {
            self.made.values = self.still.values(&self.made.images, self.objectives)?;
            self.made
                .values
                .iter_mut()
                .filter(|v| !v.is_finite())
                .for_each(|v| *v = 0.0);
            let values = self.made.values.clone();
            self.keep_best(&values, &self.paid().1);
            watch.step(n);
        } else {
            self.last_values();
            let done = taken as f64 / (steps + 1) as f64;
            let flags = self.made.flags.iter_mut();
            flags.for_each(|f| f.push(Flag::Unfinished { done }));
        }
        for i in 0..n {
            if taken > 0 && !self.woken[i] && !self.fixed[i] {
                self.made.flags[i].push(Flag::ZeroGradient);
            }
            if self.made.best_values[i] == f64::NEG_INFINITY {
                self.made.best_values[i] = 0.0;
            }
        }
        Ok(self.made)
    }

    fn step(&mut self, t: usize, stepper: &mut Stepper) -> Result<()> {
        let settings = self.settings;
        if settings.clamp == Clamp::Before {
            self.canvas.clamp(&mut self.z);
        }
        self.made.images = self.canvas.images(&self.z);
        if settings.frame_every > 0 && t.is_multiple_of(settings.frame_every) {
            self.frame(t);
        }
        let (values, gradient) = self.ascend(t)?;
        let (penalty_gradient, paid) = self.paid();
        let mut gradient = match self.canvas.moves_pixels() {
            true => self.canvas.back(&self.made.images, gradient),
            false => gradient,
        };
        if let Some(penalty) = penalty_gradient {
            gradient += &penalty;
        }
        if !self.canvas.moves_pixels() {
            gradient = self.canvas.back(&self.made.images, gradient);
        }
        let sound = finite(&gradient);
        for (i, &value) in values.iter().enumerate() {
            if self.fixed[i] {
                continue;
            }
            if !sound[i] || !value.is_finite() {
                self.fix(i, Some(Flag::Diverged { step: t }));
                continue;
            }
            self.made.curves[i].push(value);
            if settings.limit.is_some_and(|limit| value > limit) {
                self.fix(i, None);
            }
        }
        self.keep_best(&values, &paid);
        for (i, g) in rows_mut(&mut gradient).enumerate() {
            if self.fixed[i] {
                g.fill(0.0);
            }
            self.woken[i] |= g.iter().any(|&v| v != 0.0);
        }
        let mut moved = gradient.clone();
        stepper.step(&mut moved);
        let before = self.z.clone();
        self.z += &moved;
        if settings.clamp == Clamp::After {
            self.canvas.clamp(&mut self.z);
        }
        regularise(&mut self.z, &gradient, t, settings);
        let sound = finite(&self.z);
        for (i, (row, old)) in rows_mut(&mut self.z).zip(rows(&before)).enumerate() {
            let broken = !sound[i] && !self.fixed[i];
            if broken {
                self.fixed[i] = true;
                self.made.flags[i].push(Flag::Diverged { step: t });
            }
            if self.fixed[i] {
                row.copy_from_slice(old);
            }
        }
        Ok(())
    }

    /// Values and gradients with respect to the images, through this step's transforms.
    fn ascend(&mut self, t: usize) -> Result<(Vec<f64>, Tensor)> {
        let rule = match t < self.settings.redirected {
            true => Rule::Redirected,
            false => Rule::Gradient,
        };
        let transforms = &self.settings.transforms;
        if transforms.is_empty() {
            return self.cut.gradient(&self.made.images, self.objectives, rule);
        }
        let [c, h, w] = self.canvas.shape;
        let draw = |rng: &mut ChaCha8Rng| Chain::draw(transforms, [h, w], rng);
        let chains: Vec<Chain> = self.rngs.iter_mut().map(draw).collect();
        let fill = self.canvas.range.middle();
        let pairs: Vec<_> = chains.iter().zip(rows(&self.made.images)).collect();
        let seen = pairs.into_par_iter();
        let seen: Vec<Vec<f32>> = seen
            .map(|(chain, image)| chain.apply(image, &fill))
            .collect();
        let [th, tw] = size_after(transforms, [h, w]).expect("checked");
        let dims = vec![chains.len(), c, th, tw];
        let seen = Tensor::from_shape_vec(dims, seen.concat()).expect("one shape");
        let (values, gradient) = self.cut.gradient(&seen, self.objectives, rule)?;
        let pairs: Vec<_> = chains.iter().zip(rows(&gradient)).collect();
        let back = pairs.into_par_iter();
        let back: Vec<Vec<f32>> = back.map(|(chain, g)| chain.adjoint(g, c)).collect();
        let dims = self.made.images.raw_dim();
        Ok((
            values,
            Tensor::from_shape_vec(dims, back.concat()).expect("one shape"),
        ))
    }

    /// What the images pay, and minus its gradient with respect to what is moved (of waves: to the
    /// images).
    fn paid(&self) -> (Option<Tensor>, Vec<f64>) {
        let penalties = self.settings.penalties();
        if !penalties.any() {
            return (None, vec![0.0; self.objectives.len()]);
        }
        let [_, h, w] = self.canvas.shape;
        let on = match self.canvas.moves_pixels() {
            true => &self.z,
            false => &self.made.images,
        };
        let mut gradient = Tensor::zeros(on.raw_dim());
        let pairs: Vec<_> = rows(on).zip(rows_mut(&mut gradient)).collect();
        let each = pairs.into_par_iter();
        let paid = each.map(|(x, g)| penalties.subtract(x, h * w, w, g));
        let paid = paid.collect();
        (Some(gradient), paid)
    }

    fn keep_best(&mut self, values: &[f64], paid: &[f64]) {
        let images = rows(&self.made.images).zip(rows_mut(&mut self.made.best));
        for (i, (image, best)) in images.enumerate() {
            let score = values[i] - paid[i];
            if score.is_finite() && score > self.made.best_values[i] {
                self.made.best_values[i] = score;
                best.copy_from_slice(image);
            }
        }
    }

    fn last_values(&mut self) {
        let last = self
            .made
            .curves
            .iter()
            .map(|c| c.last().copied().unwrap_or(0.0));
        self.made.values = last.collect();
    }

    fn fix(&mut self, i: usize, flag: Option<Flag>) {
        self.fixed[i] = true;
        self.made.flags[i].extend(flag);
    }

    fn frame(&mut self, step: usize) {
        self.made.frames.push(Frame {
            step,
            images: self.made.images.clone(),
        });
    }
}
