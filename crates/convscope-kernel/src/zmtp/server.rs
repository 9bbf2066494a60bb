use super::{Frames, Incoming, Kind, Outbox, Reader, introduce, is_end};
use crate::error::{Result, io};
use std::collections::{BTreeMap, VecDeque};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A connection's number.
pub type PeerId = u64;

/// More connections than this to one socket are refused.
const MOST_PEERS: usize = 256;

/// So much of what is published before anyone listens is kept.
const MOST_EARLY: usize = 256;

/// Who is connected.
pub struct Joined {
    /// The identity that the peer chose; often empty.
    pub identity: Vec<u8>,
    outbox: Outbox,
    topics: Vec<Vec<u8>>,
}

impl Joined {
    fn wants(&self, frames: &Frames) -> bool {
        let first = frames.first().map_or(&[][..], Vec::as_slice);
        self.topics.iter().any(|topic| first.starts_with(topic))
    }
}

/// A socket that listens.
#[derive(Clone)]
pub struct Server {
    name: &'static str,
    peers: Arc<Mutex<BTreeMap<PeerId, Joined>>>,
    /// What was published while nobody had subscribed yet. A client's sockets connect one by one,
    /// so its first request is often answered before it listens.
    early: Arc<Mutex<Option<VecDeque<Arc<Frames>>>>>,
}

