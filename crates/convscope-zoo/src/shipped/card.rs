//! What is written down beside weights.

use crate::error::{Result, ZooError};
use convscope_data::Preprocessing;
use convscope_nn::{EpochRecord, History};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::path::Path;

/// How weights came about: a JSON file beside them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// What the weights are called.
    pub name: String,
    /// The name of the architecture in the catalogue.
    pub architecture: String,
    /// The shape of the network's input, `[channels, height, width]`.
    pub input: [usize; 3],
    /// Learned numbers.
    pub parameters: usize,
    /// The classes' names, in the order of the outputs.
    pub labels: Vec<String>,
    /// What is to be done to a picture before the network sees it.
    pub preprocessing: Preprocessing,
    /// What it was trained and tested on.
    pub data: Data,
    /// How.
    pub settings: Settings,
    /// What trains it again.
    pub command: String,
    /// How long the training took, by the clock, without the test at the end.
    pub seconds: f64,
    /// On what kind of machine, and whether it did other work meanwhile.
    pub machine: String,
    /// How good it got.
    pub figures: Figures,
    /// SHA-256 of the weights' file.
    pub sha256: String,
    /// Epoch by epoch.
    pub history: Vec<Epoch>,
}

/// What a network was trained and tested on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The dataset.
    pub set: String,
    /// Images of its training part that were trained on: the first so many.
    pub train: usize,
    /// Images of its training part that the history's validation figures are of: the last so many.
    pub validation: usize,
    /// Images of its test part, all of which were looked at once, at the end.
    pub test: usize,
    /// What was special about them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

/// How a network was trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The optimizer, with its learning rate at its highest.
    pub optimizer: String,
    /// Weight decay on every parameter.
    pub weight_decay: f64,
    /// What was made small.
    pub loss: String,
    /// How the learning rate moved.
    pub schedule: String,
    /// Random changes to the training images.
    pub augmentation: String,
    /// How often every image was used.
    pub epochs: usize,
    /// Images a step.
    pub batch_size: usize,
    /// Of the first weights, the order of the images and all that is random.
    pub seed: u64,
}

/// How good a network got. Accuracies are shares of right answers; all are of the weights as they are
/// in the file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Mean cross-entropy on the images it was trained on, as they are (not augmented).
    pub train_loss: f64,
    /// Accuracy on them.
    pub train_accuracy: f64,
    /// Accuracy on the validation images.
    pub validation_accuracy: f64,
    /// Mean cross-entropy on the test images.
    pub test_loss: f64,
    /// Accuracy on the test images.
    pub test_accuracy: f64,
    /// The same before the weights were rounded to half precision.
    pub test_accuracy_unrounded: f64,
}

/// What one epoch brought.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: usize,
    /// The learning rate of its last step.
    pub rate: f64,
    /// Mean loss over its batches, of augmented images, while the weights moved.
    #[serde(deserialize_with = "number")]
    pub train_loss: f64,
    /// Share of right answers over the same.
    #[serde(deserialize_with = "number")]
    pub train_accuracy: f64,
    /// Mean cross-entropy on the validation images after it.
    #[serde(deserialize_with = "number")]
    pub validation_loss: f64,
    /// Share of right answers on them.
    #[serde(deserialize_with = "number")]
    pub validation_accuracy: f64,
    /// How long it took, by the clock.
    pub seconds: f64,
}

/// JSON has no NaN and no infinity; what was one is written as `null`.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}

/// JSON of plain data, which nothing can go wrong with.
fn plain(json: serde_json::Result<String>) -> String {
    json.expect("numbers, texts and lists are JSON")
}

impl Card {
    /// Reads a card.
    ///
    /// # Errors
    /// When it cannot be read or is not what a card is.
    pub fn read(path: impl AsRef<Path>) -> Result<Card> {
        let path = path.as_ref();
        let failed = |problem: String| ZooError::Card {
            path: path.to_owned(),
            problem,
        };
        let text = std::fs::read_to_string(path)
            .map_err(|e| failed(format!("expected a card that can be read: {e}")))?;
        let card: Card = serde_json::from_str(&text)
            .map_err(|e| failed(format!("it is not the card of weights: {e}")))?;
        card.preprocessing
            .check()
            .map_err(|e| failed(e.to_string()))?;
        Ok(card)
    }

