//! Letters and numbers on pictures.

use font8x8::{BASIC_FONTS, LATIN_FONTS, UnicodeFonts};
use image::{Rgb, RgbImage};

/// The colour of words: almost black.
pub const INK: [u8; 3] = [40, 40, 40];
/// Pixels of a letter at size 1, both ways.
pub(super) const LETTER: u32 = 8;

/// How wide words are at a size; a letter is 8 pixels times the size.
pub fn text_width(words: &str, size: u32) -> u32 {
    words.chars().count() as u32 * LETTER * size
}

/// Writes words with their upper left corner at (x, y), in letters of 8 by 8 pixels times the size.
/// What the font does not have becomes a question mark; what lies outside is lost.
pub fn write(picture: &mut RgbImage, x: i64, y: i64, words: &str, size: u32, ink: [u8; 3]) {
    let size = size.max(1);
    for (i, letter) in words.chars().enumerate() {
        let left = x + i as i64 * i64::from(LETTER * size);
        let side = (LETTER * size) as usize;
        for (row, column) in (0..side * side).map(|k| (k / side, k % side)) {
            if dot(glyph(letter), row, column, size as usize) {
                let (px, py) = (left + column as i64, y + row as i64);
                if let (Ok(px), Ok(py)) = (u32::try_from(px), u32::try_from(py))
                    && let Some(pixel) = picture.get_pixel_mut_checked(px, py)
                {
                    *pixel = Rgb(ink);
                }
            }
        }
    }
}

/// Eight rows of a letter; the lowest bit is the leftmost pixel.
fn glyph(letter: char) -> [u8; 8] {
    let plain = match letter {
        '–' | '—' | '−' => '-',
        '’' | '‘' => '\'',
        '“' | '”' => '"',
        '×' => 'x',
        other => other,
    };
    let known = BASIC_FONTS.get(plain).or_else(|| LATIN_FONTS.get(plain));
    known.unwrap_or_else(|| BASIC_FONTS.get('?').unwrap_or_default())
}

/// Whether a pixel of an enlarged letter is inked. At even sizes the quarters of a square are
/// rounded as Scale2x does, so that slanted strokes are not stairs.
fn dot(rows: [u8; 8], row: usize, column: usize, size: usize) -> bool {
    let at = |y: isize, x: isize| {
        (0..8).contains(&y) && (0..8).contains(&x) && rows[y as usize] >> x & 1 == 1
    };
    let (y, x) = ((row / size) as isize, (column / size) as isize);
    let here = at(y, x);
    if !size.is_multiple_of(2) {
        return here;
    }
    let down = if (row % size) * 2 < size { -1 } else { 1 };
    let right = if (column % size) * 2 < size { -1 } else { 1 };
    let (vertical, horizontal) = (at(y + down, x), at(y, x + right));
    let (opposite_v, opposite_h) = (at(y - down, x), at(y, x - right));
    match vertical == horizontal && vertical != opposite_h && horizontal != opposite_v {
        true => vertical,
        false => here,
    }
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
