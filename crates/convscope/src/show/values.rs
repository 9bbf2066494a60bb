//! Plain values: numbers, text, and what std wraps them in.

use super::{Show, Shown, escape};

macro_rules! shown_as {
    ($format:literal: $($type:ty),*) => {$(
        impl Show for $type {
            fn shown(&self) -> Shown {
                Shown::text(format!($format, self))
            }
        }
    )*};
}

shown_as!("{}": bool, char, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, str, String);
// `Debug` writes 1e-30 and 3.0 where `Display` would write thirty digits and 3.
shown_as!("{:?}": f32, f64);

impl Show for () {
    fn shown(&self) -> Shown {
        Shown::default()
    }
}

/// `Some(...)` around what is inside.
impl<T: Show> Show for Option<T> {
    fn shown(&self) -> Shown {
        match self {
            None => Shown::text("None"),
            Some(value) => wrapped("Some", value.shown()),
        }
    }
}

/// `Ok(...)` around what is inside; an error in its own words.
impl<T: Show, E: std::fmt::Debug + std::fmt::Display> Show for Result<T, E> {
    fn shown(&self) -> Shown {
        match self {
            Ok(value) => wrapped("Ok", value.shown()),
            Err(error) => Shown::html(
                format!(
                    "<p style=\"margin: 4px 0\"><b>Err</b>: {}</p>",
                    escape(&error.to_string())
                ),
                format!("Err: {error}"),
            ),
        }
    }
}

fn wrapped(what: &str, inner: Shown) -> Shown {
    match inner.html {
        // A picture or a table says what it is by itself.
        Some(html) => Shown::html(html, inner.text),
        None => Shown::text(format!("{what}({})", inner.text)),
    }
}

/// At most this many elements of a list are written out.
const LONG: usize = 100;

impl<T: Show> Show for [T] {
    fn shown(&self) -> Shown {
        list(self, "[", "]")
    }
}

impl<T: Show> Show for Vec<T> {
    fn shown(&self) -> Shown {
        list(self, "[", "]")
    }
}

impl<T: Show, const N: usize> Show for [T; N] {
    fn shown(&self) -> Shown {
        list(self, "[", "]")
    }
}

fn list<T: Show>(items: &[T], open: &str, close: &str) -> Shown {
    let shown: Vec<Shown> = items.iter().take(LONG).map(Show::shown).collect();
    join(&shown, items.len(), open, close)
}

fn join(shown: &[Shown], len: usize, open: &str, close: &str) -> Shown {
    let rich = shown.iter().any(|s| s.html.is_some());
    let separator = if rich { "\n" } else { ", " };
    let mut text: Vec<&str> = shown.iter().map(|s| s.text.as_str()).collect();
    let more = format!("... ({len} in all)");
    if len > shown.len() {
        text.push(&more);
    }
    let text = text.join(separator);
    if !rich {
        return Shown::text(format!("{open}{text}{close}"));
    }
    let html: String = shown
        .iter()
        .map(|s| format!("<div>{}</div>", s.to_html()))
        .collect();
    Shown::html(html, text)
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),+);)*) => {$(
        impl<$($name: Show),+> Show for ($($name,)+) {
            fn shown(&self) -> Shown {
                let shown = [$(self.$index.shown()),+];
                join(&shown, shown.len(), "(", ")")
            }
        }
    )*};
}

tuples! {
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, E 4);
    (A 0, B 1, C 2, D 3, E 4, F 5);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_read_as_they_are_written() {
        let cases: Vec<(Shown, &str)> = vec![
            (0.1f32.shown(), "0.1"),
            (3.0f64.shown(), "3.0"),
            (1e-30f64.shown(), "1e-30"),
            (f32::NAN.shown(), "NaN"),
            ("a \"b\"".shown(), "a \"b\""),
            (Some(5).shown(), "Some(5)"),
            (None::<f32>.shown(), "None"),
            (vec![1, 2].shown(), "[1, 2]"),
            ((1, 2.5, "x").shown(), "(1, 2.5, x)"),
            (Ok::<f32, String>(1.5).shown(), "Ok(1.5)"),
            (Err::<f32, String>("no".into()).shown(), "Err: no"),
        ];
        for (shown, text) in cases {
            assert_eq!(shown.text, text);
        }
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let text = vec![7; 1000].shown().text;
        assert!(
            text.len() < 400 && text.ends_with("... (1000 in all)]"),
            "{text}"
        );
    }

    #[test]
    fn an_error_is_escaped() {
        let html = Err::<f32, String>("<i>".into()).shown().html.unwrap();
        assert!(html.contains("&lt;i&gt;"));
    }
}
