//! What the journal's tests have in common.

use std::ops::Range;

use crate::domain::{
    crash::CrashPoints,
    row::{EventRow, Rows},
};

use super::Options;

/// Small batches, sealed when full or after a millisecond.
pub(crate) fn options() -> Options {
    Options {
        store: Some("sqlite:here".to_owned()),
        accept_store: false,
        batch_rows: 10,
        batch_age_us: 1000,
        most_rows: 10,
        max_pages: None,
        crash: CrashPoints::default(),
    }
}

/// An event for each number, with the number as its time.
pub(super) fn events(numbers: Range<i64>) -> Rows {
    let event = |time_us| EventRow {
        time_us,
        collector: "test".to_owned(),
        symbol: String::new(),
        code: "code".to_owned(),
        text: format!("event {time_us}"),
    };
    Rows::Events(numbers.map(event).collect())
}
