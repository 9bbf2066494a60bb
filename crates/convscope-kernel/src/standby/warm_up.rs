//! Runs cells in a kernel before anybody else does.

use crate::connection::{Channel, random_hex};
use crate::error::{KernelError, Result};
use crate::message::{Message, Signer};
use crate::relay::Launched;
use crate::zmtp::{Kind, Link};
use serde_json::{Value, json};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// A cell that takes longer never ends.
const PATIENCE: Duration = Duration::from_secs(120);

/// The cells' way into the kernel. A relay may be connected beside it: it is told nothing of what
/// goes on here, and its first cell comes after the one that runs.
pub struct WarmUp {
    shell: Link,
    signer: Signer,
    answers: Receiver<Message>,
}

impl WarmUp {
    pub fn start(kernel: &Launched) -> Result<WarmUp> {
        let signer = Signer::new(&kernel.connection.key);
        let address = kernel.connection.address(Channel::Shell)?;
        let identity = random_hex(8)?.into_bytes();
        let (sender, answers) = channel();
        let own = signer.clone();
        let shell = Link::start(address, Kind::Dealer, identity, 1 << 28, move |frames| {
            if let Ok(message) = Message::parse(frames, &own) {
                let _ = sender.send(message);
            }
        });
        Ok(WarmUp {
            shell,
            signer,
            answers,
        })
    }

    /// Sends a cell. Returns its id.
    pub fn send(&self, code: &str) -> Result<String> {
        let content = json!({
            "code": code,
            "silent": true,
            "store_history": false,
            "allow_stdin": false,
            "stop_on_error": false,
        });
        let message = Message::new("execute_request", &Value::Null, &content)?;
        self.shell.send(message.frames(&self.signer));
        Ok(message.id().to_owned())
    }

    /// Waits for a cell's end, while `go_on` says so. Returns whether it came.
    pub fn wait(&self, id: &str, mut go_on: impl FnMut() -> bool) -> Result<bool> {
        let wrong = |problem: String| KernelError::Child {
            command: "the standby kernel".to_owned(),
            problem,
        };
        let start = Instant::now();
        loop {
            match self.answers.recv_timeout(Duration::from_millis(50)) {
                Ok(message) if message.kind() == "execute_reply" && message.parent_id() == id => {
                    let content = message.content();
                    return match content["status"].as_str() {
                        Some("ok") => Ok(true),
                        _ => Err(wrong(format!("expected the cell to run, got {content}"))),
                    };
                }
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(false),
            }
            if !go_on() {
                return Ok(false);
            }
            if start.elapsed() > PATIENCE {
                return Err(wrong(format!("a cell takes more than {PATIENCE:?}")));
            }
        }
    }
}
