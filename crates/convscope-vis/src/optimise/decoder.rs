//! A small decoder: from a layer's code back to the image, learned from examples (Dosovitskiy and
//! Brox 2016). It is the prior of a generator: what it cannot draw is unlike its examples.

use super::cut::full_name;
use super::range::rows;
use super::settings::setters;
use crate::error::{Result, VisError};
use crate::images::dimensions;
use crate::provenance::Provenance;
use crate::watch::Watch;
use convscope_nn::{
    Adam, Conv2d, Crop, Linear, Network, Optimizer, Pass, Relu, Reshape, Tensor, Upsample2d,
};
use ndarray::Axis;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::time::Instant;

/// How a decoder is trained ([`train_decoder`]).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrainDecoder {
    /// Passes over the images. Default 20: enough to see shapes of digits in seconds.
    pub epochs: usize,
    /// Images in a step. Default 32.
    pub batch: usize,
    /// Adam's rate. Default .002.
    pub rate: f64,
    /// Channels after the first layer, half as many after the second. Default 32.
    pub channels: usize,
    /// Of the weights and of the order of the images.
    pub seed: u64,
}

impl Default for TrainDecoder {
    fn default() -> TrainDecoder {
        TrainDecoder {
            epochs: 20,
            batch: 32,
            rate: 2e-3,
            channels: 32,
            seed: 0,
        }
    }
}

impl TrainDecoder {
    /// The defaults.
    pub fn new() -> TrainDecoder {
        TrainDecoder::default()
    }

    setters! {
        /// With so many passes over the images.
        epochs: usize,
        /// With so many images in a step.
        batch: usize,
        /// With this rate.
        rate: f64,
        /// With so many channels.
        channels: usize,
        /// With this seed.
        seed: u64,
    }
}

/// A network from codes `[N, D]` to images `[N, C, H, W]` in the units of the network whose codes they
/// are. Codes go in standardised: 0 is the mean of the training images' codes, 1 a deviation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Decoder {
    /// The decoder.
    pub network: Network,
    /// The layer whose activation, flattened, is the code.
    pub layer: String,
    /// The mean of each number of the code.
    pub mean: Vec<f32>,
    /// Its standard deviation; 1 where it never changed.
    pub deviation: Vec<f32>,
    /// The mean squared error of each epoch.
    pub losses: Vec<f64>,
    /// Where it comes from.
    pub provenance: Provenance,
}

impl Decoder {
    /// The standardised codes of images `[N, C, H, W]`, `[N, D]`.
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn codes(&self, net: &Network, images: &Tensor) -> Result<Tensor> {
        let mut codes = codes(net, &self.layer, images)?;
        if codes.shape()[1] != self.mean.len() {
            let expected = format!("[images, {}]", self.mean.len());
            return Err(VisError::shape(
                "the layer's codes",
                expected,
                codes.shape(),
            ));
        }
        self.standardise(&mut codes);
        Ok(codes)
    }

    fn standardise(&self, codes: &mut Tensor) {
        for mut row in codes.outer_iter_mut() {
            let by = self.mean.iter().zip(&self.deviation);
            for (v, (mean, deviation)) in row.iter_mut().zip(by) {
                *v = (*v - mean) / deviation;
            }
        }
    }
}

/// A layer's activations for images, flattened, `[N, D]`.
fn codes(net: &Network, layer: &str, images: &Tensor) -> Result<Tensor> {
    let part = net.until(&full_name(net, layer)?)?;
    let output = part
        .for_input(images.shape()[1..].to_vec())?
        .forward(images)?;
    let n = output.shape()[0];
    let one = output.len() / n;
    Ok(output.into_shape_with_order(vec![n, one]).expect("C order"))
}

