//! On Shapes, where the truth about each object is known, methods must beat maps that know nothing
//! of the image: in the pointing game, and in deletion and insertion.

use convscope_data::{Dataset, Shapes, ShapesConfig, Standardizer};
use convscope_nn::{
    Adam, Conv2d, Flatten, Linear, MaxPool2d, Network, Relu, Tensor, Training, accuracy,
};
use convscope_vis::*;
use ndarray::{Array2, Array3, Axis, Slice};

/// Images that are explained.
const EXPLAINED: usize = 32;

struct Trained {
    net: Network,
    test: Dataset,
    masks: Array3<u8>,
}

/// Classes told apart: few, so that seconds of training do.
const CLASSES: [usize; 3] = [0, 2, 4];

fn of_classes(drawn: usize, seed: u64) -> Shapes {
    let all = Shapes::generate(drawn, &ShapesConfig::default(), seed).unwrap();
    let labels = &all.dataset.labels;
    let ours = (0..all.len()).filter(|&i| CLASSES.contains(&labels[i]));
    all.select(&ours.collect::<Vec<_>>()).unwrap()
}

/// A small network, a few seconds of training, and images it has not seen.
fn trained() -> Trained {
    let train = of_classes(6000, 11);
    // Drawn for the measurement alone: neither training nor the settings below have seen them.
    let test = of_classes(450, 12);
    let scale = Standardizer::fit_channels(&train.dataset).unwrap();
    let set = scale.apply(&train.dataset).unwrap();
    let unseen = scale.apply(&test.dataset).unwrap();
    let (set, valid) = set.split(set.len() - 100).unwrap();
    let mut net = Network::input([3, 32, 32])
        .add("conv1", Conv2d::new(12, 5).same().stride(2))
        .add("relu1", Relu)
        .add("conv2", Conv2d::new(16, 3).same())
        .add("relu2", Relu)
        .add("pool2", MaxPool2d::new(2))
        .add("conv3", Conv2d::new(24, 3).same())
        .add("relu3", Relu)
        .add("pool3", MaxPool2d::new(8))
        .add("flatten", Flatten)
        .add("fc", Linear::new(8))
        .build(1)
        .unwrap();
    let training = Training::new(Adam::new(0.004)).epochs(9).batch_size(32);
    training
        .seed(2)
        .quiet()
        .fit(&mut net, &set, &valid)
        .unwrap();
    let logits = net.forward(&unseen.images).unwrap();
    let right = accuracy(&logits, &unseen.labels).unwrap();
    println!("accuracy on unseen shapes: {right:.3}");
    assert!(
        right > 0.8,
        "the network learned too little to be explained: {right}"
    );
    // Only what it gets right has its reason on the object.
    let said = net.predict(&unseen.images).unwrap();
    let good = (0..unseen.len()).filter(|&i| said[i] == unseen.labels[i]);
    let chosen: Vec<usize> = good.take(EXPLAINED).collect();
    Trained {
        net,
        test: unseen.select(&chosen).unwrap(),
        masks: test.masks.select(Axis(0), &chosen),
    }
}

struct Scores {
    pointing: f64,
    overlap: f64,
    deletion: f64,
    insertion: f64,
}

/// Means over the images.
fn measured(on: &Trained, name: &str, maps: &Array3<f32>) -> Scores {
    let scorer = Probabilities(&on.net);
    let n = EXPLAINED as f64;
    let mut scores = Scores {
        pointing: pointing_rate(maps, &on.masks, 0).unwrap(),
        overlap: 0.0,
        deletion: 0.0,
        insertion: 0.0,
    };
    let options = Curves::new().steps(32).insertion(Replacement::Blurred(3.0));
    for (i, map) in maps.outer_iter().enumerate() {
        let map: Array2<f32> = map.to_owned();
        let mask = on.masks.index_axis(Axis(0), i).to_owned();
        scores.overlap += overlap_with_mask(&map, &mask, Cut::EqualArea).unwrap() / n;
        let image = image(on, i);
        let class = Target::Class(on.test.labels[i]);
        let curves = deletion_insertion(&scorer, &image, &map, &class, &options).unwrap();
        scores.deletion += curves.deletion_area / n;
        scores.insertion += curves.insertion_area / n;
    }
    println!(
        "{name:12} pointing {:.3}, overlap {:.3}, deletion {:.3}, insertion {:.3}",
        scores.pointing, scores.overlap, scores.deletion, scores.insertion
    );
    scores
}

