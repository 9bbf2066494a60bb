//! Keras's files. Keras 2 writes an HDF5 file whose layers name their weights in attributes; Keras 3
//! a zip (`.keras`) with an HDF5 file inside, where a layer numbers them under `vars`.
//!
//! Names are Keras's own: `conv1/kernel:0` where the attributes give them, in the layers' order, and
//! else the path in the file (`layers/conv1/vars/0`), in the groups' order. Arrays keep Keras's
//! layout; [`conv_from_hwio`](crate::conv_from_hwio), [`dense_from_in_out`](crate::dense_from_in_out)
//! and [`dense_after_flatten`](crate::dense_after_flatten) turn them.

use crate::archive::Archive;
use crate::budget::Budget;
use crate::element::Loaded;
use crate::hdf5::{File, Header};
use std::collections::{HashMap, HashSet};

/// Groups within groups.
const DEEPEST: usize = 32;

pub(crate) fn read_zip(bytes: &[u8]) -> Result<Vec<(String, Loaded)>, String> {
    let mut archive = Archive::open(bytes)?;
    let mut budget = Budget::of(bytes);
    let is_weights = |n: &&String| n.ends_with(".weights.h5");
    let name = archive.names().iter().find(is_weights).cloned();
    let name = name.ok_or("it has no .weights.h5")?;
    let inner = archive.read(&name, &mut budget)?;
    read(&inner, &mut budget).map_err(|e| format!("in {name}: {e}"))
}

pub(crate) fn read_h5(bytes: &[u8]) -> Result<Vec<(String, Loaded)>, String> {
    read(bytes, &mut Budget::of(bytes))
}

fn read(bytes: &[u8], budget: &mut Budget) -> Result<Vec<(String, Loaded)>, String> {
    let (mut file, root) = File::open(bytes)?;
    let mut top = Header::read(&mut file, root)?;
    // A whole model keeps its weights in a group beside the optimizer's.
    let members = file.members(&top)?.ok_or("its root is no group")?;
    if let Some((_, address)) = members.iter().find(|(name, _)| name == "model_weights") {
        top = Header::read(&mut file, *address)?;
    }
    let mut loaded = Vec::new();
    match named(&mut file, &top)? {
        Some(found) => {
            for (name, address) in found {
                let header = Header::read(&mut file, address)?;
                let array = file.dataset(&header, budget);
                loaded.push((name.clone(), array.map_err(|e| format!("\"{name}\": {e}"))?));
            }
        }
        None => {
            let mut walk = Walk {
                file: &mut file,
                budget,
                seen: HashSet::from([root]),
                loaded: &mut loaded,
            };
            walk.group(&top, "", 0)?;
        }
    }
    match loaded.is_empty() {
        true => Err("there are no arrays in it; expected a model's weights".into()),
        false => Ok(loaded),
    }
}

/// The weights that attributes name, with their addresses; none if they name none.
fn named<'a>(file: &mut File<'a>, top: &Header<'a>) -> Result<Option<Vec<(String, u64)>>, String> {
    let Some(layers) = top.strings("layer_names") else {
        return Ok(None);
    };
    let groups = members(file, top)?;
    let mut found = Vec::new();
    for layer in layers {
        let address = follow(file, &groups, &layer)?;
        let group = Header::read(file, address)?;
        let within = members(file, &group)?;
        let Some(weights) = group.strings("weight_names") else {
            // An empty list may be absent; one that is too long for an attribute is cut up.
            if within.is_empty() {
                continue;
            }
            return Ok(None);
        };
        for weight in weights {
            let address = follow(file, &within, &weight)?;
            found.push((weight, address));
        }
    }
    Ok(Some(found))
}

fn members<'a>(file: &mut File<'a>, group: &Header<'a>) -> Result<HashMap<String, u64>, String> {
    let members = file.members(group)?.unwrap_or_default();
    Ok(members.into_iter().collect())
}

/// The address of the object at a path below a group of these members.
fn follow(file: &mut File<'_>, group: &HashMap<String, u64>, path: &str) -> Result<u64, String> {
    let missing = || format!("its attributes name \"{path}\", and it is not there");
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let first = parts.next().and_then(|part| group.get(part));
    let mut address = *first.ok_or_else(missing)?;
    for part in parts {
        let header = Header::read(file, address)?;
        address = *members(file, &header)?.get(part).ok_or_else(missing)?;
    }
    Ok(address)
}

/// Every dataset below a group, once.
struct Walk<'a, 'b> {
    file: &'b mut File<'a>,
    budget: &'b mut Budget,
    seen: HashSet<u64>,
    loaded: &'b mut Vec<(String, Loaded)>,
}

impl<'a> Walk<'a, '_> {
    fn group(&mut self, group: &Header<'a>, path: &str, depth: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(format!("its groups are nested more than {DEEPEST} deep"));
        }
        for (name, address) in self.file.members(group)?.unwrap_or_default() {
            if !self.seen.insert(address) {
                continue;
            }
            let path = match path.is_empty() {
                true => name,
                false => format!("{path}/{name}"),
            };
            let problem = |e| format!("\"{path}\": {e}");
            let header = Header::read(self.file, address).map_err(problem)?;
            if self.file.members(&header).map_err(problem)?.is_some() {
                self.group(&header, &path, depth + 1)?;
            } else {
                let array = self.file.dataset(&header, self.budget).map_err(problem)?;
                self.loaded.push((path, array));
            }
        }
        Ok(())
    }
}
