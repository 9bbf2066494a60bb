//! Datasets: how many images of each class, and a few of them.

use super::{Align, Show, Shown, Table, escape};
use crate::picture::gallery_of;
use convscope_data::Dataset;

/// How many images of each class stand in the sample.
const EACH: usize = 2;
/// Datasets with more classes than this are sampled from the front.
const MANY: usize = 10;

impl Show for Dataset {
    fn shown(&self) -> Shown {
        let mut counts = vec![0usize; self.classes.len()];
        for &label in &self.labels {
            if label >= counts.len() {
                counts.resize(label + 1, 0);
            }
            counts[label] += 1;
        }
        let mut table = Table::new(&[("class", Align::Left), ("images", Align::Right)]);
        for (label, &n) in counts.iter().enumerate() {
            let name = self.classes.get(label).cloned();
            table.row([name.unwrap_or_else(|| label.to_string()), n.to_string()]);
        }
        let head = format!(
            "{}: {} images of shape {:?} in {} classes",
            self.name,
            self.labels.len(),
            self.images.shape().get(1..).unwrap_or_default(),
            counts.len()
        );
        let sample = gallery_of(self, &sample(&self.labels, counts.len())).columns(MANY);
        let html = format!(
            "<div style=\"margin: 4px 0\"><b>{}</b></div><table style=\"border: none\"><tr>\
             <td style=\"vertical-align: top\">{}</td><td style=\"vertical-align: top\">{}</td></tr></table>",
            escape(&head),
            table.html(""),
            sample.shown().to_html()
        );
        Shown::html(html, format!("{head}\n{}", table.text()))
    }
}

/// The first few of each class: one row per turn, one column per class.
fn sample(labels: &[usize], classes: usize) -> Vec<usize> {
    let mut picked = Vec::new();
    for k in 0..EACH {
        for class in 0..classes.min(MANY) {
            let mut of_class = (0..labels.len()).filter(|&i| labels[i] == class);
            picked.extend(of_class.nth(k));
        }
    }
    picked
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayD;

    #[test]
    fn a_dataset_shows_counts_and_samples() {
        let set = Dataset {
            name: "few".into(),
            images: ArrayD::zeros(vec![5, 1, 4, 4]),
            labels: vec![1, 0, 1, 1, 0],
            classes: vec!["a".into(), "b".into()],
        };
        assert_eq!(sample(&set.labels, 2), [1, 0, 4, 2]);
        let shown = set.shown();
        assert!(
            shown
                .text
                .contains("5 images of shape [1, 4, 4] in 2 classes")
        );
        assert!(shown.text.contains("b           3"), "{}", shown.text);
        assert_eq!(shown.html.unwrap().matches("<img").count(), 4);
    }

    #[test]
    fn an_empty_dataset_is_shown() {
        let set = Dataset {
            name: "none".into(),
            images: ArrayD::zeros(vec![0, 1, 4, 4]),
            labels: vec![],
            classes: vec!["a".into()],
        };
        assert!(set.shown().text.contains("0 images"));
    }
}