impl Server {
    /// Listens on `address`, and gives each message to `take`. Each peer has a thread of its own
    /// there, so that `take` may wait.
    pub fn start(
        address: SocketAddr,
        kind: Kind,
        limit: usize,
        take: impl Fn(&Server, PeerId, Frames) + Send + Sync + 'static,
    ) -> Result<Server> {
        let listener = TcpListener::bind(address).map_err(io(format!("listening on {address}")))?;
        let server = Server {
            name: kind.name(),
            peers: Arc::default(),
            early: Arc::new(Mutex::new((kind == Kind::Pub).then(VecDeque::new))),
        };
        let own = server.clone();
        let next = AtomicU64::new(1);
        let take = Arc::new(take);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else {
                    // Out of file handles: others may end meanwhile.
                    std::thread::sleep(std::time::Duration::from_millis(50));
                    continue;
                };
                let id = next.fetch_add(1, Ordering::Relaxed);
                let (server, take) = (own.clone(), take.clone());
                std::thread::spawn(move || {
                    if let Err(error) = server.serve(id, stream, kind, limit, &*take)
                        && !is_end(&error)
                    {
                        eprintln!("convscope-kernel: a client of {}: {error}", server.name);
                    }
                    if let Some(peer) = server.peers().remove(&id) {
                        peer.outbox.close();
                    }
                });
            }
        });
        Ok(server)
    }

    fn peers(&self) -> MutexGuard<'_, BTreeMap<PeerId, Joined>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn early(&self) -> MutexGuard<'_, Option<VecDeque<Arc<Frames>>>> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(
        &self,
        id: PeerId,
        stream: TcpStream,
        kind: Kind,
        limit: usize,
        take: &impl Fn(&Server, PeerId, Frames),
    ) -> Result<()> {
        let what = "serving a ZeroMQ peer";
        let identity = introduce(&stream, kind, b"")?;
        let outbox = Outbox::default();
        let (queue, writing) = (outbox.clone(), stream.try_clone().map_err(io(what))?);
        {
            let mut peers = self.peers();
            if peers.len() >= MOST_PEERS {
                let _ = stream.shutdown(Shutdown::Both);
                return Err(crate::error::wire(
                    format!("at most {MOST_PEERS} connections"),
                    "one more",
                ));
            }
            let joined = Joined {
                identity,
                outbox,
                topics: Vec::new(),
            };
            peers.insert(id, joined);
        }
        std::thread::spawn(move || queue.write_to(&writing));
        let mut reader = Reader::new(stream, limit);
        while let Some(incoming) = reader.incoming()? {
            match incoming {
                Incoming::Message(frames) if kind == Kind::Pub => {
                    if let [frame] = &frames[..]
                        && let Some((first, topic)) = frame.split_first()
                    {
                        self.subscribe(id, *first == 1, topic);
                    }
                }
                Incoming::Message(frames) => take(self, id, frames),
                // ZMTP 3.1 says the same with commands.
                Incoming::Command(body) => {
                    if let Some(topic) = body.strip_prefix(b"\x09SUBSCRIBE") {
                        self.subscribe(id, true, topic);
                    } else if let Some(topic) = body.strip_prefix(b"\x06CANCEL") {
                        self.subscribe(id, false, topic);
                    }
                }
            }
        }
        Ok(())
    }

    fn subscribe(&self, id: PeerId, wanted: bool, topic: &[u8]) {
        if let Some(peer) = self.peers().get_mut(&id) {
            let at = peer.topics.iter().position(|known| known == topic);
            match (wanted, at) {
                (true, _) if peer.topics.len() < 1024 => {
                    peer.topics.push(topic.to_vec());
                    for frames in self.early().take().into_iter().flatten() {
                        if peer.wants(&frames) {
                            peer.outbox.push(frames);
                        }
                    }
                }
                (false, Some(at)) => {
                    peer.topics.remove(at);
                }
                _ => {}
            }
        }
    }

    /// Sends to one peer; nothing happens when it has left.
    pub fn send(&self, peer: PeerId, frames: Frames) {
        if let Some(peer) = self.peers().get(&peer) {
            peer.outbox.push(Arc::new(frames));
        }
    }

    /// Sends to everyone who subscribed; before anyone has, to the first who will.
    pub fn publish(&self, frames: Frames) {
        let frames = Arc::new(frames);
        // Locked in this order by everyone, so that nothing falls between the two.
        let peers = self.peers();
        if let Some(early) = &mut *self.early() {
            early.push_back(frames.clone());
            if early.len() > MOST_EARLY {
                early.pop_front();
            }
        }
        for peer in peers.values().filter(|peer| peer.wants(&frames)) {
            peer.outbox.push(frames.clone());
        }
    }

    /// Whether someone's queue is full.
    pub fn is_full(&self) -> bool {
        self.peers().values().any(|peer| peer.outbox.is_full())
    }

    /// Whether everyone has been sent everything.
    pub fn is_done(&self) -> bool {
        self.peers().values().all(|peer| peer.outbox.is_done())
    }

    /// The peer that chose an identity, or the only one there is.
    pub fn find(&self, identity: &[u8]) -> Option<PeerId> {
        let peers = self.peers();
        let same = peers
            .iter()
            .rev()
            .find(|(_, peer)| !identity.is_empty() && peer.identity == identity);
        match same {
            Some((id, _)) => Some(*id),
            None if peers.len() == 1 => peers.keys().next().copied(),
            None => None,
        }
    }

    /// The identity that a peer chose.
    pub fn identity(&self, peer: PeerId) -> Vec<u8> {
        self.peers()
            .get(&peer)
            .map(|peer| peer.identity.clone())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zmtp::Link;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn listener(address: SocketAddr) -> (Link, Receiver<Frames>) {
        let (sender, receiver) = channel();
        let take = move |frames| drop(sender.send(frames));
        let link = Link::start(address, Kind::Sub, Vec::new(), 1 << 20, take);
        (link, receiver)
    }

    #[test]
    fn what_is_published_before_anyone_listens_waits_for_the_first_listener() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let server = Server::start(address, Kind::Pub, 1 << 20, |_, _, _| {}).unwrap();
        let say = |text: &str| server.publish(vec![text.into()]);
        let heard = |from: &Receiver<Frames>| from.recv_timeout(PATIENCE).unwrap().concat();
        (0..300).for_each(|n| say(&format!("early {n}")));
        let (_first, from_first) = listener(address);
        for n in 300 - MOST_EARLY..300 {
            assert_eq!(heard(&from_first), format!("early {n}").as_bytes());
        }
        let (_second, from_second) = listener(address);
        // Nobody says when the second one listens.
        while from_second.try_recv().is_err() {
            say("later");
            std::thread::sleep(Duration::from_millis(5));
        }
        say("last");
        let rest = std::iter::from_fn(|| Some(heard(&from_second)));
        assert!(
            rest.take_while(|text| text != b"last")
                .all(|text| text == b"later")
        );
        assert_eq!(heard(&from_first), b"later");
    }
}
