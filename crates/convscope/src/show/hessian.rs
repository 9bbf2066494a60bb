//! A Hessian: its matrix as a picture, and its eigenvalues in a sentence.

use super::{Show, Shown, paragraph, short_number};
use crate::picture::heatmap;
use convscope_nn::Hessian;

/// The paths that a caption names before it only counts.
const NAMED: usize = 4;

impl Show for Hessian {
    fn shown(&self) -> Shown {
        let size = self.matrix().nrows();
        let of: Vec<String> = self
            .parameters()
            .iter()
            .map(|(path, len)| format!("{path} ({len})"))
            .collect();
        let mut named = of[..of.len().min(NAMED)].join(", ");
        if of.len() > NAMED {
            named.push_str(&format!(" and {} more", of.len() - NAMED));
        }
        let eigenvalues = match self.eigenvalues() {
            Ok(values) => format!(
                "Eigenvalues from {} to {}; {} of {size} are negative.",
                short_number(values[0]),
                short_number(values[size - 1]),
                values.iter().filter(|v| **v < 0.0).count()
            ),
            Err(error) => format!("{error}."),
        };
        let words = format!("Rows and columns: {named}. {eigenvalues}");
        let picture = heatmap(self.matrix(), &format!("Hessian of {size} parameters")).shown();
        Shown::html(
            format!("<div>{}{}</div>", picture.to_html(), paragraph(&words)),
            format!("{}\n{words}", picture.text),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_nn::{Linear, MeanSquaredError, Network, Target, Tensor};

    #[test]
    fn a_hessian_is_a_picture_with_its_rows_and_eigenvalues() {
        let net = Network::input([2])
            .add("fc", Linear::new(1))
            .build(1)
            .unwrap();
        let x = Tensor::from_shape_vec(vec![2, 2], vec![3.0, 0.0, 0.0, 1.0]).unwrap();
        let y = Tensor::zeros(vec![2, 1]);
        let hessian =
            Hessian::of_weights(&net.to_f64(), &x, Target::Values(&y), &MeanSquaredError).unwrap();
        let shown = hessian.shown();
        assert!(shown.html.unwrap().contains("<img"));
        for part in [
            "Hessian of 2 parameters",
            "fc.weight (2)",
            "from 1",
            "to 9",
            "0 of 2",
        ] {
            assert!(shown.text.contains(part), "{part} in {}", shown.text);
        }
    }
}
