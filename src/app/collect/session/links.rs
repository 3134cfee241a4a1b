//! The connections of a group: one or two at once, each replaced before it is too old.
//!
//! Every link carries all symbols of the group; what comes first by any link counts, so a
//! link that is lost beside another one costs nothing. A link that gets too old, or whose
//! end the exchange has announced, gets a successor: the new connection is made first, both
//! are used until their ids have met, and only then the old one is closed. A successor that
//! brings less than the old one is given up, and another one is made later.
//!
//! Links that stand side by side are compared: one that does not bring what the others do is
//! made anew, alone.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::Instant;

use crate::{
    domain::{
        lag::{Front, Late},
        overlap::Overlap,
        symbol::Symbol,
    },
    exchange::source::{LiveBatch, Source},
};

use super::{
    super::settings::Limits,
    connection::{Connection, LinkEvent},
};

mod link;

use link::Link;

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
        has_ended_first: bool,
    },
    /// The successor is given up, and another one will be made.
    RenewFailed { reason: String, retry_in: Duration },
    /// A link does not bring what others do, and is made anew.
    Dead { link: usize, late: Vec<Late> },
    /// Everything comes again by a link that was dead.
    Alive { link: usize, took: Duration },
}

/// What a link looks like.
pub(super) struct Figures {
    pub up_since: Option<Instant>,
    /// Trades that have come by it.
    pub trades: u64,
    /// How often it was made anew.
    pub reconnects: u64,
    /// The symbols that others bring and it does not.
    pub behind: Vec<usize>,
}

pub(super) struct Links {
    symbols: Vec<Symbol>,
    limits: Limits,
    links: Vec<Link>,
    /// Counts calls, so that no connection is always the first to be asked.
    turn: usize,
}

impl Links {
    pub fn new(source: &Arc<dyn Source>, symbols: Vec<Symbol>, limits: &Limits) -> Self {
        let links = (0..limits.links.max(1))
            .map(|_| Link::new(source, &symbols, limits))
            .collect();
        Self {
            symbols,
            limits: limits.clone(),
            links,
            turn: 0,
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
        // nothing into somebody else's. They take turns at being asked first: one that
        // always has something to say must not silence the others.
        self.turn = self.turn.wrapping_add(1);
        let mut connections = Vec::with_capacity(2 * self.links.len());
        for (index, link) in self.links.iter_mut().enumerate() {
            let which = |is_successor| Which {
                link: index,
                is_successor,
            };
            connections.push((which(false), &mut link.connection));
            if let Some(successor) = &mut link.successor {
                connections.push((which(true), &mut successor.connection));
            }
        }
        let first = self.turn % connections.len().max(1);
        connections.rotate_left(first);
        let mut waiting: FuturesUnordered<_> = connections
            .into_iter()
            .map(|(which, connection)| async move {
                let mut came = LiveBatch::default();
                let event = connection.next(&mut came, may_receive).await;
                (which, event, came)
            })
            .collect();
        let (which, event, came) = match waiting.next().await {
            Some(happened) => happened,
            None => std::future::pending().await,
        };
        batch.trades.extend(came.trades);
        batch.malformed.extend(came.malformed);
        batch.fallbacks += came.fallbacks;
        batch.shutdown_announced |= came.shutdown_announced;
        (which, event)
    }

    /// Looks at the clocks.
    pub fn tick(&mut self, now: Instant) -> Vec<Change> {
        let links = self.links.iter_mut();
        links.filter_map(|link| link.tick(now)).collect()
    }

    /// Whether links are to be [compared](Self::compare).
    pub fn are_comparable(&self) -> bool {
        self.links.len() > 1
    }

    /// Compares the links that stand with each other, and makes those anew that are late.
    /// `tape` has the last id of each symbol's tape, and how long a link may be behind; it is
    /// none while nothing is received.
    pub fn compare(&mut self, tape: Option<&[Front]>, now: Instant) -> Vec<Change> {
        let mut changes = Vec::new();
        for index in 0..self.links.len() {
            let others = || {
                let links = self.links.iter().enumerate();
                links.filter(|(other, link)| *other != index && link.connection.is_up())
            };
            let tape = tape.filter(|_| others().next().is_some());
            let fronts: Option<Vec<_>> = tape.map(|tape| {
                let of_others = |symbol| others().map(move |(_, link)| link.lag.last_id(symbol));
                let symbols = tape.iter().enumerate();
                // An id that only a garbled message had is not part of the tape.
                let front = |(symbol, front): (usize, &Front)| Front {
                    id: of_others(symbol).max().map_or(-1, |id| id.min(front.id)),
                    ..*front
                };
                symbols.map(front).collect()
            });
            let link = &mut self.links[index];
            let Some(fronts) = fronts.filter(|_| link.connection.is_up()) else {
                link.lag.rest();
                continue;
            };
            let late = link.lag.look(fronts, link.micros(now));
            if !late.is_empty() {
                link.dead_since.get_or_insert(now);
                link.reconnect();
                changes.push(Change::Dead { link: index, late });
            } else if link.lag.is_abreast()
                && let Some(since) = link.dead_since.take()
            {
                let took = now.saturating_duration_since(since);
                changes.push(Change::Alive { link: index, took });
            }
        }
        changes
    }

    /// The exchange has announced that it will close a connection.
    pub fn shutdown_announced(&mut self, which: Which, now: Instant) -> Option<Change> {
        self.links[which.link].shutdown_announced(which.is_successor, now)
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
                let (grace, overlap) = (self.limits.silence_grace, self.limits.renew_overlap);
                successor.settles_at = Some(now + grace.min(overlap / 2));
                successor.deadline = Some(deadline);
            }
            return Stands::Beside;
        }
        let is_again = link.has_connected;
        link.has_connected = true;
        link.reconnects += u64::from(is_again);
        link.stands(now);
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
            link.successor_ended();
            return None;
        }
        let takes_over = link
            .successor
            .as_ref()
            .is_some_and(|successor| successor.connection.is_up());
        if takes_over {
            // Whether it brings everything may not have shown yet. It is better than none, and
            // silence is judged by symbol, whatever connection it is on.
            //
            // What is over must not look as if it stood.
            link.connection.pause();
            return link.succeed(false, now);
        }
        link.reconnect();
        None
    }

    /// Live trades have come by a connection. Returns what it leads to.
    pub fn traded(&mut self, which: Which, batch: &LiveBatch, now: Instant) -> Option<Change> {
        let is_compared = self.are_comparable() && !which.is_successor;
        let link = &mut self.links[which.link];
        link.trades += batch.trades.len() as u64;
        if is_compared {
            for (symbol, trade) in &batch.trades {
                link.lag.brought(*symbol as usize, trade.id);
            }
        }
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
            link.succeed(true, now)
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
        self.links.iter_mut().for_each(Link::reconnect);
    }

    /// Ends every connection; [`resume`](Self::resume) connects again.
    pub fn pause(&mut self) {
        self.links.iter_mut().for_each(Link::pause_for_now);
    }

    /// Connects again.
    pub fn resume(&mut self) {
        for link in &mut self.links {
            link.connection.resume();
        }
    }

    /// What each link looks like.
    pub fn figures(&self) -> impl Iterator<Item = Figures> {
        self.links.iter().map(|link| Figures {
            up_since: link.up_since,
            trades: link.trades,
            reconnects: link.reconnects,
            behind: link.lag.behind().collect(),
        })
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
