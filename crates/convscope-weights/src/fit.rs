//! Whether the parameters of a file are those that a network asks for.

use std::collections::{HashMap, HashSet};
use std::fmt;

/// How many names of a kind the text lists before it counts the rest.
const LISTED: usize = 20;

/// What differs between the parameters that are there and those that are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// The file, where there is one, as it is shown.
    pub source: Option<String>,
    /// Asked for and not there, with their shapes, in the order asked for.
    pub missing: Vec<(String, Vec<usize>)>,
    /// There and not asked for, with their shapes, in the file's order.
    pub unexpected: Vec<(String, Vec<usize>)>,
    /// There with another shape, in the order asked for.
    pub misshapen: Vec<Misshapen>,
}

/// A parameter that is there with another shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misshapen {
    /// Its name.
    pub name: String,
    /// The shape asked for.
    pub expected: Vec<usize>,
    /// The shape it has.
    pub got: Vec<usize>,
}

impl Mismatch {
    /// What stands between the parameters `found`, each a name and a shape, and those that are
    /// asked for; `source` is the file, as it is to be shown.
    pub fn between<'a>(
        source: Option<String>,
        found: impl IntoIterator<Item = (&'a str, &'a [usize])>,
        expected: &[(String, Vec<usize>)],
    ) -> Self {
        let asked: HashSet<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
        let mut mismatch = Self {
            source,
            ..Self::default()
        };
        let mut there = HashMap::new();
        for (name, shape) in found {
            match asked.contains(name) {
                true => {
                    there.insert(name, shape);
                }
                false => mismatch.unexpected.push((name.to_owned(), shape.to_vec())),
            }
        }
        for (name, shape) in expected {
            match there.get(name.as_str()) {
                None => mismatch.missing.push((name.clone(), shape.clone())),
                Some(got) if got != shape => mismatch.misshapen.push(Misshapen {
                    name: name.clone(),
                    expected: shape.clone(),
                    got: got.to_vec(),
                }),
                Some(_) => {}
            }
        }
        mismatch
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.misshapen.is_empty()
    }

    /// Nothing if nothing differs, else itself as an error.
    ///
    /// # Errors
    /// If anything differs.
    pub fn into_result(self) -> Result<(), Self> {
        match self.is_empty() {
            true => Ok(()),
            false => Err(self),
        }
    }
}

impl std::error::Error for Mismatch {}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = self.source.as_deref().unwrap_or("the weights");
        if self.is_empty() {
            return write!(f, "{source}: every parameter fits");
        }
        write!(
            f,
            "{source}: not the parameters of this network: {} missing, {} of another shape, {} unexpected",
            self.missing.len(),
            self.misshapen.len(),
            self.unexpected.len()
        )?;
        list(f, "missing", &self.missing, |(name, shape)| {
            format!("{name}: expected {shape:?}, got none")
        })?;
        list(f, "of another shape", &self.misshapen, |m| {
            format!("{}: expected {:?}, got {:?}", m.name, m.expected, m.got)
        })?;
        list(f, "unexpected", &self.unexpected, |(name, shape)| {
            format!("{name}: got {shape:?}, expected none")
        })
    }
}

fn list<T>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    items: &[T],
    line: impl Fn(&T) -> String,
) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    write!(f, "\n{title}:")?;
    for item in items.iter().take(LISTED) {
        write!(f, "\n  {}", line(item))?;
    }
    match items.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => write!(f, "\n  and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use crate::Weights;
    use ndarray::ArrayD;

    fn asked(list: &[(&str, &[usize])]) -> Vec<(String, Vec<usize>)> {
        let owned = list.iter().map(|(n, s)| ((*n).to_owned(), s.to_vec()));
        owned.collect()
    }

    fn some() -> Weights {
        let mut weights = Weights::new();
        for (name, shape) in [("a", vec![2]), ("b", vec![3, 1]), ("c", vec![])] {
            weights.insert(name, ArrayD::zeros(shape)).unwrap();
        }
        let count = ArrayD::zeros(vec![]);
        weights
            .insert_integers("num_batches_tracked", count)
            .unwrap();
        weights
    }

    #[test]
    fn parameters_that_are_all_asked_for_fit_whatever_the_integers() {
        let fit = some().fits(&asked(&[("c", &[]), ("a", &[2]), ("b", &[3, 1])]));
        assert!(fit.is_empty());
        assert!(fit.into_result().is_ok());
    }

    #[test]
    fn one_text_lists_what_is_missing_misshapen_and_unexpected_with_both_shapes() {
        let fit = some().fits(&asked(&[("a", &[2]), ("b", &[1, 3]), ("d", &[4])]));
        assert_eq!(
            fit.into_result().unwrap_err().to_string(),
            "the weights: not the parameters of this network: 1 missing, 1 of another shape, 1 unexpected\n\
             missing:\n  d: expected [4], got none\n\
             of another shape:\n  b: expected [1, 3], got [3, 1]\n\
             unexpected:\n  c: got [], expected none"
        );
    }

    #[test]
    fn a_long_list_is_cut_and_counted() {
        let many: Vec<_> = (0..25).map(|i| (format!("x{i}"), vec![1])).collect();
        let text = Weights::new().fits(&many).to_string();
        assert!(text.contains("x19:") && !text.contains("x20:"), "{text}");
        assert!(text.ends_with("and 5 more"), "{text}");
    }
}
