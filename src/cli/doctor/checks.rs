//! The checks: each a function that returns what it found, and changes nothing.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustix::fs::Access;
use tokio::time::{Instant, timeout};

use crate::{
    app::alerts::Trial,
    cli::{alerts as alerts_file, collect::exchange, context::Context, error::CliError},
    domain::{anchor::Anchor, row::Series, symbol::Symbol, threshold::Threshold},
    exchange::{binance, source::Source, source::SourceError},
    journal::filesystem::network_kind,
    report::doctor::Finding,
    store::sink::{GapQuery, Store, StoreError},
};

/// How long one question may take. Stores and exchanges have shorter deadlines of their own.
const PATIENCE: Duration = Duration::from_secs(30);
/// A clock that is further off than this is worth a word.
const SKEW: Duration = Duration::from_secs(1);
/// A symbol that an exchange is likely to know.
const LIKELY: &str = "BTCUSDT";

fn of_error(what: &str, error: impl Into<CliError>) -> Finding {
    let error: CliError = error.into();
    Finding::failure(what, error.message(), error.hint_text())
}

fn too_slow(what: &str) -> Finding {
    let detail = format!("no answer within {PATIENCE:?}");
    Finding::failure(
        what,
        detail,
        "look whether the network is well, and try again",
    )
}

/// Can the journal be kept there?
pub fn state_dir(context: &Context) -> Finding {
    const WHAT: &str = "state directory";
    let path = match context.journal_dir() {
        Ok(path) => path,
        Err(error) => return of_error(WHAT, error),
    };
    let shown = path.display();
    let there = nearest(&path);
    let is_dir = there.is_dir();
    let writable = rustix::fs::access(&there, Access::WRITE_OK | Access::EXEC_OK);
    let hint = "choose a local directory that this user can write to with --state-dir";
    if !is_dir {
        let detail = format!("{shown}: {} is no directory", there.display());
        return Finding::failure(WHAT, detail, hint);
    }
    if let Err(error) = writable {
        let detail = format!("{shown}: cannot be written to: {error}");
        return Finding::failure(WHAT, detail, hint);
    }
    match network_kind(&there) {
        Ok(None) => {}
        Ok(Some(kind)) => {
            let detail = format!("{shown} is on a network file system ({kind})");
            return Finding::failure(WHAT, detail, hint);
        }
        Err(error) => {
            let detail = format!("{shown}: its file system cannot be told: {error}");
            return Finding::warning(WHAT, detail, hint);
        }
    }
    if there == path {
        Finding::good(WHAT, format!("{shown} can be written to"))
    } else {
        Finding::good(WHAT, format!("{shown} is not there yet and can be made"))
    }
}

