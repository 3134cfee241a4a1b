//! The newest rows of any table, asked for under the server's own limits.
//!
//! The server is asked for JSON: what types the columns have is not known before.

use std::time::Duration;

use clickhouse::{Client, error::Error};
use serde_json::Value;
use tokio::time::timeout;

use super::errors::{Evidence, Failure, failure};
use crate::store::{
    newest::{NewestOf, NewestQuery, NewestRow, newest_of_each, shortened, statement, text_us},
    schema::quote_identifier,
    sink::StoreErrorKind::Configuration,
};

/// More than this is not read.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// The server's clock, in µs since 1970 UTC.
pub(super) async fn clock_us(client: &Client) -> Result<i64, Error> {
    let sql = "SELECT toUnixTimestamp64Micro(now64(6, 'UTC'))";
    client.query_raw(sql).fetch_one::<i64>().await
}

/// The newest row of each name.
pub(super) async fn newest(
    client: &Client,
    query: &NewestQuery,
) -> Result<Vec<NewestRow>, Failure> {
    let answer = timeout(query.timeout, ask(client, query)).await;
    let answer = answer.unwrap_or(Err(Error::TimedOut));
    let answer = answer.map_err(|error| failure(&error, &Evidence::default()))?;
    read(&query.of, &answer)
}

async fn ask(client: &Client, query: &NewestQuery) -> Result<Vec<u8>, Error> {
    // Read-only, but for the settings that a statement may bring along. A server that is
    // left alone stops working on it.
    let mut cursor = client
        .query_raw(&statement(&query.of, quote_identifier))
        .with_setting("readonly", "2")
        .with_setting("max_execution_time", whole_seconds(query.timeout))
        .with_setting("timeout_overflow_mode", "throw")
        .with_setting("max_result_rows", query.max_rows.to_string())
        .with_setting("max_result_bytes", MAX_ANSWER_BYTES.to_string())
        .with_setting("result_overflow_mode", "throw")
        .with_setting("cancel_http_readonly_queries_on_client_close", "1")
        .with_setting("date_time_output_format", "unix_timestamp")
        .with_setting("output_format_json_quote_64bit_integers", "1")
        // What fails late then fails with a status that says so.
        .with_setting("wait_end_of_query", "1")
        .fetch_bytes("JSONCompactEachRow")?;
    let mut answer = Vec::new();
    while let Some(piece) = cursor.next().await? {
        if answer.len() + piece.len() > MAX_ANSWER_BYTES {
            return Err(Error::BadResponse(format!(
                "the answer has more than {MAX_ANSWER_BYTES} bytes"
            )));
        }
        answer.extend_from_slice(&piece);
    }
    Ok(answer)
}

/// The server counts whole seconds, and takes none for no limit.
fn whole_seconds(limit: Duration) -> String {
    let seconds = limit.as_secs() + u64::from(limit.subsec_nanos() > 0);
    seconds.max(1).to_string()
}

fn read(of: &NewestOf, answer: &[u8]) -> Result<Vec<NewestRow>, Failure> {
    let mut rows = Vec::new();
    for line in answer.split(|&byte| byte == b'\n') {
        if !line.iter().all(u8::is_ascii_whitespace) {
            rows.push(row(line).map_err(misfit)?);
        }
    }
    Ok(newest_of_each(of, rows))
}

fn row(line: &[u8]) -> Result<NewestRow, String> {
    let columns: Vec<Value> = serde_json::from_slice(line).map_err(|_| {
        let line = String::from_utf8_lossy(line);
        format!("'{}' is no row of a name and a time", shortened(&line))
    })?;
    let [name, time] = columns.as_slice() else {
        let count = columns.len();
        return Err(format!("a row has {count} columns, not a name and a time"));
    };
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let time_us = text(time).map(|time| text_us(&time)).transpose()?;
    Ok(NewestRow {
        name: text(name).unwrap_or_default(),
        time_us,
    })
}

fn misfit(reason: String) -> Failure {
    Failure {
        kind: Configuration,
        code: None,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_any_type_are_read_and_others_are_named() {
        let query = NewestOf::Query(String::new());
        let rows = read(
            &query,
            b"[\"BTCUSDT\", \"1767322800.250000\"]\n[7, 1767322800]\n[null, null]\n\n\
              [\"x\", \"2026-01-02\"]\n",
        );
        let rows = rows.expect("rows");
        let times: Vec<_> = rows
            .iter()
            .map(|row| (row.name.as_str(), row.time_us))
            .collect();
        assert_eq!(
            times,
            [
                ("", None),
                ("7", Some(1_767_322_800_000_000)),
                ("BTCUSDT", Some(1_767_322_800_250_000)),
                ("x", Some(1_767_312_000_000_000)),
            ]
        );
        for (answer, reason) in [
            (&b"[1]"[..], "a row has 1 columns"),
            (b"[\"a\", {\"b\": 1}]", "'{\"b\":1}' is no time"),
            (b"a,b", "'a,b' is no row"),
        ] {
            let failure = read(&query, answer).expect_err("it fails");
            assert!(failure.reason.contains(reason), "{}", failure.reason);
            assert_eq!(failure.kind, Configuration);
        }
    }

    #[test]
    fn a_short_limit_is_no_unlimited_one() {
        assert_eq!(whole_seconds(Duration::from_millis(1)), "1");
        assert_eq!(whole_seconds(Duration::ZERO), "1");
        assert_eq!(whole_seconds(Duration::from_millis(2_001)), "3");
    }
}