/// Trains a decoder from a layer's activation back to the images `[N, C, H, W]`, by their mean
/// squared error. The code should be small (some thousands of numbers): its first layer is fully
/// connected. A few hundred images are enough to see what it is about.
///
/// # Errors
/// When the images do not fit the network, there is no such layer, or a setting is 0.
pub fn train_decoder(
    net: &Network,
    layer: &str,
    images: &Tensor,
    settings: &TrainDecoder,
    watch: &mut Watch,
) -> Result<Decoder> {
    let begun = Instant::now();
    let [n, c, h, w] = dimensions(images)?;
    let sound = settings.batch > 0 && settings.channels > 1 && settings.rate > 0.0;
    if !sound || !settings.rate.is_finite() {
        return Err(VisError::invalid(format!(
            "a decoder's training: expected a batch of at least 1, at least 2 channels and a rate \
             above 0, got {}, {} and {}",
            settings.batch, settings.channels, settings.rate
        )));
    }
    let layer = full_name(net, layer)?;
    let mut inputs = codes(net, &layer, images)?;
    let (mean, deviation) = moments(&inputs);
    let mut decoder = Decoder {
        network: architecture(mean.len(), [c, h, w], settings)?,
        mean,
        deviation,
        losses: Vec::new(),
        provenance: Provenance::new("decoder", "Dosovitskiy and Brox 2016")
            .layer(layer.clone())
            .seed(settings.seed)
            .setting("epochs", settings.epochs)
            .setting("batch", settings.batch)
            .setting("rate", settings.rate)
            .setting("channels", settings.channels)
            .setting("images", n),
        layer,
    };
    decoder.standardise(&mut inputs);
    let adam = Adam::new(settings.rate);
    let parameters = decoder.network.parameters();
    let mut states: Vec<_> = parameters.iter().map(|(_, t)| adam.start(t)).collect();
    let mut order: Vec<usize> = (0..n).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
    watch.begin(n * settings.epochs);
    'training: for _ in 0..settings.epochs {
        order.shuffle(&mut rng);
        let mut total = 0.0;
        for part in order.chunks(settings.batch) {
            if watch.allows(part.len()) < part.len() {
                break 'training;
            }
            let (x, y) = (inputs.select(Axis(0), part), images.select(Axis(0), part));
            let trace = decoder.network.trace_as(&x, Pass::train(0))?;
            let mut wrong = trace.output() - &y;
            total += wrong
                .iter()
                .map(|&e| f64::from(e) * f64::from(e))
                .sum::<f64>();
            wrong *= 2.0 / wrong.len() as f32;
            let gradients = trace.parameter_gradients(&wrong)?;
            drop(trace);
            let paths = decoder.network.parameters().into_iter();
            let mut moved: Vec<(String, Tensor)> = paths.map(|(p, t)| (p, t.clone())).collect();
            for (((_, t), g), state) in moved.iter_mut().zip(&gradients).zip(&mut states) {
                adam.step(settings.rate, t, g, state);
            }
            for (path, t) in moved {
                decoder.network.set_parameter(&path, t)?;
            }
            watch.step(part.len());
        }
        decoder.losses.push(total / images.len() as f64);
    }
    watch.finish();
    decoder.provenance = decoder.provenance.figure("losses", decoder.losses.clone());
    decoder.provenance = decoder.provenance.took(begun);
    Ok(decoder)
}

/// Mean and standard deviation of each column.
fn moments(codes: &Tensor) -> (Vec<f32>, Vec<f32>) {
    let n = codes.shape()[0] as f32;
    let size = codes.shape()[1];
    let (mut mean, mut square) = (vec![0.0; size], vec![0.0; size]);
    for row in rows(codes) {
        mean.iter_mut().zip(row).for_each(|(m, v)| *m += v / n);
    }
    for row in rows(codes) {
        let centred = row.iter().zip(&mean).map(|(v, m)| v - m);
        square
            .iter_mut()
            .zip(centred)
            .for_each(|(s, v)| *s += v * v / n);
    }
    let deviation = square.into_iter().map(|s: f32| s.sqrt());
    let deviation = deviation.map(|d| if d > 1e-6 { d } else { 1.0 });
    (mean, deviation.collect())
}

/// Fully connected to maps of a quarter of the sides, then twice: enlarged and convolved.
fn architecture(code: usize, [c, h, w]: [usize; 3], settings: &TrainDecoder) -> Result<Network> {
    let (quarter_h, quarter_w) = (h.div_ceil(4), w.div_ceil(4));
    let many = settings.channels;
    Ok(Network::input([code])
        .add("fc", Linear::new(many * quarter_h * quarter_w))
        .add("relu0", Relu)
        .add("maps", Reshape::new([many, quarter_h, quarter_w])) // many x H/4 x W/4
        .add("up1", Upsample2d::bilinear(2))
        .add("conv1", Conv2d::new(many, 3).same())
        .add("relu1", Relu)
        .add("up2", Upsample2d::bilinear(2)) // many x H x W
        .add("conv2", Conv2d::new(many / 2, 3).same())
        .add("relu2", Relu)
        .add("conv3", Conv2d::new(c, 3).same()) // C x H x W
        .add("crop", Crop::new().rows(0..h).columns(0..w))
        .build(settings.seed)?)
}