/// The path itself, or the nearest directory above it that is there.
fn nearest(path: &Path) -> PathBuf {
    let above = path.ancestors().find(|path| path.exists());
    match above {
        Some(path) if !path.as_os_str().is_empty() => path.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Is the store there, with its tables?
pub async fn store(context: &Context) -> Finding {
    const WHAT: &str = "store";
    let address = match context.settings.store() {
        Ok(store) => store.value.to_string(),
        Err(error) => return of_error(WHAT, error),
    };
    let store = match context.store_to_read() {
        Ok(Some(store)) => store,
        Ok(None) => {
            let detail = format!("{address} is not there yet");
            return Finding::warning(WHAT, detail, "'streamkit collect' makes it");
        }
        Err(error) => return of_error(WHAT, error),
    };
    match timeout(PATIENCE, ask_store(store.as_ref())).await {
        Ok(Ok(())) => Finding::good(WHAT, format!("{address} answers, with its tables")),
        Ok(Err(error)) => of_error(WHAT, error),
        Err(_) => too_slow(WHAT),
    }
}

/// Asks for what nobody has, so that even a large store answers at once.
async fn ask_store(store: &dyn Store) -> Result<(), StoreError> {
    store.ping().await?;
    let Some((symbol, threshold)) = nobodys() else {
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

fn nobodys() -> Option<(Symbol, Threshold)> {
    Some((LIKELY.parse().ok()?, Threshold::new(1).ok()?))
}

/// Does the exchange answer, know the symbols, stream, and agree about the time?
pub async fn exchange(symbols: &[Symbol], context: &Context) -> Vec<Finding> {
    const WHAT: &str = "exchange";
    let source = match exchange::elsewhere(binance::Settings::default(), context) {
        Ok(Some(source)) => source,
        Ok(None) => return vec![Finding::good(WHAT, "simulated, inside the program")],
        Err(error) => return vec![of_error(WHAT, error)],
    };
    let mut findings = Vec::new();
    let likely: Vec<Symbol> = LIKELY.parse().into_iter().collect();
    let asked = if symbols.is_empty() { &likely } else { symbols };
    for symbol in asked {
        findings.push(history(&source, symbol, symbols.is_empty()).await);
    }
    findings.push(stream(&source, asked).await);
    findings.push(time(&source, context).await);
    findings
}

/// Does it answer requests? A symbol that is only a guess need not be there.
async fn history(source: &Arc<dyn Source>, symbol: &Symbol, is_guess: bool) -> Finding {
    let what = format!("history of {symbol}");
    match timeout(PATIENCE, source.latest(symbol)).await {
        Ok(Ok(Some(newest))) => {
            let name = source.name();
            Finding::good(
                what,
                format!("{name} answers; its newest id is {}", newest.id),
            )
        }
        Ok(Ok(None)) => Finding::warning(
            what,
            "it has never been traded",
            "look whether the symbol is spelled as the exchange does",
        ),
        Ok(Err(SourceError::UnknownSymbol { .. })) if is_guess => Finding::good(
            what,
            format!("{} answers, and does not know the symbol", source.name()),
        ),
        Ok(Err(error)) => of_error(&what, error),
        Err(_) => too_slow(&what),
    }
}

/// Can a stream be opened?
async fn stream(source: &Arc<dyn Source>, symbols: &[Symbol]) -> Finding {
    const WHAT: &str = "stream";
    let begun = Instant::now();
    match timeout(PATIENCE, source.connect(symbols)).await {
        Ok(Ok(mut stream)) => {
            let took = begun.elapsed();
            stream.close().await;
            Finding::good(WHAT, format!("connected in {:.1} s", took.as_secs_f64()))
        }
        Ok(Err(error)) => of_error(WHAT, error),
        Err(_) => too_slow(WHAT),
    }
}

/// Is this machine's clock the exchange's?
async fn time(source: &Arc<dyn Source>, context: &Context) -> Finding {
    const WHAT: &str = "clock";
    let before_us = context.clock.wall_us();
    let there_us = match timeout(PATIENCE, source.time_us()).await {
        Ok(Ok(Some(there_us))) => there_us,
        Ok(Ok(None)) => return Finding::good(WHAT, "the exchange does not tell its time"),
        Ok(Err(error)) => return of_error(WHAT, error),
        Err(_) => return too_slow(WHAT),
    };
    skew(before_us, there_us, context.clock.wall_us())
}

/// The exchange said `there_us` between two looks at our clock.
fn skew(before_us: i64, there_us: i64, after_us: i64) -> Finding {
    const WHAT: &str = "clock";
    // How long the answer was on its way is no skew.
    let ahead_us = before_us.saturating_sub(there_us).max(0);
    let behind_us = there_us.saturating_sub(after_us).max(0);
    let off = Duration::from_micros(ahead_us.max(behind_us).unsigned_abs());
    let way = if ahead_us > 0 { "ahead of" } else { "behind" };
    if off > SKEW {
        let off_s = off.as_secs_f64();
        let detail = format!("it is {off_s:.1} s {way} the exchange's");
        return Finding::warning(WHAT, detail, "let this machine's clock be set by NTP");
    }
    Finding::good(WHAT, "it agrees with the exchange's")
}

/// Does the file of alerts make sense, with the secrets in their places?
pub fn alerts(path: Option<&PathBuf>) -> Finding {
    const WHAT: &str = "alerts";
    let Some(shown) = path.map(|path| path.display()) else {
        return Finding::warning(
            WHAT,
            "no file is named: they are only logged",
            "name one with --alerts, as for 'streamkit collect'",
        );
    };
    let outlets = match alerts_file::load(path) {
        Ok((_, outlets)) => outlets,
        Err(error) => return of_error(WHAT, error),
    };
    let channels = outlets.channels.iter().map(|outlet| outlet.channel.name());
    let pings = outlets.pings.iter().map(|(ping, _)| ping.name());
    let names: Vec<_> = channels.chain(pings).collect();
    if outlets.channels.is_empty() {
        let detail = format!("{shown} names no channel: they are only logged");
        return Finding::warning(WHAT, detail, "add a table [channels.NAME]");
    }
    let detail = format!(
        "{shown} can be read, with its secrets; channels: {}",
        names.join(", ")
    );
    Finding::good(WHAT, detail)
}

/// How a channel fared with a test.
pub fn trial(trial: &Trial) -> Finding {
    let what = format!("channel {}", trial.channel);
    match &trial.outcome {
        Ok(()) => {
            let took_s = trial.took.as_secs_f64();
            Finding::good(what, format!("took a test alert in {took_s:.1} s"))
        }
        Err(error) => {
            let hint = if error.hint.is_empty() {
                "look whether the receiver is there, and try again"
            } else {
                &error.hint
            };
            Finding::failure(what, format!("failed to {}", error.what), hint)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::doctor::Verdict;

    const SECOND_US: i64 = 1_000_000;

    #[test]
    fn the_time_that_an_answer_takes_is_no_skew() {
        for (there_s, verdict, words) in [
            (100, Verdict::Good, "agrees"),
            (105, Verdict::Good, "agrees"),
            (110, Verdict::Good, "agrees"),
            (97, Verdict::Warning, "3.0 s ahead of"),
            (112, Verdict::Warning, "2.0 s behind"),
        ] {
            let found = skew(100 * SECOND_US, there_s * SECOND_US, 110 * SECOND_US);
            assert_eq!(found.verdict, verdict, "{there_s}");
            assert!(found.detail.contains(words), "{}", found.detail);
        }
    }

    #[test]
    fn the_nearest_directory_above_is_the_one_that_is_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a/b");
        assert_eq!(nearest(&path), directory.path());
        assert_eq!(nearest(directory.path()), directory.path());
        assert_eq!(nearest(Path::new("nowhere/at/all")), Path::new("."));
    }
}
