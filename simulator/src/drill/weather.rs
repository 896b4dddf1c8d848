//! What injects do to the exchange itself: a partner's source is down, the gateway is slow, an agreement is suspended. The
//! first two happen on the wire between gateway and sources, in relays that pass bytes on; the third is done by the
//! party's own signature, as it would be.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::host::{Party, suspend};
use super::scenario::{Entry, Happening};

/// How long each piece of an answer waits while the gateway is slow.
const SLOW: Duration = Duration::from_millis(1_500);

/// How the way to a source is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Way {
    down: bool,
    slow: bool,
}

/// The ways to all sources, and the parties who can suspend.
#[derive(Debug, Clone)]
pub struct Weather {
    /// None where gateway and sources are not the drill's own.
    ways: Option<Arc<BTreeMap<String, watch::Sender<Way>>>>,
    parties: Arc<BTreeMap<String, Party>>,
}

/// A relay before a source that is not there yet.
#[derive(Debug)]
pub struct Relay {
    listener: TcpListener,
    way: watch::Receiver<Way>,
}

/// Relays by agency, and where each listens.
pub type Relays = BTreeMap<String, (Relay, SocketAddr)>;

impl Weather {
    /// Fair weather, and a relay before the source of each agency, with where it listens.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn fair(
        agencies: impl Iterator<Item = String>,
        parties: BTreeMap<String, Party>,
    ) -> std::io::Result<(Self, Relays)> {
        let (mut ways, mut relays) = (BTreeMap::new(), Relays::new());
        for agency in agencies {
            let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
            let address = listener.local_addr()?;
            let (sender, way) = watch::channel(Way::default());
            ways.insert(agency.clone(), sender);
            relays.insert(agency, (Relay { listener, way }, address));
        }
        Ok((Self { ways: Some(Arc::new(ways)), parties: Arc::new(parties) }, relays))
    }

    /// The weather at gateways that others run: nothing of theirs is touched but agreements, in the name of these parties.
    pub fn elsewhere(parties: BTreeMap<String, Party>) -> Self {
        Self { ways: None, parties: Arc::new(parties) }
    }

    /// Changes the weather as an inject says, or back. What goes wrong is returned in words.
    pub async fn turn(&self, entry: &Entry, on: bool) -> Option<String> {
        let begin = if on { "begin" } else { "end" };
        match (entry.kind, &self.ways) {
            (Happening::GatewaySlow, None) => Some(format!(
                "NOT_OURS: the gateway is not the drill's own: ask its operator to {begin} slow answers"
            )),
            (Happening::PeerDown, None) => Some(format!(
                "NOT_OURS: the source of `{}` is not the drill's own: ask its operator to {begin} the outage",
                entry.about
            )),
            (Happening::GatewaySlow, Some(ways)) => {
                for way in ways.values() {
                    way.send_modify(|way| way.slow = on);
                }
                None
            }
            (Happening::PeerDown, Some(ways)) => match ways.get(&entry.about) {
                Some(way) => {
                    way.send_modify(|way| way.down = on);
                    None
                }
                None => Some(format!("no source of `{}` is in this exercise", entry.about)),
            },
            (Happening::AgreementSuspended, ways) => {
                let (agency, agreement) = entry.about.split_once(':')?;
                let Some(party) = self.parties.get(agency) else {
                    if ways.is_none() {
                        let word = if on { "suspend" } else { "resume" };
                        return Some(format!(
                            "NOT_OURS: the join file has no `agreement_key` of `{agency}`: ask it to {word} `{agreement}`"
                        ));
                    }
                    return Some(format!("no agency `{agency}` is in this exercise"));
                };
                suspend(party, agreement, on).await.err().map(|error| format!("{error:#}"))
            }
            _ => None,
        }
    }
}

impl Relay {
    /// Passes on to a source whoever connects, as the way is.
    pub async fn run(self, to: SocketAddr) {
        while let Ok((peer, _)) = self.listener.accept().await {
            if !self.way.borrow().down {
                tokio::spawn(pass(peer, to, self.way.clone()));
            }
        }
    }
}

async fn pass(peer: TcpStream, to: SocketAddr, mut way: watch::Receiver<Way>) {
    let Ok(source) = TcpStream::connect(to).await else { return };
    // Small frames go at once, as they would without a relay.
    let _ = (peer.set_nodelay(true), source.set_nodelay(true));
    let (asks, answers) = (peer.into_split(), source.into_split());
    let onward = copy(asks.0, answers.1, None);
    let back = copy(answers.0, asks.1, Some(way.clone()));
    tokio::select! {
        _ = onward => {}
        _ = back => {}
        // Down: what is under way is cut.
        _ = way.wait_for(|way| way.down) => {}
    }
}

/// Passes bytes on until either side ends.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    way: Option<watch::Receiver<Way>>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let count = from.read(&mut buffer).await?;
        let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else { return Ok(()) };
        if way.as_ref().is_some_and(|way| way.borrow().slow) {
            tokio::time::sleep(SLOW).await;
        }
        to.write_all(read).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::play::tests::tutorial;

    #[tokio::test]
    async fn at_gateways_of_others_nothing_is_turned_and_whom_to_ask_is_said() {
        let weather = Weather::elsewhere(BTreeMap::new());
        let (scenario, _) = tutorial();
        for (kind, about, part) in [
            (Happening::GatewaySlow, "", "ask its operator to begin slow answers"),
            (Happening::PeerDown, "vl-customs", "ask its operator to begin the outage"),
            (Happening::AgreementSuspended, "vl-customs:a", "ask it to suspend `a`"),
        ] {
            let entry = Entry { kind, about: about.to_owned(), ..scenario.msel.entries[2].clone() };
            let said = weather.turn(&entry, true).await.unwrap();
            assert!(said.starts_with("NOT_OURS: ") && said.contains(part), "{said}");
            assert!(weather.turn(&entry, false).await.unwrap().starts_with("NOT_OURS: "));
        }
        let shown = Entry { kind: Happening::Tip, ..scenario.msel.entries[2].clone() };
        assert_eq!(weather.turn(&shown, true).await, None);
    }
}
