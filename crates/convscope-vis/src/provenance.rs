//! Where numbers come from.

use crate::error::{Result, VisError};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// Where a result comes from: enough to make it again, and to know what one is looking at. It is
/// written as JSON beside every file that a result is saved in.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Provenance {
    /// The method, `"occlusion"`.
    pub method: String,
    /// The paper it was published in, or whose convention it follows.
    pub source: String,
    /// What the network is called, where that was said.
    pub model: Option<String>,
    /// The layer looked at, where there is one.
    pub layer: Option<String>,
    /// What was explained or aimed at, in words.
    pub target: Option<String>,
    /// The seed of what was random.
    pub seed: Option<u64>,
    /// The settings, by their names.
    pub settings: Map<String, Value>,
    /// Numbers that came out beside the result: a gap, a fit, the last loss.
    pub figures: Map<String, Value>,
    /// Seconds it took.
    pub seconds: f64,
}

impl Provenance {
    /// Of a method, published in or conventional in `source`.
    pub fn new(method: &str, source: &str) -> Provenance {
        Provenance {
            method: method.to_owned(),
            source: source.to_owned(),
            ..Provenance::default()
        }
    }

    /// With what the network is called.
    pub fn model(mut self, name: impl Into<String>) -> Provenance {
        self.model = Some(name.into());
        self
    }

    /// With the layer that is looked at.
    pub fn layer(mut self, layer: impl Into<String>) -> Provenance {
        self.layer = Some(layer.into());
        self
    }

    /// With what was explained or aimed at.
    pub fn target(mut self, words: impl Into<String>) -> Provenance {
        self.target = Some(words.into());
        self
    }

    /// With a seed.
    pub fn seed(mut self, seed: u64) -> Provenance {
        self.seed = Some(seed);
        self
    }

    /// With a setting.
    pub fn setting(mut self, name: &str, value: impl Into<Value>) -> Provenance {
        self.settings.insert(name.to_owned(), value.into());
        self
    }

    /// With a number that came out beside the result.
    pub fn figure(mut self, name: &str, value: impl Into<Value>) -> Provenance {
        self.figures.insert(name.to_owned(), value.into());
        self
    }

    /// With the time since the work began.
    pub fn took(mut self, since: std::time::Instant) -> Provenance {
        self.seconds = since.elapsed().as_secs_f64();
        self
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("words and numbers")
    }

    /// Writes it beside a file: for `map.png`, `map.png.json`. Returns where.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_beside(&self, file: impl AsRef<Path>) -> Result<PathBuf> {
        let mut name = file.as_ref().as_os_str().to_owned();
        name.push(".json");
        let path = PathBuf::from(name);
        fs::write(&path, self.to_json() + "\n").map_err(|e| VisError::File {
            path: path.clone(),
            problem: e.to_string(),
        })?;
        Ok(path)
    }
}
