//! The whole command line: the parser, and what happens before and after a subcommand.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, IsTerminal as _},
    path::PathBuf,
    time::Duration,
};

use clap::{ArgAction, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::{
    app::{clock::Clock, inherited::end_with_parent},
    config::{
        Directories, Key, Settings, Sources,
        settings::{Color, Exchange, LogFilter, LogFormat},
    },
    report::Printer,
    store::StoreOptions,
    telemetry::log::{self, LogOptions},
};

use super::{
    backfill::BackfillArgs,
    bars::BarsArgs,
    collect::CollectArgs,
    config::{self, ConfigArgs},
    context::{Context, Output, block_on},
    doctor::DoctorArgs,
    error::CliError,
    exit::ExitCode,
    probe::{self, ProbeArgs},
    schema::{self, SchemaArgs},
    seals::SealsArgs,
    shell::{CompletionsArgs, ManArgs},
    spool::SpoolArgs,
    status::{self, StatusArgs},
    verify::VerifyArgs,
    watchdog::WatchdogArgs,
};

mod panics;
mod usage;

/// How long the last lines of the log may take to be written at the end.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Keeps live trade data flowing into a database for months without anyone watching,
/// and can prove it.
#[derive(Debug, Parser)]
#[command(name = "streamkit", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: GlobalArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    Collect(Box<CollectArgs>),
    Bars(BarsArgs),
    Verify(VerifyArgs),
    Seals(SealsArgs),
    Status(StatusArgs),
    Watchdog(Box<WatchdogArgs>),
    Backfill(Box<BackfillArgs>),
    Spool(SpoolArgs),
    Doctor(DoctorArgs),
    Config(ConfigArgs),
    Schema(SchemaArgs),
    Probe(ProbeArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// What every subcommand takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
struct GlobalArgs {
    /// How to print results; csv is for bars, nagios for watchdog
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value_t = Output::Human,
        hide_possible_values = true,
        value_name = "human|json|csv|nagios"
    )]
    output: Output,
    /// Read settings from this file [default: streamkit.toml in the directory for settings]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where bars are kept: clickhouse://user@host/database or sqlite:PATH
    #[arg(long, global = true, value_name = "URL", hide_default_value = true)]
    store: Option<String>,
    /// The directory of the journal
    #[arg(long, global = true, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// The exchange: binance, or sim for a made-up one [default: binance]
    #[arg(long, global = true, value_name = "NAME", value_parser = str::parse::<Exchange>)]
    exchange: Option<Exchange>,
    /// An address of the exchange's streams; may be given several times
    #[arg(long, global = true, value_name = "URL")]
    ws_url: Vec<String>,
    /// An address of the exchange's requests; may be given several times
    #[arg(long, global = true, value_name = "URL")]
    rest_url: Vec<String>,
    /// The address of the exchange's archive
    #[arg(long, global = true, value_name = "URL")]
    archive_url: Option<String>,
    /// Log more; twice for everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Log less; twice for errors only
    #[arg(short, long, global = true, action = ArgAction::Count)]
    quiet: u8,
    /// How the log is written [default: text]
    #[arg(
        long,
        global = true,
        value_enum,
        hide_possible_values = true,
        value_name = "text|json"
    )]
    log_format: Option<LogFormat>,
    /// When to use colours [default: auto]
    #[arg(
        long,
        global = true,
        value_enum,
        hide_possible_values = true,
        value_name = "auto|always|never"
    )]
    color: Option<Color>,
}

impl GlobalArgs {
    /// The settings that were given as flags.
    fn flags(&self) -> BTreeMap<Key, Vec<String>> {
        let mut flags = BTreeMap::new();
        let mut set = |key, values: Vec<String>| {
            if !values.is_empty() {
                flags.insert(key, values);
            }
        };
        let text = |value: Option<String>| value.into_iter().collect();
        set(Key::Store, text(self.store.clone()));
        set(
            Key::StateDir,
            text(
                self.state_dir
                    .as_ref()
                    .map(|path| path.to_string_lossy().into_owned()),
            ),
        );
        set(
            Key::Exchange,
            text(self.exchange.as_ref().map(ToString::to_string)),
        );
        set(Key::WsUrl, self.ws_url.clone());
        set(Key::RestUrl, self.rest_url.clone());
        set(Key::ArchiveUrl, text(self.archive_url.clone()));
        set(
            Key::LogFormat,
            text(self.log_format.map(|format| format.to_string())),
        );
        set(Key::Color, text(self.color.map(|color| color.to_string())));
        if self.verbose > 0 || self.quiet > 0 {
            let filter = LogFilter::of_counts(self.verbose, self.quiet);
            set(Key::Log, vec![filter.to_string()]);
        }
        flags
    }
}

impl Command {
    /// The settings that the subcommand's own flags give.
    fn flags(&self) -> BTreeMap<Key, Vec<String>> {
        match self {
            Self::Collect(args) => args.flags(),
            Self::Bars(args) => args.flags(),
            Self::Backfill(args) => args.flags(),
            Self::Watchdog(args) => args.flags(),
            Self::Verify(_)
            | Self::Seals(_)
            | Self::Status(_)
            | Self::Spool(_)
            | Self::Doctor(_)
            | Self::Config(_)
            | Self::Schema(_)
            | Self::Probe(_)
            | Self::Completions(_)
            | Self::Man(_) => BTreeMap::new(),
        }
    }

    fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        match self {
            Self::Collect(args) => args.run(context),
            Self::Bars(args) => args.run(context),
            Self::Verify(args) => args.run(context),
            Self::Seals(args) => args.run(context),
            Self::Status(args) => status::run(&args, context),
            Self::Watchdog(args) => args.run(context),
            Self::Backfill(args) => args.run(context),
            Self::Spool(args) => args.run(context),
            Self::Doctor(args) => args.run(context),
            Self::Config(args) => args.run(context),
            Self::Schema(args) => block_on(async {
                let (mut out, mut messages) =
                    (context.printer.output(), context.printer.messages());
                let store = &context.settings.store()?.value;
                let options = StoreOptions::default();
                schema::run(args, store, options, &mut out, &mut messages).await?;
                Ok(ExitCode::Ok)
            }),
            Self::Probe(args) => probe::run(args, context),
            Self::Completions(args) => args.run(Cli::command(), &context.printer),
            Self::Man(args) => args.run(Cli::command(), &context.printer),
        }
    }
}

/// Runs the program with `args`, the first of which is its name.
pub fn run<I, T>(args: I) -> std::process::ExitCode
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    if !end_with_parent() {
        return ExitCode::Failed.into();
    }
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let cli = Cli::command()
        .try_get_matches_from(&args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let code = match cli {
        Ok(cli) => run_parsed(cli),
        Err(error) => match usage::report(&error) {
            ExitCode::Usage if is_watchdog(&args) => ExitCode::Unknown,
            code => code,
        },
    };
    code.into()
}

fn run_parsed(cli: Cli) -> ExitCode {
    let is_watchdog = matches!(cli.command, Command::Watchdog(_));
    let code = run_command(cli);
    if is_watchdog { for_nagios(code) } else { code }
}

/// The watchdog's own table: whatever kept it from looking, it cannot be told how things are.
const fn for_nagios(code: ExitCode) -> ExitCode {
    match code {
        ExitCode::Ok | ExitCode::Failed | ExitCode::Critical => code,
        _ => ExitCode::Unknown,
    }
}

/// Whether the subcommand is the watchdog, as far as that can be told from a command line
/// that cannot be read.
fn is_watchdog(args: &[OsString]) -> bool {
    let matches = Cli::command()
        .ignore_errors(true)
        .try_get_matches_from(args);
    matches.is_ok_and(|matches| matches.subcommand_name() == Some("watchdog"))
}

fn run_command(cli: Cli) -> ExitCode {
    // Without it, and with two providers in the tree some day, TLS would panic.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let plain = Printer::stdio(false);
    // These work whatever the settings are.
    let ended = |result: Result<_, CliError>| result.unwrap_or_else(|error| error.report(&plain));
    if let Command::Config(args) = &cli.command
        && let Some(file) = args.file_to_check()
    {
        let is_json = cli.global.output == Output::Json;
        return ended(config::check(file, is_json, &plain));
    }
    let cli = match cli.command {
        Command::Completions(args) => return ended(args.run(Cli::command(), &plain)),
        Command::Man(args) => return ended(args.run(Cli::command(), &plain)),
        command => Cli { command, ..cli },
    };
    match prepare(&cli) {
        Ok(context) => {
            panics::tell_to(&context.printer);
            let code = match cli.command.run(&context) {
                Ok(code) => code,
                Err(error) => error.report(&context.printer),
            };
            // What was logged last is worth a moment, but no more.
            context.printer.messages().drain(LAST_LINES);
            code
        }
        // The doctor is there for settings that are wrong, but not for a wrong command line.
        Err(error) => match &cli.command {
            Command::Doctor(args) if error.exit_code() == ExitCode::Configuration => {
                let is_json = cli.global.output == Output::Json;
                ended(args.without_settings(&error, is_json, &plain))
            }
            _ => error.report(&plain),
        },
    }
}

/// Settings, printer and log.
fn prepare(cli: &Cli) -> Result<Context, CliError> {
    let mut flags = cli.global.flags();
    flags.extend(cli.command.flags());
    let settings = Settings::resolve(&Sources {
        flags,
        variable: &|name| std::env::var_os(name),
        file: cli.global.config.clone(),
        directories: Directories::of_this_user(),
    })?;
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let color = settings.color.value;
    let printer = Printer::stdio(color.is_on(io::stdout().is_terminal(), no_color));
    let lines = printer.log_lines();
    let options = LogOptions {
        filter: settings.log.value.to_string(),
        is_json: settings.log_format.value == LogFormat::Json,
        has_color: color.is_on(io::stderr().is_terminal(), no_color),
    };
    log::init(&options, move || lines.clone())?;
    Ok(Context {
        output: cli.global.output,
        printer,
        clock: Clock::system(),
        is_quiet: cli.global.quiet > 0,
        named_exchange: cli.global.exchange.as_ref().map(ToString::to_string),
        settings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parser_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_before_or_after_the_subcommand() {
        for line in [
            "streamkit --store sqlite:a.db -vv verify BTCUSDT",
            "streamkit verify BTCUSDT --store sqlite:a.db -vv",
        ] {
            let cli = Cli::try_parse_from(line.split(' ')).expect(line);
            let flags = cli.global.flags();
            assert_eq!(flags[&Key::Store], ["sqlite:a.db"]);
            assert_eq!(flags[&Key::Log], ["debug,streamkit=trace"]);
            assert_eq!(flags.len(), 2);
        }
    }
}
