//! As much of ZeroMQ's transport as Jupyter needs: ZMTP 3.0 over TCP, without encryption.
//!
//! <https://rfc.zeromq.org/spec/23/>. The published pure Rust sockets allocate what a peer announces
//! before it sends it, and let one subscriber that stops reading hold up all others; here every
//! message has a limit, and every peer a queue of its own.

mod link;
mod outbox;
mod server;

pub use link::Link;
pub use outbox::Outbox;
pub use server::{Joined, PeerId, Server};

use crate::error::{KernelError, Result, io, wire};
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A message's frames.
pub type Frames = Vec<Vec<u8>>;

/// What a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Asks and is answered, any number at once.
    Dealer,
    /// Answers whoever asked.
    Router,
    /// Tells everyone.
    Pub,
    /// Listens to a `Pub`.
    Sub,
    /// Asks, one question at a time.
    Req,
    /// Answers one question at a time.
    Rep,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Dealer => "DEALER",
            Kind::Router => "ROUTER",
            Kind::Pub => "PUB",
            Kind::Sub => "SUB",
            Kind::Req => "REQ",
            Kind::Rep => "REP",
        }
    }

    fn talks_to(self, other: &str) -> bool {
        match self {
            Kind::Dealer => matches!(other, "ROUTER" | "REP" | "DEALER"),
            Kind::Router => matches!(other, "DEALER" | "REQ" | "ROUTER"),
            Kind::Pub => matches!(other, "SUB" | "XSUB"),
            Kind::Sub => matches!(other, "PUB" | "XPUB"),
            Kind::Req => matches!(other, "REP" | "ROUTER"),
            Kind::Rep => matches!(other, "REQ" | "DEALER"),
        }
    }
}

/// How long a peer may take to introduce itself.
const INTRODUCTION: Duration = Duration::from_secs(10);
const MOST_FRAMES: usize = 1024;
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// Introduces a socket to the one on the other side. Returns the identity that it chose.
pub fn introduce(stream: &TcpStream, kind: Kind, identity: &[u8]) -> Result<Vec<u8>> {
    let mut peer = stream;
    let what = "introducing a ZeroMQ socket";
    stream
        .set_nodelay(true)
        .and_then(|()| stream.set_read_timeout(Some(INTRODUCTION)))
        .and_then(|()| stream.set_write_timeout(Some(INTRODUCTION)))
        .map_err(io(what))?;
    let mut greeting = [0_u8; 64];
    greeting[0] = 0xff;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    greeting[12..16].copy_from_slice(b"NULL");
    peer.write_all(&greeting).map_err(io(what))?;
    let mut theirs = [0_u8; 64];
    peer.read_exact(&mut theirs).map_err(io(what))?;
    if theirs[0] != 0xff || theirs[9] != 0x7f || theirs[10] < 3 {
        return Err(wire(
            "a greeting of ZMTP 3",
            format!("{:02x?}", &theirs[..12]),
        ));
    }
    if &theirs[12..17] != b"NULL\0" {
        let name = String::from_utf8_lossy(&theirs[12..32]);
        return Err(wire("the mechanism NULL", name.trim_end_matches('\0')));
    }
    let mut ready = b"\x05READY".to_vec();
    for (name, value) in [
        ("Socket-Type", kind.name().as_bytes()),
        ("Identity", identity),
    ] {
        ready.push(u8::try_from(name.len()).unwrap_or(0));
        ready.extend_from_slice(name.as_bytes());
        ready.extend_from_slice(&u32::try_from(value.len()).unwrap_or(0).to_be_bytes());
        ready.extend_from_slice(value);
    }
    let mut command = Vec::new();
    put_frame(&mut command, COMMAND, &ready);
    peer.write_all(&command).map_err(io(what))?;
    let mut budget = 4096;
    let (flags, body) = read_frame(&mut peer, &mut budget)?
        .ok_or_else(|| wire("the command READY", "the end of the connection"))?;
    if flags & COMMAND == 0 || !body.starts_with(b"\x05READY") {
        let got = String::from_utf8_lossy(&body).into_owned();
        return Err(wire("the command READY", got));
    }
    let (other, identity) = properties(&body[6..])?;
    if !kind.talks_to(&other) {
        let expected = format!("a socket that talks to {}", kind.name());
        return Err(wire(expected, other));
    }
    stream.set_read_timeout(None).map_err(io(what))?;
    Ok(identity)
}

