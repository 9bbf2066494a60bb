//! What a long command says while it works: a moving line on a terminal, plain lines elsewhere.

use convscope_progress::duration;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// One step of a longer job. Says what it does and how long that takes, then how long it took.
pub struct Step {
    title: String,
    bar: Option<ProgressBar>,
    start: Instant,
    last_line: Instant,
    last_position: (u64, u64),
}

/// Without a terminal a step that takes long is heard of this often.
const PLAIN_INTERVAL: Duration = Duration::from_secs(20);

impl Step {
    /// `expected` is a time in words, such as "about a minute".
    pub fn start(title: &str, expected: &str) -> Step {
        let terminal = std::io::stderr().is_terminal();
        let bar = terminal.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(plain_style());
            bar.set_prefix(format!("{title} ({expected})"));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if bar.is_none() {
            eprintln!("{title} ({expected}) ...");
        }
        let now = Instant::now();
        Step {
            title: title.to_owned(),
            bar,
            start: now,
            last_line: now,
            last_position: (0, 0),
        }
    }

    /// What is being done just now.
    pub fn note(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None if self.last_line.elapsed() >= PLAIN_INTERVAL => {
                self.last_line = Instant::now();
                let (done, total) = self.last_position;
                let share = if total > 0 {
                    format!("{done} of {total}, ")
                } else {
                    String::new()
                };
                eprintln!(
                    "  {share}{} so far: {text}",
                    duration(self.start.elapsed().as_secs_f64())
                );
            }
            None => {}
        }
    }

    pub fn position(&mut self, done: u64, total: u64) {
        self.last_position = (done, total);
        if let Some(bar) = &self.bar {
            if bar.length().is_none() {
                bar.set_style(counting_style());
            }
            // A machine may have to build a little more than was counted here.
            bar.set_length(total.max(done));
            bar.set_position(done);
        }
    }

    pub fn done(self) {
        let line = format!(
            "{}: done in {}",
            self.title,
            duration(self.start.elapsed().as_secs_f64())
        );
        match &self.bar {
            Some(bar) => {
                bar.finish_and_clear();
                eprintln!("{line}");
            }
            None => eprintln!("{line}"),
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn plain_style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {prefix} {elapsed} {wide_msg}")
        .expect("the template is well formed")
}

fn counting_style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {prefix} {elapsed} [{bar:24}] {pos}/{len} {wide_msg}")
        .expect("the template is well formed")
        .progress_chars("=> ")
}
