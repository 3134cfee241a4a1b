//! Does a connection lag behind those beside it?
//!
//! Connections that are open at once carry the same symbols, and the tape goes on with what
//! any of them brings. So one that is mute, or mute for a symbol, shows nowhere, until the
//! others are lost. Therefore an id that another connection has brought becomes a target now
//! and then. A connection that has not reached it within the symbol's patience is dead,
//! however open its socket is.
//!
//! What others bring while a connection is young may have happened before it was open, and
//! need not come by it. A look counts for a part of the patience at most: while we stand
//! still ourselves, nobody is silent.
//!
//! All times are µs on a clock that never goes back.

/// So many looks are made at least before a connection is late.
const LOOKS: i64 = 4;
/// Below every id.
const NONE: i64 = -1;

/// An id that a connection has to reach.
#[derive(Debug, Clone, Copy)]
struct Target {
    id: i64,
    waited_us: i64,
}

/// What is known of one symbol on the connection.
#[derive(Debug, Clone, Copy)]
struct Lane {
    /// The last id that it has brought.
    last_id: i64,
    /// Up to here nothing need come.
    floor_id: i64,
    target: Option<Target>,
    /// It was behind, and nothing new has come since.
    is_behind: bool,
}

impl Lane {
    const NEW: Self = Self {
        last_id: NONE,
        floor_id: NONE,
        target: None,
        is_behind: false,
    };

    fn reached(&self) -> i64 {
        self.last_id.max(self.floor_id)
    }
}

/// Where a symbol's tape is by the other connections, and how long one may be behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Front {
    /// The last id that another connection has brought and that is part of the tape;
    /// negative when there is none.
    pub id: i64,
    /// How long a connection may be behind it, in µs.
    pub patience_us: i64,
}

/// A symbol that a connection should have brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late {
    /// The index of the symbol.
    pub symbol: usize,
    /// The last id that came by it since it is open; none when nothing has.
    pub last_id: Option<i64>,
    /// The last id that came by another connection.
    pub front_id: i64,
    /// How long it has been behind, in µs.
    pub waited_us: i64,
}

/// One connection, compared with those beside it.
#[derive(Debug, Clone)]
pub struct Lag {
    lanes: Vec<Lane>,
    grace_us: i64,
    begun_us: i64,
    is_settled: bool,
    looked_us: Option<i64>,
}

impl Lag {
    /// That of a connection for so many symbols; trades may be underway for `grace_us`.
    #[must_use]
    pub fn new(symbols: usize, grace_us: i64) -> Self {
        Self {
            lanes: vec![Lane::NEW; symbols],
            grace_us,
            begun_us: 0,
            is_settled: false,
            looked_us: None,
        }
    }

    /// The connection was opened at `now_us`, for the first time or again.
    pub fn begin(&mut self, now_us: i64) {
        for lane in &mut self.lanes {
            *lane = Lane {
                is_behind: lane.is_behind,
                ..Lane::NEW
            };
        }
        self.begun_us = now_us;
        self.is_settled = false;
        self.looked_us = None;
    }

    /// A trade has come by the connection.
    #[inline]
    pub fn brought(&mut self, symbol: usize, id: i64) {
        if let Some(lane) = self.lanes.get_mut(symbol) {
            lane.last_id = id;
        }
    }

    /// The last id of a symbol that it has brought; negative when there is none.
    #[must_use]
    pub fn last_id(&self, symbol: usize) -> i64 {
        self.lanes.get(symbol).map_or(NONE, |lane| lane.last_id)
    }

    /// It cannot be compared at the moment, because there is nothing to compare it with, or
    /// nothing is received from any.
    pub fn rest(&mut self) {
        self.looked_us = None;
        for lane in &mut self.lanes {
            lane.target = None;
        }
    }

    /// Compares it with the `fronts` of its symbols. Once it is late with one, it returns all
    /// that it is behind with.
    pub fn look(&mut self, fronts: impl IntoIterator<Item = Front>, now_us: i64) -> Vec<Late> {
        let passed_us = self.looked_us.map_or(0, |looked_us| now_us - looked_us);
        self.looked_us = Some(now_us);
        let was_settled = self.is_settled;
        self.is_settled |= now_us - self.begun_us >= self.grace_us;
        let (mut late, mut is_late) = (Vec::new(), false);
        for (symbol, (lane, front)) in self.lanes.iter_mut().zip(fronts).enumerate() {
            if !was_settled {
                lane.floor_id = lane.floor_id.max(front.id);
                continue;
            }
            lane.is_behind &= lane.last_id <= lane.floor_id;
            let reached = lane.reached();
            let open = lane.target.filter(|target| target.id > reached);
            lane.target = match open {
                Some(target) => Some(Target {
                    waited_us: target.waited_us + passed_us.min(front.patience_us / LOOKS),
                    ..target
                }),
                None => (front.id > reached).then_some(Target {
                    id: front.id,
                    waited_us: 0,
                }),
            };
            let Some(target) = lane.target else {
                continue;
            };
            lane.is_behind |= target.waited_us > self.grace_us;
            is_late |= target.waited_us >= front.patience_us;
            if lane.is_behind {
                late.push(Late {
                    symbol,
                    last_id: (lane.last_id > NONE).then_some(lane.last_id),
                    front_id: front.id,
                    waited_us: target.waited_us,
                });
            }
        }
        if !is_late {
            late.clear();
        }
        late
    }

