//! A fault as somebody types it: `skip:every=100,symbol=BTCUSDT,times=3`.
//!
//! ```text
//! KIND[:NAME=VALUE[,NAME=VALUE…]]     the names are those of the JSON form; symbol, times and
//!                                     for_ms limit it
//! {"fault":{…},…}                     the JSON form itself
//! ```
//!
//! A fault of connections strikes those that are opened later, for at the time nobody is
//! connected.

use std::str::FromStr;

use serde_json::{Map, Value, json};

use super::fault::Fault;

/// What belongs to the fault and not to its kind.
const LIMITS: [&str; 3] = ["symbol", "times", "for_ms"];

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |error: serde_json::Error| format!("'{text}' is no fault: {error}");
        let fault: Self = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(wrong)?
        } else {
            serde_json::from_value(typed(text)?).map_err(wrong)?
        };
        if let Some(complaint) = fault.kind.complaint() {
            return Err(format!("'{text}' is no fault: {complaint}"));
        }
        let says_open = text.contains("open=") || text.contains("\"open\"");
        if fault.kind.strikes_open() != Some(true) || says_open {
            return Ok(fault);
        }
        // Not all of them know the word.
        let kind = serde_json::to_value(&fault.kind).map_err(wrong)?;
        let later = with_open_false(kind).and_then(|kind| serde_json::from_value(kind).ok());
        Ok(match later {
            Some(kind) => Self { kind, ..fault },
            None => fault,
        })
    }
}

/// The JSON form of what was typed.
fn typed(text: &str) -> Result<Value, String> {
    let (kind, settings) = text.split_once(':').unwrap_or((text, ""));
    let (mut of_kind, mut fault) = (Map::new(), Map::new());
    for setting in settings.split(',').filter(|setting| !setting.is_empty()) {
        let Some((name, value)) = setting.split_once('=') else {
            return Err(format!(
                "'{text}' is no fault: '{setting}' is not NAME=VALUE"
            ));
        };
        // What is neither a number nor true or false is a word.
        let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
        if LIMITS.contains(&name) {
            fault.insert(name.to_owned(), value);
        } else {
            of_kind.insert(name.to_owned(), value);
        }
    }
    fault.insert("fault".to_owned(), json!({ kind: of_kind }));
    Ok(Value::Object(fault))
}

fn with_open_false(mut kind: Value) -> Option<Value> {
    let settings = kind.as_object_mut()?.values_mut().next()?;
    settings
        .as_object_mut()?
        .get_mut("open")
        .map(|open| *open = json!(false))?;
    Some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::sim::{FaultKind, GarbleHow};

    fn fault(text: &str) -> Fault {
        text.parse().unwrap()
    }

    #[test]
    fn faults_can_be_typed() {
        let skip = FaultKind::Skip {
            every: 100,
            ids: vec![],
        };
        let typed = fault("skip:every=100,symbol=BTCUSDT,times=3");
        assert_eq!(typed, Fault::new(skip).symbol("BTCUSDT").times(3));
        let garble = FaultKind::Garble {
            every: 1,
            how: GarbleHow::Truncated,
        };
        assert_eq!(fault("garble:how=truncated"), Fault::new(garble));
        let status = FaultKind::RestStatus {
            status: 429,
            retry_after_s: Some(2),
        };
        assert_eq!(
            fault("rest_status:status=429,retry_after_s=2"),
            Fault::new(status.clone())
        );
        let json = r#"{"fault":{"rest_status":{"status":429,"retry_after_s":2}}}"#;
        assert_eq!(fault(json), Fault::new(status));
    }

    #[test]
    fn what_nobody_is_connected_to_yet_strikes_later() {
        let later = FaultKind::HalfOpen { open: false };
        assert_eq!(fault("half_open"), Fault::new(later.clone()));
        assert_eq!(fault("half_open:open=false"), Fault::new(later));
        let now = FaultKind::HalfOpen { open: true };
        assert_eq!(fault("half_open:open=true"), Fault::new(now));
        let shutdown = FaultKind::ServerShutdown { grace_ms: 5 };
        assert_eq!(fault("server_shutdown:grace_ms=5"), Fault::new(shutdown));
    }

    #[test]
    fn what_is_no_fault_is_named() {
        for text in [
            "",
            "skipp",
            "skip:every",
            "skip:evry=2",
            "skip:every=0",
            "{}",
            "skip:times=x",
        ] {
            let error = text.parse::<Fault>().unwrap_err();
            assert!(error.contains("is no fault"), "{text}: {error}");
        }
    }
}
