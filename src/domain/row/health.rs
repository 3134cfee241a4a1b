//! Rows of `stream_health`: what a collector says of one symbol, again and again.
//!
//! Whoever reads them needs nothing else to judge by: whether the collector lives (its
//! heartbeat, and how often it means to have one), whether the market is quiet (the state),
//! and whether what it has taken is fresh (the last trade, and when that came).

use std::{collections::BTreeMap, fmt, str::FromStr};

use super::ExchangeName;
use crate::domain::{breaker::BreakerState, symbol::Symbol, threshold::Threshold};

/// What a symbol's collecting looks like from far away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamState {
    /// Finding out where to start.
    Starting,
    /// Fetching what the exchange already has; also while there is no connection.
    CatchingUp,
    /// Everything that the exchange has is here.
    Live,
    /// The same, and the exchange has confirmed that there is nothing newer.
    Quiet,
    /// Everything is here, but its stream has been silent for longer than usual and nothing
    /// excuses that, or was found dead and has not brought a live trade since.
    Silent,
    /// Nothing is consumed, because the spool is full.
    Paused,
    /// Given up; a person has to look.
    Stopped,
    /// The collector has ended as it was told to.
    Ended,
}

impl StreamState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Starting,
        Self::CatchingUp,
        Self::Live,
        Self::Quiet,
        Self::Silent,
        Self::Paused,
        Self::Stopped,
        Self::Ended,
    ];

    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::CatchingUp => "catching-up",
            Self::Live => "live",
            Self::Quiet => "quiet",
            Self::Silent => "silent",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Ended => "ended",
        }
    }

    /// Whether everything that the exchange has is here, as far as the collector knows.
    #[must_use]
    pub const fn is_well(self) -> bool {
        matches!(self, Self::Live | Self::Quiet)
    }
}

impl fmt::Display for StreamState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a text is no state of a stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a state that this version knows")]
pub struct StreamStateError(String);

impl FromStr for StreamState {
    type Err = StreamStateError;

    fn from_str(text: &str) -> Result<Self, StreamStateError> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| StreamStateError(text.to_owned()))
    }
}

/// A row of `stream_health`: one collector and one symbol at their last heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthRow {
    /// The collector's name.
    pub collector: String,
    /// Where the trades come from.
    pub exchange: ExchangeName,
    /// The symbol.
    pub symbol: Symbol,
    /// What its collecting looks like.
    pub state: StreamState,
    /// The last aggregate id that was taken, by stream or fetched; none before the first.
    pub last_agg_trade_id: Option<i64>,
    /// When that trade was traded, in µs.
    pub last_trade_time_us: Option<i64>,
    /// When the last trade was taken, by stream or fetched, on the collector's clock, in µs.
    pub received_at_us: Option<i64>,
    /// By threshold: when its newest closed bar closed, in µs.
    pub newest_bars: BTreeMap<Threshold, i64>,
    /// Rows of the whole collector that the store has not confirmed.
    pub spool_rows: u64,
    /// The breaker of the collector's delivery.
    pub breaker: BreakerState,
    /// How far apart its heartbeats are meant to be at the moment, in µs.
    pub interval_us: i64,
    /// When this was so, on the collector's clock, in µs.
    pub heartbeat_at_us: i64,
}

/// What stands in the place of an id that is not known.
const NO_ID: i64 = -1;
/// What stands in the place of a time that is not known.
const NO_TIME: i64 = 0;

/// An id as it is stored: the columns hold no NULL.
#[must_use]
pub fn stored_id(id: Option<i64>) -> i64 {
    id.unwrap_or(NO_ID)
}

/// A time as it is stored: the columns hold no NULL.
#[must_use]
pub fn stored_time(time_us: Option<i64>) -> i64 {
    time_us.unwrap_or(NO_TIME)
}

/// What a stored id says.
#[must_use]
pub fn known_id(stored: i64) -> Option<i64> {
    (stored != NO_ID).then_some(stored)
}

/// What a stored time says.
#[must_use]
pub fn known_time(stored: i64) -> Option<i64> {
    (stored != NO_TIME).then_some(stored)
}

/// Health in its row, or what is wrong with it.
pub type HealthRead = Result<HealthRow, super::UnreadableRow>;

/// A collector that has missed so many heartbeats is not taken for alive.
pub const HEARTBEATS_MISSED: i64 = 3;

impl HealthRow {
    /// The same row, with what only an earlier one of the same collector and symbol knows: a
    /// start forgets what was taken before it, and a symbol may go over trades again.
    #[must_use]
    pub fn after(mut self, before: &Self) -> Self {
        if before.last_agg_trade_id > self.last_agg_trade_id {
            self.last_agg_trade_id = before.last_agg_trade_id;
            self.last_trade_time_us = before.last_trade_time_us;
        }
        self.received_at_us = self.received_at_us.or(before.received_at_us);
        for (threshold, before_us) in &before.newest_bars {
            let close_us = self.newest_bars.entry(*threshold).or_insert(*before_us);
            *close_us = (*close_us).max(*before_us);
        }
        self
    }

