//! Layers that belong together, and what is written on their boxes.

use super::text::short_count;
use convscope_nn::{Shape, Summary, SummaryRow};

/// What a box does: its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Convolution,
    Dense,
    Pooling,
    Join,
    Activation,
    Other,
    /// A whole block as one box.
    Block,
}

impl Kind {
    pub(crate) const ALL: [Kind; 7] = [
        Kind::Convolution,
        Kind::Dense,
        Kind::Pooling,
        Kind::Join,
        Kind::Activation,
        Kind::Other,
        Kind::Block,
    ];

    pub(crate) fn of(layer: &str) -> Kind {
        match layer {
            "Conv2d" | "ConvTranspose2d" => Kind::Convolution,
            "Linear" | "DropConnect" => Kind::Dense,
            "Add" | "Concat" | "DepthConcat" | "Multiply" => Kind::Join,
            "BatchNorm1d" | "BatchNorm2d" | "LocalResponseNorm" | "Relu" | "LeakyRelu" | "Gelu"
            | "Sigmoid" | "Tanh" | "Softmax" | "LogSoftmax" | "Clamp" | "ChannelAffine" => {
                Kind::Activation
            }
            pool if pool.contains("Pool") => Kind::Pooling,
            _ => Kind::Other,
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Kind::Convolution => "convolution",
            Kind::Dense => "dense",
            Kind::Pooling => "pooling",
            Kind::Join => "join",
            Kind::Activation => "normalisation, activation",
            Kind::Other => "other",
            Kind::Block => "block of layers",
        }
    }

    /// Fill and border.
    pub(crate) fn colours(self) -> [&'static str; 2] {
        match self {
            Kind::Convolution => ["#d6e8f7", "#2b78b5"],
            Kind::Dense => ["#fde3cc", "#c8651b"],
            Kind::Pooling => ["#d5efe2", "#1c8a5f"],
            Kind::Join => ["#efdcec", "#a3508f"],
            Kind::Activation => ["#fdf4cf", "#ab8a12"],
            Kind::Other => ["#ececec", "#7a7a7a"],
            Kind::Block => ["#e3e6fa", "#5a62b5"],
        }
    }
}

/// One box: a layer, and what is applied to its output at once.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    /// The rows of the summary, the first one's label on top.
    pub(crate) rows: Vec<usize>,
    pub(crate) kind: Kind,
    /// `"3x3 conv, 64, /2"`.
    pub(crate) label: String,
    /// `["BN", "ReLU"]`.
    pub(crate) then: Vec<String>,
    pub(crate) parameters: usize,
    pub(crate) output: Shape,
    /// The nodes it reads: 0 for the image, else the row and one.
    pub(crate) inputs: Vec<usize>,
}

impl Unit {
    pub(crate) fn last(&self) -> usize {
        *self.rows.last().expect("a unit has a layer")
    }

    /// Learned numbers in short; nothing where there are none.
    pub(crate) fn cost(&self) -> String {
        match self.parameters {
            0 => String::new(),
            n => short_count(n),
        }
    }
}

/// What can be written under the layer that it follows.
fn follows(layer: &str) -> bool {
    matches!(Kind::of(layer), Kind::Activation)
        || matches!(layer, "Dropout" | "SpatialDropout" | "Flatten" | "Reshape")
}

/// The part of a name before its last dot or slash.
pub(crate) fn parent(name: &str) -> &str {
    name.rfind(['.', '/']).map_or("", |at| &name[..at])
}

/// Parts the rows into units: a layer with the normalisation, activation and dropout behind it,
/// where nobody else reads what lies between; or each alone.
pub(crate) fn units(summary: &Summary, inputs: &[Vec<usize>], alone: bool) -> Vec<Unit> {
    let rows = &summary.rows;
    let mut readers = vec![0; rows.len() + 1];
    for read in inputs {
        for &id in read {
            readers[id] += 1;
        }
    }
    let mut units: Vec<Unit> = Vec::new();
    // The unit that ends with a row.
    let mut ending: Vec<Option<usize>> = vec![None; rows.len() + 1];
    for (i, row) in rows.iter().enumerate() {
        let joined = match inputs[i][..] {
            [id] if !alone && id > 0 && readers[id] == 1 && follows(row.kind) => {
                ending[id].filter(|_| parent(&rows[id - 1].name) == parent(&row.name))
            }
            _ => None,
        };
        let at = match joined {
            Some(at) => {
                let unit: &mut Unit = &mut units[at];
                unit.rows.push(i);
                unit.then.push(short_label(row));
                unit.parameters += row.parameters;
                unit.output.clone_from(&row.output);
                ending[inputs[i][0]] = None;
                at
            }
            None => {
                let from = inputs[i].first().copied().unwrap_or(0);
                units.push(Unit {
                    rows: vec![i],
                    kind: Kind::of(row.kind),
                    label: label(row, shape(summary, from)),
                    then: Vec::new(),
                    parameters: row.parameters,
                    output: row.output.clone(),
                    inputs: inputs[i].clone(),
                });
                units.len() - 1
            }
        };
        ending[i + 1] = Some(at);
    }
    units
}

