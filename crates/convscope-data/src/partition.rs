//! Which examples are trained on, chosen by and tested on: numbers only, so that they serve for
//! images as well as for features that were computed from them.

use crate::dataset::Dataset;
use crate::draw::Draw;
use crate::error::{DataError, Result};
use std::collections::BTreeMap;
use std::fmt;

/// The numbers of the training, validation and test examples; none stands in two of the three.
///
/// ```
/// use convscope_data::{InkDigits, Partition};
/// let digits = InkDigits::generate(400, 1);
/// // Ten labels of each class to learn from, ten to choose by, five to test on.
/// let partition = Partition::balanced(&digits.labels, 10, [10, 10, 5], 1)?;
/// let parts = digits.parts(&partition)?;
/// assert_eq!(parts.train.class_counts(), [10; 10]);
/// # Ok::<(), convscope_data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// To learn from.
    pub train: Vec<usize>,
    /// To choose settings by.
    pub validation: Vec<usize>,
    /// To be looked at once.
    pub test: Vec<usize>,
}

/// A dataset in three.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// To learn from.
    pub train: Dataset,
    /// To choose settings by.
    pub validation: Dataset,
    /// To be looked at once.
    pub test: Dataset,
}

/// What the three are called in errors.
const NAMES: [&str; 3] = ["training", "validation", "test"];

impl Partition {
    /// So many examples of each class in training, validation and test set, drawn by `seed`, each
    /// set in shuffled order.
    ///
    /// The test set does not change with the size of the other two, nor the validation set with the
    /// training set's, and a smaller training set is part of a larger one: results with few labels
    /// and with many can be compared.
    ///
    /// # Errors
    /// If a class has not enough examples, or a label is not below `classes`.
    pub fn balanced(
        labels: &[usize],
        classes: usize,
        per_class: [usize; 3],
        seed: u64,
    ) -> Result<Self> {
        let mut parts = [const { Vec::new() }; 3];
        let needed = per_class.iter().sum::<usize>();
        for (class, members) in by_class(labels, classes)?.iter().enumerate() {
            if members.len() < needed {
                return Err(wrong(format!(
                    "class {class} has {} examples; expected at least {needed}: {} to train on, \
                     {} to validate on and {} to test on",
                    members.len(),
                    per_class[0],
                    per_class[1],
                    per_class[2]
                )));
            }
            let order = Draw::new(seed, class as u64 + 1).permutation(members.len());
            deal(&mut parts, order.iter().map(|&i| members[i]), per_class);
        }
        Ok(Self::mixed(parts, seed))
    }

    /// So many examples in training, validation and test set, drawn by `seed`, each set in shuffled
    /// order and with its classes in the proportions of the whole, as nearly as whole examples
    /// allow. The test set does not change with the size of the other two.
    ///
    /// # Errors
    /// If there are not enough examples, a label is not below `classes`, or a class has fewer
    /// examples than there are sets with any: it must be missing from one.
    pub fn sized(labels: &[usize], classes: usize, sizes: [usize; 3], seed: u64) -> Result<Self> {
        let needed = sizes.iter().fold(0usize, |sum, n| sum.saturating_add(*n));
        if needed > labels.len() {
            return Err(wrong(format!(
                "there are {} examples; expected at least {needed}: {} to train on, {} to validate \
                 on and {} to test on",
                labels.len(),
                sizes[0],
                sizes[1],
                sizes[2]
            )));
        }
        let used = sizes.iter().filter(|n| **n > 0).count();
        let mut members = by_class(labels, classes)?;
        let few = members.iter().position(|m| !m.is_empty() && m.len() < used);
        if let Some(class) = few {
            return Err(wrong(format!(
                "class {class} has {} example{}; expected at least {used}, one for each set",
                members[class].len(),
                if members[class].len() == 1 { "" } else { "s" }
            )));
        }
        for (class, members) in members.iter_mut().enumerate() {
            let order = Draw::new(seed, class as u64 + 1).permutation(members.len());
            *members = order.iter().map(|&i| members[i]).collect();
        }
        let mut parts = [const { Vec::new() }; 3];
        // The test set first, then validation.
        for part in [2, 1, 0] {
            let left: Vec<usize> = members.iter().map(Vec::len).collect();
            for (members, n) in members.iter_mut().zip(proportional(sizes[part], &left)) {
                parts[part].extend(members.drain(..n));
            }
        }
        Ok(Self::mixed(parts, seed))
    }

