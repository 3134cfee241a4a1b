//! `probe serve` runs the sim exchange alone, so that any Binance client can be tested against it;
//! `probe tape` writes what it plays as CSV, so that anybody can compare.

use std::io::{self, BufWriter, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use futures_util::future::join_all;
use jiff::civil::Date;

use crate::app::clock::Clock;
use crate::app::probe::relay::{Relay, WaySpec};
use crate::exchange::sim::{Config, Fault, FaultChange, Rate, Server, SimError, Tape};
use crate::report::OutputError;

use crate::cli::args::duration;
use crate::cli::error::{CliError, Edge as _};
use crate::cli::exit::ExitCode;

/// Microseconds in a UTC day.
const DAY_US: i64 = 86_400_000_000;

/// Run a Binance-compatible sim exchange
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The address to listen on; port 0 takes any free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    #[command(flatten)]
    source: SourceArgs,
    /// The symbols to serve.
    #[arg(
        long,
        value_name = "SYMBOL,…",
        value_delimiter = ',',
        required = true,
        value_parser = capitals
    )]
    symbols: Vec<String>,
    /// How many trades of the tape are already past at the start.
    #[arg(long, value_name = "N")]
    history: Option<u64>,
    /// End the tape after so many trades a symbol; the streams stay open and quiet.
    #[arg(long, value_name = "N")]
    length: Option<u64>,
    /// How often streams are pinged.
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = duration)]
    ping: Duration,
    /// How long a ping may stay unanswered.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pong_timeout: Duration,
    /// How many messages, pings and pongs a client may send in a second.
    #[arg(long, value_name = "N", default_value_t = 5)]
    client_message_limit: u32,
    /// How long a stream connection lives.
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration)]
    lifetime: Duration,
    /// Let the streams lag behind the history that REST serves.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = delay)]
    stream_delay: Duration,
    /// Request weight allowed a minute and address.
    #[arg(long, value_name = "WEIGHT", default_value_t = 6000)]
    weight_limit: u32,
    /// Stream connections allowed in five minutes and address.
    #[arg(long, value_name = "N", default_value_t = 300)]
    connection_limit: u32,
    /// Have this fault from the start, such as half_open or skip:every=100,symbol=BTCUSDT, or on
    /// the way to the exchange: fin, rst, deaf, mute, blackhole, slow_handshake,
    /// latency:delay_ms=500 or bandwidth:bytes_per_second=N, each with after_ms and for_ms if it is
    /// not to last; may be given several times.
    #[arg(long = "fault", value_name = "SPEC")]
    faults: Vec<Spec>,
    /// Stop by itself after so long.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    run_for: Option<Duration>,
}

/// What goes wrong: at the exchange, or on the way there.
#[derive(Debug, Clone)]
enum Spec {
    Exchange(Fault),
    Way(WaySpec),
}

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if WaySpec::is_named_in(text) {
            text.parse().map(Self::Way)
        } else {
            text.parse().map(Self::Exchange)
        }
    }
}

/// Write the sim's tape
#[derive(Debug, Args)]
pub(super) struct TapeArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// The symbol to write.
    #[arg(long, value_name = "SYMBOL", value_parser = capitals)]
    symbol: String,
    /// The first id to write; by default the first of a played tape, or of today.
    #[arg(long, value_name = "ID")]
    from_id: Option<i64>,
    /// How many trades to write at most.
    #[arg(long, value_name = "N")]
    count: u64,
    /// A played tape begins with --day (by default today), as under serve --history; without this
    /// it reaches back to 1970, as under serve alone.
    #[arg(long)]
    played: bool,
}

/// Which tape: the same options give the same trades under both commands.
#[derive(Debug, Args)]
struct SourceArgs {
    /// Play this CSV file: a,p,q,f,l,T,m[,M].
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "day", "trades_per_day"])]
    tape: Option<PathBuf>,
    /// The seed of the random tape.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Trades a second and symbol, or "max" for as fast as they are taken.
    #[arg(long, value_name = "RATE", default_value = "10")]
    rate: Rate,
    /// The UTC day that a played random tape begins with; by default today.
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: Option<Date>,
    /// Trades of each day of a played random tape; by default rate × 86400.
    #[arg(long, value_name = "N")]
    trades_per_day: Option<u64>,
}

