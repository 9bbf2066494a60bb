//! `--layer` and `--pool`.

use crate::aim::node;
use anyhow::Result;
use convscope_nn::{INPUT, Network};
use convscope_transfer::{Pooling, Tap};

/// `avg`, `max`, `flat`, `2x2`.
pub fn pooling(text: &str) -> Result<Pooling, String> {
    let grid = || {
        let (rows, columns) = text.split_once('x')?;
        let n = rows.parse().ok().filter(|&n: &usize| n > 0)?;
        (rows == columns).then_some(Pooling::AverageGrid(n))
    };
    match text {
        "avg" => Ok(Pooling::GlobalAverage),
        "max" => Ok(Pooling::GlobalMax),
        "flat" => Ok(Pooling::Flatten),
        _ => grid().ok_or_else(|| {
            format!("expected avg, max, flat, or a square grid like 2x2, got \"{text}\"")
        }),
    }
}

/// `NODE`, or `NODE:POOLING` if there is no node of the whole name.
pub fn tap(network: &Network, words: &str, usual: Pooling) -> Result<Tap> {
    let there = |name: &str| name == INPUT || node(network, name).is_ok();
    if !there(words)
        && let Some((name, after)) = words.rsplit_once(':')
        && let Ok(own) = pooling(after)
    {
        check(network, name)?;
        return Ok(Tap::new(name).pooling(own));
    }
    check(network, words)?;
    Ok(Tap::new(words).pooling(usual))
}

/// The nearest names where there is no such node.
fn check(network: &Network, name: &str) -> Result<()> {
    match name == INPUT {
        true => Ok(()),
        false => node(network, name).map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_nn::{Conv2d, Relu};

    #[test]
    fn poolings_have_short_names() {
        assert_eq!(pooling("avg"), Ok(Pooling::GlobalAverage));
        assert_eq!(pooling("3x3"), Ok(Pooling::AverageGrid(3)));
        for wrong in ["", "mean", "0x0", "2x3", "x", "3"] {
            assert!(pooling(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_colon_parts_node_and_pooling_unless_it_belongs_to_the_name() {
        let net = Network::input([3, 8, 8])
            .add("conv:max", Conv2d::new(4, 3))
            .add("relu", Relu)
            .build(1)
            .unwrap();
        let one = |words| tap(&net, words, Pooling::Flatten);
        assert_eq!(one("conv:max").unwrap().key(), "conv:max:flat");
        assert_eq!(one("conv:max:avg").unwrap().key(), "conv:max");
        assert_eq!(one("relu:2x2").unwrap().key(), "relu:2x2");
        assert_eq!(one("input").unwrap().key(), "input:flat");
        for (wrong, words) in [("relo:max", "\"relu\""), ("relu:mean", "\"relu:mean\"")] {
            let error = one(wrong).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
