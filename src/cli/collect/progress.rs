//! What a service manager's decisions rest on: is everything here, does work go on?

use crate::{
    app::collect::{Phase, snapshot::Shown, status::Status},
    telemetry::systemd::Seen,
};

/// Trades that were fetched while symbols were not live.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// What each symbol had fetched at the last look.
    seen: Vec<u64>,
    fetched: u64,
}

impl Progress {
    /// Looks at the collector. A spool that is full is no reason to be restarted, nor is an
    /// exchange that wants no questions for a while: nothing would be better afterwards.
    pub fn look(&mut self, shown: &Shown, status: &Status) -> Seen {
        self.count(shown);
        let totals = &shown.totals;
        let is_settled = |phase| matches!(phase, Phase::Live | Phase::Stopped);
        let mut phases = shown.symbols.iter().map(|symbol| symbol.phase);
        let is_live = phases.clone().all(is_settled) && phases.any(|phase| phase == Phase::Live);
        let text = if status.health.healthy {
            format!("healthy: {} symbols", shown.symbols.len())
        } else {
            status.health.complaints.join("; ")
        };
        Seen {
            is_live: status.running && is_live,
            work: totals.advances
                + totals.quiet_confirmed
                + totals.paused_checks
                + totals.refused_checks
                + totals.failed_connects,
            fetched: self.fetched,
            status: text,
        }
    }

    fn count(&mut self, shown: &Shown) {
        self.seen.resize(shown.symbols.len(), 0);
        for (symbol, seen) in shown.symbols.iter().zip(&mut self.seen) {
            if symbol.phase != Phase::Live {
                self.fetched += symbol.fetched.saturating_sub(*seen);
            }
            *seen = symbol.fetched;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::collect::{
            SymbolSnapshot,
            health::{Sampler, Tally},
            snapshot::Board,
            status::Moment,
        },
        domain::symbol::Symbol,
    };

    /// Two symbols.
    fn shown() -> Shown {
        let symbols: Vec<Symbol> = ["BTCUSDT", "ETHUSDT"]
            .map(|name| name.parse().expect("a symbol"))
            .to_vec();
        Board::new(&symbols).read()
    }

    fn look(progress: &mut Progress, shown: &Shown) -> Seen {
        let health = Sampler::new(Tally::default(), ".".into()).sample(shown, &[], 0, 0);
        let moment = Moment {
            collector: "test".to_owned(),
            running: true,
            steady_us: 0,
            wall_us: 0,
        };
        progress.look(shown, &Status::of(&moment, shown, &health, &[]))
    }

    #[test]
    fn a_symbol_that_was_given_up_does_not_keep_the_others_from_being_ready() {
        let (mut progress, mut shown) = (Progress::default(), shown());
        for (phases, is_live) in [
            ([Phase::Starting, Phase::Live], false),
            ([Phase::CatchingUp, Phase::Live], false),
            ([Phase::Stopped, Phase::Live], true),
            ([Phase::Live, Phase::Live], true),
            ([Phase::Stopped, Phase::Stopped], false),
        ] {
            for (symbol, phase) in shown.symbols.iter_mut().zip(phases) {
                symbol.phase = phase;
            }
            assert_eq!(look(&mut progress, &shown).is_live, is_live, "{phases:?}");
        }
    }

    #[test]
    fn only_what_is_fetched_for_a_symbol_that_is_not_live_is_catching_up() {
        let (mut progress, mut shown) = (Progress::default(), shown());
        shown.symbols[0].phase = Phase::Live;
        shown.symbols[1].phase = Phase::CatchingUp;
        let advance = |line: &mut SymbolSnapshot, trades: u64, fetched: u64| {
            line.trades += trades;
            line.fetched += fetched;
        };
        advance(&mut shown.symbols[0], 500, 3);
        assert_eq!(look(&mut progress, &shown).fetched, 0);
        advance(&mut shown.symbols[1], 40, 40);
        assert_eq!(look(&mut progress, &shown).fetched, 40);
        shown.symbols[1].phase = Phase::Live;
        advance(&mut shown.symbols[1], 7, 0);
        assert_eq!(look(&mut progress, &shown).fetched, 40, "it never falls");
    }

    #[test]
    fn what_a_collector_writes_down_about_itself_is_no_work_and_trying_to_connect_is() {
        let (mut progress, mut shown) = (Progress::default(), shown());
        shown.totals.commits = 9;
        let seen = look(&mut progress, &shown);
        assert_eq!(seen.work, 0);
        shown.totals.advances = 1;
        assert_eq!(look(&mut progress, &shown).work, 1);
        shown.totals.failed_connects = 1;
        assert_eq!(look(&mut progress, &shown).work, 2);
        shown.totals.refused_checks = 1;
        assert_eq!(look(&mut progress, &shown).work, 3);
        shown.symbols[0].trades = 1;
        let status = look(&mut progress, &shown).status;
        assert_eq!(status, seen.status, "it does not change with every trade");
    }
}
