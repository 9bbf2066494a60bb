use super::{Frames, MORE, put_head};
use std::collections::VecDeque;
use std::io::{ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// With more than this waiting, nothing should be added that can wait elsewhere.
const FULL: usize = 64 << 20;
/// With more than this behind its longest message a peer is let go: it asks and does not listen.
const HOPELESS: usize = 128 << 20;
/// A peer whose queue is full and that takes nothing for so long is let go.
const PATIENCE: Duration = Duration::from_secs(10);
const GLANCE: Duration = Duration::from_millis(500);

#[derive(Default)]
struct State {
    waiting: VecDeque<Arc<Frames>>,
    bytes: usize,
    /// No more comes in; what is there still goes out.
    closing: bool,
    /// Nothing goes out any more.
    gone: bool,
}

impl State {
    fn leave(&mut self) {
        self.gone = true;
        self.waiting = VecDeque::new();
        self.bytes = 0;
    }
}

/// The bytes of a message, and what it takes to keep it.
fn size(message: &Frames) -> usize {
    message.iter().map(|frame| frame.len() + 64).sum()
}

/// What waits to be sent to one peer.
#[derive(Clone, Default)]
pub struct Outbox {
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Outbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message. It never waits.
    pub fn push(&self, message: Arc<Frames>) {
        let mut state = self.state();
        if !state.closing && !state.gone {
            state.bytes += size(&message);
            state.waiting.push_back(message);
            self.shared.1.notify_all();
            if state.bytes > HOPELESS {
                let longest = state.waiting.iter().map(|waiting| size(waiting)).max();
                if state.bytes - longest.unwrap_or(0) > HOPELESS {
                    state.leave();
                }
            }
        }
    }

    /// Whether a new message had better wait.
    pub fn is_full(&self) -> bool {
        let state = self.state();
        state.bytes > FULL && !state.gone
    }

    /// Whether everything is sent, or nothing ever will be.
    pub fn is_done(&self) -> bool {
        let state = self.state();
        state.gone || state.waiting.is_empty()
    }

    /// Ends the writing after what waits.
    pub fn close(&self) {
        self.state().closing = true;
        self.shared.1.notify_all();
    }

    /// Ends the writing at once.
    pub fn abandon(&self) {
        self.state().leave();
        self.shared.1.notify_all();
    }

    fn first(&self) -> Option<Arc<Frames>> {
        let mut state = self.state();
        loop {
            if state.gone {
                return None;
            }
            if let Some(message) = state.waiting.front() {
                return Some(message.clone());
            }
            if state.closing {
                return None;
            }
            state = self
                .shared
                .1
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn sent_first(&self) {
        let mut state = self.state();
        if let Some(message) = state.waiting.pop_front() {
            state.bytes = state.bytes.saturating_sub(size(&message));
        }
    }

    /// Sends until the end of the outbox or of the connection.
    pub(super) fn write_to(&self, stream: &TcpStream) {
        let _ = stream.set_write_timeout(Some(GLANCE));
        while let Some(message) = self.first() {
            if self.write_one(stream, &message).is_err() {
                break;
            }
            self.sent_first();
        }
        self.abandon();
        let _ = stream.shutdown(Shutdown::Both);
    }

    fn write_one(&self, stream: &TcpStream, frames: &Frames) -> std::io::Result<()> {
        let mut buffer = Vec::new();
        for (at, frame) in frames.iter().enumerate() {
            let more = if at + 1 < frames.len() { MORE } else { 0 };
            put_head(&mut buffer, more, frame.len());
            if buffer.len() + frame.len() <= 64 * 1024 {
                buffer.extend_from_slice(frame);
            } else {
                self.write_patiently(stream, &buffer)?;
                buffer.clear();
                self.write_patiently(stream, frame)?;
            }
        }
        self.write_patiently(stream, &buffer)
    }

    fn write_patiently(&self, mut stream: &TcpStream, mut bytes: &[u8]) -> std::io::Result<()> {
        let mut moved = Instant::now();
        while !bytes.is_empty() {
            match stream.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    bytes = &bytes[written..];
                    moved = Instant::now();
                }
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                        let state = self.state();
                        let stuck = moved.elapsed() > PATIENCE;
                        if state.gone || (stuck && (state.bytes > FULL || state.closing)) {
                            return Err(ErrorKind::TimedOut.into());
                        }
                    }
                    _ => return Err(error),
                },
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_only_asks_is_let_go_and_one_with_a_long_message_is_not() {
        let message = |size: usize| Arc::new(vec![vec![0; size]]);
        let patient = Outbox::default();
        for size in [1, HOPELESS + 1, 10, HOPELESS / 2] {
            patient.push(message(size));
        }
        assert!(patient.is_full() && !patient.is_done());
        let hopeless = Outbox::default();
        for _ in 0..4 {
            hopeless.push(message(HOPELESS / 2));
        }
        assert!(hopeless.is_done());
        assert_eq!(hopeless.state().bytes, 0);
    }
}
