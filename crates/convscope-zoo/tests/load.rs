//! Weights into networks, under the names that others give them.

use convscope_nn::{Init, Network, Tensor};
use convscope_weights::Weights;
use convscope_zoo::{Naming, Options, get, load, load_as};
use ndarray::ArrayD;

/// Uniform numbers are drawn in a fraction of the time of normal ones.
const QUICK: Init = Init::Uniform(0.1);

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

/// The other direction of what is loaded: a network's tensors as Keras has them.
fn as_keras(net: &Network, layer: impl Fn(&str) -> String) -> Weights {
    let rows = net.summary().rows;
    let shape = |name: &str| {
        rows.iter()
            .find(|row| row.name == name)
            .unwrap()
            .output
            .clone()
    };
    let mut weights = Weights::new();
    for (path, tensor) in net.parameters().into_iter().chain(net.buffers()) {
        let (node, name) = path.rsplit_once('.').unwrap();
        let row = rows.iter().find(|row| row.name == node).unwrap();
        let turned = |axes: &[usize]| {
            let view = tensor.view().permuted_axes(axes);
            view.as_standard_layout().into_owned()
        };
        let before = &rows.iter().find(|r| r.name == row.inputs[0]);
        let flattened = before.filter(|row| row.kind == "Flatten");
        let (array, name) = match (row.kind, name) {
            ("Conv2d", "weight") => (turned(&[2, 3, 1, 0]), "kernel"),
            ("Linear", "weight") => match flattened {
                // Keras counts height, width, channel.
                Some(flatten) => {
                    let image = shape(&flatten.inputs[0]);
                    let outputs = tensor.shape()[0];
                    let grid = [&[outputs], &image[..]].concat();
                    let grid = tensor.clone().into_shape_with_order(grid).unwrap();
                    let turned = grid.permuted_axes(vec![2, 3, 1, 0]);
                    let turned = turned.as_standard_layout().into_owned();
                    let inputs = image.iter().product();
                    let flat = turned.into_shape_with_order(vec![inputs, outputs]);
                    (flat.unwrap(), "kernel")
                }
                None => (turned(&[1, 0]), "kernel"),
            },
            (kind, "weight") if kind.starts_with("BatchNorm") => (tensor.clone(), "gamma"),
            (kind, "bias") if kind.starts_with("BatchNorm") => (tensor.clone(), "beta"),
            (_, "running_mean") => (tensor.clone(), "moving_mean"),
            (_, "running_var") => (tensor.clone(), "moving_variance"),
            (_, other) => (tensor.clone(), other),
        };
        let name = format!("{}/{name}:0", layer(node));
        weights.insert(name, array).unwrap();
    }
    weights
}

#[test]
fn keras_layers_come_by_their_names_and_in_keras_layout() {
    let options = Options::new().seed(4);
    let trained = net("cnn2", options);
    let mut other = net("cnn2", Options::new().blank());
    let loaded = load_as(
        &mut other,
        &as_keras(&trained, str::to_owned),
        Naming::Keras,
    )
    .unwrap();
    assert_eq!(loaded.naming, Naming::Keras);
    assert_eq!(all(&other), all(&trained));
}

#[test]
fn keras_vgg16_goes_into_the_papers_by_kerass_own_names() {
    // An image of 64 pixels leaves 2x2, so that the order behind the flattening matters.
    let options = Options::new().size(64).classes(2).init(QUICK);
    let trained = net("vgg_d", options);
    let layer = |node: &str| match node {
        "fc6" => "fc1".to_owned(),
        "fc7" => "fc2".to_owned(),
        "fc8" => "predictions".to_owned(),
        conv => {
            let (block, i) = conv.strip_prefix("conv").unwrap().split_once('_').unwrap();
            format!("block{block}_conv{i}")
        }
    };
    let file = as_keras(&trained, layer);
    let mut other = net("vgg_d", options.blank());
    load_as(&mut other, &file, Naming::Keras).unwrap();
    assert_eq!(all(&other), all(&trained));
}

#[test]
fn caffes_published_models_go_into_the_networks_they_are_of() {
    let squeezenet = |path: &str| {
        let steps = ["3", "4", "5", "7", "8", "9", "10", "12"];
        let (node, tensor) = path.rsplit_once('.').unwrap();
        let layer = match node {
            "features.0" => "conv1".to_owned(),
            "classifier.1" => "conv10".to_owned(),
            node => {
                let parts: Vec<&str> = node.split('.').collect();
                let fire = 2 + steps.iter().position(|s| *s == parts[1]).unwrap();
                let layer = parts[2].replace("squeeze", "squeeze1x1");
                format!("fire{fire}/{layer}")
            }
        };
        format!("{layer}.{tensor}")
    };
    let googlenet = |path: &str| {
        let (node, tensor) = path.rsplit_once('.').unwrap();
        let layer = match node {
            "conv1.conv" => "conv1/7x7_s2".to_owned(),
            "conv2.conv" => "conv2/3x3_reduce".to_owned(),
            "conv3.conv" => "conv2/3x3".to_owned(),
            "fc" => "loss3/classifier".to_owned(),
            node => {
                let (module, branch) = node.split_once('.').unwrap();
                let branch = match branch {
                    "branch1.conv" => "1x1",
                    "branch2.0.conv" => "3x3_reduce",
                    "branch2.1.conv" => "3x3",
                    "branch3.0.conv" => "5x5_reduce",
                    "branch3.1.conv" => "5x5",
                    "branch4.1.conv" => "pool_proj",
                    other => panic!("{other}"),
                };
                format!("{}/{branch}", module.replace("inception", "inception_"))
            }
        };
        format!("{layer}.{tensor}")
    };
    let nin = |path: &str| {
        let parts: Vec<&str> = path.split('.').collect();
        let block: usize = parts[0].strip_prefix("mlpconv").unwrap().parse().unwrap();
        let wide = if block == 4 { "-1024" } else { "" };
        match parts[1].strip_prefix("cccp") {
            None => format!("conv{block}{wide}.{}", parts[2]),
            Some(i) => {
                let i: usize = i.parse().unwrap();
                format!("cccp{}{wide}.{}", 2 * (block - 1) + i, parts[2])
            }
        }
    };
    let own = |path: &str| path.to_owned();
    type Rename<'a> = &'a dyn Fn(&str) -> String;
    let cases: [(&str, usize, Rename<'_>); 5] = [
        ("squeezenet1_0", 48, &squeezenet),
        ("googlenet_2014", 48, &googlenet),
        ("nin", 56, &nin),
        ("vgg_c", 32, &own),
        ("alexnet_two_towers", 67, &own),
    ];
    for (name, size, rename) in cases {
        let options = Options::new().size(size).classes(3).init(QUICK);
        let trained = net(name, options);
        let mut file = file(&trained, rename);
        if name == "googlenet_2014" {
            let head = "loss1/classifier.weight";
            file.insert(head, ArrayD::zeros(vec![1000, 1024])).unwrap();
        }
        let mut other = net(name, options.blank());
        let loaded =
            load_as(&mut other, &file, Naming::Caffe).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(
            loaded.ignored.len(),
            usize::from(name == "googlenet_2014"),
            "{name}"
        );
        assert_eq!(all(&other), all(&trained), "{name}");
    }
}
