//! The store: whether it answers, what it is, and whether this user may work in it.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    cli::context::Context,
    domain::{anchor::Anchor, row::Series, symbol::Symbol, threshold::Threshold},
    report::doctor::Finding,
    store::{
        address::{ClickHouseAddress, StoreAddress},
        clickhouse::{ClickHouseOptions, ClickHouseStore, TableFound},
        schema::{StoreKind, statements},
        sink::{GapQuery, Store, StoreError},
    },
};

use super::{checks::of_error, exchange::LIKELY};

pub const STORE: &str = "store";
const RIGHTS: &str = "rights";
const SCHEMA: &str = "schema";
const DEDUPLICATION: &str = "deduplication";

/// The first version with tombstones in `ReplacingMergeTree` (`is_deleted`).
const LEAST_VERSION: [u32; 2] = [23, 2];
/// As many inserts as our tables remember, so that one that is sent again changes nothing.
const WINDOW: u32 = 10_000;
/// What a table has to have in its settings, replicated or not.
const WINDOW_SETTING: &str = "replicated_deduplication_window = ";

/// The codes of exceptions that say who may come in.
const LOCKED_OUT: [i32; 5] = [192, 193, 194, 195, 516];
/// The code of an exception: the database is not there.
const UNKNOWN_DATABASE: i32 = 81;

/// Looks at the store that the settings name.
pub async fn check(context: &Context, deadline: Duration) -> Vec<Finding> {
    let address = match context.settings.store() {
        Ok(store) => &store.value,
        Err(error) => return vec![of_error(STORE, error)],
    };
    match address {
        StoreAddress::ClickHouse(address) => clickhouse(address, deadline).await,
        StoreAddress::Sqlite(_) => vec![file(context, &address.to_string(), deadline).await],
    }
}

/// Is the file there, with its tables?
async fn file(context: &Context, address: &str, deadline: Duration) -> Finding {
    let store = match context.store_to_read() {
        Ok(Some(store)) => store,
        Ok(None) => {
            let detail = format!("{address} is not there yet");
            return Finding::warning(STORE, detail, "'streamkit collect' makes it");
        }
        Err(error) => return of_error(STORE, error),
    };
    match timeout(deadline, ask(store.as_ref())).await {
        Ok(Ok(())) => Finding::good(STORE, format!("{address} answers, with its tables")),
        Ok(Err(error)) => of_error(STORE, error),
        Err(_) => silent(address, deadline),
    }
}

/// Asks for what nobody has, so that even a large store answers at once.
async fn ask(store: &dyn Store) -> Result<(), StoreError> {
    store.ping().await?;
    let nobodys: Option<(Symbol, Threshold)> = LIKELY.parse().ok().zip(Threshold::new(1).ok());
    let Some((symbol, threshold)) = nobodys else {
        return Ok(());
    };
    let series = Series {
        exchange: String::from("(doctor)").into(),
        symbol: symbol.clone(),
        threshold,
        anchor: Anchor::Day,
    };
    store.last_bar(&series).await?;
    let query = GapQuery {
        exchange: Some("(doctor)".to_owned()),
        symbols: vec![symbol],
    };
    store.stored_gaps(&query).await.map(drop)
}

fn silent(address: &str, deadline: Duration) -> Finding {
    Finding::failure(
        STORE,
        format!("{address}: no answer within {deadline:?}"),
        "look whether the server is overloaded or its disk hangs, and for a firewall that drops \
         packets on the way",
    )
}

async fn clickhouse(address: &ClickHouseAddress, deadline: Duration) -> Vec<Finding> {
    let shown = address.to_string();
    let store = match ClickHouseStore::new(address.clone(), ClickHouseOptions::default()) {
        Ok(store) => store,
        Err(error) => return with_unchecked(of_error(STORE, error)),
    };
    let answered = match timeout(deadline, store.version()).await {
        Ok(Ok(version)) => of_version(&shown, &version),
        Ok(Err(error)) => return with_unchecked(unanswered(address, error)),
        Err(_) => return with_unchecked(silent(&shown, deadline)),
    };
    let examined = async { tokio::join!(tables(&store, address), rights(&store, address)) };
    let Ok((tables, rights)) = timeout(deadline, examined).await else {
        return with_unchecked(silent(&shown, deadline));
    };
    let mut findings = vec![answered, rights];
    findings.extend(tables);
    findings
}

