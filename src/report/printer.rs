//! The one place that prints.
//!
//! Data goes to standard output, everything else to standard error. When a reader such
//! as `head` closes our output, that is [`OutputError::Closed`] and no failure.

use std::{
    fmt, io,
    io::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};

use super::messages::{LogLines, Messages};

/// How many bytes are gathered before they are written.
const BUFFER_SIZE_BYTES: usize = 64 * 1024;

/// The width of a table when no terminal tells its own.
const DEFAULT_WIDTH: usize = 80;

type Stream = Mutex<Box<dyn Write + Send>>;

/// Why data could not be printed.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The reader has had enough and closed its end.
    #[error("write to standard output: its reader is gone")]
    Closed,
    /// Anything else, such as a full disk.
    #[error("write to standard output")]
    Failed(#[source] io::Error),
    /// The reader is there and does not read.
    #[error("write to standard output: nobody has read it for {}", humantime::format_duration(*.0))]
    Stuck(Duration),
}

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::Closed
        } else {
            Self::Failed(error)
        }
    }
}

/// Prints to standard output and standard error. Cheap to clone; clones print in turn.
#[derive(Clone)]
pub struct Printer {
    out: Arc<Stream>,
    messages: Messages,
    width: usize,
    has_color: bool,
}

impl Printer {
    /// Prints to the standard streams, with colours in data for people if `has_color`.
    #[must_use]
    pub fn stdio(has_color: bool) -> Self {
        let out = io::BufWriter::with_capacity(BUFFER_SIZE_BYTES, io::stdout());
        Self {
            out: Arc::new(Mutex::new(Box::new(out))),
            messages: Messages::to(io::stderr()),
            // Some terminals do not know their width and say 0.
            width: comfy_table::Table::new()
                .width()
                .filter(|&width| width > 0)
                .map_or(DEFAULT_WIDTH, usize::from),
            has_color,
        }
    }

    /// Prints to `out` and `err`, 80 columns wide, without colours.
    #[must_use]
    pub fn to(out: impl Write + Send + 'static, err: impl Write + Send + 'static) -> Self {
        Self {
            out: Arc::new(Mutex::new(Box::new(out))),
            messages: Messages::to(err),
            width: DEFAULT_WIDTH,
            has_color: false,
        }
    }

    /// How many characters fit into a line.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Whether data for people may have colours.
    #[must_use]
    pub fn has_color(&self) -> bool {
        self.has_color
    }

    /// Prints data as it is.
    ///
    /// # Errors
    /// When it cannot be written. Data is buffered: the error may belong to earlier data.
    pub fn data(&self, bytes: &[u8]) -> Result<(), OutputError> {
        Ok(lock(&self.out).write_all(bytes)?)
    }

    /// Prints one line of data.
    ///
    /// # Errors
    /// As for [`data`](Self::data).
    pub fn line(&self, text: impl fmt::Display) -> Result<(), OutputError> {
        Ok(writeln!(lock(&self.out), "{text}")?)
    }

    /// A writer of data to standard output.
    #[must_use]
    pub fn output(&self) -> Output {
        Output(Arc::clone(&self.out))
    }

    /// Writes out all data that was printed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush(&self) -> Result<(), OutputError> {
        Ok(lock(&self.out).flush()?)
    }

    /// Prints one line of data and writes everything out, but waits for a reader no
    /// longer than `patience`.
    ///
    /// # Errors
    /// As for [`data`](Self::data), and when the reader does not read.
    pub fn line_within(
        &self,
        text: impl fmt::Display,
        patience: Duration,
    ) -> Result<(), OutputError> {
        let (printer, text) = (self.clone(), text.to_string());
        let (done, result) = mpsc::sync_channel(1);
        let write = move || {
            let written = printer.line(text).and_then(|()| printer.flush());
            // Nobody listens any more when it took too long.
            let _ = done.send(written);
        };
        let thread = thread::Builder::new().name("summary".to_owned());
        thread.spawn(write).map_err(OutputError::Failed)?;
        let result = result.recv_timeout(patience);
        result.unwrap_or(Err(OutputError::Stuck(patience)))
    }

    /// Tells a person something, on standard error. When even that fails, or nobody reads
    /// it, there is nobody left to tell.
    pub fn tell(&self, text: impl fmt::Display) {
        self.messages.tell(format!("{text}\n").as_bytes());
    }

    /// The way to standard error, for messages and for what is drawn.
    #[must_use]
    pub fn messages(&self) -> Messages {
        self.messages.clone()
    }

    /// The same for the lines of a log, which wait for nobody.
    #[must_use]
    pub fn log_lines(&self) -> LogLines {
        LogLines(self.messages.clone())
    }
}

impl fmt::Debug for Printer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Printer")
            .field("width", &self.width)
            .field("has_color", &self.has_color)
            .finish_non_exhaustive()
    }
}

/// A writer of data to standard output.
pub struct Output(Arc<Stream>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        lock(&self.0).flush()
    }
}

/// A panic in the middle of a line leaves a half-written line, and nothing worse.
fn lock(stream: &Stream) -> MutexGuard<'_, Box<dyn Write + Send>> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Bytes that can be read after they were printed.
    #[derive(Clone, Default)]
    pub struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Shared {
        pub fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("a lock").clone()).expect("UTF-8")
        }
    }

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("a lock").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn data_and_messages_take_different_ways() {
        let (out, err) = (Shared::default(), Shared::default());
        let printer = Printer::to(out.clone(), err.clone());
        printer.line(5).expect("printed");
        printer.data(b"a,b\n").expect("printed");
        printer.tell("careful");
        printer.flush().expect("printed");
        assert_eq!(
            (out.text(), err.text()),
            ("5\na,b\n".to_owned(), "careful\n".to_owned())
        );
    }

    #[test]
    fn a_reader_that_left_is_told_apart_from_a_failure() {
        let printer = Printer::to(Failing(io::ErrorKind::BrokenPipe), io::sink());
        assert!(matches!(printer.line("x"), Err(OutputError::Closed)));
        let printer = Printer::to(Failing(io::ErrorKind::StorageFull), io::sink());
        assert!(matches!(printer.line("x"), Err(OutputError::Failed(_))));
    }
}
