//! Every loss: against PyTorch, against central differences, and on bad input.
//!
//! The fixture is made by `fixtures/make_losses.py`; each row of the table has the settings of the
//! case of the same name there.

use convscope_nn::loss::{Loss, Target};
use convscope_nn::*;
use serde_json::Value;

type Case<'a, F> = (&'static str, Box<dyn Loss<F>>, Target<'a, F>);

struct Fixture<F: Real> {
    json: Value,
    shape: Vec<usize>,
    labels: Vec<usize>,
    output: Tensor<F>,
    values: Tensor<F>,
    unit: Tensor<F>,
    rows: Tensor<F>,
}

fn numbers(json: &Value) -> Vec<f64> {
    let array = json.as_array().unwrap();
    array.iter().map(|v| v.as_f64().unwrap()).collect()
}

impl<F: Real> Fixture<F> {
    fn load() -> Fixture<F> {
        let json: Value = serde_json::from_str(include_str!("fixtures/losses.json")).unwrap();
        let whole = |v: &Value| numbers(v).iter().map(|&n| n as usize).collect::<Vec<_>>();
        let shape = whole(&json["shape"]);
        let tensor = |name: &str| {
            let numbers = numbers(&json[name]).into_iter().map(F::of).collect();
            Tensor::from_shape_vec(shape.clone(), numbers).unwrap()
        };
        Fixture {
            labels: whole(&json["labels"]),
            output: tensor("output"),
            values: tensor("values"),
            unit: tensor("unit"),
            rows: tensor("rows"),
            shape,
            json,
        }
    }

    /// The cases of the fixture: name, loss, target.
    fn cases(&self) -> Vec<Case<'_, F>> {
        let labels = Target::Classes(&self.labels);
        let [values, unit, rows] = [&self.values, &self.unit, &self.rows].map(Target::Values);
        let plain = CrossEntropy::new;
        let weights = numbers(&self.json["weights"]);
        let weighted = plain().class_weights(weights);
        let both = weighted.clone().label_smoothing(0.2);
        vec![
            ("cross-entropy", Box::new(plain()), labels),
            (
                "cross-entropy, smooth",
                Box::new(plain().label_smoothing(0.1)),
                labels,
            ),
            ("cross-entropy, weighted", Box::new(weighted), labels),
            (
                "cross-entropy, smooth and weighted",
                Box::new(both.clone()),
                labels,
            ),
            ("cross-entropy of rows", Box::new(plain()), rows),
            (
                "cross-entropy of rows, smooth and weighted",
                Box::new(both),
                rows,
            ),
            ("mean squared error", Box::new(MeanSquaredError), values),
            ("mean absolute error", Box::new(MeanAbsoluteError), values),
            ("smooth L1", Box::new(SmoothL1::default()), values),
            (
                "smooth L1, beta 0.3",
                Box::new(SmoothL1 { beta: 0.3 }),
                values,
            ),
            ("binary cross-entropy", Box::new(BinaryCrossEntropy), unit),
            ("hinge", Box::new(Hinge::default()), labels),
            ("hinge, margin 0.4", Box::new(Hinge { margin: 0.4 }), labels),
        ]
    }
}

/// Values and gradients within `bar`, relative to the largest number of the gradient.
fn agrees_with_pytorch<F: Real>(bar: f64) {
    let fixture = Fixture::<F>::load();
    let cases = fixture.cases();
    let known = fixture.json["losses"].as_object().unwrap();
    assert_eq!(known.len(), cases.len(), "a row for every case");
    for (name, loss, target) in cases {
        let (value, gradient) = loss.value_and_gradient(&fixture.output, target).unwrap();
        let expected = &fixture.json["losses"][name];
        let (v, g) = (
            expected["value"].as_f64().unwrap(),
            numbers(&expected["gradient"]),
        );
        assert!((value / v - 1.0).abs() < bar, "{name}: {value} against {v}");
        assert_eq!(gradient.shape(), fixture.shape);
        let largest = g.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        for (a, b) in gradient.iter().zip(&g) {
            let error = (a.as_f64() - b).abs() / largest;
            assert!(error < bar, "{name}: {a} against {b}");
        }
    }
}

#[test]
fn values_and_gradients_are_pytorchs_in_both_precisions() {
    agrees_with_pytorch::<f64>(1e-12);
    agrees_with_pytorch::<f32>(1e-5);
}

#[test]
fn gradients_are_those_of_central_differences() {
    let fixture = Fixture::<f64>::load();
    for (name, loss, target) in fixture.cases() {
        let (_, gradient) = loss.value_and_gradient(&fixture.output, target).unwrap();
        for (i, &g) in gradient.indexed_iter() {
            let at = |d: f64| {
                let mut moved = fixture.output.clone();
                moved[&i] += d;
                loss.value_and_gradient(&moved, target).unwrap().0
            };
            let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
            let error = (g - numeric).abs() / (g.abs() + numeric.abs()).max(0.1);
            assert!(error < 1e-6, "{name} {i:?}: {g} against {numeric}");
        }
    }
}

