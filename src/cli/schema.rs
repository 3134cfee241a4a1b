//! `streamkit schema`: shows the tables and views of a store, or makes them.

use std::io::Write;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use crate::{
    report::OutputError,
    store::{
        StoreOptions,
        address::StoreAddress,
        open,
        schema::{self, Cluster, StoreKind},
    },
};

use super::{error::CliError, exit::ExitCode};

/// Show or make the tables of the store.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 64 usage, 69 store unavailable, 78 configuration"
)]
pub struct SchemaArgs {
    #[command(subcommand)]
    command: SchemaCommand,
}

#[derive(Debug, Subcommand)]
enum SchemaCommand {
    /// Print the statements that make the tables and views
    ///
    /// They change nothing that exists, and go into whatever database they are run in.
    /// Without --store-kind they are for the kind of store that --store names.
    Print(PrintArgs),
    /// Make what is missing in the store that --store names
    ///
    /// A ClickHouse database or a SQLite file is made, too. Nothing that exists is changed.
    Apply,
}

#[derive(Debug, Args)]
struct PrintArgs {
    /// The kind of store: clickhouse or sqlite.
    #[arg(long, value_name = "KIND")]
    store_kind: Option<StoreKind>,
    /// For replicated tables on every server of this ClickHouse cluster. streamkit's
    /// tests do not run these statements: read them first.
    #[arg(long, value_name = "NAME")]
    cluster: Option<Cluster>,
}

/// Runs `streamkit schema`: data goes to `out`, messages to `messages`.
///
/// # Errors
/// When the store cannot be reached or refuses, or nothing can be written.
pub async fn run(
    args: SchemaArgs,
    store: &StoreAddress,
    options: StoreOptions,
    out: &mut (dyn Write + Send),
    messages: &mut (dyn Write + Send),
) -> Result<(), CliError> {
    match args.command {
        SchemaCommand::Print(args) => {
            let text = script(&args, store)?;
            let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            Ok(written.map_err(OutputError::from)?)
        }
        SchemaCommand::Apply => {
            let store = open(store, options)?;
            store.create_schema().await?;
            let told = writeln!(messages, "The schema is in place in {}.", store.address());
            Ok(told.context("write a message")?)
        }
    }
}

fn script(args: &PrintArgs, store: &StoreAddress) -> Result<String, CliError> {
    let kind = match (args.store_kind, &args.cluster, store) {
        (Some(kind), ..) => kind,
        // Only one kind of store has clusters.
        (None, Some(_), _) | (None, None, StoreAddress::ClickHouse(_)) => StoreKind::ClickHouse,
        (None, None, StoreAddress::Sqlite(_)) => StoreKind::Sqlite,
    };
    if kind == StoreKind::Sqlite && args.cluster.is_some() {
        return Err(
            CliError::new(ExitCode::Usage, "a SQLite file has no cluster")
                .hint("leave out --cluster or --store-kind"),
        );
    }
    Ok(schema::print(kind, args.cluster.as_ref()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: SchemaArgs,
    }

    fn args(words: &[&str]) -> SchemaArgs {
        let words = [&["schema"], words].concat();
        Line::try_parse_from(words).expect("arguments").args
    }

    async fn printed(words: &[&str], store: &str) -> Result<String, CliError> {
        let (mut out, mut messages) = (Vec::new(), Vec::new());
        let store = store.parse().expect("an address");
        let options = StoreOptions::default();
        run(args(words), &store, options, &mut out, &mut messages).await?;
        assert!(messages.is_empty());
        Ok(String::from_utf8(out).expect("text"))
    }

    #[tokio::test]
    async fn the_store_decides_what_is_printed_unless_told_otherwise() {
        let (sqlite, clickhouse) = ("sqlite:x.db", "clickhouse://h");
        let kind = |text: &str| {
            if text.contains("MergeTree") {
                StoreKind::ClickHouse
            } else {
                StoreKind::Sqlite
            }
        };
        for (words, store, expected) in [
            (&["print"][..], sqlite, StoreKind::Sqlite),
            (&["print"][..], clickhouse, StoreKind::ClickHouse),
            (
                &["print", "--store-kind", "sqlite"][..],
                clickhouse,
                StoreKind::Sqlite,
            ),
            (
                &["print", "--cluster", "main"][..],
                sqlite,
                StoreKind::ClickHouse,
            ),
        ] {
            let text = printed(words, store).await.expect("a schema");
            assert_eq!(kind(&text), expected, "{words:?} {store}");
        }
        let words = ["print", "--store-kind", "sqlite", "--cluster", "main"];
        assert!(printed(&words, sqlite).await.is_err());
    }

    #[tokio::test]
    async fn applying_makes_the_store_and_says_where() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = StoreAddress::Sqlite(directory.path().join("a/bars.db"));
        let (mut out, mut messages) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            let options = StoreOptions::default();
            run(args(&["apply"]), &store, options, &mut out, &mut messages)
                .await
                .expect("a schema");
        }
        assert!(out.is_empty());
        let messages = String::from_utf8(messages).expect("text");
        assert!(messages.contains(&store.to_string()), "{messages}");
        open(&store, StoreOptions::default())
            .expect("a store")
            .ping()
            .await
            .expect("an answer");
    }
}
