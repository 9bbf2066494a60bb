//! The leaderboard as a page of its own.

use crate::board::Board;
use crate::task::Task;
use convscope_progress::escape;
use std::fmt::Write;

const STYLE: &str = "body{font-family:sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#222}\
table{border-collapse:collapse;width:100%}th,td{padding:.4rem .6rem;border-bottom:1px solid #ddd;text-align:right}\
th:nth-child(2),td:nth-child(2),th:last-child,td:last-child{text-align:left}\
td:nth-child(3),td:nth-child(4){white-space:nowrap}\
.bar{display:inline-block;height:.7rem;background:#0072b2;vertical-align:middle;margin-right:.4rem}\
summary{cursor:pointer}small{color:#666}";

/// The page; nothing in it comes from elsewhere, and no word of a submission is taken for a tag.
pub(crate) fn page(task: &Task, board: &Board) -> String {
    let mut html =
        String::from("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    let _ = write!(
        html,
        "<title>The challenge</title><style>{STYLE}</style></head><body><h1>The challenge</h1>"
    );
    for line in task.to_string().lines() {
        let _ = write!(html, "<p>{}</p>", escape(line));
    }
    if board.entries.is_empty() {
        html += "<p>Nobody has handed anything in yet.</p></body></html>\n";
        return html;
    }
    html += "<table><tr><th>rank</th><th>who</th><th>accuracy</th><th>95 % interval</th>\
             <th>parameters</th><th>million multiply-adds</th><th>tries</th><th>network</th></tr>\n";
    for (i, (entry, tries)) in board.ranking().into_iter().enumerate() {
        let [low, high] = entry.interval();
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{}</td><td><span class=\"bar\" style=\"width:{:.1}rem\"></span>{:.3}</td>\
             <td>{low:.3} to {high:.3}</td><td>{}</td><td>{:.2}</td><td>{tries}</td>\
             <td><details><summary>{}</summary>{}<br><small>{}; trained in {:.0} seconds</small></details></td></tr>",
            i + 1,
            escape(&entry.author),
            4.0 * entry.accuracy(),
            entry.accuracy(),
            entry.cost.parameters,
            entry.cost.multiply_adds as f64 / 1e6,
            escape(&entry.name),
            escape(&entry.design),
            escape(&entry.training),
            entry.seconds,
        );
    }
    html += "</table><p><small>Each author's best; scored on images that were drawn from a secret. \
             Intervals say how far luck with those images may carry.</small></p></body></html>\n";
    html
}
