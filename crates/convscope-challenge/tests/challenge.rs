//! Handing in: what is within the rules is scored, and everything else is refused with a reason,
//! whatever the files hold.

use convscope_challenge::{Board, Budget, ChallengeError, Host, Recipe, Submission, Task};
use convscope_nn::Network;
use convscope_search::{Design, Piece};
use std::fs;
use std::path::{Path, PathBuf};

/// The task with few images, so that scoring takes no time.
fn task() -> Task {
    Task {
        train: 60,
        valid: 20,
        hidden: 64,
        ..Task::default()
    }
}

fn design() -> Design {
    Design::new(task().input(), 8)
        .then(Piece::Conv {
            filters: 8,
            kernel: 3,
            stride: 2,
            batch_norm: true,
        })
        .then(Piece::MaxPool { window: 4 })
        .then(Piece::GlobalAvgPool)
}

fn recipe(author: &str) -> Recipe {
    Recipe {
        name: "little".to_owned(),
        author: author.to_owned(),
        design: design(),
        mean: vec![0.5; 3],
        std: vec![0.25; 3],
        training: "not at all: weights as they were drawn".to_owned(),
        seconds: 0.0,
    }
}

/// A submission in a folder; the path of its weights.
fn handed_in(folder: &Path, recipe: &Recipe, seed: u64) -> PathBuf {
    let path = folder.join(format!("{}-{seed}.safetensors", recipe.author));
    let net: Network = recipe.design.build(seed).unwrap();
    Submission::write(&path, &task(), recipe, &net).unwrap();
    path
}

#[test]
fn a_submission_comes_back_as_it_went_and_is_scored() {
    let folder = tempfile::tempdir().unwrap();
    let path = handed_in(folder.path(), &recipe("ada"), 3);
    let back = Submission::read(&path, &task()).unwrap();
    assert_eq!(back.recipe, recipe("ada"));
    let net = design().build(3).unwrap();
    for ((name, a), (_, b)) in net.parameters().into_iter().zip(back.network.parameters()) {
        assert_eq!(a, b, "{name}");
    }
    let host = Host::new(folder.path().join("host"), task()).unwrap();
    let entry = host.submit(&path).unwrap();
    assert_eq!(entry.shown, 64);
    assert!(entry.right < 64);
    let [low, high] = entry.interval();
    assert!(0.0 <= low && low <= entry.accuracy() && entry.accuracy() <= high && high <= 1.0);
    assert_eq!(host.board().unwrap().entries, [entry]);
    // The very files again.
    let again = host.submit(&path).unwrap_err().to_string();
    assert!(
        again.contains("already") && again.contains("ada"),
        "{again}"
    );
    assert_eq!(host.board().unwrap().entries.len(), 1);
}

#[test]
fn the_score_is_the_share_of_hidden_images_that_the_network_names() {
    // A network whose last bias names one class whatever it sees: its score is that class's share.
    let folder = tempfile::tempdir().unwrap();
    let host = Host::new(folder.path().join("host"), task()).unwrap();
    let mut right = 0;
    for class in 0..8 {
        let mut net = design().build(1).unwrap();
        let mut bias = net.parameter("classifier.bias").unwrap().clone();
        bias[[class]] = 1e6;
        net.set_parameter("classifier.bias", bias).unwrap();
        let path = folder.path().join(format!("{class}.safetensors"));
        Submission::write(&path, &task(), &recipe(&format!("always {class}")), &net).unwrap();
        right += host.submit(&path).unwrap().right;
    }
    assert_eq!(right, 64, "every hidden image is of one class");
}

