//! The figures of runs, as cells of tables.

use crate::{
    app::probe::{measures::Measures, outcome::RunOutcome},
    report::table::grouped,
};

/// What stands where there is no figure.
pub(super) const NONE: &str = "–";

/// A figure that every run has.
pub(super) struct Figure {
    /// What stands above it.
    pub name: &'static str,
    /// What it counts.
    unit: &'static str,
    /// What it says, for those who do not know.
    meaning: &'static str,
    of: fn(&Measures) -> Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    /// In ms.
    Time(Option<u64>),
    /// Something that ought to be nothing.
    Damage(u64),
    Count(u64),
    Bytes(u64),
}

/// All of them, in the order of the columns.
pub(super) const FIGURES: [Figure; 10] = [
    Figure {
        name: "seen",
        unit: "s",
        meaning: "from the failure until the collector said that it had seen it",
        of: |measures| Value::Time(measures.detected_ms),
    },
    Figure {
        name: "fresh",
        unit: "s",
        meaning: "until the store held trades that were made after the failure was over, or after it began when only a remedy ends it",
        of: |measures| Value::Time(measures.recovered_ms),
    },
    Figure {
        name: "lost",
        unit: "trades",
        meaning: "trades that are in no bar of a threshold that should have them",
        of: |measures| Value::Damage(measures.lost),
    },
    Figure {
        name: "twice",
        unit: "trades",
        meaning: "trades that are in two bars of a threshold, or rows that are there twice",
        of: |measures| Value::Damage(measures.duplicated),
    },
    Figure {
        name: "order",
        unit: "bars",
        meaning: "bars that got a lower version than the one before them",
        of: |measures| Value::Damage(measures.misordered),
    },
    Figure {
        name: "differ",
        unit: "bars",
        meaning: "bars that are not those that the trades make",
        of: |measures| Value::Damage(measures.differing),
    },
    Figure {
        name: "restarts",
        unit: "needless",
        meaning: "connections, tasks and processes that were restarted although they were not broken",
        of: |measures| Value::Damage(measures.needless_restarts),
    },
    Figure {
        name: "memory",
        unit: "MiB",
        meaning: "the most that the collector's process held",
        of: |measures| Value::Bytes(measures.peak_rss_bytes),
    },
    Figure {
        name: "spool",
        unit: "rows",
        meaning: "the most rows that waited for the store",
        of: |measures| Value::Count(measures.peak_spool_rows),
    },
    Figure {
        name: "alerts",
        unit: "sent",
        meaning: "alerts that arrived",
        of: |measures| Value::Count(measures.alerts),
    },
];

impl Value {
    /// Units stand above the column, so that figures can be compared digit by digit.
    fn text(self) -> String {
        match self {
            Self::Time(None) => "never".to_owned(),
            Self::Time(Some(ms)) => seconds(ms),
            Self::Damage(count) | Self::Count(count) => grouped(count),
            Self::Bytes(bytes) => grouped(bytes.div_ceil(1 << 20)),
        }
    }

    /// What catches the eye, and what it may pass over.
    const fn class(self) -> &'static str {
        match self {
            Self::Damage(0) | Self::Count(0) => "figure nought",
            Self::Damage(_) => "figure damage",
            Self::Time(_) | Self::Count(_) | Self::Bytes(_) => "figure",
        }
    }
}

/// Seconds with as many digits as are measured: `12.30`.
pub(super) fn seconds(ms: u64) -> String {
    format!("{}.{:02}", grouped(ms / 1000), ms % 1000 / 10)
}

/// The figures of these runs: of several the median and the worst, where they differ.
pub(super) fn cells(runs: &[RunOutcome]) -> String {
    // Of a run that could not be played to its end nothing is known, and nought is a figure.
    let measured: Vec<Measures> = runs.iter().filter_map(|run| run.measures).collect();
    let (median, worst) = (Measures::median(&measured), Measures::worst(&measured));
    let cell = |figure: &Figure| {
        let (median, worst) = ((figure.of)(&median), (figure.of)(&worst));
        let is_none = |run: &Measures| (figure.of)(run) == Value::Time(None);
        // Where no run has it, there may have been nothing to measure.
        if measured.iter().all(is_none) {
            format!(r#"<td class="figure nought">{NONE}</td>"#)
        } else if median.text() == worst.text() {
            format!(r#"<td class="{}">{}</td>"#, worst.class(), worst.text())
        } else {
            let (class, median, worst) = (worst.class(), median.text(), worst.text());
            format!(r#"<td class="{class}">{median} / {worst}</td>"#)
        }
    };
    FIGURES.iter().map(cell).collect()
}

/// What stands above the figures.
pub(super) fn heads() -> String {
    let head = |figure: &Figure| {
        let (name, unit) = (figure.name, figure.unit);
        format!(r#"<th scope="col" class="figure">{name} <span class="unit">{unit}</span></th>"#)
    };
    FIGURES.iter().map(head).collect()
}

/// What the figures mean.
pub(super) fn legend() -> String {
    let meaning = |figure: &Figure| {
        let (name, unit, meaning) = (figure.name, figure.unit, figure.meaning);
        format!("<div><dt>{name} <span class=\"unit\">{unit}</span></dt><dd>{meaning}</dd></div>")
    };
    let meanings: String = FIGURES.iter().map(meaning).collect();
    format!(
        r#"<h2>What the figures mean</h2>
<dl class="legend">{meanings}</dl>"#
    )
}
