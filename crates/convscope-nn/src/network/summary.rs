//! A table of what a network consists of.

use super::{Graph, INPUT, Network, Node, ReceptiveField};
use crate::layer::{Shape, Window};
use crate::real::Real;
use crate::trace::{Keep, Plan};
use convscope_progress::{grouped, size};
use std::fmt::{self, Write as _};

/// What a network consists of; its `Display` is a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The shape of one input.
    pub input: Shape,
    /// One row per node.
    pub rows: Vec<SummaryRow>,
    /// Bytes of the activations that are needed at the same time when the network is only used:
    /// the most that a node's output and whatever later nodes will still read come to.
    pub inference_bytes: u64,
    /// Bytes of the activations that a training step keeps for the way back, the image among them.
    /// (Max pooling's switches and what normalisations keep come on top.)
    pub training_bytes: u64,
}

/// One node of a [`Summary`].
#[derive(Clone, Debug, PartialEq)]
pub struct SummaryRow {
    /// The node's name.
    pub name: String,
    /// Its layer's kind.
    pub kind: &'static str,
    /// The layer's settings in a few words.
    pub settings: String,
    /// The names of the nodes it reads.
    pub inputs: Vec<String>,
    /// The shape of its output, without the batch.
    pub output: Shape,
    /// How many numbers it learns.
    pub parameters: usize,
    /// The shapes of what it learns, by name: `[filters, channels, height, width]` for a
    /// convolution's weights.
    pub weights: Vec<(&'static str, Shape)>,
    /// The window through which an output position sees the input, for a layer that has one.
    pub window: Option<Window>,
    /// Multiply-adds for one example.
    pub multiply_adds: u64,
    /// Bytes of its output for one example, in `f32`.
    pub activation_bytes: u64,
    /// What part of the image its units see; nothing where the network does not read images.
    pub receptive_field: Option<ReceptiveField>,
}

impl Summary {
    /// All learned numbers.
    pub fn parameters(&self) -> usize {
        self.rows.iter().map(|r| r.parameters).sum()
    }

    /// All multiply-adds for one example.
    pub fn multiply_adds(&self) -> u64 {
        self.rows.iter().map(|r| r.multiply_adds).sum()
    }

    /// Bytes of the image and of every node's output for one example, in `f32`.
    pub fn activation_bytes(&self) -> u64 {
        bytes(&self.input) + self.rows.iter().map(|r| r.activation_bytes).sum::<u64>()
    }
}

impl Summary {
    /// The same with the nodes of a block in one row: of `"layer1.0.conv1"` and `"layer1.1.conv1"`
    /// in one at depth 1, in two at depth 2. Numbers are summed up; shape and receptive field are
    /// those of the block's last node.
    pub fn by_block(&self, depth: usize) -> Summary {
        let block = |name: &str| -> Option<String> {
            let parts: Vec<&str> = name.split('.').collect();
            let within = depth.min(parts.len() - 1);
            (within > 0).then(|| parts[..within].join("."))
        };
        let mut rows: Vec<SummaryRow> = Vec::new();
        let mut counts: Vec<usize> = Vec::new();
        for row in &self.rows {
            let own = block(&row.name);
            let reads = row
                .inputs
                .iter()
                .map(|i| block(i).unwrap_or_else(|| i.clone()));
            let reads: Vec<String> = reads.filter(|i| Some(i) != own.as_ref()).collect();
            let at = rows.iter().position(|r| Some(&r.name) == own.as_ref());
            let Some(at) = at else {
                let mut first = row.clone();
                first.inputs = reads;
                if let Some(own) = own {
                    first.name = own;
                    first.kind = "block";
                    first.window = None;
                    first.weights.clear();
                }
                rows.push(first);
                counts.push(1);
                continue;
            };
            let sum = &mut rows[at];
            for input in reads {
                if !sum.inputs.contains(&input) {
                    sum.inputs.push(input);
                }
            }
            sum.output.clone_from(&row.output);
            sum.parameters += row.parameters;
            sum.multiply_adds += row.multiply_adds;
            sum.activation_bytes += row.activation_bytes;
            sum.receptive_field = row.receptive_field;
            counts[at] += 1;
        }
        for (row, count) in rows.iter_mut().zip(counts) {
            if row.kind == "block" {
                row.settings = format!("{count} nodes");
            }
        }
        Summary {
            input: self.input.clone(),
            rows,
            ..*self
        }
    }

