//! How values appear under a notebook's cell.
//!
//! The kernel shows a cell's last expression by calling `(expression).evcxr_display()`. A value
//! that has such a method is shown at once; one without costs the cell a second build. So the
//! prelude brings two traits with that method: [`EvcxrDisplay`] takes `&self` and covers every type
//! that implements [`Show`]; [`EvcxrDebug`] takes `&mut self` and covers everything that implements
//! `Debug`. Rust looks for a method by `&` before it looks by `&mut`, so the first one wins where
//! both apply.

mod array;
mod challenge;
mod data;
mod drawing;
mod hessian;
mod html;
mod network;
mod optim;
mod search;
mod shipped;
mod training;
mod transfer;
mod values;
mod vis;

pub use array::Element;
pub(crate) use array::{Stats, plain_number, short_number};
pub(crate) use html::{Align, Table, code_block, escape, img, note, paragraph};
pub use search::{Trials, trials_table};

use std::fmt::Debug;
use std::io::Write;

/// What a value looks like: plain text always, HTML where there is more to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// HTML that works in a light and a dark theme and in an untrusted notebook.
    pub html: Option<String>,
    /// The plain-text twin.
    pub text: String,
}

impl Shown {
    /// Plain text alone.
    pub fn text(text: impl Into<String>) -> Shown {
        Shown {
            html: None,
            text: text.into(),
        }
    }

    /// HTML with its plain-text twin.
    pub fn html(html: impl Into<String>, text: impl Into<String>) -> Shown {
        Shown {
            html: Some(html.into()),
            text: text.into(),
        }
    }

    /// As HTML in any case.
    pub(crate) fn to_html(&self) -> String {
        match &self.html {
            Some(html) => html.clone(),
            None => code_block(&self.text),
        }
    }
}

/// A value that a notebook can show. Implement it for a type of your own, and it is shown too.
pub trait Show {
    /// What it looks like.
    fn shown(&self) -> Shown;
}

/// What the kernel calls on a cell's last expression; every [`Show`] has it.
pub trait EvcxrDisplay {
    /// Puts the value under the cell.
    fn evcxr_display(&self);
}

impl<T: Show + ?Sized> EvcxrDisplay for T {
    fn evcxr_display(&self) {
        emit(&self.shown());
    }
}

/// The same for whatever is only `Debug`.
pub trait EvcxrDebug {
    /// Puts the value's `Debug` text under the cell.
    fn evcxr_display(&mut self);
}

impl<T: Debug + ?Sized> EvcxrDebug for T {
    fn evcxr_display(&mut self) {
        emit(&Shown::text(format!("{self:?}")));
    }
}

impl<T: Show + ?Sized> Show for &T {
    fn shown(&self) -> Shown {
        (**self).shown()
    }
}

impl Show for Shown {
    fn shown(&self) -> Shown {
        self.clone()
    }
}

/// `Debug` for types that are a picture when they are shown. The kernel falls back to it where the
/// cell's last expression takes a variable away: so it says how to come by the picture.
macro_rules! debug_says_how_to_show {
    ($($shown:ty),* $(,)?) => {$(
        impl std::fmt::Debug for $shown {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&crate::show::Show::shown(self).text)?;
                f.write_str("\n")?;
                f.write_str($crate::show::AS_TEXT)
            }
        }
    )*};
}
pub(crate) use debug_says_how_to_show;

/// What stands under a picture that came out as text.
pub(crate) const AS_TEXT: &str = "(This is a picture, and it came out as text because the cell's \
    last line takes a variable away. Write .clone() behind that variable's name.)";

/// Hands a value to the kernel: the one place that speaks its protocol.
pub(crate) fn emit(shown: &Shown) {
    let block = protocol(shown);
    // A closed standard output is no reason to panic in the middle of a notebook.
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(block.as_bytes());
    let _ = out.flush();
}

fn protocol(shown: &Shown) -> String {
    const END: &str = "EVCXR_END_CONTENT";
    let mut block = String::new();
    let mut part = |mime: &str, content: &str| {
        block.push_str(&format!("EVCXR_BEGIN_CONTENT {mime}\n"));
        for line in content.lines() {
            // A line that looks like the end mark would cut the content off.
            if line == END {
                block.push(' ');
            }
            block.push_str(line);
            block.push('\n');
        }
        block.push_str(END);
        block.push('\n');
    };
    if let Some(html) = &shown.html {
        part("text/html", html);
    }
    if !shown.text.is_empty() {
        part("text/plain", &shown.text);
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_travel_in_one_block() {
        let block = protocol(&Shown::html("<b>2</b>", "2"));
        assert_eq!(
            block,
            "EVCXR_BEGIN_CONTENT text/html\n<b>2</b>\nEVCXR_END_CONTENT\n\
             EVCXR_BEGIN_CONTENT text/plain\n2\nEVCXR_END_CONTENT\n"
        );
    }

    #[test]
    fn a_value_cannot_end_its_own_block() {
        let block = protocol(&Shown::text("a\nEVCXR_END_CONTENT\nb"));
        assert_eq!(
            block.lines().filter(|l| *l == "EVCXR_END_CONTENT").count(),
            1
        );
    }

    #[test]
    fn a_picture_that_comes_out_as_text_says_what_to_do() {
        let plot = crate::plot::Plot::new("Loss").line("training", 1..=3, [2.3, 1.1, 0.7]);
        let row = crate::picture::side_by_side(vec![("left", plot.clone())]);
        for text in [format!("{plot:?}"), format!("{row:?}")] {
            assert!(text.contains("Loss") && text.contains(".clone()"), "{text}");
        }
    }

    #[test]
    fn nothing_to_show_sends_nothing() {
        assert_eq!(protocol(&().shown()), "");
    }

    #[test]
    #[allow(clippy::needless_borrow)] // how a reference is looked up is the point
    fn show_wins_over_debug_and_debug_catches_the_rest() {
        #[derive(Debug)]
        struct Own;
        trait Which {
            fn which(&self) -> &'static str;
        }
        impl<T: Show + ?Sized> Which for T {
            fn which(&self) -> &'static str {
                "show"
            }
        }
        trait Other {
            fn which(&mut self) -> &'static str;
        }
        impl<T: Debug + ?Sized> Other for T {
            fn which(&mut self) -> &'static str {
                "debug"
            }
        }
        let array = ndarray::arr1(&[1.0f32]);
        assert_eq!((array).which(), "show");
        assert_eq!((&array).which(), "show");
        assert_eq!((array.view()).which(), "show");
        assert_eq!((1.5f32).which(), "show");
        assert_eq!(("text").which(), "show");
        assert_eq!((1 + 1).which(), "show");
        assert_eq!((Some(2.5)).which(), "show");
        assert_eq!((Own).which(), "debug");
        assert_eq!((Some(Own)).which(), "debug");
        assert_eq!((std::time::Duration::from_secs(1)).which(), "debug");
    }
}
