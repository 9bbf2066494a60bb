//! Which notebooks there are, and which of them a name means.

use crate::paths::Paths;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;

/// A notebook of the course, in its two versions.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// `01`
    pub number: String,
    /// `01_convolution`
    pub stem: String,
    pub solution: PathBuf,
    pub student: PathBuf,
}

/// Every notebook that has a solution, in the order of the course.
pub fn all(paths: &Paths) -> Result<Vec<Entry>> {
    let folder = paths.solutions();
    let mut stems = Vec::new();
    if folder.is_dir() {
        let listing = std::fs::read_dir(&folder)
            .with_context(|| format!("{} cannot be listed", folder.display()))?;
        for file in listing {
            let name = file?.file_name().to_string_lossy().into_owned();
            // Others are copies, untitled ones and such.
            let is_numbered = name.starts_with(|c: char| c.is_ascii_digit());
            if let Some(stem) = name.strip_suffix(".ipynb").filter(|_| is_numbered) {
                stems.push(stem.to_string());
            }
        }
    }
    stems.sort();
    Ok(stems
        .into_iter()
        .map(|stem| Entry {
            number: number_of(&stem).to_string(),
            solution: folder.join(format!("{stem}.ipynb")),
            student: paths.notebooks().join(format!("{stem}.ipynb")),
            stem,
        })
        .collect())
}

fn number_of(stem: &str) -> &str {
    stem.split('_').next().unwrap_or(stem)
}

/// The notebooks that the names mean, all where there is no name: `1`, `01`, `01_convolution`, or
/// the path of a file.
pub fn select(paths: &Paths, names: &[String]) -> Result<Vec<Entry>> {
    let all = all(paths)?;
    if all.is_empty() {
        bail!("there is no notebook in {}", paths.solutions().display());
    }
    if names.is_empty() {
        return Ok(all);
    }
    let mut chosen: Vec<Entry> = Vec::new();
    for name in names {
        let entry = find(&all, name)?;
        if !chosen.contains(entry) {
            chosen.push(entry.clone());
        }
    }
    Ok(chosen)
}

fn find<'a>(all: &'a [Entry], name: &str) -> Result<&'a Entry> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let wanted = file.strip_suffix(".ipynb").unwrap_or(file);
    let matches = |entry: &&Entry| {
        entry.stem == wanted
            || entry.number == wanted
            || matches!((entry.number.parse::<u32>(), wanted.parse::<u32>()), (Ok(a), Ok(b)) if a == b)
    };
    all.iter().find(matches).with_context(|| {
        let known: Vec<&str> = all.iter().map(|e| e.stem.as_str()).collect();
        format!(
            "there is no notebook `{name}`. There are: {}",
            known.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<Entry> {
        ["00_welcome", "01_convolution", "10_fine_tuning"]
            .map(|stem| Entry {
                number: number_of(stem).into(),
                stem: stem.into(),
                solution: stem.into(),
                student: stem.into(),
            })
            .to_vec()
    }

    #[test]
    fn a_notebook_goes_by_number_stem_or_file() {
        for (name, stem) in [
            ("1", "01_convolution"),
            ("01", "01_convolution"),
            ("10", "10_fine_tuning"),
            ("0", "00_welcome"),
            ("01_convolution", "01_convolution"),
            ("01_convolution.ipynb", "01_convolution"),
            ("notebooks/solutions/00_welcome.ipynb", "00_welcome"),
        ] {
            assert_eq!(find(&entries(), name).unwrap().stem, stem, "{name}");
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = find(&entries(), "convolutions").unwrap_err().to_string();
        assert!(error.contains("`convolutions`"), "{error}");
        assert!(
            error.contains("00_welcome, 01_convolution, 10_fine_tuning"),
            "{error}"
        );
    }
}
