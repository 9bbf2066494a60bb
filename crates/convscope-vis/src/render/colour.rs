//! Colour scales. The anchor points are published ones: matplotlib's viridis (public domain) and
//! ColorBrewer's RdBu (Apache-2.0), both readable with the common forms of colour blindness.

use super::scale::Ends;
use serde::Serialize;

const VIRIDIS: [[u8; 3]; 10] = [
    [68, 1, 84],
    [72, 40, 120],
    [62, 74, 137],
    [49, 104, 142],
    [38, 130, 142],
    [31, 158, 137],
    [53, 183, 121],
    [109, 205, 89],
    [180, 222, 44],
    [253, 231, 37],
];

/// Blue below, white in the middle, red above.
const BLUE_WHITE_RED: [[u8; 3]; 11] = [
    [5, 48, 97],
    [33, 102, 172],
    [67, 147, 195],
    [146, 197, 222],
    [209, 229, 240],
    [247, 247, 247],
    [253, 219, 199],
    [244, 165, 130],
    [214, 96, 77],
    [178, 24, 43],
    [103, 0, 31],
];

const GREY: [[u8; 3]; 2] = [[0, 0, 0], [255, 255, 255]];

/// What stands for a value that is not a number: a colour of no scale.
pub(super) const NOT_FINITE: [u8; 3] = [255, 0, 200];

/// How numbers become colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Colormap {
    /// Black to white.
    Grey,
    /// Dark violet to yellow, for values without a sign.
    Viridis,
    /// Blue for negative, white for zero, red for positive.
    BlueWhiteRed,
}

impl Colormap {
    /// The colour at `t` of the way from the scale's lower to its upper end. What lies beyond an
    /// end gets the end's colour, and NaN one that is on no scale.
    pub fn at(self, t: f64) -> [u8; 3] {
        if t.is_nan() {
            return NOT_FINITE;
        }
        let anchors: &[[u8; 3]] = match self {
            Colormap::Grey => &GREY,
            Colormap::Viridis => &VIRIDIS,
            Colormap::BlueWhiteRed => &BLUE_WHITE_RED,
        };
        let x = t.clamp(0.0, 1.0) * (anchors.len() - 1) as f64;
        let i = (x as usize).min(anchors.len() - 2);
        let part = x - i as f64;
        std::array::from_fn(|c| {
            let (a, b) = (f64::from(anchors[i][c]), f64::from(anchors[i + 1][c]));
            (a + part * (b - a)).round() as u8
        })
    }

    /// The colour of a value on a scale. Where the scale has no length, nothing stands out: the
    /// colour is the neutral one.
    pub fn of(self, value: f32, ends: Ends) -> [u8; 3] {
        match ends.share(value) {
            Some(t) => self.at(t),
            None if value.is_finite() => self.at(self.neutral()),
            None => NOT_FINITE,
        }
    }

    /// Where "nothing" lies: in the middle of a map with two arms, else at its lower end.
    pub(super) fn neutral(self) -> f64 {
        match self {
            Colormap::BlueWhiteRed => 0.5,
            _ => 0.0,
        }
    }

    /// The ends of the scale in words.
    pub fn ends(self) -> [&'static str; 2] {
        match self {
            Colormap::Grey => ["black", "white"],
            Colormap::Viridis => ["violet", "yellow"],
            Colormap::BlueWhiteRed => ["blue", "red"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_end_at_their_anchors_and_nan_stands_out() {
        assert_eq!(Colormap::Grey.at(0.0), [0, 0, 0]);
        assert_eq!(Colormap::Grey.at(2.0), [255, 255, 255]);
        assert_eq!(Colormap::Viridis.at(1.0), [253, 231, 37]);
        assert_eq!(Colormap::BlueWhiteRed.at(0.5), [247, 247, 247]);
        assert_eq!(Colormap::Grey.at(f64::NAN), NOT_FINITE);
    }

    #[test]
    fn on_a_scale_without_length_everything_is_neutral() {
        let none = Ends {
            low: 0.0,
            high: 0.0,
        };
        assert_eq!(Colormap::Viridis.of(0.0, none), [68, 1, 84]);
        assert_eq!(Colormap::BlueWhiteRed.of(0.0, none), [247, 247, 247]);
        assert_eq!(Colormap::Grey.of(f32::NAN, none), NOT_FINITE);
    }
}
