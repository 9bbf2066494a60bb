//! What to do about the compile errors that beginners in notebooks meet most.
//!
//! A hint is chosen by rustc's error code and by the words of the message, as rustc 1.95 and evcxr
//! 0.22 write them.

/// A hint, and the errors it is for.
struct Hint {
    /// One of these codes; any when empty.
    codes: &'static [&'static str],
    /// In the message or its notes: one of these; anything when empty.
    words: &'static [&'static str],
    text: &'static str,
}

const BORROWED: &str = "A variable that lives on in later cells cannot borrow from another one. \
    Keep an owned value (`.clone()`, `.to_owned()`), or put the lines that need the borrow between \
    `{` and `}` in one cell.";

/// The first that fits is given, so the special stand before the general.
const HINTS: [Hint; 17] = [
    Hint {
        codes: &["E0382", "E0505"],
        words: &[],
        text: "The value was moved: after `let b = a`, or after a function took it, `a` is empty. \
               Lend it with `&a`, or copy it with `a.clone()`. If the cell that moved it has run, \
               run the cell that makes it again.",
    },
    Hint {
        codes: &["E0597", "E0716", "E0521", "E0106"],
        words: &[],
        text: BORROWED,
    },
    Hint {
        codes: &[],
        words: &[
            "contains a reference with a non-static lifetime",
            "cannot contain references",
        ],
        text: BORROWED,
    },
    Hint {
        codes: &[],
        words: &[
            "which cannot be persisted",
            "Couldn't automatically determine type of variable",
            "Failed to determine type of variable",
            "`impl Trait` is not allowed in the type of variable bindings",
        ],
        text: "The notebook keeps a variable only if its type has a name. A closure becomes a function \
               (`fn`) or a `Box<dyn Fn(f32) -> f32>`, an iterator a `Vec` (`.collect()`); or write \
               the type: `let name: Type = ...`.",
    },
    Hint {
        codes: &["E0282", "E0283", "E0284"],
        words: &[],
        text: "Rust cannot tell this type from the code alone. Write it: `let name: Type = ...`, or \
               `.collect::<Vec<_>>()`, `.parse::<f32>()`.",
    },
    Hint {
        codes: &[],
        words: &["missing a semicolon", "`()` doesn't implement `Debug`"],
        text: "A cell that ends with a `for` or `while` loop needs a `;` after the loop's last `}`.",
    },
    Hint {
        codes: &["E0308", "E0317"],
        words: &["expected `()`, found", "may be missing an `else`"],
        text: "The last line of a loop, or of an `if` without `else`, must not give a value: end it with \
               `;`, or keep the value with `let` or `+=`.",
    },
    Hint {
        codes: &["E0308"],
        words: &["found `()`", "`for` loops evaluate to unit type `()`"],
        text: "A loop, or a line that ends with `;`, gives nothing back. If the loop is the cell's last \
               line, put a `;` after its last `}`; if a value is wanted, take the `;` off its line.",
    },
    Hint {
        codes: &["E0308", "E0271", "E0277"],
        words: &["an array with a size of", "Dim<[usize;", "OwnedRepr"],
        text: "The arrays have different numbers of axes (`Dim<[usize; 2]>` has two). Add one with \
               `.insert_axis(Axis(0))`, take one out with `.index_axis(Axis(0), 0)`, or change the \
               form with `.into_shape_with_order(...)`.",
    },
    Hint {
        codes: &["E0277", "E0728"],
        words: &[
            "the `?` operator can only be used",
            "`?` couldn't convert the error",
        ],
        text: "`?` hands an error to the caller, so the function around it must return a `Result` that \
               can hold it: `fn name() -> Result<T, Box<dyn std::error::Error>>` and `Ok(value)` in \
               its last line. In a cell outside of functions `?` works as it is.",
    },
    Hint {
        codes: &["E0277"],
        words: &[
            "Layer` is not satisfied",
            "Layer` is not implemented",
            "Layer<f32> + 'static)>: From<",
        ],
        text: "What stands here is no layer. Give the layer itself (`Conv2d::new(...)`, not its \
               `Result`: add a `?`), or write `impl Layer for YourType` in the cell of the type.",
    },
    Hint {
        codes: &["E0277", "E0308"],
        words: &[
            "a float to an integer",
            "an integer to a float",
            "no implementation for `{integer}",
            "no implementation for `{float}",
            "no implementation for `f32",
            "no implementation for `f64",
            "no implementation for `usize",
            "no implementation for `i32",
            "found integer",
            "found floating-point number",
            "expected floating-point number",
            "expected `usize`, found `f",
            "expected `i32`, found `f",
            "expected `f32`, found `f64`",
            "expected `f64`, found `f32`",
            "expected `f32`, found `usize`",
            "expected `f32`, found `i32`",
            "expected `f32`, found `u8`",
        ],
        text: "Rust does not mix numbers of different kinds by itself. Write `1.0` for a float, and \
               change a variable's kind with `as`: `n as f32`, `x as usize`.",
    },
    Hint {
        codes: &["E0432", "E0433"],
        words: &["convscope"],
        text: "The course's crate is not loaded. Run the notebook's first cell, the one with `:dep`.",
    },
    Hint {
        codes: &["E0412", "E0433", "E0425", "E0405", "E0432"],
        words: &PRELUDE,
        text: "This name comes from the course's prelude. Run the notebook's first cell, with \
               `use convscope::prelude::*;`, or begin this one with it.",
    },
    Hint {
        codes: &["E0599"],
        words: &["items from traits can only be used if the trait is in scope"],
        text: "The method belongs to a trait that is not in scope. Run the notebook's first cell, with \
               `use convscope::prelude::*;`, or the `use` line that the message names.",
    },
    Hint {
        codes: &["E0425", "E0412", "E0433", "E0405"],
        words: &["in this scope", "undeclared type", "unresolved"],
        text: "No cell that has run so far makes this name. Look whether it is spelled as in its cell, \
               and run that cell first, even if it stands further down (menu Run, Run All Above \
               Selected Cell).",
    },
    Hint {
        codes: &[],
        words: &["cannot find macro"],
        text: "No such macro is known here. Run the notebook's first cell, with \
               `use convscope::prelude::*;`, and look at the spelling.",
    },
];

