//! Weights into networks, under the names that others give them.

use convscope_nn::{Network, Tensor};
use convscope_weights::Weights;
use convscope_zoo::{Naming, Options, get, load};
use ndarray::ArrayD;

fn net(name: &str, options: Options) -> Network {
    get(name).unwrap().build(options).unwrap()
}

/// All numbers of a network under names that `rename` makes of its own.
fn file(net: &Network, rename: impl Fn(&str) -> String) -> Weights {
    let mut weights = Weights::new();
    for (path, tensor) in net.parameters().into_iter().chain(net.buffers()) {
        weights.insert(rename(&path), tensor.clone()).unwrap();
    }
    weights
}

fn all(net: &Network) -> Vec<(String, Tensor<f32>)> {
    let tensors = net.parameters().into_iter().chain(net.buffers());
    tensors
        .map(|(path, tensor)| (path, tensor.clone()))
        .collect()
}

#[test]
fn a_network_takes_back_its_own_weights_whatever_is_put_before_their_names() {
    let trained = net("resnet20", Options::new().seed(1));
    for prefix in [
        "",
        "module.",
        "_orig_mod.",
        "model.",
        "module._orig_mod.",
        "net/",
    ] {
        let mut other = net("resnet20", Options::new().seed(2));
        let weights = file(&trained, |path| format!("{prefix}{path}"));
        let loaded = load(&mut other, &weights).unwrap();
        assert_eq!(loaded.naming, Naming::Own, "{prefix}");
        assert_eq!(all(&other), all(&trained), "{prefix}");
    }
}

#[test]
fn counters_auxiliary_heads_and_an_optimizers_state_are_left_out_and_named() {
    let trained = net("googlenet", Options::new().size(64).classes(3));
    let mut weights = file(&trained, str::to_owned);
    let extra = ["aux1.fc1.weight", "aux2.conv.bn.running_mean"];
    for name in extra {
        weights.insert(name, ArrayD::ones(vec![2, 2])).unwrap();
    }
    let counter = "conv1.bn.num_batches_tracked";
    weights
        .insert_integers(counter, ArrayD::ones(vec![]))
        .unwrap();
    let mut other = net("googlenet", Options::new().size(64).classes(3).blank());
    let loaded = load(&mut other, &weights).unwrap();
    assert_eq!(loaded.ignored, [counter, extra[0], extra[1]]);
    assert_eq!(all(&other), all(&trained));

    let mut checkpoint = file(&trained, |path| format!("net/{path}"));
    let state = "optimizer/conv1.conv.weight/velocity";
    checkpoint.insert(state, ArrayD::ones(vec![1])).unwrap();
    let loaded = load(&mut other, &checkpoint).unwrap();
    assert_eq!(loaded.ignored, [state]);
    // What is harmless beside GoogLeNet is unknown beside another network.
    let mut small = net("lenet5", Options::new());
    let mut weights = file(&small, str::to_owned);
    weights
        .insert("aux3.weight", ArrayD::ones(vec![1]))
        .unwrap();
    assert!(load(&mut small, &weights).is_err());
}

#[test]
fn densenets_old_names_are_understood() {
    let trained = net("densenet121", Options::new().size(32).classes(2).seed(3));
    let old = |path: &str| {
        let mut path = path.to_owned();
        if path.contains("denselayer") {
            for layer in ["norm", "conv"] {
                for i in 1..=2 {
                    path = path.replace(&format!(".{layer}{i}."), &format!(".{layer}.{i}."));
                }
            }
        }
        path
    };
    let weights = file(&trained, old);
    assert!(
        weights
            .get("features.denseblock1.denselayer1.norm.1.weight")
            .is_some()
    );
    let mut other = net("densenet121", Options::new().size(32).classes(2).blank());
    let loaded = load(&mut other, &weights).unwrap();
    assert_eq!(loaded.naming, Naming::OldDenseNet);
    assert_eq!(all(&other), all(&trained));
}

#[test]
fn weights_that_do_not_fit_are_listed_with_both_shapes_and_leave_the_network_as_it_was() {
    let mut lenet = net("lenet5", Options::new().seed(1));
    let before = all(&lenet);
    let mut weights = Weights::new();
    for (path, tensor) in &before {
        match path.as_str() {
            "c1.bias" => continue,
            "output.weight" => weights.insert("output.weight", ArrayD::zeros(vec![3, 84])),
            _ => weights.insert(path, tensor.clone() + 1.0),
        }
        .unwrap();
    }
    weights.insert("c7.weight", ArrayD::zeros(vec![2])).unwrap();
    let error = load(&mut lenet, &weights).unwrap_err().to_string();
    for part in [
        "1 missing, 1 of another shape, 1 unexpected",
        "c1.bias: expected [6], got none",
        "output.weight: expected [10, 84], got [3, 84]",
        "c7.weight: got [2], expected none",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(all(&lenet), before);
}

#[test]
fn a_weight_that_is_no_number_is_refused_by_name_and_place() {
    let mut lenet = net("lenet5", Options::new().seed(1));
    let before = all(&lenet);
    let mut weights = Weights::new();
    for (path, tensor) in &before {
        let mut tensor = tensor.clone();
        if path == "f6.weight" {
            tensor[[2, 5]] = f32::NAN;
        }
        weights.insert(path, tensor).unwrap();
    }
    let error = load(&mut lenet, &weights).unwrap_err().to_string();
    assert!(
        error.contains("\"f6.weight\" holds NaN at position [2, 5]"),
        "{error}"
    );
    assert_eq!(all(&lenet), before);
}

#[test]
fn nothing_at_all_is_every_parameter_missing() {
    let mut lenet = net("lenet5", Options::new());
    let error = load(&mut lenet, &Weights::new()).unwrap_err().to_string();
    assert!(error.contains("10 missing"), "{error}");
}
