//! What a failed delivery leads to.

use std::time::Duration;

use crate::{
    domain::row::Table,
    journal::{JournalError, Refusal},
    store::sink::StoreError,
};

use super::{Deliverer, Step};
use crate::app::collect::event::Event;

/// What mends a store that refuses everything.
pub(super) const CHECK_STORE: &str = "check address, user, password and rights of --store; 'streamkit \
                           schema apply' makes missing tables";
/// What mends a table that refuses its rows.
const CHECK_TABLE: &str = "compare the table with 'streamkit schema print'; nothing is dropped, \
                           'streamkit spool show ID' prints the rows";

impl Deliverer {
    /// The store works, and does not take these rows.
    pub(super) async fn refused(
        &mut self,
        id: i64,
        count: usize,
        table: Table,
        error: &StoreError,
    ) -> Result<Step, JournalError> {
        self.breaker.withdrawn();
        let reason = error.to_string();
        let done = if count > 1 {
            self.parts
                .journal
                .split(id, reason.clone())
                .await
                .map(|_| Refusal::Waits)
        } else {
            let is_proven = self.proven.contains(&table);
            self.parts
                .journal
                .refuse(id, reason.clone(), is_proven)
                .await
        };
        match done {
            Ok(Refusal::Waits | Refusal::Gone) => {
                self.parts.emit.emit(&Event::RowsRefused {
                    batch: id,
                    rows: count,
                    reason,
                });
                Ok(Step::Progress)
            }
            Ok(Refusal::Dead(rows)) => {
                self.buried(rows, table);
                Ok(Step::Progress)
            }
            Ok(Refusal::TooMany { refused, of }) => {
                let reason = format!(
                    "use the store {}: it refuses {refused} of {of} rows of {}: {}",
                    error.address,
                    table.as_str(),
                    error.reason
                );
                Ok(self.misconfigured(id, count, reason, CHECK_TABLE))
            }
            Err(JournalError::Closed) => Err(JournalError::Closed),
            Err(error) => Ok(self.failed(id, count, error.to_string())),
        }
    }

    pub(super) fn buried(&mut self, rows: u64, table: Table) {
        if rows > 0 {
            self.proven.remove(&table);
            self.parts.emit.emit(&Event::DeadLetters {
                rows,
                table: table.as_str(),
            });
        }
    }

    /// The store does not work at the moment.
    pub(super) fn unavailable(&mut self, batch: i64, rows: usize, reason: String) -> Step {
        let now_us = self.parts.clock.steady_us();
        let is_trip = self.breaker.failed(now_us);
        let step = self.failed(batch, rows, reason);
        if is_trip {
            self.parts.emit.emit(&Event::BreakerOpened {
                failures: self.failures,
                retry_in: self.parts.limits.breaker_open,
            });
        }
        step
    }

    /// The store works, but not like that: only a person can mend it.
    pub(super) fn misconfigured(
        &mut self,
        batch: i64,
        rows: usize,
        reason: String,
        remedy: &'static str,
    ) -> Step {
        self.last_error = Some(reason.clone());
        self.breaker.broken(self.parts.clock.steady_us());
        if !self.is_misconfigured {
            self.is_misconfigured = true;
            self.parts.emit.emit(&Event::StoreMisconfigured {
                reason: reason.clone(),
                remedy,
                retry_in: self.parts.limits.breaker_open,
            });
        }
        self.failed(batch, rows, reason)
    }

    /// Tells of a failure; the next attempt has to wait.
    pub(super) fn failed(&mut self, batch: i64, rows: usize, reason: String) -> Step {
        self.failures += 1;
        // What the breaker knows nothing of gives its turn back.
        self.breaker.withdrawn();
        let now_us = self.parts.clock.steady_us();
        let open_us = self.breaker.remaining_us(now_us).unsigned_abs();
        let open = Duration::from_millis(open_us.div_ceil(1000));
        let pause = self.pauses.next();
        let retry_in = if open.is_zero() {
            pause.unwrap_or(self.parts.limits.delivery_retry_max)
        } else {
            open
        };
        self.parts.emit.emit(&Event::DeliveryFailed {
            batch,
            rows,
            reason,
            retry_in,
        });
        Step::Failed(retry_in)
    }
}
