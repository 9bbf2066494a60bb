//! `environment.yml` says to conda what `setup` says to pip and to the system. These tests keep
//! the two from drifting apart.

use super::checks::{PYTHON_VERSION, RUST_VERSION};
use std::collections::BTreeMap;

const ENVIRONMENT: &str = include_str!("../../../../environment.yml");
const REQUIREMENTS_IN: &str = include_str!("../../py/requirements.in");
const REQUIREMENTS: &str = super::jupyter::REQUIREMENTS;

/// Names as pip writes them, which takes `_` for `-`.
fn name(text: &str) -> String {
    text.trim().to_lowercase().replace('_', "-")
}

/// What `environment.yml` lists: each name with its condition, such as `=4.6.6`.
fn conda() -> BTreeMap<String, String> {
    let (_, list) = ENVIRONMENT.split_once("dependencies:").unwrap();
    list.lines()
        .filter_map(|line| line.trim().strip_prefix("- "))
        .map(|entry| {
            let (package, condition) = entry.split_once(' ').unwrap_or((entry, ""));
            (name(package), condition.replace(' ', ""))
        })
        .collect()
}

fn pins(requirements: &str) -> BTreeMap<String, String> {
    requirements
        .lines()
        .filter(|line| !line.starts_with([' ', '#']))
        .filter_map(|line| line.split_once("=="))
        .map(|(package, rest)| {
            let version = rest.split([' ', ';']).next().unwrap();
            (name(package), version.to_owned())
        })
        .collect()
}

#[test]
fn conda_pins_what_pip_pins_at_the_same_versions() {
    let (conda, asked, locked) = (conda(), pins(REQUIREMENTS_IN), pins(REQUIREMENTS));
    assert!(asked.len() >= 5);
    for (package, version) in &asked {
        assert_eq!(
            conda.get(package),
            Some(&format!("={version}")),
            "{package}"
        );
        assert_eq!(
            locked.get(package),
            Some(version),
            "requirements.txt is older"
        );
    }
    for (package, condition) in conda.iter().filter(|(_, c)| c.starts_with('=')) {
        assert!(
            asked.contains_key(package),
            "{package} {condition} is pinned for conda alone"
        );
    }
}

#[test]
fn conda_brings_everything_that_setup_looks_for() {
    let conda = conda();
    assert_eq!(conda["python"], format!(">={PYTHON_VERSION}"));
    assert_eq!(
        Some(conda["rust"].as_str()),
        Some(format!(">={RUST_VERSION}").as_str())
    );
    for package in ["openblas", "pkg-config", "c-compiler", "rust-src"] {
        assert!(conda.contains_key(package), "{package}");
    }
}
