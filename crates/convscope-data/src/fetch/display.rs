use super::Progress;
use convscope_progress::ProgressBar;

/// Shows what happens while fetching: a line on standard output per source, and a bar for what
/// comes over the network.
///
/// ```no_run
/// # use convscope_data::*;
/// # fn f(entry: &Entry, options: &FetchOptions) -> Result<(), DataError> {
/// let mut display = FetchDisplay::new();
/// fetch(entry, options, &mut |progress| display.show(progress))?;
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct FetchDisplay {
    bar: Option<ProgressBar>,
    detailed: bool,
}

impl FetchDisplay {
    /// Says nothing of files that are there already.
    pub fn new() -> FetchDisplay {
        FetchDisplay::default()
    }

    /// Says of every file how it went.
    pub fn detailed() -> FetchDisplay {
        FetchDisplay {
            detailed: true,
            ..FetchDisplay::default()
        }
    }

    /// Shows an event.
    pub fn show(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Waiting => println!("another process is fetching the same; waiting for it"),
            Progress::Present { file } if self.detailed => {
                println!("  {}: here already", file.path);
            }
            Progress::Source { file, source } => {
                let size = convscope_progress::size(file.download_bytes);
                println!("fetching {} ({size}) from {source}", file.path);
            }
            Progress::Received { file, done, total } => match &self.bar {
                Some(bar) => {
                    bar.set_total(total);
                    bar.set(done);
                }
                None => {
                    let bar = ProgressBar::new(format!("fetching {}", file.path), total).bytes();
                    bar.resume(done);
                    self.bar = Some(bar);
                }
            },
            Progress::Failed { attempt, .. } => {
                if let Some(bar) = self.bar.take() {
                    bar.stop_with("broke off");
                }
                println!("  that failed: {}", attempt.reason);
            }
            Progress::Done { file } => {
                if let Some(bar) = self.bar.take() {
                    bar.finish();
                }
                if self.detailed {
                    match &file.sha256_prefix {
                        None => println!("  {} bytes unpacked, checksum right", file.bytes),
                        Some(prefix) => {
                            println!("  the checksum begins with {prefix}, as it should")
                        }
                    }
                }
            }
            _ => {}
        }
    }
}
