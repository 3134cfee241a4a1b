//! The connections of a group: one or two at once, each replaced before it is too old.
//!
//! Every link carries all symbols of the group; what comes first by any link counts, so a
//! link that is lost beside another one costs nothing. A link that gets too old, or whose
//! end the exchange has announced, gets a successor: the new connection is made first, both
//! are used until their ids have met, and only then the old one is closed.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use tokio::time::Instant;

use crate::{
    domain::{overlap::Overlap, symbol::Symbol},
    exchange::source::{LiveBatch, Source},
};

use super::{
    super::settings::Limits,
    connection::{Connection, LinkEvent},
};

/// The old and the new connection of a link that is being renewed.
struct Successor {
    connection: Connection,
    /// None until it stands.
    overlap: Option<Overlap>,
    begun: Instant,
    /// The old connection is closed at the latest then, once the new one stands.
    deadline: Option<Instant>,
}

struct Link {
    connection: Connection,
    successor: Option<Successor>,
    up_since: Option<Instant>,
    renew_at: Option<Instant>,
    has_connected: bool,
    reconnects: u64,
    trades: u64,
}

/// Which connection something has happened on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Which {
    link: usize,
    is_successor: bool,
}

/// What a change of links comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// A successor is being connected.
    Renewing(&'static str),
    /// The successor has taken over.
    Renewed {
        took: Duration,
        has_overlapped: bool,
    },
}

pub(super) struct Links {
    source: Arc<dyn Source>,
    symbols: Vec<Symbol>,
    limits: Limits,
    links: Vec<Link>,
}

impl Links {
    pub fn new(source: &Arc<dyn Source>, symbols: Vec<Symbol>, limits: &Limits) -> Self {
        let links = (0..limits.links.max(1))
            .map(|_| Link {
                connection: Connection::new(Arc::clone(source), symbols.clone(), limits),
                successor: None,
                up_since: None,
                renew_at: None,
                has_connected: false,
                reconnects: 0,
                trades: 0,
            })
            .collect();
        Self {
            source: Arc::clone(source),
            symbols,
            limits: limits.clone(),
            links,
        }
    }

    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// Whether any connection stands.
    pub fn is_up(&self) -> bool {
        self.links.iter().any(Link::is_up)
    }

    /// Waits for the next thing to happen on any connection, and appends what has come to
    /// `batch`. Cancelling it loses nothing.
    pub async fn next(&mut self, batch: &mut LiveBatch, may_receive: bool) -> (Which, LinkEvent) {
        if let [link] = self.links.as_mut_slice()
            && link.successor.is_none()
        {
            let which = Which {
                link: 0,
                is_successor: false,
            };
            return (which, link.connection.next(batch, may_receive).await);
        }
        // Each connection has a batch of its own, so that a call that is cancelled has put
        // nothing into somebody else's.
        let (which, event, came) = {
            let mut waiting = FuturesUnordered::new();
            for (index, link) in self.links.iter_mut().enumerate() {
                let successor = link.successor.as_mut();
                let connections = [
                    (false, Some(&mut link.connection)),
                    (true, successor.map(|successor| &mut successor.connection)),
                ];
                for (is_successor, connection) in connections {
                    let Some(connection) = connection else {
                        continue;
                    };
                    let which = Which {
                        link: index,
                        is_successor,
                    };
                    waiting.push(async move {
                        let mut came = LiveBatch::default();
                        let event = connection.next(&mut came, may_receive).await;
                        (which, event, came)
                    });
                }
            }
            match waiting.next().await {
                Some(happened) => happened,
                None => std::future::pending().await,
            }
        };
        batch.trades.extend(came.trades);
        batch.malformed.extend(came.malformed);
        batch.fallbacks += came.fallbacks;
        batch.shutdown_announced |= came.shutdown_announced;
        (which, event)
    }

