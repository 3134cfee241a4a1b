//! Delivery without some of what keeps rows from being lost, or from being stored twice.
//!
//! It is here so that one can see what each of them is good for.

use crate::{
    domain::{crash::CrashPoint, safeguard::Safeguard},
    journal::JournalError,
    store::sink::{Batch, StoreErrorKind},
};

use super::{Deliverer, Step};

/// The safeguards of delivery.
const SAFEGUARDS: [Safeguard; 4] = [
    Safeguard::DeliveryRetry,
    Safeguard::Confirmation,
    Safeguard::Tokens,
    Safeguard::DeadLetters,
];

impl Deliverer {
    /// Whether one of them was taken away.
    pub(super) fn is_unguarded(&self) -> bool {
        let safeguards = self.parts.limits.safeguards;
        !SAFEGUARDS.iter().all(|&guard| safeguards.has(guard))
    }

    /// Does what would be done with a batch if nobody had thought of what can go wrong.
    pub(super) async fn deliver_unguarded(
        &mut self,
        id: i64,
        count: usize,
        attempts: u64,
        mut sent: Batch,
    ) -> Result<Step, JournalError> {
        let safeguards = self.parts.limits.safeguards;
        let table = sent.rows.table();
        if !safeguards.has(Safeguard::Tokens) {
            sent.token = format!("{}-{attempts}", sent.token);
        }
        if !safeguards.has(Safeguard::Confirmation) {
            self.parts.journal.delivered(id).await?;
        }
        self.parts.crash.reach(CrashPoint::BeforeSend);
        let is_lost = match self.send(&sent).await {
            Ok(()) => {
                self.parts.crash.reach(CrashPoint::StoreConfirmed);
                self.succeeded(table);
                if safeguards.has(Safeguard::Confirmation) {
                    self.parts.journal.delivered(id).await?;
                }
                return Ok(Step::Progress);
            }
            Err(error) if error.kind == StoreErrorKind::Content => {
                if safeguards.has(Safeguard::DeadLetters) {
                    return self.refused(id, count, table, &error).await;
                }
                true
            }
            Err(error) => {
                self.parts.journal.failed(id, error.to_string()).await?;
                self.last_error = Some(error.to_string());
                !safeguards.has(Safeguard::DeliveryRetry)
            }
        };
        if is_lost {
            self.parts.journal.delivered(id).await?;
        }
        Ok(self.unavailable(id, count, "the batch was not delivered".to_owned()))
    }
}
