//! Methods that go back through the network.

use super::settings::Beginning;
use super::{Asked, Found};
use convscope_vis::{
    Baseline, GradCam, IntegratedGradients, Noise, Result, SmoothGrad, Upsampling,
    integrated_gradients_watched, smoothgrad_watched,
};

pub fn saliency(asked: &Asked<'_>) -> Result<Found> {
    Ok(convscope_vis::saliency(asked.network, asked.image, &asked.target)?.into())
}

pub fn input_x_gradient(asked: &Asked<'_>) -> Result<Found> {
    Ok(convscope_vis::input_x_gradient(asked.network, asked.image, &asked.target)?.into())
}

pub fn guided_backprop(asked: &Asked<'_>) -> Result<Found> {
    let seed = asked.settings.seed_with.map(Into::into).unwrap_or_default();
    Ok(convscope_vis::guided_backprop(asked.network, asked.image, &asked.target, seed)?.into())
}

pub fn deconvnet(asked: &Asked<'_>) -> Result<Found> {
    let seed = asked.settings.seed_with.map(Into::into).unwrap_or_default();
    Ok(convscope_vis::deconvnet(asked.network, asked.image, &asked.target, seed)?.into())
}

pub fn smoothgrad(asked: &Asked<'_>) -> Result<Found> {
    let mut options = SmoothGrad::new().seed(asked.seed);
    if let Some(samples) = asked.settings.samples {
        options = options.samples(samples);
    }
    if let Some(share) = asked.settings.noise {
        options = options.noise(Noise::Relative(share));
    }
    if let Some(combine) = asked.settings.combine {
        options = options.combine(combine.into());
    }
    let watch = &mut asked.watch("smoothgrad");
    Ok(smoothgrad_watched(asked.network, asked.image, &asked.target, &options, watch)?.into())
}

pub fn integrated_gradients(asked: &Asked<'_>) -> Result<Found> {
    let mut options = IntegratedGradients::new();
    if let Some(steps) = asked.settings.steps {
        options = options.steps(steps);
    }
    if let Some(baseline) = asked.settings.baseline {
        options = options.baseline(match baseline {
            Beginning::Zero => Baseline::Zero,
            Beginning::Mean => Baseline::MeanColour,
        });
    }
    if let Some(quadrature) = asked.settings.quadrature {
        options = options.quadrature(quadrature.into());
    }
    let watch = &mut asked.watch("integrated gradients");
    Ok(
        integrated_gradients_watched(asked.network, asked.image, &asked.target, &options, watch)?
            .into(),
    )
}

fn cam(asked: &Asked<'_>, upsampling: Upsampling) -> GradCam {
    let upsampling = asked.settings.upsampling.map_or(upsampling, Into::into);
    let options = GradCam::new()
        .relu(!asked.settings.no_relu)
        .upsampling(upsampling);
    match asked.layer {
        Some(layer) => options.layer(layer),
        None => options,
    }
}

/// In the layer's size: the picture stretches it, and raw numbers are best as they were made.
pub fn grad_cam(asked: &Asked<'_>) -> Result<Found> {
    let options = cam(asked, Upsampling::None);
    Ok(convscope_vis::grad_cam(asked.network, asked.image, &asked.target, &options)?.into())
}

pub fn guided_grad_cam(asked: &Asked<'_>) -> Result<Found> {
    let options = cam(asked, Upsampling::Bilinear);
    Ok(convscope_vis::guided_grad_cam(asked.network, asked.image, &asked.target, &options)?.into())
}
