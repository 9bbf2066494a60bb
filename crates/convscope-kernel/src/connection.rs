//! The file in which Jupyter says where a kernel listens and with which key messages are signed.

use crate::error::{KernelError, Result, io};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;

/// The five ways a client and a kernel talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Requests, answered in turn.
    Shell,
    /// Requests that do not wait: interrupt, shutdown.
    Control,
    /// The kernel's questions to the user.
    Stdin,
    /// Outputs and states, to everyone.
    Iopub,
    /// Echo.
    Heartbeat,
}

/// What a connection file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The address to listen on.
    pub ip: String,
    /// The port of every channel.
    pub shell: u16,
    /// The control channel's.
    pub control: u16,
    /// The stdin channel's.
    pub stdin: u16,
    /// The iopub channel's.
    pub iopub: u16,
    /// The heartbeat's.
    pub heartbeat: u16,
    /// The key of the signatures; nothing is signed when it is empty.
    pub key: String,
}

impl Connection {
    /// Reads a connection file.
    pub fn read(path: &Path) -> Result<Connection> {
        let wrong = |problem: String| KernelError::ConnectionFile {
            path: path.to_owned(),
            problem,
        };
        let text = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        serde_json::from_slice(&text)
            .map_err(|error| format!("not JSON: {error}"))
            .and_then(|value| Connection::from_json(&value))
            .map_err(wrong)
    }

    /// Reads what a connection file holds.
    pub(crate) fn from_json(value: &Value) -> std::result::Result<Connection, String> {
        let text = |name: &str| match value[name].as_str() {
            Some(text) => Ok(text.to_owned()),
            None => Err(format!("expected text in {name:?}, got {}", value[name])),
        };
        let port = |name: &str| {
            value[name]
                .as_u64()
                .and_then(|port| u16::try_from(port).ok())
                .ok_or_else(|| format!("expected a port in {name:?}, got {}", value[name]))
        };
        let expect = |name: &str, wanted: &str| match value.get(name).and_then(Value::as_str) {
            Some(got) if got != wanted => Err(format!("expected {name} {wanted:?}, got {got:?}")),
            _ => Ok(()),
        };
        expect("transport", "tcp")?;
        expect("signature_scheme", "hmac-sha256")?;
        Ok(Connection {
            ip: text("ip")?,
            shell: port("shell_port")?,
            control: port("control_port")?,
            stdin: port("stdin_port")?,
            iopub: port("iopub_port")?,
            heartbeat: port("hb_port")?,
            key: text("key")?,
        })
    }

    /// Free ports on this machine, and a key of its own.
    pub fn fresh() -> Result<Connection> {
        let what = "looking for free ports";
        // All are held until all are found: none comes twice.
        let held = (0..5)
            .map(|_| seldom_used_port())
            .collect::<std::io::Result<Vec<_>>>()
            .map_err(io(what))?;
        let mut ports = Vec::new();
        for listener in &held {
            ports.push(listener.local_addr().map_err(io(what))?.port());
        }
        Ok(Connection {
            ip: Ipv4Addr::LOCALHOST.to_string(),
            shell: ports[0],
            control: ports[1],
            stdin: ports[2],
            iopub: ports[3],
            heartbeat: ports[4],
            key: random_hex(32)?,
        })
    }

    /// What a connection file holds.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "transport": "tcp",
            "ip": self.ip,
            "shell_port": self.shell,
            "control_port": self.control,
            "stdin_port": self.stdin,
            "iopub_port": self.iopub,
            "hb_port": self.heartbeat,
            "signature_scheme": "hmac-sha256",
            "key": self.key,
        })
    }

    /// Writes the file, readable for its owner alone: it holds the key.
    pub fn write(&self, path: &Path) -> Result<()> {
        use std::io::Write;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(path)
            .and_then(|mut file| file.write_all(self.to_json().to_string().as_bytes()))
            .map_err(io(format!("writing {}", path.display())))
    }

    /// Where a channel listens.
    pub fn address(&self, channel: Channel) -> Result<SocketAddr> {
        let port = match channel {
            Channel::Shell => self.shell,
            Channel::Control => self.control,
            Channel::Stdin => self.stdin,
            Channel::Iopub => self.iopub,
            Channel::Heartbeat => self.heartbeat,
        };
        let ip = if self.ip == "*" { "0.0.0.0" } else { &self.ip };
        let what = format!("finding the address {ip}:{port}");
        (ip, port)
            .to_socket_addrs()
            .map_err(io(what.clone()))?
            .next()
            .ok_or_else(|| io(what)(std::io::ErrorKind::AddrNotAvailable.into()))
    }
}

/// Random bytes from the system, written in hexadecimal.
pub(crate) fn random_hex(bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random)
        .map_err(|error| io("asking for random bytes")(std::io::Error::other(error.to_string())))?;
    Ok(hex(&random))
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// A listener on a port that is free now. It is let go before the process that is to listen there
/// begins; so it is looked for below the ports that systems give to whoever asks for any, or another
/// program might be given it in between.
fn seldom_used_port() -> std::io::Result<TcpListener> {
    for _ in 0..64 {
        let mut random = [0; 2];
        getrandom::fill(&mut random).map_err(std::io::Error::other)?;
        let port = 16_384 + u16::from_le_bytes(random) % 16_384;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return Ok(listener);
        }
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_file_is_read_as_it_was_written_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kernel.json");
        let fresh = Connection::fresh().unwrap();
        fresh.write(&path).unwrap();
        assert_eq!(Connection::read(&path).unwrap(), fresh);
        assert_eq!(fresh.key.len(), 64);
        assert_ne!(fresh.key, Connection::fresh().unwrap().key);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0);
        }
    }

    #[test]
    fn an_error_names_what_is_missing_and_what_came() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kernel.json");
        for (text, part) in [
            ("{", "not JSON"),
            (
                r#"{"ip": "127.0.0.1", "key": ""}"#,
                "a port in \"shell_port\", got null",
            ),
            (
                r#"{"ip": "127.0.0.1", "transport": "ipc"}"#,
                "transport \"tcp\", got \"ipc\"",
            ),
            (r#"{"key": ""}"#, "text in \"ip\""),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Connection::read(&path).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
