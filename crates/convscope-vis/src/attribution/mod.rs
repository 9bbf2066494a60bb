//! Which pixels mattered, told by gradients.
//!
//! The methods that need one way back are [`backprop`] under a rule; integrated gradients and
//! SmoothGrad are averages of it, and work on any [`Differentiable`]; Grad-CAM and its kin look at
//! a layer in between.

mod backprop;
mod cam_layer;
mod differentiable;
mod grad_cam;
mod integrated;
mod layers;
mod moments;
mod quadrature;
mod smoothgrad;
mod upsample;

pub use backprop::{
    Seed, backprop, backprop_watched, deconvnet, guided_backprop, input_x_gradient,
    neuron_gradient, saliency,
};
pub use cam_layer::grad_cam_layer;
pub use differentiable::{Differentiable, FromGradient, NetworkTarget, from_gradient};
pub use grad_cam::{GradCam, grad_cam, guided_grad_cam};
pub use integrated::{
    Baseline, IntegratedGradients, integrated_gradients, integrated_gradients_of,
    integrated_gradients_watched,
};
pub use layers::{gradient_x_activation, layer_activation};
pub use quadrature::Quadrature;
pub use smoothgrad::{
    BaseMap, Combine, Noise, SmoothGrad, smoothgrad, smoothgrad_of, smoothgrad_watched,
};
pub use upsample::Upsampling;
