//! Who delivers at the moment.
//!
//! A collector and `spool flush` may work on the same journal. Only the one that holds the
//! lease sends; it renews it while it works and gives it back when it pauses. The lease of
//! a process that died expires. It saves work and keeps order; that nothing goes in twice
//! rests on the tokens alone.

use rusqlite::{Connection, OptionalExtension, params};

use super::{error::JournalError, file::Journal};

/// The one thing that is leased.
const DELIVERY: &str = "delivery";
/// The beginning of a collector's name; only one of them has the journal at a time.
const COLLECTOR: &str = "collect ";
/// No lease is longer: one that ends later was taken before the clock was set back.
const LONGEST_US: i64 = 3_600_000_000;

/// A name for a collector.
#[must_use]
pub fn collector() -> String {
    named(COLLECTOR)
}

/// A name for a process that only delivers.
#[must_use]
pub fn flusher() -> String {
    named("flush ")
}

fn named(role: &str) -> String {
    format!("{role}{} {}", std::process::id(), super::file::random_id())
}

/// The part of a holder's name that says something to a person: what it does, and its
/// process.
#[must_use]
pub fn for_people(holder: &str) -> &str {
    holder.rsplit_once(' ').map_or(holder, |(name, _)| name)
}

/// Who else holds the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its name.
    pub name: String,
    /// How long it holds it if it does not renew it, in µs.
    pub remaining_us: i64,
}

/// Whoever collected before is gone: the caller has the collectors' lock.
pub(super) fn end_of_collectors(connection: &Connection) -> Result<(), JournalError> {
    connection.execute(
        "DELETE FROM leases WHERE name = ?1 AND substr(holder, 1, ?2) = ?3",
        params![DELIVERY, COLLECTOR.len() as i64, COLLECTOR],
    )?;
    Ok(())
}

fn read(connection: &Connection) -> Result<Option<(String, i64)>, JournalError> {
    Ok(connection
        .prepare_cached("SELECT holder, until_us FROM leases WHERE name = ?1")?
        .query_row(params![DELIVERY], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

impl Journal {
    /// Takes or renews the lease for `holder`, for `lease_us` from `now_us` on. Returns
    /// who else has it, if somebody has.
    ///
    /// # Errors
    /// When the transaction failed.
    pub fn take_lease(
        &mut self,
        holder: &str,
        now_us: i64,
        lease_us: i64,
    ) -> Result<Option<Holder>, JournalError> {
        let lease_us = lease_us.min(LONGEST_US);
        let is_fresh = |name: &str, until_us: i64| {
            let remaining_us = until_us.saturating_sub(now_us);
            name == holder && remaining_us > lease_us / 3 * 2 && remaining_us <= lease_us
        };
        if let Some((name, until_us)) = read(&self.connection)?
            && is_fresh(&name, until_us)
        {
            return Ok(None);
        }
        let transaction = self.connection.transaction()?;
        if let Some((name, until_us)) = read(&transaction)? {
            let remaining_us = until_us.saturating_sub(now_us);
            if name != holder && (1..=LONGEST_US).contains(&remaining_us) {
                return Ok(Some(Holder { name, remaining_us }));
            }
        }
        transaction
            .prepare_cached(
                "INSERT INTO leases (name, holder, until_us) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET holder = excluded.holder,
                   until_us = excluded.until_us",
            )?
            .execute(params![DELIVERY, holder, now_us.saturating_add(lease_us)])?;
        transaction.commit()?;
        Ok(None)
    }

    /// Gives the lease back, if `holder` has it.
    ///
    /// # Errors
    /// When the transaction failed; the lease expires by itself then.
    pub fn release_lease(&mut self, holder: &str) -> Result<(), JournalError> {
        self.connection
            .prepare_cached("DELETE FROM leases WHERE name = ?1 AND holder = ?2")?
            .execute(params![DELIVERY, holder])?;
        Ok(())
    }
}
