//! Few-label and group-wise partitions over many seeds.

use convscope_data::{Dataset, Partition};
use ndarray::ArrayD;
use std::collections::BTreeSet;

/// `counts[k]` examples of class `k`, mixed.
fn labels(counts: &[usize]) -> Vec<usize> {
    let mut left = counts.to_vec();
    let mut labels = Vec::new();
    while left.iter().any(|n| *n > 0) {
        for (class, n) in left.iter_mut().enumerate().filter(|(_, n)| **n > 0) {
            *n -= 1;
            labels.push(class);
        }
    }
    labels
}

fn counts(part: &[usize], labels: &[usize], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    part.iter().for_each(|&i| counts[labels[i]] += 1);
    counts
}

fn set_of(part: &[usize]) -> BTreeSet<usize> {
    part.iter().copied().collect()
}

#[test]
fn balanced_partitions_are_disjoint_and_nested_for_every_seed() {
    let labels = labels(&[30, 40, 25]);
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let few = Partition::balanced(&labels, 3, [2, 3, 10], seed).unwrap();
        few.check(labels.len()).unwrap();
        for (part, n) in [(&few.train, 2), (&few.validation, 3), (&few.test, 10)] {
            assert_eq!(counts(part, &labels, 3), [n; 3]);
        }
        assert_eq!(
            few,
            Partition::balanced(&labels, 3, [2, 3, 10], seed).unwrap()
        );
        let more = Partition::balanced(&labels, 3, [9, 3, 10], seed).unwrap();
        assert!(set_of(&few.train).is_subset(&set_of(&more.train)), "{seed}");
        assert_eq!((&few.test, &few.validation), (&more.test, &more.validation));
        seen.insert(few.train);
    }
    assert!(seen.len() > 190, "{}", seen.len());
}

#[test]
fn sized_partitions_keep_the_proportions() {
    let labels = labels(&[100, 50, 10]);
    for seed in 0..100 {
        let parts = Partition::sized(&labels, 3, [80, 32, 48], seed).unwrap();
        parts.check(labels.len()).unwrap();
        for (part, expected) in [
            (&parts.train, [50, 25, 5]),
            (&parts.validation, [20, 10, 2]),
            (&parts.test, [30, 15, 3]),
        ] {
            assert_eq!(counts(part, &labels, 3), expected, "{seed}");
        }
        // The order within a part mixes the classes.
        let in_order = parts.train.iter().map(|&i| labels[i]);
        assert!(!in_order.is_sorted());
        let smaller = Partition::sized(&labels, 3, [10, 5, 48], seed).unwrap();
        assert_eq!(smaller.test, parts.test);
        assert_eq!(smaller.train.len() + smaller.validation.len(), 15);
    }
    // Sizes that no proportion divides.
    for seed in 0..20 {
        let parts = Partition::sized(&labels, 3, [77, 13, 31], seed).unwrap();
        let sizes = [&parts.train, &parts.validation, &parts.test].map(Vec::len);
        assert_eq!(sizes, [77, 13, 31]);
    }
}

#[test]
fn no_group_stands_in_two_sets_for_any_seed() {
    // Forty patients with one to seven images.
    let groups: Vec<String> = (0..40)
        .flat_map(|p| (0..1 + p * p % 7).map(move |_| format!("patient {p}")))
        .collect();
    let mut tests = BTreeSet::new();
    for seed in 0..200 {
        let parts = Partition::grouped(&groups, [0.6, 0.2, 0.2], seed).unwrap();
        parts.check_groups(&groups).unwrap();
        let of =
            |part: &[usize]| -> BTreeSet<&String> { part.iter().map(|&i| &groups[i]).collect() };
        let [a, b, c] = [&parts.train, &parts.validation, &parts.test].map(|p| of(p));
        assert!(
            a.is_disjoint(&b) && a.is_disjoint(&c) && b.is_disjoint(&c),
            "{seed}"
        );
        assert_eq!(a.len() + b.len() + c.len(), 40);
        let share = |part: &[usize]| part.len() as f64 / groups.len() as f64;
        assert!((share(&parts.train) - 0.6).abs() < 0.03, "{parts}");
        assert!((share(&parts.test) - 0.2).abs() < 0.03, "{parts}");
        tests.insert(parts.test);
    }
    assert!(tests.len() > 150, "{}", tests.len());
    // Three groups, one of them nearly everything: each set gets one.
    let uneven: Vec<&str> = [vec!["big"; 50], vec!["b"], vec!["c"]].concat();
    let parts = Partition::grouped(&uneven, [0.34, 0.33, 0.33], 1).unwrap();
    let mut sizes = [parts.train.len(), parts.validation.len(), parts.test.len()];
    sizes.sort();
    assert_eq!(sizes, [1, 1, 50]);
    // Two sets are two sets.
    let two = Partition::grouped(&groups, [0.5, 0.0, 0.5], 1).unwrap();
    assert!(two.validation.is_empty() && !two.test.is_empty());
}

