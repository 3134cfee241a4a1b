//! Which trades are already past.
//!
//! There is one position a symbol, shared by REST and by all streams. By the wall clock a trade
//! is past when its time is; a played tape advances by a monotonic clock at its rate;
//! at the highest rate the player itself advances it. A position never goes back, even
//! when the wall clock does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::config::{Config, Rate};
use super::pace::Paces;
use super::tape::{SymbolTape, Tape};

/// The longest wait that anybody can mean.
pub(crate) const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);

/// How time passes on the tape.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    /// Trades are past when their time is.
    Wall,
    /// Some trades a second follow those that were past at the start.
    Played,
    /// The player decides.
    Driven,
}

/// The positions of all symbols.
#[derive(Debug)]
pub(crate) struct Clock {
    mode: Mode,
    started: Instant,
    /// How fast a played tape is played.
    paces: RwLock<Paces>,
    history: u64,
    stream_delay: Duration,
    /// The place after the newest past trade, per symbol.
    positions: Vec<AtomicU64>,
}

impl Clock {
    /// Starts the clock of a tape: from now on time passes.
    pub(crate) fn start(config: &Config, tape: &Tape) -> Self {
        let (mode, rate) = match config.rate {
            Rate::Max => (Mode::Driven, 0.0),
            Rate::PerSecond(rate) if config.is_played() => (Mode::Played, rate),
            Rate::PerSecond(rate) => (Mode::Wall, rate),
        };
        let history = config.history.unwrap_or(0);
        let first =
            |tape: &SymbolTape| AtomicU64::new(tape.start.saturating_add(history).min(tape.end));
        let positions = match mode {
            Mode::Wall => tape
                .symbols()
                .iter()
                .map(|tape| AtomicU64::new(tape.start))
                .collect(),
            Mode::Played | Mode::Driven => tape.symbols().iter().map(first).collect(),
        };
        Self {
            mode,
            started: Instant::now(),
            paces: RwLock::new(Paces::new(rate)),
            history,
            stream_delay: config.stream_delay,
            positions,
        }
    }

    /// Whether the player decides how far the tape is, as fast as it is taken.
    pub(crate) fn is_driven(&self) -> bool {
        self.mode == Mode::Driven
    }

    /// The place after the newest past trade of a symbol, by now.
    pub(crate) fn position(&self, index: usize, tape: &SymbolTape) -> u64 {
        let due = match self.mode {
            Mode::Wall => tape.place_of_time(wall_us().saturating_add(1)),
            Mode::Played => self.played(tape, self.started.elapsed()),
            Mode::Driven => 0,
        };
        let before = self.positions[index].fetch_max(due, Ordering::AcqRel);
        before.max(due)
    }

    /// The place up to which a symbol's trades are due on the streams, by now.
    pub(crate) fn stream_position(&self, index: usize, tape: &SymbolTape) -> u64 {
        let position = self.position(index, tape);
        if self.stream_delay.is_zero() {
            return position;
        }
        let delayed = match self.mode {
            Mode::Wall => {
                let delay_us = i64::try_from(self.stream_delay.as_micros()).unwrap_or(i64::MAX);
                tape.place_of_time(wall_us().saturating_sub(delay_us).saturating_add(1))
            }
            Mode::Played => {
                let elapsed = self.started.elapsed().saturating_sub(self.stream_delay);
                self.played(tape, elapsed)
            }
            Mode::Driven => position,
        };
        delayed.min(position)
    }

    /// Makes `count` more trades past, for the player of a driven tape.
    pub(crate) fn advance(&self, index: usize, tape: &SymbolTape, count: u64) -> u64 {
        let position = self.positions[index].load(Ordering::Acquire);
        let next = position.saturating_add(count).min(tape.end);
        self.positions[index].store(next, Ordering::Release);
        next
    }

    /// The exchange's own time: the wall clock, or the newest past trade's time on a
    /// played tape.
    pub(crate) fn exchange_time_us(&self, tape: &Tape) -> i64 {
        if self.mode == Mode::Wall {
            return wall_us();
        }
        let newest = tape
            .symbols()
            .iter()
            .enumerate()
            .filter_map(|(index, symbol)| {
                // Before the first trade is past, its time is the nearest there is.
                let last = self.position(index, symbol).max(symbol.start + 1) - 1;
                Some(symbol.trade_at(last)?.time_us)
            });
        newest.max().unwrap_or_else(wall_us)
    }

