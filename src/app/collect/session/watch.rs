//! A session looks at itself: which streams are dead and what is done about it, who is
//! silent, whether everybody who is wanted shows life.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    domain::{lag::Late, micros::micros, remedy::Remedy},
    exchange::source::StreamEnd,
};

use super::{
    super::{
        event::{Event, names},
        settings::Limits,
        slot::Slot,
        snapshot::Shown,
    },
    Session, SessionError,
    links::{Change, Stands, Which},
    repair::Case,
};

/// When to look next.
pub(super) struct Watch {
    silence_at: Instant,
    expected_at: Instant,
    /// A session that replaces another one has to be connected by then.
    created_by: Option<Instant>,
}

impl Watch {
    pub fn new(limits: &Limits) -> Self {
        let now = Instant::now();
        Self {
            silence_at: now + limits.silence_check,
            expected_at: now + limits.expected_check,
            created_by: None,
        }
    }
}

impl Session<'_> {
    /// The session replaces another one: it has to be connected within so long.
    pub fn create_within(&mut self, deadline: Duration) {
        self.watch.created_by = Some(Instant::now() + deadline);
    }

    /// Does about dead streams what the ladder of remedies says.
    pub(super) fn remedy(&mut self, dead: &[Case]) -> Result<(), SessionError> {
        let now_us = self.context.clock.steady_us();
        // Who has shown life while those were silent is on a connection that works.
        let waited_us = dead
            .iter()
            .map(|case| self.slots[case.index].waited_us(now_us))
            .min();
        let longest_us = micros(self.context.settings.limits.silence_max);
        let since_us = now_us - waited_us.unwrap_or(0).min(longest_us) / 2;
        let slots = self.slots.iter();
        let alive = slots.filter(|slot| slot.has_lived_since(since_us)).count();
        let chosen = self
            .memory
            .lock()
            .repair
            .choose(dead.to_vec(), alive, now_us);
        let (remedy, events) = chosen;
        for event in events {
            self.emit(&event);
        }
        match remedy {
            Remedy::Resubscribe => {
                let indexes: Vec<_> = dead.iter().map(|case| case.index).collect();
                if self.links.resubscribe(&indexes) {
                    for case in dead {
                        self.slots[case.index].resubscribed(case.evidence, now_us);
                    }
                } else {
                    self.reconnect_now();
                }
                Ok(())
            }
            Remedy::Reconnect => {
                self.reconnect_now();
                Ok(())
            }
            Remedy::Rebuild => Err(SessionError::Rebuild),
            Remedy::Escalate => {
                let repair = &self.memory.lock().repair;
                Err(SessionError::Escalated(format!(
                    "{} stay mute although the exchange has newer trades; {} remedies in a row \
                     have not helped",
                    names(&repair.symbols()),
                    repair.failures()
                )))
            }
        }
    }

    /// Looks whether the last remedy has helped.
    pub(super) fn judge_remedy(&mut self) {
        let now_us = self.context.clock.steady_us();
        let slots = &self.slots;
        let events = {
            let repair = &mut self.memory.lock().repair;
            let events = repair.look(now_us, |index| slots.get(index).map(Slot::sight));
            for (index, slot) in self.slots.iter_mut().enumerate() {
                slot.treated(repair.treated_us(index), now_us);
            }
            events
        };
        for event in events {
            self.emit(&event);
        }
    }

    /// Whether any symbol shows that a connection works.
    pub(super) fn is_link_alive(&self) -> bool {
        let silence_min_us = micros(self.context.settings.limits.silence_min);
        let since_us = self.context.clock.steady_us() - silence_min_us;
        self.slots.iter().any(|slot| slot.has_lived_since(since_us))
    }

    /// Looks at what need not be looked at with every tick.
    pub(super) fn watch(&mut self, now: Instant) {
        let limits = &self.context.settings.limits;
        if now >= self.watch.silence_at {
            self.watch.silence_at = now + limits.silence_check;
            self.check_silence();
        }
        let limits = &self.context.settings.limits;
        if now >= self.watch.expected_at {
            self.watch.expected_at = now + limits.expected_check;
            self.check_expected();
        }
        if self.links.is_up() {
            self.watch.created_by = None;
        } else if self.watch.created_by.is_some_and(|by| now >= by) {
            self.watch.created_by = None;
            let within = self.context.settings.limits.steps.create;
            self.emit(&Event::StepFailed {
                step: "create",
                reason: format!("no connection within {:.1} s", within.as_secs_f64()),
            });
        }
    }

    /// Counts the looks at each symbol that found it silent.
    fn check_silence(&mut self) {
        if !self.links.is_up() {
            return;
        }
        let now_us = self.context.clock.steady_us();
        for index in 0..self.slots.len() {
            self.slots[index].look_at_silence(&self.context.settings.limits, now_us);
            self.tell_of(index);
        }
    }

    /// Compares the symbols that are wanted with those that show life. A subscription that
    /// is acknowledged and mute counts as none.
    fn check_expected(&mut self) {
        let now_us = self.context.clock.steady_us();
        let is_connected = self.links.is_up();
        let slots = self.slots.iter();
        let mute = slots.filter(|slot| slot.is_mute(is_connected, now_us));
        let missing: Vec<_> = mute.map(|slot| slot.symbol.clone()).collect();
        if !missing.is_empty() {
            let expected = self.slots.len();
            self.emit(&Event::SymbolsMissing {
                expected,
                active: expected - missing.len(),
                missing,
            });
        }
    }

    pub(super) fn connected(&mut self, which: Which) {
        let last_ids = self.slots.iter().map(Slot::last_id).collect();
        let attempts = self.links.attempts(which);
        let stands = self.links.connected(which, last_ids, Instant::now());
        if let Stands::Alone { is_again: true } | Stands::BesideAgain = stands {
            let board = &self.context.board;
            board.update(|shown| shown.totals.reconnects += 1);
        }
        if let Stands::Alone { .. } = stands {
            let now_us = self.context.clock.steady_us();
            for slot in &mut self.slots {
                slot.connected(now_us);
            }
        }
        self.emit(&Event::Connected {
            symbols: self.links.symbols().to_vec(),
            attempts,
        });
    }

    /// A connection is over. Where another one stands, nothing else has happened.
    pub(super) fn disconnected(&mut self, which: Which, end: &StreamEnd) {
        self.emit(&Event::Disconnected {
            reason: end.to_string(),
        });
        let change = self.links.ended(which, Instant::now());
        self.tell_of_links(change);
        if !self.links.is_up() {
            for slot in &mut self.slots {
                slot.disconnected();
            }
        }
    }

    /// The streams are dead although their sockets are open.
    fn reconnect_now(&mut self) {
        for slot in &mut self.slots {
            slot.disconnected();
        }
        self.links.reconnect();
    }

    pub(super) fn tell_of_links(&mut self, changes: impl IntoIterator<Item = Change>) {
        for change in changes {
            self.emit(&match change {
                Change::Renewing(reason) => Event::Renewing { reason },
                Change::Renewed {
                    took,
                    has_overlapped,
                    has_ended_first,
                } => Event::Renewed {
                    took,
                    has_overlapped,
                    has_ended_first,
                },
                Change::RenewFailed { reason, retry_in } => Event::RenewFailed { reason, retry_in },
                Change::Dead { link, late } => {
                    self.link_is_dead(link, &late);
                    continue;
                }
                Change::Alive { link, took } => Event::LinkAlive {
                    connection: self.first_place() + link + 1,
                    took,
                },
            });
        }
    }

    /// Compares the links with each other; nothing is to be made of silence while nothing is
    /// received.
    pub(super) fn compare_links(&mut self, may_receive: bool, now: Instant) {
        if !self.links.are_comparable() {
            return;
        }
        let fronts: Vec<_> = self.slots.iter().map(Slot::front).collect();
        let changes = self.links.compare(may_receive.then_some(&fronts), now);
        self.tell_of_links(changes);
    }

    fn link_is_dead(&mut self, link: usize, late: &[Late]) {
        let symbols = late.iter();
        let symbols = symbols.filter_map(|late| self.links.symbols().get(late.symbol));
        let symbols: Vec<_> = symbols.cloned().collect();
        let Some(worst) = late.iter().max_by_key(|late| late.waited_us) else {
            return;
        };
        let connection = self.first_place() + link + 1;
        self.emit(&Event::LinkDead {
            connection,
            symbols,
            last_id: worst.last_id,
            front_id: worst.front_id,
            behind: Duration::from_micros(worst.waited_us.unsigned_abs()),
        });
        self.emit(&Event::Disconnected {
            reason: format!("connection {connection} is given up for a new one"),
        });
    }

    /// The place on the board of the group's first connection.
    fn first_place(&self) -> usize {
        self.group * self.context.settings.limits.links.max(1)
    }

    pub(super) fn show_links(&self, shown: &mut Shown) {
        let now_us = self.context.clock.steady_us();
        let links = self.context.settings.limits.links.max(1);
        let first = self.first_place();
        if shown.connections.len() < first + links {
            shown
                .connections
                .resize_with(first + links, Default::default);
        }
        let places = shown.connections.iter_mut().skip(first);
        for (place, link) in places.zip(self.links.figures()) {
            if place.symbols.is_empty() {
                place.symbols = self.links.symbols().to_vec();
                place.group = self.group;
            }
            let up_since = link.up_since;
            place.up_since_us = up_since.map(|since| now_us - micros(since.elapsed()));
            place.messages = link.trades;
            place.reconnects = link.reconnects;
            let behind = link.behind.into_iter();
            let behind = behind.filter_map(|symbol| self.links.symbols().get(symbol));
            place.behind = behind.cloned().collect();
        }
    }
}
