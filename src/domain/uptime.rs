//! How much of a time a symbol was up, counted from events.
//!
//! Constraints first. Every row of `events` that counts is one of five:
//!
//! | code | means |
//! | --- | --- |
//! | [`STARTED`] | a process begins to collect |
//! | [`STOPPED`] | it ends because it was told to |
//! | [`LOST`] | it ended otherwise; dated with its last sign of life, told by the next start |
//! | [`DOWN`] | a symbol's stream is down; dated with its last sign of life |
//! | [`UP`] | it is up again, and everything that the exchange is known to have is here |
//!
//! The first three name the symbols that they concern in their text, behind a colon; without
//! any they concern all that the collector has.
//!
//! - A symbol of a collector is **down** from the first of `DOWN`, `LOST`, `STOPPED`, or a
//!   `STARTED` that comes while it is up (its journal was lost), to the next `UP`. That is
//!   one **interruption**, whatever happens within.
//! - An interruption is **planned** when it begins with `STOPPED` and nothing was lost in it.
//! - It ended **by a start** when a process was started in it and it is not planned, else **by
//!   itself**: no person and no restart was needed.
//! - One that has not ended **lasts**, planned or not.
//! - A symbol is **observed** from its first event, or from the window's begin if that is
//!   later. What comes before its first `UP` after its first `STARTED` is no interruption, it
//!   is not observed; unless it never came up.
//! - **Uptime** is the share of the observed time in which it was not down. Planned stops are
//!   downtime, too: nothing was collected.
//! - The **time to recover** of an interruption is its whole length, though it may have begun
//!   before the window.
//!
//! What is missing among the rows is bridged: of two `DOWN` in a row the first counts, an
//! `UP` while it is up changes nothing, and a first `DOWN` was preceded by being up.
//!
//! All times are µs on the wall clock. The order of rows with one time does not matter.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::row::EventRow;

/// A process begins to collect.
pub const STARTED: &str = "collector.started";
/// A process ends because it was told to.
pub const STOPPED: &str = "collector.stopped";
/// A process has ended otherwise.
pub const LOST: &str = "collector.lost";
/// A symbol's stream is down.
pub const DOWN: &str = "symbol.down";
/// A symbol's stream is up again.
pub const UP: &str = "symbol.up";

/// The codes of collectors.
pub const COLLECTOR_CODES: [&str; 3] = [STARTED, STOPPED, LOST];
/// The codes of symbols.
pub const SYMBOL_CODES: [&str; 2] = [DOWN, UP];

/// What stands between the symbols that a sentence names.
const BETWEEN: &str = ", ";
/// What stands before them.
const BEFORE: &str = ": ";

/// The sentence of a [`STARTED`].
#[must_use]
pub fn started(symbols: &str) -> String {
    format!("begins to collect{BEFORE}{symbols}")
}

/// The sentence of a [`STOPPED`].
#[must_use]
pub fn stopped(symbols: &str) -> String {
    format!("was told to stop collecting{BEFORE}{symbols}")
}

/// The sentence of a [`LOST`].
#[must_use]
pub fn lost(symbols: &str, alive_us: i64, started_us: i64) -> String {
    format!(
        "the last run ended unheard, after a last sign of life at {}; started again at {}; it \
         collected{BEFORE}{symbols}",
        time(alive_us),
        time(started_us)
    )
}

fn time(us: i64) -> String {
    Timestamp::from_microsecond(us).map_or_else(|_| format!("{us} µs"), |time| time.to_string())
}

/// Whether a sentence about a collector concerns a symbol.
fn concerns(text: &str, symbol: &str) -> bool {
    match text.rsplit_once(BEFORE) {
        Some((_, symbols)) => symbols.split(BETWEEN).any(|name| name == symbol),
        None => true,
    }
}

/// A stretch of time, in µs on the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its begin.
    pub since_us: i64,
    /// Its end.
    pub until_us: i64,
}

/// How an interruption ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The process mended itself.
    ByItself,
    /// A process was started, after one had failed or was lost.
    ByStart,
    /// It was stopped on purpose, and started again.
    Planned,
    /// It has not.
    Lasts,
}

/// A time in which a symbol was down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interruption {
    /// Its begin.
    pub from_us: i64,
    /// Its end; that of the window when it lasts.
    pub until_us: i64,
    /// How it ended.
    pub ending: Ending,
}

