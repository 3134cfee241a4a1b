//! Looking at the spool from outside: what it holds, whether it is what was written, and
//! giving batches up.

use rusqlite::{TransactionBehavior, params};

use crate::domain::row::Rows;

use super::{
    commit::next_version,
    delivery::{delete_chunks, header_of, read_rows},
    error::JournalError,
    file::Journal,
    partition::{parts, set_version},
    refusal, spool,
};

/// What a batch waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchState {
    /// More rows.
    Open,
    /// Its turn.
    Sealed,
    /// The rest of the batch that it was a part of; the store refuses it.
    Refused,
    /// A person: it is a dead letter.
    Dead,
    /// Nothing: it cannot be read.
    Damaged,
}

impl BatchState {
    const ALL: [Self; 5] = [
        Self::Open,
        Self::Sealed,
        Self::Refused,
        Self::Dead,
        Self::Damaged,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Sealed => "sealed",
            Self::Refused => "refused",
            Self::Dead => "dead",
            Self::Damaged => "damaged",
        }
    }
}

/// A batch without its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchInfo {
    /// Its number.
    pub id: i64,
    /// The table that its rows are for.
    pub table: String,
    /// What it waits for.
    pub state: BatchState,
    /// Its rows.
    pub rows: u64,
    /// Bytes of rows in it.
    pub size_bytes: u64,
    /// When its first row was committed, in µs.
    pub created_at_us: i64,
    /// How often it was sent without success.
    pub attempts: u64,
    /// Why the last time.
    pub last_error: Option<String>,
}

/// Something that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The batch, or none when it concerns the file.
    pub batch: Option<i64>,
    /// What is wrong.
    pub reason: String,
}

const INFO: &str = "id, table_name, state, rows, size_bytes, created_at_us, attempts, last_error";

fn info(row: &rusqlite::Row<'_>) -> rusqlite::Result<BatchInfo> {
    let state: String = row.get(2)?;
    Ok(BatchInfo {
        id: row.get(0)?,
        table: row.get(1)?,
        state: BatchState::ALL
            .into_iter()
            .find(|known| known.as_str() == state)
            .unwrap_or(BatchState::Damaged),
        rows: row.get::<_, i64>(3)?.unsigned_abs(),
        size_bytes: row.get::<_, i64>(4)?.unsigned_abs(),
        created_at_us: row.get(5)?,
        attempts: row.get::<_, i64>(6)?.unsigned_abs(),
        last_error: row.get(7)?,
    })
}

impl Journal {
    /// All batches, in the order in which they are delivered; the open ones come last.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn batches(&self) -> Result<Vec<BatchInfo>, JournalError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {INFO} FROM batches ORDER BY state = 'open', position, first_row, id"
        ))?;
        let rows = statement.query_map([], info)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One batch with its rows, whatever its state.
    ///
    /// # Errors
    /// When there is none of that number, or it cannot be read.
    pub fn read_batch(&self, id: i64) -> Result<Rows, JournalError> {
        let header =
            header_of(&self.connection, id)?.ok_or(JournalError::UnknownBatch { batch: id })?;
        read_rows(&self.connection, id, &header.table)
    }

    /// Compares everything with what was written: the pages of the file, the checksums of
    /// the rows, the counts, and the tokens.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn verify(&mut self) -> Result<Vec<Finding>, JournalError> {
        let journal_id = self.id.clone();
        // One snapshot, so that a collector at work makes no findings.
        let snapshot = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Deferred)?;
        let mut findings = Vec::new();
        {
            let mut check = snapshot.prepare("PRAGMA integrity_check")?;
            let mut lines = check.query([])?;
            while let Some(line) = lines.next()? {
                let reason: String = line.get(0)?;
                if reason != "ok" {
                    findings.push(Finding {
                        batch: None,
                        reason,
                    });
                }
            }
        }
        let mut batches =
            snapshot.prepare(&format!("SELECT {INFO}, token FROM batches ORDER BY id"))?;
        let mut rows = batches.query([])?;
        while let Some(row) = rows.next()? {
            let (batch, token) = (info(row)?, row.get::<_, Option<String>>(8)?);
            let mut find = |reason: String| {
                findings.push(Finding {
                    batch: Some(batch.id),
                    reason,
                });
            };
            match read_rows(&snapshot, batch.id, &batch.table) {
                Ok(rows) if rows.len() as u64 != batch.rows => {
                    find(format!("it has {} rows, not {}", rows.len(), batch.rows));
                }
                Ok(_) => {}
                Err(JournalError::Damaged { reason, .. }) => {
                    find(reason);
                    continue;
                }
                Err(error) => return Err(error),
            }
            let is_its_own = match batch.state {
                BatchState::Open => token.is_none(),
                _ => spool::has_its_token(&snapshot, &journal_id, batch.id, token.as_deref())?,
            };
            if !is_its_own {
                find("its token is not that of its rows".to_owned());
            }
        }
        let strays: i64 = snapshot.query_row(
            "SELECT count(*) FROM chunks WHERE id >> ?1 NOT IN (SELECT id FROM batches)",
            [spool::PLACE_BITS],
            |row| row.get(0),
        )?;
        if strays > 0 {
            findings.push(Finding {
                batch: None,
                reason: format!("{strays} pieces belong to no batch"),
            });
        }
        Ok(findings)
    }

    /// Gives batches up, and puts `rows`, which tell of it, into the spool: all of it or
    /// nothing. The caller has the lease.
    ///
    /// # Errors
    /// When one of them is not there, or the transaction failed.
    pub fn give_up(
        &mut self,
        ids: &[i64],
        mut rows: Vec<Rows>,
        now_us: i64,
    ) -> Result<(), JournalError> {
        let transaction = self.connection.transaction()?;
        for &id in ids {
            let removed = transaction
                .prepare_cached("DELETE FROM batches WHERE id = ?1")?
                .execute(params![id])?;
            if removed == 0 {
                return Err(JournalError::UnknownBatch { batch: id });
            }
            delete_chunks(&transaction, id)?;
        }
        refusal::bury_left(&transaction)?;
        let version = next_version(&transaction, now_us)?;
        set_version(&mut rows, version);
        let mut stats = spool::SpoolStats::default();
        for part in parts(&rows) {
            spool::append(
                &transaction,
                &self.id,
                &self.options,
                part,
                now_us,
                &mut stats,
            )?;
        }
        transaction.commit()?;
        self.stats = self.read_stats()?;
        Ok(())
    }
}
