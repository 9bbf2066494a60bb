//! Fake kernels kept ready, and relays that ask for them.
#![cfg(unix)]

mod support;

use convscope_kernel::standby::{self, Plan};
use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Relay, wait_for};

/// Not a test: the kernel that is kept ready, or that the relay starts.
#[test]
#[ignore = "the kernel that the other tests start"]
fn fake_kernel() {
    let file = std::env::args().find(|argument| argument.ends_with(".json"));
    if let Some(file) = file {
        support::fake::run(std::path::Path::new(&file));
    }
}

/// Set in the kernels that the keeper and the relays start alike.
const WHOSE: &str = "FAKE_WHOSE";

struct Keeper {
    process: Child,
    socket: PathBuf,
    news: Receiver<String>,
    kept: RefCell<Vec<String>>,
    temporary: tempfile::TempDir,
}

impl Keeper {
    fn start(warm_up: &[&str]) -> Keeper {
        Keeper::with(warm_up, &[])
    }

    fn with(warm_up: &[&str], environment: &[(&str, &str)]) -> Keeper {
        let temporary = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_convscope-kernel"));
        command.arg("--keep");
        for cell in warm_up {
            command.args(["--warm-up", cell]);
        }
        let mut process = command
            .args(support::fake_command())
            .arg("{connection_file}")
            .env("EVCXR_TMPDIR", temporary.path())
            .env("TMPDIR", temporary.path())
            .env(WHOSE, "anybody's")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, news) = channel();
        let output = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut keeper = Keeper {
            process,
            socket: PathBuf::new(),
            news,
            kept: RefCell::default(),
            temporary,
        };
        keeper.socket = keeper.next("/").into();
        keeper
    }

    /// Waits for news that hold a word; others are kept for later.
    fn next(&self, word: &str) -> String {
        let mut kept = self.kept.borrow_mut();
        if let Some(at) = kept.iter().position(|line| line.contains(word)) {
            return kept.remove(at);
        }
        loop {
            let line = self.news.recv_timeout(support::PATIENCE).expect(word);
            if line.contains(word) {
                return line;
            }
            kept.push(line);
        }
    }

    fn has_lent(&self) -> bool {
        let mut kept = self.kept.borrow_mut();
        kept.extend(self.news.try_iter());
        kept.iter().any(|line| line.contains("Lent"))
    }

    /// A relay that may ask, with the keeper's environment but for some variables.
    fn relay(&self, environment: &[(&str, &str)]) -> Relay {
        let temporary = self.temporary.path().to_str().unwrap();
        let mut all = vec![
            ("EVCXR_TMPDIR", temporary),
            ("TMPDIR", temporary),
            (WHOSE, "anybody's"),
            ("CONVSCOPE_STANDBY", self.socket.to_str().unwrap()),
        ];
        all.extend_from_slice(environment);
        Relay::with(&[], &all)
    }

    fn end(&mut self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.process.id()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if self.process.try_wait().unwrap().is_none() {
            self.end(rustix::process::Signal::TERM);
        }
    }
}

/// The kernel's process, as a cell sees it.
fn kernel(client: &support::Client) -> u32 {
    client.run("process").text("stdout").trim().parse().unwrap()
}