impl Interruption {
    /// How long it was.
    #[must_use]
    pub const fn length_us(&self) -> i64 {
        self.until_us - self.from_us
    }

    /// Whether something had failed, and is well again.
    #[must_use]
    pub const fn is_recovered(&self) -> bool {
        matches!(self.ending, Ending::ByItself | Ending::ByStart)
    }
}

/// What the events say of one symbol of one collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uptime {
    /// The collector.
    pub collector: String,
    /// The symbol.
    pub symbol: String,
    /// The part of the window in which it was observed.
    pub observed: Window,
    /// Its interruptions that reach into the window, by time.
    pub interruptions: Vec<Interruption>,
}

/// Figures of one symbol, or of several together.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    /// How long it was up, in µs.
    pub up_us: i64,
    /// How long it was down, in µs.
    pub down_us: i64,
    /// Interruptions that ended by themselves.
    pub by_itself: u64,
    /// Interruptions that a start has ended.
    pub by_start: u64,
    /// Planned stops that are over.
    pub planned: u64,
    /// Interruptions that last.
    pub lasting: u64,
    /// The median time to recover of those that are not planned and over, in µs.
    pub recover_median_us: Option<i64>,
    /// The longest of these, in µs.
    pub recover_worst_us: Option<i64>,
    /// The longest interruption of any kind, in µs.
    pub longest_us: Option<i64>,
}

impl Figures {
    /// The share of the observed time in which it was up; none when it was not observed.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let observed_us = self.up_us + self.down_us;
        (observed_us > 0).then(|| self.up_us as f64 / observed_us as f64)
    }

    /// How many interruptions there were.
    #[must_use]
    pub const fn interruptions(&self) -> u64 {
        self.by_itself + self.by_start + self.planned + self.lasting
    }

    /// The figures of several symbols together.
    #[must_use]
    pub fn of(all: &[Uptime]) -> Self {
        let mut figures = Self::default();
        let mut recovered = Vec::new();
        for uptime in all {
            let observed = uptime.observed;
            let mut down_us = 0;
            for interruption in &uptime.interruptions {
                down_us += interruption.until_us.min(observed.until_us)
                    - interruption.from_us.max(observed.since_us);
                *match interruption.ending {
                    Ending::ByItself => &mut figures.by_itself,
                    Ending::ByStart => &mut figures.by_start,
                    Ending::Planned => &mut figures.planned,
                    Ending::Lasts => &mut figures.lasting,
                } += 1;
                let length_us = interruption.length_us();
                figures.longest_us = figures.longest_us.max(Some(length_us));
                if interruption.is_recovered() {
                    recovered.push(length_us);
                }
            }
            figures.down_us += down_us;
            figures.up_us += observed.until_us - observed.since_us - down_us;
        }
        recovered.sort_unstable();
        figures.recover_worst_us = recovered.last().copied();
        figures.recover_median_us = median(&recovered);
        figures
    }
}

fn median(sorted: &[i64]) -> Option<i64> {
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = sorted.get(middle - 1).copied().unwrap_or(upper);
    Some(lower + (upper - lower) / 2)
}

/// What `rows` say of each symbol of each collector, by name. Rows from before the window
/// tell how it began; of those the last of each kind are enough.
#[must_use]
pub fn uptimes(rows: &[EventRow], window: Window) -> Vec<Uptime> {
    let mut sorted: Vec<_> = rows
        .iter()
        .filter(|row| row.time_us <= window.until_us)
        .filter_map(|row| Some((row.time_us, Kind::of(&row.code)?, row)))
        .collect();
    sorted.sort_unstable_by(|(time, kind, row), (other_time, other_kind, other)| {
        (time, kind, &row.text).cmp(&(other_time, other_kind, &other.text))
    });
    let mut tracks: BTreeMap<(&str, &str), Track> = BTreeMap::new();
    for (_, kind, row) in &sorted {
        let collector = row.collector.as_str();
        if matches!(kind, Kind::Down | Kind::Up) {
            tracks.entry((collector, &row.symbol)).or_default();
        } else if let Some((_, symbols)) = row.text.rsplit_once(BEFORE) {
            for symbol in symbols.split(BETWEEN) {
                tracks.entry((collector, symbol)).or_default();
            }
        }
    }
    for (time_us, kind, row) in sorted {
        if matches!(kind, Kind::Down | Kind::Up) {
            let key = (row.collector.as_str(), row.symbol.as_str());
            if let Some(track) = tracks.get_mut(&key) {
                track.take(time_us, kind);
            }
            continue;
        }
        for ((collector, symbol), track) in &mut tracks {
            if *collector == row.collector && concerns(&row.text, symbol) {
                track.take(time_us, kind);
            }
        }
    }
    tracks
        .into_iter()
        .filter_map(|((collector, symbol), track)| track.end(collector, symbol, window))
        .collect()
}

