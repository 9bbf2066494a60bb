//! The kernel on the far side: its process and the connections to it.

use super::Event;
use crate::connection::{Channel, Connection, random_hex};
use crate::error::Result;
use crate::message::{Message, Signer};
use crate::process::Process;
use crate::zmtp::{Kind, Link, Server};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// The longest message that is taken from the child.
const LIMIT: usize = 1 << 30;
/// With so many bytes of outputs on their way to the loop, more wait at the socket.
const UNDERWAY: usize = 16 << 20;
/// Longer than a fresh start takes on a slow machine.
const LENT_PATIENCE: Duration = Duration::from_secs(20);

/// A kernel's process and the four connections to it.
pub struct Kernel {
    /// The process.
    pub process: Process,
    /// The file that asks what runs there to stop.
    pub stop_file: PathBuf,
    /// Which of the kernels started so far it is.
    pub generation: u64,
    /// Whether it answered on the shell channel.
    pub answered: bool,
    /// Whether it was heard on iopub.
    pub heard: bool,
    /// The bytes of outputs that were read and not yet taken in.
    pub underway: Arc<AtomicUsize>,
    begun: Instant,
    probed: Option<Instant>,
    shell: Link,
    control: Link,
    stdin: Link,
    _iopub: Link,
    signer: Signer,
    ended: Arc<AtomicBool>,
}

/// A kernel's process that nobody is connected to yet.
pub struct Launched {
    /// The process.
    pub process: Process,
    /// Where it listens.
    pub connection: Connection,
    /// The file that asks what runs there to stop.
    pub stop_file: PathBuf,
}

impl Launched {
    /// Starts a kernel that has its files in `folder`.
    pub fn start(
        command: &[OsString],
        folder: &Path,
        name: &str,
        prepare: impl FnOnce(&mut Command),
    ) -> Result<Launched> {
        let connection = Connection::fresh()?;
        let file = folder.join(format!("{name}.json"));
        connection.write(&file)?;
        let command: Vec<OsString> = command
            .iter()
            .map(|word| match word.to_str() {
                Some(text) if text.contains("{connection_file}") => text
                    .replace("{connection_file}", &file.to_string_lossy())
                    .into(),
                _ => word.clone(),
            })
            .collect();
        let stop_file = folder.join("stop");
        let process = Process::start(&command, |command| {
            prepare(command);
            command
                .env(super::STOP_FILE, &stop_file)
                .env(super::MARKS, "1")
                // At its start evcxr writes its own kernelspec over one named "rust" there, or in
                // the user's folder: the relay, or the user's own evcxr, would be gone the next
                // time.
                .env("JUPYTER_PATH", folder)
                // It is for relays.
                .env_remove(super::STANDBY);
        })?;
        Ok(Launched {
            process,
            connection,
            stop_file,
        })
    }
}

impl Kernel {
    /// Starts the kernel. While a client of `brake` is slow, its outputs wait.
    pub fn start(
        command: &[OsString],
        folder: &Path,
        generation: u64,
        events: &SyncSender<Event>,
        brake: &Server,
    ) -> Result<Kernel> {
        let name = format!("kernel-{generation}");
        let launched = Launched::start(command, folder, &name, |_| {})?;
        Kernel::connect(launched, generation, events, brake)
    }

    /// Connects to a kernel that was started.
    pub fn connect(
        launched: Launched,
        generation: u64,
        events: &SyncSender<Event>,
        brake: &Server,
    ) -> Result<Kernel> {
        let Launched {
            process,
            connection,
            stop_file,
        } = launched;
        let signer = Signer::new(&connection.key);
        let ended = Arc::new(AtomicBool::new(false));
        let underway = Arc::new(AtomicUsize::new(0));
        let identity = random_hex(8)?.into_bytes();
        let link = |channel: Channel, kind: Kind| -> Result<Link> {
            let (signer, events) = (signer.clone(), events.clone());
            let (ended, brake, underway) = (ended.clone(), brake.clone(), underway.clone());
            let take = move |frames| match Message::parse(frames, &signer) {
                Ok(message) => {
                    if channel == Channel::Iopub {
                        let busy = || underway.load(Ordering::Relaxed) > UNDERWAY;
                        while (brake.is_full() || busy()) && !ended.load(Ordering::Relaxed) {
                            std::thread::sleep(Duration::from_millis(2));
                        }
                        underway.fetch_add(message.size(), Ordering::Relaxed);
                    }
                    let _ = events.send(Event::Child(generation, channel, message));
                }
                Err(error) => eprintln!("convscope-kernel: from the kernel: {error}"),
            };
            let address = connection.address(channel)?;
            Ok(Link::start(address, kind, identity.clone(), LIMIT, take))
        };
        Ok(Kernel {
            stop_file,
            generation,
            answered: false,
            heard: false,
            underway: underway.clone(),
            begun: Instant::now(),
            probed: None,
            shell: link(Channel::Shell, Kind::Dealer)?,
            control: link(Channel::Control, Kind::Dealer)?,
            stdin: link(Channel::Stdin, Kind::Dealer)?,
            _iopub: link(Channel::Iopub, Kind::Sub)?,
            process,
            signer,
            ended: ended.clone(),
        })
    }

    /// Whether it takes cells, and its outputs arrive.
    pub fn is_ready(&self) -> bool {
        self.answered && self.heard
    }

    /// Whether it was started ahead of time and yet is not ready when one started just now would be.
    pub fn disappoints(&self) -> bool {
        self.process.is_lent() && !self.is_ready() && self.begun.elapsed() > LENT_PATIENCE
    }

    /// Asks for a sign of life, again and again until one came on both channels.
    pub fn probe(&mut self, header: &serde_json::Value) {
        let due = self
            .probed
            .is_none_or(|last| last.elapsed() > Duration::from_millis(100));
        // The first question waits in the kernel until it is warm; more come only when the answer
        // came and iopub did not.
        let first = self.probed.is_none();
        if !self.is_ready() && due && (first || self.answered) {
            self.probed = Some(Instant::now());
            if let Ok(mut probe) =
                Message::new("kernel_info_request", header, &serde_json::json!({}))
            {
                probe.identities.clear();
                self.send(Channel::Shell, &probe);
            }
        }
    }

    /// Sends a message to the kernel.
    pub fn send(&self, channel: Channel, message: &Message) {
        let frames = message.frames(&self.signer);
        match channel {
            Channel::Shell => self.shell.send(frames),
            Channel::Control => self.control.send(frames),
            Channel::Stdin => self.stdin.send(frames),
            Channel::Iopub | Channel::Heartbeat => {}
        }
    }

    /// Ends the kernel, the polite way first.
    pub fn end(&mut self, running: bool) {
        self.ended.store(true, Ordering::Relaxed);
        let none = serde_json::Value::Null;
        let kinds: &[&str] = match running {
            true => &["interrupt_request", "shutdown_request"],
            false => &["shutdown_request"],
        };
        for kind in kinds {
            let content = serde_json::json!({"restart": false});
            if let Ok(message) = Message::new(kind, &none, &content) {
                self.send(Channel::Control, &message);
            }
        }
        // A kernel that is still warming up does not listen yet.
        let patience = if self.answered { 1000 } else { 0 };
        self.process.end(Duration::from_millis(patience));
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}
