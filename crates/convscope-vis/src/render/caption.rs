//! Words around pictures.

use super::canvas::{below, blank, paste};
use super::sheet::{GAP, TITLE};
use super::words::{INK, letter, text_width, wrapped, write};
use image::RgbImage;

/// Titles in the middle of their columns; short ones stand close to them.
pub(super) fn header(
    titles: &[Vec<String>],
    margin: u32,
    side: u32,
    width: u32,
    height: u32,
    line: u32,
) -> RgbImage {
    let mut head = blank(width, height);
    for (i, lines) in titles.iter().enumerate() {
        let left = margin + i as u32 * (side + GAP);
        for (k, words) in lines.iter().enumerate() {
            let x = left + side.saturating_sub(text_width(words, TITLE)) / 2;
            // Short titles stand close to their column.
            let y = height - GAP / 2 - (lines.len() - k) as u32 * line;
            write(&mut head, i64::from(x), i64::from(y), words, TITLE, INK);
        }
    }
    head
}

pub(super) fn shifted(picture: &RgbImage, x: u32, width: u32) -> RgbImage {
    let mut all = blank(width, picture.height());
    paste(&mut all, picture, x, 0);
    all
}

/// A picture with words below it, in as many lines as they take.
pub fn captioned(picture: &RgbImage, words: &str) -> RgbImage {
    let width = picture.width().max(240);
    let lines = paragraph(words, 0, width, 1);
    below(&[picture.clone(), lines], GAP)
}

pub(super) fn paragraph(words: &str, margin: u32, width: u32, size: u32) -> RgbImage {
    let room = width.saturating_sub(margin + GAP) / letter(size)[0];
    let lines = wrapped(words, room.max(8) as usize);
    let line = letter(size)[1] + 1;
    let mut all = blank(width, lines.len() as u32 * line);
    for (i, words) in lines.iter().enumerate() {
        let y = i64::from(i as u32 * line);
        write(&mut all, i64::from(margin), y, words, size, INK);
    }
    all
}