    /// Whether it is behind with no symbol, and had the time to show it.
    #[must_use]
    pub fn is_abreast(&self) -> bool {
        self.is_settled && self.behind().next().is_none()
    }

    /// The symbols that others bring and it does not, or has not since.
    pub fn behind(&self) -> impl Iterator<Item = usize> {
        let lanes = self.lanes.iter().enumerate();
        lanes.filter_map(|(symbol, lane)| lane.is_behind.then_some(symbol))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1000;
    const GRACE: i64 = 2000 * MS;
    const PATIENCE: i64 = 14_000 * MS;
    const LOOK: i64 = 20 * MS;

    fn front(id: i64) -> Front {
        Front {
            id,
            patience_us: PATIENCE,
        }
    }

    /// A trade in each look by another connection; what `brings` makes of it by this one.
    /// Returns when it was found late, and how.
    fn watch(mut brings: impl FnMut(i64) -> Option<i64>, looks: i64) -> Option<(i64, Late)> {
        let mut lag = Lag::new(1, GRACE);
        lag.begin(0);
        for id in 0..looks {
            if let Some(id) = brings(id) {
                lag.brought(0, id);
            }
            if let Some(late) = lag.look([front(id)], id * LOOK).first() {
                return Some((id * LOOK, *late));
            }
        }
        None
    }

    #[test]
    fn a_connection_that_never_brings_anything_is_late_within_its_patience_and_a_half() {
        let (at_us, late) = watch(|_| None, 10_000).expect("late");
        assert!((PATIENCE..=PATIENCE * 3 / 2).contains(&at_us), "{at_us}");
        assert_eq!(late.last_id, None);
        assert!(late.waited_us >= PATIENCE && late.front_id == at_us / LOOK);
    }

    #[test]
    fn one_that_falls_silent_is_late_and_says_where_it_was() {
        let (at_us, late) = watch(|id| (id < 500).then_some(id), 10_000).expect("late");
        let silent_us = at_us - 499 * LOOK;
        assert!((PATIENCE..=PATIENCE * 3 / 2).contains(&silent_us));
        assert_eq!(late.last_id, Some(499));
    }

    #[test]
    fn one_that_is_always_a_little_behind_is_not_late() {
        let delay = PATIENCE / LOOK - 10;
        assert_eq!(watch(|id| (id >= delay).then(|| id - delay), 10_000), None);
    }

    #[test]
    fn one_symbol_that_is_late_names_the_others_that_are_behind() {
        let mut lag = Lag::new(2, GRACE);
        lag.begin(0);
        let mut late = Vec::new();
        for look in 0..1000 {
            let patient = Front {
                id: look,
                patience_us: 2 * PATIENCE,
            };
            late = lag.look([front(look), patient], look * LOOK);
            if !late.is_empty() {
                break;
            }
        }
        let symbols: Vec<_> = late.iter().map(|late| late.symbol).collect();
        assert_eq!(symbols, [0, 1]);
    }

    #[test]
    fn what_happened_before_it_was_open_need_not_come_in_a_quiet_market() {
        let mut lag = Lag::new(1, GRACE);
        lag.begin(0);
        for look in 0..10_000 {
            // The last trade came by another one when this was a second old.
            let id = if look < 50 { 6 } else { 7 };
            assert_eq!(lag.look([front(id)], look * LOOK), []);
        }
        assert_eq!(lag.behind().count(), 0);
    }

    #[test]
    fn a_symbol_that_nobody_brings_is_not_late_and_a_mute_one_beside_it_is() {
        let mut lag = Lag::new(2, GRACE);
        lag.begin(0);
        let mut late = Vec::new();
        for look in 0..1000 {
            late.extend(lag.look([front(NONE), front(look)], look * LOOK));
        }
        assert!(!late.is_empty() && late.iter().all(|late| late.symbol == 1));
        assert_eq!(lag.behind().collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn a_standstill_of_ours_is_nobodys_silence() {
        let mut lag = Lag::new(1, GRACE);
        lag.begin(0);
        lag.look([front(0)], 0);
        lag.look([front(0)], GRACE);
        lag.look([front(1)], GRACE + LOOK);
        let night_us = 8 * 3600 * 1000 * MS;
        assert_eq!(lag.look([front(2)], night_us), []);
        lag.brought(0, 2);
        assert_eq!(lag.look([front(2)], night_us + LOOK), []);
        lag.look([front(3)], night_us + 2 * LOOK);
        lag.rest();
        assert_eq!(lag.look([front(3)], 2 * night_us), []);
    }

    #[test]
    fn a_symbol_counts_as_missing_until_it_has_come_by_the_new_connection() {
        let mut lag = Lag::new(1, GRACE);
        lag.begin(0);
        let mut look = 0;
        while lag.look([front(look)], look * LOOK).is_empty() {
            look += 1;
        }
        lag.begin(look * LOOK);
        for _ in 0..200 {
            look += 1;
            lag.look([front(look)], look * LOOK);
        }
        assert_eq!(lag.behind().count(), 1);
        lag.brought(0, look + 1);
        lag.look([front(look + 1)], (look + 1) * LOOK);
        assert_eq!(lag.behind().count(), 0);
    }
}