    /// Whole groups, such as all images of one patient, in training, validation and test set: what a
    /// network remembers about a patient is then of no help in the test (a leak, else the commonest
    /// one). The examples' shares come as near to `shares` as whole groups allow; groups are dealt
    /// out from the largest to the smallest, those of one size in an order drawn by `seed`.
    ///
    /// # Errors
    /// If there is not one group for each example, an example's is missing (empty, or blank), a
    /// share is negative or they do not sum to 1, or there are fewer groups than sets with a share.
    pub fn grouped(groups: &[impl AsRef<str>], shares: [f64; 3], seed: u64) -> Result<Self> {
        let sum: f64 = shares.iter().sum();
        if shares.iter().any(|s| s.is_nan() || *s < 0.0) || (sum - 1.0).abs() > 1e-6 {
            return Err(wrong(format!(
                "the shares of the three sets are {shares:?}; expected numbers from 0 up that sum to 1"
            )));
        }
        let members = by_group(groups)?;
        let mut members: Vec<Vec<usize>> = members.into_values().collect();
        let used = (0..3).filter(|&k| shares[k] > 0.0).count();
        if members.len() < used {
            return Err(wrong(format!(
                "there are {} groups; expected at least {used}, one for each set",
                members.len()
            )));
        }
        let order = Draw::new(seed, 0).permutation(members.len());
        members = order
            .iter()
            .map(|&i| std::mem::take(&mut members[i]))
            .collect();
        members.sort_by_key(|group| std::cmp::Reverse(group.len()));
        let mut parts = [const { Vec::new() }; 3];
        let left = |parts: &[Vec<usize>; 3], k: usize| {
            shares[k] * groups.len() as f64 - parts[k].len() as f64
        };
        for (dealt, group) in members.iter().enumerate() {
            let empty = |k: &usize| shares[*k] > 0.0 && parts[*k].is_empty();
            let waiting = (0..3).filter(empty).count();
            // The last groups go to sets that have none yet.
            let must = members.len() - dealt == waiting;
            let open = (0..3).filter(|k| if must { empty(k) } else { shares[*k] > 0.0 });
            let most = open.max_by(|a, b| left(&parts, *a).total_cmp(&left(&parts, *b)));
            parts[most.expect("the shares sum to 1")].extend(group);
        }
        let partition = Self::mixed(parts, seed);
        partition.check_groups(groups)?;
        Ok(partition)
    }

    /// Proves that no example stands in two sets and none beyond the last.
    ///
    /// # Errors
    /// If one does, with its number and where it stands.
    pub fn check(&self, examples: usize) -> Result<()> {
        let mut place = vec![None; examples];
        for (name, part) in NAMES.iter().zip(self.all()) {
            for &i in part {
                let Some(place) = place.get_mut(i) else {
                    return Err(wrong(format!(
                        "the {name} set names example {i}, but there are {examples}"
                    )));
                };
                if let Some(other) = place.replace(*name) {
                    return Err(wrong(match other == *name {
                        true => format!("example {i} stands twice in the {name} set"),
                        false => format!("example {i} stands in the {other} and in the {name} set"),
                    }));
                }
            }
        }
        Ok(())
    }