    /// How old the heartbeat is at `now_us`, in µs; negative when it lies ahead.
    #[must_use]
    pub const fn heartbeat_age_us(&self, now_us: i64) -> i64 {
        now_us.saturating_sub(self.heartbeat_at_us)
    }

    /// Why it is not healthy at `now_us`; none when it is: its heartbeat is at most
    /// [`HEARTBEATS_MISSED`] intervals away, and its state is live or quiet.
    #[must_use]
    pub fn complaint(&self, now_us: i64) -> Option<String> {
        if !self.state.is_well() {
            return Some(self.state.to_string());
        }
        let age_us = self.heartbeat_age_us(now_us);
        let interval_us = self.interval_us;
        if age_us.saturating_abs() <= interval_us.saturating_mul(HEARTBEATS_MISSED) {
            return None;
        }
        let seconds = |us: i64| us.saturating_abs() as f64 / 1e6;
        let age_s = seconds(age_us);
        Some(if age_us > 0 {
            let interval_s = seconds(interval_us);
            format!("no heartbeat for {age_s:.1} s, where one every {interval_s:.1} s is meant")
        } else {
            format!("its heartbeat lies {age_s:.1} s ahead: one of the clocks is wrong")
        })
    }

    /// When the newest of its closed bars closed, in µs.
    #[must_use]
    pub fn newest_bar_us(&self) -> Option<i64> {
        self.newest_bars.values().copied().max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_US: i64 = 1_000_000;

    fn row(state: StreamState) -> HealthRow {
        HealthRow {
            collector: "nas".to_owned(),
            exchange: "sim".into(),
            symbol: "BTCUSDT".parse().expect("a symbol"),
            state,
            last_agg_trade_id: Some(7),
            last_trade_time_us: Some(1),
            received_at_us: Some(2),
            newest_bars: BTreeMap::new(),
            spool_rows: 0,
            breaker: BreakerState::Closed,
            interval_us: 10 * SECOND_US,
            heartbeat_at_us: 1000 * SECOND_US,
        }
    }

    #[test]
    fn every_state_is_read_from_its_word() {
        for state in StreamState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("Live".parse::<StreamState>().is_err());
    }

    #[test]
    fn what_is_not_known_survives_a_column_that_holds_no_null() {
        for id in [None, Some(0), Some(i64::MAX)] {
            assert_eq!(known_id(stored_id(id)), id);
        }
        for time_us in [None, Some(1), Some(-1)] {
            assert_eq!(known_time(stored_time(time_us)), time_us);
        }
    }

    #[test]
    fn what_was_known_is_not_forgotten_and_does_not_go_back() {
        let threshold = |dbps| Threshold::new(dbps).expect("a threshold");
        let before = HealthRow {
            newest_bars: BTreeMap::from([(threshold(25), 5), (threshold(50), 6)]),
            ..row(StreamState::Live)
        };
        let blank = HealthRow {
            last_agg_trade_id: None,
            last_trade_time_us: None,
            received_at_us: None,
            ..row(StreamState::Starting)
        };
        let expected = HealthRow {
            state: StreamState::Starting,
            ..before.clone()
        };
        assert_eq!(blank.after(&before), expected);
        let next = HealthRow {
            last_agg_trade_id: Some(8),
            last_trade_time_us: Some(0),
            received_at_us: Some(1),
            newest_bars: BTreeMap::from([(threshold(25), 4), (threshold(50), 7)]),
            ..row(StreamState::Live)
        };
        let shown = next.clone().after(&before);
        assert_eq!(shown.newest_bars[&threshold(25)], 5);
        assert_eq!(shown.newest_bars[&threshold(50)], 7);
        let newest_bars = next.newest_bars.clone();
        assert_eq!(
            HealthRow {
                newest_bars,
                ..shown
            },
            next
        );
    }

    #[test]
    fn only_live_and_quiet_are_healthy_and_only_while_the_heart_beats() {
        let at = |seconds: i64| (1000 + seconds) * SECOND_US;
        for state in StreamState::ALL {
            let complaint = row(state).complaint(at(0));
            assert_eq!(complaint.is_none(), state.is_well(), "{state}");
            assert!(row(state).complaint(at(31)).is_some(), "{state}");
        }
        let live = row(StreamState::Live);
        assert_eq!(live.complaint(at(30)), None);
        assert_eq!(live.complaint(at(-30)), None);
        for (seconds, complaint) in [
            (
                31,
                "no heartbeat for 31.0 s, where one every 10.0 s is meant",
            ),
            (
                -31,
                "its heartbeat lies 31.0 s ahead: one of the clocks is wrong",
            ),
        ] {
            assert_eq!(live.complaint(at(seconds)).as_deref(), Some(complaint));
        }
    }
}
