//! What happens to a worker.

use crate::domain::{
    backfill_request::{RequestRow, Status},
    row::UnreadableRow,
};

use super::job::Job;

/// A fact, for whoever tells people.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// It has taken these requests and begins.
    Begun {
        /// What they come to.
        job: Job,
        /// The requests.
        request_ids: Vec<String>,
    },
    /// A request has ended, as its row says.
    Ended {
        /// As it was when it ended.
        request: RequestRow,
        /// In what way.
        status: Status,
        /// Why; of a completed one, what was left alone.
        reason: String,
    },
    /// A request was given back before it was done.
    Released {
        /// As it was last.
        request: RequestRow,
    },
    /// A request is another worker's by now, or will be soon: it was not renewed in time.
    Lost {
        /// As it was last.
        request: RequestRow,
    },
    /// The lease of whoever had this request had expired. It is pending again, or has failed.
    Expired {
        /// As it is now.
        request: RequestRow,
    },
    /// A row that no worker can do anything about. It is told of once.
    Unreadable {
        /// What is wrong with it.
        row: UnreadableRow,
    },
    /// The store does not do what it should. It is tried again.
    StoreFailed {
        /// What was tried.
        what: &'static str,
        /// What came of it.
        reason: String,
    },
}
