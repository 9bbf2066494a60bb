//! A small HTTP server whose misbehaviour each test chooses, and a registry entry that points at it.
#![allow(dead_code)]

use convscope_data::{Cache, Entry, FetchOptions, Registry};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as the server saw it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub path: String,
    pub range_from: Option<usize>,
    pub if_range: Option<String>,
}

pub struct Server {
    pub address: String,
    pub requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Serves each connection by `answer`, which gets the request and how many came before it.
    pub fn start(answer: impl Fn(&Request, usize, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (requests.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, answer) = (seen.clone(), answer.clone());
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let Some(request) = read_request(&stream) else {
                        return;
                    };
                    let before = {
                        let mut seen = seen.lock().unwrap();
                        seen.push(request.clone());
                        seen.len() - 1
                    };
                    answer(&request, before, &mut stream);
                });
            }
        });
        Self { address, requests }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub fn url(&self) -> String {
        format!("{}/file.gz", self.address)
    }
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut request = Request::default();
    for (i, line) in BufReader::new(stream).lines().enumerate() {
        let line = line.ok()?;
        if i == 0 {
            request.path = line.split(' ').nth(1)?.to_owned();
        } else if line.is_empty() {
            return Some(request);
        } else if let Some((name, value)) = line.split_once(": ") {
            match name.to_lowercase().as_str() {
                "range" => {
                    request.range_from = value
                        .strip_prefix("bytes=")?
                        .strip_suffix('-')?
                        .parse()
                        .ok()
                }
                "if-range" => request.if_range = Some(value.to_owned()),
                _ => {}
            }
        }
    }
    None
}

/// Writes a response; errors are the client hanging up.
pub fn respond(stream: &mut TcpStream, status: &str, headers: &[(&str, String)], body: &[u8]) {
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(b"\r\n");
    let _ = stream.write_all(body);
}

/// The whole body, as a plain file server sends it.
pub fn whole(stream: &mut TcpStream, body: &[u8]) {
    respond(
        stream,
        "200 OK",
        &[("Content-Length", body.len().to_string())],
        body,
    );
}

/// A good file server: it honours Range where If-Range names its current ETag.
pub fn with_ranges(
    request: &Request,
    stream: &mut TcpStream,
    etag: &str,
    body: &[u8],
    send: usize,
) {
    let tag = ("ETag", etag.to_owned());
    match request.range_from {
        Some(from)
            if request.if_range.as_deref().is_none_or(|t| t == etag) && from < body.len() =>
        {
            let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
            let rest = &body[from..];
            let length = ("Content-Length", rest.len().to_string());
            let part = &rest[..send.min(rest.len())];
            respond(
                stream,
                "206 Partial Content",
                &[tag, length, ("Content-Range", range)],
                part,
            );
        }
        _ => {
            let length = ("Content-Length", body.len().to_string());
            respond(
                stream,
                "200 OK",
                &[tag, length],
                &body[..send.min(body.len())],
            );
        }
    }
}

/// Bytes that gzip cannot shrink much, so that there is something to break off.
pub fn content(n: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// An entry of one file with this content, to be had at `urls`.
pub fn entry(content: &[u8], urls: &[String]) -> Entry {
    let text = format!(
        r#"[[entry]]
        name = "thing"
        title = "A thing"
        kind = "dataset"
        about = "for tests"
        licence = "none"
        citation = "none"
        [[entry.file]]
        path = "file"
        bytes = {}
        sha256 = "{}"
        packing = "gzip"
        download_bytes = {}
        mirror = "thing/file.gz"
        urls = {urls:?}"#,
        content.len(),
        sha256(content),
        content.len(),
    );
    Registry::parse(&text, Path::new("test.toml"))
        .unwrap()
        .entries
        .remove(0)
}

/// Options with time-outs short enough for a test.
pub fn options(cache: &Path) -> FetchOptions {
    FetchOptions {
        connect_timeout: Duration::from_millis(1500),
        stall_timeout: Duration::from_millis(600),
        lock_timeout: Duration::from_secs(20),
        ..FetchOptions::new(Cache::new(cache))
    }
}

/// The names in an entry's folder of the cache, without the lock.
pub fn left_behind(cache: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(cache.join("thing"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".lock")
        .collect();
    names.sort();
    names
}
