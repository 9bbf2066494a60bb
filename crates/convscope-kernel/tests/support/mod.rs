//! A relay in a process of its own, and clients that talk to it. Every wait has an end.

// Each test program uses its own part.
#![allow(dead_code)]

pub mod fake;

use convscope_kernel::zmtp::{Frames, Kind, Link};
use convscope_kernel::{Channel, Connection, Message, Signer};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

pub const PATIENCE: Duration = Duration::from_secs(120);
const LIMIT: usize = 1 << 28;

/// What starts the fake kernel, before the connection file's name.
pub fn fake_command() -> Vec<OsString> {
    let mut command = vec![std::env::current_exe().unwrap().into_os_string()];
    command.extend(["fake_kernel", "--exact", "--ignored", "--nocapture"].map(OsString::from));
    command
}

fn fake_kernel_command() -> Vec<OsString> {
    let mut command = fake_command();
    command.push("{connection_file}".into());
    command
}

pub struct Relay {
    pub process: Child,
    pub connection: Connection,
    folder: tempfile::TempDir,
}

impl Relay {
    pub fn start() -> Relay {
        Relay::with(&[], &[])
    }

    pub fn with(options: &[&str], environment: &[(&str, &str)]) -> Relay {
        Relay::of(options, environment, |_| fake_kernel_command())
    }

    /// A relay in a folder.
    pub fn inside(place: &Path, environment: &[(&str, &str)]) -> Relay {
        Relay::start_in(place, &[], environment, |_| fake_kernel_command())
    }

    /// A relay to a command, which may depend on the connection file's name.
    pub fn of(
        options: &[&str],
        environment: &[(&str, &str)],
        command: impl FnOnce(&Path) -> Vec<OsString>,
    ) -> Relay {
        Relay::start_in(Path::new("."), options, environment, command)
    }

    fn start_in(
        place: &Path,
        options: &[&str],
        environment: &[(&str, &str)],
        command: impl FnOnce(&Path) -> Vec<OsString>,
    ) -> Relay {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jupyter.json");
        let connection = Connection::fresh().unwrap();
        connection.write(&file).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_convscope-kernel"))
            .args(options)
            .arg(&file)
            .args(command(&file))
            .current_dir(place)
            .env("EVCXR_TMPDIR", folder.path())
            // What a killed relay leaves behind goes with the test.
            .env("TMPDIR", folder.path())
            .envs(environment.iter().copied())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        Relay {
            process,
            connection,
            folder,
        }
    }

    /// Writes what evcxr would make of a cell.
    pub fn source(&self, text: &str) {
        std::fs::create_dir_all(self.folder.path().join("src")).unwrap();
        std::fs::write(self.folder.path().join("src/lib.rs"), text).unwrap();
    }

    pub fn client(&self) -> Client {
        Client::new(&self.connection)
    }

    /// A client that has not yet said a word, once the relay listens.
    pub fn unmet(&self) -> Client {
        let address = self.connection.address(Channel::Shell).unwrap();
        assert!(wait_for(|| std::net::TcpStream::connect(address).is_ok()));
        Client::unmet(&self.connection)
    }

    /// The folder in which the relay has its temporary files.
    pub fn temporary(&self) -> &Path {
        self.folder.path()
    }

