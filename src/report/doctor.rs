//! What the doctor found, for people and as JSON. `schema/doctor.schema.json` describes the JSON.

use serde_json::{Value, json};

use super::{OutputError, Printer, style, words::wrapped};

/// Of this shape. It grows by fields only.
const VERSION: u32 = 1;
/// As wide as the longest word for a result, and two spaces.
const RESULT_WIDTH: usize = 9;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is as it should be.
    Good,
    /// It works, and somebody might want to know.
    Warning,
    /// It does not work.
    Failure,
    /// It could not be looked at, and nothing says that it is broken.
    NotChecked,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Failure => "failed",
            Self::NotChecked => "not_checked",
        }
    }

    /// The word for people: a dash stands for what was not looked at, and the rest of the line
    /// says so.
    const fn shown(self) -> &'static str {
        match self {
            Self::NotChecked => "-",
            other => other.as_str(),
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

    /// It was not looked at, because of `why`.
    #[must_use]
    pub fn not_checked(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::NotChecked,
            ..Self::good(what, why)
        }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// Prints a line for each finding, and one more for what to do about it.
///
/// # Errors
/// When it cannot be printed.
pub fn human(findings: &[Finding], printer: &Printer) -> Result<(), OutputError> {
    let color = printer.has_color();
    let longest = findings.iter().map(|finding| finding.what.chars().count());
    let what_width = longest.max().unwrap_or(0) + 2;
    for finding in findings {
        let word = format!("{:<RESULT_WIDTH$}", finding.verdict.shown());
        let word = match finding.verdict {
            Verdict::Good => style::good(&word, color),
            Verdict::Warning => style::bold(&word, color),
            Verdict::Failure => style::bad(&word, color),
            Verdict::NotChecked => word,
        };
        let mut begin = format!("{word}{:<what_width$}", finding.what);
        let indent = RESULT_WIDTH + what_width;
        let detail = match finding.verdict {
            Verdict::NotChecked => format!("not checked: {}", finding.detail),
            _ => finding.detail.clone(),
        };
        let hint = finding.hint.iter().map(|hint| format!("remedy: {hint}"));
        for text in detail.lines().map(str::to_owned).chain(hint) {
            for line in wrapped(&text, indent, printer.width()) {
                // Spaces stand where the first line has its beginning.
                printer.line(format!("{begin}{}", &line[indent..]))?;
                begin = " ".repeat(indent);
            }
        }
    }
    printer.flush()
}

/// The same as JSON.
#[must_use]
pub fn json(findings: &[Finding]) -> Value {
    let checks: Vec<_> = findings
        .iter()
        .map(|finding| {
            json!({
                "name": finding.what,
                "result": finding.verdict.as_str(),
                "found": finding.detail,
                "remedy": finding.hint,
            })
        })
        .collect();
    json!({ "version": VERSION, "checks": checks })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{json_schema::violations, printer::tests::Shared};

    fn findings() -> [Finding; 4] {
        [
            Finding::good("store", "it is there"),
            Finding::warning("clock", "it is fast", "set it"),
            Finding::failure("exchange", "it is gone\n  for good", "wait"),
            Finding::not_checked("unit", "there is no systemctl"),
        ]
    }

    #[test]
    fn every_finding_is_as_the_schema_says() {
        let schema = include_str!("../../schema/doctor.schema.json");
        let schema = serde_json::from_str(schema).expect("JSON");
        let shown = json(&findings());
        assert_eq!(violations(&schema, &shown), Vec::<String>::new());
        let checks = &shown["checks"];
        assert_eq!(checks[0]["remedy"], Value::Null);
        assert_eq!(checks[2]["result"], "failed");
        assert_eq!(checks[2]["remedy"], "wait");
        assert_eq!(checks[3]["result"], "not_checked");
    }

    #[test]
    fn columns_are_aligned_and_remedies_stand_under_what_was_found() {
        let page = Shared::default();
        let printer = Printer::to(page.clone(), std::io::sink());
        human(&findings(), &printer).expect("printed");
        assert_eq!(
            page.text(),
            "ok       store     it is there\n\
             warning  clock     it is fast\n\
             \x20                  remedy: set it\n\
             failed   exchange  it is gone\n\
             \x20                    for good\n\
             \x20                  remedy: wait\n\
             -        unit      not checked: there is no systemctl\n"
        );
    }
}
