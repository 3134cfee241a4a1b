//! The account of a symbol's gaps: opened when ids are missing, closed when they are here.

use std::time::Duration;

use crate::domain::{
    row::GapState,
    sequence::{Absence, Missing},
};

use super::{
    super::{
        event::Event,
        pipe::{GapAccount, OpenGap, Pipe},
        session::Context,
    },
    Slot, Stage,
};

impl Slot {
    /// Opens an account when ids are missing that came after everything was here, and
    /// closes it when none is missing any more.
    pub(super) fn account_for_gap(&mut self, context: &Context) {
        let Stage::Running(pipe) = &mut self.stage else {
            return;
        };
        match (pipe.sequence.missing(), pipe.open_gap) {
            (Some(Missing { first, last }), None) if self.has_caught_up => {
                pipe.open_gap = Some(OpenGap {
                    first_id: first,
                    last_id: last,
                    found_us: context.clock.steady_us(),
                    found_wall_us: context.clock.wall_us(),
                });
                self.events.push(Event::GapFound {
                    symbol: self.symbol.clone(),
                    first_id: first,
                    last_id: last,
                });
            }
            (None, Some(gap)) => {
                pipe.open_gap = None;
                let took_us = context.clock.steady_us() - gap.found_us;
                let took = Duration::from_micros(took_us.unsigned_abs());
                pipe.record_gap(GapAccount {
                    first_id: gap.first_id,
                    last_id: gap.last_id,
                    found_wall_us: gap.found_wall_us,
                    state: GapState::Repaired,
                    cause: self.cause,
                    proof: format!("fetched by id within {} ms", took.as_millis()),
                });
                self.events.push(Event::GapRepaired {
                    symbol: self.symbol.clone(),
                    first_id: gap.first_id,
                    last_id: gap.last_id,
                    took,
                });
            }
            _ => {}
        }
    }

    /// Notes ids that are proven absent, and that the gap around them was not repaired.
    pub(super) fn account_for_absence(
        pipe: &mut Pipe,
        events: &mut Vec<Event>,
        context: &Context,
        absence: Absence,
        cause: &str,
    ) {
        let proof = if absence.is_malformed {
            "the exchange has shown twice that what it has there is no trade"
        } else {
            "the exchange has shown twice that it has higher ids but not these"
        };
        let found_wall_us = context.clock.wall_us();
        // What was missing before the absent ids has come; what is missing behind them is
        // another gap.
        if let Some(gap) = pipe.open_gap.take()
            && gap.first_id < absence.first
        {
            pipe.record_gap(GapAccount {
                first_id: gap.first_id,
                last_id: absence.first - 1,
                found_wall_us: gap.found_wall_us,
                state: GapState::Repaired,
                cause,
                proof: "fetched by id, up to ids that do not exist".to_owned(),
            });
        }
        pipe.record_gap(GapAccount {
            first_id: absence.first,
            last_id: absence.last,
            found_wall_us,
            state: GapState::Absent,
            cause,
            proof: proof.to_owned(),
        });
        events.push(Event::GapAbsent {
            symbol: pipe.symbol().clone(),
            first_id: absence.first,
            last_id: absence.last,
            proof: proof.to_owned(),
        });
    }
}
