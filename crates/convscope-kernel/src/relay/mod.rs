//! Between Jupyter and the kernel: one loop through which every message goes in turn.
//!
//! Reading, checking signatures and writing are done by threads at the sockets; the loop never
//! waits for any of them. Cells are handed on one at a time, so that those behind a failed one can
//! be dropped, and so that each output belongs to a cell that is known.

mod answers;
mod cell;
mod child;
mod ends;
mod fence;
mod requests;

use crate::code::{self, Completeness};
use crate::connection::{Channel, Connection};
use crate::error::{KernelError, Result, io};
use crate::folder::{self, Folder};
use crate::history::History;
use crate::marker::{MARK, Piece, pieces};
use crate::message::{Message, Signer};
#[cfg(unix)]
use crate::standby::Loan;
use crate::zmtp::{Kind, PeerId, Server};
use crate::{panic::Scanner, process, source};
use cell::{Awaited, Cell, Failure, Request};
use child::Kernel;
pub(crate) use child::Launched;
use fence::Fence;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

pub use convscope_progress::relay::{MARKS, STOP_FILE};
/// Names a keeper's socket in the relay's environment; anything that is no path stands for none.
pub const STANDBY: &str = "CONVSCOPE_STANDBY";

/// The longest message that is taken from a client.
const LIMIT: usize = 256 << 20;
/// What may wait to be run.
const QUEUE: (usize, usize) = (10_000, 512 << 20);
const TICK: Duration = Duration::from_millis(50);
/// So many kernels that end before they are ready are enough.
const TRIES: u32 = 3;

/// What is relayed where.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The connection file that Jupyter wrote.
    pub connection: PathBuf,
    /// The kernel's command; `{connection_file}` in it becomes the relay's own file.
    pub command: Vec<OsString>,
    /// The kernel's `EVCXR_TMPDIR`; found by itself on Linux.
    pub sources: Option<PathBuf>,
    /// After so long without an end, a request to stop is followed by the kernel's own interrupt.
    /// Without it that takes two seconds where the client allows no input, so that nobody can be
    /// there to interrupt twice, and never happens by itself elsewhere.
    pub patience: Option<Duration>,
    /// The socket of a keeper that may have a kernel ready.
    pub standby: Option<PathBuf>,
}

/// What the loop is told.
pub enum Event {
    /// A message of a client's.
    Client(Channel, PeerId, Message),
    /// A message of the kernel with this number.
    Child(u64, Channel, Message),
    /// A signal to this process.
    Signal(i32),
}

/// Who waits for an answer.
struct Pending {
    id: String,
    channel: Channel,
    peer: PeerId,
    identities: Vec<Vec<u8>>,
}

struct Relay {
    options: Options,
    signer: Signer,
    shell: Server,
    control: Server,
    stdin: Server,
    iopub: Server,
    folder: Folder,
    sender: SyncSender<Event>,
    events: Receiver<Event>,
    backlog: VecDeque<Event>,
    kernel: Kernel,
    fence: Fence,
    early_ends: u32,
    queue: VecDeque<Request>,
    queued: usize,
    running: Option<Cell>,
    /// The last cell's id, and its standard error in the middle of a panic.
    last: Option<(String, Scanner)>,
    pending: VecDeque<Pending>,
    count: u32,
    history: History,
    variables: Vec<String>,
    /// Those that are not there: a cell failed to make them, or they were lost with a process.
    missing: Vec<(String, Option<u32>)>,
    ended: bool,
    /// Whether the answer to another question was the last to say a state.
    said_idle: bool,
    /// Whether a cell runs on that nobody waits for.
    cut_short: bool,
}

/// Relays until Jupyter ends the kernel, or is gone.
pub fn run(options: Options) -> Result<()> {
    let mut relay = Relay::start(options)?;
    let outcome = relay.work();
    relay.finish();
    outcome
}

impl Relay {
    fn start(options: Options) -> Result<Relay> {
        let connection = Connection::read(&options.connection)?;
        let signer = Signer::new(&connection.key);
        let (sender, events) = sync_channel(64);
        let router =
            |channel: Channel| {
                let (signer, events) = (signer.clone(), sender.clone());
                let address = connection.address(channel)?;
                Server::start(address, Kind::Router, LIMIT, move |_, peer, frames| {
                    match Message::parse(frames, &signer) {
                        Ok(message) => drop(events.send(Event::Client(channel, peer, message))),
                        Err(error) => eprintln!("convscope-kernel: from a client: {error}"),
                    }
                })
            };
        let (shell, control, stdin) = (
            router(Channel::Shell)?,
            router(Channel::Control)?,
            router(Channel::Stdin)?,
        );
        let iopub = Server::start(
            connection.address(Channel::Iopub)?,
            Kind::Pub,
            LIMIT,
            |_, _, _| {},
        )?;
        // The heart beats while the kernel warms up, and while it computes.
        Server::start(
            connection.address(Channel::Heartbeat)?,
            Kind::Rep,
            1 << 20,
            |server, peer, frames| server.send(peer, frames),
        )?;
        watch_signals(&sender)?;
        let folder = Folder::make()?;
        std::thread::spawn(folder::sweep);
        let kernel = match lent(&options, &sender, &iopub) {
            Some(kernel) => kernel,
            None => Kernel::start(&options.command, folder.path(), 0, &sender, &iopub)?,
        };
        Ok(Relay {
            options,
            signer,
            shell,
            control,
            stdin,
            iopub,
            folder,
            sender,
            events,
            backlog: VecDeque::new(),
            kernel,
            fence: Fence::new()?,
            early_ends: 0,
            queue: VecDeque::new(),
            queued: 0,
            running: None,
            last: None,
            pending: VecDeque::new(),
            count: 0,
            history: History::default(),
            variables: Vec::new(),
            missing: Vec::new(),
            ended: false,
            said_idle: false,
            cut_short: false,
        })
    }

