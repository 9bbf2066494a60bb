//! Arrays: their shape, what their numbers are like, and a table or picture of them.

use super::{Align, Show, Shown, Table, escape};
use crate::picture::{Gallery, Picture, first_tiles};
use ndarray::{ArrayBase, ArrayD, ArrayViewD, Data, Dimension};
use std::fmt;

/// Matrices up to this many rows and columns are shown as numbers.
const SMALL: usize = 12;
/// A matrix longer than this is a picture only if it is not a thin strip.
const LONG: usize = 200;
/// A gallery inside an array's display has at most this many tiles.
const TILES: usize = 20;

/// What can stand in an array that is shown.
pub trait Element: Copy + fmt::Debug + fmt::Display + 'static {
    /// The value as `f64`.
    fn to_f64(self) -> f64;
    /// It as it stands in a table.
    fn written(self) -> String;
    /// All of an array as `f64`.
    #[doc(hidden)]
    fn to_f64s(values: ArrayViewD<'_, Self>) -> ArrayD<f64>;
    /// The first images of a batch, at most `most` tiles, and the number of images in all.
    #[doc(hidden)]
    fn tiles(images: ArrayViewD<'_, Self>, most: usize) -> (ArrayD<f64>, usize);
    /// The display of an array.
    #[doc(hidden)]
    fn shown(values: ArrayViewD<'_, Self>) -> Shown;
}

// Spelled out per type, so that a notebook's cell need not compile any of it.
macro_rules! elements {
    ($($type:ty, $to_f64:expr, $written:expr;)*) => {$(
        impl Element for $type {
            fn to_f64(self) -> f64 {
                $to_f64(self)
            }
            fn written(self) -> String {
                $written(self)
            }
            fn to_f64s(values: ArrayViewD<'_, Self>) -> ArrayD<f64> {
                values.mapv(Element::to_f64)
            }
            fn tiles(images: ArrayViewD<'_, Self>, most: usize) -> (ArrayD<f64>, usize) {
                first_tiles(images, most)
            }
            fn shown(values: ArrayViewD<'_, Self>) -> Shown {
                array(values, stringify!($type))
            }
        }
    )*};
}

elements! {
    f32, f64::from, |v| short_number(f64::from(v));
    f64, |v| v, short_number;
    u8, f64::from, |v: u8| v.to_string();
    u32, f64::from, |v: u32| v.to_string();
    i32, f64::from, |v: i32| v.to_string();
    i64, |v| v as f64, |v: i64| v.to_string();
    u64, |v| v as f64, |v: u64| v.to_string();
    usize, |v| v as f64, |v: usize| v.to_string();
    isize, |v| v as f64, |v: isize| v.to_string();
    bool, |v| f64::from(u8::from(v)), |v: bool| v.to_string();
}

impl<A: Element, S: Data<Elem = A>, D: Dimension> Show for ArrayBase<S, D> {
    fn shown(&self) -> Shown {
        A::shown(self.view().into_dyn())
    }
}

/// What some numbers are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stats {
    pub(crate) finite: usize,
    pub(crate) nan: usize,
    pub(crate) infinite: usize,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) mean: f64,
}

impl Stats {
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Stats {
        let mut s = Stats {
            finite: 0,
            nan: 0,
            infinite: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            mean: 0.0,
        };
        let mut sum = 0.0;
        for v in values {
            if v.is_finite() {
                s.finite += 1;
                s.min = s.min.min(v);
                s.max = s.max.max(v);
                sum += v;
            } else if v.is_nan() {
                s.nan += 1;
            } else {
                s.infinite += 1;
            }
        }
        if s.finite == 0 {
            (s.min, s.max) = (0.0, 0.0);
        } else {
            s.mean = sum / s.finite as f64;
        }
        s
    }

    pub(crate) fn not_finite(&self) -> usize {
        self.nan + self.infinite
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = plain_number;
        match self.finite {
            0 => write!(f, "no finite value")?,
            _ => write!(
                f,
                "min {}, mean {}, max {}",
                n(self.min),
                n(self.mean),
                n(self.max)
            )?,
        }
        if self.nan > 0 {
            write!(f, ", {} NaN", self.nan)?;
        }
        if self.infinite > 0 {
            write!(f, ", {} infinite", self.infinite)?;
        }
        Ok(())
    }
}

