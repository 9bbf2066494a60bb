//! What orientation and how fine a grating each channel likes best.

use super::gratings::Grating;
use super::stream::{Layers, parts};
use crate::error::{Result, VisError, node_shape};
use crate::images::part;
use crate::map::Flag;
use crate::provenance::Provenance;
use convscope_nn::{Network, Tensor};
use ndarray::{Array2, Array3, Axis, Ix2, IxDyn};
use serde::Serialize;
use std::f32::consts::TAU;
use std::time::Instant;

/// What counts as the response to a drifting grating.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// The largest over the phases, above that to a plain grey picture.
    #[default]
    Peak,
    /// The mean over the phases, above that to grey: large for a unit that does not mind the phase,
    /// zero for a linear one. (F0 of the physiologists.)
    Mean,
    /// The amplitude at the frequency of the drift: large for a linear unit. (F1.)
    Modulation,
}

/// Settings of the measurement.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GratingTuning {
    /// Orientations in degrees, of a half turn. Every 10 degrees unless set.
    pub orientations: Vec<f32>,
    /// Cycles per pixel, ascending. Half octaves from 0.04 to 0.45 unless set.
    pub frequencies: Vec<f32>,
    /// Steps of the drift. 8 unless set: phase is then found to within 3 percent of the amplitude.
    pub phases: usize,
    /// The amplitude of the wave, in the network's units around 0. 1 unless set.
    pub contrast: f32,
    /// The amplitude in each channel of the image, times the contrast; one for all does. 1 unless
    /// set: grey gratings. `[1, -1, 0]` goes from red to green.
    pub colour: Vec<f32>,
    /// What counts.
    pub response: Response,
}

impl GratingTuning {
    /// 18 orientations, 8 frequencies, 8 phases, grey, the peak.
    pub fn new() -> GratingTuning {
        let step = |i: usize| 0.04 * f32::powf(0.45 / 0.04, i as f32 / 7.0);
        GratingTuning {
            orientations: (0..18).map(|i| 10.0 * i as f32).collect(),
            frequencies: (0..8).map(step).collect(),
            phases: 8,
            contrast: 1.0,
            colour: vec![1.0],
            response: Response::default(),
        }
    }

    /// At these orientations in degrees.
    pub fn orientations(mut self, degrees: impl Into<Vec<f32>>) -> GratingTuning {
        self.orientations = degrees.into();
        self
    }

    /// At these frequencies in cycles per pixel.
    pub fn frequencies(mut self, cycles: impl Into<Vec<f32>>) -> GratingTuning {
        self.frequencies = cycles.into();
        self
    }

    /// In so many steps of the drift.
    pub fn phases(mut self, steps: usize) -> GratingTuning {
        self.phases = steps;
        self
    }

    /// With an amplitude for each channel of the image.
    pub fn colour(mut self, amplitudes: impl Into<Vec<f32>>) -> GratingTuning {
        self.colour = amplitudes.into();
        self
    }

    /// With another response.
    pub fn response(mut self, response: Response) -> GratingTuning {
        self.response = response;
        self
    }

    fn check(&self, channels: usize) -> Result<()> {
        let ascending = self.frequencies.windows(2).all(|w| w[0] < w[1]);
        let good = |f: &f32| *f > 0.0 && *f <= 0.5;
        if self.orientations.is_empty() || self.phases < 2 || self.frequencies.is_empty() {
            return Err(VisError::invalid(format!(
                "tuning: expected an orientation, a frequency and two phases at least, got {}, {} \
                 and {}",
                self.orientations.len(),
                self.frequencies.len(),
                self.phases
            )));
        }
        if !ascending || !self.frequencies.iter().all(good) {
            return Err(VisError::invalid(format!(
                "tuning: expected ascending frequencies above 0 and up to 0.5 cycles per pixel, \
                 got {:?}",
                self.frequencies
            )));
        }
        match [1, channels].contains(&self.colour.len()) {
            true => Ok(()),
            false => Err(VisError::invalid(format!(
                "tuning: expected one amplitude, or one for each of {channels} channels, got {}",
                self.colour.len()
            ))),
        }
    }
}

impl Default for GratingTuning {
    fn default() -> GratingTuning {
        GratingTuning::new()
    }
}

/// How a channel is tuned.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ChannelTuning {
    /// The channel.
    pub channel: usize,
    /// The orientation it likes best, in degrees, at its best frequency: the direction of the sum
    /// of the responses as vectors at twice their angles.
    pub orientation: f32,
    /// The frequency it likes best, of those asked.
    pub frequency: f32,
    /// The largest response.
    pub peak: f32,
    /// The length of that sum over the sum of the lengths (1 minus the circular variance; Ringach,
    /// Shapley and Hawken 2002): 0 for a unit that does not mind, 1 for one orientation alone.
    pub selectivity: f32,
    /// (best - orthogonal) / (best + orthogonal), the orientation selectivity index.
    pub index: f32,
    /// The full width of the orientation curve at half its height, in degrees; nothing where it
    /// never falls that far.
    pub bandwidth: Option<f32>,
    /// The full width of the frequency curve at half its height, in octaves; nothing where it does
    /// not fall that far within the frequencies asked.
    pub octaves: Option<f32>,
    /// Flagged where it answers no grating.
    pub flags: Vec<Flag>,
}

