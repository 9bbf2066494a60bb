//! Jupyter's messages: frames, signatures, headers.
//!
//! <https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol>. A message
//! that passes through keeps its bytes; only its signature is made anew.

use crate::connection::{hex, random_hex};
use crate::error::{KernelError, Result};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::{SystemTime, UNIX_EPOCH};

/// The session of messages about nothing that a client sent.
const OWN_SESSION: &str = "convscope-kernel";
const DELIMITER: &[u8] = b"<IDS|MSG>";

/// Signs messages and checks signatures. Without a key there are none.
#[derive(Clone)]
pub struct Signer {
    mac: Option<Hmac<Sha256>>,
}

impl Signer {
    /// A signer with a connection's key.
    pub fn new(key: &str) -> Signer {
        // HMAC takes keys of any length.
        let mac = (!key.is_empty())
            .then(|| Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok())
            .flatten();
        Signer { mac }
    }

    fn sign(&self, parts: &[Vec<u8>]) -> Vec<u8> {
        let Some(mut mac) = self.mac.clone() else {
            return Vec::new();
        };
        parts.iter().for_each(|part| mac.update(part));
        hex(&mac.finalize().into_bytes()).into_bytes()
    }

    fn check(&self, parts: &[Vec<u8>], signature: &[u8]) -> Result<()> {
        let Some(mut mac) = self.mac.clone() else {
            return Ok(());
        };
        parts.iter().for_each(|part| mac.update(part));
        unhex(signature)
            .and_then(|bytes| mac.verify_slice(&bytes).ok())
            .ok_or_else(|| KernelError::Signature {
                got: String::from_utf8_lossy(&signature[..signature.len().min(80)]).into_owned(),
            })
    }
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16);
    text.chunks(2)
        .map(|pair| match pair {
            [a, b] => u8::try_from(16 * digit(*a)? + digit(*b)?).ok(),
            _ => None,
        })
        .collect()
}

/// A message, with the frames of content and buffers as they came.
#[derive(Clone, Debug)]
pub struct Message {
    /// Frames in front of the message proper, for ZeroMQ's routing.
    pub identities: Vec<Vec<u8>>,
    /// Who, when and what.
    pub header: Value,
    /// Header, parent header, metadata, content, and buffers.
    parts: Vec<Vec<u8>>,
}

impl Message {
    /// Reads a message from its frames, after its signature was checked.
    pub fn parse(mut frames: Vec<Vec<u8>>, signer: &Signer) -> Result<Message> {
        let wrong = |expected: &str, got: String| KernelError::Message {
            expected: expected.to_owned(),
            got,
        };
        let Some(delimiter) = frames.iter().position(|frame| frame == DELIMITER) else {
            let got = format!("{} frames without it", frames.len());
            return Err(wrong("the delimiter <IDS|MSG>", got));
        };
        if frames.len() < delimiter + 6 {
            let got = format!("{} frames", frames.len() - delimiter - 1);
            return Err(wrong(
                "a signature and four frames after the delimiter",
                got,
            ));
        }
        let parts = frames.split_off(delimiter + 2);
        signer.check(&parts, &frames[delimiter + 1])?;
        frames.truncate(delimiter);
        let header: Value = serde_json::from_slice(&parts[0])
            .map_err(|error| wrong("a header in JSON", error.to_string()))?;
        for field in ["msg_id", "msg_type"] {
            if header[field].as_str().is_none() {
                let got = header[field].to_string();
                return Err(wrong(&format!("text in the header's {field:?}"), got));
            }
        }
        Ok(Message {
            identities: frames,
            header,
            parts,
        })
    }

    /// A new message about `parent`, which stays empty for a message about nothing.
    pub fn new(kind: &str, parent: &Value, content: &Value) -> Result<Message> {
        let header = json!({
            "msg_id": random_hex(16)?,
            "msg_type": kind,
            "username": "kernel",
            "session": parent["session"].as_str().unwrap_or(OWN_SESSION),
            "date": now(),
            "version": "5.3",
        });
        let parent = match parent {
            Value::Null => "{}".to_owned(),
            parent => parent.to_string(),
        };
        Ok(Message {
            identities: Vec::new(),
            parts: vec![
                header.to_string().into_bytes(),
                parent.into_bytes(),
                b"{}".to_vec(),
                content.to_string().into_bytes(),
            ],
            header,
        })
    }

