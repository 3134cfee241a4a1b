//! Signs of life of a symbol, and how long there have been none.

use std::time::Duration;

use crate::domain::{
    lag::Front,
    liveness::{Evidence, State},
    outage::{Cause, Look},
};

use super::{
    super::{
        event::Event,
        pipe::Pipe,
        settings::{Limits, micros},
        snapshot::Link,
    },
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

    /// Whether a live trade has come after `since_us`, on the steady clock.
    pub fn has_lived_since(&self, since_us: i64) -> bool {
        let pipe = self.pipe();
        pipe.is_some_and(|pipe| pipe.has_lived_since(since_us))
    }

    /// The same, or the exchange has confirmed that there is nothing new.
    pub fn shows_life_since(&self, since_us: i64) -> bool {
        let is_quiet = |pipe: &Pipe| matches!(pipe.liveness.state(), State::Quiet { .. });
        self.has_lived_since(since_us) || self.pipe().is_some_and(is_quiet)
    }

    /// Whether it should show life by now, and does not.
    pub fn is_mute(&self, now_us: i64) -> bool {
        match &self.stage {
            Stage::Running(pipe) => {
                let patience_us = pipe.liveness.patience_us();
                pipe.liveness.silence_us(now_us) > patience_us
                    && !self.shows_life_since(now_us - patience_us)
            }
            Stage::Stopped => true,
            _ => false,
        }
    }

    /// What a look at it finds, when for the whole group there is this `trouble`.
    pub fn look(&self, trouble: Option<Cause>) -> Look {
        let is_given_up = matches!(self.stage, Stage::Stopped);
        let pipe = self.pipe();
        let is_whole = |pipe: &Pipe| self.is_synced && pipe.sequence.missing().is_none();
        Look {
            trouble: if is_given_up {
                Some(Cause::IdReset)
            } else {
                trouble
            },
            is_whole: pipe.is_some_and(is_whole),
            received_us: pipe.and_then(Pipe::last_live_us),
            state: pipe.map(|pipe| pipe.liveness.state()),
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
        let pulse = pipe.pulse(Link::Up);
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
