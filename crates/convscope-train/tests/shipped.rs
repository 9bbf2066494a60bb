//! The weights in `data/weights`: whole, as their recipes say, and good.

use convscope_data::repository;
use convscope_nn::evaluate;
use convscope_train::{Set, check, find, is_here, prepared, raw, recipes};
use convscope_zoo::{get, shipped};
use std::fs;

#[test]
fn a_name_that_is_none_is_answered_with_the_nearest() {
    for (name, nearest) in [
        ("resnet65", "resnet56"),
        ("LeNet-5", "lenet5"),
        ("vgg", "vgg_cifar10"),
    ] {
        let error = find(name).unwrap_err().to_string();
        assert!(
            error.contains(&format!("did you mean {nearest}?")),
            "{error}"
        );
    }
}

#[test]
fn every_recipe_is_of_an_architecture_of_the_zoo_that_takes_its_images() {
    for recipe in recipes() {
        let entry = get(recipe.name).unwrap();
        let preprocessing = (recipe.preprocessing)();
        assert_eq!(
            preprocessing.output_shape(),
            Some(entry.input),
            "{}",
            recipe.name
        );
        let most = match recipe.set.name() {
            "mnist" => 60_000,
            _ => 50_000,
        };
        for images in [Some(recipe.images), recipe.full.map(|f| f.0)]
            .into_iter()
            .flatten()
        {
            assert!(images + recipe.validation <= most, "{}", recipe.name);
        }
    }
}

#[test]
fn the_nets_of_notebook_08_differ_in_depth_and_shortcuts_alone() {
    let [a, rest @ ..] = ["plain20", "plain56", "resnet20", "resnet56"].map(|n| find(n).unwrap());
    for b in rest {
        assert_eq!(a.settings(), b.settings(), "{}", b.name);
        assert_eq!(
            (a.images, a.validation, a.set),
            (b.images, b.validation, b.set)
        );
    }
}

#[test]
fn what_is_shipped_came_about_by_its_recipe_as_it_stands() {
    let cards = shipped::cards().unwrap();
    let names: Vec<&str> = cards.iter().map(|c| c.name.as_str()).collect();
    let mut wanted: Vec<&str> = recipes().iter().map(|r| r.name).collect();
    wanted.sort_unstable();
    assert_eq!(names, wanted);
    for card in cards {
        let recipe = find(&card.name).unwrap();
        let name = &card.name;
        assert_eq!(card.settings, recipe.settings(), "{name}");
        assert_eq!(card.preprocessing, (recipe.preprocessing)(), "{name}");
        assert_eq!(
            (card.data.train, card.data.validation),
            (recipe.images, recipe.validation)
        );
        assert_eq!(card.history.len(), recipe.epochs, "{name}");
        assert_eq!(card.command, format!("cargo course train {name}"));
        assert!(card.seconds > 0.0, "{name}");
    }
}

#[test]
fn all_files_together_have_less_than_ten_megabytes() {
    let files = fs::read_dir(shipped::folder().unwrap()).unwrap().flatten();
    let bytes: u64 = files
        .map(|file| file.metadata().unwrap())
        .filter(|m| m.is_file())
        .map(|m| m.len())
        .sum();
    assert!(bytes < 10_000_000, "{bytes}");
}

#[test]
fn depth_hurts_the_plain_net_and_not_the_residual_one() {
    let figures = |name| shipped::get(name).unwrap().card;
    let [plain20, plain56, resnet20, resnet56] =
        ["plain20", "plain56", "resnet20", "resnet56"].map(figures);
    // In training, not only on new images: it is no overfitting. By loss and by error, as they were
    // met on the way and as they are at the end.
    for (worse, better) in [(&plain56, &plain20), (&plain56, &resnet56)] {
        let (a, b) = (
            worse.history.last().unwrap(),
            better.history.last().unwrap(),
        );
        assert!(
            a.train_loss > b.train_loss + 0.1,
            "{} {}",
            worse.name,
            better.name
        );
        assert!(
            a.train_accuracy < b.train_accuracy - 0.03,
            "{} {}",
            worse.name,
            better.name
        );
        assert!(worse.figures.train_loss > better.figures.train_loss + 0.1);
        assert!(worse.figures.test_accuracy < better.figures.test_accuracy - 0.03);
    }
    let (deep, shallow) = (resnet56.figures, resnet20.figures);
    assert!(
        deep.train_loss < shallow.train_loss + 0.05,
        "{deep:?} {shallow:?}"
    );
}

/// With the images at hand, 200 of them are classified too.
#[test]
fn the_weights_are_finite_and_classify() {
    let some = [Set::Mnist, Set::Cifar10].map(|set| {
        let here = is_here(set).then(|| raw(set).unwrap().1.take(200).unwrap());
        if here.is_none() {
            println!("nothing is classified: {} is not here", set.name());
        }
        (set, here)
    });
    for name in shipped::names().unwrap() {
        let found = shipped::get(&name).unwrap();
        let net = &found.network;
        for (path, tensor) in net.parameters().into_iter().chain(net.buffers()) {
            assert!(tensor.iter().all(|v| v.is_finite()), "{name}: {path}");
        }
        let recipe = find(&name).unwrap();
        let Some((_, Some(test))) = some.iter().find(|(set, _)| *set == recipe.set) else {
            continue;
        };
        let test = prepared(test, &found.card.preprocessing).unwrap();
        let accuracy = evaluate(net, &test).unwrap().accuracy;
        // Four standard errors, and what another compression of the images may cost.
        let said = found.card.figures.test_accuracy;
        let error = (said * (1.0 - said) / 200.0).sqrt();
        assert!(
            accuracy > said - 4.0 * error - 0.05,
            "{name}: {accuracy} for {said}"
        );
    }
}

/// `cargo test -p convscope-train --test shipped -- --ignored`, or `cargo course train --check`
#[test]
#[ignore = "minutes: all test images through all networks"]
fn the_weights_are_as_good_as_their_cards_say() {
    let folder = shipped::folder().unwrap();
    for name in shipped::names().unwrap() {
        let checked = check(&folder, &name).unwrap();
        assert!(checked.holds(), "{checked}");
    }
}

#[test]
fn the_table_in_the_docs_is_that_of_the_cards() {
    let page = repository().unwrap().join("docs/weights.md");
    let page = fs::read_to_string(page).unwrap();
    for card in shipped::cards().unwrap() {
        let file = shipped::folder()
            .unwrap()
            .join(format!("{}.safetensors", card.name));
        let bytes = fs::metadata(file).unwrap().len();
        let last = card.history.last().unwrap();
        let row = format!(
            "| `{}` | {} | {} x {} | {:.3} | {:.4} | {:.4} | {:.0} kB |",
            card.name,
            card.data.set,
            card.data.train,
            card.settings.epochs,
            last.train_loss,
            last.train_accuracy,
            card.figures.test_accuracy,
            bytes as f64 / 1e3,
        );
        assert!(page.contains(&row), "docs/weights.md lacks the row\n{row}");
    }
}
