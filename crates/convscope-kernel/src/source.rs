//! From a line of the source that evcxr made of a cell to the line that the student wrote.

use std::path::{Path, PathBuf};

/// Finds the cell's line that became line `made` (from 1) of `source`: the one that reads the same
/// and has the most equal lines around it.
pub fn cell_line(source: &str, made: usize, cell: &str) -> Option<usize> {
    let source: Vec<&str> = source.lines().map(str::trim).collect();
    let cell: Vec<&str> = cell.lines().map(str::trim).collect();
    let made = made.checked_sub(1)?;
    let wanted = source.get(made).filter(|line| !line.is_empty())?;
    let equal = |a: Option<&&str>, b: Option<&&str>| a.is_some() && a == b;
    let around = |at: usize| {
        let before = (1..=at.min(made))
            .take_while(|n| cell[at - n] == source[made - n])
            .count();
        let after = (1..)
            .take_while(|n| equal(cell.get(at + n), source.get(made + n)))
            .count();
        before + after
    };
    (0..cell.len())
        .filter(|at| cell[*at] == *wanted)
        .max_by_key(|at| (around(*at), std::cmp::Reverse(*at)))
        .map(|at| at + 1)
}

/// Where the child's evcxr keeps the source of the running cell: in the folder that its
/// environment names.
pub fn find(given: Option<&Path>, child: u32) -> Option<PathBuf> {
    let file = |folder: &Path| folder.join(crate::panic::CELL_FILE);
    if let Some(folder) = given {
        return Some(file(folder));
    }
    let own = || std::env::var_os("EVCXR_TMPDIR").map(|folder| file(Path::new(&folder)));
    crate::process::family(child)
        .into_iter()
        .find_map(|(id, _)| {
            let environment = std::fs::read(format!("/proc/{id}/environ")).ok()?;
            let folder = environment
                .split(|byte| *byte == 0)
                .find_map(|entry| entry.strip_prefix(b"EVCXR_TMPDIR="))?;
            Some(file(Path::new(std::str::from_utf8(folder).ok()?)))
        })
        .or_else(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_found_by_its_text_and_its_neighbours() {
        let source = "fn run() {\nlet v = 1;\nf(v);\nlet w = 2;\nf(v);\n}\n";
        let cell = "let v = 1;\nf(v);\nlet w = 2;\n  f(v);";
        assert_eq!(cell_line(source, 3, cell), Some(2));
        assert_eq!(cell_line(source, 5, cell), Some(4));
        assert_eq!(cell_line(source, 1, cell), None);
        assert_eq!(cell_line(source, 0, cell), None);
        assert_eq!(cell_line(source, 99, cell), None);
    }
}
