//! Names of classes, by the name of the set they come from.

use crate::error::{DataError, Result};
use crate::synthetic::Shapes;
use crate::{cifar10, mnist};

/// `data/labels/imagenet.txt`; its first lines, each begun by `#`, say where the names come from.
const IMAGENET: &str = include_str!("../../../data/labels/imagenet.txt");

/// The names of the classes of a set, in the order of their numbers: `"imagenet"` (the 1000 of
/// ILSVRC 2012, in torchvision's wording), `"cifar10"`, `"mnist"` (the digits) or `"shapes"`.
///
/// # Errors
/// If there is no such list; the error names those there are.
pub fn labels(name: &str) -> Result<Vec<String>> {
    let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    match name {
        "imagenet" => Ok(IMAGENET
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect()),
        "cifar10" => Ok(owned(&cifar10::CLASSES)),
        "mnist" => Ok(owned(&mnist::DIGITS)),
        "shapes" => Ok(owned(&Shapes::CLASSES)),
        _ => Err(DataError::Argument {
            what: "labels",
            problem: format!(
                "there is no list '{name}'; expected imagenet, cifar10, mnist or shapes"
            ),
        }),
    }
}
