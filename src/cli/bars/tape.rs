//! `streamkit bars --from-tape`: bars straight from a file of trades.
//!
//! Nothing is printed until the whole tape has been read: a bad line leaves no half of
//! an answer. What is to be printed waits in memory, and beyond some megabytes in
//! temporary files, so a tape may be as long as it likes.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{self, Read as _, Seek as _, Write as _},
    num::NonZeroU64,
    path::Path,
};

use anyhow::Context as _;
use tempfile::SpooledTempFile;

use crate::{
    app::from_tape::{TapeError, TapeTrade, from_tape},
    cli::{
        context::Context,
        error::{CliError, Edge as _},
        exit::ExitCode,
    },
    domain::{
        anchor::Anchor,
        bar::Bar,
        ladder::Rules,
        row::{BarRow, ExchangeName},
        symbol::Symbol,
        threshold::Threshold,
        trade::Trade,
    },
    exchange::binance::{
        archive::{FileError, TradeFile},
        csv::CsvError,
    },
    report::bars::{BarsFormat, BarsReporter, push_line},
};

/// How much of each threshold's output stays in memory.
const IN_MEMORY_SIZE_BYTES: usize = 8 << 20;

/// What to build.
pub(super) struct TapeRequest<'a> {
    /// The file.
    pub path: &'a Path,
    /// The symbol that the bars are given.
    pub symbol: Symbol,
    /// Where they are cut.
    pub anchor: Anchor,
    /// Whether a bar stays open at the time that it opened.
    pub gate: bool,
    /// Only the newest so many of each threshold.
    pub newest: Option<NonZeroU64>,
    /// Only those opened at or after this time, in µs.
    pub since_us: Option<i64>,
    /// How they are printed.
    pub format: BarsFormat,
}

/// The symbol that was given, or that the file's name begins with: `BTCUSDT` of
/// `BTCUSDT-aggTrades-2025-09-01.csv`.
pub(super) fn symbol(path: &Path, given: &[Symbol]) -> Result<Symbol, CliError> {
    match given {
        [] => {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let name = stem.split("-aggTrades").next().unwrap_or_default();
            name.parse().map_err(|_| {
                CliError::new(
                    ExitCode::Usage,
                    format!("no symbol can be read from the name {}", path.display()),
                )
                .hint("name it before the options: streamkit bars SYMBOL --from-tape FILE")
            })
        }
        [symbol] => Ok(symbol.clone()),
        _ => Err(
            CliError::new(ExitCode::Usage, "a tape holds the trades of one symbol")
                .hint("name one symbol, or none"),
        ),
    }
}

/// Builds the bars and prints them by threshold.
pub(super) fn run(request: &TapeRequest<'_>, context: &Context) -> Result<ExitCode, CliError> {
    let thresholds = &context.settings.thresholds.value;
    let mut gathered: BTreeMap<Threshold, Gathered> = thresholds
        .iter()
        .map(|&threshold| (threshold, Gathered::new(request)))
        .collect();
    let exchange: ExchangeName = context.settings.exchange.value.as_str().into();
    let rules = Rules {
        anchor: request.anchor,
        gate: request.gate,
    };
    let tape = TapeFile::open(request.path)
        .map_err(|error| failed(TapeError::Unreadable(error), request.path))?;
    let built = from_tape(tape, thresholds, rules, |bar| {
        let is_wanted = request
            .since_us
            .is_none_or(|since_us| bar.open_time_us >= since_us);
        let threshold = bar.threshold;
        match gathered.get_mut(&threshold) {
            Some(gathered) if is_wanted => gathered.push(row(bar, request, &exchange)),
            _ => Ok(()),
        }
    });
    built.map_err(|error| failed(error, request.path))?;
    if gathered.values().all(Gathered::is_empty) {
        context
            .printer
            .tell("no bar is complete in the part that was asked for");
    }
    let mut reporter = BarsReporter::new(&context.printer, request.format);
    for gathered in gathered.into_values() {
        gathered.print(&mut reporter)?;
    }
    reporter.finish()?;
    Ok(ExitCode::Ok)
}

fn row(bar: Bar, request: &TapeRequest<'_>, exchange: &ExchangeName) -> BarRow {
    BarRow {
        exchange: ExchangeName::clone(exchange),
        symbol: request.symbol.clone(),
        anchor: request.anchor,
        bar,
        version: 0,
        is_deleted: false,
    }
}

