//! Numbers of any type, as a plot takes them.

/// A number that can be plotted; `f64`, `f32`, integers and references to them are.
pub trait Number: Copy {
    /// The number as `f64`.
    fn number(self) -> f64;
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Number for $type {
            fn number(self) -> f64 {
                self as f64
            }
        }
    )*};
}

numbers!(f32, f64, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

impl<T: Number> Number for &T {
    fn number(self) -> f64 {
        (*self).number()
    }
}

pub(super) fn numbers<T: Number>(values: impl IntoIterator<Item = T>) -> Vec<f64> {
    values.into_iter().map(Number::number).collect()
}
