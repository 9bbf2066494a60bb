//! A network's table as papers print it: a row for a block, or for a layer with weights and what
//! only bends or normalises its output.

use crate::show::{Align, Show, Shown, Table};
use convscope_nn::{Network, Summary, SummaryRow};
use convscope_progress::{grouped, size};

/// A network in few rows; see [`by_block`].
#[derive(Clone, Debug, PartialEq)]
pub struct Blocks {
    /// The shape of one input.
    pub input: Vec<usize>,
    /// The rows, from the image to the output.
    pub rows: Vec<Block>,
}

/// A row of [`Blocks`].
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The block's name, or that of its first layer.
    pub name: String,
    /// What it consists of, in a few words.
    pub layers: String,
    /// The shape of its output.
    pub output: Vec<usize>,
    /// Layers with weights to learn, batch norm not counted: what a paper means by depth.
    pub depth: usize,
    /// How many numbers it learns.
    pub parameters: usize,
    /// Multiply-adds for one image.
    pub multiply_adds: u64,
    /// Bytes of the outputs of all its nodes for one image.
    pub activation_bytes: u64,
}

/// A network's table with a row for each block. Layers outside of blocks have a row each; what only
/// bends, normalises, drops or reorders stands in the row of the layer before it.
pub fn by_block(net: &Network) -> Blocks {
    let summary = net.summary();
    let mut rows: Vec<(String, Vec<&SummaryRow>)> = Vec::new();
    for row in &summary.rows {
        let block = block_of(&row.name, &summary);
        match rows.last_mut() {
            Some((last, members)) if *last == block || rides_along(row, &block) => {
                members.push(row);
            }
            _ => rows.push((block, vec![row])),
        }
    }
    Blocks {
        rows: rows
            .into_iter()
            .map(|(name, members)| block(name, &members))
            .collect(),
        input: summary.input,
    }
}

/// The name of the block that a node's row belongs to; its own name where it stands in none. A block
/// that is a plain sequence of layers, or holds nearly the whole network, is looked into.
fn block_of(name: &str, summary: &Summary) -> String {
    let mut end = 0;
    loop {
        let Some(length) = name[end..].find('.') else {
            return name.to_owned();
        };
        let prefix = &name[..=end + length];
        let within_prefix = &name[prefix.len()..];
        if within_prefix.bytes().all(|b| b.is_ascii_digit()) {
            return name.to_owned();
        }
        let within = summary.rows.iter().filter(|r| r.name.starts_with(prefix));
        if 5 * within.count() < 4 * summary.rows.len() {
            return name[..end + length].to_owned();
        }
        end += length + 1;
    }
}

/// Whether a node of no block belongs to what stands before it.
fn rides_along(row: &SummaryRow, block: &str) -> bool {
    let alone = block == row.name;
    let shapes =
        row.kind.ends_with("Pool2d") || matches!(row.kind, "Add" | "Concat" | "DepthConcat");
    let learns = row.parameters > 0 && !row.kind.starts_with("BatchNorm");
    alone && !shapes && !learns
}

fn block(name: String, members: &[&SummaryRow]) -> Block {
    let weighs = |r: &&&SummaryRow| r.multiply_adds > 0;
    let kinds: Vec<&SummaryRow> = members
        .iter()
        .copied()
        .filter(|r| r.multiply_adds > 0 || r.kind.ends_with("Pool2d"))
        .collect();
    let layers = match kinds[..] {
        [] => members.first().map_or("", |r| r.kind).to_owned(),
        [one] => format!("{} {}", one.kind, one.settings)
            .trim_end()
            .to_owned(),
        _ => match kinds.iter().filter(weighs).count() {
            1 => "1 layer with weights".to_owned(),
            n => format!("{n} layers with weights"),
        },
    };
    Block {
        name,
        layers,
        output: members.last().map(|r| r.output.clone()).unwrap_or_default(),
        depth: members.iter().filter(weighs).count(),
        parameters: members.iter().map(|r| r.parameters).sum(),
        multiply_adds: members.iter().map(|r| r.multiply_adds).sum(),
        activation_bytes: members.iter().map(|r| r.activation_bytes).sum(),
    }
}