    /// Proves that no group stands in two sets, beside what [`check`](Self::check) proves. For a
    /// partition that came from elsewhere; [`grouped`](Self::grouped) has asked it already.
    ///
    /// # Errors
    /// If one does, with its name; or if there is not one group for each example, or an example's is
    /// missing.
    pub fn check_groups(&self, groups: &[impl AsRef<str>]) -> Result<()> {
        self.check(groups.len())?;
        by_group(groups)?;
        let mut place = BTreeMap::new();
        for (name, part) in NAMES.iter().zip(self.all()) {
            for &i in part {
                let group = groups[i].as_ref().trim();
                match place.insert(group, (*name, i)) {
                    Some((other, at)) if other != *name => {
                        return Err(wrong(format!(
                            "a leak: group '{group}' stands in the {other} set (example {at}) and \
                             in the {name} set (example {i})"
                        )));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn all(&self) -> [&Vec<usize>; 3] {
        [&self.train, &self.validation, &self.test]
    }

    fn mixed(parts: [Vec<usize>; 3], seed: u64) -> Self {
        // Streams far from those of the classes.
        let mut stream = u64::MAX;
        let [train, validation, test] = parts.map(|part| {
            stream -= 1;
            let order = Draw::new(seed, stream).permutation(part.len());
            order.iter().map(|&i| part[i]).collect()
        });
        Self {
            train,
            validation,
            test,
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [train, validation, test] = self.all().map(Vec::len);
        write!(
            f,
            "{train} to train on, {validation} to validate on, {test} to test on"
        )
    }
}

impl Dataset {
    /// The three sets of a partition.
    ///
    /// # Errors
    /// If it names an image that is not there, or one twice.
    pub fn parts(&self, partition: &Partition) -> Result<Parts> {
        partition.check(self.len())?;
        Ok(Parts {
            train: self.select(&partition.train)?,
            validation: self.select(&partition.validation)?,
            test: self.select(&partition.test)?,
        })
    }

    /// Training, validation and test images with so many of each class; see [`Partition::balanced`].
    ///
    /// # Errors
    /// As [`Partition::balanced`].
    pub fn balanced_parts(&self, per_class: [usize; 3], seed: u64) -> Result<Parts> {
        self.parts(&Partition::balanced(
            &self.labels,
            self.classes.len(),
            per_class,
            seed,
        )?)
    }

    /// So many training, validation and test images; see [`Partition::sized`].
    ///
    /// # Errors
    /// As [`Partition::sized`].
    pub fn sized_parts(&self, sizes: [usize; 3], seed: u64) -> Result<Parts> {
        self.parts(&Partition::sized(
            &self.labels,
            self.classes.len(),
            sizes,
            seed,
        )?)
    }

    /// Whole groups, one name for each image, in training, validation and test set; see
    /// [`Partition::grouped`].
    ///
    /// # Errors
    /// As [`Partition::grouped`], or if there is not one group for each image.
    pub fn grouped_parts(
        &self,
        groups: &[impl AsRef<str>],
        shares: [f64; 3],
        seed: u64,
    ) -> Result<Parts> {
        if groups.len() != self.len() {
            return Err(wrong(format!(
                "there are {} groups; expected {}, one for each image",
                groups.len(),
                self.len()
            )));
        }
        self.parts(&Partition::grouped(groups, shares, seed)?)
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [train, validation, test] = [&self.train, &self.validation, &self.test];
        write!(
            f,
            "{}: {} to train on, {} to validate on, {} to test on",
            train.name,
            train.len(),
            validation.len(),
            test.len()
        )
    }
}

fn wrong(problem: String) -> DataError {
    DataError::Argument {
        what: "partition",
        problem,
    }
}

fn by_class(labels: &[usize], classes: usize) -> Result<Vec<Vec<usize>>> {
    let mut members = vec![Vec::new(); classes];
    for (position, &label) in labels.iter().enumerate() {
        let of_class = members.get_mut(label).ok_or(DataError::LabelOutOfRange {
            position,
            label,
            classes,
        })?;
        of_class.push(position);
    }
    Ok(members)
}

fn by_group(groups: &[impl AsRef<str>]) -> Result<BTreeMap<&str, Vec<usize>>> {
    let mut members = BTreeMap::<_, Vec<usize>>::new();
    for (i, group) in groups.iter().enumerate() {
        let group = group.as_ref().trim();
        if group.is_empty() {
            return Err(wrong(format!(
                "example {i} has no group; expected a name for each"
            )));
        }
        members.entry(group).or_default().push(i);
    }
    Ok(members)
}

/// The test set first, then validation, then training.
fn deal(
    parts: &mut [Vec<usize>; 3],
    mut order: impl Iterator<Item = usize>,
    [train, validation, test]: [usize; 3],
) {
    for (part, n) in [(2, test), (1, validation), (0, train)] {
        parts[part].extend(order.by_ref().take(n));
    }
}

/// `n` in the proportions of these counts: rounded down, and up where most is missing until the sum is
/// right.
fn proportional(n: usize, counts: &[usize]) -> Vec<usize> {
    let all: usize = counts.iter().sum();
    if n == 0 || all == 0 {
        return vec![0; counts.len()];
    }
    let exact = |k: usize| n as f64 * counts[k] as f64 / all as f64;
    let mut dealt: Vec<usize> = (0..counts.len()).map(|k| exact(k) as usize).collect();
    while dealt.iter().sum::<usize>() < n {
        let open = (0..counts.len()).filter(|&k| dealt[k] < counts[k]);
        let missing = |k: &usize| (exact(*k) - dealt[*k] as f64, std::cmp::Reverse(*k));
        let most = open.max_by(|a, b| missing(a).partial_cmp(&missing(b)).expect("finite numbers"));
        dealt[most.expect("n is at most the sum of the counts")] += 1;
    }
    dealt
}