pub(crate) fn shape(summary: &Summary, id: usize) -> &Shape {
    match id {
        0 => &summary.input,
        id => &summary.rows[id - 1].output,
    }
}

/// `"3x3"`.
fn by([height, width]: [usize; 2]) -> String {
    format!("{height}x{width}")
}

fn label(row: &SummaryRow, input: &Shape) -> String {
    let stride = match row.window.map(|w| w.stride) {
        None | Some([1, 1]) => String::new(),
        Some([s, t]) if s == t => format!(", /{s}"),
        Some(s) => format!(", /{}", by(s)),
    };
    let weight = row.weights.iter().find(|(name, _)| *name == "weight");
    let weight = weight.map_or(&[][..], |(_, shape)| shape);
    let window = row.window.map_or([1, 1], |w| w.size);
    match (row.kind, weight) {
        ("Conv2d", &[filters, channels, height, width]) => {
            let groups = match channels {
                0 => 1,
                c => input.first().map_or(1, |all| all / c),
            };
            let dilation = match (height, window[0]) {
                (h, reach) if h > 1 && reach > h => (reach - 1) / (h - 1),
                _ => 1,
            };
            let mut text = format!("{} conv, {filters}{stride}", by([height, width]));
            if groups > 1 && groups == filters {
                text += ", depthwise";
            } else if groups > 1 {
                text += &format!(", {groups} groups");
            }
            if dilation > 1 {
                text += &format!(", dilation {dilation}");
            }
            text
        }
        ("ConvTranspose2d", &[_, filters, height, width]) => {
            format!("{} transposed conv, {filters}", by([height, width]))
        }
        ("Linear", &[outputs, _]) => format!("dense, {outputs}"),
        ("DropConnect", &[outputs, _]) => format!("dense, {outputs}, DropConnect"),
        ("MaxPool2d", _) => format!("{} max pool{stride}", by(window)),
        ("AvgPool2d", _) => format!("{} average pool{stride}", by(window)),
        ("GlobalAvgPool2d", _) => "global average pool".to_owned(),
        ("AdaptiveAvgPool2d", _) => match row.output[..] {
            [_, h, w] => format!("average pool to {}", by([h, w])),
            _ => "average pool".to_owned(),
        },
        ("LocalResponseNorm", _) => "local response norm".to_owned(),
        ("BatchNorm1d" | "BatchNorm2d", _) => "batch norm".to_owned(),
        ("Concat", _) => "concatenate".to_owned(),
        ("DepthConcat", _) => "depth concat".to_owned(),
        _ => format!("{}{stride}", short_label(row)),
    }
}

fn short_label(row: &SummaryRow) -> String {
    match row.kind {
        "BatchNorm1d" | "BatchNorm2d" => "BN".to_owned(),
        "LocalResponseNorm" => "LRN".to_owned(),
        "Relu" => "ReLU".to_owned(),
        "LeakyRelu" => "leaky ReLU".to_owned(),
        "Gelu" => "GELU".to_owned(),
        "Dropout" | "SpatialDropout" => match row.settings.strip_prefix("p ") {
            Some(p) => format!("dropout {p}"),
            None => "dropout".to_owned(),
        },
        "ZeroPad2d" => "zero padding".to_owned(),
        other => in_words(other),
    }
}

/// `"PaddedShortcut"` as `"padded shortcut"`.
fn in_words(kind: &str) -> String {
    let kind = kind.strip_suffix("2d").unwrap_or(kind);
    let mut words = String::new();
    for (i, c) in kind.chars().enumerate() {
        if i > 0 && c.is_uppercase() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}
