//! What is counted here beside what others have printed.

use crate::show::{Align, Show, Shown, Table};
use convscope_progress::grouped;
use convscope_zoo::{Options, PUBLISHED, Published, Quantity, Result, get};

/// Counted figures beside published ones; see [`beside_published`].
#[derive(Clone, Debug, PartialEq)]
pub struct Beside {
    rows: Vec<Counted>,
}

#[derive(Clone, Debug, PartialEq)]
struct Counted {
    title: &'static str,
    published: Option<Published>,
    quantity: Quantity,
    here: f64,
}

/// Builds these architectures, counts their parameters and multiply-adds, and puts beside each what
/// was published about it, with its source.
///
/// # Errors
/// When the catalogue has no such architecture.
pub fn beside_published(names: &[&str]) -> Result<Beside> {
    let mut rows = Vec::new();
    for name in names {
        let entry = get(name)?;
        let net = entry.build(Options::new().blank())?;
        let parameters = net.parameter_count() as f64;
        let multiply_adds = net.summary().multiply_adds() as f64;
        let count = |quantity| match quantity {
            Quantity::Parameters => Some(parameters),
            Quantity::MultiplyAdds => Some(multiply_adds),
            Quantity::Bytes => Some(4.0 * parameters),
            _ => None,
        };
        for quantity in [
            Quantity::Parameters,
            Quantity::MultiplyAdds,
            Quantity::Bytes,
        ] {
            let Some(here) = count(quantity) else {
                continue;
            };
            let of_it = |p: &&Published| p.name == entry.name && p.quantity == quantity;
            let row = |published| Counted {
                title: entry.title,
                published,
                quantity,
                here,
            };
            let before = rows.len();
            rows.extend(PUBLISHED.iter().filter(of_it).map(|p| row(Some(*p))));
            // A size in bytes is the parameters over again, unless somebody has printed it.
            if rows.len() == before && quantity != Quantity::Bytes {
                rows.push(row(None));
            }
        }
    }
    Ok(Beside { rows })
}

/// The megabyte of the papers.
const MEBIBYTE: f64 = 1_048_576.0;

/// A figure with as many digits as it was printed with: `60 M`, `15.3 G`, `61,100,840`.
fn printed(quantity: Quantity, value: f64, digit: f64) -> String {
    let (unit, name) = match (quantity, value) {
        (Quantity::Bytes, _) => (MEBIBYTE, "MiB"),
        _ if digit <= 1.0 => return grouped(value as u64),
        (_, v) if v >= 1e9 => (1e9, "G"),
        (_, v) if v >= 1e5 => (1e6, "M"),
        _ => (1e3, "k"),
    };
    let digits = (unit / digit).log10().round().max(0.0) as usize;
    format!("{:.digits$} {name}", value / unit)
}

impl Counted {
    fn cells(&self) -> [String; 5] {
        let here = match self.quantity {
            Quantity::Bytes => printed(self.quantity, self.here, 0.01 * MEBIBYTE),
            _ => grouped(self.here as u64),
        };
        let [published, source] = match &self.published {
            None => ["", "nobody that we know of"].map(str::to_owned),
            Some(p) => {
                let note = match p.note {
                    "" => String::new(),
                    note => format!(". {note}"),
                };
                [
                    printed(p.quantity, p.value, p.digit),
                    format!("{}{note}", p.source),
                ]
            }
        };
        let what = self.quantity.to_string();
        [self.title.to_owned(), what, here, published, source]
    }
}

impl Show for Beside {
    fn shown(&self) -> Shown {
        use Align::{Left, Right};
        let mut table = Table::new(&[
            ("network", Left),
            ("what", Left),
            ("counted here", Right),
            ("published", Right),
            ("by whom", Left),
        ]);
        let mut last = "";
        for row in &self.rows {
            let mut cells = row.cells();
            if row.title == last {
                cells[0] = String::new();
            }
            last = row.title;
            table.row(cells);
        }
        Shown::html(table.html("class=\"convscope-published\""), table.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_the_digits_they_were_printed_with() {
        use Quantity::{Bytes, MultiplyAdds, Parameters};
        for (quantity, value, digit, text) in [
            (Parameters, 60e6, 1e6, "60 M"),
            (Parameters, 60_000.0, 1e3, "60 k"),
            (Parameters, 0.27e6, 1e4, "0.27 M"),
            (MultiplyAdds, 15.3e9, 1e8, "15.3 G"),
            (MultiplyAdds, 5e9, 1e9, "5 G"),
            (MultiplyAdds, 724e6, 1e6, "724 M"),
            (Parameters, 61_100_840.0, 1.0, "61,100,840"),
            (Bytes, 4.8 * MEBIBYTE, 0.1 * MEBIBYTE, "4.8 MiB"),
        ] {
            assert_eq!(printed(quantity, value, digit), text);
        }
    }

    #[test]
    fn every_figure_has_its_source_and_none_is_made_up() {
        let text = beside_published(&["lenet5", "zfnet", "squeezenet1_0"])
            .unwrap()
            .shown()
            .text;
        for part in [
            "61,706",
            "60 k",
            "section II B",
            "C3 reads all of S2",
            "4.76 MiB",
            "4.8 MiB",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert_eq!(text.matches("nobody that we know of").count(), 3, "{text}");
        assert!(beside_published(&["lenet6"]).is_err());
    }
}