/// A store that does not answer, and what cannot be looked at for that.
fn with_unchecked(finding: Finding) -> Vec<Finding> {
    let rest = [RIGHTS, SCHEMA, DEDUPLICATION];
    let rest = rest.map(|what| Finding::not_checked(what, "the store has to answer first"));
    [finding].into_iter().chain(rest).collect()
}

fn unanswered(address: &ClickHouseAddress, error: StoreError) -> Finding {
    let remedy = match error.code {
        Some(code) if LOCKED_OUT.contains(&code) => {
            format!(
                "correct the user '{}' in --store, or its password in STREAMKIT_STORE_PASSWORD \
                 or store_password of the settings file",
                address.user
            )
        }
        None => format!(
            "start ClickHouse, or correct the host and the port of its HTTP interface in \
             --store: {} is asked",
            address.http_url()
        ),
        Some(_) => return of_error(STORE, error),
    };
    of_error(STORE, error).hint(remedy)
}

fn of_version(address: &str, version: &str) -> Finding {
    let detail = format!("{address} answers; it is ClickHouse {version}");
    let mut parts = version.split('.').map_while(|part| part.parse().ok());
    let [least_major, least_minor] = LEAST_VERSION;
    match (parts.next(), parts.next()) {
        (Some(major), Some(minor)) if [major, minor] >= LEAST_VERSION => {
            Finding::good(STORE, detail)
        }
        (Some(_), Some(_)) => Finding::failure(
            STORE,
            detail,
            format!("upgrade ClickHouse: {least_major}.{least_minor} is the least that works"),
        ),
        _ => Finding::warning(
            STORE,
            detail,
            format!("see that it is at least {least_major}.{least_minor}"),
        ),
    }
}

/// May this user read and write there?
async fn rights(store: &ClickHouseStore, address: &ClickHouseAddress) -> Finding {
    let mut missing = Vec::new();
    for right in ["SELECT", "INSERT"] {
        match store.has_right(right).await {
            Ok(true) => {}
            Ok(false) => missing.push(right),
            // Old servers do not know the question; what is missing shows elsewhere.
            Err(error) => return Finding::not_checked(RIGHTS, error.reason),
        }
    }
    let ClickHouseAddress { user, database, .. } = address;
    if missing.is_empty() {
        return Finding::good(RIGHTS, format!("'{user}' may read and write '{database}'"));
    }
    let missing = missing.join(", ");
    Finding::failure(
        RIGHTS,
        format!("'{user}' may not {missing} in '{database}'"),
        format!("let an administrator run: GRANT {missing} ON {database}.* TO {user}"),
    )
}

/// Are the tables those that we know, and do they remember what was inserted?
async fn tables(store: &ClickHouseStore, address: &ClickHouseAddress) -> [Finding; 2] {
    let unknown = |why| Finding::not_checked(DEDUPLICATION, why);
    let found = match store.tables().await {
        Ok(found) => found,
        Err(error) if error.code == Some(UNKNOWN_DATABASE) => Vec::new(),
        Err(error) => return [of_error(SCHEMA, error), unknown("no table can be seen")],
    };
    let schema = schema(&found);
    let Some(wrong) = forgetful(&found) else {
        return [schema, unknown("there is no table yet")];
    };
    let database = &address.database;
    let deduplication = match wrong.first() {
        None => Finding::good(
            DEDUPLICATION,
            format!("every table remembers its last {WINDOW} inserts or more"),
        ),
        Some((first, setting)) => Finding::failure(
            DEDUPLICATION,
            format!(
                "an insert that is sent again may double rows of: {}",
                list(wrong.iter().map(|(name, _)| name.as_str()))
            ),
            format!(
                "for each of them: ALTER TABLE {database}.{first} MODIFY SETTING {setting} = \
                 {WINDOW}"
            ),
        ),
    };
    [schema, deduplication]
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn schema(found: &[TableFound]) -> Finding {
    let wanted = statements(StoreKind::ClickHouse, None);
    let table = |name: &str| found.iter().find(|table| table.name == name);
    let missing = wanted.iter().map(|wanted| wanted.object);
    let missing: Vec<_> = missing.filter(|name| table(name).is_none()).collect();
    if !missing.is_empty() {
        return Finding::failure(
            SCHEMA,
            format!("missing: {}", list(missing.into_iter())),
            "'streamkit schema apply' makes them; it needs the right to create tables",
        );
    }
    let lacking: Vec<String> = wanted
        .iter()
        .filter_map(|wanted| Some((wanted, table(wanted.object)?)))
        .flat_map(|(wanted, table)| {
            columns(&wanted.sql)
                .filter(|column| !table.columns.iter().any(|found| found == column))
                .map(|column| format!("{}.{column}", wanted.object))
                .collect::<Vec<_>>()
        })
        .collect();
    if lacking.is_empty() {
        return Finding::good(SCHEMA, "every table and column is there");
    }
    Finding::failure(
        SCHEMA,
        format!(
            "of another version; it has no {}",
            list(lacking.iter().map(String::as_str))
        ),
        "compare with 'streamkit schema print', and add them with ALTER TABLE … ADD COLUMN",
    )
}

/// The columns in a statement of ours, which has one a line.
fn columns(sql: &str) -> impl Iterator<Item = &str> {
    sql.lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| !line.starts_with("INDEX ") && !line.starts_with(' '))
        .filter_map(|line| line.split(' ').next())
}