/// Serves until a signal, or until the time is up.
///
/// # Errors
/// When the settings are wrong, the tape cannot be read, or the address is not to be had.
pub(super) async fn serve(args: ServeArgs) -> Result<ExitCode, CliError> {
    // Listened for before the server starts, so that no signal ends it half-way.
    let stopping = stop_signal().hint("run it where signals can be received")?;
    let config = Config {
        symbols: args.symbols,
        history: args.history,
        length: args.length,
        ping_interval: args.ping,
        pong_timeout: args.pong_timeout,
        client_message_limit: args.client_message_limit,
        lifetime: args.lifetime,
        stream_delay: args.stream_delay,
        weight_limit: args.weight_limit,
        connection_limit: args.connection_limit,
        ..args.source.config()
    };
    let (mut add, mut ways) = (Vec::new(), Vec::new());
    for spec in args.faults {
        match spec {
            Spec::Exchange(fault) => add.push(fault),
            Spec::Way(way) => ways.push(way),
        }
    }
    // Behind a way that fails the exchange is somewhere else.
    let listen = if ways.is_empty() {
        args.listen
    } else {
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
    };
    let server = Server::start(config, listen).await.map_err(failed)?;
    let change = FaultChange { clear: false, add };
    if let Err(complaint) = server.faults().change(&change) {
        return Err(CliError::new(
            ExitCode::Usage,
            format!("a fault makes no sense: {complaint}"),
        )
        .hint("--help after the command shows what it takes"));
    }
    let relay = if ways.is_empty() {
        None
    } else {
        let relay = Relay::at(args.listen, server.addr());
        Some(relay.map_err(|error| {
            let sentence = format!("failed to {error}");
            CliError::new(ExitCode::Unavailable, sentence).hint(
                "give another address of this machine with --listen; port 0 takes any free one",
            )
        })?)
    };
    let addr = relay.as_ref().map_or(server.addr(), Relay::address);
    say(&format!(
        "listening on {addr}  ws ws://{addr}  rest http://{addr}"
    ))?;
    let time_is_up = async {
        match args.run_for {
            Some(run_for) => tokio::time::sleep(run_for).await,
            None => std::future::pending().await,
        }
    };
    let going_wrong = async {
        if let Some(relay) = &relay {
            join_all(ways.into_iter().map(|way| way.play(relay))).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = stopping => {}
        () = time_is_up => {}
        () = going_wrong => {}
    }
    let stats = server.stats();
    server.stop().await;
    tracing::info!(
        "served {} stream connections and {} messages; {} clients did not keep up",
        stats.connections_ever,
        stats.messages_sent,
        stats.slow_clients
    );
    Ok(ExitCode::Ok)
}

/// Writes the tape.
///
/// # Errors
/// When it cannot be made, or written.
pub(super) fn write_tape(args: TapeArgs) -> Result<ExitCode, CliError> {
    let played = args.played || args.source.day.is_some() || args.source.trades_per_day.is_some();
    let config = Config {
        symbols: vec![args.symbol.clone()],
        history: played.then_some(0),
        ..args.source.config()
    };
    let tape = Tape::new(&config).map_err(failed)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let from_id = match args.from_id {
        Some(id) => id,
        None if config.is_played() => 0,
        None => {
            let now_us = Clock::system().wall_us();
            let midnight_us = now_us - now_us.rem_euclid(DAY_US);
            tape.first_id_at(&args.symbol, midnight_us)
                .map_err(failed)?
                .unwrap_or(0)
        }
    };
    tape.write_csv(&args.symbol, from_id, args.count, &mut out)
        .map_err(failed)?;
    out.flush().map_err(OutputError::from)?;
    Ok(ExitCode::Ok)
}

impl SourceArgs {
    fn config(self) -> Config {
        Config {
            seed: self.seed,
            rate: self.rate,
            tape_file: self.tape,
            day: self.day,
            trades_per_day: self.trades_per_day,
            ..Config::default()
        }
    }
}

/// Waits for SIGINT or SIGTERM.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // Where the handler cannot be had, the process ends the ordinary way.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

/// Prints the one line that a script waits for.
fn say(line: &str) -> Result<(), OutputError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// What is wrong with the sim is wrong with its options or with the machine.
fn failed(error: SimError) -> CliError {
    let (code, hint) = match error {
        SimError::Write(error) => return OutputError::from(error).into(),
        SimError::Listen { .. } => (
            ExitCode::Unavailable,
            "give another address of this machine with --listen; port 0 takes any free one",
        ),
        SimError::TapeFile { .. } => (
            ExitCode::Failed,
            "check that the file is there, and that you may read it",
        ),
        SimError::TapeLine { .. } => (
            ExitCode::Failed,
            "every line is a,p,q,f,l,T,m, as in Binance's files of aggregate trades",
        ),
        _ => (
            ExitCode::Usage,
            "--help after the command shows what it takes",
        ),
    };
    CliError::from(error).exit(code).hint(hint)
}

fn capitals(text: &str) -> Result<String, String> {
    let symbol = text.trim().to_ascii_uppercase();
    if symbol.is_empty() {
        Err("a symbol is missing".to_owned())
    } else {
        Ok(symbol)
    }
}

/// A duration that may be zero.
fn delay(text: &str) -> Result<Duration, String> {
    match text {
        "0s" | "0" => Ok(Duration::ZERO),
        text => duration(text),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    enum Line {
        Serve(ServeArgs),
        Tape(TapeArgs),
    }

    fn parse(line: &str) -> Result<Line, clap::Error> {
        Line::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_documented_command_line_is_understood() {
        let line = "probe serve --listen 127.0.0.1:0 --seed 7 --symbols btcusdt,ETHUSDT --rate 500 \
                    --history 100 --day 2025-01-01 --trades-per-day 20000 --ping 20s --for 5m";
        let Ok(Line::Serve(args)) = parse(line) else {
            panic!("not understood");
        };
        assert_eq!(args.symbols, ["BTCUSDT", "ETHUSDT"]);
        assert_eq!(args.run_for, Some(Duration::from_secs(300)));
        assert_eq!(args.source.config().rate, Rate::PerSecond(500.0));
    }

    #[test]
    fn a_file_and_a_seed_exclude_each_other() {
        assert!(parse("probe serve --tape x.csv --seed 1 --symbols A").is_err());
        assert!(parse("probe tape --tape x.csv --symbol A --count 1").is_ok());
    }
}
