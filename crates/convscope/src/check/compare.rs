//! Is it what was expected? And if not, where does it first differ?

use crate::show::{Element, short_number};
use ndarray::{ArrayBase, Dimension, OwnedRepr};

/// How far off is still right: `|got - expected| <= absolute + relative * |expected|`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Allowed whatever the size.
    pub absolute: f64,
    /// Allowed per size of what is expected.
    pub relative: f64,
}

impl Default for Tolerance {
    /// What single precision reaches when a few hundred products are summed in another order.
    fn default() -> Tolerance {
        Tolerance {
            absolute: 1e-5,
            relative: 1e-4,
        }
    }
}

impl Tolerance {
    fn allows(self, got: f64, expected: f64) -> bool {
        // Not NaN, and an infinity only where the same one is expected.
        got == expected
            || (got - expected).abs() <= self.absolute + self.relative * expected.abs()
                && got.is_finite()
                && expected.is_finite()
    }
}

/// What a check can compare.
pub trait Compare: Send + 'static {
    /// The first difference in words, or nothing if there is none.
    fn difference(&self, expected: &Self, tolerance: Tolerance) -> Option<String>;
}

macro_rules! exact {
    ($($type:ty),*) => {$(
        impl Compare for $type {
            fn difference(&self, expected: &Self, _: Tolerance) -> Option<String> {
                (self != expected).then(|| format!("expected {expected:?}, got {self:?}"))
            }
        }
    )*};
}

exact!(
    bool,
    char,
    i8,
    i16,
    i32,
    i64,
    isize,
    u8,
    u16,
    u32,
    u64,
    usize,
    String,
    &'static str,
    ()
);

macro_rules! near {
    ($($type:ty),*) => {$(
        impl Compare for $type {
            fn difference(&self, expected: &Self, tolerance: Tolerance) -> Option<String> {
                let (got, expected) = (f64::from(*self), f64::from(*expected));
                (!tolerance.allows(got, expected)).then(|| apart(got, expected))
            }
        }
    )*};
}

near!(f32, f64);

/// Two numbers with as many digits as it takes to tell them apart.
fn apart(got: f64, expected: f64) -> String {
    let (mut g, mut e) = (short_number(got), short_number(expected));
    if g == e && !got.is_nan() {
        (g, e) = (format!("{got:?}"), format!("{expected:?}"));
    }
    format!("expected {e}, got {g}")
}

impl<A: Element + Compare, D: Dimension + 'static> Compare for ArrayBase<OwnedRepr<A>, D> {
    fn difference(&self, expected: &Self, tolerance: Tolerance) -> Option<String> {
        if self.shape() != expected.shape() {
            return Some(format!(
                "expected an array of shape {:?}, got {:?}",
                expected.shape(),
                self.shape()
            ));
        }
        let (got, expected) = (self.view().into_dyn(), expected.view().into_dyn());
        let mut differing = got
            .indexed_iter()
            .zip(expected.iter())
            .filter_map(|((at, g), e)| g.difference(e, tolerance).map(|words| (at, words)));
        let (at, words) = differing.next()?;
        let more = differing.count();
        let at = at.slice().to_vec();
        Some(match more {
            0 => format!("at {at:?}: {words}"),
            _ => format!(
                "at {at:?}: {words} ({} of {} values differ)",
                more + 1,
                got.len()
            ),
        })
    }
}

impl<T: Compare> Compare for Vec<T> {
    fn difference(&self, expected: &Self, tolerance: Tolerance) -> Option<String> {
        if self.len() != expected.len() {
            return Some(format!(
                "expected a list of {}, got {}",
                expected.len(),
                self.len()
            ));
        }
        in_order(self, expected, tolerance)
    }
}

impl<T: Compare, const N: usize> Compare for [T; N] {
    fn difference(&self, expected: &Self, tolerance: Tolerance) -> Option<String> {
        in_order(self, expected, tolerance)
    }
}

fn in_order<T: Compare>(got: &[T], expected: &[T], tolerance: Tolerance) -> Option<String> {
    got.iter()
        .zip(expected)
        .enumerate()
        .find_map(|(i, (g, e))| {
            let words = g.difference(e, tolerance)?;
            Some(format!("at [{i}]: {words}"))
        })
}