    /// The card as it is written: JSON, an epoch a line.
    pub fn to_json(&self) -> String {
        let lines: Vec<String> = self
            .history
            .iter()
            .map(|epoch| format!("    {}", plain(serde_json::to_string(epoch))))
            .collect();
        let rest = Card {
            history: Vec::new(),
            ..self.clone()
        };
        let history = format!("\"history\": [\n{}\n  ]", lines.join(",\n"));
        let text = plain(serde_json::to_string_pretty(&rest));
        text.replacen("\"history\": []", &history, 1) + "\n"
    }

    /// A curve over the epochs: points of the epoch's number and what `of` says about it.
    ///
    /// ```no_run
    /// # let card = convscope_zoo::shipped::get("plain56").unwrap().card;
    /// let training_error = card.curve(|epoch| 1.0 - epoch.train_accuracy);
    /// ```
    pub fn curve(&self, of: impl Fn(&Epoch) -> f64) -> Vec<(f64, f64)> {
        let points = self.history.iter();
        points.map(|e| (e.epoch as f64, of(e))).collect()
    }

    /// The history in the form in which a training tells its own, which a notebook shows as curves.
    pub fn as_history(&self) -> History {
        let images = self.data.train as f64;
        History {
            optimizer: self.settings.optimizer.clone(),
            epochs: self
                .history
                .iter()
                .map(|e| EpochRecord {
                    epoch: e.epoch,
                    train_loss: e.train_loss,
                    train_accuracy: e.train_accuracy,
                    valid_loss: e.validation_loss,
                    valid_accuracy: e.validation_accuracy,
                    seconds: e.seconds,
                    learning_rate: e.rate,
                    images_per_second: images / e.seconds,
                })
                .collect(),
            ..History::default()
        }
    }
}

impl From<&EpochRecord> for Epoch {
    fn from(record: &EpochRecord) -> Epoch {
        // Half a dozen digits tell all that a curve shows.
        let rounded = |v: f64| format!("{v:.5e}").parse().unwrap_or(v);
        Epoch {
            epoch: record.epoch,
            rate: rounded(record.learning_rate),
            train_loss: rounded(record.train_loss),
            train_accuracy: rounded(record.train_accuracy),
            validation_loss: rounded(record.valid_loss),
            validation_accuracy: rounded(record.valid_accuracy),
            seconds: (record.seconds * 10.0).round() / 10.0,
        }
    }
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (data, settings, figures) = (&self.data, &self.settings, &self.figures);
        writeln!(
            f,
            "{}: {} parameters, {} classes, input {:?}",
            self.name,
            self.parameters,
            self.labels.len(),
            self.input
        )?;
        writeln!(f, "preprocessing: {}", self.preprocessing)?;
        writeln!(
            f,
            "data: {}, {} training, {} validation, {} test images",
            data.set, data.train, data.validation, data.test
        )?;
        if let Some(notice) = &data.notice {
            writeln!(f, "  {notice}")?;
        }
        writeln!(
            f,
            "training: {}, weight decay {}, {}, {}, augmentation {}, {} epochs, batches of {}, \
             seed {}",
            settings.optimizer,
            settings.weight_decay,
            settings.loss,
            settings.schedule,
            settings.augmentation,
            settings.epochs,
            settings.batch_size,
            settings.seed
        )?;
        writeln!(
            f,
            "figures: training loss {:.4}, accuracy {:.4}; validation accuracy {:.4}; test loss \
             {:.4}, accuracy {:.4}",
            figures.train_loss,
            figures.train_accuracy,
            figures.validation_accuracy,
            figures.test_loss,
            figures.test_accuracy
        )?;
        write!(
            f,
            "{:.0} s on {}; again with: {}",
            self.seconds, self.machine, self.command
        )
    }
}
