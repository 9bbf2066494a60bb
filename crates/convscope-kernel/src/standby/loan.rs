//! The relay's side: a kernel that somebody else started.

use crate::connection::Connection;
use crate::process::Process;
use crate::relay::Launched;
use serde_json::{Value, json};
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A keeper answers at once; a stopped one would not answer at all.
const PATIENCE: Duration = Duration::from_secs(1);
/// No line of the protocol is longer.
const LONGEST: usize = 16 << 10;

/// A kernel's process on loan: it is watched and ended over the connection to its keeper.
pub struct Loan {
    stream: UnixStream,
    process: u32,
    said: Vec<u8>,
    ended: Option<String>,
}

impl Loan {
    /// Asks a keeper for a kernel that is as this process would start it.
    pub fn ask(socket: &Path) -> Option<Launched> {
        let folder = std::env::current_dir().ok()?;
        let mut stream = UnixStream::connect(socket).ok()?;
        stream.set_write_timeout(Some(PATIENCE)).ok()?;
        let wanted = super::digest(&folder, std::env::vars_os());
        stream.write_all(format!("{wanted}\n").as_bytes()).ok()?;
        let mut said = Vec::new();
        let line = read_line(&mut stream, &mut said, PATIENCE)?;
        let answer: Value = serde_json::from_slice(&line).ok()?;
        let loan = Loan {
            process: answer["process"].as_u64()?.try_into().ok()?,
            stream,
            said,
            ended: None,
        };
        loan.stream.set_nonblocking(true).ok()?;
        Some(Launched {
            connection: Connection::from_json(&answer["connection"]).ok()?,
            stop_file: PathBuf::from(answer["stop_file"].as_str()?),
            process: Process::lent(loan),
        })
    }

    /// The process's number.
    pub fn process(&self) -> u32 {
        self.process
    }

    /// How the process ended, if it did. With its keeper it ends too.
    pub fn ended(&mut self) -> Option<String> {
        if self.ended.is_none() {
            let gone = read_some(&mut self.stream, &mut self.said).is_err();
            self.ended = match take_line(&mut self.said) {
                Some(line) => {
                    let status = serde_json::from_slice::<Value>(&line).unwrap_or_default();
                    Some(status["ended"].as_str().unwrap_or("ended").to_owned())
                }
                None => gone.then(|| "the program that started it is gone".to_owned()),
            };
        }
        self.ended.clone()
    }

    /// Asks the keeper to end the process.
    pub fn give_back(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

/// What a keeper answers.
pub fn answer(kernel: &Launched) -> String {
    let answer = json!({
        "process": kernel.process.id(),
        "stop_file": kernel.stop_file,
        "connection": kernel.connection.to_json(),
    });
    format!("{answer}\n")
}

/// Reads what is there. An error when the other side is gone.
pub fn read_some(stream: &mut UnixStream, said: &mut Vec<u8>) -> std::io::Result<()> {
    let mut some = [0; 1024];
    match stream.read(&mut some) {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Ok(_) if said.len() > LONGEST => Err(ErrorKind::InvalidData.into()),
        Ok(n) => {
            said.extend_from_slice(&some[..n]);
            Ok(())
        }
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(()),
            _ => Err(error),
        },
    }
}

fn take_line(said: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = said.iter().position(|byte| *byte == b'\n')?;
    Some(said.drain(..=end).take(end).collect())
}

/// Waits for a line.
pub fn read_line(
    stream: &mut UnixStream,
    said: &mut Vec<u8>,
    patience: Duration,
) -> Option<Vec<u8>> {
    let start = Instant::now();
    loop {
        if let Some(line) = take_line(said) {
            return Some(line);
        }
        let left = patience.checked_sub(start.elapsed())?;
        let left = left.max(Duration::from_millis(1));
        stream.set_read_timeout(Some(left)).ok()?;
        read_some(stream, said).ok()?;
    }
}
