//! The store in ClickHouse, over its HTTP interface.
//!
//! ```text
//! store    the trait, put together from the rest
//! insert   one batch: serialised, sent, and confirmed by what came back
//! health   rows of health on the wire, and the reading of them
//! seals    the same for seals
//! requests the same for requests for backfills
//! workers  the same for those who take them
//! newest   the newest rows of any table, and the clock
//! read     bars by series, streamed
//! rows     what a row looks like on the wire
//! examine  what the server is like: version, rights, tables
//! errors   codes and classes of failures
//! wire     connections with deadlines, and what passed over them
//! ```

mod answer;
mod codes;
mod errors;
mod examine;
mod health;
mod insert;
mod newest;
mod read;
mod requests;
mod rows;
mod seals;
mod store;
mod watched;
mod wire;
mod workers;

pub use codes::{CODES, Code};
pub use examine::TableFound;
pub use rows::BarRecord;
pub use store::{ClickHouseOptions, ClickHouseStore};
