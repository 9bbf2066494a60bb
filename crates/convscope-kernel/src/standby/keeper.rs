//! The side that starts kernels ahead of time and hands them out.

use super::loan::{answer, read_line, read_some};
use super::{digest, memory, warm_up::WarmUp};
use crate::error::{KernelError, Result, io};
use crate::folder::Folder;
use crate::relay::Launched;
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often what nobody announces is looked at.
const TICK: Duration = Duration::from_secs(1);
/// How long a lent kernel's end, or its borrower's, may go unseen.
const WATCH: Duration = Duration::from_millis(50);
/// So many kernels in a row that cannot be warmed up are enough.
const TRIES: u32 = 2;

/// What is kept ready.
pub struct Plan {
    /// The kernel's command; `{connection_file}` in it becomes the keeper's own file.
    pub command: Vec<OsString>,
    /// The folder that notebooks stand in.
    pub folder: PathBuf,
    /// The whole environment of the program that will start the relays.
    pub environment: Vec<(OsString, OsString)>,
    /// Cells that are run before anybody asks.
    pub warm_up: Vec<String>,
    /// After a hand-over, the machine belongs to the notebook for so long.
    pub pause: Duration,
    /// So much memory must be available, in bytes. A kernel that waits is given up at half of it.
    pub spare: u64,
    /// Says what the kernel stands on: when that has changed, a kernel that waits is given up.
    pub stamp: Box<dyn Fn() -> String + Send + Sync>,
    /// Whether a kernel may be started on what is there; asked again when the stamp has changed.
    pub is_fit: Box<dyn Fn() -> bool + Send + Sync>,
    /// Is told what happens.
    pub tell: Box<dyn Fn(News) + Send + Sync>,
}

/// What happens at a keeper's.
#[derive(Debug)]
#[non_exhaustive]
pub enum News {
    /// A kernel is warm.
    Ready {
        /// What it takes, in bytes, where that is known.
        memory: Option<u64>,
    },
    /// A kernel went to a relay.
    Lent,
    /// There is too little memory, for now.
    Low {
        /// What is available, in bytes.
        available: u64,
    },
    /// Kernels cannot be warmed up; no more are started.
    GivenUp(KernelError),
}

/// Keeps a kernel ready until it is dropped. Then all its kernels end, the lent ones too.
pub struct Keeper {
    shared: Arc<Shared>,
    socket: PathBuf,
    _folder: Folder,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    plan: Plan,
    digest: String,
    state: Mutex<State>,
    changed: Condvar,
    ended: AtomicBool,
}

struct State {
    standby: Option<Standby>,
    /// No kernel is started before.
    due: Instant,
    lent: Vec<JoinHandle<()>>,
}

struct Standby {
    kernel: Launched,
    stamp: String,
    /// Holds the connection file and the file that asks to stop.
    _folder: Folder,
}

