//! Signs of life of a symbol, and how long there have been none.

use std::time::Duration;

use crate::domain::{
    health::Pulse,
    lag::Front,
    liveness::{Evidence, Signs, State},
    micros::micros,
    outage::{Cause, Look},
};

use super::{
    super::{event::Event, pipe::Pipe, session::Sight, settings::Limits},
    Slot, Stage,
};

impl Slot {
    /// It was subscribed to anew because of `evidence`: that has to show soon.
    pub fn resubscribed(&mut self, evidence: Evidence, now_us: i64) {
        if let Some(pipe) = self.pipe_mut() {
            pipe.liveness.resubscribed(evidence, now_us);
        }
    }

    fn pipe(&self) -> Option<&Pipe> {
        match &self.stage {
            Stage::Running(pipe) => Some(pipe),
            _ => None,
        }
    }

    /// Whether the exchange wants no question about it at the moment.
    pub fn is_refused(&self) -> bool {
        let pipe = self.pipe();
        pipe.is_some_and(|pipe| matches!(pipe.liveness.state(), State::Refused { .. }))
    }

    /// Whether a live trade has come after `since_us`, on the steady clock.
    pub fn has_lived_since(&self, since_us: i64) -> bool {
        let pipe = self.pipe();
        pipe.is_some_and(|pipe| pipe.has_lived_since(since_us))
    }

    /// What is remembered of its stream.
    pub fn signs(&self) -> Signs {
        match &self.stage {
            Stage::Running(pipe) | Stage::Draining { pipe, .. } => pipe.liveness.signs(),
            _ => self.signs,
        }
    }

    /// How long this connection has brought nothing, in µs.
    pub fn waited_us(&self, now_us: i64) -> i64 {
        self.pipe()
            .map_or(0, |pipe| pipe.liveness.waited_us(now_us))
    }

    /// Its stream was found dead and treated at that time, and no live trade has come since.
    ///
    /// A market may be quiet after a remedy, and then no trade can prove it. But a moment
    /// without trades is no proof either: the exchange has to go on having nothing for as long
    /// as any symbol may be silent unasked. From then on it is judged like any other.
    pub fn treated(&mut self, treated_us: Option<i64>, now_us: i64) {
        if treated_us != self.treated_us {
            (self.treated_us, self.is_excused) = (treated_us, false);
        }
        if let (Some(treated_us), Some(pipe)) = (treated_us, self.pipe()) {
            let is_quiet = matches!(pipe.liveness.state(), State::Quiet { .. });
            let is_long = now_us - treated_us >= pipe.liveness.silence_max_us();
            self.is_excused |= is_quiet && is_long;
        }
    }

    /// Whether its stream counts as dead.
    fn is_dead(&self) -> bool {
        self.treated_us.is_some() && !self.is_excused
    }

    /// Everything that the exchange is known to have is here.
    pub(super) fn is_whole(&self, pipe: &Pipe) -> bool {
        self.is_synced && pipe.sequence.missing().is_none()
    }

    /// What its stream looks like.
    pub(super) fn pulse(&self, pipe: &Pipe, is_connected: bool) -> Pulse {
        if !is_connected {
            Pulse::Down
        } else if self.is_dead() {
            Pulse::Dead
        } else {
            pipe.pulse()
        }
    }

    /// What a remedy for its stream is judged by.
    pub fn sight(&self) -> Sight {
        let state = self.pipe().map(|pipe| pipe.liveness.state());
        Sight {
            live_us: self.signs().live_us,
            is_quiet: matches!(state, Some(State::Quiet { .. })),
            is_given_up: matches!(self.stage, Stage::Stopped),
            last_id: self.last_id(),
        }
    }

    /// Whether its subscription has not shown life: neither a live trade, nor a silence that
    /// the exchange has confirmed. A symbol that has not begun, or was given up, has none.
    pub fn is_mute(&self, is_connected: bool, now_us: i64) -> bool {
        let Some(pipe) = self.pipe() else {
            return true;
        };
        match self.pulse(pipe, is_connected) {
            Pulse::Dead => true,
            Pulse::Quiet => false,
            _ => pipe.liveness.signs().unexplained_us(now_us) > pipe.liveness.patience_us(),
        }
    }

    /// What a look at it finds, when for the whole group there is this `trouble`.
    pub fn look(&self, trouble: Option<Cause>) -> Look {
        let is_given_up = matches!(self.stage, Stage::Stopped);
        let (pipe, signs) = (self.pipe(), self.signs());
        let is_dead = pipe.is_none() || self.is_dead();
        Look {
            trouble: if is_given_up {
                Some(Cause::IdReset)
            } else {
                trouble
            },
            is_whole: pipe.is_some_and(|pipe| self.is_whole(pipe)),
            lived_us: if is_dead {
                signs.live_us
            } else {
                // Nothing is explained before it was asked.
                let explained_us = Some(signs.explained_us);
                signs
                    .live_us
                    .max(explained_us.filter(|&us| us > signs.begun_us))
            },
        }
    }

    /// Where its tape is, for links to be compared with.
    pub fn front(&self) -> Front {
        let patience_us = self.pipe().map(|pipe| pipe.liveness.patience_us());
        Front {
            id: self.last_id(),
            patience_us: patience_us.unwrap_or(i64::MAX),
        }
    }

    /// Looks since when trades are known to be missing in the bars. While there is no
    /// connection nothing is known, and everything has to be feared.
    pub fn look_at_lag(&mut self, is_connected: bool, now_us: i64) {
        let was_behind = self.behind_since_us.is_some();
        let (is_behind, next_id) = match &self.stage {
            Stage::Running(pipe) | Stage::Draining { pipe, .. } => {
                let is_overdue = matches!(pipe.liveness.state(), State::Overdue { .. });
                let is_unsure = !is_connected || (!self.is_synced && was_behind);
                let is_behind = is_unsure || is_overdue || pipe.sequence.missing().is_some();
                (is_behind, pipe.sequence.next_id())
            }
            _ => (true, self.seen_id),
        };
        if !is_behind {
            self.behind_since_us = None;
        } else if !was_behind || (self.before.trades == 0 && self.is_first_way(next_id)) {
            self.behind_since_us = Some(now_us);
        }
        self.seen_id = next_id;
    }

    /// Whether it is on its first way to the exchange's newest trade, and going on: that
    /// takes its time.
    fn is_first_way(&self, next_id: i64) -> bool {
        !self.has_caught_up && next_id > self.seen_id
    }

    /// The last id that is in the bars, or -1.
    pub fn last_id(&self) -> i64 {
        self.pipe().map_or(-1, Pipe::last_id)
    }

    /// Counts this look if nothing has come since the last one, and tells of it now and then.
    pub fn look_at_silence(&mut self, limits: &Limits, now_us: i64) {
        let since_us = now_us - micros(limits.silence_check);
        let Some(pipe) = self.pipe() else {
            return;
        };
        if pipe.has_lived_since(since_us) {
            self.silent_looks = 0;
            return;
        }
        let silence = Duration::from_micros(pipe.liveness.silence_us(now_us).unsigned_abs());
        let pulse = self.pulse(pipe, true);
        self.silent_looks += 1;
        if self.silent_looks.is_multiple_of(limits.silence_checks) {
            self.events.push(Event::Silent {
                symbol: self.symbol.clone(),
                periods: self.silent_looks,
                silence,
                pulse,
            });
        }
    }
}
