//! Which designs there are: a list of choices.

use crate::design::{Design, Piece};
use crate::error::{Result, SearchError};
use convscope_data::Draw;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The pieces that a stage may be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Convolutions with batch norm.
    Conv,
    /// Residual blocks.
    Residual,
    /// Depthwise separable convolutions.
    Separable,
    /// SqueezeNet's modules; the kernel does not matter to them.
    Fire,
}

/// One choice that a design makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is chosen: `"stage 2: filters"`.
    pub name: String,
    /// What there is to choose from.
    pub options: Vec<String>,
}

/// Networks of some stages, each a few equal pieces with a pooling after it, then a mean over
/// positions or a fully connected layer, and dropout. What may differ from design to design are the
/// lists; a list with one entry is no choice.
///
/// A design is written as one number a choice, its *genes*: the places in the lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Space {
    /// Channels, height and width of an image.
    pub input: [usize; 3],
    /// Outputs of the last layer.
    pub classes: usize,
    /// How many stages; each halves height and width.
    pub stages: usize,
    /// What a stage is made of.
    pub kinds: Vec<Kind>,
    /// How many pieces a stage has.
    pub depths: Vec<usize>,
    /// Their filters.
    pub filters: Vec<usize>,
    /// Height and width of a filter.
    pub kernels: Vec<usize>,
    /// Whether pooling takes the largest (`true`) or the mean, in all stages.
    pub max_pooling: Vec<bool>,
    /// Units of a fully connected layer before the last; 0 is the mean over positions instead.
    pub units: Vec<usize>,
    /// The share that dropout sets to 0 before the last layer; 0 is none.
    pub dropout: Vec<f64>,
}

impl Space {
    /// The small space of the course: three stages (fewer for small images) of one or two
    /// convolutions, residual blocks, separable convolutions or SqueezeNet's modules with 8 to 48
    /// filters of 3x3 or 5x5: some millions of designs, each trained in seconds.
    pub fn small(input: [usize; 3], classes: usize) -> Space {
        let side = input[1].min(input[2]);
        Space {
            input,
            classes,
            stages: (1..=3).rev().find(|s| side >> s >= 2).unwrap_or(1),
            kinds: vec![Kind::Conv, Kind::Residual, Kind::Separable, Kind::Fire],
            depths: vec![1, 2],
            filters: vec![8, 16, 32, 48],
            kernels: vec![3, 5],
            max_pooling: vec![true, false],
            units: vec![0, 64],
            dropout: vec![0.0, 0.25, 0.5],
        }
    }

    /// Every choice, in the order of the genes.
    pub fn choices(&self) -> Vec<Choice> {
        let mut all = Vec::new();
        for stage in 1..=self.stages {
            let mut choose = |what: &str, options: Vec<String>| {
                all.push(Choice {
                    name: format!("stage {stage}: {what}"),
                    options,
                });
            };
            let kinds = self.kinds.iter().map(|k| format!("{k:?}").to_lowercase());
            choose("kind", kinds.collect());
            choose("depth", in_words(&self.depths));
            choose("filters", in_words(&self.filters));
            choose("kernel", in_words(&self.kernels));
        }
        let pooling = self.max_pooling.iter().map(|&max| match max {
            true => "max".to_owned(),
            false => "average".to_owned(),
        });
        for (name, options) in [
            ("pooling", pooling.collect()),
            ("units", in_words(&self.units)),
            ("dropout", in_words(&self.dropout)),
        ] {
            all.push(Choice {
                name: name.to_owned(),
                options,
            });
        }
        all
    }

    /// How many options each gene has.
    pub fn options(&self) -> Vec<usize> {
        let stage = [
            self.kinds.len(),
            self.depths.len(),
            self.filters.len(),
            self.kernels.len(),
        ];
        let mut all = stage.repeat(self.stages);
        all.extend([self.max_pooling.len(), self.units.len(), self.dropout.len()]);
        all
    }

    /// How many designs there are. (Some of them are one network, as a kernel means nothing to
    /// [`Kind::Fire`].)
    pub fn size(&self) -> f64 {
        self.options().iter().map(|&n| n as f64).product()
    }

