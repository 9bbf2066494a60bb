//! A small recurrent network that draws designs, and learns which choices pay.

use convscope_data::Draw;
use convscope_nn::{Adam, Optimizer, State, Tensor};
use ndarray::IxDyn;

/// Numbers in the hidden state: the published controller has 35 or 100 in each of two layers, for
/// spaces far larger.
const HIDDEN: usize = 24;

/// The policy of REINFORCE (Williams 1992), as Zoph and Le (2017) use it to design networks: it
/// makes one choice after the other, each given those before.
///
/// With `a` the choices so far, `h_t = tanh(E_t[a_(t-1)] + W h_(t-1) + b)`, and choice `t` is drawn
/// from `softmax(V_t h_t + c_t)`. (The paper's is an LSTM of two layers; for a dozen choices a plain
/// recurrence is enough.) All choices are equally likely at first.
#[derive(Clone, Debug)]
pub struct Controller {
    options: Vec<usize>,
    /// `E` of every choice but the first, `W`, `b`, then `V` and `c` of every choice.
    parameters: Vec<Tensor>,
    state: Vec<State>,
    optimizer: Adam,
}

/// What one drawing of a design went through.
struct Path {
    /// The hidden states, a row a choice.
    hidden: Vec<Vec<f32>>,
    /// The probabilities of every choice's options.
    probabilities: Vec<Vec<f32>>,
}

fn softmax(scores: &[f32]) -> Vec<f32> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exps: Vec<f32> = scores.iter().map(|s| (s - most).exp()).collect();
    let sum: f32 = exps.iter().sum();
    exps.iter().map(|e| e / sum).collect()
}

impl Controller {
    /// For choices with so many options each, learning at this rate by Adam.
    pub fn new(options: &[usize], learning_rate: f64, seed: u64) -> Controller {
        let mut draw = Draw::new(seed, 0xC0);
        let mut random = |shape: &[usize], scale: f32| {
            Tensor::from_shape_simple_fn(IxDyn(shape), || scale * draw.normal())
        };
        let mut parameters = Vec::new();
        for &n in &options[..options.len().saturating_sub(1)] {
            parameters.push(random(&[n, HIDDEN], 0.5));
        }
        parameters.push(random(&[HIDDEN, HIDDEN], 0.2));
        parameters.push(random(&[HIDDEN], 0.5));
        for &n in options {
            // Zeros: every option is as likely as the others.
            parameters.push(Tensor::zeros(vec![n, HIDDEN]));
            parameters.push(Tensor::zeros(vec![n]));
        }
        let optimizer = Adam::new(learning_rate);
        let state = parameters.iter().map(|p| optimizer.start(p)).collect();
        Controller {
            options: options.to_vec(),
            parameters,
            state,
            optimizer,
        }
    }

    fn recurrent(&self) -> usize {
        self.options.len().saturating_sub(1)
    }

    fn output(&self, choice: usize) -> usize {
        self.recurrent() + 2 + 2 * choice
    }

    fn slice(&self, parameter: usize) -> &[f32] {
        self.parameters[parameter]
            .as_slice()
            .expect("made in C order")
    }

    /// Runs the choices, each by `choose` from its options' probabilities.
    fn run(&self, mut choose: impl FnMut(usize, &[f32]) -> usize) -> (Vec<usize>, Path) {
        let (mut genes, mut before) = (Vec::new(), vec![0.0; HIDDEN]);
        let mut path = Path {
            hidden: Vec::new(),
            probabilities: Vec::new(),
        };
        let weights = self.slice(self.recurrent());
        for choice in 0..self.options.len() {
            let mut sums = self.slice(self.recurrent() + 1).to_vec();
            if let Some(&last) = genes.last() {
                let embedded = &self.slice(choice - 1)[last * HIDDEN..][..HIDDEN];
                sums.iter_mut().zip(embedded).for_each(|(s, e)| *s += e);
                for (sum, row) in sums.iter_mut().zip(weights.chunks_exact(HIDDEN)) {
                    *sum += row.iter().zip(&before).map(|(w, h)| w * h).sum::<f32>();
                }
            }
            let hidden: Vec<f32> = sums.iter().map(|s| s.tanh()).collect();
            let rows = self.slice(self.output(choice)).chunks_exact(HIDDEN);
            let scores: Vec<f32> = rows
                .zip(self.slice(self.output(choice) + 1))
                .map(|(row, c)| c + row.iter().zip(&hidden).map(|(v, h)| v * h).sum::<f32>())
                .collect();
            let probabilities = softmax(&scores);
            genes.push(choose(choice, &probabilities));
            path.hidden.push(hidden.clone());
            path.probabilities.push(probabilities);
            before = hidden;
        }
        (genes, path)
    }