fn failed(error: TapeError<FileError>, path: &Path) -> CliError {
    let path = path.display();
    match error {
        TapeError::Unreadable(error) => {
            let hint = match &error {
                FileError::Csv(CsvError::Io { .. }) => {
                    "check that the file is there, and that you may read it"
                }
                FileError::Csv(CsvError::Line { .. }) => LINE_HINT,
                FileError::Zip { .. } => ZIP_HINT,
                FileError::Thread { .. } => "run it again; please report it if it happens twice",
            };
            CliError::from(error).hint(hint)
        }
        TapeError::Malformed { line, source } => CliError::new(
            ExitCode::Failed,
            format!("failed to read {path}:{line}: {source}"),
        )
        .hint(LINE_HINT),
        TapeError::NotNext {
            line,
            expected,
            got,
        } => CliError::new(
            ExitCode::Failed,
            format!("failed to read {path}:{line}: id {got} stands where {expected} has to follow"),
        )
        .hint(
            "a tape has every id from its first to its last, once and in order: fetch the file \
             again, or cut it where ids are missing",
        ),
        TapeError::Empty => CliError::new(
            ExitCode::Failed,
            format!("failed to find a trade in {path}"),
        )
        .hint("give a file with trades"),
        TapeError::Handed(error) => CliError::from(error).hint(SPACE_HINT),
    }
}

const LINE_HINT: &str = "every line is a,p,q,f,l,T,m: aggregate id, price, quantity, first and \
                         last individual id, time, and whether the buyer is the maker";

const ZIP_HINT: &str = "fetch the file again; a zip holds one CSV of trades, as in the exchange's \
                        archive";

const SPACE_HINT: &str = "make room in the directory for temporary files (TMPDIR)";

/// The trades of a file with their lines.
struct TapeFile {
    file: TradeFile,
    block: Vec<Trade>,
    /// The next trade of the block.
    next: usize,
    /// The line that the block's first trade stands on.
    first_line: u64,
}

impl TapeFile {
    fn open(path: &Path) -> Result<Self, FileError> {
        Ok(Self {
            file: TradeFile::open(path)?,
            block: Vec::new(),
            next: 0,
            first_line: 1,
        })
    }
}

impl Iterator for TapeFile {
    type Item = Result<TapeTrade, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.block.len() {
            self.block.clear();
            self.next = 0;
            match self.file.next_block() {
                Ok(Some(block)) => {
                    self.block.extend_from_slice(block.trades);
                    self.first_line = block.first_line;
                }
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
        let trade = self.block[self.next];
        let line = self.first_line + self.next as u64;
        self.next += 1;
        Some(Ok(TapeTrade { line, trade }))
    }
}

/// The bars of one threshold, until they are printed.
enum Gathered {
    /// The newest so many.
    Newest { rows: VecDeque<BarRow>, most: u64 },
    /// All, as lines.
    All {
        lines: io::BufWriter<SpooledTempFile>,
        format: BarsFormat,
        line: String,
    },
}

impl Gathered {
    fn new(request: &TapeRequest<'_>) -> Self {
        match request.newest {
            Some(most) => Self::Newest {
                rows: VecDeque::new(),
                most: most.get(),
            },
            None => Self::All {
                lines: io::BufWriter::new(SpooledTempFile::new(IN_MEMORY_SIZE_BYTES)),
                format: request.format,
                line: String::new(),
            },
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Newest { rows, .. } => rows.is_empty(),
            Self::All { line, .. } => line.is_empty(),
        }
    }

    fn push(&mut self, row: BarRow) -> anyhow::Result<()> {
        match self {
            Self::Newest { rows, most } => {
                rows.push_back(row);
                if rows.len() as u64 > *most {
                    rows.pop_front();
                }
                Ok(())
            }
            Self::All {
                lines,
                format,
                line,
            } => {
                line.clear();
                push_line(*format, &row, line);
                lines
                    .write_all(line.as_bytes())
                    .context("write a temporary file")
            }
        }
    }

    fn print(self, reporter: &mut BarsReporter<'_>) -> Result<(), CliError> {
        let lines = match self {
            Self::Newest { rows, .. } => {
                for row in rows {
                    reporter.push(row)?;
                }
                return Ok(());
            }
            Self::All { lines, .. } => lines,
        };
        let mut file = lines
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .context("write a temporary file")
            .hint(SPACE_HINT)?;
        file.rewind()
            .context("read a temporary file")
            .hint(SPACE_HINT)?;
        let mut piece = vec![0; 64 << 10];
        loop {
            match file
                .read(&mut piece)
                .context("read a temporary file")
                .hint(SPACE_HINT)?
            {
                0 => return Ok(()),
                size => reporter.lines(&piece[..size])?,
            }
        }
    }
}
