//! What is written, read again: the same names, the same parameters, the same outputs. (That
//! onnxruntime reads it too is checked by `scripts/onnx.sh`.)

mod common;

use common::{BAR, difference, images, settle};
use convscope_nn::*;
use convscope_onnx::{from_bytes, to_bytes, write};
use convscope_zoo::{Options, entries};

/// Writes and reads a network; its outputs must not change.
fn again(what: &str, net: &Network) -> Network {
    let bytes = to_bytes(net).unwrap_or_else(|e| panic!("{what}: {e}"));
    let again = from_bytes(bytes, None).unwrap_or_else(|e| panic!("{what}: {e}"));
    let x = images(net, 2);
    let (one, two) = (net.forward(&x).unwrap(), again.forward(&x).unwrap());
    let error = difference(&two, &one);
    assert!(error < BAR, "{what}: {error}");
    again
}

#[test]
fn every_small_network_of_the_catalogue_comes_back_as_it_was() {
    let mut names = Vec::new();
    for entry in entries() {
        let options = Options::new()
            .size(entry.smallest.max(16))
            .classes(3)
            .seed(1);
        if entry.parameters > 8_000_000 {
            continue;
        }
        names.push(entry.name);
        let mut net = entry.build(options).unwrap();
        settle(&mut net);
        let found = again(entry.name, &net);
        let numbers = |net: &Network| {
            let own = net.parameters().into_iter().chain(net.buffers());
            own.map(|(path, tensor)| (path, tensor.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(numbers(&found), numbers(&net), "{}", entry.name);
    }
    assert!(names.len() > 20, "{names:?}");
    for family in [
        "resnet20",
        "squeezenet1_1",
        "googlenet_2014",
        "lenet5",
        "nin_cifar10",
        "airbench",
    ] {
        assert!(names.contains(&family), "{names:?}");
    }
}

#[test]
fn every_layer_is_written() {
    let image = || Network::input([4, 9, 7]);
    let nets = [
        image().add(
            "a",
            Conv2d::rect(6, 2, 3)
                .strides(2, 1)
                .groups(2)
                .padding(Padding::Same),
        ),
        image().add(
            "a",
            Conv2d::new(4, 3)
                .no_bias()
                .dilations(2, 1)
                .padding(Padding::Sides([0, 3, 1, 2])),
        ),
        image().add(
            "a",
            ConvTranspose2d::new(4, 3)
                .stride(2)
                .padding(1)
                .output_padding(1)
                .groups(2),
        ),
        image().add("a", AvgPool2d::new(3).stride(2).padding(1)),
        image().add(
            "a",
            AvgPool2d::new(3)
                .stride(2)
                .padding(1)
                .count_padding(false)
                .ceil_mode(),
        ),
        image().add(
            "a",
            MaxPool2d::rect(2, 3)
                .strides(2, 3)
                .paddings([0, 1, 1, 2])
                .ceil_mode(),
        ),
        image().add("a", AdaptiveAvgPool2d::new(4, 3)),
        image().add("a", AdaptiveAvgPool2d::new(3, 7)),
        image()
            .add("a", AdaptiveAvgPool2d::new(9, 7))
            .add("b", Relu),
        image().add("a", AdaptiveAvgPool2d::new(1, 1)),
        image().add("a", GlobalAvgPool2d),
        image().add("a", BatchNorm2d::new().eps(1e-3).momentum(0.3)),
        image().add("a", ChannelAffine::new()),
        image().add("f", Flatten).add("a", ChannelAffine::new()),
        image()
            .add("f", Flatten)
            .add("a", Linear::new(5))
            .add("b", BatchNorm1d::new()),
        image()
            .add("f", Flatten)
            .add("a", Linear::new(5).drop_connect(0.4)),
        image().add("a", Clamp::relu6()),
        image().add("a", Clamp::new(f64::NEG_INFINITY, 0.3)),
        image().add("a", LeakyRelu::new(0.2)),
        image().add("a", Gelu::new()),
        image().add("a", Gelu::tanh()),
        image().add("a", Sigmoid).add("b", Tanh),
        image().add("a", Softmax),
        image().add("a", LogSoftmax),
        image().add("a", LocalResponseNorm::alexnet()),
        image().add("a", Crop::new().channels(1..3).rows(2..9).steps([1, 3, 2])),
        image().add("a", ZeroPad2d::sides([1, 0, 2, 3]).channels(1, 2)),
        image().add("a", Upsample2d::nearest(3)),
        image().add("a", Upsample2d::bilinear(2)),
        image().add("a", Upsample2d::bilinear(2).align_corners()),
        image().add("a", Reshape::new([2, 18, 7])),
        image().add("d", Dropout::new(0.3)).add("a", Relu),
        image().add("d", SpatialDropout::new(0.3)).add("a", Relu),
        image()
            .add("p", MaxPool2d::new(2))
            .add_after(&["input", "p"], "a", DepthConcat),
        image()
            .add("r", Relu)
            .add_after(&["input", "r", "r"], "a", Add),
        image()
            .add("r", Relu)
            .add_after(&["input", "r"], "a", Concat),
        image()
            .add("r", Sigmoid)
            .add_after(&["input", "r"], "a", Multiply),
        image()
            .add("g", GlobalAvgPool2d)
            .add_after(&["input", "g"], "a", Multiply),
    ];
    for net in nets {
        let mut net = net.build(3).unwrap();
        settle(&mut net);
        again(&format!("{}", net.summary()), &net);
    }
}

#[test]
fn dropout_and_probabilities_survive() {
    let net = Network::input([6])
        .add("fc", Linear::new(4))
        .add("drop", Dropout::new(0.25))
        .add("softmax", Softmax)
        .build(1)
        .unwrap();
    let bytes = to_bytes(&net).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("probabilities") && !text.contains("logits"));
    let found = again("dropout", &net);
    assert_eq!(found.summary(), net.summary());
    let x = images(&net, 2);
    let pass = Pass::monte_carlo(3);
    assert_eq!(found.forward_as(&x, pass), net.forward_as(&x, pass));
}

#[test]
fn only_what_the_output_needs_is_written() {
    let net = Network::input([2, 6, 6])
        .add("pool", MaxPool2d::new(2))
        .add_after(&["pool", "pool"], "unpool", MaxUnpool2d::new())
        .add_after(&["pool"], "conv", Conv2d::new(3, 1))
        .build(1)
        .unwrap();
    assert_eq!(again("a side way", &net).nodes(), ["pool", "conv"]);
}

#[test]
fn names_that_would_fall_together_do_not() {
    let net = Network::input([3, 4, 4])
        .add("logits", Conv2d::new(3, 1))
        .add("a", Relu)
        .add("logits.weight", Sigmoid)
        .add("a.scaled", ChannelAffine::new())
        .add("end", GlobalAvgPool2d)
        .build(1)
        .unwrap();
    again("names", &net);
}

#[test]
fn what_cannot_be_written_says_why() {
    let image = || Network::input([2, 6, 6]);
    for (net, words) in [
        (
            image().add("pool", MaxPool2d::new(2)).add_after(
                &["pool", "pool"],
                "up",
                MaxUnpool2d::new(),
            ),
            ["\"up\"", "MaxUnpool2d"],
        ),
        (
            image().add("norm", LocalResponseNorm::new(4)),
            ["\"norm\"", "odd"],
        ),
    ] {
        let error = to_bytes(&net.build(1).unwrap()).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
}

#[test]
fn a_file_is_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.onnx");
    std::fs::write(&path, "something else").unwrap();
    let net = Network::input([2])
        .add("fc", Linear::new(3))
        .build(1)
        .unwrap();
    write(&net, &path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), to_bytes(&net).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let error = write(&net, folder.path().join("no/such/folder.onnx")).unwrap_err();
    assert!(error.to_string().contains("cannot write"), "{error}");
}
