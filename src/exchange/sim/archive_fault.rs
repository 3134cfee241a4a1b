//! The faults of the archive, as a caller or a JSON body names them:
//! `{"fault": {"archive": {"stall": {"after_bytes": 1000}}}, "times": 1}`.
//!
//! Some are faults of a file as it was published: its checksum is that of the faulty file. The
//! others are faults of its delivery: the file and its checksum are sound, what arrives is
//! not. What is struck is a request for a zip, or for a checksum where that is named.

use serde::{Deserialize, Serialize};

/// What goes wrong with the archive's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ArchiveFault {
    /// Published without the period's last trades. Once the fault is over, the file has been
    /// rewritten with all of them.
    Short {
        /// How many are left out.
        by: u64,
    },
    /// Published with one trade twice.
    Twice {
        /// Its id.
        id: i64,
    },
    /// Published without some trades in its middle.
    LeavesOut {
        /// Their ids.
        ids: Vec<i64>,
    },
    /// Published with a line that is no trade.
    BrokenLine {
        /// The id of the trade that it stands for.
        id: i64,
    },
    /// Published in another form of CSV.
    Dialect {
        /// With a line that names the columns.
        #[serde(default)]
        header: bool,
        /// Without the eighth column.
        #[serde(default)]
        seven_columns: bool,
        /// With times in milliseconds; what is below is lost.
        #[serde(default)]
        milliseconds: bool,
        /// How true and false are written.
        #[serde(default)]
        booleans: BooleanText,
    },
    /// Published as a zip that is damaged.
    Damaged {
        /// In which way.
        how: ZipDamage,
    },
    /// Neither zip nor checksum is there.
    Missing {},
    /// The checksum is not there.
    NoChecksum {},
    /// The checksum is another file's.
    WrongChecksum {},
    /// Zips and checksums are answered with this status.
    Status {
        /// The HTTP status.
        status: u16,
        /// The seconds in `Retry-After`, if it is sent.
        #[serde(default)]
        retry_after_s: Option<u64>,
    },
    /// A byte changes on its way.
    Corrupt {},
    /// The answer is shorter than the file, and says so.
    Truncated {
        /// By so many bytes.
        by_bytes: u64,
    },
    /// The connection ends in the middle of the answer.
    Cut {
        /// After so many bytes of it.
        after_bytes: u64,
    },
    /// Nothing more comes in the middle of the answer; the connection stays.
    Stall {
        /// After so many bytes of it.
        after_bytes: u64,
    },
    /// Ranges are not known: the whole file is sent whatever is asked for.
    NoRanges {},
}

/// How true and false are written in a CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BooleanText {
    /// `True`, `False`.
    #[default]
    Title,
    /// `true`, `false`.
    Lower,
    /// `1`, `0`.
    Digit,
}

/// How a zip is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZipDamage {
    /// Its CRC-32 is another one.
    Crc,
    /// Its end is missing.
    CutOff,
    /// It holds a second file.
    TwoFiles,
}

impl ArchiveFault {
    /// Whether the file itself is published like that.
    pub(crate) fn is_published(&self) -> bool {
        matches!(
            self,
            Self::Short { .. }
                | Self::Twice { .. }
                | Self::LeavesOut { .. }
                | Self::BrokenLine { .. }
                | Self::Dialect { .. }
                | Self::Damaged { .. }
        )
    }

    /// What is wrong with the numbers of this fault, if anything.
    pub(crate) fn complaint(&self) -> Option<String> {
        match self {
            Self::Status { status, .. } if !(200..=599).contains(status) => {
                Some(format!("{status} is not an HTTP status of 200 to 599"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fault::{Fault, FaultKind};
    use super::*;

    #[test]
    fn faults_are_named_in_json_as_documented() {
        let text = r#"{"fault": {"archive": {"stall": {"after_bytes": 1000}}}, "times": 1}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        let stall = ArchiveFault::Stall { after_bytes: 1000 };
        assert_eq!(fault, Fault::new(FaultKind::Archive(stall)).times(1));
        let text = r#"{"dialect": {"header": true, "booleans": "digit"}}"#;
        let dialect = ArchiveFault::Dialect {
            header: true,
            seven_columns: false,
            milliseconds: false,
            booleans: BooleanText::Digit,
        };
        assert_eq!(serde_json::from_str::<ArchiveFault>(text).unwrap(), dialect);
        for wrong in [
            r#"{"stall": {}}"#,
            r#"{"stal": {"after_bytes": 1}}"#,
            r#"{"missing": {"x": 1}}"#,
        ] {
            assert!(
                serde_json::from_str::<ArchiveFault>(wrong).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_status_that_is_none_is_refused() {
        let status = |status| ArchiveFault::Status {
            status,
            retry_after_s: None,
        };
        assert!(FaultKind::Archive(status(99)).complaint().is_some());
        assert!(FaultKind::Archive(status(503)).complaint().is_none());
    }
}
