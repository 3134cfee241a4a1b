//! What a failure means for the rows: the codes and their classes.
//!
//! What is known of a failure is, in this order: the code of the server's exception, from
//! its header or out of the message; the HTTP status; and whether anything was sent at
//! all. A code that is not in the table is tried again: only what is known to be the fault
//! of the rows may ever be held against them.

use std::error::Error as StdError;

use clickhouse::error::Error;

use super::{answer::Answer, codes::kind_of};
use crate::store::sink::StoreErrorKind::{self, Ambiguous, Configuration, Retry};

/// The longest reason that is kept of a server's message.
const MAX_REASON_CHARS: usize = 600;

/// What is known of a request beside the client's error.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    /// Whether an insert may have reached the server. Never for a query: nothing changes
    /// when it is asked again.
    pub(super) may_be_in: bool,
    /// What came back.
    pub(super) answer: Option<Answer>,
}

/// What a failure comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: StoreErrorKind,
    pub(super) code: Option<i32>,
    pub(super) reason: String,
}

/// What the client's `error` comes to.
pub(super) fn failure(error: &Error, evidence: &Evidence) -> Failure {
    let unanswered = if evidence.may_be_in { Ambiguous } else { Retry };
    let refused = evidence
        .answer
        .as_ref()
        .filter(|answer| answer.status >= 400);
    let (kind, reason) = match (error, refused) {
        (Error::BadResponse(text), _) => return refusal(text, evidence.answer.as_ref()),
        // It was refused while it was still being sent, which the client takes for a
        // broken connection.
        (_, Some(answer)) => return refusal(&answer.body, Some(answer)),
        (Error::TimedOut, _) => (unanswered, "no answer came in time".to_owned()),
        (Error::Network(_), _) if is_tls_misfit(error) => (Configuration, chain(error)),
        // Rows that do not fit the table, or a table that has other columns.
        (
            Error::SchemaMismatch(_)
            | Error::InvalidColumnsHeader(_)
            | Error::InvalidParams(_)
            | Error::Unsupported(_),
            _,
        ) => (Configuration, chain(error)),
        _ => (unanswered, chain(error)),
    };
    let reason = shortened(&reason);
    Failure {
        kind,
        code: None,
        reason,
    }
}

/// What an answer comes to that is no success.
pub(super) fn refusal(text: &str, answer: Option<&Answer>) -> Failure {
    let header = answer.and_then(|answer| answer.exception_code);
    let code = header.or_else(|| code_in(text));
    let status = answer
        .map(|answer| answer.status)
        .or_else(|| status_in(text));
    let kind = match (code, status) {
        // The format's header said other types than the table has: all rows or none.
        (Some(117), _) if text.contains("Type of ") => Configuration,
        (Some(code), _) => kind_of(code),
        (None, Some(status)) => kind_of_status(status),
        (None, None) => Retry,
    };
    let message = message_in(text);
    let reason = match (code, status) {
        (Some(code), _) => format!("{} (code {code})", message.trim_end_matches('.')),
        (None, Some(status)) if status_in(text).is_none() => {
            format!("it answered with HTTP status {status}: {message}")
        }
        (None, _) => format!("it answered: {message}"),
    };
    Failure {
        kind,
        code,
        reason: shortened(&reason),
    }
}

/// The class of an answer that names no exception: it comes from something in between.
fn kind_of_status(status: u16) -> StoreErrorKind {
    match status {
        408 | 425 | 429 | 500.. => Retry,
        300..=499 => Configuration,
        _ => Retry,
    }
}

/// Why an insert that the client takes for done is not, if so. Success is a status of 200
/// from a ClickHouse server, and nothing behind it: an exception can follow a 200, and
/// whatever else answers 200 has stored nothing.
pub(super) fn unconfirmed(answer: Option<&Answer>) -> Option<Failure> {
    let failure = |kind, reason: &str| Failure {
        kind,
        code: None,
        reason: reason.to_owned(),
    };
    let Some(answer) = answer else {
        return Some(failure(Ambiguous, "its answer could not be read"));
    };
    if !answer.body.is_empty() {
        let refused = refusal(&answer.body, Some(answer));
        return Some(match refused.code {
            Some(_) => refused,
            None => failure(Ambiguous, "it answered more than a confirmation"),
        });
    }
    if !answer.is_clickhouse {
        return Some(failure(
            Configuration,
            "its answer lacks the X-ClickHouse headers: what answers there is no ClickHouse \
             server, or something in between takes them away",
        ));
    }
    None
}

/// The code in `Code: 60. DB::Exception: …`: the last one, because rows may come before.
pub(super) fn code_in(text: &str) -> Option<i32> {
    let (_, rest) = text.rsplit_once("Code: ")?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// The status in `503 Service Unavailable`, which the client makes of an empty answer.
fn status_in(text: &str) -> Option<u16> {
    let (status, reason) = text.split_once(' ')?;
    let is_reason = !reason.is_empty() && reason.len() < 64;
    (status.len() == 3 && is_reason)
        .then(|| status.parse().ok())
        .flatten()
}

/// The server's message without what frames it: rows before it, the code, the version and
/// advice on following lines.
fn message_in(text: &str) -> String {
    let text = text.rsplit_once("Code: ").map_or(text, |(_, rest)| rest);
    let text = text
        .split_once("Exception: ")
        .map_or(text, |(_, rest)| rest);
    let text = text
        .rsplit_once(" (version ")
        .map_or(text, |(rest, _)| rest);
    let line = text.trim().lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        "nothing more".to_owned()
    } else {
        line.to_owned()
    }
}

