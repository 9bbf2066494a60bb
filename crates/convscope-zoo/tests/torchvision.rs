//! Networks that torchvision has too: the same parameters, under the same paths, at the same cost.
//! `fixtures/make_paths.py` made the fixture.

use convscope_zoo::{Options, entries, get};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Fixture {
    torchvision: String,
    networks: BTreeMap<String, Published>,
}

#[derive(Deserialize)]
struct Published {
    parameters: usize,
    gmac: f64,
    modules: BTreeMap<String, String>,
}

impl Published {
    /// The state dictionary: shapes by path.
    fn tensors(&self) -> BTreeMap<String, Vec<usize>> {
        let mut all = BTreeMap::new();
        for (path, text) in &self.modules {
            let (weight, rest) = text.split_once(' ').unwrap_or((text, ""));
            let weight: Vec<usize> = weight.split('x').map(|n| n.parse().unwrap()).collect();
            let more: &[&str] = match rest {
                "" => &[],
                "b" => &["bias"],
                "bn" => &["bias", "running_mean", "running_var"],
                other => panic!("{path}: {other}"),
            };
            for name in more {
                all.insert(format!("{path}.{name}"), weight[..1].to_vec());
            }
            all.insert(format!("{path}.weight"), weight);
        }
        all
    }
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixtures/torchvision.json")).unwrap()
}

#[test]
fn the_same_networks_are_here_and_there() {
    let fixture = fixture();
    let here = entries().filter(|entry| entry.in_torchvision);
    let mut here: Vec<&str> = here.map(|entry| entry.name).collect();
    here.sort_unstable();
    let there: Vec<&str> = fixture.networks.keys().map(String::as_str).collect();
    assert_eq!(here, there, "torchvision {}", fixture.torchvision);
}

#[test]
fn paths_and_shapes_are_those_of_torchvisions_state_dict() {
    for (name, published) in &fixture().networks {
        let net = get(name).unwrap().build(Options::new().blank()).unwrap();
        let (parameters, buffers) = (net.parameters(), net.buffers());
        let ours: BTreeMap<String, Vec<usize>> = parameters
            .into_iter()
            .chain(buffers)
            .map(|(path, tensor)| (path, tensor.shape().to_vec()))
            .collect();
        let theirs = published.tensors();
        for (path, shape) in &theirs {
            assert_eq!(ours.get(path), Some(shape), "{name}: {path}");
        }
        let added: Vec<_> = ours
            .keys()
            .filter(|path| !theirs.contains_key(*path))
            .collect();
        assert!(added.is_empty(), "{name}: {added:?}");
    }
}

#[test]
fn costs_are_those_torchvision_publishes() {
    for (name, published) in &fixture().networks {
        let entry = get(name).unwrap();
        assert_eq!(entry.parameters, published.parameters, "{name}");
        let found = entry.multiply_adds as f64 / 1e9;
        // Given to three decimals.
        assert!(
            (found - published.gmac).abs() < 0.0006,
            "{name}: {found} against {}",
            published.gmac
        );
    }
}
