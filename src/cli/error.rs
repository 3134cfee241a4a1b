//! From errors to what a person reads: a sentence, a hint, an exit code.

use std::fmt;

use crate::{
    config::{Origin, SettingError},
    domain::row::UnreadableRow,
    exchange::source::SourceError,
    journal::JournalError,
    report::{OutputError, Printer},
    store::sink::{StoreError, StoreErrorKind},
};

use super::exit::ExitCode;

/// Why a command failed, in words for a person.
///
/// It is made from any library error by `?`; what kind that is decides the exit code
/// and the hint, unless they are given with [`Edge`].
#[derive(Debug)]
pub struct CliError {
    code: ExitCode,
    message: String,
    hint: Option<String>,
    /// The reader of our output is gone: nothing to complain about.
    is_closed_output: bool,
}

/// What is said when nobody knows better.
const GENERAL_HINT: &str = "run it again with -v to see more";

impl CliError {
    /// An error whose message is a whole sentence by itself.
    #[must_use]
    pub fn new(code: ExitCode, message: impl fmt::Display) -> Self {
        Self {
            code,
            message: message.to_string(),
            hint: None,
            is_closed_output: false,
        }
    }

    /// The same error with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// The same error with another exit code.
    #[must_use]
    pub fn exit(mut self, code: ExitCode) -> Self {
        self.code = code;
        self
    }

    /// What the program exits with.
    #[must_use]
    pub const fn exit_code(&self) -> ExitCode {
        self.code
    }

    /// Whether it may be over by itself: a collector that is restarted, a store that is away.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self.code, ExitCode::Unavailable | ExitCode::TryAgain)
    }

    /// What has failed.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    #[must_use]
    pub fn hint_text(&self) -> &str {
        self.hint.as_deref().unwrap_or(GENERAL_HINT)
    }

    /// Tells it on standard error, and returns the exit code.
    pub fn report(&self, printer: &Printer) -> ExitCode {
        if self.is_closed_output {
            return ExitCode::Ok;
        }
        printer.tell(self);
        self.code
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.message)?;
        write!(f, "hint: {}", self.hint_text())
    }
}

/// Library errors are lower-case and fit "failed to {error}".
impl<E: Into<anyhow::Error>> From<E> for CliError {
    fn from(error: E) -> Self {
        let error: anyhow::Error = error.into();
        let (code, hint) = classify(&error);
        Self {
            code,
            message: format!("failed to {}", sentence(&error)),
            hint,
            is_closed_output: find(&error)
                .is_some_and(|error: &OutputError| matches!(error, OutputError::Closed)),
        }
    }
}

/// The error and its causes in one line. A cause that is told already is left out:
/// some errors tell their cause themselves.
fn sentence(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

fn find<T: std::error::Error + Send + Sync + 'static>(error: &anyhow::Error) -> Option<&T> {
    error.chain().find_map(|cause| cause.downcast_ref())
}

/// The exit code and the hint for errors that are known here.
fn classify(error: &anyhow::Error) -> (ExitCode, Option<String>) {
    if let Some(error) = find::<StoreError>(error) {
        return of_store(error);
    }
    if let Some(UnreadableRow { .. }) = find(error) {
        let hint = "'streamkit verify SYMBOL' lists everything that is damaged";
        return (ExitCode::Failed, Some(hint.to_owned()));
    }
    if let Some(error) = find::<JournalError>(error) {
        return of_journal(error);
    }
    if let Some(error) = find::<SourceError>(error) {
        return of_source(error);
    }
    if let Some(error) = find::<SettingError>(error) {
        return of_setting(error);
    }
    match find(error) {
        Some(OutputError::Failed(_)) => {
            let hint = "make room where the output goes, and run it again";
            return (ExitCode::Failed, Some(hint.to_owned()));
        }
        Some(OutputError::Stuck(_)) => {
            let hint = "let its reader read on, or send it to a file; everything else was done";
            return (ExitCode::Failed, Some(hint.to_owned()));
        }
        Some(OutputError::Closed) | None => {}
    }
    (ExitCode::Failed, None)
}