    /// Draws one option for every choice.
    pub fn sample(&self, draw: &mut Draw) -> Vec<usize> {
        let (genes, _) = self.run(|_, probabilities| {
            let mut rest = draw.unit();
            for (i, p) in probabilities.iter().enumerate() {
                if rest < *p {
                    return i;
                }
                rest -= p;
            }
            probabilities.len() - 1
        });
        genes
    }

    /// How likely each option of every choice is, given the choices before it in `genes`.
    pub fn probabilities(&self, genes: &[usize]) -> Vec<Vec<f32>> {
        self.run(|choice, _| genes[choice]).1.probabilities
    }

    /// One step up the expected reward: for drawn designs and their advantages (reward less
    /// baseline), along the mean of `advantage * grad log p(design)`, plus `entropy` times the
    /// gradient of the choices' entropy, which keeps it from settling early.
    pub fn learn(&mut self, designs: &[(Vec<usize>, f32)], entropy: f32) {
        let mut gradients: Vec<Tensor> = self
            .parameters
            .iter()
            .map(|p| Tensor::zeros(p.raw_dim()))
            .collect();
        for (genes, advantage) in designs {
            self.add_gradient(genes, *advantage, entropy, &mut gradients);
        }
        let share = -1.0 / designs.len().max(1) as f32;
        for ((parameter, gradient), state) in self
            .parameters
            .iter_mut()
            .zip(&gradients)
            .zip(&mut self.state)
        {
            // The optimizer goes down.
            let gradient = gradient * share;
            let rate = self.optimizer.learning_rate;
            self.optimizer.step(rate, parameter, &gradient, state);
        }
    }

