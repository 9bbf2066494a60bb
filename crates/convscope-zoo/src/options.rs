//! What an architecture leaves open, and the words its builder is written in.

use convscope_nn::{Conv2d, Init, Linear, Network, NetworkBuilder, Padding, Result};

/// What an architecture leaves open. What is not said is as in its paper.
///
/// ```
/// use convscope_zoo::{Options, vgg_a};
/// # fn main() -> Result<(), convscope_nn::NnError> {
/// let net = vgg_a(Options::new().classes(8).size(48))?;
/// assert_eq!(net.input_shape(), [3, 48, 48]);
/// assert_eq!(net.output_shape(), [8]);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    classes: Option<usize>,
    channels: Option<usize>,
    size: Option<[usize; 2]>,
    init: Option<Init>,
    seed: u64,
}

impl Options {
    /// Everything as in the paper, weights drawn from seed 0.
    pub fn new() -> Options {
        Options::default()
    }

    /// Classes to tell apart: the outputs of the last layer.
    pub fn classes(mut self, classes: usize) -> Options {
        self.classes = Some(classes);
        self
    }

    /// Channels of the input: 1 for grey images, 3 for coloured ones.
    pub fn channels(mut self, channels: usize) -> Options {
        self.channels = Some(channels);
        self
    }

    /// Square images of this height and width.
    pub fn size(self, size: usize) -> Options {
        self.sizes(size, size)
    }

    /// Images of this height and width.
    pub fn sizes(mut self, height: usize, width: usize) -> Options {
        self.size = Some([height, width]);
        self
    }

    /// Seeds the draw of the weights; 0 if it is not said.
    pub fn seed(mut self, seed: u64) -> Options {
        self.seed = seed;
        self
    }

    /// How the weights of all convolutions and fully connected layers begin; if it is not said, by
    /// He's rule, whatever the paper did.
    pub fn init(mut self, init: Init) -> Options {
        self.init = Some(init);
        self
    }

    /// All weights zero: nothing is drawn, which saves seconds where weights are about to be
    /// loaded or only counted.
    pub fn blank(self) -> Options {
        self.init(Init::Zeros)
    }

    /// The choices, with those of a paper where none was made.
    pub(crate) fn or(self, input: [usize; 3], classes: usize) -> Plan {
        let [channels, height, width] = input;
        let [height, width] = self.size.unwrap_or([height, width]);
        Plan {
            input: [self.channels.unwrap_or(channels), height, width],
            classes: self.classes.unwrap_or(classes),
            init: self.init,
            seed: self.seed,
        }
    }
}

/// Options with nothing left open: what builders make layers with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) input: [usize; 3],
    pub(crate) classes: usize,
    init: Option<Init>,
    seed: u64,
}

impl Plan {
    /// The network's beginning.
    pub(crate) fn image(&self) -> NetworkBuilder {
        Network::input(self.input)
    }

    /// Filters of `kernel x kernel` without padding.
    pub(crate) fn conv(&self, filters: usize, kernel: usize) -> Conv2d {
        self.begun(Conv2d::new(filters, kernel))
    }

    /// Filters of an odd size with padding that, at stride 1, keeps the image's.
    pub(crate) fn padded(&self, filters: usize, kernel: usize) -> Conv2d {
        self.conv(filters, kernel)
            .padding(Padding::Each(kernel / 2))
    }

    /// The same for filters of `height x width`.
    pub(crate) fn padded_rect(&self, filters: usize, height: usize, width: usize) -> Conv2d {
        self.begun(Conv2d::rect(filters, height, width))
            .padding(Padding::Sides([
                height / 2,
                height / 2,
                width / 2,
                width / 2,
            ]))
    }

    /// A fully connected layer.
    pub(crate) fn fc(&self, outputs: usize) -> Linear {
        let layer = Linear::new(outputs);
        match self.init {
            Some(init) => layer.init(init),
            None => layer,
        }
    }

    /// The network's end.
    pub(crate) fn build(&self, b: NetworkBuilder) -> Result<Network> {
        b.build(self.seed)
    }

    fn begun(&self, layer: Conv2d) -> Conv2d {
        match self.init {
            Some(init) => layer.init(init),
            None => layer,
        }
    }
}