/// Tuning curves of a layer's channels.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tuning {
    /// The orientations asked, in degrees.
    pub orientations: Vec<f32>,
    /// The frequencies asked, in cycles per pixel.
    pub frequencies: Vec<f32>,
    /// `[channels, orientations, frequencies]`, none below 0.
    pub responses: Array3<f32>,
    /// What follows from them for each channel.
    pub channels: Vec<ChannelTuning>,
    /// Where they come from.
    pub provenance: Provenance,
}

/// The responses of a layer's channels, in the middle of the picture, to drifting gratings. Pictures
/// are about twice as large as what a unit sees, where the network allows it.
///
/// # Errors
/// When there is no such layer, it has no places, or a setting makes no sense.
pub fn grating_tuning(net: &Network, layer: &str, settings: &GratingTuning) -> Result<Tuning> {
    let begun = Instant::now();
    let shape = node_shape(net, layer)?;
    let (3, 3) = (shape.len(), net.input_shape().len()) else {
        return Err(VisError::Unfit {
            method: "tuning to gratings",
            needs: "a layer of channels over an image".into(),
            got: format!("\"{layer}\" has the shape {shape:?}"),
        });
    };
    settings.check(net.input_shape()[0])?;
    let net = small(net, layer)?;
    let blank = respond(&net, layer, &[Array2::zeros(side(&net))], settings)?;
    let (wide, high) = (settings.orientations.len(), settings.frequencies.len());
    let mut responses = Array3::zeros((shape[0], wide, high));
    for (o, &orientation) in settings.orientations.iter().enumerate() {
        for (f, &frequency) in settings.frequencies.iter().enumerate() {
            let (h, w) = side(&net);
            let frames = Grating::new([h, w], orientation, frequency).drift(settings.phases)?;
            let seen = respond(&net, layer, &frames, settings)?;
            for c in 0..shape[0] {
                let over: Vec<f32> = seen.column(c).iter().map(|v| v - blank[[0, c]]).collect();
                responses[[c, o, f]] = settings.response.of(&over).max(0.0);
            }
        }
    }
    let channels = (0..shape[0]).map(|c| summary(c, &responses, settings));
    let provenance = Provenance::new("grating_tuning", "Movshon, Thompson and Tolhurst 1978")
        .layer(layer)
        .setting("phases", settings.phases)
        .setting("contrast", settings.contrast)
        .setting("colour", settings.colour.clone())
        .setting("response", serde_json::json!(settings.response))
        .figure("picture", serde_json::json!(side(&net)));
    Ok(Tuning {
        orientations: settings.orientations.clone(),
        frequencies: settings.frequencies.clone(),
        channels: channels.collect(),
        responses,
        provenance: provenance.took(begun),
    })
}

/// The network as far as the layer, over a picture not much larger than what a unit sees.
fn small(net: &Network, layer: &str) -> Result<Network> {
    let cut = Layers::new(net, &[layer])?;
    let input = net.input_shape();
    let field = net.receptive_field(layer)?;
    let side = |axis: usize| (2 * field.size[axis] + 1).min(input[1 + axis]);
    let smaller = cut.net().for_input([input[0], side(0), side(1)]);
    let fits = |net: &Network| node_shape(net, layer).is_ok_and(|shape| shape.len() == 3);
    Ok(smaller
        .ok()
        .filter(fits)
        .unwrap_or_else(|| cut.net().clone()))
}

fn side(net: &Network) -> (usize, usize) {
    (net.input_shape()[1], net.input_shape()[2])
}

/// The middle unit of every channel for each frame, `[frames, channels]`.
fn respond(
    net: &Network,
    layer: &str,
    frames: &[Array2<f32>],
    settings: &GratingTuning,
) -> Result<Array2<f32>> {
    let (h, w) = side(net);
    let channels = net.input_shape()[0];
    let mut images = Tensor::zeros(IxDyn(&[frames.len(), channels, h, w]));
    for (mut image, frame) in images.outer_iter_mut().zip(frames) {
        for (c, mut channel) in image.outer_iter_mut().enumerate() {
            let amplitude = settings.colour[c % settings.colour.len()] * settings.contrast;
            channel.assign(&(frame * amplitude));
        }
    }
    let mut rows = Vec::new();
    for (from, to) in parts(&images) {
        let trace = net.trace(&part(&images, from, to))?;
        let seen = trace.activation(layer)?;
        let (y, x) = (seen.shape()[2] / 2, seen.shape()[3] / 2);
        let column = seen.index_axis(Axis(3), x);
        let middle = column.index_axis(Axis(2), y);
        rows.push(
            middle
                .into_dimensionality::<Ix2>()
                .expect("units of places")
                .to_owned(),
        );
    }
    let views: Vec<_> = rows.iter().map(|r| r.view()).collect();
    Ok(ndarray::concatenate(Axis(0), &views).expect("parts of one shape"))
}

