//! How wide words are, and numbers in short.

use convscope_nn::Shape;

/// The width of a text in pixels, with room to spare in the usual sans-serif fonts. (It follows
/// DejaVu Sans, the widest of them.)
pub(crate) fn width(text: &str, size: f64, bold: bool) -> f64 {
    let em: f64 = text.chars().map(advance).sum();
    em * size * if bold { 1.12 } else { 1.0 }
}

/// The share of its height that a letter is wide.
fn advance(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '\'' | '|' => 0.30,
        '.' | ',' | ' ' | ':' | ';' | '/' | '!' => 0.35,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.98,
        'A'..='Z' => 0.72,
        c if c.is_ascii() => 0.64,
        _ => 1.0,
    }
}

/// `64x56x56`.
pub(crate) fn shape(shape: &Shape) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    sizes.join("x")
}

/// `640`, `9.4k`, `147k`, `1.2M`, `103M`, `5.7G`: at most three digits and a letter.
pub(crate) fn short_count(n: usize) -> String {
    let n = n as f64;
    let (number, unit) = match n {
        n if n < 999.5 => return format!("{n}"),
        n if n < 999.5e3 => (n / 1e3, "k"),
        n if n < 999.5e6 => (n / 1e6, "M"),
        n => (n / 1e9, "G"),
    };
    match number < 9.95 {
        true => format!("{number:.1}{unit}"),
        false => format!("{number:.0}{unit}"),
    }
}

/// A number with at most one decimal.
pub(crate) fn pixels(v: f64) -> String {
    let rounded = (v * 10.0).round() / 10.0 + 0.0;
    format!("{rounded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_at_most_three_digits() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1000, "1.0k"),
            (9_408, "9.4k"),
            (999_499, "999k"),
            (999_600, "1.0M"),
            (25_557_032, "26M"),
            (4_089_184_256, "4.1G"),
        ];
        for (n, words) in cases {
            assert_eq!(short_count(n), words);
        }
    }
}
