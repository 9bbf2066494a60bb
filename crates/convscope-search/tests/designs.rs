//! Designs: what they cost on paper is what they cost, and what is no network is refused.

use convscope_nn::Tensor;
use convscope_search::{Design, Method, Piece, Score, Search, Space};

fn conv(filters: usize, kernel: usize, stride: usize, batch_norm: bool) -> Piece {
    Piece::Conv {
        filters,
        kernel,
        stride,
        batch_norm,
    }
}

/// Designs that hold every piece in more than one place.
fn designs() -> Vec<Design> {
    let pieces = [
        conv(6, 5, 1, false),
        conv(8, 3, 2, true),
        Piece::Residual {
            filters: 8,
            kernel: 3,
        },
        Piece::Residual {
            filters: 16,
            kernel: 5,
        },
        Piece::Separable {
            filters: 10,
            kernel: 3,
        },
        Piece::Fire { filters: 24 },
        Piece::MaxPool { window: 2 },
        Piece::AvgPool { window: 2 },
        Piece::Dropout { rate: 0.25 },
    ];
    let mut all = Vec::new();
    for input in [[3, 32, 32], [1, 28, 28], [3, 17, 23]] {
        for ends in 0..3 {
            let mut design = Design::new(input, 7);
            for piece in pieces {
                design = design.then(piece);
            }
            design = match ends {
                0 => design
                    .then(Piece::GlobalAvgPool)
                    .then(Piece::Linear { units: 9 }),
                1 => design
                    .then(Piece::Linear { units: 20 })
                    .then(Piece::Dropout { rate: 0.5 })
                    .then(Piece::Linear { units: 5 }),
                _ => design,
            };
            all.push(design);
        }
    }
    all
}

#[test]
fn what_a_design_costs_on_paper_is_what_its_network_costs() {
    for design in designs() {
        let net = design.build(1).unwrap();
        let cost = design.cost().unwrap();
        assert_eq!(cost.parameters, net.parameter_count() as u64, "{design}");
        // The summary counts additions in sums and means too; convolutions and dense layers here.
        let rows = net.summary().rows;
        let products = rows
            .iter()
            .filter(|r| ["Conv2d", "Linear"].contains(&r.kind));
        let multiply_adds: u64 = products.map(|r| r.multiply_adds).sum();
        assert_eq!(cost.multiply_adds, multiply_adds, "{design}");
        let [c, h, w] = design.input;
        let y = net.forward(&Tensor::zeros(vec![2, c, h, w])).unwrap();
        assert_eq!(y.shape(), [2, 7]);
    }
}

