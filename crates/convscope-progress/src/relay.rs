//! What a notebook's process and the relay in front of its kernel have agreed on.
//!
//! A marked line of standard output is [`MARK`], one JSON object and the line's end. Standard
//! output is the only way out of that process which arrives whole and in order.

use serde_json::{Value, json};
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a marked line begins with: the record separator, as in RFC 7464's sequences of JSON texts.
pub const MARK: char = '\u{1e}';
/// Set to 1 in the environment where marked lines are understood.
pub const MARKS: &str = "CONVSCOPE_MARKS";
/// Names a file in the environment. While it exists, what runs should stop after its step.
pub const STOP_FILE: &str = "CONVSCOPE_STOP_FILE";

/// Whether marked lines are understood.
pub fn is_there() -> bool {
    static THERE: OnceLock<bool> = OnceLock::new();
    *THERE.get_or_init(|| std::env::var_os(MARKS).is_some_and(|value| value == "1"))
}

/// Writes a marked line.
pub fn send(object: &Value) {
    let line = format!("{MARK}{object}\n");
    let mut out = std::io::stdout().lock();
    // Where standard output is gone nobody looks.
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}

/// A place among a cell's outputs whose content may change while the cell runs.
#[derive(Debug)]
pub struct Display {
    id: String,
}

impl Default for Display {
    fn default() -> Display {
        Display::new()
    }
}

impl Display {
    /// A place of its own; it appears with the first content.
    pub fn new() -> Display {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Display {
            id: format!("convscope-{}-{count}", std::process::id()),
        }
    }

    /// Shows this in place of what was shown before.
    pub fn show(&self, html: &str, text: &str) {
        send(&json!({
            "display_id": self.id,
            "data": { "text/html": html, "text/plain": text },
        }));
    }
}
