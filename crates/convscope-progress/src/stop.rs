use crate::relay::STOP_FILE;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Whether the user asked for an end: with the first interrupt of a notebook's cell. Long loops
/// ask between two steps, keep what they have, and return. It takes about a microsecond.
///
/// The request holds until the cell has ended, so that a cell with several loops ends soon.
///
/// ```
/// for step in 0..1000 {
///     if convscope_progress::stop_requested() {
///         println!("stopped after {step} steps");
///         break;
///     }
/// }
/// ```
pub fn stop_requested() -> bool {
    static FILE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let file = FILE.get_or_init(|| std::env::var_os(STOP_FILE).map(PathBuf::from));
    file.as_ref().is_some_and(|file| file.exists())
}
