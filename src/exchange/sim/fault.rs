//! The faults that the sim can be told to have, as a caller or a JSON body names them.
//!
//! A [`Fault`] is a kind, an optional symbol, and optional limits. `POST /sim/faults` takes a
//! [`FaultChange`]: it may clear all faults, and then adds a list of them:
//!
//! ```json
//! {"clear": true, "add": [
//!     {"fault": {"skip": {"every": 100}}, "symbol": "BTCUSDT", "times": 3},
//!     {"fault": {"rest_status": {"status": 429, "retry_after_s": 1}}, "for_ms": 2000},
//!     {"fault": {"half_open": {}}}
//! ]}
//! ```
//!
//! All of a change is done or nothing. `GET /sim/faults` answers with the list of those in
//! force.
//!
//! A fault lasts until it is cleared, has struck `times` times, or `for_ms` has passed,
//! whichever comes first. What is struck is a message, a request or a connection.
//! Faults of connections (`cut`, `close`, `half_open`, `pings_only`, `mute_symbol`) strike all
//! open connections at once, unless `open` is false; connections that are opened
//! *later* are struck only if `times` or `for_ms` is given (or `open` is false).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::archive_fault::ArchiveFault;

/// One fault: what goes wrong, where, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    #[serde(rename = "fault")]
    pub kind: FaultKind,
    /// The symbol that is struck; `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// How often it strikes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// How long it lasts, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
}

impl Fault {
    /// A fault without limits, for all symbols.
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            symbol: None,
            times: None,
            for_ms: None,
        }
    }

    /// The same fault for one symbol only.
    #[must_use]
    pub fn symbol(mut self, symbol: &str) -> Self {
        self.symbol = Some(symbol.to_owned());
        self
    }

    /// The same fault, ending once it has struck this often.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// The same fault, ending after this long.
    #[must_use]
    pub fn lasting(mut self, duration: Duration) -> Self {
        self.for_ms = Some(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
        self
    }
}

/// What goes wrong. Messages are counted per fault, over the symbols that it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// Connections end without a close frame.
    Cut {
        /// With a reset or an orderly end of the stream.
        #[serde(default)]
        how: CutHow,
        /// Whether open connections are struck.
        #[serde(default = "yes")]
        open: bool,
    },
    /// Connections are closed with this code; 1006 means an end without a close frame.
    Close {
        /// The close code.
        code: u16,
        /// Whether open connections are struck.
        #[serde(default = "yes")]
        open: bool,
    },
    /// Sockets stay open, and nothing comes any more: no data, no ping, no pong.
    /// A connection recovers only when the faults are cleared.
    HalfOpen {
        /// Whether open connections are struck.
        #[serde(default = "yes")]
        open: bool,
    },
    /// Data stops; pings, pongs and acknowledgements go on. With `open` false this is a
    /// subscription that is acknowledged and mute. A connection recovers when the faults are cleared.
    PingsOnly {
        /// Whether open connections are struck.
        #[serde(default = "yes")]
        open: bool,
    },
    /// The symbol's data stops on a connection; subscribing to it anew heals it there.
    MuteSymbol {
        /// Whether open connections are struck.
        #[serde(default = "yes")]
        open: bool,
    },
    /// Open connections get a `serverShutdown` event, and are closed after a while.
    ServerShutdown {
        /// How long they live on, in milliseconds.
        grace_ms: u64,
    },
    /// New TCP connections are reset at once, for REST too.
    RefuseConnects {},
    /// The request to upgrade to a WebSocket is never answered.
    NeverUpgrade {},
    /// The request to upgrade is answered with an HTTP error.
    RejectUpgrade {
        /// The HTTP status.
        status: u16,
    },
    /// Pings of clients stay unanswered.
    WithholdPong {},
    /// Messages are sent byte by byte.
    Slow {
        /// The pause after each byte, in microseconds; a timer rounds it up to a millisecond.
        delay_us: u64,
    },
    /// Messages are sent twice.
    Duplicate {
        /// One message in this many.
        #[serde(default = "one")]
        every: u64,
    },
    /// Messages are not sent; REST has the trades.
    Skip {
        /// One message in this many.
        #[serde(default = "one")]
        every: u64,
        /// If not empty: these ids instead.
        #[serde(default)]
        ids: Vec<i64>,
    },
    /// Messages are sent late, after others of their symbol.
    Reorder {
        /// One message in this many.
        #[serde(default = "one")]
        every: u64,
        /// How many messages overtake it; 1 swaps neighbours.
        #[serde(default = "one")]
        by: u64,
    },
    /// Messages arrive broken.
    Garble {
        /// One message in this many.
        #[serde(default = "one")]
        every: u64,
        /// In which way.
        how: GarbleHow,
    },
    /// Messages have a field that is not documented.
    ExtraField {
        /// One message in this many.
        #[serde(default = "one")]
        every: u64,
    },
    /// Messages have other names and types altogether.
    SchemaDrift {
        /// One message in this many.
        #[serde(default = "one")]
        every: u64,
    },
    /// Messages carry an id far ahead of their own.
    FarId {
        /// One message in this many.
        #[serde(default = "one")]
        every: u64,
        /// How far ahead.
        ahead: i64,
    },
    /// These trades do not exist, neither on the stream nor in the history.
    DropIds {
        /// Their ids.
        ids: Vec<i64>,
    },
    /// These trades are malformed, on the stream and in the history.
    Malformed {
        /// Their ids.
        ids: Vec<i64>,
        /// In which way.
        #[serde(default)]
        how: MalformedHow,
    },
    /// REST requests get no answer, the connection ends.
    RestDown {
        /// With a reset or an orderly end of the stream.
        #[serde(default)]
        how: CutHow,
    },
    /// REST requests get this status.
    RestStatus {
        /// The HTTP status.
        status: u16,
        /// The seconds in `Retry-After`, if it is sent.
        #[serde(default)]
        retry_after_s: Option<u64>,
    },
    /// REST requests are never answered.
    RestHang {},
    /// Requests for the history get an empty page, with status 200.
    RestEmpty {},
    /// REST requests are answered late.
    RestDelay {
        /// By so many milliseconds.
        delay_ms: u64,
    },
    /// REST has so many trades fewer than there are: its latest id is lower.
    LatestBehind {
        /// How many trades fewer.
        by: u64,
    },
    /// The archive's files are wrong, or do not arrive.
    Archive(ArchiveFault),
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutHow {
    /// A reset: RST.
    #[default]
    Rst,
    /// The orderly end of the stream: FIN.
    Fin,
}

