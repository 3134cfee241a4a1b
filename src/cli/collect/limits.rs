//! The times and bounds of collecting, as flags.

use std::time::Duration;

use clap::Args;

use crate::{
    app::{collect::Limits, supervise},
    cli::{
        args::{duration, positive, size_bytes},
        error::CliError,
        exit::ExitCode,
    },
    exchange::binance::Settings,
    store::StoreOptions,
};

/// Later than this, give or take a fiftieth, the exchange may have ended the connection.
const LATEST_RENEWAL: Duration = Duration::from_secs(23 * 3600 + 1800);
/// Deadlines of connections and requests are not scaled below this.
const SCALED_LEAST: Duration = Duration::from_millis(500);
/// How much longer a task may take than its longest step.
const HANG_MARGIN: Duration = Duration::from_secs(1);

/// Each with the default that the use case has.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitsArgs {
    /// Wait so long for a connection
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "10s")]
    pub connect_timeout: Duration,
    /// Ping the exchange so often
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "20s")]
    pub ping: Duration,
    /// Wait so long for the pong
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "10s")]
    pub pong: Duration,
    /// Log a heartbeat line so often when not on a terminal
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "60s")]
    pub heartbeat: Duration,
    /// Take so long at most to stop
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "10s")]
    stop_timeout: Duration,
    /// Ask the exchange about a silent symbol no earlier
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "10s")]
    silence_min: Duration,
    /// Ask the exchange about a silent symbol no later
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "60s")]
    silence_max: Duration,
    /// Give the stream so long for a trade that the exchange has already
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "2s")]
    silence_grace: Duration,
    /// Pause so long after a failure, doubling; half of it for history
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "1s")]
    retry_min: Duration,
    /// Pause no longer after failures
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "60s")]
    retry_max: Duration,
    /// Commit so often
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "250ms")]
    commit_interval: Duration,
    /// Commit early when so many rows wait
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = positive::<usize>, default_value = "1000")]
    commit_rows: usize,
    /// Send a batch when it has so many rows
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = positive::<usize>, default_value = "1000")]
    batch_rows: usize,
    /// Put at most so many rows into a batch when many have waited
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = positive::<usize>, default_value = "100000")]
    batch_rows_most: usize,
    /// Send a batch after so long although it is not full
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "1s")]
    batch_age: Duration,
    /// Hold so many live trades per symbol while earlier ones are fetched
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = positive::<usize>, default_value = "100000")]
    hold_trades: usize,
    /// Leave the store alone after so many failures in a row
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = positive::<u32>, default_value = "5")]
    breaker_failures: u32,
    /// Leave the store alone for so long, then try once
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "60s")]
    breaker_open: Duration,
    /// Let 'spool flush' take over delivery after so long without a sign of life
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    delivery_lease: Duration,
    /// Stop consuming when the spool is so large
    #[arg(long, hide_short_help = true, value_name = "SIZE", value_parser = size_bytes, default_value = "2GiB")]
    spool_size: u64,
    /// Stop consuming when the oldest batch in the spool is so old
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "7d")]
    spool_age: Duration,
    /// Let the journal have so many pages, as if the disk were full then.
    #[arg(long, value_name = "N", value_parser = positive::<u32>, hide = true)]
    journal_max_pages: Option<u32>,
    /// Put so many symbols on one connection
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = positive::<usize>, default_value = "50")]
    symbols_per_connection: usize,
    /// Ask twice, so far apart, before ids count as absent
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "5s")]
    absence_interval: Duration,
    /// Wait so long for the exchange to know an id that came by stream
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "10s")]
    unconfirmed_after: Duration,
    /// Ask twice, so far apart, before ids count as reset
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "10s")]
    reset_interval: Duration,
    /// Keep so many connections to the exchange at once; what comes first by any counts
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = positive::<usize>, default_value = "1")]
    links: usize,
    /// Replace a connection after so long, give or take a fiftieth; the new one is made first
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "23h")]
    renew_after: Duration,
    /// Count a task as failed when it gets nowhere for so long
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "10s")]
    hang_after: Duration,
    /// Write the rows of stream_health so often
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "10s")]
    health_interval: Duration,
    /// Give up writing them after so long
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "3s")]
    health_timeout: Duration,
    /// Read a period back so long after it is over, to seal it
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "2s")]
    seal_delay: Duration,
    /// Look so often whether what was sealed still is
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "60s")]
    seal_interval: Duration,
    /// Seal periods that ended no longer ago, and the last one
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "7d")]
    seal_reach: Duration,
    /// Multiply every time by this, to see in minutes what takes hours.
    #[arg(long, value_name = "FACTOR", hide = true, default_value = "1")]
    time_scale: f64,
    /// Continue a series that only the store knows when it ends no longer ago
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "7d")]
    resume_reach: Duration,
}

impl LimitsArgs {
    /// Scales the deadlines of an exchange like everything else, but none below what a busy machine
    /// needs.
    pub fn scale(&self, binance: &mut Settings) {
        if !self.is_scaled() {
            return;
        }
        let scale = |time| self.scale_one(time);
        let socket = &mut binance.socket;
        scale(&mut socket.connect_deadline);
        scale(&mut socket.ping_interval);
        scale(&mut socket.pong_deadline);
        scale(&mut binance.connect_deadline);
        scale(&mut binance.request_deadline);
    }

