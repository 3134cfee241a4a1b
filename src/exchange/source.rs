//! What an exchange has to offer: a live stream, history by id, the latest trade.

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::{
    symbol::Symbol,
    trade::{MalformedTrade, Trade},
};

/// An exchange.
///
/// One value serves all connections of a collector; request budgets are shared
/// through it. Every call ends within the source's own deadlines.
#[async_trait]
pub trait Source: Send + Sync {
    /// The exchange's name in the store.
    fn name(&self) -> &str;

    /// Opens one connection that carries the live trades of `symbols`.
    ///
    /// # Errors
    /// When no endpoint could be connected to within the deadline.
    async fn connect(&self, symbols: &[Symbol]) -> Result<Box<dyn LiveStream>, SourceError>;

    /// Trades in id order from `from_id` on, inclusive: as many as one request gives.
    ///
    /// # Errors
    /// When the exchange could not be asked, or did not answer as documented.
    async fn page(&self, symbol: &Symbol, from_id: i64) -> Result<Page, SourceError>;

    /// What is newest; none when the symbol has never been traded.
    ///
    /// # Errors
    /// As for [`page`](Self::page).
    async fn latest(&self, symbol: &Symbol) -> Result<Option<Newest>, SourceError>;

    /// The first trade at or after `time_us` (µs since 1970 UTC), by id; none when
    /// there is no such trade yet.
    ///
    /// # Errors
    /// As for [`page`](Self::page).
    async fn first_since(
        &self,
        symbol: &Symbol,
        time_us: i64,
    ) -> Result<Option<Trade>, SourceError>;

    /// What time it is at the exchange, in µs since 1970 UTC; none where it does not say.
    ///
    /// # Errors
    /// As for [`page`](Self::page).
    async fn time_us(&self) -> Result<Option<i64>, SourceError> {
        Ok(None)
    }
}

/// The live trades of one connection.
#[async_trait]
pub trait LiveStream: Send {
    /// Waits for something to arrive, then appends everything that is there already,
    /// up to a bound. Cancelling the call loses nothing.
    ///
    /// Pings, pongs and their deadlines are the stream's own business: they show
    /// here only as an error when the connection is dead.
    ///
    /// # Errors
    /// When the connection is over. What was appended before is valid.
    async fn receive(&mut self, batch: &mut LiveBatch) -> Result<(), StreamEnd>;

    /// Subscribes anew to the symbols with these indexes, on this connection. What comes of
    /// it shows only in the trades. Returns false where that is not possible.
    fn resubscribe(&mut self, indexes: &[usize]) -> bool {
        let _ = indexes;
        false
    }

    /// Says goodbye, within a short deadline.
    async fn close(&mut self);
}

/// What arrived since the last call.
#[derive(Debug, Default)]
pub struct LiveBatch {
    /// Trades with the index of their symbol among those connected, in order of arrival.
    pub trades: Vec<(u32, Trade)>,
    /// Messages that were no trade, though they should have been.
    pub malformed: Vec<Malformed>,
    /// How many messages the strict scanner handed to the general parser.
    pub fallbacks: u64,
    /// The exchange has announced that it will close the connection.
    pub shutdown_announced: bool,
}

impl LiveBatch {
    /// Empties it for the next call.
    pub fn clear(&mut self) {
        self.trades.clear();
        self.malformed.clear();
        self.fallbacks = 0;
        self.shutdown_announced = false;
    }
}

/// A message or row that could not become a trade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The id that it names, when at least that could be read.
    pub id: Option<i64>,
    /// What is wrong with it.
    pub reason: String,
    /// Its beginning, for the log.
    pub excerpt: String,
}

/// The end of a symbol's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newest {
    /// The newest id that the exchange has, even if what it has there is no trade.
    pub id: i64,
    /// The newest of the last few rows that is a trade; none when none of them is.
    pub trade: Option<Trade>,
}

impl From<Trade> for Newest {
    fn from(trade: Trade) -> Self {
        Self {
            id: trade.id,
            trade: Some(trade),
        }
    }
}

/// One page of history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Trades by rising id, all at or after the id asked for.
    pub trades: Vec<Trade>,
    /// Rows that were no trade.
    pub malformed: Vec<Malformed>,
    /// Whether the exchange may have more after the last row: the page was full.
    pub is_full: bool,
}

/// Why the exchange could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No connection, or it broke.
    #[error("reach {endpoint}: {cause}")]
    Unreachable {
        /// Where.
        endpoint: String,
        /// What the network said.
        cause: String,
    },
    /// No answer within the deadline.
    #[error("get an answer from {endpoint} within {deadline:?}")]
    TimedOut {
        /// Where.
        endpoint: String,
        /// How long was waited.
        deadline: Duration,
    },
    /// Too many requests (429), or banned for going on (418).
    #[error("ask {endpoint}: it wants no request for {retry_after:?} (HTTP {status})")]
    RateLimited {
        /// Where.
        endpoint: String,
        /// 429 or 418.
        status: u16,
        /// How long to keep quiet.
        retry_after: Duration,
    },
    /// The server failed (5xx) or refused (4xx).
    #[error("ask {endpoint}: HTTP {status}: {body}")]
    Status {
        /// Where.
        endpoint: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of what it said.
        body: String,
    },
    /// The exchange does not know the symbol.
    #[error("find {symbol} at {endpoint}: {message}")]
    UnknownSymbol {
        /// Where.
        endpoint: String,
        /// The symbol.
        symbol: Symbol,
        /// What the exchange said.
        message: String,
    },
    /// One connection cannot carry so many symbols, or none.
    #[error("open one connection to {endpoint} for {asked} symbols: 1 to {limit} are possible")]
    StreamCount {
        /// Where.
        endpoint: String,
        /// How many were asked for.
        asked: usize,
        /// How many are possible.
        limit: usize,
    },
    /// The answer is not what is documented.
    #[error("read what {endpoint} answered: {reason}: {excerpt}")]
    Unreadable {
        /// Where.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
        /// Its beginning.
        excerpt: String,
    },
}

/// Why a live stream ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamEnd {
    /// A close frame came.
    #[error("the exchange closed the connection ({code}: {reason})")]
    Closed {
        /// The WebSocket close code; 1005 when none was given.
        code: u16,
        /// The reason given.
        reason: String,
    },
    /// The connection broke.
    #[error("the connection broke: {cause}")]
    Broken {
        /// What the network said.
        cause: String,
    },
    /// Our ping was not answered in time.
    #[error("no pong came within {deadline:?}")]
    NoPong {
        /// How long was waited.
        deadline: Duration,
    },
}

impl Malformed {
    /// A row with an id whose content cannot be a trade.
    #[must_use]
    pub fn row(id: i64, reason: MalformedTrade, excerpt: String) -> Self {
        Self {
            id: Some(id),
            reason: reason.to_string(),
            excerpt,
        }
    }
}
