//! The gradient methods against PyTorch with captum (`fixtures/make_attributions.py`).

#[path = "common/attribution_nets.rs"]
mod attribution_nets;

use attribution_nets::{Fixture, fixtures};
use convscope_nn::Tensor;
use convscope_vis::*;

/// The largest difference, relative to the largest value, that is let pass.
const TOLERANCE: f32 = 1e-4;

/// The largest difference from `expected` as a share of its largest value.
fn difference(found: &Tensor, expected: &Tensor) -> f32 {
    assert_eq!(found.shape(), expected.shape());
    let largest = expected.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    assert!(largest > 0.0, "nothing to compare with");
    let differences = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f32::max) / largest
}

/// Both images' maps, each compared with captum's.
fn agrees(key: &str, method: impl Fn(&Fixture, &Tensor, &Target) -> Result<Attribution>) {
    for fixture in fixtures() {
        let expected = fixture.expected(key);
        for i in 0..2 {
            let (image, class) = fixture.image(i);
            let found = method(&fixture, &image, &Target::Class(class)).unwrap();
            let one = expected.index_axis(ndarray::Axis(0), i).to_owned();
            let gap = difference(&found.values, &one.insert_axis(ndarray::Axis(0)));
            println!("{key}, {}, image {i}: {gap:.1e}", fixture.name);
            assert!(gap < TOLERANCE, "{key}, {}: {gap:.1e}", fixture.name);
            assert!(found.flags[0].is_empty(), "{:?}", found.flags);
        }
    }
}

#[test]
fn the_networks_are_pytorchs() {
    for fixture in fixtures() {
        let logits = fixture.net.forward(&fixture.images).unwrap();
        let gap = difference(&logits, &fixture.expected("logits"));
        assert!(gap < 1e-5, "{}: {gap:.1e}", fixture.name);
    }
}

#[test]
fn saliency_agrees_with_captum() {
    agrees("saliency", |f, x, t| saliency(&f.net, x, t));
}

#[test]
fn input_x_gradient_agrees_with_captum() {
    agrees("input_x_gradient", |f, x, t| input_x_gradient(&f.net, x, t));
}

#[test]
fn integrated_gradients_agree_with_captum_by_both_rules() {
    agrees("integrated_gradients.gauss_legendre", |f, x, t| {
        let options = IntegratedGradients::new().quadrature(Quadrature::GaussLegendre);
        integrated_gradients(&f.net, x, t, &options)
    });
    agrees("integrated_gradients.midpoint", |f, x, t| {
        integrated_gradients(&f.net, x, t, &IntegratedGradients::new().steps(20))
    });
}

#[test]
fn guided_backprop_agrees_with_captum() {
    agrees("guided_backprop", |f, x, t| {
        guided_backprop(&f.net, x, t, Seed::One)
    });
}

#[test]
fn the_deconvnet_agrees_with_captum() {
    agrees("deconvnet", |f, x, t| deconvnet(&f.net, x, t, Seed::One));
}

#[test]
fn grad_cam_agrees_with_captum() {
    let coarse = |f: &Fixture| GradCam::new().layer(f.layer).upsampling(Upsampling::None);
    agrees("grad_cam", |f, x, t| grad_cam(&f.net, x, t, &coarse(f)));
    agrees("grad_cam.signed", |f, x, t| {
        grad_cam(&f.net, x, t, &coarse(f).relu(false))
    });
    agrees("grad_cam.bilinear", |f, x, t| {
        grad_cam(&f.net, x, t, &GradCam::new().layer(f.layer))
    });
}

#[test]
fn guided_grad_cam_agrees_with_captum() {
    agrees("guided_grad_cam", |f, x, t| {
        let options = GradCam::new()
            .layer(f.layer)
            .upsampling(Upsampling::Nearest);
        guided_grad_cam(&f.net, x, t, &options)
    });
}
