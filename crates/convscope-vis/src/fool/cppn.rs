//! Pictures as functions of the place: compositional pattern-producing networks (Stanley 2007),
//! which make regular patterns because their functions are.

use convscope_data::Draw;
use ndarray::Array3;

/// Numbers a place enters with: across and down from -1 to 1, the distance from the middle, and 1.
const INPUTS: usize = 4;
/// More hidden nodes than this are not grown: an evaluation's time is bounded.
const MOST_NODES: usize = 40;

/// What a node does with its sum.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Function {
    Sine,
    Gaussian,
    Sigmoid,
    Linear,
    Absolute,
}

const FUNCTIONS: [Function; 5] = [
    Function::Sine,
    Function::Gaussian,
    Function::Sigmoid,
    Function::Linear,
    Function::Absolute,
];

impl Function {
    fn of(self, x: f32) -> f32 {
        match self {
            Function::Sine => x.sin(),
            Function::Gaussian => (-x * x).exp(),
            Function::Sigmoid => (x / 2.0).tanh(),
            Function::Linear => x.clamp(-1.0, 1.0),
            Function::Absolute => x.abs().min(1.0),
        }
    }
}

/// A node: it reads inputs (below [`INPUTS`]) and nodes before it.
#[derive(Clone, Debug, PartialEq)]
struct Node {
    function: Function,
    links: Vec<(usize, f32)>,
}

/// A network from a place to colours. The last nodes are the channels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cppn {
    nodes: Vec<Node>,
    channels: usize,
}

impl Cppn {
    /// The smallest: every channel a function of the place.
    pub(super) fn random(channels: usize, draw: &mut Draw) -> Cppn {
        let nodes = (0..channels)
            .map(|_| Node {
                function: any(draw),
                links: (0..INPUTS).map(|i| (i, 2.0 * draw.normal())).collect(),
            })
            .collect();
        Cppn { nodes, channels }
    }

    /// A child: one or more of a new node in the middle of a link, a new link, another function, and
    /// weights that moved.
    pub(super) fn mutated(&self, draw: &mut Draw) -> Cppn {
        let mut child = self.clone();
        if draw.unit() < 0.2 && child.nodes.len() < MOST_NODES {
            child.add_node(draw);
        }
        if draw.unit() < 0.3 {
            child.add_link(draw);
        }
        if draw.unit() < 0.1 {
            let at = draw.below(child.nodes.len());
            child.nodes[at].function = any(draw);
        }
        for node in &mut child.nodes {
            for (_, weight) in &mut node.links {
                if draw.unit() < 0.3 {
                    *weight = (*weight + 0.5 * draw.normal()).clamp(-8.0, 8.0);
                }
            }
        }
        child
    }

    /// Puts a node into a link of a channel or a hidden node.
    fn add_node(&mut self, draw: &mut Draw) {
        let at = draw.below(self.nodes.len());
        let links = self.nodes[at].links.len();
        if links == 0 {
            return;
        }
        let which = draw.below(links);
        let (from, weight) = self.nodes[at].links[which];
        // It goes before its reader, and before the channels, which stay last.
        let place = at.min(self.nodes.len() - self.channels);
        let node = Node {
            function: any(draw),
            links: vec![(from, weight)],
        };
        for node in &mut self.nodes[place..] {
            for (source, _) in &mut node.links {
                *source += usize::from(*source >= INPUTS + place);
            }
        }
        self.nodes.insert(place, node);
        let reader = at + 1;
        self.nodes[reader].links[which] = (INPUTS + place, 1.0);
    }

    /// A link from anything before a node.
    fn add_link(&mut self, draw: &mut Draw) {
        let at = draw.below(self.nodes.len());
        // Channels do not read each other, or a child's colours could not part.
        let before = at.min(self.nodes.len() - self.channels);
        let from = draw.below(INPUTS + before);
        let weight = 2.0 * draw.normal();
        self.nodes[at].links.push((from, weight));
    }

    /// The picture, from 0 to 1.
    pub(super) fn picture(&self, [channels, height, width]: [usize; 3]) -> Array3<f32> {
        let mut picture = Array3::zeros((channels, height, width));
        let along = |i: usize, size: usize| match size {
            1 => 0.0,
            size => 2.0 * i as f32 / (size - 1) as f32 - 1.0,
        };
        let mut values = vec![0.0; INPUTS + self.nodes.len()];
        for y in 0..height {
            for x in 0..width {
                let (down, across) = (along(y, height), along(x, width));
                let middle = (down * down + across * across).sqrt();
                values[..INPUTS].copy_from_slice(&[across, down, middle, 1.0]);
                for (i, node) in self.nodes.iter().enumerate() {
                    let sum = node.links.iter().map(|&(from, w)| w * values[from]).sum();
                    values[INPUTS + i] = node.function.of(sum);
                }
                let outputs = &values[values.len() - channels..];
                for (c, value) in outputs.iter().enumerate() {
                    picture[[c, y, x]] = (0.5 + 0.5 * value).clamp(0.0, 1.0);
                }
            }
        }
        picture
    }
}

fn any(draw: &mut Draw) -> Function {
    FUNCTIONS[draw.below(FUNCTIONS.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_generations_keep_every_link_before_its_reader() {
        let mut draw = Draw::new(1, 0);
        let mut genome = Cppn::random(3, &mut draw);
        for _ in 0..1000 {
            genome = genome.mutated(&mut draw);
            let outputs = genome.nodes.len() - 3;
            for (i, node) in genome.nodes.iter().enumerate() {
                let before = INPUTS + i.min(outputs);
                assert!(
                    node.links.iter().all(|&(from, _)| from < before),
                    "{genome:?}"
                );
            }
            assert!(genome.nodes.len() <= MOST_NODES);
        }
        assert!(genome.nodes.len() > 10, "it grew");
        let picture = genome.picture([3, 9, 7]);
        assert!(picture.iter().all(|v| (0.0..=1.0).contains(v)));
    }
}
