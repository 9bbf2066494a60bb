//! Between Jupyter and the kernel: one loop through which every message goes in turn.
//!
//! Reading, checking signatures and writing are done by threads at the sockets; the loop never
//! waits for any of them. Cells are handed on one at a time, so that those behind a failed one can
//! be dropped, and so that each output belongs to a cell that is known.

mod cell;
mod child;
mod fence;

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
    /// Those that were lost with a process and not made again.
    gone: Vec<String>,
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
            gone: Vec::new(),
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

    // From Jupyter.

    fn take_request(&mut self, channel: Channel, peer: PeerId, message: Message) -> Result<()> {
        match (channel, message.kind()) {
            (Channel::Shell, "execute_request") => self.enqueue(peer, message),
            (Channel::Shell | Channel::Control, "kernel_info_request") => {
                self.answer(channel, peer, &message, "kernel_info_reply", &kernel_info())
            }
            (Channel::Shell, "is_complete_request") => {
                let content = message.content();
                let code = content["code"].as_str().unwrap_or_default();
                let answer = match code::completeness(code) {
                    Completeness::Complete => json!({"status": "complete"}),
                    Completeness::Invalid => json!({"status": "invalid"}),
                    Completeness::Incomplete(indent) => {
                        json!({"status": "incomplete", "indent": indent})
                    }
                };
                self.answer(channel, peer, &message, "is_complete_reply", &answer)
            }
            (Channel::Shell, "history_request") => {
                let answer = self.history.answer(&message.content());
                self.answer(channel, peer, &message, "history_reply", &answer)
            }
            (Channel::Shell, "comm_info_request") => {
                // evcxr has no comms that outlive a message, and never answers.
                let answer = json!({"status": "ok", "comms": {}});
                self.answer(channel, peer, &message, "comm_info_reply", &answer)
            }
            (Channel::Shell | Channel::Control, "interrupt_request") => {
                self.interrupt()?;
                let answer = json!({"status": "ok"});
                self.answer(channel, peer, &message, "interrupt_reply", &answer)
            }
            (Channel::Shell | Channel::Control, "shutdown_request") => {
                let restart = message.content()["restart"].as_bool().unwrap_or(false);
                let answer = json!({"status": "ok", "restart": restart});
                self.ended = true;
                // Cells that will never run are said to be given up.
                self.gather();
                self.abort_queue()?;
                if let Some(cell) = self.running.take() {
                    self.cut_short = true;
                    let failure = Failure::new("Shutdown", "the kernel was shut down", &[]);
                    self.say(cell, &[failure])?;
                }
                self.publish("shutdown_reply", &message.header, &answer)?;
                self.answer(channel, peer, &message, "shutdown_reply", &answer)
            }
            (Channel::Stdin, "input_reply") => {
                // The child would take one that comes unasked for the next question's.
                let asked = self.running.as_mut().map(|cell| &mut cell.asked);
                if let Some(asked) = asked.filter(|asked| **asked == Some(peer)) {
                    *asked = None;
                    let mut message = message;
                    message.identities.clear();
                    self.kernel.send(channel, &message);
                }
                Ok(())
            }
            (Channel::Stdin, _) => Ok(()),
            _ => {
                self.pending.push_back(Pending {
                    id: message.id().to_owned(),
                    channel,
                    peer,
                    identities: message.identities.clone(),
                });
                if self.pending.len() > 4096 {
                    self.pending.pop_front();
                }
                let mut message = message;
                message.identities.clear();
                self.kernel.send(channel, &message);
                Ok(())
            }
        }
    }

    fn enqueue(&mut self, peer: PeerId, message: Message) -> Result<()> {
        let size = message.size();
        let request = Request::new(peer, message);
        if self.queue.len() >= QUEUE.0 || self.queued + size > QUEUE.1 {
            let value = format!(
                "expected at most {} cells and {} bytes that wait to be run, got more",
                QUEUE.0, QUEUE.1
            );
            let failure = Failure::new("QueueFull", &value, &[]);
            return self.refuse(&request, &failure.content());
        }
        self.queued += size;
        self.queue.push_back(request);
        Ok(())
    }

    /// Replies to a cell that is not run.
    fn refuse(&mut self, request: &Request, content: &Value) -> Result<()> {
        let mut content = content.clone();
        if content.get("status").is_none() {
            content["status"] = json!("error");
        }
        // A cell that was given up has no number: JupyterLab would show it as having run.
        if content["status"] != "aborted" {
            content["execution_count"] = json!(self.count);
        }
        let message = &request.message;
        self.answer(
            Channel::Shell,
            request.peer,
            message,
            "execute_reply",
            &content,
        )
    }

    fn answer(
        &mut self,
        channel: Channel,
        peer: PeerId,
        request: &Message,
        kind: &str,
        content: &Value,
    ) -> Result<()> {
        // States are about the shell: on control they would hide what runs there.
        let state = |state: &str| match channel {
            Channel::Shell => {
                let content = json!({"execution_state": state});
                self.publish("status", &request.header, &content)
            }
            _ => Ok(()),
        };
        state("busy")?;
        let mut reply = Message::new(kind, &request.header, content)?;
        reply.identities.clone_from(&request.identities);
        self.server(channel).send(peer, reply.frames(&self.signer));
        state("idle")?;
        self.said_idle |= channel == Channel::Shell;
        Ok(())
    }

    fn server(&self, channel: Channel) -> &Server {
        match channel {
            Channel::Control => &self.control,
            Channel::Stdin => &self.stdin,
            Channel::Iopub => &self.iopub,
            Channel::Shell | Channel::Heartbeat => &self.shell,
        }
    }

    fn publish(&self, kind: &str, parent: &Value, content: &Value) -> Result<()> {
        self.forward(&Message::new(kind, parent, content)?);
        Ok(())
    }

    fn forward(&self, message: &Message) {
        self.iopub.publish(message.frames(&self.signer));
    }

    /// The first time asks what runs to stop; the second time within a cell ends it.
    fn interrupt(&mut self) -> Result<()> {
        self.gather();
        self.abort_queue()?;
        let stop_file = self.stop_file();
        let Some(cell) = &mut self.running else {
            return Ok(());
        };
        cell.interrupts += 1;
        if cell.interrupts == 1 {
            cell.asked_to_stop = Some(Instant::now());
            std::fs::write(&stop_file, cell.request.message.id())
                .map_err(io("writing the request to stop"))
        } else {
            let none = json!({});
            let message = Message::new("interrupt_request", &Value::Null, &none)?;
            self.kernel.send(Channel::Control, &message);
            Ok(())
        }
    }

    /// Takes in what has arrived: cells that were sent before a failure are given up with it.
    fn gather(&mut self) {
        let mut others = VecDeque::new();
        let arrived = std::mem::take(&mut self.backlog);
        let waiting = std::iter::from_fn(|| self.events.try_recv().ok());
        for event in arrived.into_iter().chain(waiting) {
            match event {
                Event::Client(Channel::Shell, peer, message)
                    if message.kind() == "execute_request" =>
                {
                    self.queued += message.size();
                    self.queue.push_back(Request::new(peer, message));
                }
                other => others.push_back(other),
            }
        }
        self.backlog = others;
    }

    fn abort_queue(&mut self) -> Result<()> {
        self.queued = 0;
        for request in std::mem::take(&mut self.queue) {
            self.refuse(&request, &json!({"status": "aborted"}))?;
        }
        Ok(())
    }

    // From the kernel.

    fn take_answer(&mut self, channel: Channel, message: Message) -> Result<()> {
        let parent = message.parent_id();
        let own = self
            .running
            .as_ref()
            .is_some_and(|cell| cell.request.message.id() == parent);
        match channel {
            Channel::Iopub => {
                let size = message.size();
                self.kernel.underway.fetch_sub(size, Ordering::Relaxed);
                self.kernel.heard = true;
                self.early_ends = 0;
                if own {
                    self.output(message)
                } else {
                    self.late_output(&parent, message)
                }
            }
            Channel::Stdin => {
                if let Some(cell) = self.running.as_mut().filter(|_| own) {
                    let identity = self.shell.identity(cell.request.peer);
                    cell.asked = self.stdin.find(&identity);
                    if let Some(peer) = cell.asked {
                        let mut message = message;
                        message.identities.clear();
                        self.stdin.send(peer, message.frames(&self.signer));
                    } else {
                        // Nobody is there to be asked; the cell would wait for ever.
                        let nothing = json!({"value": ""});
                        let answer = Message::new("input_reply", &message.header, &nothing)?;
                        self.kernel.send(channel, &answer);
                    }
                }
                Ok(())
            }
            Channel::Shell | Channel::Control => {
                if channel == Channel::Shell {
                    self.kernel.answered = true;
                }
                if own && message.kind() == "execute_reply" {
                    if let Some(cell) = &mut self.running {
                        cell.reply = Some(message);
                    }
                    return Ok(());
                }
                let asked = self
                    .pending
                    .iter()
                    .position(|asked| asked.id == parent && asked.channel == channel);
                if let Some(asked) = asked.and_then(|at| self.pending.remove(at)) {
                    let mut message = message;
                    message.identities = asked.identities;
                    self.server(channel)
                        .send(asked.peer, message.frames(&self.signer));
                }
                Ok(())
            }
            Channel::Heartbeat => Ok(()),
        }
    }

    /// An output of the cell that runs.
    fn output(&mut self, message: Message) -> Result<()> {
        let Some(cell) = &mut self.running else {
            return Ok(());
        };
        match message.kind() {
            "status" if message.content()["execution_state"] == "idle" => {
                cell.idle = Some(Instant::now());
                return Ok(());
            }
            "execute_input" | "execute_result" => {
                if message.kind() == "execute_result" {
                    cell.has_result = true;
                }
                if cell.request.silent {
                    return Ok(());
                }
                let mut content = message.content();
                content["execution_count"] = json!(cell.count);
                let message = message.with_content(&content);
                self.forward(&message);
                return Ok(());
            }
            "error" => {
                let content = message.content();
                cell.errors.push(content);
                return Ok(());
            }
            "stream" if message.may_hold(&["u001e", "u001E", "\"stderr\"", "\u{1e}"]) => {
                return self.stream(message);
            }
            _ => {}
        }
        self.forward(&message);
        Ok(())
    }

    /// Text in which something may be marked, or a panic hidden.
    fn stream(&mut self, message: Message) -> Result<()> {
        let content = message.content();
        let text = content["text"].as_str().unwrap_or_default();
        let Some(cell) = &mut self.running else {
            return Ok(());
        };
        if content["name"] == "stderr" {
            if cell.idle.is_some() {
                cell.idle = Some(Instant::now());
            }
            let (own, reached) = self.fence.cut(text);
            if let Some(awaited) = &mut cell.fence {
                awaited.reached |= reached.is_some_and(|number| number >= awaited.number);
            }
            let seen = cell.complain(&own);
            let seen = cell.hold(seen);
            if seen == text {
                self.forward(&message);
            } else if !seen.is_empty() {
                let content = json!({"name": "stderr", "text": seen});
                self.forward(&message.with_content(&content));
            }
            return Ok(());
        }
        if !text.contains(MARK) {
            self.forward(&message);
            return Ok(());
        }
        let parent = cell.request.message.header.clone();
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => {
                    let content = json!({"name": content["name"], "text": text});
                    self.publish("stream", &parent, &content)?;
                }
                Piece::Panic(panic) => {
                    if let Some(cell) = &mut self.running {
                        cell.reported.push(panic);
                    }
                }
                Piece::Display { id, data, metadata } => {
                    let content = json!({
                        "data": data,
                        "metadata": metadata,
                        "transient": {"display_id": id},
                    });
                    let new = self
                        .running
                        .as_mut()
                        .is_some_and(|cell| cell.shown.insert(id));
                    let kind = if new {
                        "display_data"
                    } else {
                        "update_display_data"
                    };
                    self.publish(kind, &parent, &content)?;
                }
            }
        }
        Ok(())
    }

    /// An output that belongs to no cell that runs.
    fn late_output(&mut self, parent: &str, message: Message) -> Result<()> {
        // Answers to the relay's own questions are nobody else's business.
        if message.parent_is_relays() {
            return Ok(());
        }
        if message.may_hold(&["u001e", "u001E", "\u{1e}"]) && message.kind() == "stream" {
            let content = message.content();
            let (own, fence) = self.fence.cut(content["text"].as_str().unwrap_or_default());
            if fence.is_some() {
                if !own.is_empty() {
                    let content = json!({"name": content["name"], "text": own});
                    self.forward(&message.with_content(&content));
                }
                return Ok(());
            }
        }
        if let Some((id, scanner)) = &mut self.last
            && id == parent
            && message.kind() == "stream"
            && scanner.is_inside()
        {
            let content = message.content();
            if content["name"] == "stderr" {
                let text = content["text"].as_str().unwrap_or_default();
                let seen: String = text
                    .split_inclusive('\n')
                    .filter(|line| scanner.line(line))
                    .collect();
                if !seen.is_empty() {
                    let content = json!({"name": "stderr", "text": seen});
                    self.forward(&message.with_content(&content));
                }
                return Ok(());
            }
        }
        self.forward(&message);
        Ok(())
    }

    // The end of a cell.

    fn conclude(&mut self, mut cell: Cell) -> Result<()> {
        let given = self.options.sources.as_deref();
        let needed = !cell.scanner.found().is_empty() || !cell.reported.is_empty();
        let source = needed
            .then(|| source::find(given, self.kernel.process.id()))
            .flatten();
        let mut failures = cell.failures(source.as_deref(), &self.variables, &self.history);
        if failures.is_empty() && !cell.has_result && self.fence.is_deaf() {
            let value = "text that is not UTF-8 was written to standard error: the kernel sees no \
                         panic and no failed `?` any more";
            let more = ["  Restart the kernel. Nothing says whether this cell did what it should."];
            failures.push(Failure::new("Deaf", value, &more.map(str::to_owned)));
        }
        let rest = cell.rest(&failures);
        if !rest.is_empty() {
            let content = json!({"name": "stderr", "text": rest});
            self.publish("stream", &cell.request.message.header, &content)?;
        }
        let lost = failures
            .iter()
            .any(|failure| matches!(failure.name.as_str(), "Interrupted" | "Crash"));
        for failure in &mut failures {
            failure.tell_of_loss(&self.gone);
        }
        if lost {
            self.gone.append(&mut self.variables);
        } else if failures.is_empty() {
            for name in code::variables(&cell.request.code) {
                self.gone.retain(|gone| *gone != name);
                if !self.variables.contains(&name) {
                    self.variables.push(name);
                }
            }
        }
        if failures.is_empty() {
            let header = &cell.request.message.header;
            for panic in cell.panics() {
                let text = format!("a panic was caught: {}\n", panic.message.trim_end());
                self.publish("stream", header, &json!({"name": "stderr", "text": text}))?;
            }
        }
        let id = cell.request.message.id().to_owned();
        self.last = Some((id, std::mem::take(&mut cell.scanner)));
        self.say(cell, &failures)
    }

    /// Error outputs, the reply and the state, in this order.
    fn say(&mut self, cell: Cell, failures: &[Failure]) -> Result<()> {
        let _ = std::fs::remove_file(self.stop_file());
        let request = &cell.request;
        let header = &request.message.header;
        for failure in failures {
            self.publish("error", header, &failure.content())?;
        }
        let mut content = match (&cell.reply, failures.first()) {
            (_, Some(failure)) => failure.content(),
            (Some(reply), None) => reply.content(),
            (None, None) => json!({}),
        };
        content["status"] = json!(if failures.is_empty() { "ok" } else { "error" });
        content["execution_count"] = json!(cell.count);
        if failures.is_empty() {
            content["user_expressions"] = cell.request.user_expressions();
            if content.get("payload").is_none() {
                content["payload"] = json!([]);
            }
        }
        let mut reply = Message::new("execute_reply", header, &content)?;
        reply.identities.clone_from(&request.message.identities);
        if request.remembered {
            self.history.add(cell.count, &request.code);
        }
        let stop = (request.stop_on_error && !failures.is_empty()) || cell.interrupts > 0;
        if stop {
            self.gather();
        }
        self.shell.send(request.peer, reply.frames(&self.signer));
        self.publish("status", header, &json!({"execution_state": "idle"}))?;
        if stop {
            self.abort_queue()?;
        }
        Ok(())
    }

    /// The kernel's process has ended by itself.
    fn replace_kernel(&mut self, how: &str) -> Result<()> {
        if self.kernel.process.is_lent() && !self.kernel.is_ready() {
            // Nobody has seen it yet.
            return self.start_kernel();
        }
        if !self.kernel.is_ready() {
            self.early_ends += 1;
        }
        if self.early_ends >= TRIES {
            let problem = format!("the kernel ended {TRIES} times before it was ready ({how})");
            let failure = Failure::new("KernelDied", &problem, &[]);
            self.gather();
            for request in std::mem::take(&mut self.queue) {
                self.publish("error", &request.message.header, &failure.content())?;
                self.refuse(&request, &failure.content())?;
            }
            return Err(KernelError::Child {
                command: self.kernel.process.name().to_owned(),
                problem: format!("expected it to get ready, but it ended {TRIES} times ({how})"),
            });
        }
        self.publish(
            "status",
            &Value::Null,
            &json!({"execution_state": "restarting"}),
        )?;
        let lost = std::mem::take(&mut self.variables);
        self.gone.extend_from_slice(&lost);
        let names = match &lost[..] {
            [] => String::new(),
            names => format!(" ({})", names.join(", ")),
        };
        let failure = Failure::new(
            "KernelDied",
            &format!("the kernel ended ({how}) and is started again"),
            &[format!(
                "  Lost: all variables{names}, functions, types and `use` lines. Run the notebook \
                 from its first cell."
            )],
        );
        match self.running.take() {
            Some(cell) => {
                self.gather();
                self.say(cell, &[failure])?;
                self.abort_queue()?;
            }
            None => {
                let text = format!("{}\n", failure.traceback.join("\n"));
                let content = json!({"name": "stderr", "text": text});
                self.publish("stream", &Value::Null, &content)?;
            }
        }
        self.start_kernel()
    }

    /// Starts a kernel in the place of the last one.
    fn start_kernel(&mut self) -> Result<()> {
        for asked in std::mem::take(&mut self.pending) {
            // Nobody will answer these any more; an idle state lets clients go on.
            let parent = json!({"msg_id": asked.id});
            self.publish("status", &parent, &json!({"execution_state": "idle"}))?;
        }
        self.kernel = Kernel::start(
            &self.options.command,
            self.folder.path(),
            self.kernel.generation + 1,
            &self.sender,
            &self.iopub,
        )?;
        Ok(())
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

fn kernel_info() -> Value {
    json!({
        "status": "ok",
        "protocol_version": "5.3",
        "implementation": "convscope-kernel",
        "implementation_version": env!("CARGO_PKG_VERSION"),
        "language_info": {
            "name": "rust",
            "version": "",
            "mimetype": "text/rust",
            "file_extension": ".rs",
            "pygments_lexer": "rust",
            "codemirror_mode": "rust",
        },
        "banner": "Rust on evcxr, by Convscope",
        "debugger": false,
        "help_links": [{
            "text": "Rust's standard library",
            "url": "https://doc.rust-lang.org/stable/std/",
        }],
    })
}
