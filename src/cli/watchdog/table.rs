//! What is looked at, when it is not `stream_health`.

use std::time::Duration;

use clap::Args;

use crate::store::newest::{NewestOf, NewestQuery};

/// More names than these are not looked at.
const MAX_ROWS: usize = 100_000;

/// Any table, or any statement.
#[derive(Debug, Args)]
pub struct TableArgs {
    /// Look at this table or view of the store in place of stream_health
    #[arg(
        long,
        value_name = "TABLE",
        requires = "time_column",
        conflicts_with = "query"
    )]
    table: Option<String>,
    /// The column that dates a row: a date and time, or s, ms or µs since 1970 as a number
    #[arg(long, value_name = "COLUMN", requires = "table")]
    time_column: Option<String>,
    /// The column that names it; without it all rows go by the name of the table
    #[arg(long, value_name = "COLUMN", requires = "table")]
    symbol_column: Option<String>,
    /// Only rows for which this holds, in the SQL of the store
    #[arg(long = "where", value_name = "CONDITION", requires = "table")]
    filter: Option<String>,
    /// Look at what this statement returns: a name and a time in each row. It changes nothing
    #[arg(long, value_name = "SQL")]
    query: Option<String>,
}

impl TableArgs {
    /// What is asked; none when that is `stream_health`.
    pub fn query(&self, timeout: Duration) -> Option<NewestQuery> {
        let of = match (&self.query, &self.table, &self.time_column) {
            (Some(sql), ..) => NewestOf::Query(sql.clone()),
            (None, Some(table), Some(time_column)) => NewestOf::Table {
                table: table.clone(),
                time_column: time_column.clone(),
                symbol_column: self.symbol_column.clone(),
                filter: self.filter.clone(),
            },
            _ => return None,
        };
        Some(NewestQuery {
            of,
            timeout,
            max_rows: MAX_ROWS,
        })
    }
}