/// How a message is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GarbleHow {
    /// Text that is no JSON.
    BrokenJson,
    /// The message ends in its middle.
    Truncated,
    /// A binary frame of arbitrary bytes.
    Binary,
    /// A text frame that is not UTF-8.
    NotUtf8,
    /// Two million spaces behind the message, which JSON allows.
    Oversized,
}

/// How a trade is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MalformedHow {
    /// Its last individual id is below its first.
    #[default]
    LastBelowFirst,
    /// Its price is no plain decimal.
    BadPrice,
}

/// A request to change the faults, as `POST /sim/faults` takes it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultChange {
    /// First clear all faults, and let silenced connections speak again.
    #[serde(default)]
    pub clear: bool,
    /// Then add these.
    #[serde(default)]
    pub add: Vec<Fault>,
}

impl FaultKind {
    /// Whether this is a fault of connections, and if so whether it strikes the open ones.
    pub(crate) fn strikes_open(&self) -> Option<bool> {
        match self {
            Self::Cut { open, .. }
            | Self::Close { open, .. }
            | Self::HalfOpen { open }
            | Self::PingsOnly { open }
            | Self::MuteSymbol { open } => Some(*open),
            Self::ServerShutdown { .. } => Some(true),
            _ => None,
        }
    }

    /// What is wrong with the numbers of this fault, if anything.
    pub(crate) fn complaint(&self) -> Option<String> {
        match self {
            Self::Duplicate { every }
            | Self::Skip { every, .. }
            | Self::Reorder { every, .. }
            | Self::Garble { every, .. }
            | Self::ExtraField { every }
            | Self::SchemaDrift { every }
            | Self::FarId { every, .. }
                if *every == 0 =>
            {
                Some("every must be at least 1".to_owned())
            }
            Self::Reorder { by, .. } if !(1..=10_000).contains(by) => {
                Some("by must be 1 to 10000".to_owned())
            }
            Self::RestStatus { status, .. } | Self::RejectUpgrade { status }
                if !(200..=599).contains(status) =>
            {
                Some(format!("{status} is not an HTTP status of 200 to 599"))
            }
            Self::Archive(fault) => fault.complaint(),
            Self::Close { code, .. } if !(1000..=4999).contains(code) => {
                Some(format!("{code} is not a close code of 1000 to 4999"))
            }
            _ => None,
        }
    }
}

fn yes() -> bool {
    true
}

fn one() -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in the module's documentation.
    fn documented() -> String {
        let lines = include_str!("fault.rs").lines();
        let lines = lines.skip_while(|line| *line != "//! ```json").skip(1);
        let lines = lines.take_while(|line| *line != "//! ```");
        lines.filter_map(|line| line.strip_prefix("//!")).collect()
    }

    #[test]
    fn faults_are_named_in_json_as_documented() {
        let change: FaultChange = serde_json::from_str(&documented()).unwrap();
        assert!(change.clear);
        let skip = FaultKind::Skip {
            every: 100,
            ids: vec![],
        };
        assert_eq!(change.add[0], Fault::new(skip).symbol("BTCUSDT").times(3));
        assert_eq!(change.add[1].for_ms, Some(2000));
        assert_eq!(change.add[2].kind.strikes_open(), Some(true));
    }

    #[test]
    fn a_misspelt_fault_is_refused() {
        for text in [
            r#"{"add":[{"fault":{"skipp":{}}}]}"#,
            r#"{"add":[{"fault":{"skip":{"evry":2}}}]}"#,
            r#"{"add":[{"fault":{"skip":{}},"time":2}]}"#,
            r#"{"ad":[]}"#,
        ] {
            assert!(serde_json::from_str::<FaultChange>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn senseless_numbers_are_named() {
        assert!(FaultKind::Duplicate { every: 0 }.complaint().is_some());
        assert!(
            FaultKind::RejectUpgrade { status: 99 }
                .complaint()
                .is_some()
        );
        assert!(FaultKind::RestHang {}.complaint().is_none());
    }
}
