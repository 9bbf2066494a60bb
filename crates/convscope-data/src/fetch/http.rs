//! Downloads that continue where they stopped, after asking the server whether the file is the same.

use super::{Failure, FetchOptions, write_error};
use crate::error::DataError;
use crate::write::beside;
use convscope_progress::stop_requested;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use ureq::http::{HeaderMap, Response, StatusCode, Uri};
use ureq::{Agent, Body};

/// Slower than this over a whole stall time-out counts as stalled.
const LOWEST_BYTES_PER_SECOND: u64 = 256;

const NO_HOST: &str = "the host's name cannot be resolved: no network, or a wrong address";

/// A download that has not ended: its bytes, and beside them what they are the beginning of.
pub(super) struct Part {
    pub(super) body: PathBuf,
    note: PathBuf,
}

/// Which file a partial download belongs to.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Origin {
    url: String,
    /// A strong ETag or a modification date; `If-Range` takes either.
    validator: String,
}

impl Part {
    pub(super) fn beside(path: &Path) -> Self {
        Self {
            body: beside(path, ".part"),
            note: beside(path, ".part.toml"),
        }
    }

    pub(super) fn remove(&self) {
        // The note goes first: a body without a note is never continued.
        let _ = fs::remove_file(&self.note);
        let _ = fs::remove_file(&self.body);
    }

    /// How many bytes of this address's file are here, and how to ask for the rest.
    fn resumable(&self, url: &str) -> Option<(u64, String)> {
        let origin: Origin = toml::from_str(&fs::read_to_string(&self.note).ok()?).ok()?;
        let length = fs::metadata(&self.body).ok()?.len();
        (origin.url == url && length > 0).then_some((length, origin.validator))
    }

    /// Begins anew, and remembers what can be continued.
    fn begin(&self, url: &str, validator: Option<String>) -> io::Result<File> {
        let _ = fs::remove_file(&self.note);
        let body = File::create(&self.body)?;
        if let Some(validator) = validator {
            let origin = Origin {
                url: url.to_owned(),
                validator,
            };
            fs::write(&self.note, toml::to_string(&origin).expect("two strings"))?;
        }
        Ok(body)
    }
}

pub(super) struct Client {
    agent: Agent,
    stall: Duration,
    retries: usize,
}