#[test]
fn leaks_are_found_and_named() {
    let groups = ["ada", "ada", "emmy", "emmy"];
    let leaking = Partition {
        train: vec![0, 2],
        validation: vec![],
        test: vec![1, 3],
    };
    leaking.check(4).unwrap();
    let error = leaking.check_groups(&groups).unwrap_err().to_string();
    assert!(
        error.contains("a leak: group 'ada'") && error.contains("example 1"),
        "{error}"
    );
    // Blanks around a name make no other patient of it.
    let error = leaking
        .check_groups(&["ada", " ada ", "x", "y"])
        .unwrap_err();
    assert!(error.to_string().contains("'ada'"));
    for (train, test, words) in [
        (
            vec![0, 1],
            vec![1, 2],
            "example 1 stands in the training and in the test set",
        ),
        (
            vec![0, 0],
            vec![1],
            "example 0 stands twice in the training set",
        ),
        (vec![0], vec![4], "names example 4, but there are 4"),
    ] {
        let partition = Partition {
            train,
            validation: vec![],
            test,
        };
        let error = partition.check(4).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(partition.check_groups(&groups).is_err());
    }
}

#[test]
fn what_cannot_be_parted_is_an_error_with_both_numbers() {
    let labels = labels(&[5, 1, 8]);
    let thirds = [1.0 / 3.0; 3];
    let long = ["a", "b", "  ", "c"];
    let cases = [
        (
            Partition::balanced(&labels, 3, [2, 1, 1], 0),
            "class 1 has 1 examples; expected at least 4",
        ),
        (
            Partition::sized(&labels, 3, [5, 5, 5], 0),
            "14 examples; expected at least 15",
        ),
        (
            Partition::sized(&labels, 3, [5, 0, 5], 0),
            "class 1 has 1 example; expected at least 2",
        ),
        (Partition::sized(&labels, 2, [5, 0, 5], 0), "label 2"),
        (
            Partition::grouped(&["a", "a", "b"], thirds, 0),
            "2 groups; expected at least 3",
        ),
        (
            Partition::grouped(&long, thirds, 0),
            "example 2 has no group",
        ),
        (
            Partition::grouped(&["a", "b"], [0.5, 0.4, 0.4], 0),
            "sum to 1",
        ),
        (
            Partition::grouped(&["a", "b"], [1.5, -0.5, 0.0], 0),
            "from 0 up",
        ),
    ];
    for (partition, words) in cases {
        let error = partition.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    // A class of one is no obstacle where there is one set.
    let one = Partition::sized(&labels, 3, [14, 0, 0], 0).unwrap();
    assert_eq!(one.train.len(), 14);
}

#[test]
fn a_dataset_is_parted_with_its_images() {
    let n = 60;
    let images = ArrayD::from_shape_fn(vec![n, 1, 1, 1], |i| i[0] as f32);
    let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
    let labels: Vec<usize> = (0..n).map(|i| i % 3).collect();
    let set = Dataset::new("numbers", images, labels, classes).unwrap();
    let parts = set.balanced_parts([10, 2, 8], 5).unwrap();
    assert_eq!(
        parts.to_string(),
        "numbers: 30 to train on, 6 to validate on, 24 to test on"
    );
    let all = [&parts.train, &parts.validation, &parts.test];
    let numbers: BTreeSet<usize> = all
        .iter()
        .flat_map(|p| p.images.iter().map(|v| *v as usize))
        .collect();
    assert_eq!(numbers.len(), 60);
    for part in all {
        assert!(
            part.images
                .iter()
                .zip(&part.labels)
                .all(|(v, l)| *v as usize % 3 == *l)
        );
    }
    assert_eq!(
        set.sized_parts([30, 15, 15], 1)
            .unwrap()
            .test
            .class_counts(),
        [5, 5, 5]
    );
    let groups: Vec<String> = (0..n).map(|i| (i / 4).to_string()).collect();
    let grouped = set.grouped_parts(&groups, [0.5, 0.25, 0.25], 1).unwrap();
    assert_eq!(
        grouped.train.len() + grouped.validation.len() + grouped.test.len(),
        60
    );
    let error = set
        .grouped_parts(&groups[1..], [0.5, 0.25, 0.25], 1)
        .unwrap_err();
    assert!(
        error.to_string().contains("59 groups; expected 60"),
        "{error}"
    );
}
