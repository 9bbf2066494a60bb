//! What transfer learning gives: features, fitted classifiers, comparisons, plans, boxes.

use super::{Align, Show, Shown, Table, escape, paragraph};
use crate::picture::side_by_side;
use crate::plot::Plot;
use convscope_transfer::{
    BoxEpoch, BoxHistory, Classifier, Clusters, Comparison, CrossValidation, Features, Fitted,
    Interval, Learner, LocalisationScore, Plan, Protocol, Tuned, Written,
};
use serde_json::Value;

/// Sentences, as they are.
macro_rules! said {
    ($($type:ty),* $(,)?) => {$(
        impl Show for $type {
            fn shown(&self) -> Shown {
                Shown::text(self.to_string())
            }
        }
    )*};
}

said!(
    Classifier,
    CrossValidation,
    Fitted,
    Interval,
    Learner,
    Plan,
    Protocol
);

fn headed(head: &str, table: &Table, words: &[String]) -> Shown {
    let mut html = format!("<div><b>{}</b></div>{}", escape(head), table.html(""));
    let mut text = format!("{head}\n{}", table.text());
    for line in words.iter().filter(|line| !line.is_empty()) {
        html.push_str(&paragraph(line));
        text.push_str(&format!("\n{line}"));
    }
    Shown::html(format!("<div style=\"margin: 4px 0\">{html}</div>"), text)
}

/// What there is and where it comes from; the numbers themselves would be an unreadable table.
impl Show for Features {
    fn shown(&self) -> Shown {
        let head = self.to_string();
        let mut table = Table::new(&[("class", Align::Left), ("images", Align::Right)]);
        for (class, count) in self.classes.iter().zip(self.class_counts()) {
            table.row([class.clone(), count.to_string()]);
        }
        let n = self.values.len().max(1) as f64;
        let mean = self.values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let zeros = self.values.iter().filter(|v| **v == 0.0).count() as f64 / n;
        let numbers = format!(
            "The numbers: mean {mean:.3}, {:.0} % of them zero.",
            100.0 * zeros
        );
        headed(&head, &table, &[numbers, origin(self)])
    }
}

/// Checksums stay in the features; people read the rest.
fn origin(features: &Features) -> String {
    let from = &features.provenance;
    let mut words: Vec<String> = vec![format!("{} ({})", from.method, from.source)];
    words.extend(from.model.clone());
    for (name, value) in &from.settings {
        if let (false, Value::String(value)) = (name.ends_with("sha256"), value) {
            words.push(format!("{} {value}", name.replace('_', " ")));
        }
    }
    format!("From: {}.", words.join(", "))
}

/// The file by its name: its folder is this machine's business.
impl Show for Written {
    fn shown(&self) -> Shown {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let mut table = Table::new(&[("layer", Align::Left), ("numbers", Align::Right)]);
        for (layer, width) in &self.layers {
            table.row([layer.clone(), width.to_string()]);
        }
        let here = match self.resumed {
            0 => String::new(),
            n if n == self.images => "All of them were there already.".into(),
            n => format!("{n} of them were there already."),
        };
        let lost = match self.skipped.len() {
            0 => String::new(),
            n => format!("{n} could not be read and have no row."),
        };
        let head = format!("{name}: {} images", self.images);
        headed(&head, &table, &[here, lost])
    }
}

/// A line for each classifier, a column for each set of features.
impl Show for Comparison {
    fn shown(&self) -> Shown {
        let sets = self.features();
        let columns: Vec<(&str, Align)> = std::iter::once(("accuracy", Align::Left))
            .chain(sets.iter().map(|set| (*set, Align::Right)))
            .collect();
        let mut table = Table::new(&columns);
        for learner in self.learners() {
            let of = |set: &&str| {
                let row = self.row(set, &learner);
                row.map_or(String::new(), |row| row.interval.to_string())
            };
            let cells: Vec<String> = sets.iter().map(of).collect();
            table.row(std::iter::once(learner.to_string()).chain(cells));
        }
        let interval = match self.seeds.len() {
            1 => "one seed".to_owned(),
            n => format!("mean of {n} seeds ± half of its 95 % interval"),
        };
        let mut words = vec![format!("{}; {interval}.", self.protocol)];
        words.extend(self.best().map(|best| {
            format!(
                "Best: {} on {}, {}.",
                best.learner, best.features, best.interval
            )
        }));
        let mut html = table.html("");
        for line in &words {
            html.push_str(&paragraph(line));
        }
        let text = format!("{}\n{}", table.text(), words.join("\n"));
        Shown::html(format!("<div style=\"margin: 4px 0\">{html}</div>"), text)
    }
}

impl Show for Clusters {
    fn shown(&self) -> Shown {
        let mut sizes = vec![0usize; self.centres.nrows()];
        self.of_row.iter().for_each(|&cluster| sizes[cluster] += 1);
        let mut table = Table::new(&[("cluster", Align::Right), ("examples", Align::Right)]);
        for (cluster, size) in sizes.iter().enumerate() {
            table.row([cluster.to_string(), size.to_string()]);
        }
        headed(&self.to_string(), &table, &[])
    }
}