fn of_store(error: &StoreError) -> (ExitCode, Option<String>) {
    let (code, hint) = match error.kind {
        StoreErrorKind::Configuration => (
            ExitCode::Configuration,
            "check the address, user, password and rights of --store ('streamkit config show' \
             tells where it comes from); 'streamkit schema apply' makes missing tables",
        ),
        StoreErrorKind::Retry | StoreErrorKind::Ambiguous => (
            ExitCode::Unavailable,
            "check that the store runs and can be reached from here, then run it again",
        ),
        StoreErrorKind::Content => (
            ExitCode::Failed,
            "the store refuses these rows; its message says which value it does not take",
        ),
    };
    (code, Some(hint.to_owned()))
}

fn of_journal(error: &JournalError) -> (ExitCode, Option<String>) {
    let (code, hint) = match error {
        JournalError::Unusable { .. } => (
            ExitCode::Configuration,
            "name a directory that this user may write to with --state-dir",
        ),
        JournalError::NetworkFileSystem { .. } => (
            ExitCode::Configuration,
            "name a directory on a local disk with --state-dir",
        ),
        JournalError::InUse { .. } => (
            ExitCode::TryAgain,
            "stop the other collector, or give this one another --state-dir",
        ),
        JournalError::OtherStore { .. } => (
            ExitCode::Configuration,
            "use another --state-dir for another store; if it is the same store at a new \
             address, add --accept-store once",
        ),
        JournalError::Missing { .. } => (
            ExitCode::Failed,
            "'streamkit collect' makes one; name its directory with --state-dir, or add \
             --exchange sim for that of the simulated exchange",
        ),
        JournalError::UnknownBatch { .. } => (
            ExitCode::Failed,
            "'streamkit spool ls' lists the batches; what was delivered is not there any more",
        ),
        JournalError::Damaged { .. } => (
            ExitCode::Failed,
            "'streamkit spool verify' finds all damage; check the disk of --state-dir",
        ),
        error if error.damage().is_some() => (
            ExitCode::Failed,
            "check the disk of --state-dir; 'streamkit collect' keeps the damaged file under \
             another name, and goes on with what can be read of it",
        ),
        JournalError::UnknownFormat { .. } => (
            ExitCode::Configuration,
            "use the program that made the file, or another --state-dir",
        ),
        _ => (
            ExitCode::Failed,
            "look at the disk of --state-dir: is it full, or failing?",
        ),
    };
    (code, Some(hint.to_owned()))
}

fn of_source(error: &SourceError) -> (ExitCode, Option<String>) {
    let unavailable = "check the network, and --ws-url and --rest-url if they are set, then run \
                       it again";
    let (code, hint) = match error {
        SourceError::UnknownSymbol { .. } => (
            ExitCode::Usage,
            "spell the symbol as the exchange does, such as BTCUSDT".to_owned(),
        ),
        SourceError::Unreachable { .. } | SourceError::TimedOut { .. } => {
            (ExitCode::Unavailable, unavailable.to_owned())
        }
        SourceError::RateLimited { retry_after, .. } => (
            ExitCode::TryAgain,
            format!(
                "run it again in {}; other programs at this address share its limit",
                humantime::format_duration(*retry_after)
            ),
        ),
        SourceError::Status { status, .. } if *status >= 500 => {
            (ExitCode::Unavailable, unavailable.to_owned())
        }
        SourceError::StreamCount { limit, .. } => (
            ExitCode::Usage,
            format!("put at most {limit} symbols on one connection"),
        ),
        SourceError::Status { .. } | SourceError::Unreadable { .. } => (
            ExitCode::Failed,
            "check that --rest-url is the address of a Binance-compatible exchange".to_owned(),
        ),
    };
    (code, Some(hint))
}

fn of_setting(error: &SettingError) -> (ExitCode, Option<String>) {
    let (code, hint) = match error {
        SettingError::Value {
            origin: Origin::Flag(flag),
            ..
        } => (
            ExitCode::Usage,
            format!("correct {flag} on the command line"),
        ),
        SettingError::Value { origin, .. } => {
            (ExitCode::Configuration, format!("correct {origin}"))
        }
        SettingError::Several(_) => (
            ExitCode::Configuration,
            "correct each where it stands; 'streamkit config check FILE' looks at a file alone"
                .to_owned(),
        ),
        SettingError::File(_) => (
            ExitCode::Configuration,
            "correct the file, or name another one with --config".to_owned(),
        ),
        SettingError::NoHome(key) => (
            ExitCode::Configuration,
            format!(
                "give it with {} or {}, or set HOME",
                key.flag(),
                key.variable()
            ),
        ),
    };
    (code, Some(hint))
}

