//! Looking inside: the methods that engineers wait for, on SqueezeNet and on VGG-16.

use crate::clock::{Budget, Timed, measure};
use crate::convolution::numbers;
use crate::nets;
use convscope_nn::{Network, Tensor};
use convscope_vis::{
    Dream, Fill, IntegratedGradients, Lime, Maximize, Objective, Occlusion, PixelRange, Result,
    Seed, Superpixels, Target, dream, guided_backprop, integrated_gradients, lime, maximize,
    occlusion, saliency,
};

/// A method on a network.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub network: Looked,
    pub method: Method,
}

/// Whose inside is looked at.
#[derive(Clone, Copy, Debug)]
pub enum Looked {
    SqueezeNet,
    Vgg16,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The gradient of a class.
    Saliency,
    /// The same under the guided rule.
    Guided,
    /// A window of 32 every 8 pixels of 224, grey: 625 images.
    Occlusion,
    /// 50 steps.
    IntegratedGradients,
    /// 1000 samples over a grid of 7 x 7 superpixels.
    Lime,
    /// 100 steps of plain ascent on a class.
    Ascent,
    /// Four octaves of ten steps, the last of 512 x 512 pixels, on a layer in the middle.
    Dream,
}

const METHODS: [Method; 7] = [
    Method::Saliency,
    Method::Guided,
    Method::Occlusion,
    Method::IntegratedGradients,
    Method::Lime,
    Method::Ascent,
    Method::Dream,
];

const CLASS: usize = 7;
/// The side of the dream's last octave.
const DREAM: usize = 512;

impl Look {
    pub fn all() -> impl Iterator<Item = Look> {
        [Looked::SqueezeNet, Looked::Vgg16]
            .into_iter()
            .flat_map(|network| METHODS.map(|method| Look { network, method }))
    }

    pub fn name(&self) -> String {
        let network = match self.network {
            Looked::SqueezeNet => "squeezenet",
            Looked::Vgg16 => "vgg16",
        };
        let method = match self.method {
            Method::Saliency => "saliency",
            Method::Guided => "guided",
            Method::Occlusion => "occlusion",
            Method::IntegratedGradients => "integrated",
            Method::Lime => "lime",
            Method::Ascent => "ascent",
            Method::Dream => "dream",
        };
        format!("look-{network}-{method}")
    }

    /// Whether a run takes seconds: then the first counts.
    pub fn is_long(&self) -> bool {
        !matches!(self.method, Method::Saliency | Method::Guided)
    }

    /// What it takes.
    ///
    /// # Errors
    /// When the network or the method fails, which would be a mistake here.
    pub fn time(&self, budget: Budget) -> Result<Timed> {
        let net = match self.network {
            Looked::SqueezeNet => nets::squeezenet(None)?,
            Looked::Vgg16 => nets::vgg16(None)?,
        };
        // Memory is fresh and threads asleep before the first pass.
        net.forward(&image(224))?;
        Ok(Timed {
            multiply_adds: self.passes() * net.summary().multiply_adds(),
            milliseconds: measure(budget, || self.run(&net))?,
        })
    }

    /// Forward passes' worth of work, where a way back counts as one. (A dream's images are larger:
    /// it is left out.)
    fn passes(&self) -> u64 {
        match self.method {
            Method::Saliency | Method::Guided => 2,
            Method::Occlusion => 626,
            Method::IntegratedGradients => 100,
            Method::Lime => 1000,
            Method::Ascent => 200,
            Method::Dream => 0,
        }
    }

    fn run(&self, net: &Network) -> Result<()> {
        let x = image(224);
        let target = Target::Class(CLASS);
        match self.method {
            Method::Saliency => saliency(net, &x, &target).map(drop),
            Method::Guided => guided_backprop(net, &x, &target, Seed::One).map(drop),
            Method::Occlusion => {
                let options = Occlusion::new().window([32, 32]).stride([8, 8]);
                occlusion(net, &x, &target, &options.fill(Fill::Zero)).map(drop)
            }
            Method::IntegratedGradients => {
                let options = IntegratedGradients::new().steps(50);
                integrated_gradients(net, &x, &target, &options).map(drop)
            }
            Method::Lime => {
                let options = Lime::new().samples(1000).classes(&[CLASS]);
                lime(net, &x, &options.superpixels(Superpixels::Grid([7, 7]))).map(drop)
            }
            Method::Ascent => {
                let settings = Maximize::plain(1.0).steps(100).seed(1);
                let settings = settings.range(PixelRange::standardised(3));
                maximize(net, &Objective::class(CLASS), &settings).map(drop)
            }
            Method::Dream => {
                let layer = match self.network {
                    Looked::SqueezeNet => "fire6.concat",
                    Looked::Vgg16 => "block4_conv3",
                };
                let settings = Dream::new().range(PixelRange::standardised(3)).seed(1);
                dream(net, &Objective::norm(layer), &image(DREAM), &settings).map(drop)
            }
        }
    }
}

fn image(side: usize) -> Tensor {
    let pixels = numbers(3 * side * side, 1);
    Tensor::from_shape_vec(vec![1, 3, side, side], pixels).expect("as many as the shape says")
}