#[test]
fn values_and_gradients_have_the_same_bits_for_any_number_of_threads_and_any_layout() {
    let n = 3_001; // several parts, the last one short
    let output = Tensor::from_shape_fn(vec![n, 10], |i| ((i[0] * 10 + i[1]) as f32).sin() * 3.0);
    let values = output.mapv(|z| (z * 0.7).cos().abs());
    let labels: Vec<usize> = (0..n).map(|i| i % 10).collect();
    // The same numbers, stored column by column.
    let columns = output.t().as_standard_layout().into_owned();
    let losses: [(Box<dyn Loss>, Target<'_>); 5] = [
        (CrossEntropy::new().into(), Target::Classes(&labels)),
        (
            CrossEntropy::new().label_smoothing(0.1).into(),
            Target::Classes(&labels),
        ),
        (MeanSquaredError.into(), Target::Values(&values)),
        (BinaryCrossEntropy.into(), Target::Values(&values)),
        (Hinge::default().into(), Target::Classes(&labels)),
    ];
    for (loss, target) in losses {
        let run = |threads: usize, output: &Tensor| {
            let pool = rayon(threads);
            pool.install(|| loss.value_and_gradient(output, target).unwrap())
        };
        let one = run(1, &output);
        for threads in [2, 3] {
            let more = run(threads, &output);
            assert_eq!(one.0.to_bits(), more.0.to_bits(), "{}", loss.name());
            assert_eq!(one.1, more.1, "{}", loss.name());
        }
        assert_eq!(run(1, &columns.t().to_owned()), one, "{}", loss.name());
    }
}

fn rayon(threads: usize) -> rayon::ThreadPool {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
    builder.build().unwrap()
}

#[test]
fn a_nan_in_the_output_reaches_the_loss_and_one_in_the_target_is_an_error() {
    let fixture = Fixture::<f64>::load();
    for (name, loss, target) in fixture.cases() {
        let mut output = fixture.output.clone();
        output[[1, 2]] = f64::NAN;
        let (value, _) = loss.value_and_gradient(&output, target).unwrap();
        assert!(value.is_nan(), "{name}: {value}");
        if let Target::Values(values) = target {
            let mut values = values.clone();
            values[[3, 1]] = f64::NAN;
            let error = loss
                .value_and_gradient(&fixture.output, Target::Values(&values))
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("NaN") && error.contains("[3, 1]"),
                "{name}: {error}"
            );
        }
    }
}

#[test]
fn binary_cross_entropy_takes_labels_for_one_output() {
    let z = Tensor::from_shape_vec(vec![3, 1], vec![0.5, -2.0, 80.0]).unwrap();
    let values = Tensor::from_shape_vec(vec![3, 1], vec![1.0, 0.0, 0.0]).unwrap();
    let by = |target| Loss::<f64>::value_and_gradient(&BinaryCrossEntropy, &z, target).unwrap();
    assert_eq!(by(Target::Classes(&[1, 0, 0])), by(Target::Values(&values)));
    assert!((by(Target::Values(&values)).0 - (0.474_077 + 0.126_928 + 80.0) / 3.0).abs() < 1e-6);
}

#[test]
fn what_does_not_fit_is_an_error_that_says_so() {
    let output = Tensor::<f32>::zeros(vec![2, 3]);
    let half = Tensor::from_elem(vec![2, 3], 0.5);
    let short = Tensor::zeros(vec![2, 2]);
    let (labels, out_of_range) = (Target::Classes(&[0, 1]), Target::Classes(&[0, 3]));
    let ce = CrossEntropy::new;
    let cases: Vec<(Box<dyn Loss>, Target<'_>, Vec<&str>)> = vec![
        (ce().into(), out_of_range, vec!["label 3", "position 1"]),
        (
            ce().into(),
            Target::Classes(&[0]),
            vec!["2 images, 1 labels"],
        ),
        (
            ce().into(),
            Target::Values(&short),
            vec!["[2, 3]", "[2, 2]"],
        ),
        (ce().into(), Target::Values(&half), vec!["row 0", "sum 1.5"]),
        (
            ce().class_weights([1.0, 2.0]).into(),
            labels,
            vec!["3 classes, 2 weights"],
        ),
        (
            ce().class_weights([1.0, -2.0, 1.0]).into(),
            labels,
            vec!["class 1", "-2"],
        ),
        (ce().label_smoothing(1.5).into(), labels, vec!["1.5"]),
        (MeanSquaredError.into(), labels, vec!["got labels"]),
        (
            MeanAbsoluteError.into(),
            Target::Values(&short),
            vec!["[2, 2]"],
        ),
        (
            SmoothL1 { beta: 0.0 }.into(),
            Target::Values(&half),
            vec!["beta"],
        ),
        (
            BinaryCrossEntropy.into(),
            labels,
            vec!["[batch, 1]", "[2, 3]"],
        ),
        (
            Hinge::default().into(),
            Target::Values(&half),
            vec!["labels"],
        ),
        (Hinge::default().into(), out_of_range, vec!["label 3"]),
        (
            Hinge { margin: f64::NAN }.into(),
            labels,
            vec!["margin", "NaN"],
        ),
    ];
    for (loss, target, words) in cases {
        let error = loss
            .value_and_gradient(&output, target)
            .unwrap_err()
            .to_string();
        for word in words {
            assert!(error.contains(word), "{word:?} is missing in: {error}");
        }
    }
    let above = half.mapv(|t| 3.0 * t);
    let error = BinaryCrossEntropy.value_and_gradient(&output, Target::Values(&above));
    assert!(error.unwrap_err().to_string().contains("got 1.5"));
    for shape in [vec![0, 3], vec![6]] {
        let output = Tensor::<f32>::zeros(shape);
        assert!(
            ce().value_and_gradient(&output, Target::Classes(&[]))
                .is_err()
        );
    }
}
