//! Parts of a network, and the same network over images of another size.

use convscope_nn::{
    Add, BatchNorm2d, Conv2d, Flatten, GlobalAvgPool2d, Linear, Network, Relu, Rule, Tensor, Unit,
};

fn branched() -> Network {
    Network::input([2, 10, 12])
        .add("conv1", Conv2d::new(4, 3).same())
        .block("block", |b| {
            b.add("conv1", Conv2d::new(4, 3).same())
                .add("bn1", BatchNorm2d::new())
                .add_after(&["bn1", "input"], "add", Add)
        })
        .add_after(&["conv1"], "aside", Conv2d::new(5, 1))
        .add_after(&["block"], "relu", Relu)
        .add("pool", GlobalAvgPool2d)
        .add("flatten", Flatten)
        .add("fc", Linear::new(3))
        .build(7)
        .unwrap()
}

fn images(shape: [usize; 4]) -> Tensor {
    let values =
        (0..shape.iter().product::<usize>()).map(|i| ((i * 7919) % 101) as f32 / 50.0 - 1.0);
    Tensor::from_shape_vec(shape.to_vec(), values.collect()).unwrap()
}

#[test]
fn a_part_ends_in_its_node_and_leaves_out_what_that_does_not_read() {
    let net = branched();
    let x = images([3, 2, 10, 12]);
    let whole = net.trace(&x).unwrap();
    for node in ["conv1", "block.conv1", "block", "aside", "relu", "fc"] {
        let part = net.until(node).unwrap();
        assert_eq!(
            part.forward(&x).unwrap(),
            whole.activation(node).unwrap(),
            "{node}"
        );
    }
    assert_eq!(net.until("aside").unwrap().nodes(), ["conv1", "aside"]);
    let part = net.until("relu").unwrap();
    assert!(!part.nodes().contains(&"aside".to_owned()));
    assert_eq!(
        part.parameter("block.conv1.weight").unwrap(),
        net.parameter("block.conv1.weight").unwrap()
    );
    let gradient = |net: &Network| {
        let trace = net.trace(&x).unwrap();
        trace
            .gradient(Unit::channel("relu", 1), Rule::Guided)
            .unwrap()
    };
    assert_eq!(gradient(&part), gradient(&net));
}

#[test]
fn a_part_of_its_own_does_not_change_the_whole() {
    let net = branched();
    let mut part = net.until("conv1").unwrap();
    let before = net.parameter("conv1.weight").unwrap().clone();
    part.set_parameter("conv1.weight", &before * 2.0).unwrap();
    assert_eq!(net.parameter("conv1.weight").unwrap(), before);
}

#[test]
fn what_is_no_layer_is_no_part() {
    let net = branched();
    assert!(
        net.until("input")
            .unwrap_err()
            .to_string()
            .contains("name of a layer")
    );
    assert!(
        net.until("conv9")
            .unwrap_err()
            .to_string()
            .contains("conv9")
    );
}

#[test]
fn a_network_reads_images_of_another_size_with_the_weights_it_has() {
    let net = branched();
    let larger = net.for_input([2, 17, 9]).unwrap();
    assert_eq!(larger.input_shape(), [2, 17, 9]);
    let (a, b) = (net.parameters(), larger.parameters());
    assert_eq!(a, b);
    let x = images([1, 2, 17, 9]);
    // A window of the larger image, away from its border, gives what the smaller network gives.
    let conv = larger
        .trace(&x)
        .unwrap()
        .activation("conv1")
        .unwrap()
        .clone();
    let window = x
        .slice(ndarray::s![.., .., 2..12, ..])
        .to_owned()
        .into_dyn();
    let narrow = net.for_input([2, 10, 9]).unwrap();
    let part = narrow
        .trace(&window)
        .unwrap()
        .activation("conv1")
        .unwrap()
        .clone();
    for (y, x) in [(1, 1), (5, 4), (8, 7)] {
        let difference = conv[[0, 2, y + 2, x]] - part[[0, 2, y, x]];
        assert!(difference.abs() < 1e-5, "{difference}");
    }
}

#[test]
fn a_dense_layer_after_a_flattening_says_that_it_does_not_fit() {
    let net = Network::input([1, 8, 8])
        .add("conv1", Conv2d::new(2, 3).same())
        .add("flatten", Flatten)
        .add("fc", Linear::new(4))
        .build(1)
        .unwrap();
    let error = net.for_input([1, 9, 8]).unwrap_err().to_string();
    assert!(
        error.contains("\"fc\"") && error.contains("128") && error.contains("144"),
        "{error}"
    );
    assert!(net.until("conv1").unwrap().for_input([1, 9, 8]).is_ok());
}
