//! What the doctor found, for people and as JSON.
//!
//! The JSON is one object:
//!
//! ```text
//! {"version": 1, "is_well": bool,
//!  "findings": [{"verdict": "ok" | "warn" | "fail", "what", "detail", "hint" or null}]}
//! ```

use serde_json::{Value, json};

use super::{OutputError, Printer, style};

/// Of this shape. It grows by fields only.
const VERSION: u32 = 1;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is as it should be.
    Good,
    /// It works, and somebody might want to know.
    Warning,
    /// It does not work.
    Failure,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warn",
            Self::Failure => "fail",
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it came to.
    pub verdict: Verdict,
    /// What was looked at.
    pub what: String,
    /// What it is like.
    pub detail: String,
    /// What to do about it, when it is not as it should be.
    pub hint: Option<String>,
}

impl Finding {
    /// It is as it should be.
    #[must_use]
    pub fn good(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Good,
            what: what.into(),
            detail: detail.into(),
            hint: None,
        }
    }

    /// It works, and somebody might want to know.
    #[must_use]
    pub fn warning(
        what: impl Into<String>,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            verdict: Verdict::Warning,
            hint: Some(hint.into()),
            ..Self::good(what, detail)
        }
    }

    /// It does not work.
    #[must_use]
    pub fn failure(
        what: impl Into<String>,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            verdict: Verdict::Failure,
            hint: Some(hint.into()),
            ..Self::good(what, detail)
        }
    }
}

/// Prints a line for each finding, and one more for what to do about it.
///
/// # Errors
/// When it cannot be printed.
pub fn human(findings: &[Finding], printer: &Printer) -> Result<(), OutputError> {
    let color = printer.has_color();
    for finding in findings {
        let word = format!("{:<4}", finding.verdict.as_str());
        let word = match finding.verdict {
            Verdict::Good => style::good(&word, color),
            Verdict::Warning => style::bold(&word, color),
            Verdict::Failure => style::bad(&word, color),
        };
        printer.line(format!("{word}  {}: {}", finding.what, finding.detail))?;
        if let Some(hint) = &finding.hint {
            printer.line(format!("      hint: {hint}"))?;
        }
    }
    printer.flush()
}

/// The same as JSON.
#[must_use]
pub fn json(findings: &[Finding]) -> Value {
    let is_well = findings
        .iter()
        .all(|finding| finding.verdict != Verdict::Failure);
    let findings: Vec<_> = findings
        .iter()
        .map(|finding| {
            json!({
                "verdict": finding.verdict.as_str(),
                "what": finding.what,
                "detail": finding.detail,
                "hint": finding.hint,
            })
        })
        .collect();
    json!({ "version": VERSION, "is_well": is_well, "findings": findings })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_leave_all_well_and_a_failure_does_not() {
        let good = Finding::good("store", "it is there");
        let warning = Finding::warning("clock", "it is fast", "set it");
        let failure = Finding::failure("exchange", "it is gone", "wait");
        assert_eq!(json(&[good.clone(), warning.clone()])["is_well"], true);
        let shown = json(&[good, warning, failure]);
        assert_eq!(shown["is_well"], false);
        assert_eq!(shown["findings"][0]["hint"], Value::Null);
        assert_eq!(shown["findings"][2]["verdict"], "fail");
        assert_eq!(shown["findings"][2]["hint"], "wait");
    }
}