#[test]
fn the_hidden_images_belong_to_the_host_and_are_not_the_public_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = handed_in(folder.path(), &recipe("ada"), 3);
    let host = |name: &str| Host::new(folder.path().join(name), task()).unwrap();
    let first = host("one").submit(&path).unwrap();
    let second = host("two").submit(&path).unwrap();
    assert_ne!(first.images, second.images, "another host, other images");
    // The same host keeps its own.
    let other = handed_in(folder.path(), &recipe("ben"), 4);
    assert_eq!(host("one").submit(other).unwrap().images, first.images);
    // Nothing that is shown gives the secret away.
    let secret = fs::read(folder.path().join("one/secret")).unwrap();
    assert_eq!(secret.len(), 32);
    let page = fs::read_to_string(host("one").page()).unwrap();
    let hex: String = secret.iter().map(|b| format!("{b:02x}")).collect();
    assert!(!page.contains(&hex) && !first.images.contains(&hex[..8]));
    fs::write(folder.path().join("one/secret"), "short").unwrap();
    let broken = handed_in(folder.path(), &recipe("cy"), 5);
    let error = host("one").submit(broken).unwrap_err().to_string();
    assert!(error.contains("32 bytes, got 5"), "{error}");
}

#[test]
fn what_is_over_the_budget_is_refused_and_says_by_how_much() {
    let folder = tempfile::tempdir().unwrap();
    let wide = |units: usize| Recipe {
        design: Design::new(task().input(), 8).then(Piece::Linear { units }),
        ..recipe("ada")
    };
    let net = |r: &Recipe| r.design.build(1).unwrap();
    let path = folder.path().join("a.safetensors");
    let refused = |r: &Recipe| Submission::write(&path, &task(), r, &net(r)).unwrap_err();
    match refused(&wide(64)) {
        ChallengeError::Budget { what, most, got } => {
            assert_eq!((what, most), ("parameters", 100_000));
            assert_eq!(got, 3 * 32 * 32 * 64 + 64 + 64 * 8 + 8);
        }
        other => panic!("{other}"),
    }
    let deep = (0..12).fold(Design::new(task().input(), 8), |design, _| {
        design.then(Piece::Conv {
            filters: 24,
            kernel: 3,
            stride: 1,
            batch_norm: false,
        })
    });
    let deep = Recipe {
        design: deep.then(Piece::GlobalAvgPool),
        ..recipe("ada")
    };
    let words = refused(&deep).to_string();
    assert!(
        words.contains("multiply-adds an image") && words.contains("10000000"),
        "{words}"
    );
    let slow = Recipe {
        seconds: 600.5,
        ..recipe("ada")
    };
    assert!(
        refused(&slow)
            .to_string()
            .contains("at most 600, this network has 601")
    );
    // A budget of one's own.
    let tight = Task {
        budget: Budget {
            parameters: 10,
            ..task().budget
        },
        ..task()
    };
    let error = Submission::write(&path, &tight, &recipe("ada"), &net(&recipe("ada")));
    assert!(error.is_err());
    assert!(!path.exists(), "nothing was written");
}