/// Whether the server's certificate is not trusted, or it does not speak TLS at all.
fn is_tls_misfit(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return matches!(
                tls,
                rustls::Error::InvalidCertificate(_) | rustls::Error::InvalidMessage(_)
            );
        }
        // What an I/O error was made of is not among its sources.
        cause = match inner.downcast_ref::<std::io::Error>() {
            Some(io) => io
                .get_ref()
                .map(|made_of| made_of as &(dyn StdError + 'static)),
            None => inner.source(),
        };
    }
    false
}

/// An error with its causes, none twice.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

fn shortened(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = clean.clone().take(MAX_REASON_CHARS).collect();
    if clean.count() > MAX_REASON_CHARS {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(text: &str) -> Failure {
        failure(&Error::BadResponse(text.to_owned()), &Evidence::default())
    }

    #[test]
    fn the_last_code_in_the_text_counts_because_rows_may_stand_before_it() {
        let failure = bad(
            "Code: 60 is a row\nCode: 241. DB::Exception: Memory limit exceeded. \
             (MEMORY_LIMIT_EXCEEDED) (version 26.7.2.1)",
        );
        assert_eq!((failure.kind, failure.code), (Retry, Some(241)));
        assert_eq!(
            failure.reason,
            "Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED) (code 241)"
        );
    }

    #[test]
    fn advice_of_several_lines_is_left_out() {
        let failure = bad(
            "Code: 194. DB::Exception: default: Authentication failed: password is incorrect\n\n\
             If you have installed ClickHouse and forgot password\n. (REQUIRED_PASSWORD)",
        );
        assert_eq!((failure.kind, failure.code), (Configuration, Some(194)));
        assert_eq!(
            failure.reason,
            "default: Authentication failed: password is incorrect (code 194)"
        );
    }

    #[test]
    fn a_code_that_nobody_knows_is_tried_again() {
        assert_eq!(bad("Code: 9999. DB::Exception: What? (NEW)").kind, Retry);
    }

    #[test]
    fn an_answer_without_a_code_is_judged_by_its_status() {
        for (text, kind) in [
            ("503 Service Unavailable", Retry),
            ("500 Internal Server Error", Retry),
            ("429 Too Many Requests", Retry),
            ("401 Unauthorized", Configuration),
            ("404 Not Found", Configuration),
            ("<html>nothing here</html>", Retry),
        ] {
            assert_eq!(bad(text).kind, kind, "{text}");
        }
        let answer = Answer {
            status: 404,
            exception_code: None,
            is_clickhouse: false,
            body: String::new(),
        };
        let failure = refusal("<html>no such page</html>", Some(&answer));
        assert_eq!(failure.kind, Configuration);
        assert!(failure.reason.contains("404"), "{}", failure.reason);
    }

    #[test]
    fn silence_is_ambiguous_only_when_something_was_sent() {
        for (may_be_in, kind) in [(true, Ambiguous), (false, Retry)] {
            let evidence = Evidence {
                may_be_in,
                answer: None,
            };
            for error in [Error::TimedOut, Error::Network("reset".into())] {
                assert_eq!(failure(&error, &evidence).kind, kind, "{error}");
            }
        }
    }

    #[test]
    fn a_200_confirms_only_from_clickhouse_and_with_nothing_behind_it() {
        let confirmed = Answer {
            status: 200,
            exception_code: None,
            is_clickhouse: true,
            body: String::new(),
        };
        assert_eq!(unconfirmed(Some(&confirmed)), None);
        let stranger = Answer {
            is_clickhouse: false,
            ..confirmed.clone()
        };
        let kind = |answer: &Answer| unconfirmed(Some(answer)).map(|failure| failure.kind);
        assert_eq!(kind(&stranger), Some(Configuration));
        let late = Answer {
            body: "49\r\nCode: 241. DB::Exception: Memory limit".into(),
            ..confirmed.clone()
        };
        assert_eq!(kind(&late), Some(Retry));
        let chatty = Answer {
            body: "2\r\nhi\r\n".into(),
            ..confirmed
        };
        assert_eq!(kind(&chatty), Some(Ambiguous));
        assert_eq!(
            unconfirmed(None).map(|failure| failure.kind),
            Some(Ambiguous)
        );
    }

    #[test]
    fn a_certificate_that_is_not_trusted_is_for_somebody_to_mend() {
        let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let nested = std::io::Error::other(std::io::Error::other(unknown));
        let error = Error::Network(Box::new(nested));
        let failure = failure(&error, &Evidence::default());
        assert_eq!(failure.kind, Configuration);
        assert!(failure.reason.contains("certificate"), "{}", failure.reason);
    }

    #[test]
    fn a_reason_is_one_short_line() {
        let failure = bad(&format!(
            "Code: 62. DB::Exception: {}",
            "x\u{7}".repeat(9_000)
        ));
        assert!(failure.reason.chars().count() <= MAX_REASON_CHARS + 1);
        assert!(!failure.reason.contains('\u{7}'));
    }
}
