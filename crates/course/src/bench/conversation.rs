//! A program that measures what it is told, a line of JSON for each line of its input.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// How long a workload is measured at a time.
#[derive(Clone, Copy, Debug)]
pub struct Visit {
    pub seconds: f64,
    /// Runs that are counted at least, after one that warms up.
    pub least: usize,
}

/// The running program. It ends when this is dropped.
pub struct Conversation {
    name: &'static str,
    /// What it said of itself.
    pub version: String,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Conversation {
    /// Starts the program and waits for its greeting, `{"version": ...}`.
    pub fn start(name: &'static str, command: &mut Command) -> Result<Conversation> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("a pipe was asked for")?;
        let mut conversation = Conversation {
            name,
            version: String::new(),
            child,
            input,
            output: BufReader::new(output),
        };
        let greeting = conversation.listen()?;
        conversation.version = greeting["version"].as_str().unwrap_or_default().to_owned();
        Ok(conversation)
    }

    /// Milliseconds of each counted run, and multiply-adds of one, where the program tells them.
    pub fn ask(&mut self, workload: &str, visit: Visit, layout: &str) -> Result<(Vec<f64>, u64)> {
        let Visit { seconds, least } = visit;
        if let Some(input) = &mut self.input {
            writeln!(input, "{workload} {seconds} {least} {layout}")
                .and_then(|()| input.flush())
                .with_context(|| format!("{} has ended", self.name))?;
        }
        let answer = self.listen()?;
        if let Some(error) = answer["error"].as_str() {
            bail!("{} on {workload}: {error}", self.name);
        }
        let times = answer["milliseconds"].as_array();
        let times = times.into_iter().flatten().filter_map(Value::as_f64);
        let times: Vec<f64> = times.collect();
        anyhow::ensure!(
            times.len() >= least,
            "{} on {workload}: expected at least {least} times, got {}",
            self.name,
            times.len()
        );
        Ok((times, answer["multiply_adds"].as_u64().unwrap_or(0)))
    }

    fn listen(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        if line.is_empty() {
            let status = self.child.wait()?;
            bail!("{} ended without an answer ({status})", self.name);
        }
        serde_json::from_str(&line).with_context(|| format!("{} said {line:?}", self.name))
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        // The end of its input ends it; a run under way would take a while.
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn speaking(script: &str) -> Result<Conversation> {
        Conversation::start("probe", Command::new("sh").args(["-c", script]))
    }

    const VISIT: Visit = Visit {
        seconds: 0.5,
        least: 2,
    };

    #[test]
    fn a_program_is_asked_and_answers() {
        let mut probe = speaking(
            r#"echo '{"version": "1.2"}'; read line; echo '{"milliseconds": [1, 2.5], "multiply_adds": 7}'"#,
        )
        .unwrap();
        assert_eq!(probe.version, "1.2");
        let answer = probe.ask("cnn1", VISIT, "nchw").unwrap();
        assert_eq!(answer, (vec![1.0, 2.5], 7));
        let ended = probe.ask("cnn1", VISIT, "nchw").unwrap_err();
        assert!(format!("{ended:#}").contains("probe"), "{ended:#}");
    }

    #[test]
    fn errors_too_few_runs_and_noise_are_said_with_the_programs_name() {
        for (answer, expected) in [
            (r#"{"error": "no memory"}"#, "probe on cnn1: no memory"),
            (r#"{"milliseconds": [1]}"#, "at least 2 times, got 1"),
            ("what?", "probe said"),
        ] {
            let mut probe = speaking(&format!("echo '{{}}'; read line; echo '{answer}'")).unwrap();
            let error = format!("{:#}", probe.ask("cnn1", VISIT, "nchw").unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }
}