    /// Looks at the clocks. `last_ids` are asked for when a successor stands.
    pub fn tick(&mut self, now: Instant) -> Vec<Change> {
        let mut changes = Vec::new();
        for index in 0..self.links.len() {
            self.links[index].connection.tick(now);
            let is_old = self.links[index].renew_at.is_some_and(|at| now >= at);
            if is_old && let Some(change) = self.renew(index, "it is old", now) {
                changes.push(change);
            }
            if let Some(successor) = &mut self.links[index].successor {
                successor.connection.tick(now);
                if successor.deadline.is_some_and(|deadline| now >= deadline) {
                    changes.extend(self.links[index].succeed(false, now, &self.limits));
                }
            }
        }
        changes
    }

    fn renew(&mut self, index: usize, reason: &'static str, now: Instant) -> Option<Change> {
        let link = &mut self.links[index];
        if link.successor.is_some() || !link.connection.is_up() {
            return None;
        }
        let (source, symbols) = (Arc::clone(&self.source), self.symbols.clone());
        link.successor = Some(Successor {
            connection: Connection::new(source, symbols, &self.limits),
            overlap: None,
            begun: now,
            deadline: None,
        });
        Some(Change::Renewing(reason))
    }

    /// The exchange has announced that it will close a connection.
    pub fn shutdown_announced(&mut self, which: Which, now: Instant) -> Option<Change> {
        if which.is_successor {
            // A successor that is to be closed at once is no better than the old one.
            return None;
        }
        self.renew(which.link, "the exchange announced its end", now)
    }

    /// A connection stands. Returns whether none stood before. `last_ids` are the last ids
    /// that are here, by symbol.
    pub fn connected(&mut self, which: Which, last_ids: Vec<i64>, now: Instant) -> Stands {
        let was_up = self.is_up_without(which);
        let deadline = now + self.limits.renew_overlap;
        let link = &mut self.links[which.link];
        if which.is_successor {
            if let Some(successor) = &mut link.successor {
                successor.overlap = Some(Overlap::new(last_ids));
                successor.deadline = Some(deadline);
            }
            return Stands::Beside;
        }
        let is_again = link.has_connected;
        link.has_connected = true;
        link.reconnects += u64::from(is_again);
        link.stands(now, &self.limits);
        match (was_up, is_again) {
            (true, false) => Stands::Beside,
            (true, true) => Stands::BesideAgain,
            (false, is_again) => Stands::Alone { is_again },
        }
    }

    fn is_up_without(&self, which: Which) -> bool {
        let others = self.links.iter().enumerate();
        others
            .filter(|(index, _)| *index != which.link)
            .any(|(_, link)| link.is_up())
    }

    /// How many attempts a connection took.
    pub fn attempts(&self, which: Which) -> u32 {
        self.get(which).map_or(0, Connection::attempts)
    }

    /// A connection could not be made: plans the next attempt, and returns the pause.
    pub fn connect_failed(&mut self, which: Which) -> Duration {
        let connection = if which.is_successor {
            let link = &mut self.links[which.link];
            link.successor
                .as_mut()
                .map(|successor| &mut successor.connection)
        } else {
            Some(&mut self.links[which.link].connection)
        };
        connection.map_or(Duration::ZERO, Connection::connect_later)
    }

    /// A connection is over. Returns what has become of it.
    pub fn ended(&mut self, which: Which, now: Instant) -> Option<Change> {
        let link = &mut self.links[which.link];
        if which.is_successor {
            if let Some(successor) = &mut link.successor {
                successor.overlap = None;
                successor.deadline = None;
                successor.connection.connect_later();
            }
            return None;
        }
        let takes_over = link
            .successor
            .as_ref()
            .is_some_and(|successor| successor.connection.is_up());
        if takes_over {
            return link.succeed(false, now, &self.limits);
        }
        link.successor = None;
        link.falls();
        link.connection.connect_later();
        None
    }

