//! What a session has taken, on its way into the journal.

use crate::{
    domain::{crash::CrashPoint, safeguard::Safeguard},
    journal::{Commit, Committed, JournalError},
};

use super::{Session, SessionError, Slot};

impl Session<'_> {
    pub(super) fn commit_if_due(&mut self) -> Result<(), SessionError> {
        let limits = &self.context.settings.limits;
        if self.outbox.is_due(self.waiting(), limits) {
            self.begin_commit()?;
        }
        Ok(())
    }

    fn begin_commit(&mut self) -> Result<(), SessionError> {
        let mut commit = Commit {
            now_us: self.context.clock.wall_us(),
            ..Commit::default()
        };
        for slot in &mut self.slots {
            slot.drain_into(&mut commit)?;
        }
        self.memory.lock().diary.move_into(&mut commit);
        if !commit.has_rows() && commit.checkpoints.is_empty() {
            self.slots.iter_mut().for_each(Slot::committed);
        } else {
            let safeguards = self.context.settings.limits.safeguards;
            if safeguards.has(Safeguard::CommitOrder) {
                self.outbox.begin(commit);
            } else {
                self.outbox.begin_out_of_order(commit);
            }
        }
        Ok(())
    }

    pub(super) fn committed(
        &mut self,
        done: Result<Committed, JournalError>,
    ) -> Result<(), SessionError> {
        if done.is_err()
            && !self
                .context
                .settings
                .limits
                .safeguards
                .has(Safeguard::SpoolBound)
        {
            // What found no room is forgotten, as if it were in.
            self.slots.iter_mut().for_each(Slot::committed);
            return self.commit_if_due();
        }
        self.count(&done?);
        self.commit_if_due()
    }

    fn count(&mut self, done: &Committed) {
        self.memory.lock().diary.committed();
        self.slots.iter_mut().for_each(Slot::committed);
        let is_advance = self.outbox.is_advance();
        self.has_advanced |= is_advance;
        self.context.board.update(|shown| {
            shown.totals.commits += 1;
            shown.totals.advances += u64::from(is_advance);
            shown.totals.buffered_to_disk += done.rows;
        });
    }

    /// Whether the tape has gone on in the journal since it began.
    pub(crate) const fn has_advanced(&self) -> bool {
        self.has_advanced
    }

    /// Commits everything that was taken, and says goodbye to the exchange.
    pub(super) async fn finish(&mut self) -> Result<(), SessionError> {
        self.commit_everything().await?;
        self.context.settings.crash.reach(CrashPoint::StopCommitted);
        self.show();
        self.links.close().await;
        Ok(())
    }

    /// Commits everything that was taken.
    pub(super) async fn commit_everything(&mut self) -> Result<(), SessionError> {
        let messages = self.malformed.0.rest();
        self.tell_malformed(messages);
        for index in 0..self.slots.len() {
            self.slots[index].finish();
            self.tell_of(index);
        }
        self.memory.lock().diary.finish();
        if self.outbox.is_busy() {
            let done = self.outbox.done().await?;
            self.count(&done);
        }
        self.begin_commit()?;
        if self.outbox.is_busy() {
            let done = self.outbox.done().await?;
            self.count(&done);
        }
        Ok(())
    }
}
