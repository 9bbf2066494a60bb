//! Networks and traces: a table of the nodes. `memory` is that of a node's output for one image, `sees`
//! and `every` are the size and the stride of its receptive field in pixels.

use super::{Align, Show, Shown, Table, escape, paragraph};
use convscope_nn::{INPUT, Network, Real, Summary, Trace};
use convscope_progress::{grouped, size};

/// With more rows than this, a table is by blocks, and the whole is folded away.
const ROWS: usize = 40;

impl Show for Summary {
    fn shown(&self) -> Shown {
        let short = self.within(ROWS);
        let note = paragraph(&self.memory_in_words());
        if short.rows.len() == self.rows.len() {
            return Shown::html(table(self) + &note, self.to_string());
        }
        let all = self.rows.len();
        let html = format!(
            "{}{note}<details><summary>All {all} nodes</summary>{}</details>",
            table(&short),
            table(self)
        );
        let text =
            format!("{short}\nBy blocks: println!(\"{{}}\", net.summary()) has all {all} nodes.");
        Shown::html(html, text)
    }
}

fn table(summary: &Summary) -> String {
    use Align::{Left, Right};
    let mut before = INPUT;
    let mut reads = Vec::new();
    for row in &summary.rows {
        // A chain needs no words.
        reads.push(match &row.inputs[..] {
            [one] if one == before => String::new(),
            many => many.join(", "),
        });
        before = &row.name;
    }
    let chain = reads.iter().all(String::is_empty);
    let seen = summary.rows.iter().any(|r| r.receptive_field.is_some());
    let mut columns = vec![("node", Left), ("layer", Left), ("settings", Left)];
    if !chain {
        columns.push(("reads", Left));
    }
    columns.extend([
        ("output", Right),
        ("parameters", Right),
        ("multiply-adds", Right),
        ("memory", Right),
    ]);
    if seen {
        columns.extend([("sees", Right), ("every", Right)]);
    }
    let mut table = Table::new(&columns);
    let line = |start: [&str; 3], reads: &str, end: [String; 6]| {
        let mut cells = start.map(str::to_owned).to_vec();
        if !chain {
            cells.push(reads.to_owned());
        }
        cells.extend(end);
        cells.truncate(columns.len());
        cells
    };
    let none = String::new;
    let image = summary.input.iter().product::<usize>() as u64 * size_of::<f32>() as u64;
    let input = [
        format!("{:?}", summary.input),
        none(),
        none(),
        size(image),
        none(),
        none(),
    ];
    table.row(line([INPUT, "", ""], "", input));
    for (row, reads) in summary.rows.iter().zip(&reads) {
        let field = row.receptive_field.as_ref();
        let end = [
            format!("{:?}", row.output),
            grouped(row.parameters as u64),
            grouped(row.multiply_adds),
            size(row.activation_bytes),
            field.map_or_else(none, |f| f.size_in_words()),
            field.map_or_else(none, |f| f.stride_in_words()),
        ];
        table.row(line([&row.name, row.kind, &row.settings], reads, end));
    }
    let sums = [
        none(),
        grouped(summary.parameters() as u64),
        grouped(summary.multiply_adds()),
        size(summary.activation_bytes()),
        none(),
        none(),
    ];
    table.total(line(["total", "", ""], "", sums));
    table.html("class=\"convscope-network\"")
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

    #[test]
    fn a_network_of_hundreds_of_nodes_is_shown_by_blocks_and_the_rest_folded() {
        let net = convscope_zoo::resnet50(convscope_zoo::Options::new().size(32).blank()).unwrap();
        let shown = net.shown();
        let text = shown.text;
        assert!(text.lines().count() < 40, "{text}");
        for words in ["layer3.5", "25,557,032", "all 175 nodes", "by blocks"] {
            let found = text.to_lowercase().contains(words);
            assert!(found, "{words} in {text}");
        }
        let html = shown.html.unwrap();
        let (table, rest) = html.split_once("<details>").unwrap();
        assert!(!table.contains("layer3.5.conv2") && rest.contains("layer3.5.conv2"));
    }
}
