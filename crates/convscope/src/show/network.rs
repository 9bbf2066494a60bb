//! Networks and traces: a table of the nodes.

use super::{Align, Show, Shown, Table, escape};
use convscope_nn::{INPUT, Network, Real, Summary, Trace};
use convscope_progress::grouped;

impl Show for Summary {
    fn shown(&self) -> Shown {
        use Align::{Left, Right};
        let mut before = INPUT;
        let mut reads = Vec::new();
        for row in &self.rows {
            // A chain needs no words.
            reads.push(match &row.inputs[..] {
                [one] if one == before => String::new(),
                many => many.join(", "),
            });
            before = &row.name;
        }
        let chain = reads.iter().all(String::is_empty);
        let mut columns = vec![("node", Left), ("layer", Left), ("settings", Left)];
        if !chain {
            columns.push(("reads", Left));
        }
        columns.extend([
            ("output", Right),
            ("parameters", Right),
            ("multiply-adds", Right),
        ]);
        let mut table = Table::new(&columns);
        let line = |start: [&str; 3], reads: &str, end: [String; 3]| {
            let mut cells = start.map(str::to_owned).to_vec();
            if !chain {
                cells.push(reads.to_owned());
            }
            cells.extend(end);
            cells
        };
        let input = [format!("{:?}", self.input), String::new(), String::new()];
        table.row(line([INPUT, "", ""], "", input));
        for (row, reads) in self.rows.iter().zip(&reads) {
            let end = [
                format!("{:?}", row.output),
                grouped(row.parameters as u64),
                grouped(row.multiply_adds),
            ];
            table.row(line([&row.name, row.kind, &row.settings], reads, end));
        }
        let sums = [
            String::new(),
            grouped(self.parameters() as u64),
            grouped(self.multiply_adds()),
        ];
        table.total(line(["total", "", ""], "", sums));
        Shown::html(table.html("class=\"convscope-network\""), self.to_string())
    }
}

impl<F: Real> Show for Network<F> {
    fn shown(&self) -> Shown {
        self.summary().shown()
    }
}

impl<F: Real> Show for Trace<F> {
    fn shown(&self) -> Shown {
        let text = format!(
            "A trace of one forward pass; its output has shape {:?}.\n\
             Look into it with trace.activation(\"node\")? and trace.gradient(unit, rule)?.",
            self.output().shape()
        );
        Shown::html(format!("<p>{}</p>", escape(&text)), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_nn::{Conv2d, Flatten, Linear, Relu};

    #[test]
    fn a_network_is_a_table_with_totals() {
        let net = Network::input([1, 28, 28])
            .add("conv1", Conv2d::new(32, 3).same())
            .add("relu1", Relu)
            .add("flatten", Flatten)
            .add("<fc>", Linear::new(10))
            .build(1)
            .unwrap();
        let shown = net.shown();
        let html = shown.html.unwrap();
        assert!(html.contains("251,210") && html.contains("&lt;fc&gt;") && html.contains("Conv2d"));
        assert!(shown.text.contains("251,210"));
        assert!(!html.contains("reads"), "a chain needs no such column");
        let x = convscope_nn::Tensor::zeros(vec![2, 1, 28, 28]);
        assert!(net.trace(&x).unwrap().shown().text.contains("[2, 10]"));
    }
}