    /// The frames to send.
    pub fn frames(&self, signer: &Signer) -> Vec<Vec<u8>> {
        let mut frames = self.identities.clone();
        frames.push(DELIMITER.to_vec());
        frames.push(signer.sign(&self.parts));
        frames.extend(self.parts.iter().cloned());
        frames
    }

    /// The message's type.
    pub fn kind(&self) -> &str {
        self.header["msg_type"].as_str().unwrap_or_default()
    }

    /// The message's id.
    pub fn id(&self) -> &str {
        self.header["msg_id"].as_str().unwrap_or_default()
    }

    /// The id of the message that this one is about; empty without one.
    pub fn parent_id(&self) -> String {
        serde_json::from_slice::<Value>(&self.parts[1])
            .ok()
            .and_then(|parent| parent["msg_id"].as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// The content; null when it is not JSON.
    pub fn content(&self) -> Value {
        serde_json::from_slice(&self.parts[3]).unwrap_or_default()
    }

    /// The same message with another content.
    pub fn with_content(mut self, content: &Value) -> Message {
        self.parts[3] = content.to_string().into_bytes();
        self
    }

    /// Whether the content holds one of some texts as they stand there.
    pub fn may_hold(&self, texts: &[&str]) -> bool {
        std::str::from_utf8(&self.parts[3]).map_or(true, |content| {
            texts.iter().any(|text| content.contains(text))
        })
    }

    /// Whether it is about a message that the relay sent for itself.
    pub fn parent_is_relays(&self) -> bool {
        serde_json::from_slice::<Value>(&self.parts[1])
            .is_ok_and(|parent| parent["session"] == OWN_SESSION)
    }

    /// How many bytes it carries.
    pub fn size(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }
}

/// The time in ISO 8601, as Jupyter wants it.
fn now() -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    date(since.as_secs(), since.subsec_micros())
}

/// Days to dates after Howard Hinnant, <https://howardhinnant.github.io/date_algorithms.html>.
fn date(seconds: u64, micros: u32) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + 400 * era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_out_as_it_went_in_and_a_changed_one_does_not() {
        let signer = Signer::new("key");
        let mut message =
            Message::new("status", &json!({"msg_id": "p"}), &json!({"a": 1})).unwrap();
        message.identities.push(b"peer".to_vec());
        let frames = message.frames(&signer);
        let read = Message::parse(frames.clone(), &signer).unwrap();
        assert_eq!(read.identities, [b"peer"]);
        assert_eq!((read.kind(), read.parent_id().as_str()), ("status", "p"));
        assert_eq!(read.content(), json!({"a": 1}));
        for at in 2..frames.len() {
            let mut changed = frames.clone();
            changed[at].push(b' ');
            let error = Message::parse(changed, &signer).unwrap_err();
            assert!(
                matches!(error, KernelError::Signature { .. }),
                "{at}: {error}"
            );
        }
        assert!(Message::parse(frames, &Signer::new("other")).is_err());
    }

    #[test]
    fn signatures_are_those_of_rfc_4231() {
        // Test case 2 there: https://www.rfc-editor.org/rfc/rfc4231#section-4.3
        let parts = [b"what do ya want ".to_vec(), b"for nothing?".to_vec()];
        assert_eq!(
            String::from_utf8(Signer::new("Jefe").sign(&parts)).unwrap(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn frames_that_are_no_message_say_what_is_missing() {
        let signer = Signer::new("");
        let frames = |texts: &[&str]| texts.iter().map(|t| t.as_bytes().to_vec()).collect();
        for (texts, part) in [
            (vec!["a"], "the delimiter"),
            (vec!["<IDS|MSG>", "", "{}"], "four frames"),
            (vec!["<IDS|MSG>", "", "x", "{}", "{}", "{}"], "in JSON"),
            (vec!["<IDS|MSG>", "", "{}", "{}", "{}", "{}"], "msg_id"),
        ] {
            let error = Message::parse(frames(&texts), &signer)
                .unwrap_err()
                .to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn dates_are_the_calendars() {
        assert_eq!(date(0, 0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(date(951_827_696, 5), "2000-02-29T12:34:56.000005Z");
        assert_eq!(date(4_107_542_399, 0), "2100-02-28T23:59:59.000000Z");
    }
}
