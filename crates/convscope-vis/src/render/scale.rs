//! Which numbers the ends of a colour map stand for.

use super::colour::Colormap;
use super::words::number;
use serde::Serialize;

/// How the two ends are found. They are found once for everything that shares a scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scale {
    /// From minus to plus the largest absolute value: zero has the middle colour.
    Symmetric,
    /// From the smallest to the largest value.
    Data,
    /// From zero to the largest value.
    FromZero,
    /// These two numbers.
    Given {
        /// The lower end.
        low: f32,
        /// The upper end.
        high: f32,
    },
    /// From minus to plus a percentile of the absolute values, so that a few large ones do not leave
    /// the rest pale.
    SymmetricClipped {
        /// 0 to 100, interpolated as NumPy does.
        percentile: f32,
    },
    /// From zero to a percentile of the values.
    FromZeroClipped {
        /// 0 to 100, interpolated as NumPy does.
        percentile: f32,
    },
}

/// The numbers at the two ends of a colour map.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ends {
    /// At the lower end.
    pub low: f32,
    /// At the upper end.
    pub high: f32,
}

impl Ends {
    /// How far a value is from the lower to the upper end; nothing where both are one, or the value
    /// is NaN.
    pub fn share(self, value: f32) -> Option<f64> {
        let [low, high, value] = [self.low, self.high, value].map(f64::from);
        let share = (value - low) / (high - low);
        (high > low && !share.is_nan()).then_some(share)
    }
}

impl Scale {
    /// The ends for these values. NaN and infinities are left out of account.
    pub fn ends<'a>(self, values: impl IntoIterator<Item = &'a f32>) -> Ends {
        let finite = values.into_iter().copied().filter(|v| v.is_finite());
        let ends = |low, high| Ends { low, high };
        match self {
            Scale::Symmetric => {
                let most = finite.fold(0.0, |a: f32, v| a.max(v.abs()));
                ends(-most, most)
            }
            Scale::Data => {
                let all = finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| {
                    (low.min(v), high.max(v))
                });
                match all.0 <= all.1 {
                    true => ends(all.0, all.1),
                    false => ends(0.0, 0.0),
                }
            }
            Scale::FromZero => ends(0.0, finite.fold(0.0, f32::max)),
            Scale::Given { low, high } => ends(low, high),
            Scale::SymmetricClipped { percentile: p } => {
                let most = percentile(finite.map(f32::abs).collect(), p);
                ends(-most, most)
            }
            Scale::FromZeroClipped { percentile: p } => {
                ends(0.0, percentile(finite.collect(), p).max(0.0))
            }
        }
    }

    /// Its rule in words, `"0 to the 99th percentile"`.
    pub fn in_words(self) -> String {
        match self {
            Scale::Symmetric => "symmetric around 0, to the largest absolute value".into(),
            Scale::Data => "from the smallest to the largest value".into(),
            Scale::FromZero => "from 0 to the largest value".into(),
            Scale::Given { low, high } => format!("from {} to {}", number(low), number(high)),
            Scale::SymmetricClipped { percentile } => {
                format!("symmetric around 0, to the {percentile}th percentile of absolute values")
            }
            Scale::FromZeroClipped { percentile } => {
                format!("from 0 to the {percentile}th percentile")
            }
        }
    }
}

/// With linear interpolation between neighbours, as `numpy.percentile`; 0 of nothing.
fn percentile(mut values: Vec<f32>, p: f32) -> f32 {
    values.sort_by(f32::total_cmp);
    let Some(last) = values.len().checked_sub(1) else {
        return 0.0;
    };
    let at = f64::from(p.clamp(0.0, 100.0)) / 100.0 * last as f64;
    let (i, part) = (at as usize, at.fract());
    let [a, b] = [values[i], values[(i + 1).min(last)]].map(f64::from);
    (a + part * (b - a)) as f32
}

/// A colour map and how its ends are found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Look {
    /// The colours.
    pub colours: Colormap,
    /// What they stand for.
    pub scale: Scale,
}

impl Look {
    /// These colours on this scale.
    pub fn new(colours: Colormap, scale: Scale) -> Look {
        Look { colours, scale }
    }

    /// For values with a sign: blue, white, red, symmetric around zero.
    pub fn signed() -> Look {
        Look::new(Colormap::BlueWhiteRed, Scale::Symmetric)
    }

    /// For values without: viridis from zero.
    pub fn unsigned() -> Look {
        Look::new(Colormap::Viridis, Scale::FromZero)
    }

    /// Black to white from the smallest to the largest.
    pub fn grey() -> Look {
        Look::new(Colormap::Grey, Scale::Data)
    }

    /// [`Look::signed`] where a value is below zero, else [`Look::unsigned`].
    pub fn fitting<'a>(values: impl IntoIterator<Item = &'a f32>) -> Look {
        match values.into_iter().any(|&v| v < 0.0) {
            true => Look::signed(),
            false => Look::unsigned(),
        }
    }

    /// The same colours with the ends at a percentile of the values instead of at the largest.
    pub fn clipped(self, percentile: f32) -> Look {
        let scale = match self.scale {
            Scale::Symmetric | Scale::SymmetricClipped { .. } => {
                Scale::SymmetricClipped { percentile }
            }
            Scale::FromZero | Scale::FromZeroClipped { .. } => {
                Scale::FromZeroClipped { percentile }
            }
            other => other,
        };
        Look { scale, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_finds_its_ends_and_overlooks_what_is_not_finite() {
        let values = [-2.0, 1.0, 4.0, f32::NAN, f32::INFINITY, 0.0, 2.0];
        for (scale, low, high) in [
            (Scale::Symmetric, -4.0, 4.0),
            (Scale::Data, -2.0, 4.0),
            (Scale::FromZero, 0.0, 4.0),
            (
                Scale::Given {
                    low: 1.0,
                    high: 2.0,
                },
                1.0,
                2.0,
            ),
            // |v| sorted: 0 1 2 2 4; of v: -2 0 1 2 4.
            (Scale::SymmetricClipped { percentile: 87.5 }, -3.0, 3.0),
            (Scale::FromZeroClipped { percentile: 75.0 }, 0.0, 2.0),
        ] {
            assert_eq!(scale.ends(&values), Ends { low, high }, "{scale:?}");
        }
    }

    #[test]
    fn nothing_has_a_scale_without_length() {
        for scale in [Scale::Symmetric, Scale::Data, Scale::FromZero] {
            let ends = scale.ends(&[]);
            assert_eq!(ends.low, ends.high);
            assert_eq!(ends.share(0.0), None);
        }
    }
}
