//! Images from a generator's latent space (Nguyen et al. 2016): not the pixels are moved but a code
//! that a decoder draws, so that the image stays like those the decoder knows.

use super::cut::Cut;
use super::maximised::Frame;
use super::objective::Objective;
use super::range::rows_mut;
use super::settings::setters;
use super::start::normal;
use super::step::{Step, Stepper, finite};
use crate::error::{Result, VisError};
use crate::map::Flag;
use crate::provenance::Provenance;
use crate::watch::Watch;
use convscope_nn::{INPUT, Network, Rule, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use serde_json::Value;
use std::time::Instant;

/// How a code is optimised ([`maximize_latent`]).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LatentAscent {
    /// Steps. Default 150.
    pub steps: usize,
    /// How the code moves. Default: Adam at .05.
    pub step: Step,
    /// The standard deviation of the normal noise that codes begin with. Default .3: near the mean.
    pub noise: f32,
    /// Shrinks the code by this share after a step. Default .01: towards the mean.
    pub decay: f64,
    /// Numbers of the code stay within this of 0. Default 2 (deviations of a standardised code; the
    /// paper: 3, from 0 up, as its codes come from a ReLU).
    pub bound: f32,
    /// Keeps a frame every so many steps; 0, the default: none.
    pub frame_every: usize,
    /// Of the noise.
    pub seed: u64,
}

impl Default for LatentAscent {
    fn default() -> LatentAscent {
        LatentAscent {
            steps: 150,
            step: Step::Adam { rate: 0.05 },
            noise: 0.3,
            decay: 0.01,
            bound: 2.0,
            frame_every: 0,
            seed: 0,
        }
    }
}

impl LatentAscent {
    /// The defaults.
    pub fn new() -> LatentAscent {
        LatentAscent::default()
    }

    setters! {
        /// With so many steps.
        steps: usize,
        /// With another rule for steps.
        step: Step,
        /// From noise of this deviation.
        noise: f32,
        /// Shrinking by this share after every step.
        decay: f64,
        /// With this bound.
        bound: f32,
        /// With a frame every so many steps.
        frame_every: usize,
        /// With this seed.
        seed: u64,
    }
}

/// Images drawn from codes that were optimised.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Drawn {
    /// The codes, in the shape of the decoder's input with the batch in front.
    pub codes: Tensor,
    /// The images, `[N, C, H, W]`.
    pub images: Tensor,
    /// What each is worth.
    pub values: Vec<f64>,
    /// The same before every step.
    pub curves: Vec<Vec<f64>>,
    /// The images on their way.
    pub frames: Vec<Frame>,
    /// What is to be known of each.
    pub flags: Vec<Vec<Flag>>,
    /// Where they come from.
    pub provenance: Provenance,
}

/// An image for each objective, drawn by a decoder: any network from codes to the images that `net`
/// reads, such as that of [`train_decoder`](crate::train_decoder).
///
/// # Errors
/// When the decoder draws no images, there is no such layer, channel or class, or a setting makes no
/// sense.
pub fn maximize_latent(
    net: &Network,
    decoder: &Network,
    objectives: &[Objective],
    settings: &LatentAscent,
    watch: &mut Watch,
) -> Result<Drawn> {
    let begun = Instant::now();
    let n = objectives.len();
    let shape = decoder.output_shape();
    if shape.len() != 3 {
        let expected = "images, [channels, height, width]";
        return Err(VisError::shape("what the decoder draws", expected, shape));
    }
    let sound = settings.bound > 0.0 && settings.noise.is_finite() && settings.step.is_sound();
    if n == 0 || !sound || !(0.0..=1.0).contains(&settings.decay) {
        return Err(VisError::invalid(format!(
            "expected at least one objective, rates and a bound above 0 and a decay from 0 to 1, \
             got {n} objectives and {settings:?}"
        )));
    }
    let cut = Cut::new(net, objectives, shape)?;
    let mut codes = Tensor::zeros([&[n], decoder.input_shape()].concat());
    for (i, row) in rows_mut(&mut codes).enumerate() {
        let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
        rng.set_stream(i as u64);
        let noise = |v: &mut f32| *v = settings.noise * normal(&mut rng);
        row.iter_mut().for_each(noise);
    }
    let last = decoder.nodes().pop().expect("networks have layers");
    let mut stepper = Stepper::new(settings.step, settings.steps, &codes);
    let (mut curves, mut frames) = (vec![Vec::new(); n], Vec::new());
    let mut flags = vec![Vec::new(); n];
    let mut woken = vec![false; n];
    watch.begin(n * (settings.steps + 1));
    let mut taken = 0;
    while taken < settings.steps && watch.allows(n) == n {
        let trace = decoder.trace(&codes)?;
        let images = trace.output();
        if settings.frame_every > 0 && taken.is_multiple_of(settings.frame_every) {
            frames.push(Frame {
                step: taken,
                images: images.clone(),
            });
        }
        let (values, at_image) = cut.gradient(images, objectives, Rule::Gradient)?;
        let mut gradient = trace.gradient_from(&last, &at_image, INPUT, Rule::Gradient)?;
        for (curve, value) in curves.iter_mut().zip(&values) {
            curve.push(if value.is_finite() { *value } else { 0.0 });
        }
        let sound = finite(&gradient);
        for (i, g) in rows_mut(&mut gradient).enumerate() {
            if !sound[i] {
                g.fill(0.0);
            }
            woken[i] |= g.iter().any(|&v| v != 0.0);
        }
        stepper.step(&mut gradient);
        codes += &gradient;
        let keep = (1.0 - settings.decay) as f32;
        codes.mapv_inplace(|v| (keep * v).clamp(-settings.bound, settings.bound));
        watch.step(n);
        taken += 1;
    }
    let images = decoder.forward(&codes)?;
    let done = taken as f64 / (settings.steps + 1) as f64;
    let values = match taken == settings.steps && watch.allows(n) == n {
        true => {
            watch.step(n);
            cut.values(&images, objectives)?
        }
        false => {
            flags
                .iter_mut()
                .for_each(|f| f.push(Flag::Unfinished { done }));
            let last = curves.iter().map(|c| c.last().copied().unwrap_or(0.0));
            last.collect()
        }
    };
    watch.finish();
    for (flags, woken) in flags.iter_mut().zip(woken) {
        if taken > 0 && !woken {
            flags.push(Flag::ZeroGradient);
        }
    }
    let words: Vec<String> = objectives.iter().map(Objective::to_string).collect();
    let mut provenance = Provenance::new("deep generator", "Nguyen et al. 2016")
        .target(words.join("; "))
        .seed(settings.seed);
    if let Ok(Value::Object(all)) = serde_json::to_value(settings) {
        provenance.settings = all;
    }
    Ok(Drawn {
        codes,
        images,
        values,
        curves,
        frames,
        flags,
        provenance: provenance.took(begun),
    })
}
