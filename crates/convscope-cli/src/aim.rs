//! What is explained: `--target`, or `--layer` and `--unit`.

use crate::model::about_node;
use crate::output::{either, nearest};
use anyhow::{Result, bail};
use convscope_nn::{Network, NnError, Unit};
use convscope_vis::Target;
use convscope_zoo::Model;

/// The number whose cause is looked for.
#[derive(clap::Args, Clone, Debug)]
pub struct Aim {
    /// The class to explain: its number, its name or a part that only it has, or `top`, what the
    /// network takes the image for
    #[arg(long, value_name = "CLASS|top", default_value = "top")]
    pub target: String,
    /// Explain the class's softmax probability and not its logit
    #[arg(long)]
    pub probability: bool,
    /// The node of --unit; for grad-cam, the node whose activations it weighs
    #[arg(long, value_name = "NODE")]
    pub layer: Option<String>,
    /// Explain a unit of --layer and not a class: C for a channel's mean (or an output of a dense
    /// layer), C,Y,X for one unit
    #[arg(
        long,
        value_name = "C[,Y,X]",
        requires = "layer",
        conflicts_with_all = ["target", "probability"],
        value_parser = parse_unit
    )]
    pub unit: Option<Index>,
}

/// A channel, or one unit in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Index(pub Vec<usize>);

pub fn parse_unit(text: &str) -> Result<Index, String> {
    let numbers: Result<Vec<usize>, _> = text.split(',').map(|n| n.trim().parse()).collect();
    match numbers {
        Ok(numbers) if matches!(numbers.len(), 1 | 3) => Ok(Index(numbers)),
        _ => Err("expected a channel like 7, or channel,row,column like 7,12,12".into()),
    }
}

impl Aim {
    /// The target in a model's network.
    pub fn target(&self, model: &Model) -> Result<Target> {
        if let Some(layer) = &self.layer {
            node(&model.network, layer)?;
        }
        if let (Some(layer), Some(index)) = (&self.layer, &self.unit) {
            return Ok(Target::Unit(unit(&model.network, layer, index)?));
        }
        Ok(match (class(model, &self.target)?, self.probability) {
            (None, false) => Target::Top,
            (None, true) => Target::TopProbability,
            (Some(class), false) => Target::Class(class),
            (Some(class), true) => Target::Probability(class),
        })
    }
}

/// A node's shape without the batch; the nearest names where there is none.
pub fn node(network: &Network, name: &str) -> Result<Vec<usize>> {
    let views: Vec<_> = network.views().collect();
    let block = format!("{name}.");
    let exact = views.iter().find(|v| v.name == name);
    let found = exact.or_else(|| views.iter().rev().find(|v| v.name.starts_with(&block)));
    match found {
        Some(view) => Ok(view.shape.to_vec()),
        None => {
            let unknown = NnError::Unknown {
                what: "node",
                name: name.to_owned(),
                known: String::new(),
            };
            Err(about_node(network, name, unknown))
        }
    }
}

/// A unit or a channel's mean, checked to be there.
pub fn unit(network: &Network, layer: &str, Index(index): &Index) -> Result<Unit> {
    let shape = node(network, layer)?;
    let words: Vec<String> = index.iter().map(usize::to_string).collect();
    let outside = || {
        let within = match *shape.as_slice() {
            [c, h, w] if index.len() == 3 => format!(
                "channels 0 to {}, rows 0 to {} and columns 0 to {}",
                c - 1,
                h - 1,
                w - 1
            ),
            [c, ..] => format!("channels 0 to {}", c.saturating_sub(1)),
            [] => "no channels".into(),
        };
        anyhow::anyhow!(
            "there is no unit {} in \"{layer}\": it has {within}",
            words.join(",")
        )
    };
    match (index.as_slice(), shape.as_slice()) {
        ([c], [channels, ..]) if c >= channels => Err(outside()),
        ([c], [_]) => Ok(Unit::at(layer, &[*c])),
        ([c], [_, _, _]) => Ok(Unit::channel(layer, *c)),
        ([c, y, x], [channels, h, w]) if c < channels && y < h && x < w => {
            Ok(Unit::at(layer, index))
        }
        ([_, _, _], [_, _, _]) => Err(outside()),
        _ => bail!(
            "\"{layer}\" puts out {shape:?}: its units are said as one number, --unit C, got {}",
            words.join(",")
        ),
    }
}

/// The class that `top` (none), a number or a part of a label says.
pub fn class(model: &Model, words: &str) -> Result<Option<usize>> {
    let labels = &model.labels;
    if words == "top" {
        return Ok(None);
    }
    if let Ok(number) = words.parse::<usize>() {
        return match number < labels.len() {
            true => Ok(Some(number)),
            false => bail!(
                "there is no class {number}: {} tells {} apart, 0 to {}",
                model.name,
                labels.len(),
                labels.len().saturating_sub(1)
            ),
        };
    }
    let wanted = words.to_lowercase();
    let low: Vec<String> = labels.iter().map(|l| l.to_lowercase()).collect();
    // The whole name, one of the names between commas, whole words, any part: the first kind that
    // somebody has decides.
    let kinds: [&dyn Fn(&str) -> bool; 4] = [
        &|label| label == wanted,
        &|label| label.split(',').any(|name| name.trim() == wanted),
        &|label| {
            let word = |c: char| !c.is_alphanumeric();
            let padded = format!(" {} ", label.replace(word, " "));
            padded.contains(&format!(" {} ", wanted.replace(word, " ")))
        },
        &|label| label.contains(&wanted),
    ];
    for fits in kinds {
        let found: Vec<usize> = (0..low.len()).filter(|&k| fits(&low[k])).collect();
        match *found.as_slice() {
            [] => {}
            [one] => return Ok(Some(one)),
            _ => {
                let some = found.iter().take(6);
                let some: Vec<String> = some.map(|&k| format!("{k} {}", labels[k])).collect();
                let more = if found.len() > some.len() { ", .." } else { "" };
                bail!(
                    "\"{words}\" is a part of {} classes: {}{more}; say its number",
                    found.len(),
                    some.join(", ")
                );
            }
        }
    }
    let near = nearest(words, labels.iter().map(String::as_str), 3);
    bail!(
        "there is no class \"{words}\" among the {} of {}; did you mean {}?",
        labels.len(),
        model.name,
        either(&near)
    )
}

/// A class in words: `flamingo (130)`.
pub fn class_in_words(model: &Model, class: usize) -> String {
    match model.labels.get(class) {
        Some(label) => format!("{label} ({class})"),
        None => format!("class {class}"),
    }
}

/// A target in words, by the classes' names; `class` is what `top` turned out to be.
pub fn in_words(model: &Model, target: &Target, class: Option<usize>) -> String {
    match (target, class) {
        (Target::Unit(unit), _) => unit.to_string(),
        (Target::TopProbability | Target::Probability(_), Some(k)) => {
            format!("probability of {}", class_in_words(model, k))
        }
        (_, Some(k)) => class_in_words(model, k),
        (other, None) => other.in_words(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_one_number_or_three() {
        assert_eq!(parse_unit("7"), Ok(Index(vec![7])));
        assert_eq!(parse_unit("7, 1,2"), Ok(Index(vec![7, 1, 2])));
        for wrong in ["", "1,2", "a", "-1", "1,2,3,4"] {
            assert!(parse_unit(wrong).is_err(), "{wrong}");
        }
    }
}
