//! docs/methods.md keeps its word: what it names is there.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text() -> String {
    std::fs::read_to_string(root().join("docs/methods.md")).unwrap()
}

/// The rows of its tables, without heads and rules, as cells.
fn rows() -> Vec<Vec<String>> {
    let text = text();
    let table = text.lines().filter(|line| line.starts_with('|'));
    let cells = table.map(|line| {
        let inner = line.trim_matches('|');
        inner
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    });
    cells
        .filter(|row: &Vec<String>| !["method", "preset", "---"].contains(&row[0].as_str()))
        .collect()
}

/// The addresses in `<img src="..."`.
fn pictures(of: &str) -> Vec<String> {
    let parts = of.split("src=\"").skip(1);
    parts
        .map(|part| part.split('"').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn every_row_has_a_source_a_use_and_a_picture() {
    let rows = rows();
    assert!(rows.len() > 40, "only {} rows were found", rows.len());
    for row in rows {
        assert!(row.iter().all(|cell| !cell.is_empty()), "{row:?}");
        assert!(!pictures(row.last().unwrap()).is_empty(), "{row:?}");
    }
}

#[test]
fn every_picture_is_there_and_they_are_small() {
    let mut size = 0;
    for picture in pictures(&text()) {
        let file = root().join("docs").join(&picture);
        let about = std::fs::metadata(&file).unwrap_or_else(|_| panic!("{picture} is missing"));
        size += about.len();
    }
    assert!(size < 3_000_000, "the pictures take {size} bytes");
}

#[test]
fn no_picture_lies_there_without_a_row() {
    let text = text();
    let folder = std::fs::read_dir(root().join("docs/img/methods")).unwrap();
    for file in folder {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(
            text.contains(&format!("img/methods/{name}\"")),
            "{name} is not shown"
        );
    }
}

#[test]
fn every_test_that_a_row_names_is_there() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    for row in rows() {
        let named = row.iter().flat_map(|cell| cell.split('`'));
        for name in named.filter(|name| name.ends_with(".rs")) {
            let places = [
                tests.join("tests").join(name),
                tests.join(name),
                root().join(name),
            ];
            assert!(
                places.iter().any(|place| place.exists()),
                "{name} is missing"
            );
        }
    }
}