/// A number in at most five significant digits.
pub(crate) fn short_number(v: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        return format!("{v:?}").replace("-0.0", "0.0");
    }
    let size = v.abs();
    if !(1e-3..1e6).contains(&size) {
        return format!("{v:.3e}");
    }
    let digits = (4 - size.log10().floor() as i32).clamp(0, 7) as usize;
    let text = format!("{v:.digits$}");
    match text.contains('.') {
        true => {
            let text = text.trim_end_matches('0');
            match text.ends_with('.') {
                true => format!("{text}0"),
                false => text.to_owned(),
            }
        }
        false => text,
    }
}

/// The same, where whole numbers need no point.
pub(crate) fn plain_number(v: f64) -> String {
    let text = short_number(v);
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

fn array<A: Element>(values: ArrayViewD<'_, A>, kind: &str) -> Shown {
    let shape = values.shape().to_vec();
    if values.ndim() == 0 {
        return Shown::text(values.iter().map(|v| v.written()).collect::<String>());
    }
    let mut head = format!("shape {shape:?} of {kind}");
    if values.is_empty() {
        head.push_str(": no values");
        return Shown::text(head);
    }
    let stats = Stats::of(values.iter().map(|v| v.to_f64()));
    head.push_str(&format!(": {stats}"));
    let text = format!("{head}\n{}", written_out(&values));
    let heading = format!("<div style=\"margin: 4px 0\">{}</div>", escape(&head));
    let body = match shape[..] {
        [n] if n <= SMALL => table(&values),
        [h, w] if h <= SMALL && w <= SMALL => table(&values),
        [h, w] if is_strip(h, w) => super::code_block(&written_out(&values)),
        [h, w] if h > 2 && w > 2 => picture(Picture::of_values(A::to_f64s(values))),
        [1 | 3, h, w] if h > 2 && w > 2 => picture(Picture::of_values(A::to_f64s(values))),
        [.., h, w] if (3..=4).contains(&shape.len()) && h.min(w) > 1 => {
            Gallery::of_values(A::tiles(values, TILES))
                .shown()
                .to_html()
        }
        _ => super::code_block(&written_out(&values)),
    };
    Shown::html(format!("{heading}{body}"), text)
}

fn is_strip(h: usize, w: usize) -> bool {
    h.max(w) > LONG && h.max(w) > 8 * h.min(w)
}

fn picture(picture: Picture) -> String {
    picture.shown().to_html()
}

/// The numbers of a small vector or matrix.
fn table<A: Element>(values: &ArrayViewD<'_, A>) -> String {
    let columns = *values.shape().last().unwrap_or(&1);
    let names: Vec<String> = (0..columns).map(|c| c.to_string()).collect();
    let mut header = vec![("", Align::Left)];
    header.extend(names.iter().map(|n| (n.as_str(), Align::Right)));
    let mut table = Table::new(&header);
    let all: Vec<String> = values.iter().map(|v| v.written()).collect();
    for (i, row) in all.chunks(columns.max(1)).enumerate() {
        let name = match values.ndim() {
            1 => String::new(),
            _ => i.to_string(),
        };
        table.row(std::iter::once(name).chain(row.iter().cloned()));
    }
    table.html("")
}

/// The values in brackets, long axes shortened.
fn written_out<A: Element>(values: &ArrayViewD<'_, A>) -> String {
    let mut out = String::new();
    let most = match values.ndim() {
        1 => 20,
        2 => SMALL,
        _ => 4,
    };
    brackets(values, most, 0, &mut out);
    out
}

fn brackets<A: Element>(values: &ArrayViewD<'_, A>, most: usize, depth: usize, out: &mut String) {
    out.push('[');
    let len = values.shape()[0];
    let shown: Vec<usize> = match len > most {
        false => (0..len).collect(),
        true => (0..most - most / 2).chain(len - most / 2..len).collect(),
    };
    for (k, &i) in shown.iter().enumerate() {
        let inner = values.index_axis(ndarray::Axis(0), i);
        if k > 0 {
            match inner.ndim() {
                0 => out.push_str(", "),
                _ => out.push_str(&format!(",\n{}", " ".repeat(depth + 1))),
            }
            if shown[k - 1] + 1 != i {
                match inner.ndim() {
                    0 => out.push_str("..., "),
                    _ => out.push_str(&format!("...,\n{}", " ".repeat(depth + 1))),
                }
            }
        }
        match inner.first() {
            Some(v) if inner.ndim() == 0 => out.push_str(&v.written()),
            _ => brackets(&inner, most, depth + 1, out),
        }
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2, Array3, Array4, ArrayD, IxDyn, arr0, array};

    #[test]
    fn numbers_are_short_but_true() {
        for (v, text) in [
            (0.1f32 as f64, "0.1"),
            (3.0, "3.0"),
            (-0.0, "0.0"),
            (1234.5678, "1234.6"),
            (123456.0, "123456"),
            (1e-9, "1.000e-9"),
            (0.0012345678, "0.0012346"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(short_number(v), text);
        }
    }

    #[test]
    fn a_small_matrix_is_a_table_with_its_statistics() {
        let shown = array![[1.0f32, -2.0], [0.5, f32::NAN]].shown();
        assert_eq!(
            shown.text,
            "shape [2, 2] of f32: min -2, mean -0.16667, max 1, 1 NaN\n\
             [[1.0, -2.0],\n [0.5, NaN]]"
        );
        let html = shown.html.unwrap();
        assert!(html.contains("<table") && html.contains("-2.0"));
    }

    #[test]
    fn images_batches_and_channels_are_pictures() {
        let pictures: Vec<(Shown, usize)> = vec![
            (Array2::<u8>::eye(28).shown(), 1),
            (Array3::<f32>::ones((3, 20, 20)).shown(), 1),
            (Array3::<f32>::ones((8, 20, 20)).shown(), 8),
            (Array4::<f32>::ones((5, 1, 28, 28)).shown(), 5),
            (Array4::<f64>::ones((2, 4, 3, 3)).shown(), 8),
        ];
        for (shown, images) in pictures {
            let html = shown.html.unwrap();
            assert_eq!(html.matches("<img").count(), images);
            assert_eq!(html.matches("alt=").count(), images);
        }
    }

    #[test]
    fn signed_matrices_are_blue_and_red() {
        let html = (Array2::<f32>::eye(20) - 0.5).shown().html.unwrap();
        assert_eq!(html.matches("<img").count(), 2, "picture and colour bar");
    }

    #[test]
    fn every_shape_and_element_is_shown() {
        assert_eq!(arr0(2.5f32).shown().text, "2.5");
        assert!(
            Array1::<usize>::zeros(1000)
                .shown()
                .text
                .contains("0, ..., 0")
        );
        assert!(
            Array1::from(vec![true, false])
                .shown()
                .text
                .contains("[true, false]")
        );
        assert!(
            Array2::<i32>::zeros((0, 3))
                .shown()
                .text
                .contains("no values")
        );
        for shape in [
            vec![2, 2, 2, 2, 2],
            vec![1, 1],
            vec![1, 500],
            vec![7, 1, 1, 1],
            vec![4, 3, 1, 9],
        ] {
            let text = ArrayD::<f64>::zeros(IxDyn(&shape)).shown().text;
            assert!(text.starts_with(&format!("shape {shape:?}")), "{text}");
        }
        assert!(array![[1u8, 2]].view().shown().text.contains("[[1, 2]]"));
        assert!(array![1i64].view().shown().text.contains("[1]"));
    }

    #[test]
    fn a_thin_strip_is_numbers() {
        let html = Array2::<f32>::ones((1000, 10)).shown().html.unwrap();
        assert!(!html.contains("<img") && html.contains("<pre"));
    }

    #[test]
    fn a_large_array_has_a_short_twin() {
        let text = Array4::<f32>::zeros((100, 3, 64, 64)).shown().text;
        assert!(text.len() < 4000, "{}", text.len());
    }
}
