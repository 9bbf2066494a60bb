//! A file that says which class a photograph belongs to.

use super::wrong;
use crate::error::Result;
use crate::photo_set::is_picture;
use std::collections::BTreeMap;
use std::path::Path;

/// The class of every name in a file of labels; names lose a picture's ending.
pub(super) fn read_labels(text: &str, file: &Path) -> Result<BTreeMap<String, String>> {
    let mut named = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim().trim_start_matches('\u{feff}');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let at = |problem: &str| wrong(file, &format!("line {}: {problem}", number + 1));
        let (name, class) = match line.rsplit_once(',') {
            Some((name, class)) if !name.trim().is_empty() && !class.trim().is_empty() => (
                name.trim().trim_matches('"'),
                class.trim().trim_matches('"'),
            ),
            _ => return Err(at(&format!("expected file,class, got \"{line}\""))),
        };
        let path = Path::new(name.trim_start_matches("./"));
        let name = match is_picture(path) {
            true => path.with_extension(""),
            false => path.to_owned(),
        };
        let name = name.to_string_lossy().into_owned();
        if let Some(other) = named.insert(name.clone(), class.to_owned()) {
            let both = format!("{name} is given a second class, {class}, after {other}");
            return Err(at(&both));
        }
    }
    Ok(named)
}

/// An error if there is any name; it lists the first.
pub(super) fn disagree<'a>(
    file: &Path,
    what: &str,
    names: impl Iterator<Item = &'a String>,
) -> Result<()> {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() {
        return Ok(());
    }
    let more = match names.len() {
        ..=5 => String::new(),
        n => format!(" and {} more", n - 5),
    };
    let first = names[..names.len().min(5)].join(", ");
    Err(wrong(file, &format!("it {what}: {first}{more}")))
}