fn is_alive(id: u32) -> bool {
    // A process that is gone but not waited for is a zombie.
    let output = Command::new("ps")
        .args(["-o", "stat=", "-p", &id.to_string()])
        .output()
        .unwrap();
    let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

#[test]
fn a_warm_kernel_is_handed_out_and_its_outputs_arrive() {
    let keeper = Keeper::start(&["print unheard", "process"]);
    keeper.next("Ready");
    let relay = keeper.relay(&[]);
    let client = relay.client();
    keeper.next("Lent");
    let outcome = client.run("print a\nvalue 5");
    let wanted = ["busy", "execute_input", "stream", "execute_result", "idle"];
    assert_eq!(outcome.kinds(), wanted);
    assert_eq!(outcome.text("stdout"), "a\n");
    // The kernel has counted its own cells.
    assert_eq!(outcome.reply["execution_count"], 1);
    assert_eq!(client.run("panic lost").reply["ename"], "panic");
    // It stops where this relay asks, and speaks of marks.
    let cell = client.execute("print on\nwait");
    client.next_of("stream");
    client.request("control", "interrupt_request", &serde_json::json!({}));
    let stopped = client.outcome(&cell).text("stdout");
    assert!(stopped.contains("stopped after a step"), "{stopped}");
    assert_eq!(
        client.run("environment CONVSCOPE_MARKS").text("stdout"),
        "1"
    );
    let none = client.run("environment CONVSCOPE_STANDBY").text("stdout");
    assert_eq!(none, "");
}

#[test]
fn a_kernel_that_is_still_getting_warm_is_handed_out_and_given_no_more_cells() {
    let folder = tempfile::tempdir().unwrap();
    let lent = folder.path().join("lent");
    let first = format!("until {}\nprint unheard", lent.display());
    let keeper = Keeper::start(&[&first, "crash"]);
    let client = keeper.relay(&[]);
    let client = client.client();
    keeper.next("Lent");
    std::fs::write(&lent, "").unwrap();
    assert_eq!(client.run("print a").text("stdout"), "a\n");
    // One was run before the relay's: the crash was not.
    assert_eq!(client.run("count").text("stdout"), "3\n");
}

#[test]
fn another_environment_or_folder_gets_a_kernel_of_its_own() {
    let keeper = Keeper::start(&[]);
    keeper.next("Ready");
    let other = keeper.relay(&[(WHOSE, "mine")]);
    let whose = format!("environment {WHOSE}");
    assert_eq!(other.client().run(&whose).text("stdout"), "mine");
    let elsewhere = Relay::inside(
        keeper.temporary.path(),
        &[
            ("EVCXR_TMPDIR", keeper.temporary.path().to_str().unwrap()),
            ("TMPDIR", keeper.temporary.path().to_str().unwrap()),
            (WHOSE, "anybody's"),
            ("CONVSCOPE_STANDBY", keeper.socket.to_str().unwrap()),
        ],
    );
    assert_eq!(elsewhere.client().run(&whose).text("stdout"), "anybody's");
    assert!(!keeper.has_lent());
    // Jupyter's own variables make no difference.
    let same = keeper.relay(&[("JPY_SESSION_NAME", "a.ipynb")]);
    assert_eq!(same.client().run(&whose).text("stdout"), "anybody's");
    keeper.next("Lent");
}

#[test]
fn of_two_relays_at_once_each_has_a_kernel_of_its_own() {
    let keeper = Keeper::start(&[]);
    keeper.next("Ready");
    let relays = [keeper.relay(&[]), keeper.relay(&[])];
    let clients = relays.each_ref().map(Relay::client);
    let kernels = clients.each_ref().map(kernel);
    assert_ne!(kernels[0], kernels[1]);
    keeper.next("Lent");
}

#[test]
fn a_lent_kernel_ends_with_its_relay_however_that_ends_and_the_next_is_another() {
    let keeper = Keeper::start(&[]);
    let mut seen = Vec::new();
    for kill in [true, false] {
        keeper.next("Ready");
        let mut relay = keeper.relay(&[]);
        let client = relay.client();
        keeper.next("Lent");
        let id = kernel(&client);
        assert!(!seen.contains(&id));
        seen.push(id);
        if kill {
            relay.process.kill().unwrap();
        } else {
            client.request("control", "shutdown_request", &serde_json::json!({}));
        }
        assert!(relay.ended());
        assert!(wait_for(|| !is_alive(id)));
    }
}

#[test]
fn with_the_keeper_its_kernels_end_and_the_relay_says_so_and_starts_one() {
    for signal in [rustix::process::Signal::KILL, rustix::process::Signal::TERM] {
        let mut keeper = Keeper::start(&[]);
        keeper.next("Ready");
        let relay = keeper.relay(&[]);
        let client = relay.client();
        keeper.next("Lent");
        let id = kernel(&client);
        let cell = client.execute("print on\nspin");
        client.next_of("stream");
        keeper.end(signal);
        assert_eq!(client.outcome(&cell).reply["ename"], "KernelDied");
        if cfg!(target_os = "linux") || signal == rustix::process::Signal::TERM {
            assert!(wait_for(|| !is_alive(id)));
        }
        assert_eq!(client.run("print again").text("stdout"), "again\n");
    }
}

#[test]
fn a_lent_kernel_that_ends_is_replaced_by_one_of_the_relays_own() {
    let keeper = Keeper::start(&[]);
    keeper.next("Ready");
    let relay = keeper.relay(&[]);
    let client = relay.client();
    keeper.next("Lent");
    let died = client.run("exit");
    assert_eq!(died.reply["ename"], "KernelDied");
    assert!(died.reply["evalue"].as_str().unwrap().contains('7'));
    assert_eq!(client.run("print again").text("stdout"), "again\n");
    // The next one is still there for somebody else.
    keeper.next("Ready");
    assert!(!keeper.has_lent());
}

#[test]
fn whatever_answers_at_the_socket_the_relay_has_a_kernel() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let try_it = || {
        let path = socket.to_str().unwrap();
        let relay = Relay::with(&[], &[("CONVSCOPE_STANDBY", path)]);
        assert_eq!(relay.client().run("print on").text("stdout"), "on\n");
    };
    // Nothing is there; then nobody answers.
    try_it();
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    try_it();
    // What it says is nonsense, or about a kernel that is gone.
    let answers = [
        "nonsense\n".to_owned(),
        String::new(),
        "x".repeat(1 << 20),
        dead_kernel(folder.path()),
    ];
    let talking = std::thread::spawn(move || {
        // The first one waits since the silence.
        let _ = listener.accept();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.write_all(answer.as_bytes());
            let _ = stream.shutdown(std::net::Shutdown::Write);
        }
    });
    for _ in 0..4 {
        try_it();
    }
    talking.join().unwrap();
}