/// A line for each stage, and the curves of all of them in a row.
impl Show for Tuned {
    fn shown(&self) -> Shown {
        let columns = [
            ("stage", Align::Left),
            ("parameters that learn", Align::Right),
            ("epochs", Align::Right),
            ("validation accuracy", Align::Right),
        ];
        let mut table = Table::new(&columns);
        let (mut train, mut valid, mut starts) = (Vec::new(), Vec::new(), Vec::new());
        for stage in &self.stages {
            let epochs = &stage.history.epochs;
            starts.push((valid.len(), stage.name.clone()));
            train.extend(epochs.iter().map(|e| e.train_accuracy));
            valid.extend(epochs.iter().map(|e| e.valid_accuracy));
            table.row([
                stage.name.clone(),
                stage.learned.to_string(),
                epochs.len().to_string(),
                epochs
                    .last()
                    .map_or(String::new(), |e| format!("{:.3}", e.valid_accuracy)),
            ]);
        }
        let mut plot = Plot::new("Accuracy, stage by stage")
            .x_label("epoch")
            .y_label("share of right answers")
            .size(560, 320)
            .line("training", 1..=train.len(), train)
            .line("validation", 1..=valid.len(), valid.clone());
        for (before, name) in starts.iter().skip(1) {
            plot = plot.vertical(*before as f64 + 0.5, name.as_str());
        }
        let mut shown = Shown::html(table.html(""), table.text());
        if !valid.is_empty()
            && let Some(html) = &mut shown.html
        {
            let curves = plot.shown();
            html.push_str(&curves.to_html());
            shown.text.push_str(&format!("\n{}", curves.text));
        }
        shown
    }
}

impl Show for LocalisationScore {
    fn shown(&self) -> Shown {
        let mut table = Table::new(&[("of the images", Align::Left), ("", Align::Right)]);
        for (what, value) in [
            ("mean intersection over union", self.mean_overlap),
            ("class right", self.accuracy),
            ("box right (overlap of half or more)", self.located),
            ("both right", self.both),
        ] {
            table.row([what.to_owned(), format!("{value:.3}")]);
        }
        headed(&format!("{} images", self.overlaps.len()), &table, &[])
    }
}

/// The two losses, and how good boxes and classes are on the validation images.
impl Show for BoxHistory {
    fn shown(&self) -> Shown {
        let text = self.to_string();
        if self.epochs.is_empty() {
            return Shown::text(text);
        }
        let epochs = || self.epochs.iter().map(|e| e.epoch);
        let of = |f: fn(&BoxEpoch) -> f64| self.epochs.iter().map(f).collect::<Vec<_>>();
        let losses = Plot::new("Loss on the training images")
            .x_label("epoch")
            .y_label("loss (logarithmic)")
            .size(420, 320)
            .line("class", epochs(), of(|e| e.class_loss))
            .line("box", epochs(), of(|e| e.box_loss))
            .log_y();
        let scores = Plot::new("On the validation images")
            .x_label("epoch")
            .y_label("overlap, share of images")
            .size(420, 320)
            .line("mean overlap", epochs(), of(|e| e.valid.mean_overlap))
            .line("class right", epochs(), of(|e| e.valid.accuracy))
            .line("both right", epochs(), of(|e| e.valid.both))
            .y_range(0.0, 1.0);
        let row = side_by_side(vec![("", losses), ("", scores)]).shown();
        Shown::html(row.to_html(), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_transfer::{KMeans, compare};
    use ndarray::Array2;

    fn features(node: &str) -> Features {
        let values = Array2::from_shape_fn((40, 3), |(i, j)| {
            (i % 2 * (j + 1)) as f32 + (i * 7 % 5) as f32 * 0.01
        });
        let labels = (0..40).map(|i| i % 2).collect();
        let classes = vec!["even".into(), "<odd>".into()];
        Features::new(node, values, labels, classes).unwrap()
    }

    #[test]
    fn features_are_counted_and_their_origin_said() {
        let shown = features("fire").shown();
        for word in ["fire: 40 images x 3 numbers", "even", "20", "From: "] {
            assert!(shown.text.contains(word), "{word} in {}", shown.text);
        }
        assert!(!shown.text.contains("sha256"));
        assert!(shown.html.unwrap().contains("&lt;odd&gt;"));
    }

    #[test]
    fn a_comparison_is_a_table_with_its_protocol_and_its_best() {
        let learners = [Classifier::logistic(), Classifier::neighbours(3)].map(Learner::new);
        let protocol = Protocol {
            train: 10,
            validation: 0,
            test: 10,
            balanced: true,
        };
        let sets = [features("a"), features("b")];
        let shown = compare(&sets, &learners, &protocol, &[1, 2])
            .unwrap()
            .shown();
        let lines: Vec<&str> = shown.text.lines().collect();
        assert!(lines[0].starts_with("accuracy"), "{}", shown.text);
        assert!(
            lines[1].contains("logistic regression") && lines[1].matches('±').count() == 2,
            "{}",
            shown.text
        );
        assert!(shown.text.contains("mean of 2 seeds"), "{}", shown.text);
        assert!(shown.text.contains("Best: "), "{}", shown.text);
        assert_eq!(shown.html.unwrap().matches("<tr>").count(), 3);
    }

    #[test]
    fn fits_intervals_and_clusters_say_what_they_are() {
        let set = features("fire");
        let fitted = Classifier::logistic().fit(&set).unwrap();
        assert!(fitted.shown().text.contains("logistic regression"));
        let interval = Interval::of(&[0.5, 0.7]).unwrap();
        assert!(interval.shown().text.starts_with("0.600 ± "));
        let clusters = KMeans::new(2).fit(&set).unwrap().shown();
        assert!(clusters.text.contains("purity 1.000"), "{}", clusters.text);
        assert_eq!(clusters.html.unwrap().matches("<tr>").count(), 3);
    }
}