impl Response {
    fn of(self, over: &[f32]) -> f32 {
        let n = over.len() as f32;
        match self {
            Response::Peak => over.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b)),
            Response::Mean => over.iter().sum::<f32>() / n,
            Response::Modulation => {
                let turn = |i: usize| TAU * i as f32 / n;
                let all = || over.iter().enumerate();
                let cos: f32 = all().map(|(i, v)| v * turn(i).cos()).sum();
                let sin: f32 = all().map(|(i, v)| v * turn(i).sin()).sum();
                2.0 / n * cos.hypot(sin)
            }
        }
    }
}

/// What follows from a channel's responses.
fn summary(channel: usize, responses: &Array3<f32>, settings: &GratingTuning) -> ChannelTuning {
    let map = responses.index_axis(Axis(0), channel);
    let mut best = ((0, 0), 0.0);
    for (at, &v) in map.indexed_iter() {
        if v > best.1 {
            best = (at, v);
        }
    }
    let ((o, f), peak) = best;
    let curve: Vec<f32> = map.column(f).to_vec();
    let degrees = &settings.orientations;
    let (mut cos, mut sin, mut sum) = (0.0, 0.0, 0.0);
    for (v, angle) in curve.iter().zip(degrees) {
        let twice = 2.0 * angle.to_radians();
        cos += v * twice.cos();
        sin += v * twice.sin();
        sum += v;
    }
    let orthogonal = nearest_angle(degrees, degrees[o] + 90.0);
    let silent = peak <= 0.0;
    let share = |a: f32, b: f32| if b > 0.0 { a / b } else { 0.0 };
    ChannelTuning {
        channel,
        orientation: (sin.atan2(cos).to_degrees() / 2.0).rem_euclid(180.0),
        frequency: settings.frequencies[f],
        peak,
        selectivity: share(cos.hypot(sin), sum),
        index: share(peak - curve[orthogonal], peak + curve[orthogonal]),
        bandwidth: if silent {
            None
        } else {
            bandwidth(degrees, &curve, o)
        },
        octaves: if silent {
            None
        } else {
            octaves(&settings.frequencies, &map.row(o).to_vec(), f)
        },
        flags: if silent {
            vec![Flag::ConstantScore]
        } else {
            Vec::new()
        },
    }
}

fn nearest_angle(degrees: &[f32], wanted: f32) -> usize {
    let apart = |i: &usize| {
        let d = (degrees[*i] - wanted).rem_euclid(180.0);
        d.min(180.0 - d)
    };
    let near = |a: &usize, b: &usize| apart(a).total_cmp(&apart(b));
    (0..degrees.len()).min_by(near).expect("at least one")
}

/// How far a curve that is sampled at ascending places goes until it has fallen to half of its
/// first value, by straight lines between samples.
fn until_half(samples: impl Iterator<Item = (f32, f32)>) -> Option<f32> {
    let mut last: Option<(f32, f32)> = None;
    let mut half = 0.0;
    for (at, value) in samples {
        match last {
            None => half = value / 2.0,
            Some((from, before)) if value <= half => {
                return Some(from + (at - from) * (before - half) / (before - value));
            }
            Some(_) => {}
        }
        last = Some((at, value));
    }
    None
}

/// The full width at half height around sample `best`, in degrees.
fn bandwidth(degrees: &[f32], curve: &[f32], best: usize) -> Option<f32> {
    let away = |sign: f32| {
        let from = |i: usize| (sign * (degrees[i] - degrees[best])).rem_euclid(180.0);
        let mut all: Vec<(f32, f32)> = (0..curve.len()).map(|i| (from(i), curve[i])).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        until_half(all.into_iter())
    };
    Some(away(1.0)? + away(-1.0)?)
}

/// The full width at half height around sample `best`, in octaves.
fn octaves(frequencies: &[f32], curve: &[f32], best: usize) -> Option<f32> {
    let octave = |i: usize| (frequencies[i] / frequencies[best]).log2().abs();
    let up = until_half((best..curve.len()).map(|i| (octave(i), curve[i])));
    let down = until_half((0..=best).rev().map(|i| (octave(i), curve[i])));
    Some(up? + down?)
}
