//! What a run looked like: three panels above one axis of time.
//!
//! ```text
//!   ┌ fault  ┌ recovered     flags, staggered so that none covers another
//!   │        │
//!   trades a second          made by the exchange, and stored
//!   trades behind            made and not stored yet
//!   spool rows               with gaps where the collector did not say
//!   ──────────────── s
//! ```
//!
//! Text does not shrink with a picture and stay readable, so there is a wide picture and a
//! narrow one.

mod axis;
mod flags;
mod panel;
mod series;

use crate::app::probe::timeline::{Mark, MarkKind, Timeline};

use super::{escape::escaped, figures::seconds};
use axis::Axis;
use flags::Flag;
use panel::Panel;
use series::Series;

/// The measures of a picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Its class, by which one of two is shown.
    name: &'static str,
    width: f64,
    /// Room for the figures beside the panels.
    left: f64,
    right: f64,
    /// The height of letters.
    font: f64,
    /// How many steps the axis of time has about.
    steps: f64,
    /// How high the panels are, from above.
    heights: [f64; 3],
}

/// For screens and paper.
pub(super) const WIDE: Layout = Layout {
    name: "wide",
    width: 760.0,
    left: 52.0,
    right: 12.0,
    font: 12.5,
    steps: 9.0,
    heights: [104.0, 68.0, 52.0],
};

/// For phones.
pub(super) const NARROW: Layout = Layout {
    name: "narrow",
    width: 340.0,
    left: 44.0,
    right: 8.0,
    font: 11.5,
    steps: 5.0,
    heights: [88.0, 60.0, 46.0],
};

impl Layout {
    /// The height of a line of text.
    fn line(&self) -> f64 {
        (self.font * 1.45).round()
    }

    /// About as wide as this text becomes in most fonts.
    fn width_of(&self, text: &str) -> f64 {
        text.chars().count() as f64 * self.font * 0.58
    }
}

/// The word for a mark, which is its class, too.
pub(super) const fn word(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Fault => "fault",
        MarkKind::Detected => "detected",
        MarkKind::Healed => "healed",
        MarkKind::Recovered => "recovered",
        MarkKind::Restart => "restart",
    }
}

/// The picture of the timeline of the scenario `name`.
pub(super) fn picture(name: &str, timeline: &Timeline, layout: &Layout) -> String {
    let samples = &timeline.samples;
    let last_mark_ms = timeline.marks.iter().map(|mark| mark.at_ms).max();
    let last_sample_ms = samples.last().map(|sample| sample.at_ms);
    let end_s = last_sample_ms.max(last_mark_ms).unwrap_or(0) as f64 / 1000.0;
    let time = Axis::time(end_s, layout);
    let flags = flags::staggered(&timeline.marks, &time, layout);
    let rows = flags.iter().map(|flag| flag.row + 1).max().unwrap_or(0);

    let rates = [
        Series::rate(samples, |sample| sample.trades_in).named("made", "made"),
        Series::rate(samples, |sample| sample.trades_stored).named("stored", "stored"),
    ];
    let behind = [Series::of(samples, |sample| {
        Some(sample.trades_in.saturating_sub(sample.trades_stored))
    })];
    let spool = [Series::of(samples, |sample| sample.spool_rows)];
    let summary = summary(timeline, end_s, &rates, &behind[0], &spool[0]);

    let mut top = layout.line() * (rows as f64 + 1.0) + 6.0;
    let panels = [
        ("trades a second", &rates[..]),
        ("trades behind", &behind[..]),
        ("spool rows", &spool[..]),
    ];
    let panels = panels.iter().zip(layout.heights);
    let panels: Vec<Panel<'_>> = panels
        .map(|(&(title, series), height)| {
            let panel = Panel::new(title, series, top, height);
            top += height + layout.line() + 8.0;
            panel
        })
        .collect();
    let bottom = panels.last().map_or(top, Panel::bottom);
    let height = bottom + layout.line() * 2.0 + 2.0;

    let band = band(timeline, end_s);
    let mut drawn = String::new();
    for panel in &panels {
        drawn += &panel.draw(&time, band, layout);
    }
    drawn += &marks(&timeline.marks, &flags, &panels, &time, layout);
    drawn += &time.draw(bottom, layout);
    let (name, kind, width) = (escaped(name), layout.name, layout.width);
    format!(
        r#"<svg class="timeline {kind}" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title-{kind}-{name} desc-{kind}-{name}">
<title id="title-{kind}-{name}">Timeline of {name}</title>
<desc id="desc-{kind}-{name}">{summary}</desc>
{drawn}</svg>"#
    )
}

/// What the picture shows, for those who do not see it.
fn summary(
    timeline: &Timeline,
    end_s: f64,
    rates: &[Series],
    behind: &Series,
    spool: &Series,
) -> String {
    let most = |series: &Series| {
        series
            .highest()
            .map_or_else(|| "not known".to_owned(), axis::figure)
    };
    let mut told = format!(
        "{end_s:.1} seconds. At most {} trades a second made, {} stored, {} trades behind, {} rows in the spool.",
        rates.first().map(most).unwrap_or_default(),
        rates.last().map(most).unwrap_or_default(),
        most(behind),
        most(spool),
    );
    for mark in &timeline.marks {
        let (at, kind) = (seconds(mark.at_ms), word(mark.kind));
        told += &format!(" At {at} s: {kind}.");
    }
    escaped(&told)
}

/// From when to when the collector was not well, in s: until it had recovered, or to the end.
fn band(timeline: &Timeline, end_s: f64) -> Option<(f64, f64)> {
    let at = |kind| {
        let mut marks = timeline.marks.iter();
        let mark = marks.find(|mark| mark.kind == kind)?;
        Some(mark.at_ms as f64 / 1000.0)
    };
    let from = at(MarkKind::Fault)?;
    let to = at(MarkKind::Recovered).unwrap_or(end_s);
    (to > from).then_some((from, to))
}

/// A line through every panel for each mark, and the flags above. No line runs through the
/// title between two panels.
fn marks(
    marks: &[Mark],
    flags: &[Flag],
    panels: &[Panel<'_>],
    time: &Axis,
    layout: &Layout,
) -> String {
    let mut drawn = String::new();
    for mark in marks {
        let (kind, x) = (word(mark.kind), time.at(mark.at_ms as f64 / 1000.0));
        let strokes: String = panels
            .iter()
            .map(|panel| format!("M{x:.1} {:.1}V{:.1}", panel.top(), panel.bottom()))
            .collect();
        drawn += &format!("<path class=\"mark {kind}\" d=\"{strokes}\"/>\n");
    }
    let Some(panel) = panels.first() else {
        return drawn;
    };
    let title = panel.top() - layout.line();
    for flag in flags {
        drawn += &flag.draw(title, panel.top(), layout);
    }
    drawn
}
