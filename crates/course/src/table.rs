//! Tables for a terminal: columns as wide as what is in them.

/// The rows as lines. The first row is the head; columns named in `right` are flushed right.
pub fn lines(rows: &[Vec<String>], right: &[usize]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    rows.iter()
        .map(|row| {
            let cells = row.iter().enumerate().map(|(column, cell)| {
                let gap = " ".repeat(widths[column] - cell.chars().count());
                if right.contains(&column) {
                    gap + cell
                } else {
                    cell.clone() + &gap
                }
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows =
            [["name", "n"], ["größe", "10"], ["b", "9"]].map(|r| r.map(String::from).to_vec());
        assert_eq!(
            super::lines(&rows, &[1]),
            ["name    n", "größe  10", "b       9"]
        );
    }
}
