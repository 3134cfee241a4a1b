//! The store in one SQLite file, for when there is no server.
//!
//! ```text
//! store    the trait, put together from the rest
//! worker   the thread that owns the connection, and the connection
//! insert   one batch in one transaction
//! health   rows of health, in and out
//! seals    seals, in and out
//! requests requests for backfills, in and out
//! workers  what those who take them tell of themselves
//! newest   the newest rows of any table, on a connection of its own
//! read     bars by series, piece by piece
//! rows     what a row looks like in the file
//! values   what a column of it may hold
//! errors   codes and classes of failures
//! ```

mod errors;
mod health;
mod insert;
mod newest;
mod read;
mod requests;
mod rows;
mod seals;
mod store;
mod values;
mod worker;
mod workers;

pub use store::{SqliteOptions, SqliteStore};