    /// By blocks at the greatest depth that leaves at most so many rows; as it is where that is few
    /// enough.
    pub fn within(&self, rows: usize) -> Summary {
        let deepest = self.rows.iter().map(|r| r.name.matches('.').count());
        let deepest = deepest.max().unwrap_or(0);
        let short = |s: &Summary| s.rows.len() <= rows;
        if short(self) || deepest == 0 {
            return self.clone();
        }
        let by_depth = (1..=deepest).rev().map(|depth| self.by_block(depth));
        by_depth
            .clone()
            .find(short)
            .unwrap_or_else(|| self.by_block(1))
    }
}

impl<F: Real> Network<F> {
    /// A table of the layers: what each is, the shape of its output, parameters, multiply-adds,
    /// memory and receptive field.
    pub fn summary(&self) -> Summary {
        let graph = &self.graph;
        let fields = self.receptive_fields();
        let row = |(node, receptive_field): (&Node<F>, Option<ReceptiveField>)| {
            let learned = node.layer.parameters();
            SummaryRow {
                name: node.name.clone(),
                kind: node.layer.kind(),
                settings: node.layer.settings(),
                inputs: node
                    .inputs
                    .iter()
                    .map(|&i| graph.name(i).to_owned())
                    .collect(),
                output: node.shape.clone(),
                parameters: learned.iter().map(|(_, t)| t.len()).sum(),
                weights: learned
                    .iter()
                    .map(|(name, t)| (*name, t.shape().to_vec()))
                    .collect(),
                window: node.layer.window(),
                multiply_adds: node
                    .layer
                    .multiply_adds(&graph.input_shapes(node), &node.shape),
                activation_bytes: bytes(&node.shape),
                receptive_field,
            }
        };
        let kept = Plan::new(graph, Keep::ForBackward).stays;
        let last = graph.nodes.len();
        Summary {
            input: graph.input.clone(),
            rows: graph.nodes.iter().zip(fields).map(row).collect(),
            inference_bytes: graph.most_alive(),
            training_bytes: (0..=last)
                .filter(|&id| kept[id] || id == last)
                .map(|id| bytes(graph.shape(id)))
                .sum(),
        }
    }
}

impl<F: Real> Graph<F> {
    /// The most bytes of activations that are alive at the same time in inference.
    fn most_alive(&self) -> u64 {
        let plan = Plan::new(self, Keep::Output);
        let mut alive = bytes(&self.input);
        let mut most = alive;
        for (i, node) in self.nodes.iter().enumerate() {
            alive += bytes(&node.shape);
            most = most.max(alive);
            let mut read = node.inputs.clone();
            read.sort_unstable();
            read.dedup();
            for id in read {
                if plan.ends_with(id, i) {
                    alive -= bytes(self.shape(id));
                }
            }
            // What nobody reads goes at once.
            if plan.last_reader[i + 1].is_none() && i + 1 < self.nodes.len() {
                alive -= bytes(&node.shape);
            }
        }
        most
    }
}

/// Bytes of one example of this shape, in `f32`.
fn bytes(shape: &[usize]) -> u64 {
    shape.iter().map(|&n| n as u64).product::<u64>() * size_of::<f32>() as u64
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![HEADINGS.map(str::to_owned)];
        let mut line = |name: &str, kind: &str, output: String, rest: [String; 5]| {
            let [parameters, adds, memory, sees, every] = rest;
            let (name, kind) = (name.to_owned(), kind.to_owned());
            lines.push([name, kind, output, parameters, adds, memory, sees, every]);
        };
        let shape = |s: &Shape| format!("{s:?}");
        let none = String::new;
        let image = [none(), none(), size(bytes(&self.input)), none(), none()];
        line(INPUT, "", shape(&self.input), image);
        for r in &self.rows {
            let [sees, every] = match &r.receptive_field {
                Some(field) => [field.size_in_words(), field.stride_in_words()],
                None => [none(), none()],
            };
            let rest = [
                grouped(r.parameters as u64),
                grouped(r.multiply_adds),
                size(r.activation_bytes),
                sees,
                every,
            ];
            line(&r.name, r.kind, shape(&r.output), rest);
        }
        let sums = [
            grouped(self.parameters() as u64),
            grouped(self.multiply_adds()),
            size(self.activation_bytes()),
            none(),
            none(),
        ];
        line("total", "", none(), sums);
        let widths: [usize; 8] = std::array::from_fn(|i| {
            let cells = lines.iter().map(|l| l[i].chars().count());
            cells.max().unwrap_or(0)
        });
        for l in &lines {
            let mut text = format!("{:w$}  {:v$}", l[0], l[1], w = widths[0], v = widths[1]);
            for (cell, width) in l[2..].iter().zip(&widths[2..]) {
                let _ = write!(text, "  {cell:>width$}");
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        write!(f, "{}", self.memory_in_words())
    }
}

const HEADINGS: [&str; 8] = [
    "node",
    "layer",
    "output",
    "parameters",
    "multiply-adds",
    "memory",
    "sees",
    "every",
];

impl Summary {
    /// What the columns and the totals of memory mean.
    pub fn memory_in_words(&self) -> String {
        format!(
            "For one image of 32-bit numbers: the parameters take {}; of the activations, use needs \
             at most {} at a time, and a training step keeps {}.",
            size(4 * self.parameters() as u64),
            size(self.inference_bytes),
            size(self.training_bytes)
        )
    }
}

impl<F: Real> fmt::Display for Network<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.summary().fmt(f)
    }
}
