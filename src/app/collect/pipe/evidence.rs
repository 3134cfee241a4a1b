//! What a page of history says about an id that it does not hold.

use crate::{domain::sequence::Seen, exchange::source::Page};

/// What a page shows about `asked_id`, when it does not hold that trade.
pub(super) fn seen(asked_id: i64, page: &Page) -> Option<Seen> {
    let mut malformed: Vec<i64> = page
        .malformed
        .iter()
        .filter_map(|row| row.id)
        .filter(|&id| id >= asked_id)
        .collect();
    malformed.sort_unstable();
    let first_good = page
        .trades
        .iter()
        .map(|trade| trade.id)
        .find(|&id| id > asked_id);
    let is_malformed = malformed
        .first()
        .is_some_and(|&id| first_good.is_none_or(|good| id < good));
    let next_id = match (first_good, is_malformed) {
        (Some(next_id), _) => next_id,
        // Nothing good follows yet: only the malformed rows themselves are known to be none.
        (None, true) => {
            let mut next_id = asked_id;
            for id in malformed {
                if id != next_id {
                    break;
                }
                next_id += 1;
            }
            next_id
        }
        (None, false) => return None,
    };
    (next_id > asked_id).then_some(Seen {
        asked_id,
        next_id,
        is_malformed,
    })
}