    fn work(&mut self) -> Result<()> {
        let parent = process::parent();
        self.publish(
            "status",
            &Value::Null,
            &json!({"execution_state": "starting"}),
        )?;
        while !self.ended {
            let ending = self
                .running
                .as_ref()
                .is_some_and(|cell| cell.reply.is_some());
            let wait = if ending {
                Duration::from_millis(1)
            } else {
                TICK
            };
            let event = match self.backlog.pop_front() {
                Some(event) => Some(event),
                None => match self.events.recv_timeout(wait) {
                    Ok(event) => Some(event),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => break,
                },
            };
            match event {
                Some(Event::Client(channel, peer, message)) => {
                    self.take_request(channel, peer, message)?;
                }
                Some(Event::Child(generation, channel, message))
                    if generation == self.kernel.generation =>
                {
                    self.take_answer(channel, message)?;
                }
                // What a kernel that is gone said.
                Some(Event::Child(..)) => {}
                Some(Event::Signal(signal)) if signal == signal_hook::consts::SIGINT => {
                    self.interrupt()?;
                }
                Some(Event::Signal(_)) => break,
                None if process::parent() != parent => break,
                None => {}
            }
            self.settle()?;
        }
        Ok(())
    }

    /// What is due, whatever came.
    fn settle(&mut self) -> Result<()> {
        // To many a front end the last state is the kernel's.
        if std::mem::take(&mut self.said_idle)
            && let Some(cell) = &self.running
        {
            let busy = json!({"execution_state": "busy"});
            self.publish("status", &cell.request.message.header, &busy)?;
        }
        if let Some(cell) = &mut self.running {
            if cell.wants_fence() {
                cell.fence = self.fence.put().map(Awaited::new);
            } else if let Some(awaited) = &mut cell.fence
                && awaited.is_late()
                && ((self.fence.put().is_none() && self.fence.is_deaf()) || awaited.is_lost())
            {
                self.fence.give_up();
                cell.fence = None;
            }
        }
        if let Some(cell) = &mut self.running
            && cell.takes_its_time()
        {
            let header = cell.request.message.header.clone();
            let text = "It will stop after its current step. Interrupt once more to end the cell \
                        at once; its variables and all others are lost then.\n";
            self.publish("stream", &header, &json!({"name": "stderr", "text": text}))?;
        }
        if let Some(cell) = &mut self.running
            && let Some(text) = cell.release()
        {
            let header = cell.request.message.header.clone();
            self.publish("stream", &header, &json!({"name": "stderr", "text": text}))?;
        }
        if self.running.as_ref().is_some_and(Cell::is_over)
            && let Some(cell) = self.running.take()
        {
            self.conclude(cell)?;
        }
        // What the process said before its end may still be on its way.
        if self.backlog.is_empty()
            && let Some(status) = self.kernel.process.ended()
        {
            while let Ok(event) = self.events.recv_timeout(Duration::from_millis(20)) {
                match event {
                    Event::Child(generation, channel, message)
                        if generation == self.kernel.generation =>
                    {
                        self.take_answer(channel, message)?;
                    }
                    other => self.backlog.push_back(other),
                }
            }
            self.replace_kernel(&status)?;
        }
        if self.kernel.disappoints() {
            self.start_kernel()?;
        }
        self.kernel.probe(&Value::Null);
        let patience = self.options.patience;
        if self
            .running
            .as_ref()
            .is_some_and(|cell| cell.is_overdue(patience))
        {
            self.interrupt()?;
        }
        if self.running.is_none()
            && self.kernel.is_ready()
            && let Some(request) = self.queue.pop_front()
        {
            self.queued = self.queued.saturating_sub(request.message.size());
            self.begin(request);
        }
        Ok(())
    }

    fn stop_file(&self) -> PathBuf {
        self.kernel.stop_file.clone()
    }

    fn begin(&mut self, request: Request) {
        let _ = std::fs::remove_file(self.stop_file());
        if !request.silent {
            self.count += 1;
        }
        let mut message = request.message.clone();
        message.identities.clear();
        self.kernel.send(Channel::Shell, &message);
        // While the child is at work: it takes a moment.
        self.fence.find(self.kernel.process.id());
        self.last = None;
        self.running = Some(Cell::new(request, self.count));
    }

    /// Ends the kernel, and waits until what was said last is sent.
    fn finish(&mut self) {
        if self.kernel.process.ended().is_none() {
            self.kernel.end(self.cut_short || self.running.is_some());
        }
        let start = Instant::now();
        let servers = [&self.shell, &self.control, &self.iopub];
        while start.elapsed() < Duration::from_secs(1) && !servers.iter().all(|s| s.is_done()) {
            std::thread::sleep(Duration::from_millis(5));
        }
        // The sockets' own threads hand on what they have.
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A kernel that a keeper has ready, if there is one that fits.
#[cfg(unix)]
fn lent(options: &Options, sender: &SyncSender<Event>, iopub: &Server) -> Option<Kernel> {
    let launched = Loan::ask(options.standby.as_deref()?)?;
    Kernel::connect(launched, 0, sender, iopub).ok()
}

#[cfg(not(unix))]
fn lent(_: &Options, _: &SyncSender<Event>, _: &Server) -> Option<Kernel> {
    None
}

fn watch_signals(events: &SyncSender<Event>) -> Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])
        .map_err(io("watching for signals"))?;
    let events = events.clone();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if events.send(Event::Signal(signal)).is_err() {
                return;
            }
        }
    });
    Ok(())
}
