//! Where a backfill's trades come from, as the command line says.

use std::{num::NonZeroU32, path::PathBuf, sync::Arc, time::Duration};

use clap::{Args, ValueEnum};

use crate::{
    app::backfill::{
        feed::{FeedError, FeedLimits, FileIndex, FilesError, SourceKind, Sources},
        job::JobError,
        run::RunError,
    },
    cli::{
        args::{positive, size_bytes},
        collect::exchange::{BINANCE, history},
        context::Context,
        error::{CliError, Edge as _},
        exit::ExitCode,
    },
    domain::symbol::Symbol,
    exchange::{
        binance::{
            Settings,
            archive::{ARCHIVE_URL, Archive, ArchiveSettings},
        },
        source::Source,
    },
};

/// Where trades come from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sources")]
pub struct SourceArgs {
    /// Where trades come from: auto takes the daily archive where it helps, REST for the rest
    #[arg(
        long,
        value_enum,
        default_value = "auto",
        hide_possible_values = true,
        value_name = "auto|archive|rest"
    )]
    source: Kind,
    /// Take trades from these files, CSV or zip, and only what they lack by REST
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "source")]
    from_file: Vec<PathBuf>,
    /// Where files of the archive are kept [default: the user's cache directory]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// How much of them is kept
    #[arg(long, value_name = "SIZE", value_parser = size_bytes, default_value = "4GiB")]
    cache_size: u64,
    /// The weight of requests that may be used in a minute; a collector here uses up to 4800
    /// of the exchange's 6000
    #[arg(long, value_name = "N", value_parser = positive_weight, default_value = "1000")]
    weight_limit: NonZeroU32,
    /// Of at most so many trades REST is taken to bring them sooner than a day's file
    #[arg(
        long, hide_short_help = true, value_name = "N",
        value_parser = positive::<u64>, default_value = "20000"
    )]
    few_trades: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Auto,
    Archive,
    Rest,
}

impl From<Kind> for SourceKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Auto => Self::Auto,
            Kind::Archive => Self::Archive,
            Kind::Rest => Self::Rest,
        }
    }
}

fn positive_weight(text: &str) -> Result<NonZeroU32, String> {
    let weight: u32 = positive(text)?;
    NonZeroU32::new(weight).ok_or_else(|| "a whole number above 0 is expected".to_owned())
}

/// What the command line gives.
pub struct Opened {
    pub sources: Sources,
    /// When the first and the last trade of the user's files happened, in µs.
    pub of_files: Option<(i64, i64)>,
}

/// Prepares the sources; of the network nothing is used yet.
pub async fn open(
    args: &SourceArgs,
    context: &Context,
    patience: Duration,
) -> Result<Opened, CliError> {
    let exchange = exchange(args, context)?;
    let archive = archive(args, context)?;
    if args.source == Kind::Archive && archive.is_none() {
        let sentence = "this exchange has no archive that is known here";
        return Err(CliError::new(ExitCode::Usage, sentence)
            .hint("name it with --archive-url, or use --source rest"));
    }
    let files = if args.from_file.is_empty() {
        None
    } else {
        Some(files(args.from_file.clone()).await?)
    };
    let of_files = files.as_ref().map(|(_, range)| *range);
    let mut limits = FeedLimits {
        few_trades: args.few_trades,
        ..FeedLimits::default()
    };
    limits.pages.patience = patience;
    Ok(Opened {
        sources: Sources {
            exchange,
            archive,
            files: files.map(|(files, _)| files),
            kind: args.source.into(),
            limits,
            clock: context.clock.clone(),
        },
        of_files,
    })
}

/// The exchange for requests; streams are not needed.
fn exchange(args: &SourceArgs, context: &Context) -> Result<Arc<dyn Source>, CliError> {
    let binance = Settings {
        weight_per_minute: args.weight_limit,
        ..Settings::default()
    };
    history(binance, context)?.ok_or_else(|| {
        let sentence = "the sim inside a collector ends with the collector: it has no history";
        CliError::new(ExitCode::Usage, sentence)
            .hint("name a sim of its own with --rest-url: 'streamkit probe serve' runs one")
    })
}