    /// The deadlines of a store, scaled in the same way.
    pub fn store(&self) -> StoreOptions {
        let mut options = StoreOptions::default();
        if self.is_scaled() {
            let clickhouse = &mut options.clickhouse;
            for time in [
                &mut options.sqlite.busy_timeout,
                &mut options.sqlite.answer_timeout,
                &mut clickhouse.connect_timeout,
                &mut clickhouse.send_timeout,
                &mut clickhouse.answer_timeout,
                &mut clickhouse.insert_timeout,
                &mut clickhouse.query_timeout,
            ] {
                self.scale_one(time);
            }
        }
        options
    }

    fn scale_one(&self, time: &mut Duration) {
        let least = SCALED_LEAST.min(*time);
        *time = time.mul_f64(self.time_scale).max(least);
    }

    #[expect(clippy::float_cmp, reason = "1 is what is given for no scale at all")]
    fn is_scaled(&self) -> bool {
        self.time_scale != 1.0
    }

    /// The limits of the use case.
    pub fn limits(&self) -> Result<Limits, CliError> {
        for (min, max, least, most) in [
            (
                "--silence-min",
                "--silence-max",
                self.silence_min,
                self.silence_max,
            ),
            ("--retry-min", "--retry-max", self.retry_min, self.retry_max),
        ] {
            if least > most {
                return Err(
                    CliError::new(ExitCode::Usage, format!("{min} is longer than {max}"))
                        .hint(format!("give {min} at most as long as {max}")),
                );
            }
        }
        if self.renew_after > LATEST_RENEWAL {
            return Err(CliError::new(
                ExitCode::Usage,
                format!("--renew-after {:?} is too late", self.renew_after),
            )
            .hint("the exchange ends connections after 24 h: give --renew-after 23h30m or less"));
        }
        let steps = Limits::default().steps;
        // A session takes no turn within a step of its rebuilding.
        let least = steps.stop.max(steps.checkpoint).max(steps.shutdown) + HANG_MARGIN;
        if self.hang_after < least {
            let (given, least) = (self.hang_after, least);
            return Err(CliError::new(
                ExitCode::Usage,
                format!("--hang-after {given:?} is shorter than a step of a restart may take"),
            )
            .hint(format!("give --hang-after {least:?} or longer")));
        }
        let limits = Limits {
            commit_interval: self.commit_interval,
            commit_rows: self.commit_rows,
            silence_min: self.silence_min,
            silence_max: self.silence_max,
            silence_grace: self.silence_grace,
            reconnect_min: self.retry_min,
            reconnect_max: self.retry_max,
            fetch_retry_min: self.retry_min / 2,
            fetch_retry_max: self.retry_max,
            absence_interval: self.absence_interval,
            unconfirmed_after: self.unconfirmed_after,
            reset_interval: self.reset_interval,
            hold_trades: self.hold_trades,
            symbols_per_connection: self.symbols_per_connection,
            stop_timeout: self.stop_timeout,
            batch_rows: self.batch_rows,
            batch_rows_most: self.batch_rows_most,
            batch_age: self.batch_age,
            delivery_retry_min: self.retry_min,
            delivery_retry_max: self.retry_max,
            breaker_failures: self.breaker_failures,
            breaker_open: self.breaker_open,
            delivery_lease: self.delivery_lease,
            spool_size_bytes: self.spool_size,
            spool_age: self.spool_age,
            journal_max_pages: self.journal_max_pages,
            resume_reach: self.resume_reach,
            links: self.links,
            renew_after: self.renew_after,
            health_interval: self.health_interval,
            health_timeout: self.health_timeout,
            seal_delay: self.seal_delay,
            seal_interval: self.seal_interval,
            seal_reach: self.seal_reach,
            tasks: supervise::Limits {
                hang: self.hang_after,
                ..supervise::Limits::default()
            },
            ..Limits::default()
        };
        if !self.is_scaled() {
            return Ok(limits);
        }
        if !(0.001..=1000.0).contains(&self.time_scale) {
            return Err(CliError::new(
                ExitCode::Usage,
                format!("--time-scale {} is out of range", self.time_scale),
            )
            .hint("give --time-scale between 0.001 and 1000"));
        }
        Ok(limits.scaled(self.time_scale))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        limits: LimitsArgs,
    }

    fn limits(line: &str) -> Result<Limits, String> {
        let line = Line::try_parse_from(line.split(' ')).map_err(|error| error.to_string())?;
        line.limits.limits().map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_those_of_the_use_case() {
        let found = limits("collect").expect("limits");
        assert_eq!(format!("{found:?}"), format!("{:?}", Limits::default()));
    }

    #[test]
    fn a_shortest_above_the_longest_is_refused() {
        let error = limits("collect --silence-min 61s").expect_err("too long");
        assert!(
            error.contains("--silence-min is longer than --silence-max"),
            "{error}"
        );
        assert!(limits("collect --retry-min 60s").is_ok());
    }

    #[test]
    fn less_patience_than_a_step_of_a_restart_takes_is_refused() {
        let error = limits("collect --hang-after 5s").expect_err("too short");
        assert!(
            error.contains("--hang-after 5s is shorter than a step of a restart may take"),
            "{error}"
        );
        assert!(limits("collect --hang-after 6s").is_ok());
        assert!(limits("collect --renew-after 24h").is_err());
    }

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(size_bytes("2GiB"), Ok(2 << 30));
        assert_eq!(size_bytes("512 MiB"), Ok(512 << 20));
        for text in ["", "5", "0MiB", "-1GiB", "2GB", "99999999999GiB"] {
            assert!(size_bytes(text).is_err(), "{text}");
        }
    }
}