/// In the order in which rows of one time are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Stopped,
    Lost,
    Started,
    Down,
    Up,
}

impl Kind {
    fn of(code: &str) -> Option<Self> {
        Some(match code {
            STOPPED => Self::Stopped,
            LOST => Self::Lost,
            STARTED => Self::Started,
            DOWN => Self::Down,
            UP => Self::Up,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone, Copy, Default)]
enum Stand {
    /// Nothing is known yet.
    #[default]
    Unknown,
    /// It has been started for the first time, and was not up yet.
    Starting {
        from_us: i64,
    },
    Up,
    Down {
        from_us: i64,
        is_planned: bool,
        was_started: bool,
    },
}

/// One symbol of one collector.
#[derive(Debug, Default)]
struct Track {
    stand: Stand,
    /// When it was first known to be up or down.
    known_us: Option<i64>,
    interruptions: Vec<Interruption>,
}

impl Track {
    fn take(&mut self, time_us: i64, kind: Kind) {
        let down = |is_planned, was_started| Stand::Down {
            from_us: time_us,
            is_planned,
            was_started,
        };
        self.stand = match (self.stand, kind) {
            (Stand::Unknown | Stand::Starting { .. } | Stand::Up, Kind::Up) => Stand::Up,
            (Stand::Unknown, Kind::Started) => {
                self.stand = Stand::Starting { from_us: time_us };
                return;
            }
            // What ends before it was ever up was never observed.
            (Stand::Starting { .. }, Kind::Stopped | Kind::Lost) => {
                self.stand = Stand::Unknown;
                return;
            }
            (stand @ Stand::Starting { .. }, _) => {
                self.stand = stand;
                return;
            }
            (Stand::Unknown | Stand::Up, Kind::Down | Kind::Lost) => down(false, false),
            (Stand::Unknown | Stand::Up, Kind::Stopped) => down(true, false),
            (Stand::Up, Kind::Started) => down(false, true),
            (
                Stand::Down {
                    from_us,
                    is_planned,
                    was_started,
                },
                kind,
            ) => match kind {
                Kind::Up => {
                    let ending = match (is_planned, was_started) {
                        (true, _) => Ending::Planned,
                        (false, true) => Ending::ByStart,
                        (false, false) => Ending::ByItself,
                    };
                    self.interruptions.push(Interruption {
                        from_us,
                        until_us: time_us,
                        ending,
                    });
                    Stand::Up
                }
                _ => Stand::Down {
                    from_us,
                    is_planned: is_planned && kind != Kind::Lost,
                    was_started: was_started || kind == Kind::Started,
                },
            },
        };
        self.known_us.get_or_insert(time_us);
    }

    fn end(mut self, collector: &str, symbol: &str, window: Window) -> Option<Uptime> {
        let lasting = match self.stand {
            Stand::Down { from_us, .. } => Some(from_us),
            Stand::Starting { from_us } => {
                self.known_us.get_or_insert(from_us);
                Some(from_us)
            }
            Stand::Unknown | Stand::Up => None,
        };
        self.interruptions
            .extend(lasting.map(|from_us| Interruption {
                from_us,
                until_us: window.until_us,
                ending: Ending::Lasts,
            }));
        let observed = Window {
            since_us: self.known_us?.max(window.since_us),
            until_us: window.until_us,
        };
        // What ended where the window begins is over.
        self.interruptions
            .retain(|interruption| interruption.until_us > observed.since_us);
        Some(Uptime {
            collector: collector.to_owned(),
            symbol: symbol.to_owned(),
            observed,
            interruptions: self.interruptions,
        })
    }
}

#[cfg(test)]
mod tests;
