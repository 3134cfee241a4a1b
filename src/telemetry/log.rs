//! The log: lines of text or JSON on standard error, each with its time in UTC.

use std::{fmt, time::SystemTime};

use jiff::Timestamp;
use tracing::{Subscriber, field::Field};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    fmt::{
        MakeWriter,
        format::{Writer, debug_fn},
        time::FormatTime,
    },
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

/// How the log looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOptions {
    /// Directives of [`EnvFilter`], such as `warn,streamkit=debug`.
    pub filter: String,
    /// One JSON object a line instead of text.
    pub is_json: bool,
    /// Colours in text.
    pub has_color: bool,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter makes no sense.
    #[error("set the log up: '{filter}' is not a filter")]
    Filter {
        /// The filter.
        filter: String,
        /// Why not.
        source: tracing_subscriber::filter::ParseError,
    },
    /// There is a log already.
    #[error("set the log up")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Sends what is logged from now on to `writer`, for the whole process.
///
/// # Errors
/// When the filter makes no sense, or a log was set up before.
pub fn init<W>(options: &LogOptions, writer: W) -> Result<(), LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    subscriber(options, writer, wall_clock)?.try_init()?;
    Ok(())
}

fn subscriber<W>(
    options: &LogOptions,
    writer: W,
    now: fn() -> Timestamp,
) -> Result<impl Subscriber + Send + Sync + for<'a> LookupSpan<'a>, LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&options.filter).map_err(|source| LogError::Filter {
        filter: options.filter.clone(),
        source,
    })?;
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_timer(Utc(now));
    let layer = if options.is_json {
        layer
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .boxed()
    } else {
        layer
            .fmt_fields(debug_fn(write_field))
            .with_target(false)
            .with_ansi(options.has_color)
            .boxed()
    };
    Ok(tracing_subscriber::registry().with(filter).with(layer))
}

/// Prints a field after the message. The code of an event is for programs: the sentence
/// beside it says the same.
fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    match field.name() {
        // It comes first. What follows brings its own space, so that a field that is left
        // out leaves none behind.
        "message" => write!(writer, "{value:?}"),
        CODE => Ok(()),
        // Where a library's line was logged, in its source.
        name if name.starts_with("log.") => Ok(()),
        name => write!(writer, " {name}={value:?}"),
    }
}

/// The field that holds an event's stable code.
const CODE: &str = "code";

/// Prints the time as RFC 3339 with milliseconds.
struct Utc(fn() -> Timestamp);

impl FormatTime for Utc {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{:.3}", (self.0)())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a line of the log says when it was written"
)]
fn wall_clock() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("a lock").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn epoch() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn logged(filter: &str, is_json: bool) -> String {
        let lines = Lines::default();
        let options = LogOptions {
            filter: filter.to_owned(),
            is_json,
            has_color: false,
        };
        let writer = lines.clone();
        let subscriber =
            subscriber(&options, move || writer.clone(), epoch).expect("a valid filter");
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(symbol = "BTCUSDT", trades = 5, "caught up");
            tracing::info!(code = "symbol.quiet", "is quiet");
            tracing::debug!("a detail");
        });
        let bytes = lines.0.lock().expect("a lock").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn text_lines_begin_with_the_time_in_utc() {
        assert_eq!(
            logged("info", false),
            "1970-01-01T00:00:00.000Z  INFO caught up symbol=\"BTCUSDT\" trades=5\n\
             1970-01-01T00:00:00.000Z  INFO is quiet\n"
        );
    }

    #[test]
    fn json_lines_hold_the_fields_as_keys() {
        let text = logged("debug", true);
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0]["timestamp"], "1970-01-01T00:00:00.000Z");
        assert_eq!(lines[0]["message"], "caught up");
        assert_eq!(lines[0]["trades"], 5);
    }

    #[test]
    fn a_filter_that_makes_no_sense_is_named() {
        let options = LogOptions {
            filter: "streamkit=loud".to_owned(),
            is_json: false,
            has_color: false,
        };
        let error = subscriber(&options, io::sink, epoch)
            .map(|_| ())
            .expect_err("no level");
        assert_eq!(
            error.to_string(),
            "set the log up: 'streamkit=loud' is not a filter"
        );
    }
}