impl<T: Compare> Compare for Option<T> {
    fn difference(&self, expected: &Self, tolerance: Tolerance) -> Option<String> {
        match (self, expected) {
            (Some(g), Some(e)) => g.difference(e, tolerance),
            (None, None) => None,
            (None, Some(_)) => Some("expected Some(...), got None".into()),
            (Some(_), None) => Some("expected None, got Some(...)".into()),
        }
    }
}

impl<T: Compare, E: std::fmt::Display + Send + 'static> Compare for Result<T, E> {
    /// Two errors are equal, whatever they say.
    fn difference(&self, expected: &Self, tolerance: Tolerance) -> Option<String> {
        match (self, expected) {
            (Ok(g), Ok(e)) => g.difference(e, tolerance),
            (Err(_), Err(_)) => None,
            (Err(g), Ok(_)) => Some(format!("expected Ok(...), got the error: {g}")),
            (Ok(_), Err(_)) => Some("expected an error, got Ok(...)".into()),
        }
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),+);)*) => {$(
        impl<$($name: Compare),+> Compare for ($($name,)+) {
            fn difference(&self, expected: &Self, tolerance: Tolerance) -> Option<String> {
                $(
                    if let Some(words) = self.$index.difference(&expected.$index, tolerance) {
                        return Some(format!("in part {}: {words}", $index + 1));
                    }
                )+
                None
            }
        }
    )*};
}

tuples! {
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, array};

    fn difference<T: Compare>(got: T, expected: T) -> Option<String> {
        got.difference(&expected, Tolerance::default())
    }

    #[test]
    fn tolerance_is_absolute_and_relative() {
        assert_eq!(difference(1.00009f64, 1.0), None);
        assert_eq!(difference(1e-6f64, 0.0), None);
        assert_eq!(
            difference(1.0002f64, 1.0).unwrap(),
            "expected 1.0, got 1.0002"
        );
        assert_eq!(difference(100_000.0f64, 100_000.0).map(|_| ()), None);
        let tight = Tolerance {
            absolute: 0.0,
            relative: 0.0,
        };
        let words = 1.000_000_1f64.difference(&1.0, tight).unwrap();
        assert_eq!(words, "expected 1.0, got 1.0000001");
    }

    #[test]
    fn infinities_equal_themselves_alone_and_nan_nothing() {
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        for (got, expected, right) in [
            (inf, inf, true),
            (inf, -inf, false),
            (inf, 1.0, false),
            (1.0, inf, false),
            (nan, nan, false),
            (nan, 1.0, false),
            (1.0, nan, false),
        ] {
            assert_eq!(
                difference(got, expected).is_none(),
                right,
                "{got} {expected}"
            );
        }
        let wide = Tolerance {
            absolute: inf,
            relative: inf,
        };
        assert!(nan.difference(&1.0, wide).is_some());
    }

    #[test]
    fn the_first_difference_is_named() {
        let cases = vec![
            (difference(4usize, 5), "expected 5, got 4"),
            (
                difference("a".to_owned(), "b".into()),
                "expected \"b\", got \"a\"",
            ),
            (
                difference(vec![1, 2], vec![1]),
                "expected a list of 1, got 2",
            ),
            (
                difference(vec![1, 2], vec![1, 3]),
                "at [1]: expected 3, got 2",
            ),
            (
                difference((1, 2.0), (1, 2.5)),
                "in part 2: expected 2.5, got 2.0",
            ),
            (difference(Some(1), None), "expected None, got Some(...)"),
            (
                difference(Err::<u8, _>("no".to_owned()), Ok(1)),
                "expected Ok(...), got the error: no",
            ),
            (
                difference(
                    array![[1.0f32, 2.0], [3.0, 4.0]],
                    array![[1.0, 9.0], [9.0, 4.0]],
                ),
                "at [0, 1]: expected 9.0, got 2.0 (2 of 4 values differ)",
            ),
            (
                difference(Array3::<usize>::zeros((1, 2, 3)), Array3::zeros((1, 2, 4))),
                "expected an array of shape [1, 2, 4], got [1, 2, 3]",
            ),
        ];
        for (got, words) in cases {
            assert_eq!(got.unwrap(), words);
        }
        assert_eq!(difference(Err::<u8, _>("a"), Err("b")), None);
    }
}
