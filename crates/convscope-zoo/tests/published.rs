//! What others have printed, against what is counted here.

use convscope_zoo::{HUMAN_TOP5_ERROR, Options, PUBLISHED, Quantity, WINNERS, get};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Parameters and multiply-adds of the networks that somebody has printed a figure of.
static COUNTED: LazyLock<BTreeMap<&str, [f64; 2]>> = LazyLock::new(|| {
    let names: BTreeSet<&str> = PUBLISHED.iter().map(|figure| figure.name).collect();
    let count = |name: &'static str| {
        let net = get(name).unwrap().build(Options::new().blank()).unwrap();
        let multiply_adds = net.summary().multiply_adds() as f64;
        (name, [net.parameter_count() as f64, multiply_adds])
    };
    names.into_iter().map(count).collect()
});

fn counted(name: &str, quantity: Quantity) -> f64 {
    let [parameters, multiply_adds] = COUNTED[name];
    match quantity {
        Quantity::Parameters => parameters,
        Quantity::MultiplyAdds => multiply_adds,
        Quantity::Bytes => 4.0 * parameters,
        other => panic!("{other}"),
    }
}

#[test]
fn a_count_is_the_printed_one_or_a_note_says_why_not() {
    for figure in PUBLISHED {
        let counted = counted(figure.name, figure.quantity);
        assert_eq!(
            figure.agrees(counted),
            figure.note.is_empty(),
            "{} {}: {counted} against {}",
            figure.name,
            figure.quantity,
            figure.value
        );
    }
}

#[test]
fn what_a_note_says_is_so() {
    let paper = |name: &str, quantity| {
        let mut all = PUBLISHED.iter();
        let figure = all.find(|f| f.name == name && f.quantity == quantity);
        *figure.unwrap()
    };
    let lenet = paper("lenet5", Quantity::Parameters);
    let here = counted("lenet5", Quantity::Parameters);
    assert_eq!(lenet.value, here - 900.0 - 850.0 + 44.0);
    let dense = 512.0 * 49.0 * 4096.0 + 4096.0 * 4096.0 + 4096.0 * 1000.0;
    let convolutions = counted("vgg_d", Quantity::MultiplyAdds) - dense;
    assert!(paper("vgg_d", Quantity::MultiplyAdds).agrees(convolutions));
    let inception = paper("inception_v3", Quantity::Parameters);
    assert!(counted("inception_v3", Quantity::Parameters) < inception.value);
}

#[test]
fn the_lectures_networks_have_a_printed_figure() {
    let named: BTreeSet<&str> = PUBLISHED.iter().map(|f| f.name).collect();
    for name in [
        "lenet5",
        "alexnet",
        "alexnet_two_towers",
        "alexnet_one_tower",
        "nin",
        "nin_cifar10",
        "vgg_a",
        "vgg_a_lrn",
        "vgg_b",
        "vgg_c",
        "vgg_d",
        "vgg_e",
        "googlenet",
        "googlenet_2014",
        "inception_v3",
        "resnet18",
        "resnet34",
        "resnet50",
        "resnet101",
        "resnet152",
        "resnet20",
        "resnet56",
        "densenet121",
        "squeezenet1_0",
        "squeezenet1_1",
    ] {
        assert!(named.contains(name), "{name}");
    }
    for figure in PUBLISHED {
        assert!(
            figure.digit > 0.0 && !figure.source.is_empty(),
            "{}",
            figure.name
        );
    }
}

#[test]
fn errors_fall_from_year_to_year_and_the_lecture_is_near() {
    for pair in WINNERS.windows(2) {
        assert_eq!(pair[0].year + 1, pair[1].year);
        assert!(pair[0].top5_error > pair[1].top5_error);
    }
    for winner in WINNERS {
        assert!(
            (winner.top5_error - winner.lecture).abs() < 1.5,
            "{}",
            winner.year
        );
    }
    assert!(WINNERS[5].top5_error < HUMAN_TOP5_ERROR);
    assert!(WINNERS[4].top5_error > HUMAN_TOP5_ERROR);
}