impl Client {
    pub(super) fn new(options: &FetchOptions) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("convscope/", env!("CARGO_PKG_VERSION")))
            // A packed file must arrive as it is.
            .accept_encoding("identity")
            .timeout_resolve(Some(options.connect_timeout))
            .timeout_connect(Some(options.connect_timeout))
            .timeout_recv_response(Some(options.connect_timeout.max(options.stall_timeout)))
            .timeout_per_read(Some(options.stall_timeout))
            .build();
        Self {
            agent: config.into(),
            stall: options.stall_timeout,
            retries: options.retries,
        }
    }

    /// Downloads into `part`, at most `limit` bytes, and tries again after a break as long as that
    /// brings something. `report` hears of bytes done and bytes in all. True if it continued what was
    /// there before.
    pub(super) fn download(
        &self,
        url: &str,
        part: &Part,
        limit: u64,
        report: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<bool, Failure> {
        let continued = part.resumable(url).is_some();
        let mut tries = 0;
        loop {
            let before = part.resumable(url).map_or(0, |(n, _)| n);
            let broken = match self.transfer(url, part, limit, report) {
                Err(Failure::Interrupted(reason)) => reason,
                // What has come is kept for the next attempt.
                Err(Failure::Local(stopped @ DataError::Stopped { .. })) => {
                    return Err(Failure::Local(stopped));
                }
                Err(Failure::Local(error)) => {
                    part.remove();
                    return Err(Failure::Local(error));
                }
                done => return done.map(|()| continued),
            };
            let gained = part.resumable(url).map_or(0, |(n, _)| n) > before;
            if tries == self.retries || !gained {
                return Err(Failure::Interrupted(broken));
            }
            tries += 1;
        }
    }

    fn transfer(
        &self,
        url: &str,
        part: &Part,
        limit: u64,
        report: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), Failure> {
        let local = |e| Failure::Local(write_error(&part.body, limit)(e));
        let mut have = part.resumable(url);
        let (response, mut out, start, total) = loop {
            let response = self.get(url, have.as_ref())?;
            let headers = response.headers();
            match (response.status(), &have) {
                (StatusCode::OK, _) => {
                    let total = header(headers, "content-length").and_then(|n| n.parse().ok());
                    let out = part.begin(url, validator(headers)).map_err(local)?;
                    break (response, out, 0, total);
                }
                (StatusCode::PARTIAL_CONTENT, Some((length, expected))) => {
                    let same = validator(headers).is_none_or(|v| v == *expected);
                    if let Some((start, total)) = content_range(headers)
                        && start == *length
                        && same
                    {
                        let out = File::options()
                            .append(true)
                            .open(&part.body)
                            .map_err(local)?;
                        break (response, out, start, total);
                    }
                }
                (StatusCode::RANGE_NOT_SATISFIABLE, Some(_)) => {}
                (status, _) => return Err(Failure::Source(format!("the server answers {status}"))),
            }
            // What is here is not the beginning of what is there: begin anew, once.
            part.remove();
            have = None;
        };
        let mut body = response.into_body().into_reader();
        let mut done = start;
        let mut buffer = vec![0; 1 << 16];
        let (mut window, mut in_window) = (Instant::now(), 0);
        report(done, total);
        loop {
            if stop_requested() {
                let name = part.body.with_extension("");
                let file = name.file_name().unwrap_or_default().to_string_lossy();
                let file = file.into_owned();
                return Err(Failure::Local(DataError::Stopped { file, done }));
            }
            let n = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n as u64,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(Failure::Interrupted(broke_off(done, total, &e))),
            };
            if done + n > limit {
                part.remove();
                return Err(Failure::Source(format!(
                    "it sends more than the {limit} bytes the file can have; stopped there"
                )));
            }
            out.write_all(&buffer[..n as usize]).map_err(local)?;
            (done, in_window) = (done + n, in_window + n);
            report(done, total);
            if window.elapsed() >= self.stall {
                if in_window < LOWEST_BYTES_PER_SECOND * self.stall.as_secs().max(1) {
                    let slow = io::Error::other(format!(
                        "only {in_window} bytes in {:.0?}",
                        window.elapsed()
                    ));
                    return Err(Failure::Interrupted(broke_off(done, total, &slow)));
                }
                (window, in_window) = (Instant::now(), 0);
            }
        }
        match total {
            Some(total) if done < total => {
                let end = io::Error::other("the server closed the connection");
                Err(Failure::Interrupted(broke_off(done, Some(total), &end)))
            }
            _ => Ok(()),
        }
    }

    fn get(&self, url: &str, have: Option<&(u64, String)>) -> Result<Response<Body>, Failure> {
        let mut request = self.agent.get(url);
        if let Some((length, validator)) = have {
            request = request
                .header("Range", format!("bytes={length}-"))
                .header("If-Range", validator);
        }
        if is_this_machine(url) {
            request = request.config().proxy(None).build();
        }
        request.call().map_err(|e| match e {
            ureq::Error::HostNotFound => Failure::Source(NO_HOST.into()),
            ureq::Error::Io(e) if e.to_string().contains("failed to lookup address") => {
                Failure::Source(NO_HOST.into())
            }
            ureq::Error::Timeout(_) => Failure::Source(format!("no answer in time ({e})")),
            e => Failure::Source(e.to_string()),
        })
    }
}

fn broke_off(done: u64, total: Option<u64>, why: &io::Error) -> String {
    match total {
        Some(total) => format!("the transfer broke off after {done} of {total} bytes: {why}"),
        None => format!("the transfer broke off after {done} bytes: {why}"),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A weak ETag promises no identical bytes and must not stand in `If-Range`.
fn validator(headers: &HeaderMap) -> Option<String> {
    let strong = header(headers, "etag").filter(|tag| !tag.starts_with("W/"));
    strong
        .or_else(|| header(headers, "last-modified"))
        .map(str::to_owned)
}

/// `bytes 100-999/1000` as (100, Some(1000)).
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let range = header(headers, "content-range")?.strip_prefix("bytes ")?;
    let (span, total) = range.split_once('/')?;
    Some((
        span.split_once('-')?.0.trim().parse().ok()?,
        total.trim().parse().ok(),
    ))
}

/// A proxy cannot reach this machine's own addresses.
fn is_this_machine(url: &str) -> bool {
    let host = url
        .parse::<Uri>()
        .ok()
        .and_then(|uri| uri.host().map(str::to_owned));
    host.is_some_and(|h| h == "localhost" || h == "[::1]" || h.starts_with("127."))
}