    /// How long the player may sleep before more trades can be due.
    pub(crate) fn tick(&self) -> Duration {
        let shortest = Duration::from_millis(2);
        let longest = Duration::from_millis(5);
        match self.mode {
            Mode::Played => {
                let rate = self.paces().rate();
                let one_trade = Duration::try_from_secs_f64(1.0 / rate).unwrap_or(longest);
                one_trade.clamp(shortest, longest)
            }
            Mode::Wall => longest,
            Mode::Driven => Duration::from_millis(1),
        }
    }

    /// Plays at another rate from now on; false when the tape is not played at a rate.
    pub(crate) fn change_pace(&self, rate: f64) -> bool {
        if self.mode != Mode::Played {
            return false;
        }
        let now = self.started.elapsed();
        let mut paces = self.paces.write().unwrap_or_else(PoisonError::into_inner);
        paces.change(now, rate);
        true
    }

    fn paces(&self) -> std::sync::RwLockReadGuard<'_, Paces> {
        self.paces.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn played(&self, tape: &SymbolTape, elapsed: Duration) -> u64 {
        let live = self.paces().played(elapsed) as u64;
        let past = self.history.saturating_add(live);
        tape.start.saturating_add(past).min(tape.end)
    }
}

/// The moment after a wait. Waits come from outside, so one that is beyond all measure becomes a
/// century, where the sum would overflow.
pub(crate) fn later(wait: Duration) -> Instant {
    Instant::now() + wait.min(CENTURY)
}

/// The wall clock in microseconds since 1970 UTC.
pub(crate) fn wall_us() -> i64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "an exchange has a clock of its own"
    )]
    Timestamp::now().as_microsecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config {
            history: Some(100),
            rate: Rate::PerSecond(50.0),
            length: Some(1000),
            symbols: vec!["BTCUSDT".to_owned()],
            ..Config::default()
        }
    }

    fn past(clock: &Clock, tape: &Tape) -> u64 {
        clock.position(0, &tape.symbols()[0]) - tape.symbols()[0].start
    }

    #[tokio::test(start_paused = true)]
    async fn a_played_tape_advances_at_its_rate_and_stops_at_its_end() {
        let config = config();
        let tape = Tape::new(&config).unwrap();
        let clock = Clock::start(&config, &tape);
        assert_eq!(past(&clock, &tape), 100);
        tokio::time::advance(Duration::from_millis(2_010)).await;
        assert_eq!(past(&clock, &tape), 200);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(past(&clock, &tape), 1000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_played_tape_can_be_stopped_and_goes_on_where_it_was() {
        let config = config();
        let tape = Tape::new(&config).unwrap();
        let clock = Clock::start(&config, &tape);
        tokio::time::advance(Duration::from_millis(2_010)).await;
        assert!(clock.change_pace(0.0));
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(past(&clock, &tape), 200);
        assert!(clock.change_pace(1000.0));
        tokio::time::advance(Duration::from_millis(101)).await;
        assert_eq!(past(&clock, &tape), 301);
        let by_the_wall = Config::default();
        let tape = Tape::new(&by_the_wall).unwrap();
        assert!(!Clock::start(&by_the_wall, &tape).change_pace(1.0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_delay_holds_back_the_streams_alone() {
        let config = Config {
            stream_delay: Duration::from_secs(1),
            ..config()
        };
        let tape = Tape::new(&config).unwrap();
        let clock = Clock::start(&config, &tape);
        tokio::time::advance(Duration::from_millis(2_010)).await;
        let symbol = &tape.symbols()[0];
        assert_eq!(clock.position(0, symbol) - symbol.start, 200);
        assert_eq!(clock.stream_position(0, symbol) - symbol.start, 150);
    }

    #[tokio::test(start_paused = true)]
    async fn by_the_wall_clock_exactly_the_earlier_trades_are_past() {
        let config = Config::default();
        let tape = Tape::new(&config).unwrap();
        let clock = Clock::start(&config, &tape);
        let symbol = &tape.symbols()[0];
        let before = wall_us();
        let position = clock.position(0, symbol);
        let after = wall_us();
        assert!(symbol.trade_at(position - 1).unwrap().time_us <= after);
        assert!(symbol.trade_at(position).unwrap().time_us > before);
    }
}
