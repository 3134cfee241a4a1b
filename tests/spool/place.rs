//! A store that can be made to refuse rows.

use std::path::PathBuf;

use rusqlite::Connection;

use crate::common::{
    PATIENCE,
    clickhouse::{Dropped, ask, clickhouse_url, fresh_database},
};

/// A store that can be made to refuse rows, and can be asked.
pub enum Place {
    Sqlite(PathBuf),
    ClickHouse(Dropped),
}

impl Place {
    /// The test server with a database of its own, or none when there is no server.
    pub fn clickhouse(name: &str) -> Option<Self> {
        let url = clickhouse_url()?;
        let host = url.strip_prefix("http://").expect("an http URL");
        Some(Self::ClickHouse(Dropped {
            host: host.trim_end_matches('/').to_owned(),
            database: fresh_database(&format!("spool_{name}")),
        }))
    }

    pub fn address(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::ClickHouse(on) => format!("clickhouse://{}/{}", on.host, on.database),
        }
    }

    /// As the journal has it.
    pub fn bound(&self) -> String {
        match self {
            Self::Sqlite(_) => self.address(),
            Self::ClickHouse(on) => {
                format!("clickhouse://default@{}/{}", on.host, on.database)
            }
        }
    }

    /// Makes the table refuse the rows for which `condition` holds.
    pub fn poison(&self, table: &str, condition: &str) {
        match self {
            Self::Sqlite(_) => self.ask(&format!(
                "CREATE TRIGGER poison_{table} BEFORE INSERT ON {table} WHEN new.{condition} \
                 BEGIN SELECT RAISE(ABORT, 'poisoned'); END"
            )),
            Self::ClickHouse(_) => self.ask(&format!(
                "ALTER TABLE {table} ADD CONSTRAINT poison CHECK NOT ({condition})"
            )),
        };
    }

    /// Takes every row again.
    pub fn heal(&self, table: &str) {
        match self {
            Self::Sqlite(_) => self.ask(&format!("DROP TRIGGER poison_{table}")),
            Self::ClickHouse(_) => self.ask(&format!("ALTER TABLE {table} DROP CONSTRAINT poison")),
        };
    }

    /// One number that the store answers; 0 when it answers nothing.
    pub fn ask(&self, sql: &str) -> i64 {
        match self {
            Self::Sqlite(path) => {
                let connection = Connection::open(path).expect("opened");
                connection.busy_timeout(PATIENCE).expect("set");
                let mut statement = connection.prepare(sql).expect(sql);
                let mut rows = statement.query([]).expect(sql);
                let row = rows.next().expect(sql);
                row.map_or(0, |row| row.get(0).expect("a number"))
            }
            Self::ClickHouse(on) => {
                let answer = ask(&on.host, &on.database, sql);
                let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
                let number = body.lines().find_map(|line| line.parse().ok());
                // The first line of a chunked body is its length.
                let chunked = body.lines().nth(1).and_then(|line| line.parse().ok());
                chunked.or(number).unwrap_or(0)
            }
        }
    }

    pub fn count(&self, table: &str) -> i64 {
        match self {
            Self::Sqlite(_) => self.ask(&format!("SELECT count(*) FROM {table}")),
            // Rows that went in twice would be counted twice.
            Self::ClickHouse(_) => self.ask(&format!("SELECT count() FROM {table}")),
        }
    }
}