/// The archive; none where only requests are known.
fn archive(args: &SourceArgs, context: &Context) -> Result<Option<Arc<Archive>>, CliError> {
    let settings = &context.settings;
    let is_moved =
        settings.exchange.value.as_str() != BINANCE || !settings.rest_urls.value.is_empty();
    let url = match &settings.archive_url {
        Some(url) => url.value.clone(),
        None if is_moved => return Ok(None),
        None => ARCHIVE_URL.to_owned(),
    };
    if args.source == Kind::Rest || !args.from_file.is_empty() {
        return Ok(None);
    }
    let url = url
        .parse()
        .hint("write --archive-url as https://host[:port][/path]")
        .exit(ExitCode::Configuration)?;
    let directory = match &args.cache_dir {
        Some(directory) => directory.clone(),
        None => Context::cache_dir()?.join("archive"),
    };
    let settings = ArchiveSettings {
        cache_limit_bytes: args.cache_size,
        ..ArchiveSettings::new(url, directory)
    };
    let archive = Archive::new(settings)
        .hint("name a directory that this user may write to with --cache-dir")
        .exit(ExitCode::Configuration)?;
    Ok(Some(Arc::new(archive)))
}

type Files = (Arc<FileIndex>, (i64, i64));

async fn files(paths: Vec<PathBuf>) -> Result<Files, CliError> {
    let looked = tokio::task::spawn_blocking(move || {
        let files = FileIndex::open(&paths)?;
        let first = files.first();
        let last = files.last()?;
        Ok::<_, FilesError>((files, first.zip(last)))
    });
    let (files, range) = looked
        .await
        .map_err(anyhow::Error::from)?
        .hint("check the file; nothing was written")?;
    let range = range.map_or((0, 0), |(first, last)| (first.time_us, last.time_us));
    Ok((Arc::new(files), range))
}

/// Checks that the user's files are of the symbol, of which there can be only one.
pub async fn check_files(sources: &Sources, symbols: &[Symbol]) -> Result<(), CliError> {
    let Some(files) = &sources.files else {
        return Ok(());
    };
    let [symbol] = symbols else {
        let sentence = "files are of one symbol, and several are named";
        return Err(CliError::new(ExitCode::Usage, sentence)
            .hint("run it once for each symbol with its own files"));
    };
    let of = symbol.clone();
    let source = sources.patient(Arc::new(move |event| tracing::warn!("{of}: {event}")));
    match files.check(&source, symbol).await {
        Ok(()) => Ok(()),
        Err(FilesError::Source(error)) => Err(error.into()),
        Err(error) => {
            Err(CliError::from(error).hint("name the file's own symbol; nothing was written"))
        }
    }
}

/// The error with what to do about it.
pub fn with_hint(error: RunError) -> CliError {
    let (code, hint) = match error {
        // These are known wherever they come from.
        RunError::Job(JobError::Store(error)) => return error.into(),
        RunError::Job(JobError::Unreadable(error)) => return error.into(),
        RunError::Job(JobError::Feed(FeedError::Source(error))) => return error.into(),
        RunError::Job(JobError::Feed(FeedError::Archive(_))) => (
            ExitCode::Unavailable,
            "run it again later, or take trades by REST with --source rest",
        ),
        RunError::Job(JobError::Feed(FeedError::GaveUp { .. })) => (
            ExitCode::Unavailable,
            "run the same command again: it goes on with what is missing",
        ),
        RunError::Job(JobError::Feed(FeedError::File(_) | FeedError::Overlap { .. })) => (
            ExitCode::Failed,
            "nothing of that period was written; mend the file, or leave it out",
        ),
        error => return error.into(),
    };
    CliError::from(error).exit(code).hint(hint)
}