impl Blocks {
    /// Layers with weights, batch norm not counted (shortcuts with weights are).
    pub fn depth(&self) -> usize {
        self.rows.iter().map(|r| r.depth).sum()
    }

    /// All learned numbers.
    pub fn parameters(&self) -> usize {
        self.rows.iter().map(|r| r.parameters).sum()
    }

    /// All multiply-adds for one image.
    pub fn multiply_adds(&self) -> u64 {
        self.rows.iter().map(|r| r.multiply_adds).sum()
    }

    /// Bytes of the image and of all nodes' outputs for one image.
    pub fn activation_bytes(&self) -> u64 {
        let rows = self.rows.iter().map(|r| r.activation_bytes);
        self.input_bytes() + rows.sum::<u64>()
    }

    fn input_bytes(&self) -> u64 {
        4 * self.input.iter().map(|&n| n as u64).product::<u64>()
    }
}

/// `[64, 56, 56]` as papers write it.
fn by(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    sizes.join(" x ")
}

impl Show for Blocks {
    fn shown(&self) -> Shown {
        use Align::{Left, Right};
        let mut table = Table::new(&[
            ("block", Left),
            ("what", Left),
            ("output", Right),
            ("parameters", Right),
            ("multiply-adds", Right),
            ("memory", Right),
        ]);
        let (none, memory) = (String::new, size(self.input_bytes()));
        let image = ["input".to_owned(), none(), by(&self.input)];
        table.row(image.into_iter().chain([none(), none(), memory]));
        for row in &self.rows {
            table.row([
                row.name.clone(),
                row.layers.clone(),
                by(&row.output),
                grouped(row.parameters as u64),
                grouped(row.multiply_adds),
                size(row.activation_bytes),
            ]);
        }
        table.total([
            "total".to_owned(),
            format!("{} layers with weights", self.depth()),
            String::new(),
            grouped(self.parameters() as u64),
            grouped(self.multiply_adds()),
            size(self.activation_bytes()),
        ]);
        Shown::html(table.html("class=\"convscope-network\""), table.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_zoo::{Options, entries, get};

    fn blocks(name: &str) -> Blocks {
        by_block(&get(name).unwrap().build(Options::new().blank()).unwrap())
    }

    #[test]
    fn a_table_by_blocks_counts_what_the_long_one_counts_in_rows_that_fit_a_screen() {
        for entry in entries().filter(|e| e.parameters < 70_000_000) {
            let net = entry.build(Options::new().blank()).unwrap();
            let blocks = by_block(&net);
            let (name, summary) = (entry.name, net.summary());
            assert_eq!(blocks.parameters(), entry.parameters, "{name}");
            assert_eq!(blocks.multiply_adds(), entry.multiply_adds, "{name}");
            assert_eq!(
                blocks.rows.last().unwrap().output,
                net.output_shape(),
                "{name}"
            );
            assert_eq!(
                blocks.activation_bytes(),
                summary.activation_bytes(),
                "{name}"
            );
            assert!(
                blocks.rows.len() <= 28,
                "{name}: {} rows",
                blocks.rows.len()
            );
        }
    }

    #[test]
    fn rows_are_the_blocks_and_depth_is_the_papers() {
        let names =
            |name: &str| -> Vec<String> { blocks(name).rows.into_iter().map(|r| r.name).collect() };
        assert_eq!(
            names("resnet50"),
            [
                "conv1", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc"
            ]
        );
        assert_eq!(
            names("lenet5"),
            ["c1", "s2", "c3", "s4", "c5", "f6", "output"]
        );
        assert!(names("squeezenet1_0").contains(&"features.3".to_owned()));
        for (name, depth) in [
            ("alexnet_two_towers", 8),
            ("vgg_d", 16),
            ("vgg_e", 19),
            ("plain56", 56),
            // Its four shortcuts with weights count here and not in the name.
            ("resnet50", 50 + 4),
            ("densenet121", 121),
        ] {
            assert_eq!(blocks(name).depth(), depth, "{name}");
        }
    }

    #[test]
    fn a_table_is_shown_with_its_totals() {
        let shown = blocks("lenet5").shown();
        assert!(shown.text.contains("61,706") && shown.text.contains("16 x 10 x 10"));
        assert!(shown.html.unwrap().contains("416,520"));
    }
}
