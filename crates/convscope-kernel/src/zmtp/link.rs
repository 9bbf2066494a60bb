use super::{Frames, Incoming, Kind, Outbox, Reader, introduce};
use crate::error::Result;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A socket that connects, and connects again until it is told to end. What is sent before the
/// other side listens waits.
pub struct Link {
    outbox: Arc<Mutex<Outbox>>,
    ended: Arc<AtomicBool>,
    stream: Arc<Mutex<Option<TcpStream>>>,
}

impl Link {
    /// Connects to `address`, and gives each message to `take`. A `Sub` hears everything.
    pub fn start(
        address: SocketAddr,
        kind: Kind,
        identity: Vec<u8>,
        limit: usize,
        mut take: impl FnMut(Frames) + Send + 'static,
    ) -> Link {
        let link = Link {
            outbox: Arc::default(),
            ended: Arc::default(),
            stream: Arc::default(),
        };
        let (outbox, ended, shared) =
            (link.outbox.clone(), link.ended.clone(), link.stream.clone());
        std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                let session = Session {
                    outbox: &outbox,
                    shared: &shared,
                    limit,
                };
                if let Err(error) = session.run(address, kind, &identity, &mut take)
                    && !matches!(error, crate::KernelError::Io { .. })
                    && !ended.load(Ordering::Relaxed)
                {
                    eprintln!("convscope-kernel: the kernel's side of {kind:?}: {error}");
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        link
    }

    fn outbox(&self) -> Outbox {
        self.outbox
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Sends a message, now or as soon as the other side listens.
    pub fn send(&self, frames: Frames) {
        self.outbox().push(Arc::new(frames));
    }

    /// Ends the connection.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        self.outbox().abandon();
        if let Some(stream) = &*self.stream.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.end();
    }
}

struct Session<'a> {
    outbox: &'a Mutex<Outbox>,
    shared: &'a Mutex<Option<TcpStream>>,
    limit: usize,
}

impl Session<'_> {
    fn run(
        &self,
        address: SocketAddr,
        kind: Kind,
        identity: &[u8],
        take: &mut impl FnMut(Frames),
    ) -> Result<()> {
        let io = |source| crate::KernelError::Io {
            what: format!("connecting to {address}"),
            source,
        };
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).map_err(io)?;
        introduce(&stream, kind, identity)?;
        *self.shared.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(stream.try_clone().map_err(io)?);
        let outbox = self
            .outbox
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if kind == Kind::Sub {
            outbox.push(Arc::new(vec![vec![1]]));
        }
        let writing = stream.try_clone().map_err(io)?;
        let mut reader = Reader::new(stream, self.limit);
        let queue = outbox.clone();
        std::thread::spawn(move || queue.write_to(&writing));
        let result = loop {
            match reader.incoming() {
                Ok(Some(Incoming::Message(frames))) => take(frames),
                Ok(Some(Incoming::Command(_))) => {}
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        outbox.abandon();
        *self.outbox.lock().unwrap_or_else(PoisonError::into_inner) = Outbox::default();
        result
    }
}