#[test]
fn recipes_that_break_a_rule_are_refused() {
    let net = design().build(1).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let base = || recipe("ada");
    for (recipe, words) in [
        (
            Recipe {
                name: " ".to_owned(),
                ..base()
            },
            "1 to 60 letters",
        ),
        (
            Recipe {
                author: "x".repeat(61),
                ..base()
            },
            "got 61",
        ),
        (
            Recipe {
                author: "a\nb".to_owned(),
                ..base()
            },
            "one line",
        ),
        (
            Recipe {
                training: String::new(),
                ..base()
            },
            "the training",
        ),
        (
            Recipe {
                mean: vec![0.0; 2],
                ..base()
            },
            "3 numbers each",
        ),
        (
            Recipe {
                std: vec![1.0, 0.0, 1.0],
                ..base()
            },
            "more than 0",
        ),
        (
            Recipe {
                mean: vec![f32::NAN; 3],
                ..base()
            },
            "finite",
        ),
        (
            Recipe {
                seconds: -1.0,
                ..base()
            },
            "at least 0",
        ),
        (
            Recipe {
                design: Design {
                    classes: 10,
                    ..design()
                },
                ..base()
            },
            "8 classes",
        ),
        (
            Recipe {
                design: Design {
                    input: [1, 32, 32],
                    ..design()
                },
                ..base()
            },
            "[3, 32, 32]",
        ),
        (
            Recipe {
                design: design().then(Piece::MaxPool { window: 2 }),
                ..base()
            },
            "needs an image",
        ),
    ] {
        let error = Submission::write(&path, &task(), &recipe, &net)
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
    let other = Recipe {
        design: design().then(Piece::Linear { units: 3 }),
        ..base()
    };
    let error = Submission::write(&path, &task(), &other, &net)
        .unwrap_err()
        .to_string();
    assert!(error.contains("not those of the design"), "{error}");
}

#[test]
fn files_that_are_no_submission_are_refused_and_nothing_is_entered() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::new(folder.path().join("host"), task()).unwrap();
    let good = handed_in(folder.path(), &recipe("ada"), 3);
    let json = good.with_extension("json");
    let (weights, text) = (fs::read(&good).unwrap(), fs::read_to_string(&json).unwrap());
    let try_with = |weights: Option<&[u8]>, text: Option<&str>| {
        let path = folder.path().join("try.safetensors");
        for (path, bytes) in [
            (path.clone(), weights),
            (path.with_extension("json"), text.map(str::as_bytes)),
        ] {
            let _ = fs::remove_file(&path);
            if let Some(bytes) = bytes {
                fs::write(path, bytes).unwrap();
            }
        }
        host.submit(&path).unwrap_err().to_string()
    };
    let (w, t) = (Some(&weights[..]), Some(&text[..]));
    assert!(try_with(w, None).contains("try.json"));
    assert!(try_with(None, t).contains("try.safetensors"));
    assert!(try_with(w, Some("{}")).contains("no recipe"));
    assert!(try_with(w, Some("#!/bin/sh\nrm -rf /")).contains("no recipe"));
    let surplus = text.replacen('{', "{\"run\": \"x\", ", 1);
    assert!(try_with(w, Some(&surplus)).contains("unknown field `run`"));
    let long = text.replace("not at all", &"a".repeat(70_000));
    assert!(try_with(w, Some(&long)).contains("at most 65536 bytes"));
    assert!(try_with(Some(b""), t).contains("try.safetensors"));
    assert!(try_with(Some(&weights[..weights.len() - 4]), t).contains("try.safetensors"));
    assert!(try_with(Some(&vec![0; 2_000_000]), t).contains("at most 865536 bytes"));
    // Another format under this name.
    let npz = folder.path().join("x.npz");
    let mut arrays = convscope_weights::Weights::new();
    for (name, tensor) in design().build(1).unwrap().parameters() {
        arrays.insert(name, tensor.clone()).unwrap();
    }
    arrays.write_npz(&npz).unwrap();
    assert!(try_with(Some(&fs::read(&npz).unwrap()), t).contains("no file of safetensors"));
    // A number that is none.
    let mut net = design().build(1).unwrap();
    let mut bias = net.parameter("classifier.bias").unwrap().clone();
    bias[[2]] = f32::NAN;
    let path = folder.path().join("nan.safetensors");
    let mut arrays = convscope_weights::Weights::new();
    net.set_parameter("classifier.bias", bias.clone()).ok();
    for (name, tensor) in net.parameters().into_iter().chain(net.buffers()) {
        let value = if name == "classifier.bias" {
            bias.clone()
        } else {
            tensor.clone()
        };
        arrays.insert(name, value).unwrap();
    }
    arrays.write_safetensors(&path).unwrap();
    let nan = try_with(Some(&fs::read(&path).unwrap()), t);
    assert!(
        nan.contains("classifier.bias") && nan.contains("NaN"),
        "{nan}"
    );
    // Files that are none.
    let elsewhere = host
        .submit(folder.path().join("net.pth"))
        .unwrap_err()
        .to_string();
    assert!(
        elsewhere.contains(".safetensors") && elsewhere.contains(".json"),
        "{elsewhere}"
    );
    let hollow = folder.path().join("hollow.safetensors");
    fs::create_dir(&hollow).unwrap();
    fs::write(hollow.with_extension("json"), &text).unwrap();
    assert!(
        host.submit(&hollow)
            .unwrap_err()
            .to_string()
            .contains("not a plain file")
    );
    assert!(host.board().unwrap().entries.is_empty());
}

