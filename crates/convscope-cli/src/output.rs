//! Where words go, and how tables and bars look.

use anyhow::Result;
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Prints a result on standard output.
///
/// # Errors
/// When nobody reads it any more, as a bare `io::Error` that `main` takes for a quiet end.
pub fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Says something beside the results, on standard error.
pub fn say(text: &str) {
    // There is nowhere to report it to if this fails.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Rows as lines, with columns as wide as what is in them; those named in `right` are flushed right.
pub fn table(rows: &[Vec<String>], right: &[usize]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, &width))| match right.contains(&column) {
            true => format!("{cell:>width$}"),
            false => format!("{cell:width$}"),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// A share from 0 to 1 as a bar of so many places, in eighths of a place.
pub fn bar(share: f32, places: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * (8 * places) as f32).round() as usize;
    "█".repeat(eighths / 8) + PARTS[eighths % 8]
}

/// "a, b or c", each in quotes.
pub fn either(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// The `count` names nearest to one that was mistyped, the nearest first.
pub fn nearest<'a>(
    wanted: &str,
    names: impl Iterator<Item = &'a str>,
    count: usize,
) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.collect();
    let plain = |name: &str| name.to_lowercase().replace(['_', '-', ' ', '/'], ".");
    let wanted = plain(wanted);
    names.sort_by_key(|name| strsim::damerau_levenshtein(&wanted, &plain(name)));
    names.truncate(count);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        assert_eq!(bar(0.0, 4), "");
        assert_eq!(bar(0.5, 4), "██");
        assert_eq!(bar(0.53, 4), "██▏");
        assert_eq!(bar(1.5, 4), "████");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "n"], ["bcd", "10"]].map(|row| row.map(String::from).to_vec());
        assert_eq!(table(&rows, &[1]), "a     n\nbcd  10\n");
    }

    #[test]
    fn a_mistyped_name_has_neighbours() {
        let names = ["conv1", "layer1.0.conv1", "layer1.0.conv2", "fc"];
        let found = nearest("layer1/0/conv2", names.into_iter(), 2);
        assert_eq!(found, ["layer1.0.conv2", "layer1.0.conv1"]);
    }
}
