//! The table in `docs/zoo.md` is the catalogue's.

use convscope_progress::grouped;
use convscope_zoo::{Entry, entries};
use std::path::Path;

const BEGIN: &str = "<!-- the table below is the catalogue's; a test holds it so -->\n";
const END: &str = "<!-- its end -->\n";

fn row(entry: &Entry) -> String {
    let [channels, height, width] = entry.input;
    let share = |v: Option<f64>| v.map_or_else(|| "-".to_owned(), |v| format!("{v:.2}"));
    let accuracy = entry.accuracy.as_ref().map_or_else(
        || "".to_owned(),
        |a| match a.top5 {
            Some(_) => format!("{} / {}", share(a.top1), share(a.top5)),
            None => share(a.top1),
        },
    );
    let from = entry.accuracy.as_ref().map_or("", |a| a.source);
    format!(
        "| `{}` | {} | {channels}x{height}x{width} | {} | {} | {} | {accuracy} | {from} |\n",
        entry.name,
        entry.source,
        entry.classes,
        grouped(entry.parameters as u64),
        grouped(entry.multiply_adds),
    )
}

#[test]
fn the_table_in_the_docs_is_the_catalogues() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/zoo.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut table =
        "| name | follows | input | classes | parameters | multiply-adds | accuracy in % | \
                     which says |\n|---|---|---|---|---|---|---|---|\n"
            .to_owned();
    table.extend(entries().map(row));
    let (before, rest) = text.split_once(BEGIN).expect("the table's begin");
    let (found, after) = rest.split_once(END).expect("the table's end");
    if std::env::var_os("CONVSCOPE_WRITE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert!(
        found == table,
        "docs/zoo.md is not what the catalogue says: CONVSCOPE_WRITE_DOCS=1 cargo test -p \
         convscope-zoo --test doc writes it anew"
    );
}