/// The type and the identity that a READY names.
fn properties(mut rest: &[u8]) -> Result<(String, Vec<u8>)> {
    let (mut kind, mut identity) = (String::new(), Vec::new());
    let cut = || wire("whole properties in READY", "a cut one");
    while let Some((&length, after)) = rest.split_first() {
        let (name, after) = after
            .split_at_checked(usize::from(length))
            .ok_or_else(cut)?;
        let (size, after) = after.split_first_chunk::<4>().ok_or_else(cut)?;
        let size = usize::try_from(u32::from_be_bytes(*size)).unwrap_or(usize::MAX);
        let (value, after) = after.split_at_checked(size).ok_or_else(cut)?;
        if name.eq_ignore_ascii_case(b"Socket-Type") {
            kind = String::from_utf8_lossy(value).into_owned();
        } else if name.eq_ignore_ascii_case(b"Identity") {
            identity = value.to_vec();
        }
        rest = after;
    }
    Ok((kind, identity))
}

fn put_frame(to: &mut Vec<u8>, flags: u8, body: &[u8]) {
    put_head(to, flags, body.len());
    to.extend_from_slice(body);
}

fn put_head(to: &mut Vec<u8>, flags: u8, size: usize) {
    match u8::try_from(size) {
        Ok(size) => to.extend_from_slice(&[flags, size]),
        Err(_) => {
            to.push(flags | LONG);
            to.extend_from_slice(&u64::try_from(size).unwrap_or(u64::MAX).to_be_bytes());
        }
    }
}

/// One frame; nothing when the connection ended before it.
fn read_frame(from: &mut impl Read, budget: &mut usize) -> Result<Option<(u8, Vec<u8>)>> {
    let what = "reading from a ZeroMQ peer";
    let mut flags = [0];
    loop {
        match from.read(&mut flags) {
            Ok(0) => return Ok(None),
            Ok(_) => break,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(io(what)(error)),
        }
    }
    let flags = flags[0];
    if flags & !(MORE | LONG | COMMAND) != 0 {
        return Err(wire("a frame", format!("the flags {flags:#04x}")));
    }
    let size = if flags & LONG == 0 {
        let mut size = [0];
        from.read_exact(&mut size).map_err(io(what))?;
        u64::from(size[0])
    } else {
        let mut size = [0; 8];
        from.read_exact(&mut size).map_err(io(what))?;
        u64::from_be_bytes(size)
    };
    let fits = usize::try_from(size).ok().filter(|size| *size <= *budget);
    let Some(length) = fits else {
        return Err(wire(
            format!("at most {budget} more bytes in this message"),
            format!("a frame of {size}"),
        ));
    };
    *budget -= length;
    // Memory is taken as the bytes come, not as they are announced.
    let mut body = Vec::new();
    let got = from.take(size).read_to_end(&mut body).map_err(io(what))?;
    if got < length {
        return Err(wire(
            format!("{length} bytes"),
            format!("{got} and the end"),
        ));
    }
    Ok(Some((flags, body)))
}

/// What a peer sends.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A message.
    Message(Frames),
    /// A command of the protocol's own.
    Command(Vec<u8>),
}

/// Reads a peer's messages.
pub struct Reader {
    from: BufReader<TcpStream>,
    limit: usize,
}

impl Reader {
    /// A reader that takes messages of at most `limit` bytes.
    pub fn new(stream: TcpStream, limit: usize) -> Reader {
        Reader {
            from: BufReader::with_capacity(64 * 1024, stream),
            limit,
        }
    }

    /// The next message; nothing at the connection's end.
    pub fn incoming(&mut self) -> Result<Option<Incoming>> {
        let mut frames = Vec::new();
        let mut budget = self.limit;
        loop {
            let Some((flags, body)) = read_frame(&mut self.from, &mut budget)? else {
                return match frames.len() {
                    0 => Ok(None),
                    n => Err(wire("a whole message", format!("{n} frames and the end"))),
                };
            };
            if flags & COMMAND != 0 {
                return Ok(Some(Incoming::Command(body)));
            }
            frames.push(body);
            if flags & MORE == 0 {
                return Ok(Some(Incoming::Message(frames)));
            }
            if frames.len() == MOST_FRAMES {
                return Err(wire(format!("at most {MOST_FRAMES} frames"), "more"));
            }
        }
    }
}

/// Whether an error is only a connection's end.
pub(crate) fn is_end(error: &KernelError) -> bool {
    matches!(error, KernelError::Io { source, .. } if matches!(
        source.kind(),
        std::io::ErrorKind::ConnectionReset
            | std::io::ErrorKind::BrokenPipe
            | std::io::ErrorKind::UnexpectedEof
            | std::io::ErrorKind::ConnectionAborted
    ))
}