    /// The genes of every design, the last gene counting fastest.
    pub fn all(&self) -> Vec<Vec<usize>> {
        let mut all = vec![Vec::new()];
        for n in self.options() {
            let longer = |genes: &Vec<usize>| {
                let genes = genes.clone();
                (0..n).map(move |option| [&genes[..], &[option]].concat())
            };
            all = all.iter().flat_map(longer).collect();
        }
        all
    }

    /// Whether every list has an entry and every design is a network: asked of the widest and
    /// deepest ones.
    ///
    /// # Errors
    /// Names the empty list, or says what is wrong with a design.
    pub fn check(&self) -> Result<()> {
        if self.stages == 0 {
            return Err(SearchError::Invalid(
                "a space needs at least one stage, got 0".to_owned(),
            ));
        }
        for choice in self.choices() {
            if choice.options.is_empty() {
                let name = choice.name;
                return Err(SearchError::Invalid(format!(
                    "a space needs at least one option for \"{name}\", got none"
                )));
            }
        }
        // Every option of every gene, with the last options around it.
        let options = self.options();
        let last: Vec<usize> = options.iter().map(|n| n - 1).collect();
        for (gene, &n) in options.iter().enumerate() {
            for option in 0..n {
                let mut genes = last.clone();
                genes[gene] = option;
                self.design(&genes)?.cost()?;
            }
        }
        Ok(())
    }

    /// The design that these genes stand for.
    ///
    /// # Errors
    /// When there are more or fewer genes than choices, or one is beyond its list.
    pub fn design(&self, genes: &[usize]) -> Result<Design> {
        let options = self.options();
        if genes.len() != options.len() {
            return Err(SearchError::Invalid(format!(
                "a design of this space has {} genes, got {}",
                options.len(),
                genes.len()
            )));
        }
        if let Some(at) = (0..genes.len()).find(|&i| genes[i] >= options[i]) {
            let name = &self.choices()[at].name;
            return Err(SearchError::Invalid(format!(
                "gene {at} (\"{name}\") must be less than {}, got {}",
                options[at], genes[at]
            )));
        }
        let (stages, rest) = genes.split_at(4 * self.stages);
        let &[pooling, units, dropout] = rest else {
            unreachable!("three genes after the stages'")
        };
        let mut design = Design::new(self.input, self.classes);
        for stage in stages.chunks_exact(4) {
            let (filters, kernel) = (self.filters[stage[2]], self.kernels[stage[3]]);
            for _ in 0..self.depths[stage[1]] {
                design = design.then(match self.kinds[stage[0]] {
                    Kind::Conv => Piece::Conv {
                        filters,
                        kernel,
                        stride: 1,
                        batch_norm: true,
                    },
                    Kind::Residual => Piece::Residual { filters, kernel },
                    Kind::Separable => Piece::Separable { filters, kernel },
                    Kind::Fire => Piece::Fire { filters },
                });
            }
            design = design.then(match self.max_pooling[pooling] {
                true => Piece::MaxPool { window: 2 },
                false => Piece::AvgPool { window: 2 },
            });
        }
        design = design.then(match self.units[units] {
            0 => Piece::GlobalAvgPool,
            units => Piece::Linear { units },
        });
        Ok(match self.dropout[dropout] {
            0.0 => design,
            rate => design.then(Piece::Dropout { rate }),
        })
    }

    /// Genes drawn evenly from all there are.
    pub(crate) fn random(&self, draw: &mut Draw) -> Vec<usize> {
        self.options().iter().map(|&n| draw.below(n)).collect()
    }

    /// The same genes but for one, which becomes another of its list (Real et al. 2019: one small
    /// change from parent to child).
    pub(crate) fn mutated(&self, genes: &[usize], draw: &mut Draw) -> Vec<usize> {
        let options = self.options();
        let free: Vec<usize> = (0..genes.len()).filter(|&i| options[i] > 1).collect();
        let mut child = genes.to_vec();
        if !free.is_empty() {
            let at = free[draw.below(free.len())];
            let other = draw.below(options[at] - 1);
            child[at] = other + usize::from(other >= genes[at]);
        }
        child
    }
}

fn in_words<T: fmt::Display>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for choice in self.choices() {
            writeln!(f, "{:<17} {}", choice.name, choice.options.join(" | "))?;
        }
        write!(f, "{:.0} designs", self.size())
    }
}