    /// Live trades have come by a connection. Returns what it leads to.
    pub fn traded(&mut self, which: Which, batch: &LiveBatch, now: Instant) -> Option<Change> {
        let link = &mut self.links[which.link];
        link.trades += batch.trades.len() as u64;
        let Some(successor) = &mut link.successor else {
            link.connection.traded();
            return None;
        };
        if which.is_successor {
            successor.connection.traded();
        } else {
            link.connection.traded();
        }
        let overlap = successor.overlap.as_mut()?;
        for (symbol, trade) in &batch.trades {
            if which.is_successor {
                overlap.by_new(*symbol as usize, trade.id);
            } else {
                overlap.by_old(*symbol as usize, trade.id);
            }
        }
        if overlap.is_complete() {
            link.succeed(true, now, &self.limits)
        } else {
            None
        }
    }

    /// Subscribes anew to some symbols, on every connection. Returns whether that was
    /// possible on any.
    pub fn resubscribe(&mut self, symbols: &[usize]) -> bool {
        let mut is_possible = false;
        for link in &mut self.links {
            is_possible |= link.connection.resubscribe(symbols);
        }
        is_possible
    }

    /// Ends every connection, and plans the next attempts.
    pub fn reconnect(&mut self) {
        for link in &mut self.links {
            link.successor = None;
            link.falls();
            link.connection.connect_later();
        }
    }

    /// Ends every connection; [`resume`](Self::resume) connects again.
    pub fn pause(&mut self) {
        for link in &mut self.links {
            link.successor = None;
            link.falls();
            link.connection.pause();
        }
    }

    /// Connects again.
    pub fn resume(&mut self) {
        for link in &mut self.links {
            link.connection.resume();
        }
    }

    /// For each link: how long it stands, what has come by it, how often it was made anew.
    pub fn figures(&self) -> impl Iterator<Item = (Option<Instant>, u64, u64)> {
        self.links
            .iter()
            .map(|link| (link.up_since, link.trades, link.reconnects))
    }

    /// Says goodbye to the exchange on every connection.
    pub async fn close(&mut self) {
        let closing = self.links.drain(..).flat_map(|link| {
            let successor = link.successor.map(|successor| successor.connection);
            [Some(link.connection), successor]
        });
        let closing: FuturesUnordered<_> = closing.flatten().map(Connection::close).collect();
        closing.for_each(|()| std::future::ready(())).await;
    }

    fn get(&self, which: Which) -> Option<&Connection> {
        let link = self.links.get(which.link)?;
        if which.is_successor {
            link.successor
                .as_ref()
                .map(|successor| &successor.connection)
        } else {
            Some(&link.connection)
        }
    }
}

/// How a connection stands among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// It is the only one: what came before it may be missing.
    Alone {
        /// There was one before.
        is_again: bool,
    },
    /// Others stand, and this one is new.
    Beside,
    /// Others stand, and this one was lost before.
    BesideAgain,
}

impl Link {
    fn is_up(&self) -> bool {
        let successor = self.successor.as_ref();
        self.connection.is_up() || successor.is_some_and(|successor| successor.connection.is_up())
    }

    /// It stands from now on, until it is too old. Links that were made together must not
    /// be renewed together.
    fn stands(&mut self, now: Instant, limits: &Limits) {
        const SPREAD: f64 = 0.05;
        let factor = 1.0 + SPREAD * rand::random_range(-1.0..=1.0);
        self.up_since = Some(now);
        self.renew_at = Some(now + limits.renew_after.mul_f64(factor));
    }

    fn falls(&mut self) {
        self.up_since = None;
        self.renew_at = None;
    }

    /// The successor takes over, and the old connection is closed.
    fn succeed(&mut self, has_overlapped: bool, now: Instant, limits: &Limits) -> Option<Change> {
        let successor = self.successor.take()?;
        let old = std::mem::replace(&mut self.connection, successor.connection);
        self.stands(now, limits);
        // A goodbye may take a while, and nobody waits for it.
        tokio::spawn(old.close().boxed());
        Some(Change::Renewed {
            took: now.saturating_duration_since(successor.begun),
            has_overlapped,
        })
    }
}
