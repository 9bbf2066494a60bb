//! A network in two parts: what is frozen is run once, and what learns is a network of its own.

use convscope_nn::{INPUT, Network, NnError};

/// The part of a network above a node, with the weights and names that it has. It reads what the node
/// puts out, so that `upper_part(net, node)` of `net.until(node)` is the network.
///
/// # Errors
/// When there is no such node, nothing is above it, or something above it also reads what lies below.
pub fn upper_part(net: &Network, node: &str) -> Result<Network, NnError> {
    let trunk = net.until(node)?;
    let last = trunk.nodes().pop().unwrap_or_default();
    let views: Vec<_> = net.views().collect();
    let above = match views.iter().position(|view| view.name == last) {
        Some(at) => &views[at + 1..],
        None => &views[..],
    };
    if above.is_empty() {
        return Err(NnError::Invalid(format!(
            "nothing is above \"{node}\": it is what the network puts out"
        )));
    }
    let mut builder = Network::input(trunk.output_shape().to_vec());
    for view in above {
        let mut inputs = Vec::new();
        for &input in &view.inputs {
            if input == last {
                inputs.push(INPUT);
            } else if above.iter().any(|other| other.name == input) {
                inputs.push(input);
            } else {
                return Err(NnError::Invalid(format!(
                    "\"{}\" also reads \"{input}\", past \"{node}\": expected a node that everything \
                     above it depends on alone",
                    view.name
                )));
            }
        }
        builder = builder.add_trained(&inputs, view.name, view.layer.boxed());
    }
    builder.build(0)
}

/// The whole network with the numbers of a part of it: every parameter and buffer that both have
/// under one path.
///
/// # Errors
/// When they have none in common, or one is of another shape.
pub fn put_back(whole: &Network, part: &Network) -> Result<Network, NnError> {
    let mut net = whole.clone();
    let mut found = 0;
    for (path, value) in part.parameters() {
        if whole.parameter(&path).is_ok() {
            net.set_parameter(&path, value.clone())?;
            found += 1;
        }
    }
    for (path, value) in part.buffers() {
        if whole.buffers().iter().any(|(other, _)| *other == path) {
            net.set_buffer(&path, value.clone())?;
            found += 1;
        }
    }
    match found {
        0 => Err(NnError::Invalid(
            "the two networks have no parameter of one name in common".into(),
        )),
        _ => Ok(net),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_nn::{Add, BatchNorm2d, Conv2d, Flatten, GlobalAvgPool2d, Linear, Relu, Tensor};

    fn net(seed: u64) -> Network {
        Network::input([2, 6, 6])
            .add("conv1", Conv2d::new(4, 3).same())
            .block("block", |b| {
                b.add("conv", Conv2d::new(4, 3).same())
                    .add("bn", BatchNorm2d::new())
                    .add_after(&["bn", "input"], "sum", Add)
                    .add("relu", Relu)
            })
            .add("pool", GlobalAvgPool2d)
            .add("flatten", Flatten)
            .add("fc", Linear::new(3))
            .build(seed)
            .unwrap()
    }

    fn images() -> Tensor {
        let mut number = 0.0_f32;
        Tensor::from_shape_simple_fn(vec![3, 2, 6, 6], || {
            number += 1.0;
            (number * 0.7).sin()
        })
    }

    #[test]
    fn the_two_parts_are_the_whole() {
        let net = net(1);
        let whole = net.forward(&images()).unwrap();
        for node in ["conv1", "block", "block.relu", "pool"] {
            let maps = net.until(node).unwrap().forward(&images()).unwrap();
            let upper = upper_part(&net, node).unwrap();
            let again = upper.forward(&maps).unwrap();
            assert_eq!(again.shape(), whole.shape());
            let apart = (&again - &whole).fold(0.0_f32, |m, d| m.max(d.abs()));
            assert!(apart < 1e-5, "{node}: {apart}");
            assert_eq!(
                upper.parameter("fc.weight").unwrap(),
                net.parameter("fc.weight").unwrap()
            );
        }
    }

    #[test]
    fn a_place_that_is_passed_by_is_refused() {
        for (node, words) in [
            ("block.conv", "\"block.sum\" also reads \"conv1\""),
            ("fc", "nothing is above \"fc\""),
            ("conv9", "\"conv9\""),
        ] {
            let error = upper_part(&net(1), node).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn what_a_part_has_learned_comes_back() {
        let (old, new) = (net(1), net(2));
        let part = upper_part(&new, "conv1").unwrap();
        let both = put_back(&old, &part).unwrap();
        for (path, value) in both.parameters() {
            let from = if path.starts_with("conv1") {
                &old
            } else {
                &new
            };
            assert_eq!(value, from.parameter(&path).unwrap(), "{path}");
        }
        let other = Network::input([2, 6, 6])
            .add("other", Conv2d::new(1, 1))
            .build(1)
            .unwrap();
        assert!(put_back(&old, &other).is_err());
    }
}
