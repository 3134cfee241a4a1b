//! What a schema consists of, and how it is printed.

use std::{fmt, str::FromStr};

use super::{clickhouse, sqlite};

/// Which database the schema is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// ClickHouse.
    ClickHouse,
    /// SQLite.
    Sqlite,
}

impl StoreKind {
    /// The word that names it on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClickHouse => "clickhouse",
            Self::Sqlite => "sqlite",
        }
    }
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a text names no kind of store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a kind of store: clickhouse and sqlite are")]
pub struct StoreKindError(String);

impl FromStr for StoreKind {
    type Err = StoreKindError;

    fn from_str(text: &str) -> Result<Self, StoreKindError> {
        match text {
            "clickhouse" => Ok(Self::ClickHouse),
            "sqlite" => Ok(Self::Sqlite),
            _ => Err(StoreKindError(text.to_owned())),
        }
    }
}

/// The name of a ClickHouse cluster, quoted where a statement needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster(String);

/// Why a text cannot name a cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not the name of a cluster: it is empty or holds a control character")]
pub struct ClusterError(String);

impl FromStr for Cluster {
    type Err = ClusterError;

    fn from_str(text: &str) -> Result<Self, ClusterError> {
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            return Err(ClusterError(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Cluster {
    /// The name, as a quoted identifier.
    pub(super) fn quoted(&self) -> String {
        quote_identifier(&self.0)
    }
}

/// An identifier in the quotes that ClickHouse and SQLite both understand.
pub(in crate::store) fn quote_identifier(name: &str) -> String {
    let escaped = name.replace('\\', "\\\\").replace('`', "\\`");
    format!("`{escaped}`")
}

/// One statement that creates something unless it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The name of the table, view or index that it creates.
    pub object: &'static str,
    /// The statement, without a semicolon at its end.
    pub sql: String,
}

/// The statements that make the schema of `kind`, in an order that works. The cluster
/// counts for ClickHouse alone.
#[must_use]
pub fn statements(kind: StoreKind, cluster: Option<&Cluster>) -> Vec<Statement> {
    match kind {
        StoreKind::ClickHouse => clickhouse::statements(cluster),
        StoreKind::Sqlite => sqlite::statements(),
    }
}

/// The schema as a script.
#[must_use]
pub fn print(kind: StoreKind, cluster: Option<&Cluster>) -> String {
    let mut text = match (kind, cluster) {
        (StoreKind::ClickHouse, None) => {
            "-- streamkit's schema for ClickHouse, in the current database.\n"
        }
        (StoreKind::ClickHouse, Some(_)) => concat!(
            "-- streamkit's schema for a ClickHouse cluster, in the current database.\n",
            "-- Not run by streamkit's tests: they have one server and no Keeper. Read it\n",
            "-- before you run it; the macros {shard} and {replica} must be set on each server.\n",
        ),
        (StoreKind::Sqlite, _) => "-- streamkit's schema for SQLite.\n",
    }
    .to_owned();
    for statement in statements(kind, cluster) {
        text.push('\n');
        text.push_str(&statement.sql);
        text.push_str(";\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::row::bar_column_names;

    const OBJECTS: [&str; 9] = [
        "bars",
        "bars_current",
        "seals",
        "stream_health",
        "gaps",
        "events",
        "backfill_requests",
        "backfill_workers",
        "trades",
    ];

    #[test]
    fn both_kinds_have_every_table_and_the_view_to_read_bars_from() {
        for kind in [StoreKind::ClickHouse, StoreKind::Sqlite] {
            let statements = statements(kind, None);
            for object in OBJECTS {
                let there = statements.iter().any(|made| made.object == object);
                assert!(there, "{kind} has no {object}");
            }
        }
    }

    #[test]
    fn every_statement_leaves_what_exists_alone() {
        let cluster = "main".parse().expect("a cluster");
        for (kind, cluster) in [
            (StoreKind::ClickHouse, None),
            (StoreKind::ClickHouse, Some(&cluster)),
            (StoreKind::Sqlite, None),
        ] {
            for statement in statements(kind, cluster) {
                assert!(statement.sql.contains("IF NOT EXISTS"), "{}", statement.sql);
            }
        }
    }

    #[test]
    fn a_cluster_replicates_every_table_on_every_server_and_says_that_it_is_untested() {
        let cluster: Cluster = "my `cluster".parse().expect("a cluster");
        let text = print(StoreKind::ClickHouse, Some(&cluster));
        assert!(text.contains("Not run by streamkit's tests"), "{text}");
        for statement in statements(StoreKind::ClickHouse, Some(&cluster)) {
            assert!(
                statement.sql.contains("ON CLUSTER `my \\`cluster`"),
                "{}",
                statement.sql
            );
            if let Some((_, engine)) = statement.sql.split_once("ENGINE = ") {
                assert!(engine.starts_with("Replicated"), "{engine}");
            }
        }
        assert!(
            !text.contains("non_replicated_deduplication_window"),
            "{text}"
        );
        assert!(
            text.contains("replicated_deduplication_window = 10000"),
            "{text}"
        );
    }

    #[test]
    fn both_kinds_have_the_same_columns_of_bars_in_the_same_order() {
        for kind in [StoreKind::ClickHouse, StoreKind::Sqlite] {
            let sql = statements(kind, None)
                .into_iter()
                .find(|statement| statement.object == "bars")
                .map(|statement| statement.sql)
                .expect("bars");
            let columns: Vec<&str> = sql
                .lines()
                .filter_map(|line| line.strip_prefix("    "))
                .filter_map(|line| line.split_whitespace().next())
                .filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
                .collect();
            let names: Vec<&str> = bar_column_names().collect();
            assert_eq!(columns, names, "{kind}");
        }
    }

    #[test]
    fn a_name_that_could_end_its_quotes_is_escaped() {
        assert_eq!(quote_identifier("a`b\\c"), "`a\\`b\\\\c`");
        assert!("".parse::<Cluster>().is_err());
        assert!("a\nb".parse::<Cluster>().is_err());
    }
}
