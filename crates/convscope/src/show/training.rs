//! How training went and what came of it: curves, accuracy, confusion matrix.

use super::{Show, Shown, escape, paragraph};
use crate::picture::{Colormap, css};
use crate::plot::Plot;
use convscope_nn::{ConfusionMatrix, EpochRecord, Evaluation, History};
use std::fmt::Write;

impl Show for History {
    fn shown(&self) -> Shown {
        let text = self.to_string();
        let Some(best) = self.best() else {
            return Shown::text(text);
        };
        let epochs = || self.epochs.iter().map(|e| e.epoch);
        let of = |f: fn(&EpochRecord) -> f64| self.epochs.iter().map(f).collect::<Vec<_>>();
        let at = best.epoch as f64;
        let loss = Plot::new("Loss")
            .x_label("epoch")
            .y_label("cross-entropy")
            .size(420, 320)
            .line("training", epochs(), of(|e| e.train_loss))
            .line("validation", epochs(), of(|e| e.valid_loss))
            .mark(at, best.valid_loss, "");
        let accuracy = Plot::new("Accuracy")
            .x_label("epoch")
            .y_label("share of right answers")
            .size(420, 320)
            .line("training", epochs(), of(|e| e.train_accuracy))
            .line("validation", epochs(), of(|e| e.valid_accuracy))
            .mark(at, best.valid_accuracy, "");
        let words = format!(
            "{}. Best on the validation set (circle): epoch {} with accuracy {:.3}; {:.1} s in all.",
            self.optimizer,
            best.epoch,
            best.valid_accuracy,
            self.seconds()
        );
        let html = format!("{} {}{}", loss.image(), accuracy.image(), paragraph(&words));
        Shown::html(html, format!("{text}\n{words}"))
    }
}

impl Show for ConfusionMatrix {
    fn shown(&self) -> Shown {
        let mut html = String::from(
            "<p style=\"margin: 4px 0\">Rows: the truth. Columns: what the network said. Colour: \
             share of the row.</p><table class=\"convscope-confusion\"><thead><tr><th></th>",
        );
        for class in &self.classes {
            let _ = write!(
                html,
                "<th style=\"text-align: center\">{}</th>",
                escape(class)
            );
        }
        html.push_str("<th style=\"text-align: right\">right</th></tr></thead><tbody>");
        for (i, (class, row)) in self.classes.iter().zip(&self.counts).enumerate() {
            let _ = write!(
                html,
                "<tr><th style=\"text-align: right\">{}</th>",
                escape(class)
            );
            let all: usize = row.iter().sum();
            let share = |n: usize| n as f64 / all.max(1) as f64;
            for (j, &n) in row.iter().enumerate() {
                // Mistakes are few: on a linear scale they would all be white.
                let tone = share(n).sqrt();
                let (ground, ink) = css(match i == j {
                    true => Colormap::BlueWhiteRed.at(0.5 - 0.38 * tone),
                    false => Colormap::BlueWhiteRed.at(0.5 + 0.45 * tone),
                });
                let _ = write!(
                    html,
                    "<td style=\"text-align: center; background-color: {ground}; color: {ink}\">{n}</td>"
                );
            }
            let right = row.get(i).map_or(0.0, |&n| share(n));
            let _ = write!(html, "<td style=\"text-align: right\">{right:.3}</td></tr>");
        }
        html.push_str("</tbody></table>");
        Shown::html(html, self.to_string())
    }
}

impl Show for Evaluation {
    fn shown(&self) -> Shown {
        let matrix = self.confusion.shown();
        let html = format!(
            "<p style=\"margin: 4px 0\">{}: <b>accuracy {:.3} ± {:.3}</b> (one standard error), loss \
             {:.3}, {} images</p>{}",
            escape(&self.dataset),
            self.accuracy,
            self.standard_error(),
            self.loss,
            self.predictions.len(),
            matrix.to_html()
        );
        Shown::html(html, format!("{self}\n{}", matrix.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(epoch: usize, loss: f64, accuracy: f64) -> EpochRecord {
        EpochRecord {
            epoch,
            train_loss: loss,
            train_accuracy: accuracy,
            valid_loss: loss * 1.1,
            valid_accuracy: accuracy - 0.01,
            seconds: 0.5,
            ..EpochRecord::default()
        }
    }

    #[test]
    fn a_history_is_two_curves_with_the_best_epoch() {
        let history = History {
            optimizer: "Adam, learning rate 0.001".into(),
            epochs: vec![
                record(1, 2.3, 0.5),
                record(2, 1.0, 0.9),
                record(3, f64::NAN, 0.8),
            ],
            ..History::default()
        };
        let shown = history.shown();
        assert_eq!(
            shown
                .html
                .unwrap()
                .matches("data:image/svg+xml;base64,")
                .count(),
            2
        );
        assert!(
            shown.text.contains("epoch 2 with accuracy 0.890"),
            "{}",
            shown.text
        );
    }

    #[test]
    fn an_empty_history_is_shown_too() {
        let history = History {
            optimizer: "Sgd".into(),
            ..History::default()
        };
        assert!(history.shown().text.starts_with("Sgd"));
    }

    #[test]
    fn a_confusion_matrix_has_counts_and_class_names() {
        let classes = vec!["<cat>".to_owned(), "dog".to_owned()];
        let m = ConfusionMatrix::new(&classes, &[0, 0, 1, 1], &[0, 1, 1, 1]);
        let html = m.shown().html.unwrap();
        assert!(html.contains("&lt;cat&gt;") && html.contains("0.500") && html.contains("1.000"));
    }
}