/// Hints and exit codes for results at the edge of the program.
pub trait Edge<T> {
    /// The error with what to do about it.
    ///
    /// # Errors
    /// When there was an error.
    fn hint(self, hint: impl fmt::Display) -> Result<T, CliError>;

    /// The error with another exit code.
    ///
    /// # Errors
    /// When there was an error.
    fn exit(self, code: ExitCode) -> Result<T, CliError>;
}

impl<T, E: Into<CliError>> Edge<T> for Result<T, E> {
    fn hint(self, hint: impl fmt::Display) -> Result<T, CliError> {
        self.map_err(|error| error.into().hint(hint))
    }

    fn exit(self, code: ExitCode) -> Result<T, CliError> {
        self.map_err(|error| error.into().exit(code))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use anyhow::Context as _;

    use super::*;

    fn store_error(kind: StoreErrorKind) -> StoreError {
        StoreError {
            kind,
            address: "sqlite:a.db".to_owned(),
            code: None,
            reason: "no".to_owned(),
        }
    }

    #[test]
    fn a_library_error_becomes_a_sentence_with_its_causes_and_a_hint() {
        let cause = std::io::Error::new(std::io::ErrorKind::NotFound, "no such file");
        let error: Result<(), _> = Err(cause).context("read a.csv");
        let error = CliError::from(error.expect_err("an error"));
        assert_eq!(
            error.to_string(),
            "error: failed to read a.csv: no such file\nhint: run it again with -v to see more"
        );
        assert_eq!(error.code, ExitCode::Failed);
    }

    #[test]
    fn a_cause_that_is_told_already_is_not_told_twice() {
        let error = anyhow::anyhow!("no such file").context("read a.csv: no such file");
        assert_eq!(sentence(&error), "read a.csv: no such file");
    }

    #[test]
    fn what_a_store_says_decides_the_exit_code_however_deep_it_lies() {
        for (kind, code) in [
            (StoreErrorKind::Configuration, ExitCode::Configuration),
            (StoreErrorKind::Retry, ExitCode::Unavailable),
            (StoreErrorKind::Ambiguous, ExitCode::Unavailable),
            (StoreErrorKind::Content, ExitCode::Failed),
        ] {
            let error = anyhow::Error::new(store_error(kind)).context("verify");
            let error = CliError::from(error);
            assert_eq!(error.code, code);
            assert!(error.hint.is_some());
            assert!(
                error
                    .message
                    .starts_with("failed to verify: use the store sqlite:a.db")
            );
        }
    }

    #[test]
    fn what_an_exchange_says_decides_the_exit_code() {
        let endpoint = || "https://h".to_owned();
        let status = |status| SourceError::Status {
            endpoint: endpoint(),
            status,
            body: String::new(),
        };
        let cases = [
            (
                SourceError::UnknownSymbol {
                    endpoint: endpoint(),
                    symbol: "NOPE".parse().expect("a symbol"),
                    message: "Invalid symbol.".to_owned(),
                },
                ExitCode::Usage,
            ),
            (
                SourceError::Unreachable {
                    endpoint: endpoint(),
                    cause: "refused".to_owned(),
                },
                ExitCode::Unavailable,
            ),
            (
                SourceError::RateLimited {
                    endpoint: endpoint(),
                    status: 429,
                    retry_after: Duration::from_secs(90),
                },
                ExitCode::TryAgain,
            ),
            (status(503), ExitCode::Unavailable),
            (status(400), ExitCode::Failed),
        ];
        for (error, code) in cases {
            let error = CliError::from(error);
            assert_eq!(error.code, code, "{error}");
            assert!(error.hint.is_some(), "{error}");
        }
    }

    #[test]
    fn a_hint_and_a_code_can_be_given_at_the_edge() {
        let result: Result<(), StoreError> = Err(store_error(StoreErrorKind::Retry));
        let error = result
            .hint("wait")
            .exit(ExitCode::TryAgain)
            .expect_err("an error");
        assert_eq!(
            (error.code, error.hint.as_deref()),
            (ExitCode::TryAgain, Some("wait"))
        );
    }

    #[test]
    fn a_reader_that_left_is_no_error() {
        let error = CliError::from(OutputError::Closed);
        let printer = Printer::to(std::io::sink(), std::io::sink());
        assert_eq!(error.report(&printer), ExitCode::Ok);
    }
}