/// Those of our tables that forget inserts too soon, with the setting for that; none when none
/// of them is there.
fn forgetful(found: &[TableFound]) -> Option<Vec<(String, &'static str)>> {
    let wanted = statements(StoreKind::ClickHouse, None);
    let is_ours = |name: &str| wanted.iter().any(|wanted| wanted.object == name);
    let mut ours = found
        .iter()
        .filter(|table| is_ours(&table.name) && table.engine.contains("MergeTree"))
        .peekable();
    ours.peek()?;
    let forgetful = ours.filter_map(|table| {
        let is_replicated = table.engine.starts_with("Replicated");
        let window = table.engine.split(WINDOW_SETTING).nth(1);
        let digits = window.map(|text| text.split(|c: char| !c.is_ascii_digit()).next());
        let window: Option<u32> = digits.flatten().and_then(|digits| digits.parse().ok());
        // A replicated table has a window without being told, if a short one.
        let is_enough = window.map_or(is_replicated, |window| window >= WINDOW);
        let setting = if is_replicated {
            "replicated_deduplication_window"
        } else {
            "non_replicated_deduplication_window"
        };
        (!is_enough).then(|| (table.name.clone(), setting))
    });
    Some(forgetful.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::doctor::Verdict;

    #[test]
    fn a_version_is_compared_by_numbers() {
        for (version, verdict) in [
            ("26.7.3.1", Verdict::Good),
            ("23.2.1.1", Verdict::Good),
            ("23.10.1", Verdict::Good),
            ("23.1.9.1", Verdict::Failure),
            ("9.12.1", Verdict::Failure),
            ("head", Verdict::Warning),
        ] {
            assert_eq!(of_version("a", version).verdict, verdict, "{version}");
        }
    }

    #[test]
    fn the_columns_of_every_table_are_found_in_its_statement() {
        for statement in statements(StoreKind::ClickHouse, None) {
            let columns: Vec<_> = columns(&statement.sql).collect();
            let is_view = statement.sql.starts_with("CREATE VIEW");
            assert_eq!(columns.is_empty(), is_view, "{}", statement.sql);
            assert!(
                columns.iter().all(|name| !name.contains(['(', ','])),
                "{columns:?}"
            );
        }
    }

    #[test]
    fn a_table_without_a_window_forgets_unless_it_is_replicated() {
        let table = |engine: &str| TableFound {
            name: "bars".to_owned(),
            engine: engine.to_owned(),
            columns: Vec::new(),
        };
        let window = "MergeTree SETTINGS non_replicated_deduplication_window = ";
        for (engine, is_forgetful) in [
            ("MergeTree ORDER BY a", true),
            (&*format!("{window}10000, index_granularity = 8192"), false),
            (&*format!("{window}100"), true),
            ("ReplicatedMergeTree('a') ORDER BY a", false),
        ] {
            let found = forgetful(&[table(engine)]).expect("a table");
            assert_eq!(!found.is_empty(), is_forgetful, "{engine}");
        }
        assert_eq!(forgetful(&[]), None);
    }
}
