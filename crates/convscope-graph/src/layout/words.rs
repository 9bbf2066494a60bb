//! What is written in boxes and on frames.

use crate::tree::Item;
use crate::unit::{Kind, Unit};

/// What is written in a box.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    pub(crate) label: String,
    pub(crate) then: Vec<String>,
    pub(crate) name: String,
    /// Learned numbers in short; nothing where there are none.
    pub(crate) cost: String,
}

pub(crate) fn lines(unit: &Unit, item: &Item) -> Lines {
    let mut then: Vec<String> = Vec::new();
    for word in &unit.then {
        match then.last_mut() {
            Some(line) if line.len() + word.len() < 20 => *line += &format!(", {word}"),
            _ => then.push(word.clone()),
        }
    }
    match unit.kind {
        Kind::Block => Lines {
            label: title(item),
            then,
            name: String::new(),
            cost: match (unit.cost(), item.copies.is_empty(), item.growing) {
                (cost, true, _) => cost,
                (cost, _, true) => format!("{cost} and more"),
                (cost, _, false) => format!("{cost} each"),
            },
        },
        _ => Lines {
            label: unit.label.clone(),
            then,
            name: item.name.clone(),
            cost: unit.cost(),
        },
    }
}

/// `"layer1.1 to layer1.2, x 2"`.
pub(crate) fn title(item: &Item) -> String {
    match item.copies.last() {
        None => item.name.clone(),
        Some(last) => format!("{} to {last}, x {}", item.name, item.copies.len() + 1),
    }
}

pub(crate) fn note(item: &Item) -> Option<String> {
    item.growing
        .then(|| "the first is drawn; the others read more".to_owned())
}