impl Keeper {
    /// Starts to keep a kernel ready.
    pub fn start(plan: Plan) -> Result<Keeper> {
        // Not beside the other made things: the path of a socket has room for about a hundred
        // bytes, and a home on the network often for none.
        let folder = Folder::make()?;
        let socket = folder.path().join("socket");
        let what = || format!("listening on {}", socket.display());
        let listener = UnixListener::bind(&socket).map_err(io(what()))?;
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600))
            .map_err(io(what()))?;
        let shared = Arc::new(Shared {
            digest: digest(&plan.folder, plan.environment.iter().cloned()),
            plan,
            state: Mutex::new(State {
                standby: None,
                due: Instant::now(),
                lent: Vec::new(),
            }),
            changed: Condvar::new(),
            ended: AtomicBool::new(false),
        });
        let (making, serving) = (shared.clone(), shared.clone());
        // Kernels end with the thread that started them: this one lasts.
        let maker = std::thread::spawn(move || making.make());
        let door = std::thread::spawn(move || serving.serve(&listener));
        Ok(Keeper {
            shared,
            socket,
            _folder: folder,
            threads: vec![maker, door],
        })
    }

    /// Where relays ask.
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        {
            // Nobody is between looking and waiting while this holds the state.
            let _state = self.shared.state();
            self.shared.ended.store(true, Ordering::SeqCst);
        }
        self.shared.changed.notify_all();
        // The one who waits for connections sees it after one more.
        let _ = UnixStream::connect(&self.socket);
        let (standby, lent) = {
            let mut state = self.shared.state();
            (state.standby.take(), std::mem::take(&mut state.lent))
        };
        drop(standby);
        for thread in self.threads.drain(..).chain(lent) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// Waits, but not beyond the keeper's end.
    fn rest(&self, how_long: Duration) {
        let state = self.state();
        if !self.has_ended() {
            drop(self.changed.wait_timeout(state, how_long));
        }
    }

    // Making.

    fn make(&self) {
        let mut failures = 0;
        let mut unfit = None;
        let mut low = false;
        while !self.has_ended() {
            let wait = self.state().due.saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                self.rest(wait);
                continue;
            }
            if let Some(available) = memory::available().filter(|left| *left < self.plan.spare) {
                if !std::mem::replace(&mut low, true) {
                    (self.plan.tell)(News::Low { available });
                }
                self.rest(TICK);
                continue;
            }
            low = false;
            let stamp = (self.plan.stamp)();
            if unfit.as_ref() == Some(&stamp) {
                self.rest(TICK);
                continue;
            }
            if !(self.plan.is_fit)() {
                unfit = Some(stamp);
                continue;
            }
            match self.start(stamp).and_then(|warm_up| self.warm(&warm_up)) {
                Ok(()) => {
                    failures = 0;
                    self.guard();
                }
                Err(problem) => {
                    let broken = self.state().standby.take();
                    drop(broken);
                    failures += 1;
                    if failures >= TRIES {
                        return (self.plan.tell)(News::GivenUp(problem));
                    }
                }
            }
        }
    }

    /// Starts a kernel, which may be handed out from now on: it is ahead of one started later.
    fn start(&self, stamp: String) -> Result<WarmUp> {
        let folder = Folder::make()?;
        let plan = &self.plan;
        let kernel = Launched::start(&plan.command, folder.path(), "kernel", |command| {
            command
                .current_dir(&plan.folder)
                .env_clear()
                .envs(plan.environment.iter().map(|(name, value)| (name, value)))
                // The terminal's Ctrl-C is for the program that keeps it.
                .process_group(0);
        })?;
        let warm_up = WarmUp::start(&kernel)?;
        let standby = Standby {
            kernel,
            stamp,
            _folder: folder,
        };
        let mut state = self.state();
        if !self.has_ended() {
            state.standby = Some(standby);
        }
        Ok(warm_up)
    }

    /// Runs the cells, as long as the kernel is nobody's.
    fn warm(&self, warm_up: &WarmUp) -> Result<()> {
        for code in &self.plan.warm_up {
            let id = {
                let state = self.state();
                if state.standby.is_none() {
                    return Ok(());
                }
                warm_up.send(code)?
            };
            let mut problem = None;
            let is_done = warm_up.wait(&id, || {
                let mut state = self.state();
                match &mut state.standby {
                    Some(standby) => {
                        problem = standby.kernel.process.ended();
                        problem.is_none()
                    }
                    None => false,
                }
            })?;
            if let Some(problem) = problem {
                return Err(KernelError::Child {
                    command: "the standby kernel".to_owned(),
                    problem: format!("expected it to get warm, but it ended ({problem})"),
                });
            }
            if !is_done {
                return Ok(());
            }
        }
        let process = match &self.state().standby {
            Some(standby) => standby.kernel.process.id(),
            None => return Ok(()),
        };
        let memory = memory::taken(process);
        (self.plan.tell)(News::Ready { memory });
        Ok(())
    }

    /// Waits until the warm kernel is gone, or must go.
    fn guard(&self) {
        while !self.has_ended() {
            let available = memory::available();
            let mut state = self.state();
            let Some(standby) = &mut state.standby else {
                return;
            };
            let low = available.filter(|left| *left < self.plan.spare / 2);
            if standby.kernel.process.ended().is_some() || low.is_some() {
                let gone = state.standby.take();
                state.due = Instant::now() + self.plan.pause;
                drop(state);
                drop(gone);
                if let Some(available) = low {
                    (self.plan.tell)(News::Low { available });
                }
                return;
            }
            drop(state);
            self.rest(TICK);
        }
    }

    // Handing out.

    fn serve(self: &Arc<Shared>, listener: &UnixListener) {
        for stream in listener.incoming() {
            if self.has_ended() {
                return;
            }
            let Ok(stream) = stream else {
                // Out of file handles: others may end meanwhile.
                std::thread::sleep(WATCH);
                continue;
            };
            let own = self.clone();
            let thread = std::thread::spawn(move || own.lend(stream));
            let mut state = self.state();
            state.lent.retain(|thread| !thread.is_finished());
            state.lent.push(thread);
        }
    }

    fn lend(&self, mut stream: UnixStream) {
        let mut said = Vec::new();
        let _ = stream.set_write_timeout(Some(TICK));
        let Some(wanted) = read_line(&mut stream, &mut said, TICK) else {
            return;
        };
        // One who stopped waiting while this program was stopped shall not get the only one.
        let _ = stream.set_nonblocking(true);
        if read_some(&mut stream, &mut said).is_err() {
            return;
        }
        let _ = stream.set_nonblocking(false);
        let Some(mut standby) = self.take(&wanted) else {
            let _ = stream.write_all(b"{}\n");
            return;
        };
        let _ = stream.set_read_timeout(Some(WATCH));
        if stream.write_all(answer(&standby.kernel).as_bytes()).is_ok() {
            (self.plan.tell)(News::Lent);
        }
        loop {
            if let Some(status) = standby.kernel.process.ended() {
                let ended = serde_json::json!({"ended": status});
                let _ = stream.write_all(format!("{ended}\n").as_bytes());
                return;
            }
            if read_some(&mut stream, &mut said).is_err() || self.has_ended() {
                standby.kernel.process.end(Duration::ZERO);
            }
        }
    }

    /// The kernel that waits, if it is what is wanted.
    fn take(&self, wanted: &[u8]) -> Option<Standby> {
        if wanted != self.digest.as_bytes() {
            return None;
        }
        let stamp = (self.plan.stamp)();
        let mut state = self.state();
        let mut standby = state.standby.take()?;
        let fits = standby.stamp == stamp && standby.kernel.process.ended().is_none();
        // In the place of one that does not fit any more the next is wanted now.
        let pause = if fits {
            self.plan.pause
        } else {
            Duration::ZERO
        };
        state.due = Instant::now() + pause;
        drop(state);
        self.changed.notify_all();
        if fits {
            return Some(standby);
        }
        // Its end may take a while, and somebody waits for the answer.
        std::thread::spawn(move || drop(standby));
        None
    }
}
