//! The curves of a training that is under way.

use crate::show::{Show, escape};
use convscope_data::write_atomic;
use convscope_nn::{Callback, Moment, NnError, Result};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The page is written no more often within an epoch.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps a page with the loss and accuracy so far: open it in a browser while the training runs,
/// and it renews itself every two seconds. When the training ends, the curves stay.
///
/// ```ignore
/// Training::new(Adam::new(0.001)).callback(LiveCurve::new("curve.html")).fit(&mut net, &train, &valid)?;
/// ```
#[derive(Debug)]
pub struct LiveCurve {
    path: PathBuf,
    written: Mutex<Option<Instant>>,
}

impl LiveCurve {
    /// A page at this path; an older file there is replaced.
    pub fn new(path: impl AsRef<Path>) -> LiveCurve {
        LiveCurve {
            path: path.as_ref().to_owned(),
            written: Mutex::new(None),
        }
    }

    fn write(&self, heading: &str, curves: &str, goes_on: bool) -> Result<()> {
        let refresh = match goes_on {
            true => "<meta http-equiv=\"refresh\" content=\"2\">",
            false => "",
        };
        let heading = escape(heading);
        let page = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">{refresh}\
             <title>{heading}</title></head><body style=\"font-family: sans-serif; margin: 24px\">\
             <h1 style=\"font-size: 20px\">{heading}</h1>{curves}</body></html>\n"
        );
        *self.written.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        write_atomic(&self.path, page.as_bytes()).map_err(|e| {
            let path = self.path.display();
            NnError::Invalid(format!("the live curve cannot be written to {path}: {e}"))
        })
    }

    fn draw(&self, at: &Moment<'_>, heading: &str, goes_on: bool) -> Result<()> {
        let curves = at.history().shown().to_html();
        self.write(heading, &curves, goes_on)
    }
}

impl Callback for LiveCurve {
    fn check(&self) -> Result<()> {
        self.write("The training begins", "", true)
    }

    fn after_batch(&self, at: &Moment<'_>) -> Result<()> {
        let written = *self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.is_some_and(|written| written.elapsed() < PAUSE) {
            return Ok(());
        }
        let (epoch, batch, batches) = (at.epoch(), at.batch(), at.batches());
        let heading = format!("Epoch {epoch}, batch {batch} of {batches}");
        self.draw(at, &heading, true)
    }

    fn after_epoch(&self, at: &Moment<'_>) -> Result<()> {
        let ended = at.history().epochs.len();
        self.draw(at, &format!("Epoch {ended} has ended"), true)
    }

    fn at_end(&self, at: &Moment<'_>) -> Result<()> {
        let ended = at.history().epochs.len();
        self.draw(
            at,
            &format!("The training ended after epoch {ended}"),
            false,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_data::Dataset;
    use convscope_nn::{Flatten, Linear, Network, Sgd, Tensor, Training};
    use std::fs;

    fn data() -> Dataset {
        Dataset {
            name: "halves".into(),
            images: Tensor::from_shape_fn(vec![16, 1, 2, 2], |i| (i[0] % 2) as f32),
            labels: (0..16).map(|i| i % 2).collect(),
            classes: vec!["dark".into(), "bright".into()],
        }
    }

    fn train(curve: LiveCurve) -> Result<()> {
        let mut net = Network::input([1, 2, 2])
            .add("flatten", Flatten)
            .add("fc", Linear::new(2))
            .build(1)?;
        let training = Training::new(Sgd::new(0.1)).epochs(3).batch_size(4).quiet();
        let data = data();
        training
            .callback(curve)
            .fit(&mut net, &data, &data)
            .map(|_| ())
    }

    #[test]
    fn the_page_ends_with_both_curves_and_rests() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("curve.html");
        let begun = LiveCurve::new(&path);
        begun.check().unwrap();
        assert!(fs::read_to_string(&path).unwrap().contains("refresh"));
        train(begun).unwrap();
        let page = fs::read_to_string(&path).unwrap();
        assert!(page.contains("ended after epoch 3"), "{page}");
        assert_eq!(page.matches("data:image/svg+xml;base64,").count(), 2);
        assert!(!page.contains("refresh"), "nothing more will come");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told_before_training_begins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nowhere/curve.html");
        let error = train(LiveCurve::new(&path)).unwrap_err().to_string();
        assert!(
            error.contains("live curve") && error.contains("nowhere"),
            "{error}"
        );
    }
}
