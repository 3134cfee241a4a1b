//! Ids and counts as words in a sentence.

/// Ids of trades with their noun: `trade 5`, `trades 5 to 9`.
#[must_use]
pub fn trade_ids(first_id: i64, last_id: i64) -> String {
    if first_id == last_id {
        format!("trade {first_id}")
    } else {
        format!("trades {first_id} to {last_id}")
    }
}

/// A noun that is given for one, after `count`: `trade`, `trades`, `batches`, `series`.
#[must_use]
pub fn noun(count: impl Into<i128>, singular: &str) -> String {
    let ending = match singular {
        _ if count.into() == 1 => "",
        _ if singular.ends_with("series") => "",
        _ if singular.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{singular}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!(noun(1, "finding"), "finding");
        assert_eq!(noun(0, "finding"), "findings");
        assert_eq!(noun(2, "batch"), "batches");
        assert_eq!(noun(2, "series"), "series");
        assert_eq!(trade_ids(5, 5), "trade 5");
        assert_eq!(trade_ids(5, 6), "trades 5 to 6");
    }
}
