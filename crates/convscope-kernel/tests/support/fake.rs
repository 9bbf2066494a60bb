//! A kernel that does what a cell's lines say, one word of command each, in evcxr's manner.

use convscope_kernel::zmtp::{Frames, Kind, PeerId, Server};
use convscope_kernel::{Channel, Connection, Message, STOP_FILE, Signer};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const LIMIT: usize = 1 << 28;

struct Fake {
    signer: Signer,
    iopub: Server,
    stdin: Server,
    answers: Mutex<Receiver<Message>>,
    killed: AtomicBool,
    count: AtomicU32,
    latest: Mutex<Option<Message>>,
    runtime: Option<u32>,
}

/// Runs until it is told to shut down, but never for more than five minutes.
pub fn run(connection_file: &Path) {
    let connection = Connection::read(connection_file).unwrap();
    let signer = Signer::new(&connection.key);
    let address = |channel| connection.address(channel).unwrap();
    let iopub = Server::start(address(Channel::Iopub), Kind::Pub, LIMIT, |_, _, _| {}).unwrap();
    let (answered, answers) = channel();
    let answered = Mutex::new(answered);
    let own = signer.clone();
    let stdin = Server::start(
        address(Channel::Stdin),
        Kind::Router,
        LIMIT,
        move |_, _, frames| {
            let message = Message::parse(frames, &own).unwrap();
            answered.lock().unwrap().send(message).unwrap();
        },
    )
    .unwrap();
    let lag = std::env::var("FAKE_LAG").ok();
    let lag = lag.map(|ms| Duration::from_millis(ms.parse().unwrap()));
    // It ends with this process: its standard input does.
    let mut runtime = lag.map(|_| {
        std::process::Command::new("cat")
            .env("EVCXR_IS_RUNTIME", "1")
            .stdin(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    });
    let fake = Arc::new(Fake {
        latest: Mutex::new(None),
        runtime: runtime.as_ref().map(std::process::Child::id),
        signer,
        iopub,
        stdin,
        answers: Mutex::new(answers),
        killed: AtomicBool::new(false),
        count: AtomicU32::new(1),
    });
    if let Some(errors) = runtime.as_mut().and_then(|process| process.stderr.take()) {
        let fake = fake.clone();
        std::thread::spawn(move || {
            let lines = std::io::BufRead::lines(std::io::BufReader::new(errors));
            for line in lines.map_while(Result::ok) {
                std::thread::sleep(lag.unwrap());
                let latest = fake.latest.lock().unwrap().clone().unwrap();
                fake.print(&latest, "stderr", &format!("{line}\n"));
            }
        });
    }
    let on_control = fake.clone();
    Server::start(
        address(Channel::Control),
        Kind::Router,
        LIMIT,
        move |server, peer, frames| {
            on_control.control(server, peer, frames);
        },
    )
    .unwrap();
    let warm_up = std::env::var("FAKE_WARM_UP")
        .ok()
        .and_then(|ms| ms.parse().ok());
    std::thread::sleep(Duration::from_millis(warm_up.unwrap_or(0)));
    Server::start(
        address(Channel::Shell),
        Kind::Router,
        LIMIT,
        move |server, peer, frames| {
            fake.shell(server, peer, frames);
        },
    )
    .unwrap();
    std::thread::sleep(Duration::from_secs(300));
}

impl Fake {
    fn publish(&self, request: &Message, kind: &str, content: &Value) {
        let message = Message::new(kind, &request.header, content).unwrap();
        self.iopub.publish(message.frames(&self.signer));
    }

    fn reply(&self, server: &Server, peer: PeerId, request: &Message, kind: &str, content: &Value) {
        let message = Message::new(kind, &request.header, content).unwrap();
        server.send(peer, message.frames(&self.signer));
    }

    fn control(&self, server: &Server, peer: PeerId, frames: Frames) {
        let request = Message::parse(frames, &self.signer).unwrap();
        match request.kind() {
            "interrupt_request" => {
                self.killed.store(true, Ordering::SeqCst);
                self.reply(
                    server,
                    peer,
                    &request,
                    "interrupt_reply",
                    &json!({"status": "ok"}),
                );
            }
            "shutdown_request" => {
                self.reply(
                    server,
                    peer,
                    &request,
                    "shutdown_reply",
                    &json!({"status": "ok"}),
                );
                std::thread::sleep(Duration::from_millis(20));
                std::process::exit(0);
            }
            _ => {}
        }
    }

    fn shell(&self, server: &Server, peer: PeerId, frames: Frames) {
        let request = Message::parse(frames, &self.signer).unwrap();
        self.publish(&request, "status", &json!({"execution_state": "busy"}));
        let content = request.content();
        match request.kind() {
            "execute_request" => {
                let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
                let code = content["code"].as_str().unwrap_or_default();
                let input = json!({"code": code, "execution_count": count});
                self.publish(&request, "execute_input", &input);
                self.killed.store(false, Ordering::SeqCst);
                *self.latest.lock().unwrap() = Some(request.clone());
                let ended = code
                    .lines()
                    .find_map(|line| self.line(&request, count, line));
                let status = ended.unwrap_or("ok");
                let content = json!({"status": status, "execution_count": count});
                self.reply(server, peer, &request, "execute_reply", &content);
            }
            // A word that no relay knows comes back with its own content.
            kind if kind.ends_with("_request") => {
                let kind = kind.replace("_request", "_reply");
                self.reply(server, peer, &request, &kind, &content);
            }
            _ => {}
        }
        self.publish(&request, "status", &json!({"execution_state": "idle"}));
    }

    fn print(&self, request: &Message, name: &str, text: &str) {
        let content = json!({"name": name, "text": text});
        self.publish(request, "stream", &content);
    }

    fn write_late(&self, text: &[u8]) {
        let file = format!("/proc/{}/fd/2", self.runtime.unwrap());
        std::fs::write(file, text).unwrap();
    }

    /// Does what a line says. Returns the reply's status when the cell ends here.
    fn line(&self, request: &Message, count: u32, line: &str) -> Option<&'static str> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let number = || rest.parse::<usize>().unwrap();
        let error = |value: &str, traceback: &[&str]| {
            let content = json!({"ename": "Error", "evalue": value, "traceback": traceback});
            self.publish(request, "error", &content);
            Some("error")
        };
        match word {
            "print" => self.print(request, "stdout", &format!("{rest}\n")),
            "complain" => self.print(request, "stderr", &format!("{rest}\n")),
            "lines" => {
                for n in 0..number() {
                    self.print(request, "stdout", &format!("line {n}\n"));
                }
            }
            // COUNT SIZE: numbered outputs of about that size, as fast as they are taken.
            "flood" => {
                let (count, size) = rest.split_once(' ').unwrap();
                let filler = "x".repeat(size.parse().unwrap());
                for n in 0..count.parse::<usize>().unwrap() {
                    while self.iopub.is_full() {
                        std::thread::sleep(Duration::from_millis(2));
                    }
                    self.print(request, "stdout", &format!("{n} {filler}\n"));
                }
            }
            "big" => self.print(request, "stdout", &"x".repeat(number())),
            "value" => {
                let content =
                    json!({"data": {"text/plain": rest}, "metadata": {}, "execution_count": count});
                self.publish(request, "execute_result", &content);
            }
            "show" => {
                let (id, text) = rest.split_once(' ').unwrap();
                let mark = json!({"display_id": id, "data": {"text/plain": text}});
                self.print(request, "stdout", &format!("\u{1e}{mark}\n"));
            }
            "panic" => {
                let place = "thread '<unnamed>' (7) panicked at src/lib.rs:2:1:\n";
                for text in [
                    "\n",
                    place,
                    &format!("{rest}\n"),
                    "stack backtrace:\n",
                    "   0: __rustc::rust_begin_unwind\n",
                    "             at /rustc/abc/library/std/src/panicking.rs:689:5\n",
                    "   4: evcxr::runtime::Runtime::run_loop\n",
                    "note: Some details are omitted, run with `RUST_BACKTRACE=full` for more.\n",
                ] {
                    self.print(request, "stderr", text);
                }
                return Some("ok");
            }
            "fail" => {
                self.print(request, "stderr", "invalid digit found in string\n");
                return Some("ok");
            }
            "compile" => {
                let lines = [
                    "\u{1b}[31m[E0382] Error:\u{1b}[0m borrow of moved value: `s`",
                    "   \u{1b}[38;5;246m[\u{1b}[0m command_2:1:1 \u{1b}[38;5;246m]\u{1b}[0m",
                ];
                return error("borrow of moved value: `s`", &lines);
            }
            "unknown" => {
                let value = format!("cannot find value `{rest}` in this scope");
                let line = format!("\u{1b}[31m[E0425] Error:\u{1b}[0m {value}");
                return error(&value, &[&line]);
            }
            "crash" => {
                let value = "Subprocess terminated with status: exit status: 3";
                return error(value, &[value]);
            }
            "exit" => {
                // What was printed is on its way first.
                std::thread::sleep(Duration::from_millis(100));
                std::process::exit(7)
            }
            "wait" => {
                let file = PathBuf::from(std::env::var_os(STOP_FILE).unwrap());
                let start = Instant::now();
                while !file.exists() && start.elapsed() < Duration::from_secs(20) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                let text = if file.exists() {
                    "stopped after a step\n"
                } else {
                    "nobody asked to stop\n"
                };
                self.print(request, "stdout", text);
            }
            "spin" => {
                let start = Instant::now();
                while !self.killed.load(Ordering::SeqCst)
                    && start.elapsed() < Duration::from_secs(20)
                {
                    std::thread::sleep(Duration::from_millis(5));
                }
                let value = if self.killed.load(Ordering::SeqCst) {
                    "Subprocess terminated with status: signal: 9 (SIGKILL)"
                } else {
                    "nobody ended the cell"
                };
                return error(value, &[value]);
            }
            "process" => {
                let id = std::process::id();
                self.print(request, "stdout", &format!("{id}\n"));
            }
            // How many cells there were.
            "count" => self.print(request, "stdout", &format!("{}\n", count - 1)),
            "environment" => {
                let value = std::env::var(rest).unwrap_or_default();
                self.print(request, "stdout", &value);
            }
            // Through a pipe and a thread, as evcxr does, and as late as one likes.
            "late" => self.write_late(format!("{rest}\n").as_bytes()),
            "garble" => self.write_late(b"\xff\n"),
            "hooked" => {
                let panic = json!({"message": rest, "own": true, "cell_lines": [9, 2]});
                let mark = json!({"panic": panic});
                self.print(request, "stdout", &format!("\u{1e}{mark}\n"));
                return Some("ok");
            }
            "sleep" => std::thread::sleep(Duration::from_millis(number() as u64)),
            "until" => {
                let start = Instant::now();
                while !Path::new(rest).exists() && start.elapsed() < Duration::from_secs(90) {
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            "ask" => {
                let question =
                    Message::new("input_request", &request.header, &json!({"prompt": rest}));
                let peer = self.stdin.find(b"").unwrap();
                self.stdin
                    .send(peer, question.unwrap().frames(&self.signer));
                let answer = self.answers.lock().unwrap();
                let answer = answer.recv_timeout(Duration::from_secs(20)).unwrap();
                let value = answer.content()["value"].as_str().unwrap().to_owned();
                self.print(request, "stdout", &format!("{value}\n"));
            }
            _ => {}
        }
        None
    }
}
