//! Doubts about ids that only time can settle: did the exchange's ids go back, and will it
//! ever reach an id that came by stream?

use crate::domain::sequence::Sequence;

/// What is in doubt about one symbol's ids.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    /// Since when the exchange has not reached an id that came by stream, and which.
    unconfirmed: Option<(i64, i64)>,
    /// When the exchange was first seen below the id that stood here then.
    reset: Option<(i64, i64)>,
    /// The last id here when the exchange was asked for its newest.
    asked_at_id: i64,
}

impl Doubt {
    pub fn new(last_id: i64) -> Self {
        Self {
            asked_at_id: last_id,
            ..Self::default()
        }
    }

    /// The exchange is asked for its newest id while the last one here is `last_id`.
    pub fn asked(&mut self, last_id: i64) {
        self.asked_at_id = last_id;
    }

    /// History went on here: the ids did not go back.
    pub fn history_went_on(&mut self) {
        self.reset = None;
    }

    /// Whether the exchange has to be asked again before more can be said.
    pub fn is_pending(&self) -> bool {
        self.reset.is_some()
    }

    /// Whether the exchange, at `exchange_id`, has failed to reach the ids that came by
    /// stream for `patience_us`. Another id has a patience of its own.
    pub fn is_unreached(
        &mut self,
        sequence: &Sequence,
        exchange_id: i64,
        patience_us: i64,
        now_us: i64,
    ) -> bool {
        let ahead = sequence
            .wanted()
            .filter(|wanted| exchange_id < wanted.last)
            .map(|wanted| wanted.last);
        let Some(ahead_id) = ahead else {
            self.unconfirmed = None;
            return false;
        };
        let since_us = match self.unconfirmed {
            Some((since_us, id)) if id == ahead_id => since_us,
            _ => now_us,
        };
        let is_over = now_us - since_us >= patience_us;
        self.unconfirmed = (!is_over).then_some((since_us, ahead_id));
        is_over
    }

    /// Whether the exchange's ids went back, now proven: twice, `interval_us` apart, its
    /// newest id was below the one that we had when we asked for the first time, and
    /// nothing has followed meanwhile.
    pub fn is_reset(
        &mut self,
        last_id: i64,
        exchange_id: i64,
        interval_us: i64,
        now_us: i64,
    ) -> bool {
        if let Some((since_us, suspect_id)) = self.reset {
            if exchange_id < suspect_id && last_id == suspect_id {
                return now_us - since_us >= interval_us;
            }
            self.reset = None;
        }
        // An answer that was under way while trades came in is merely old.
        if exchange_id < self.asked_at_id && last_id == self.asked_at_id {
            self.reset = Some((now_us, last_id));
        }
        false
    }
}