#[test]
fn changed_bytes_never_panic_and_never_enter_another_network() {
    let folder = tempfile::tempdir().unwrap();
    let good = handed_in(folder.path(), &recipe("ada"), 3);
    let (weights, text) = (
        fs::read(&good).unwrap(),
        fs::read(good.with_extension("json")).unwrap(),
    );
    let path = folder.path().join("changed.safetensors");
    let mut random = 12345_u64;
    let mut below = |n: usize| {
        random = random
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (random >> 33) as usize % n
    };
    let mut refused = 0;
    for turn in 0..600 {
        let (mut w, mut t) = (weights.clone(), text.clone());
        let target = if turn % 2 == 0 { &mut t } else { &mut w };
        // The head of the weights' file holds the structure.
        let reach = target.len().min(900);
        for _ in 0..=below(3) {
            let at = below(reach);
            target[at] = below(256) as u8;
        }
        fs::write(&path, w).unwrap();
        fs::write(path.with_extension("json"), t).unwrap();
        match Submission::read(&path, &task()) {
            Ok(found) => assert!(found.recipe.design.cost().unwrap().parameters <= 100_000),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 300, "{refused} of 600 were refused");
}

#[test]
fn the_leaderboard_shows_each_authors_best_and_takes_no_word_for_a_tag() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::new(folder.path().join("host"), task()).unwrap();
    assert!(host.board().unwrap().to_string().contains("nobody"));
    assert!(
        fs::read_to_string(host.write_page().unwrap())
            .unwrap()
            .contains("Nobody")
    );
    for seed in 0..3 {
        host.submit(handed_in(folder.path(), &recipe("ada"), seed))
            .unwrap();
    }
    let sly = Recipe {
        name: "<script>alert(1)</script>".to_owned(),
        training: "\"><img src=x>".to_owned(),
        ..recipe("ben")
    };
    host.submit(handed_in(folder.path(), &sly, 9)).unwrap();
    let board = host.board().unwrap();
    let ranking = board.ranking();
    assert_eq!(ranking.len(), 2);
    let (ada, tries) = ranking.iter().find(|(e, _)| e.author == "ada").unwrap();
    assert_eq!(*tries, 3);
    let of_ada = board.entries.iter().filter(|e| e.author == "ada");
    assert_eq!(ada.right, of_ada.map(|e| e.right).max().unwrap());
    assert!(ranking[0].0.accuracy() >= ranking[1].0.accuracy());
    let page = fs::read_to_string(host.page()).unwrap();
    assert!(
        !page.contains("<script>") && !page.contains("<img"),
        "{page}"
    );
    assert!(page.contains("&lt;script&gt;"));
    assert!(!page.contains("http"), "nothing comes from elsewhere");
    // A board that was damaged is not written over.
    let file = folder.path().join("host/leaderboard.json");
    fs::write(&file, "{").unwrap();
    let error = host
        .submit(handed_in(folder.path(), &recipe("cy"), 1))
        .unwrap_err()
        .to_string();
    assert!(error.contains("no leaderboard"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "{");
    assert!(Board::read(&file).is_err());
}

#[test]
fn a_task_says_what_it_asks_for() {
    let words = Task::default().to_string();
    for part in [
        "8 classes",
        "disc",
        "4000",
        "2000 images never seen",
        "100000 parameters",
        "10 million",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    let (train, valid) = task().public().unwrap();
    assert_eq!((train.len(), valid.len()), (60, 20));
    assert_eq!(train.image_shape(), task().input());
}