/// An answer about a kernel that nobody hears from.
fn dead_kernel(folder: &std::path::Path) -> String {
    let file = folder.join("dead.json");
    convscope_kernel::Connection::fresh()
        .unwrap()
        .write(&file)
        .unwrap();
    let connection = std::fs::read_to_string(&file).unwrap();
    let stop = folder.join("stop");
    format!("{{\"process\": 1999999999, \"stop_file\": {stop:?}, \"connection\": {connection}}}\n")
}

#[test]
fn a_kernel_that_cannot_get_warm_is_not_tried_for_ever() {
    let keeper = Keeper::start(&["compile"]);
    keeper.next("GivenUp");
    assert_eq!(
        keeper.relay(&[]).client().run("print on").text("stdout"),
        "on\n"
    );
    assert!(!keeper.has_lent());
}

#[test]
fn what_asks_for_nothing_that_is_there_gets_nothing_and_harms_nothing() {
    let keeper = Keeper::start(&[]);
    keeper.next("Ready");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&keeper.socket), 0o600);
    assert_eq!(mode(keeper.socket.parent().unwrap()), 0o700);
    for question in [&b"\n"[..], &[0xff; 100_000], b"0000000000\n"] {
        let mut stream = UnixStream::connect(&keeper.socket).unwrap();
        let _ = stream.write_all(question);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(!answer.contains("connection"), "{answer}");
    }
    assert!(!keeper.has_lent());
    keeper.relay(&[]).client();
    keeper.next("Lent");
}

/// A plan for fake kernels, and what its keeper tells.
fn plan(temporary: &std::path::Path) -> (Plan, Receiver<String>) {
    let (sender, news) = channel();
    let sender = Mutex::new(sender);
    let own = ["EVCXR_TMPDIR", "TMPDIR"].map(|name| (name.into(), temporary.into()));
    let set = |name: &OsString| own.iter().any(|(other, _)| other == name);
    let inherited: Vec<_> = std::env::vars_os().filter(|(name, _)| !set(name)).collect();
    let mut command = support::fake_command();
    command.push("{connection_file}".into());
    let plan = Plan {
        command,
        folder: std::env::current_dir().unwrap(),
        environment: inherited.into_iter().chain(own).collect(),
        warm_up: Vec::new(),
        pause: Duration::ZERO,
        spare: 0,
        stamp: Box::new(String::new),
        is_fit: Box::new(|| true),
        tell: Box::new(move |news| {
            let _ = sender.lock().unwrap().send(format!("{news:?}"));
        }),
    };
    (plan, news)
}

fn asking(keeper: &standby::Keeper, temporary: &std::path::Path) -> Relay {
    let temporary = temporary.to_str().unwrap();
    Relay::with(
        &[],
        &[
            ("EVCXR_TMPDIR", temporary),
            ("TMPDIR", temporary),
            ("CONVSCOPE_STANDBY", keeper.socket().to_str().unwrap()),
        ],
    )
}

#[test]
fn a_kernel_made_of_what_has_changed_since_is_not_handed_out_but_made_again() {
    let temporary = tempfile::tempdir().unwrap();
    let (mut plan, news) = plan(temporary.path());
    let stamp = Arc::new(Mutex::new("old".to_owned()));
    let seen = stamp.clone();
    plan.stamp = Box::new(move || seen.lock().unwrap().clone());
    let fit = stamp.clone();
    plan.is_fit = Box::new(move || *fit.lock().unwrap() != "broken");
    let keeper = standby::Keeper::start(plan).unwrap();
    let next = || news.recv_timeout(support::PATIENCE).unwrap();
    assert!(next().contains("Ready"));
    // There is nothing to make one of; then there is.
    "broken".clone_into(&mut stamp.lock().unwrap());
    let first = asking(&keeper, temporary.path());
    assert_eq!(first.client().run("print on").text("stdout"), "on\n");
    "new".clone_into(&mut stamp.lock().unwrap());
    assert!(next().contains("Ready"));
    let second = asking(&keeper, temporary.path());
    let client = second.client();
    assert!(next().contains("Lent"));
    assert_eq!(client.run("print on").text("stdout"), "on\n");
}

#[test]
#[cfg(target_os = "linux")]
fn without_the_memory_for_it_no_kernel_waits() {
    let temporary = tempfile::tempdir().unwrap();
    let (mut plan, news) = plan(temporary.path());
    plan.spare = u64::MAX;
    let keeper = standby::Keeper::start(plan).unwrap();
    let low = news.recv_timeout(support::PATIENCE).unwrap();
    assert!(low.contains("Low"), "{low}");
    let relay = asking(&keeper, temporary.path());
    assert_eq!(relay.client().run("print on").text("stdout"), "on\n");
    // It is said once, and nothing else happens.
    assert_eq!(news.try_iter().count(), 0);
}