    /// Adds the gradient of `advantage * log p(genes) + entropy * H(genes)`, back through the choices.
    fn add_gradient(&self, genes: &[usize], advantage: f32, entropy: f32, to: &mut [Tensor]) {
        let (_, path) = self.run(|choice, _| genes[choice]);
        let recurrent = self.recurrent();
        let weights = self.slice(recurrent);
        let mut from_later = vec![0.0_f32; HIDDEN];
        for choice in (0..genes.len()).rev() {
            let (hidden, p) = (&path.hidden[choice], &path.probabilities[choice]);
            let log = |p: f32| p.max(1e-20).ln();
            let h: f32 = -p.iter().map(|&p| p * log(p)).sum::<f32>();
            // With respect to the scores: of log p, one less p; of the entropy, -p (log p + H).
            let scores: Vec<f32> = (0..p.len())
                .map(|i| {
                    let chosen = f32::from(u8::from(i == genes[choice]));
                    advantage * (chosen - p[i]) - entropy * p[i] * (log(p[i]) + h)
                })
                .collect();
            let output = self.output(choice);
            let mut hidden_gradient = std::mem::replace(&mut from_later, vec![0.0; HIDDEN]);
            let rows = self.slice(output).chunks_exact(HIDDEN);
            for (score, row) in scores.iter().zip(rows) {
                for (g, v) in hidden_gradient.iter_mut().zip(row) {
                    *g += score * v;
                }
            }
            for (i, score) in scores.iter().enumerate() {
                for (j, h) in hidden.iter().enumerate() {
                    to[output][[i, j]] += score * h;
                }
                to[output + 1][[i]] += score;
            }
            let before_tanh = hidden_gradient.iter().zip(hidden);
            let sums: Vec<f32> = before_tanh.map(|(g, h)| g * (1.0 - h * h)).collect();
            for (j, sum) in sums.iter().enumerate() {
                to[recurrent + 1][[j]] += sum;
            }
            if choice > 0 {
                for (i, sum) in sums.iter().enumerate() {
                    to[choice - 1][[genes[choice - 1], i]] += sum;
                    for j in 0..HIDDEN {
                        to[recurrent][[i, j]] += sum * path.hidden[choice - 1][j];
                        from_later[j] += sum * weights[i * HIDDEN + j];
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `advantage * log p + entropy * H`, in double precision where it matters.
    fn objective(c: &Controller, genes: &[usize], advantage: f32, entropy: f32) -> f64 {
        let all = c.probabilities(genes);
        let log: f64 = all
            .iter()
            .zip(genes)
            .map(|(p, &g)| f64::from(p[g]).ln())
            .sum();
        let h: f64 = all
            .iter()
            .flatten()
            .map(|&p| -f64::from(p) * f64::from(p).ln())
            .sum();
        f64::from(advantage) * log + f64::from(entropy) * h
    }

    fn unsettled() -> Controller {
        let mut controller = Controller::new(&[3, 2, 4], 0.01, 7);
        let mut draw = Draw::new(3, 0);
        for parameter in &mut controller.parameters {
            parameter.mapv_inplace(|v| v + 0.3 * draw.normal());
        }
        controller
    }

    #[test]
    fn its_gradient_is_that_of_differences() {
        let controller = unsettled();
        let genes = [2, 0, 3];
        let zeros = |p: &Tensor| Tensor::zeros(p.raw_dim());
        let mut gradients: Vec<Tensor> = controller.parameters.iter().map(zeros).collect();
        controller.add_gradient(&genes, 1.5, 0.4, &mut gradients);
        for (k, gradient) in gradients.iter().enumerate() {
            for at in [0, gradient.len() / 2, gradient.len() - 1] {
                let moved = |by: f32| {
                    let mut other = controller.clone();
                    other.parameters[k].as_slice_mut().unwrap()[at] += by;
                    objective(&other, &genes, 1.5, 0.4)
                };
                let difference = (moved(0.01) - moved(-0.01)) / 0.02;
                let found = f64::from(gradient.as_slice().unwrap()[at]);
                assert!(
                    (difference - found).abs() < 2e-3 * (1.0 + found.abs()),
                    "parameter {k} at {at}: {found} for {difference}"
                );
            }
        }
    }

    #[test]
    fn at_first_every_option_is_as_likely_as_the_others() {
        let controller = Controller::new(&[3, 2, 4], 0.01, 1);
        for (p, n) in controller.probabilities(&[0, 0, 0]).iter().zip([3, 2, 4]) {
            assert!(p.iter().all(|&p| (p - 1.0 / n as f32).abs() < 1e-6));
        }
    }

    #[test]
    fn it_learns_a_choice_that_depends_on_the_one_before() {
        let mut controller = Controller::new(&[2, 2, 3], 0.03, 5);
        let mut draw = Draw::new(9, 0);
        // Pays where the second choice is not the first, whatever the third.
        let pays = |genes: &[usize]| f32::from(u8::from(genes[0] != genes[1]));
        for _ in 0..200 {
            let designs: Vec<_> = (0..8)
                .map(|_| controller.sample(&mut draw))
                .map(|genes| (genes.clone(), pays(&genes) - 0.5))
                .collect();
            controller.learn(&designs, 0.01);
        }
        let drawn = (0..200).map(|_| controller.sample(&mut draw));
        let share = drawn.map(|genes| pays(&genes)).sum::<f32>() / 200.0;
        assert!(share > 0.95, "{share}");
    }

    #[test]
    fn draws_follow_the_probabilities() {
        let controller = unsettled();
        let mut draw = Draw::new(1, 0);
        let mut counts = [0_usize; 3];
        for _ in 0..4000 {
            counts[controller.sample(&mut draw)[0]] += 1;
        }
        let p = &controller.probabilities(&[0, 0, 0])[0];
        for (count, p) in counts.iter().zip(p) {
            let share = *count as f32 / 4000.0;
            assert!((share - p).abs() < 0.04, "{share} for {p}");
        }
    }
}
