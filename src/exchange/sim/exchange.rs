//! Everything that the parts of a running sim share.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::archive::Archive;
use super::board::Board;
use super::clock::Clock;
use super::config::Config;
use super::error::SimError;
use super::fault::{Fault, FaultChange};
use super::hub::Hub;
use super::json::Names;
use super::limits::Limits;
use super::pace::PaceChange;
use super::player::Played;
use super::stats::{Counters, Stats, SymbolStats};
use super::tape::Tape;

/// The most faults in force at once.
const MAX_FAULTS: usize = 256;

/// The state of one running sim.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) config: Config,
    pub(crate) tape: Tape,
    pub(crate) clock: Clock,
    pub(crate) hub: Hub,
    pub(crate) board: Board,
    pub(crate) archive: Archive,
    pub(crate) limits: Limits,
    pub(crate) stats: Counters,
    pub(crate) played: Played,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl Exchange {
    /// Makes the tape and starts its clock.
    pub(crate) fn new(config: Config) -> Result<Self, SimError> {
        let tape = Tape::new(&config)?;
        let clock = Clock::start(&config, &tape);
        let names = tape
            .symbols()
            .iter()
            .map(|tape| Names::of(&tape.symbol))
            .collect();
        Ok(Self {
            played: Played::new(&clock, &tape),
            limits: Limits::new(&config),
            hub: Hub::new(names),
            board: Board::default(),
            archive: Archive::default(),
            stats: Counters::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            tape,
            clock,
            config,
        })
    }

    /// The exchange's own time in microseconds.
    pub(crate) fn time_us(&self) -> i64 {
        self.clock.exchange_time_us(&self.tape)
    }

    /// Changes the faults; all of the change or, with a complaint, nothing.
    pub(crate) fn change_faults(&self, change: &FaultChange) -> Result<(), String> {
        let mut checked = Vec::with_capacity(change.add.len());
        for fault in &change.add {
            if let Some(complaint) = fault.kind.complaint() {
                return Err(complaint);
            }
            let symbol = match &fault.symbol {
                None => None,
                Some(symbol) => {
                    let index = self.tape.index_of(symbol);
                    Some(index.ok_or_else(|| format!("the symbol {symbol} is not served"))?)
                }
            };
            checked.push((fault, symbol));
        }
        let in_force = if change.clear {
            0
        } else {
            self.board.list().len()
        };
        if in_force + checked.len() > MAX_FAULTS {
            return Err(format!("more than {MAX_FAULTS} faults"));
        }
        if change.clear {
            self.board.clear();
            self.hub.recover();
        }
        for (fault, symbol) in checked {
            self.add_fault(fault, symbol);
        }
        Ok(())
    }

    /// Plays the tape at another pace from now on, or says why it cannot.
    pub(crate) fn change_pace(&self, change: PaceChange) -> Result<(), String> {
        if let Some(complaint) = change.complaint() {
            return Err(complaint);
        }
        if !self.clock.change_pace(change.rate) {
            return Err("only a tape that is played at a rate has a pace".to_owned());
        }
        Ok(())
    }

    fn add_fault(&self, fault: &Fault, symbol: Option<usize>) {
        let strikes_open = fault.kind.strikes_open();
        let has_limit = fault.times.is_some() || fault.for_ms.is_some();
        // In force before the open connections are struck, so that none slips between.
        if strikes_open != Some(true) || has_limit {
            self.board.add(fault.clone(), symbol);
        }
        if strikes_open == Some(true) {
            let struck = self.hub.strike(&fault.kind, symbol);
            self.board.count_strikes(struck as u64);
        }
    }

    /// What has happened so far.
    pub(crate) fn stats(&self) -> Stats {
        let symbols = self.tape.symbols().iter().enumerate().map(|(index, tape)| {
            let id_before = |place: u64| Some(tape.trade_at(place.checked_sub(1)?)?.id);
            let stats = SymbolStats {
                subscriptions: self.hub.subscribers(index),
                newest_id: id_before(self.clock.position(index, tape)),
                newest_streamed_id: id_before(self.played.place(index)),
            };
            (tape.symbol.clone(), stats)
        });
        Stats {
            connections: self.hub.count(),
            connections_ever: self.stats.connections_ever(),
            messages_sent: self.stats.messages_sent(),
            slow_clients: self.hub.slow_clients(),
            rest_requests: self.stats.rest(),
            archive: self.stats.archive(),
            symbols: symbols.collect(),
            faults: self.board.list(),
            faults_struck: self.board.struck(),
        }
    }
}
