//! The gradient methods on SqueezeNet and photographs. They are on a mirror, which
//! `CONVSCOPE_MIRROR` names; without one these tests say so and pass.

use convscope_data::Photo;
use convscope_nn::{Tensor, Unit};
use convscope_vis::*;
use convscope_zoo::Model;
use std::path::{Path, PathBuf};

/// The folder of photos.
fn photos() -> Option<PathBuf> {
    let root = std::env::var_os("CONVSCOPE_MIRROR");
    let folder = root.map(|root| Path::new(&root).join("photos"));
    let found = folder.filter(|folder| folder.exists());
    if found.is_none() {
        println!("skipped: CONVSCOPE_MIRROR names no folder with photos in it");
    }
    found
}

fn image(model: &Model, folder: &Path, name: &str) -> Tensor {
    let photo = Photo::open(folder.join(format!("{name}.jpg"))).unwrap();
    model.preprocessing.batch(&[photo]).unwrap().into_dyn()
}

/// The share of a map's mass inside a box, in shares of the sides: left, top, right, bottom.
fn inside(map: &Attribution, [left, top, right, bottom]: [f64; 4]) -> f64 {
    let pixels = map.per_pixel(Reduce::SumAbs);
    let (_, h, w) = pixels.dim();
    let within = |i: usize, side: usize, low: f64, high: f64| {
        let at = (i as f64 + 0.5) / side as f64;
        (low..high).contains(&at)
    };
    let mass = |all: bool| -> f64 {
        let places = pixels.indexed_iter();
        let kept = places.filter(|((_, y, x), _)| {
            all || within(*y, h, top, bottom) && within(*x, w, left, right)
        });
        kept.map(|(_, v)| f64::from(*v)).sum()
    };
    mass(false) / mass(true)
}

#[test]
fn maps_lie_on_the_animals() {
    let Some(folder) = photos() else { return };
    let model = Model::pretrained("squeezenet1_0").unwrap();
    let net = &model.network;
    // The animals' boxes were drawn by eye on the cropped photographs.
    for (name, class, boxed) in [
        ("pets", 180, [0.15, 0.0, 0.50, 0.75]),
        ("elephants", 385, [0.28, 0.10, 1.0, 0.95]),
        ("goldfish", 1, [0.0, 0.10, 1.0, 0.75]),
    ] {
        let x = image(&model, &folder, name);
        let [left, top, right, bottom] = boxed;
        let area = (right - left) * (bottom - top);
        let cam = grad_cam(net, &x, &Target::Top, &GradCam::new()).unwrap();
        assert_eq!(cam.classes, [Some(class)], "{name}");
        let guided = guided_backprop(net, &x, &Target::Top, Seed::One).unwrap();
        let both = guided_grad_cam(net, &x, &Target::Top, &GradCam::new()).unwrap();
        let shares = [&cam, &guided, &both].map(|map| inside(map, boxed));
        println!("{name}: {area:.2} of the area, {shares:.2?} of the maps");
        assert!(shares.iter().all(|s| *s > 1.15 * area), "{name} {shares:?}");
        assert!(shares[2] > shares[1], "{name}: the class narrows it down");
    }
}

#[test]
fn integrated_gradients_are_nearly_complete_and_a_deconvnet_shows_a_units_reasons() {
    let Some(folder) = photos() else { return };
    let model = Model::pretrained("squeezenet1_0").unwrap();
    let x = image(&model, &folder, "elephants");
    let options = IntegratedGradients::new().steps(12);
    let found = integrated_gradients(&model.network, &x, &Target::Top, &options).unwrap();
    let (gap, value) = (found.completeness_gaps()[0], found.target_values[0]);
    assert!(gap.abs() < 0.08 * value, "{gap} of {value}");

    // From the class every signal ends on the way; from a late unit it does not.
    let class = deconvnet(&model.network, &x, &Target::Class(385), Seed::One).unwrap();
    assert_eq!(class.flags[0], [Flag::ZeroGradient]);
    let layer = "features.10.expand3x3_activation";
    let units = layer_activation(&model.network, &x, layer).unwrap().values;
    let strongest = units.indexed_iter().max_by(|a, b| a.1.total_cmp(b.1));
    let (place, value) = strongest.unwrap();
    let unit = Target::from(Unit::at(layer, &[place[1], place[2], place[3]]));
    let map = deconvnet(&model.network, &x, &unit, Seed::Activation).unwrap();
    println!("the strongest unit of {layer} is {place:?}, {value}");
    assert_eq!(map.target_values, [*value]);
    assert!(map.flags[0].is_empty());
}