    /// The most memory that the relay has had so far, in bytes.
    pub fn peak(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("a relay that runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kib.unwrap().trim().parse::<usize>().unwrap() * 1024
    }

    /// Waits for the relay's end.
    pub fn ended(&mut self) -> bool {
        wait_for(|| self.process.try_wait().unwrap().is_some())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if self.process.try_wait().unwrap().is_none() {
            // As Jupyter would, so that the kernel ends too.
            let pid = i32::try_from(self.process.id()).unwrap();
            let pid = rustix::process::Pid::from_raw(pid).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            let start = Instant::now();
            while self.process.try_wait().unwrap().is_none() {
                if start.elapsed() > Duration::from_secs(10) {
                    let _ = self.process.kill();
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

pub fn wait_for(mut is: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if is() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

/// What came of a cell.
pub struct Outcome {
    pub outputs: Vec<Message>,
    pub reply: Value,
}

impl Outcome {
    pub fn kinds(&self) -> Vec<String> {
        self.outputs
            .iter()
            .map(|message| match message.kind() {
                "status" => message.content()["execution_state"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
                kind => kind.to_owned(),
            })
            .collect()
    }

    pub fn text(&self, name: &str) -> String {
        self.outputs
            .iter()
            .filter(|message| message.kind() == "stream")
            .map(Message::content)
            .filter(|content| content["name"] == name)
            .map(|content| content["text"].as_str().unwrap().to_owned())
            .collect()
    }

    pub fn of(&self, kind: &str) -> Vec<Value> {
        self.outputs
            .iter()
            .filter(|message| message.kind() == kind)
            .map(Message::content)
            .collect()
    }
}

pub struct Client {
    pub signer: Signer,
    pub session: String,
    links: HashMap<&'static str, Link>,
    shell: Receiver<Frames>,
    control: Receiver<Frames>,
    pub stdin: Receiver<Frames>,
    iopub: Receiver<Frames>,
    /// What came and was not asked for yet.
    outputs: RefCell<VecDeque<Message>>,
    replies: RefCell<VecDeque<Message>>,
}

impl Client {
    pub fn new(connection: &Connection) -> Client {
        let client = Client::unmet(connection);
        client.meet();
        client
    }

    fn unmet(connection: &Connection) -> Client {
        let session = connection.key[..8].to_owned() + &Connection::fresh().unwrap().key[..8];
        let mut links = HashMap::new();
        let mut link = |name, channel_of, kind| {
            let (sender, receiver) = channel();
            let take = move |frames| {
                let _ = sender.send(frames);
            };
            let address = connection.address(channel_of).unwrap();
            let identity = session.clone().into_bytes();
            links.insert(name, Link::start(address, kind, identity, LIMIT, take));
            receiver
        };
        let (shell, control, stdin, iopub) = (
            link("shell", Channel::Shell, Kind::Dealer),
            link("control", Channel::Control, Kind::Dealer),
            link("stdin", Channel::Stdin, Kind::Dealer),
            link("iopub", Channel::Iopub, Kind::Sub),
        );
        Client {
            signer: Signer::new(&connection.key),
            session,
            links,
            shell,
            control,
            stdin,
            iopub,
            outputs: RefCell::default(),
            replies: RefCell::default(),
        }
    }

    /// Waits until both shell and iopub are heard.
    fn meet(&self) {
        let heard = wait_for(|| {
            let id = self.request("shell", "kernel_info_request", &json!({}));
            self.shell_reply(&id);
            let soon = Duration::from_millis(200);
            self.iopub.recv_timeout(soon).is_ok()
        });
        assert!(heard, "the relay is not heard");
        // What the meeting itself left behind; bounded, should others keep talking.
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5)
            && self.iopub.recv_timeout(Duration::from_millis(100)).is_ok()
        {}
    }

    pub fn message(&self, kind: &str, content: &Value) -> Message {
        let about = json!({"session": self.session});
        Message::new(kind, &about, content).unwrap()
    }

    pub fn send(&self, link: &str, message: &Message) {
        self.links[link].send(message.frames(&self.signer));
    }

    pub fn send_frames(&self, link: &str, frames: Frames) {
        self.links[link].send(frames);
    }

    pub fn request(&self, link: &str, kind: &str, content: &Value) -> String {
        let message = self.message(kind, content);
        self.send(link, &message);
        message.id().to_owned()
    }

    pub fn execute(&self, code: &str) -> String {
        let content = json!({"code": code, "silent": false, "store_history": true,
                             "allow_stdin": true, "stop_on_error": true});
        self.request("shell", "execute_request", &content)
    }

    pub fn read(&self, from: &Receiver<Frames>) -> Option<Message> {
        match from.recv_timeout(PATIENCE) {
            Ok(frames) => Some(Message::parse(frames, &self.signer).unwrap()),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    /// The next message about `id`; others are kept for later.
    fn next_about(
        &self,
        kept: &RefCell<VecDeque<Message>>,
        from: &Receiver<Frames>,
        id: &str,
    ) -> Message {
        let mut kept = kept.borrow_mut();
        let at = kept.iter().position(|message| message.parent_id() == id);
        if let Some(message) = at.and_then(|at| kept.remove(at)) {
            return message;
        }
        loop {
            let message = self.read(from).expect("a message");
            if message.parent_id() == id {
                return message;
            }
            kept.push_back(message);
        }
    }

    pub fn control_reply(&self, id: &str) -> Value {
        self.next_about(&RefCell::default(), &self.control, id)
            .content()
    }

    pub fn shell_reply(&self, id: &str) -> Value {
        self.next_about(&self.replies, &self.shell, id).content()
    }

    /// Waits for an output of a kind, and keeps it.
    pub fn next_of(&self, kind: &str) {
        loop {
            let message = self.read(&self.iopub).expect("an output");
            let found = message.kind() == kind;
            self.outputs.borrow_mut().push_back(message);
            if found {
                return;
            }
        }
    }

    /// A request's outputs, up to its idle state; for a client that did not ask.
    pub fn outputs(&self, id: &str) -> Vec<Message> {
        let mut outputs = Vec::new();
        loop {
            let message = self.next_about(&self.outputs, &self.iopub, id);
            let idle = message.kind() == "status" && message.content()["execution_state"] == "idle";
            outputs.push(message);
            if idle {
                return outputs;
            }
        }
    }

    /// Everything about a request, up to its idle state and its reply.
    pub fn outcome(&self, id: &str) -> Outcome {
        let outputs = self.outputs(id);
        let reply = self.shell_reply(id);
        Outcome { outputs, reply }
    }

    pub fn run(&self, code: &str) -> Outcome {
        self.outcome(&self.execute(code))
    }
}

impl Client {
    /// Leaves a channel.
    pub fn leave(&mut self, link: &str) {
        self.links.remove(link);
    }

    pub fn no_more_replies(&self) -> bool {
        self.replies.borrow().is_empty()
            && self.shell.recv_timeout(Duration::from_millis(300)).is_err()
    }
}