/// Names that only the prelude gives.
const PRELUDE: [&str; 14] = [
    "`Tensor`",
    "`Network`",
    "`NetworkBuilder`",
    "`Conv2d`",
    "`Linear`",
    "`Trainer`",
    "`Trace`",
    "`Rule`",
    "`Unit`",
    "`Plot`",
    "`Dataset`",
    "`picture`",
    "`Array4`",
    "`Layer`",
];

/// A hint for an error, by its code and its text.
pub fn hint(code: Option<&str>, text: &str) -> Option<&'static str> {
    HINTS
        .iter()
        .find(|hint| {
            let code_fits =
                hint.codes.is_empty() || code.is_some_and(|code| hint.codes.contains(&code));
            let words_fit =
                hint.words.is_empty() || hint.words.iter().any(|word| text.contains(word));
            code_fits && words_fit
        })
        .map(|hint| hint.text)
}

/// The error code in a text, such as `E0382` in `error[E0382]: borrow of moved value`.
pub fn code(text: &str) -> Option<&str> {
    text.match_indices("[E").find_map(|(at, _)| {
        let code = text.get(at + 1..at + 6)?;
        let digits = code[1..].bytes().all(|c| c.is_ascii_digit());
        (digits && text[at + 6..].starts_with(']')).then_some(code)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What rustc 1.95 printed, and a word of the hint for each of its errors.
    const RUSTC: [(&str, &[&str]); 10] = [
        (include_str!("../tests/rustc/moved.txt"), &[".clone()"]),
        (include_str!("../tests/rustc/borrowed.txt"), &["owned"]),
        (include_str!("../tests/rustc/unnameable.txt"), &["Box<dyn"]),
        (include_str!("../tests/rustc/loopsemi.txt"), &["put a `;`"]),
        (include_str!("../tests/rustc/dims.txt"), &["insert_axis"]),
        (include_str!("../tests/rustc/question.txt"), &["Ok(value)"]),
        (
            include_str!("../tests/rustc/prelude.txt"),
            &["No such macro", "prelude", "prelude", "No cell"],
        ),
        (
            include_str!("../tests/rustc/intfloat.txt"),
            &["as f32", "as f32", "as f32"],
        ),
        (
            include_str!("../tests/rustc/bound.txt"),
            &["impl Layer", "impl Layer"],
        ),
        (
            include_str!("../tests/rustc/later.txt"),
            &["No cell", "No cell"],
        ),
    ];

    #[test]
    fn rustcs_own_words_get_the_hint_that_is_meant() {
        for (text, wanted) in RUSTC {
            let errors: Vec<String> = format!("\n{text}")
                .split("\nerror")
                .skip(1)
                .map(|error| format!("error{error}"))
                .filter(|error| !error.starts_with("error: aborting"))
                .collect();
            assert_eq!(errors.len(), wanted.len(), "{text}");
            for (error, word) in errors.iter().zip(wanted) {
                let hint = hint(code(error), error).unwrap_or_default();
                assert!(hint.contains(word), "{error}\ngot the hint: {hint}");
            }
        }
    }

    #[test]
    fn evcxrs_own_words_get_a_hint() {
        for (text, word) in [
            (
                "The variable `c` is a closure, which cannot be persisted.",
                "Box<dyn",
            ),
            (
                "The variable `i` has type `Map<..>` which cannot be persisted.",
                "collect",
            ),
            (
                "Couldn't automatically determine type of variable `x`.",
                "let name: Type",
            ),
            (
                "The variable `r` contains a reference with a non-static lifetime so",
                "owned",
            ),
            ("Looks like you're missing a semicolon", "loop's last"),
        ] {
            assert!(
                hint(None, text).is_some_and(|hint| hint.contains(word)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_evcxr_makes_of_rustcs_words_gets_the_hint_too() {
        for (code, text, word) in [
            (
                "E0308",
                "mismatched types\nexpected `()`, found floating-point number",
                "end it with `;`",
            ),
            (
                "E0317",
                "`if` may be missing an `else` clause",
                "end it with `;`",
            ),
            (
                "E0277",
                "the trait bound `Box<(dyn convscope::prelude::Layer<f32> + 'static)>: \
                 From<{integer}>` is not satisfied",
                "no layer",
            ),
        ] {
            let hint = hint(Some(code), text).unwrap_or_default();
            assert!(hint.contains(word), "{text}: {hint}");
        }
    }

    #[test]
    fn an_error_that_is_not_in_the_table_gets_no_hint() {
        assert_eq!(
            hint(Some("E0004"), "non-exhaustive patterns: `None` not covered"),
            None
        );
        assert_eq!(hint(None, "expected one of `!` or `::`, found `x`"), None);
        assert_eq!(code("error[E038]: x, [E12345], [E0382] y"), Some("E0382"));
    }
}