#[test]
fn a_design_goes_to_json_and_back() {
    for design in designs() {
        assert_eq!(Design::from_json(&design.to_json()).unwrap(), design);
    }
    let text = r#"{"input": [3, 8, 8], "classes": 2, "pieces": [{"conv": {"filters": 4, "kernel": 3}}, "global_avg_pool"]}"#;
    let short = Design::from_json(text).unwrap();
    assert_eq!(short.pieces[0], conv(4, 3, 1, false));
    for (text, words) in [
        ("", "EOF"),
        ("[]", "the design"),
        (r#"{"input": [3, 8, 8], "classes": 2}"#, "pieces"),
        (
            r#"{"input": [3, 8, 8], "classes": 2, "pieces": ["shell"]}"#,
            "shell",
        ),
        (
            r#"{"input": [3, 8], "classes": 2, "pieces": []}"#,
            "array of length 3",
        ),
        (r#"{"input": [3, 8, 8], "classes": -2, "pieces": []}"#, "-2"),
        (
            r#"{"input": [3, 8, 8], "classes": 2, "pieces": [{"conv": {"filters": 4, "kernel": 3, "run": "x"}}]}"#,
            "run",
        ),
    ] {
        let error = Design::from_json(text).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn what_is_no_network_is_refused_before_anything_is_built() {
    let base = || Design::new([3, 16, 16], 4);
    let wide = Piece::Linear { units: 8192 };
    for (design, words) in [
        (base().then(conv(0, 3, 1, false)), ["piece 1", "1 to 8192"]),
        (base().then(conv(4, 4, 1, false)), ["odd", "4"]),
        (base().then(conv(4, 17, 1, false)), ["kernel", "15"]),
        (base().then(conv(4, 3, 0, false)), ["stride", "0"]),
        (
            base().then(Piece::Fire { filters: 12 }),
            ["multiple of 8", "12"],
        ),
        (base().then(Piece::MaxPool { window: 17 }), ["17", "16x16"]),
        (base().then(Piece::AvgPool { window: 0 }), ["window", "0"]),
        (
            base().then(Piece::Dropout { rate: 1.0 }),
            ["rate", "less than 1"],
        ),
        (
            base().then(Piece::Dropout { rate: f64::NAN }),
            ["rate", "NaN"],
        ),
        (
            base().then(Piece::GlobalAvgPool).then(Piece::GlobalAvgPool),
            ["piece 2", "needs an image"],
        ),
        (
            base()
                .then(Piece::Linear { units: 3 })
                .then(conv(4, 3, 1, false)),
            ["piece 2 (conv 4 3x3)", "3 numbers in a row"],
        ),
        (
            (0..6).fold(base(), |design, _| design.then(wide)),
            ["parameters up to here", "268435456"],
        ),
        (Design::new([3, 0, 8], 4), ["the height", "0"]),
        (Design::new([3, 8, 8], 0), ["classes", "0"]),
        (
            (0..300).fold(base(), |design, _| {
                design.then(Piece::Dropout { rate: 0.1 })
            }),
            ["pieces", "300"],
        ),
    ] {
        let error = design.build(1).unwrap_err().to_string();
        assert!(words.iter().all(|w| error.contains(w)), "{design}: {error}");
    }
}

#[test]
fn every_design_of_the_small_space_is_a_network() {
    for input in [[3, 32, 32], [1, 28, 28], [3, 9, 9]] {
        let space = Space::small(input, 8);
        space.check().unwrap();
        let options: Vec<usize> = space.choices().iter().map(|c| c.options.len()).collect();
        assert_eq!(space.size(), options.iter().product::<usize>() as f64);
        // A walk through all options of all genes.
        for step in 0..40 {
            let genes: Vec<usize> = options
                .iter()
                .enumerate()
                .map(|(i, n)| (step / (i + 1)) % n)
                .collect();
            let design = space.design(&genes).unwrap();
            assert_eq!(design.build(1).unwrap().output_shape(), [8], "{design}");
        }
    }
    let space = Space::small([3, 32, 32], 8);
    assert!(
        space
            .design(&[0; 3])
            .unwrap_err()
            .to_string()
            .contains("15 genes, got 3")
    );
    let error = space.design(&[9; 15]).unwrap_err().to_string();
    assert!(
        error.contains("stage 1: kind") && error.contains("less than 4"),
        "{error}"
    );
}

#[test]
fn a_space_or_a_method_that_makes_no_sense_is_refused() {
    let run = |space: Space, method: Method| {
        let search = Search::new(space, method).trials(1);
        search
            .run(|_, _| Ok(Score { accuracy: 0.5 }))
            .unwrap_err()
            .to_string()
    };
    let space = || Space::small([3, 16, 16], 4);
    let none = Space {
        filters: vec![],
        ..space()
    };
    assert!(run(none, Method::Random).contains("stage 1: filters"));
    let deep = Space {
        stages: 9,
        ..space()
    };
    assert!(run(deep, Method::Random).contains("does not fit"));
    let shallow = Space {
        stages: 0,
        ..space()
    };
    assert!(run(shallow, Method::Random).contains("at least one stage"));
    let even = Space {
        kernels: vec![3, 4],
        ..space()
    };
    assert!(run(even, Method::Random).contains("odd"));
    let none = Method::Evolution {
        population: 3,
        sample: 4,
    };
    assert!(run(space(), none).contains("got 3 and 4"));
    let still = Method::Reinforce {
        batch: 0,
        learning_rate: 0.1,
        entropy: 0.0,
    };
    assert!(run(space(), still).contains("batch of at least 1"));
}