fn image(on: &Trained, i: usize) -> Tensor {
    let one = on.test.images.slice_axis(Axis(0), Slice::from(i..i + 1));
    one.to_owned()
}

/// One map for each image.
fn maps(on: &Trained, explain: impl Fn(usize, &Tensor) -> Array2<f32>) -> Array3<f32> {
    let each: Vec<_> = (0..EXPLAINED).map(|i| explain(i, &image(on, i))).collect();
    let views: Vec<_> = each.iter().map(|map| map.view()).collect();
    ndarray::stack(Axis(0), &views).unwrap()
}

#[test]
fn methods_beat_a_random_map_and_a_blob_in_the_middle() {
    let on = trained();
    let class = |i: usize| Target::Class(on.test.labels[i]);
    let noise = measured(
        &on,
        "random",
        &maps(&on, |i, _| random_map(32, 32, i as u64)),
    );
    let blob = measured(&on, "centre blob", &maps(&on, |_, _| centre_blob(32, 32)));

    let slid = Occlusion::new()
        .window([5, 5])
        .stride([2, 2])
        .fill(Fill::Mean);
    let hidden = maps(&on, |i, x| {
        let map = occlusion(&on.net, x, &class(i), &slid).unwrap();
        map.map(0, Reduce::Sum).unwrap()
    });
    let patches = Superpixels::Slic(Slic::new(40));
    // The mean colour of a piece of a plain object would show the object still.
    let simple = Lime::new()
        .superpixels(patches)
        .samples(400)
        .off(Off::Colour(vec![0.0]));
    let switched = maps(&on, |i, x| {
        let options = simple.clone().classes(&[on.test.labels[i]]);
        let found = lime(&on.net, x, &options).unwrap();
        found.map(on.test.labels[i]).unwrap()
    });
    let gradients = maps(&on, |i, x| {
        let map = saliency(&on.net, x, &class(i)).unwrap();
        smooth(&map.map(0, Reduce::MaxAbs).unwrap(), 4)
    });
    // A method that is added here (Grad-CAM, say) is measured like the others.
    let methods = [
        ("occlusion", hidden),
        ("LIME", switched),
        ("saliency", gradients),
    ];
    for (name, maps) in methods {
        let scores = measured(&on, name, &maps);
        // Objects of 32 pixels mostly cover the middle of the image, and the single largest gradient
        // of so small a network is a poor pointer: saliency is not held to the blob's pointing.
        let pointing = match name {
            "saliency" => noise.pointing,
            _ => noise.pointing.max(blob.pointing),
        };
        assert!(scores.pointing > pointing, "{name}: pointing");
        let deletion = noise.deletion.min(blob.deletion);
        assert!(scores.deletion < deletion, "{name}: deletion");
        let insertion = noise.insertion.max(blob.insertion);
        assert!(scores.insertion > insertion, "{name}: insertion");
        assert!(scores.overlap > noise.overlap, "{name}: overlap");
    }
}

/// The mean over the pixels as far as `reach`: single gradients are noisy.
fn smooth(map: &Array2<f32>, reach: usize) -> Array2<f32> {
    let side = 2 * reach + 1;
    let near = |y: usize, x: usize| {
        let all = (0..side * side).map(|k| (y + k / side, x + k % side));
        let inside =
            all.filter_map(|(v, u)| map.get((v.checked_sub(reach)?, u.checked_sub(reach)?)));
        // By what there is: zeros beyond the edge would favour the middle.
        let (sum, count) = inside.fold((0.0, 0.0), |(s, n), v| (s + v, n + 1.0));
        sum / count
    };
    Array2::from_shape_fn(map.dim(), |(y, x)| near(y, x))
}
