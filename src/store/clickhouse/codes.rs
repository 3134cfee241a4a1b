//! The codes of ClickHouse's exceptions, and what each means for the rows.
//!
//! A code that is not in the table is tried again: only what is known to be the fault of the
//! rows may ever be held against them.

use crate::store::sink::StoreErrorKind::{self, Ambiguous, Configuration, Content, Retry};

/// One code of an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The number, as in `Code: 60.`
    pub number: i32,
    /// The server's name for it.
    pub name: &'static str,
    /// What may be done about it.
    pub kind: StoreErrorKind,
}

const fn code(number: i32, name: &'static str, kind: StoreErrorKind) -> Code {
    Code { number, name, kind }
}

/// The codes that insert and read can meet, sorted by number. All others are
/// [`Retry`](StoreErrorKind::Retry).
pub const CODES: [Code; 90] = [
    code(6, "CANNOT_PARSE_TEXT", Content),
    code(8, "THERE_IS_NO_COLUMN", Configuration),
    code(10, "NOT_FOUND_COLUMN_IN_BLOCK", Configuration),
    code(16, "NO_SUCH_COLUMN_IN_TABLE", Configuration),
    code(20, "NUMBER_OF_COLUMNS_DOESNT_MATCH", Configuration),
    code(27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED", Content),
    // The body ended early: somebody between us and the server cut it.
    code(33, "CANNOT_READ_ALL_DATA", Retry),
    code(36, "BAD_ARGUMENTS", Configuration),
    code(38, "CANNOT_PARSE_DATE", Content),
    code(40, "CHECKSUM_DOESNT_MATCH", Retry),
    code(41, "CANNOT_PARSE_DATETIME", Content),
    code(43, "ILLEGAL_TYPE_OF_ARGUMENT", Configuration),
    code(44, "ILLEGAL_COLUMN", Configuration),
    code(46, "UNKNOWN_FUNCTION", Configuration),
    code(47, "UNKNOWN_IDENTIFIER", Configuration),
    code(48, "NOT_IMPLEMENTED", Configuration),
    code(50, "UNKNOWN_TYPE", Configuration),
    code(53, "TYPE_MISMATCH", Configuration),
    code(56, "UNKNOWN_STORAGE", Configuration),
    code(60, "UNKNOWN_TABLE", Configuration),
    code(62, "SYNTAX_ERROR", Configuration),
    code(69, "ARGUMENT_OUT_OF_BOUND", Content),
    code(70, "CANNOT_CONVERT_TYPE", Configuration),
    code(72, "CANNOT_PARSE_NUMBER", Content),
    code(73, "UNKNOWN_FORMAT", Configuration),
    code(81, "UNKNOWN_DATABASE", Configuration),
    code(115, "UNKNOWN_SETTING", Configuration),
    code(117, "INCORRECT_DATA", Content),
    code(131, "TOO_LARGE_STRING_SIZE", Content),
    code(153, "ILLEGAL_DIVISION", Content),
    code(159, "TIMEOUT_EXCEEDED", Retry),
    code(160, "TOO_SLOW", Retry),
    // The user's profile allows no writing. A table that is read-only for a while is 242.
    code(164, "READONLY", Configuration),
    code(170, "BAD_GET", Configuration),
    code(173, "CANNOT_ALLOCATE_MEMORY", Retry),
    code(180, "THERE_IS_NO_PROFILE", Configuration),
    code(192, "UNKNOWN_USER", Configuration),
    code(193, "WRONG_PASSWORD", Configuration),
    code(194, "REQUIRED_PASSWORD", Configuration),
    code(195, "IP_ADDRESS_NOT_ALLOWED", Configuration),
    code(198, "DNS_ERROR", Retry),
    code(201, "QUOTA_EXCEEDED", Retry),
    code(202, "TOO_MANY_SIMULTANEOUS_QUERIES", Retry),
    code(203, "NO_FREE_CONNECTION", Retry),
    code(209, "SOCKET_TIMEOUT", Retry),
    code(210, "NETWORK_ERROR", Retry),
    code(218, "TABLE_IS_DROPPED", Configuration),
    code(219, "DATABASE_NOT_EMPTY", Configuration),
    code(225, "NO_ZOOKEEPER", Retry),
    code(236, "ABORTED", Retry),
    code(241, "MEMORY_LIMIT_EXCEEDED", Retry),
    code(242, "TABLE_IS_READ_ONLY", Retry),
    code(243, "NOT_ENOUGH_SPACE", Retry),
    code(252, "TOO_MANY_PARTS", Retry),
    code(271, "CANNOT_DECOMPRESS", Retry),
    code(279, "ALL_CONNECTION_TRIES_FAILED", Retry),
    code(285, "TOO_FEW_LIVE_REPLICAS", Retry),
    code(286, "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE", Retry),
    code(291, "DATABASE_ACCESS_DENIED", Configuration),
    // The server itself does not know whether the rows are in.
    code(319, "UNKNOWN_STATUS_OF_INSERT", Ambiguous),
    code(321, "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE", Content),
    code(344, "SUPPORT_IS_DISABLED", Configuration),
    code(349, "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN", Content),
    code(392, "QUERY_IS_PROHIBITED", Configuration),
    code(394, "QUERY_WAS_CANCELLED", Retry),
    code(395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO", Content),
    code(407, "DECIMAL_OVERFLOW", Content),
    code(439, "CANNOT_SCHEDULE_TASK", Retry),
    code(452, "SETTING_CONSTRAINT_VIOLATION", Configuration),
    code(469, "VIOLATED_CONSTRAINT", Content),
    code(471, "INVALID_SETTING_VALUE", Configuration),
    code(472, "READONLY_SETTING", Configuration),
    code(473, "DEADLOCK_AVOIDED", Retry),
    code(497, "ACCESS_DENIED", Configuration),
    code(499, "S3_ERROR", Retry),
    code(511, "UNKNOWN_ROLE", Configuration),
    code(516, "AUTHENTICATION_FAILED", Configuration),
    code(552, "UNRECOGNIZED_ARGUMENTS", Configuration),
    // A batch is of one month: the table has other partitions than ours.
    code(565, "TOO_MANY_PARTITIONS", Configuration),
    code(659, "UNKNOWN_STATUS_OF_TRANSACTION", Ambiguous),
    code(691, "UNKNOWN_ELEMENT_OF_ENUM", Content),
    code(700, "USER_SESSION_LIMIT_EXCEEDED", Retry),
    code(720, "USER_EXPIRED", Configuration),
    code(745, "SERVER_OVERLOADED", Retry),
    code(746, "DEPENDENCIES_NOT_FOUND", Configuration),
    // Of the table, or of a view behind it.
    code(764, "DEDUPLICATION_IS_NOT_POSSIBLE", Configuration),
    code(767, "REQUIRED_SECOND_FACTOR", Configuration),
    code(774, "TABLE_IS_PERMANENTLY_READ_ONLY", Configuration),
    code(999, "KEEPER_EXCEPTION", Retry),
    code(1001, "STD_EXCEPTION", Retry),
];

/// The class of an exception.
pub(super) fn kind_of(code: i32) -> StoreErrorKind {
    CODES
        .binary_search_by_key(&code, |known| known.number)
        .map_or(Retry, |index| CODES[index].kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_no_code_twice() {
        assert!(CODES.is_sorted_by(|a, b| a.number < b.number));
    }
}
