//! Letters and numbers on pictures, in the bitmap font Spleen (Frederic Cambus, BSD-2-Clause).

use image::{Rgb, RgbImage};
use spleen_font::{FONT_6X12, FONT_12X24, PSF2Font};

/// The colour of words: almost black.
pub const INK: [u8; 3] = [40, 40, 40];

/// Width and height of a letter in pixels. (The font's files of other sizes are damaged in the crate.)
pub(super) const fn letter(size: u32) -> [u32; 2] {
    match size {
        0 | 1 => [6, 12],
        _ => [12, 24],
    }
}

/// How wide words are at a size: 1 for small letters, 2 for titles.
pub fn text_width(words: &str, size: u32) -> u32 {
    words.chars().count() as u32 * letter(size)[0]
}

/// Writes words with their upper left corner at (x, y). What the font does not have becomes a
/// question mark; what lies outside is lost.
pub fn write(picture: &mut RgbImage, x: i64, y: i64, words: &str, size: u32, ink: [u8; 3]) {
    let data = match size {
        0 | 1 => FONT_6X12,
        _ => FONT_12X24,
    };
    let Ok(mut font) = PSF2Font::new(data) else {
        return;
    };
    let [width, height] = letter(size);
    let bytes_a_row = width.div_ceil(8) as usize;
    for (i, letter) in words.chars().enumerate() {
        let left = x + i as i64 * i64::from(width);
        let Some(rows) = glyph(&mut font, letter) else {
            continue;
        };
        for (row, column) in (0..height * width).map(|k| (k / width, k % width)) {
            let byte = rows.get(row as usize * bytes_a_row + column as usize / 8);
            if byte.is_some_and(|b| b >> (7 - column % 8) & 1 == 1) {
                let (px, py) = (left + i64::from(column), y + i64::from(row));
                if let (Ok(px), Ok(py)) = (u32::try_from(px), u32::try_from(py))
                    && let Some(pixel) = picture.get_pixel_mut_checked(px, py)
                {
                    *pixel = Rgb(ink);
                }
            }
        }
    }
}

/// The rows of a letter, the highest bit of a byte at the left.
fn glyph<'a>(font: &mut PSF2Font<'a>, letter: char) -> Option<&'a [u8]> {
    let plain = match letter {
        '–' | '—' | '−' => '-',
        '’' | '‘' => '\'',
        '“' | '”' => '"',
        other => other,
    };
    let mut buffer = [0; 4];
    let known = font.get_glyph_data(plain.encode_utf8(&mut buffer).as_bytes());
    known.or_else(|| font.get_glyph_data(b"?"))
}

/// Words in lines of at most so many letters. Words that are too long break after a hyphen, a dot or
/// an underscore, or are cut.
pub(super) fn wrapped(words: &str, letters: usize) -> Vec<String> {
    let letters = letters.max(1);
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        for (i, piece) in pieces(word, letters).into_iter().enumerate() {
            let room = |line: &String| line.chars().count() + 1 + piece.chars().count() <= letters;
            match lines.last_mut() {
                Some(line) if i == 0 && room(line) => *line += &format!(" {piece}"),
                _ => lines.push(piece),
            }
        }
    }
    lines
}

/// A word in pieces of at most so many letters.
fn pieces(word: &str, letters: usize) -> Vec<String> {
    let mut rest: Vec<char> = word.chars().collect();
    let mut pieces = Vec::new();
    while rest.len() > letters {
        let joint = |c: &char| matches!(c, '-' | '.' | '_' | '/');
        let at = rest[..letters].iter().rposition(joint);
        let tail = rest.split_off(at.map_or(letters, |at| at + 1));
        pieces.push(rest.into_iter().collect());
        rest = tail;
    }
    pieces.push(rest.into_iter().collect());
    pieces
}

/// A number in three significant digits: `0.0123`, `12.3`, `1.23e-7`.
pub fn number(value: f32) -> String {
    let v = f64::from(value);
    if v == 0.0 {
        return "0".into();
    }
    if !v.is_finite() {
        return v.to_string();
    }
    let size = v.abs().log10().floor();
    if !(-4.0..6.0).contains(&size) {
        return format!("{v:.2e}");
    }
    let digits = (2.0 - size).max(0.0) as usize;
    let text = format!("{v:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        for (value, words) in [
            (0.0, "0"),
            (0.5, "0.5"),
            (12.345, "12.3"),
            (-0.012_345, "-0.0123"),
            (12_345.0, "12345"),
            (1.234e-7, "1.23e-7"),
            (9.87e9, "9.87e9"),
        ] {
            assert_eq!(number(value), words);
        }
    }

    #[test]
    fn words_are_wrapped_and_long_ones_cut() {
        assert_eq!(wrapped("guided grad-cam", 8), ["guided", "grad-cam"]);
        assert_eq!(wrapped("a b c", 3), ["a b", "c"]);
        assert_eq!(wrapped("abcdefg", 3), ["abc", "def", "g"]);
        assert_eq!(wrapped("guided-backprop", 14), ["guided-", "backprop"]);
        assert!(wrapped("", 4).is_empty());
    }

    #[test]
    fn every_letter_is_there_at_every_size_and_no_two_are_alike() {
        for (size, data) in [(1, FONT_6X12), (2, FONT_12X24)] {
            let [width, height] = letter(size);
            let mut font = PSF2Font::new(data).unwrap();
            let mut seen = std::collections::HashSet::new();
            for c in '!'..='~' {
                let rows = glyph(&mut font, c).unwrap();
                assert_eq!(rows.len() as u32, height * width.div_ceil(8), "{c}");
                assert!(rows.iter().any(|&b| b != 0), "{c}");
                assert!(seen.insert(rows.to_vec()), "{c}");
            }
        }
    }

    #[test]
    fn letters_are_drawn_where_they_belong_and_off_the_edge_they_are_lost() {
        let mut picture = RgbImage::from_pixel(20, 20, Rgb([255; 3]));
        write(&mut picture, 8, 8, "I", 1, [0; 3]);
        let inked = |p: &RgbImage| {
            let dark = p.enumerate_pixels().filter(|(_, _, c)| c.0 == [0; 3]);
            dark.map(|(x, y, _)| (x, y)).collect::<Vec<_>>()
        };
        let found = inked(&picture);
        assert!(!found.is_empty() && found.iter().all(|&(x, y)| (8..16).contains(&x) && y >= 8));
        write(&mut picture, -100, -100, "I", 2, [0; 3]);
        write(&mut picture, 500, 500, "I", 2, [0; 3]);
        assert_eq!(inked(&picture), found);
    }
}
