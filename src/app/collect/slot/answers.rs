//! What a symbol makes of the exchange's answers: its newest id, and pages of history.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    domain::{ladder::OutOfOrder, liveness::State, micros::micros},
    exchange::source::{Newest, SourceError},
};

use super::{
    super::{
        event::Event,
        fetch::{Answer, Answered},
        pipe::Taken,
        session::Context,
    },
    Slot, Stage,
};

impl Slot {
    /// Takes an answer of the exchange in. Returns whether trades were taken.
    pub fn answered(
        &mut self,
        context: &Context,
        answered: Answered,
        is_connected: bool,
    ) -> Result<bool, OutOfOrder> {
        match self.fetch.answered(answered) {
            Some(Answer::Newest(result)) => self.newest(context, result),
            Some(Answer::Failed(error)) => self.fetch_failed(&error),
            None => {}
        }
        let has_taken = self.take_pages(context)?;
        self.settle(context, is_connected);
        Ok(has_taken)
    }

    /// The exchange said what its newest id is, or did not.
    fn newest(&mut self, context: &Context, result: Result<Option<Newest>, SourceError>) {
        let now_us = context.clock.steady_us();
        let limits = &context.settings.limits;
        let Stage::Running(pipe) = &mut self.stage else {
            return;
        };
        let last_id = pipe.last_id();
        let exchange_id = match result {
            Ok(Some(newest)) => newest.id,
            // A symbol that has trades here and none there proves nothing.
            Ok(None) => {
                pipe.liveness.unreachable(last_id, now_us);
                self.ask_again();
                return;
            }
            Err(error) => {
                match &error {
                    // It is there; it has only not been asked.
                    SourceError::RateLimited { retry_after, .. } => {
                        pipe.liveness.refused(micros(*retry_after), now_us);
                    }
                    _ => pipe.liveness.unreachable(last_id, now_us),
                }
                self.fetch_failed(&error);
                self.fetch.want_newest();
                return;
            }
        };
        let was_quiet = matches!(pipe.liveness.state(), State::Quiet { .. });
        pipe.judge_stream(exchange_id, now_us);
        if matches!(pipe.liveness.state(), State::Quiet { .. }) {
            let board = &context.board;
            board.update(|shown| shown.totals.quiet_confirmed += 1);
        }
        if !was_quiet && matches!(pipe.liveness.state(), State::Quiet { .. }) {
            let silence = Duration::from_micros(pipe.liveness.silence_us(now_us).unsigned_abs());
            self.events.push(Event::Quiet {
                symbol: self.symbol.clone(),
                silence,
            });
        }
        if pipe.is_reset(exchange_id, micros(limits.reset_interval), now_us) {
            self.events.push(Event::IdReset {
                symbol: self.symbol.clone(),
                last_id,
                exchange_id,
            });
            self.fetch.give_up();
            self.stage = Stage::Stopped;
            return;
        }
        // While the stream is merely silent, what the exchange has may still arrive by
        // itself; after a connection, or with ids missing, it has to be fetched.
        if !self.is_synced || pipe.sequence.wanted().is_some() {
            let patience_us = micros(limits.unconfirmed_after);
            let trades = pipe.take_latest(exchange_id, patience_us, now_us);
            if trades > 0 {
                self.events.push(Event::Unconfirmed {
                    symbol: self.symbol.clone(),
                    trades,
                    exchange_id,
                });
            }
        }
        if pipe.is_suspect() {
            self.fetch.want_newest();
            let pause = limits.reset_interval.min(limits.fetch_retry_max);
            self.fetch.wait(pause, Instant::now());
        }
    }

    /// The exchange has nothing of what is wanted yet, or never: its newest id tells.
    fn ask_again(&mut self) {
        self.fetch.failed(None, Instant::now());
        self.fetch.want_newest();
    }

    fn fetch_failed(&mut self, error: &SourceError) {
        let pause = self.fetch.failed(Some(error), Instant::now());
        self.events.push(Event::FetchFailed {
            symbol: self.symbol.clone(),
            reason: error.to_string(),
            retry_in: pause,
        });
    }

    /// Takes the pages that have come, in order. Returns whether any brought something.
    fn take_pages(&mut self, context: &Context) -> Result<bool, OutOfOrder> {
        let limits = &context.settings.limits;
        let now_us = context.clock.steady_us();
        let mut has_taken = false;
        let Stage::Running(pipe) = &mut self.stage else {
            return Ok(false);
        };
        while let Some((asked_id, page)) = self.fetch.ready(pipe.sequence.next_id()) {
            match pipe.take_page(asked_id, &page, now_us)? {
                Taken::Progress => {
                    has_taken = true;
                    if page.is_full || pipe.sequence.wanted().is_none() {
                        self.fetch.succeeded();
                    } else {
                        // The history ends here for now, and what is wanted lies behind it.
                        self.fetch.failed(None, Instant::now());
                        self.fetch.want_newest();
                    }
                }
                Taken::Nothing if pipe.awaits_proof() => {
                    self.fetch.wait(limits.absence_interval, Instant::now());
                }
                Taken::Nothing => {
                    if pipe.sequence.wanted().is_some() {
                        self.fetch.failed(None, Instant::now());
                        self.fetch.want_newest();
                    }
                }
                Taken::Absent(absence) => {
                    has_taken = true;
                    self.fetch.succeeded();
                    self.fetch.give_up();
                    let events = &mut self.events;
                    Self::account_for_absence(pipe, events, context, absence, self.cause);
                }
            }
        }
        Ok(has_taken)
    }
}
