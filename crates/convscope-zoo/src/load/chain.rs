//! What a network's layers are called elsewhere, by where they stand in it.

use convscope_nn::{Network, SummaryRow};
use std::collections::HashMap;

/// A network's rows, and their places by name.
pub(super) struct Chain {
    rows: Vec<SummaryRow>,
    /// The shape of what each node puts out, and of the image.
    shapes: HashMap<String, Vec<usize>>,
}

impl Chain {
    pub(super) fn of(network: &Network) -> Chain {
        let summary = network.summary();
        let nodes = summary
            .rows
            .iter()
            .map(|row| (row.name.clone(), row.output.clone()));
        let image = (convscope_nn::INPUT.to_owned(), summary.input.clone());
        Chain {
            shapes: nodes.chain([image]).collect(),
            rows: summary.rows,
        }
    }

    fn row(&self, node: &str) -> Option<&SummaryRow> {
        self.rows.iter().find(|row| row.name == node)
    }

    /// The kind of a node's layer.
    pub(super) fn kind(&self, node: &str) -> Option<&'static str> {
        self.row(node).map(|row| row.kind)
    }

    /// The image `[C, H, W]` that was flattened before a fully connected layer, if nothing mixed its
    /// numbers in between.
    pub(super) fn flattened(&self, node: &str) -> Option<[usize; 3]> {
        let mut at = self.row(node)?;
        loop {
            let [input] = at.inputs.as_slice() else {
                return None;
            };
            at = self.row(input)?;
            match at.kind {
                "Flatten" => {
                    let before = self.shapes.get(at.inputs.first()?)?;
                    return <[usize; 3]>::try_from(before.as_slice()).ok();
                }
                "Linear" => return None,
                _ => {}
            }
        }
    }

    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &SummaryRow> {
        self.rows.iter().filter(move |row| row.kind == kind)
    }

    /// Whether every node reads the one before it.
    fn is_straight(&self) -> bool {
        let before = std::iter::once(convscope_nn::INPUT).chain(self.rows.iter().map(|r| &*r.name));
        self.rows
            .iter()
            .zip(before)
            .all(|(row, before)| row.inputs == [before])
    }
}

/// A network's nodes by their names in Keras and Caffe, and by their own.
pub(super) fn aliases(chain: &Chain) -> HashMap<String, String> {
    let mut all = HashMap::new();
    for row in &chain.rows {
        all.insert(row.name.clone(), row.name.clone());
    }
    vgg(chain, &mut all);
    squeezenet(chain, &mut all);
    nin(chain, &mut all);
    googlenet(chain, &mut all);
    all
}

/// `block1_conv1` and `conv1_1`: convolutions counted between poolings; three fully connected
/// layers at the end.
fn vgg(chain: &Chain, all: &mut HashMap<String, String>) {
    let dense: Vec<_> = chain.of_kind("Linear").collect();
    let poolings = chain.of_kind("MaxPool2d").count();
    if !chain.is_straight() || dense.len() != 3 || poolings != 5 {
        return;
    }
    let (mut block, mut i) = (1, 0);
    for row in &chain.rows {
        match row.kind {
            "MaxPool2d" => (block, i) = (block + 1, 0),
            "Conv2d" => {
                i += 1;
                all.insert(format!("block{block}_conv{i}"), row.name.clone());
                all.insert(format!("conv{block}_{i}"), row.name.clone());
            }
            _ => {}
        }
    }
    let names = [["fc1", "fc6"], ["fc2", "fc7"], ["predictions", "fc8"]];
    for (row, names) in dense.iter().zip(names) {
        for name in names {
            all.insert(name.to_owned(), row.name.clone());
        }
    }
}

/// Fire modules counted from 2, between `conv1` and `conv10`.
fn squeezenet(chain: &Chain, all: &mut HashMap<String, String>) {
    let ends = |row: &&SummaryRow| row.name.ends_with(".squeeze");
    let modules: Vec<_> = chain.of_kind("Conv2d").filter(ends).collect();
    if modules.len() != 8 || chain.row("features.0").is_none() {
        return;
    }
    all.insert("conv1".into(), "features.0".into());
    all.insert("conv10".into(), "classifier.1".into());
    for (i, row) in (2..).zip(modules) {
        let module = row.name.trim_end_matches("squeeze");
        for (theirs, ours) in [
            ("squeeze1x1", "squeeze"),
            ("expand1x1", "expand1x1"),
            ("expand3x3", "expand3x3"),
        ] {
            all.insert(format!("fire{i}/{theirs}"), format!("{module}{ours}"));
        }
    }
}

/// `conv1`, `cccp1`, `cccp2`, `conv2`, `cccp3` ...
fn nin(chain: &Chain, all: &mut HashMap<String, String>) {
    for block in 1.. {
        let name = format!("mlpconv{block}");
        if chain.row(&format!("{name}.cccp1")).is_none() {
            return;
        }
        all.insert(format!("conv{block}"), format!("{name}.conv"));
        for i in 1..=2 {
            let number = 2 * (block - 1) + i;
            all.insert(format!("cccp{number}"), format!("{name}.cccp{i}"));
        }
    }
}

/// `inception_3a/3x3_reduce`; the network of the paper only, since torchvision's has other filters.
fn googlenet(chain: &Chain, all: &mut HashMap<String, String>) {
    let modules = chain.rows.iter().filter_map(|row| {
        let name = row.name.strip_suffix(".branch1.conv")?;
        Some((name, name.strip_prefix("inception")?))
    });
    for (ours, theirs) in modules {
        for (branch, node) in [
            ("1x1", "branch1"),
            ("3x3_reduce", "branch2.0"),
            ("3x3", "branch2.1"),
            ("5x5_reduce", "branch3.0"),
            ("5x5", "branch3.1"),
            ("pool_proj", "branch4.1"),
        ] {
            all.insert(
                format!("inception_{theirs}/{branch}"),
                format!("{ours}.{node}.conv"),
            );
        }
    }
    if chain.row("inception3a.branch1.conv").is_some() {
        for (theirs, ours) in [
            ("conv1/7x7_s2", "conv1.conv"),
            ("conv2/3x3_reduce", "conv2.conv"),
            ("conv2/3x3", "conv3.conv"),
            ("loss3/classifier", "fc"),
        ] {
            all.insert(theirs.into(), ours.into());
        }
    }
}
