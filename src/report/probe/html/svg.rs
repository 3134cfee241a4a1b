//! What a run looked like: three panels above one axis of time.
//!
//! ```text
//!   trades/s                 made by the exchange, and stored
//!   ┌ fault  ┌ recovered     flags, staggered so that none covers another
//!   │        │
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
    right: 28.0,
    font: 12.5,
    steps: 9.0,
    heights: [104.0, 68.0, 52.0],
};

/// For phones.
pub(super) const NARROW: Layout = Layout {
    name: "narrow",
    width: 340.0,
    left: 44.0,
    right: 16.0,
    font: 11.5,
    steps: 5.0,
    heights: [88.0, 60.0, 46.0],
};

/// The space around the titles of panels.
const PADDING: f64 = 12.0;

impl Layout {
    /// The height of a line of text.
    fn line(&self) -> f64 {
        (self.font * 1.45).round()
    }

    /// About as wide as this text becomes in most fonts.
    fn width_of(&self, text: &str) -> f64 {
        text.chars().count() as f64 * self.font * 0.64
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
    let end_s = end_s(timeline);
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

    let settled_s = series::settled(samples);
    // No pole goes through the title of the first panel: it stands above the flags.
    let mut raised = layout.line() * rows as f64;
    let mut top = layout.line() + raised + PADDING;
    let panels = [
        ("trades/s", &rates[..]),
        ("trades behind", &behind[..]),
        ("spool rows", &spool[..]),
    ];
    let panels = panels.iter().zip(layout.heights);
    let panels: Vec<Panel<'_>> = panels
        .map(|(&(title, series), height)| {
            let panel = Panel {
                title,
                series,
                settled_s,
                top,
                bottom: top + height,
                raised: std::mem::take(&mut raised),
            };
            top += height + layout.line() + PADDING;
            panel
        })
        .collect();
    let bottom = panels.last().map_or(top, |panel| panel.bottom);
    let height = bottom + layout.line() * 2.0 + 2.0;

    let band = band(timeline);
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

/// When the last thing was seen.
fn end_s(timeline: &Timeline) -> f64 {
    let last_mark_ms = timeline.marks.iter().map(|mark| mark.at_ms).max();
    let last_sample_ms = timeline.samples.last().map(|sample| sample.at_ms);
    last_sample_ms.max(last_mark_ms).unwrap_or(0) as f64 / 1000.0
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
    let figures = format!(
        "{end_s:.1} seconds. At most {} trades a second made, {} stored, {} trades behind, {} rows in the spool.",
        rates.first().map(most).unwrap_or_default(),
        rates.last().map(most).unwrap_or_default(),
        most(behind),
        most(spool),
    );
    let told = |mark: &Mark| {
        let (at, kind) = (seconds(mark.at_ms), word(mark.kind));
        format!(" At {at} s: {kind}.")
    };
    let marks: String = timeline.marks.iter().map(told).collect();
    escaped(&(figures + &marks))
}

/// From when to when the collector was not well, in s: until it had recovered, or to the end.
pub(super) fn band(timeline: &Timeline) -> Option<(f64, f64)> {
    let at = |kind| {
        let mut marks = timeline.marks.iter();
        let mark = marks.find(|mark| mark.kind == kind)?;
        Some(mark.at_ms as f64 / 1000.0)
    };
    let from = at(MarkKind::Fault)?;
    let to = at(MarkKind::Recovered).unwrap_or_else(|| end_s(timeline));
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
    let line = |mark: &Mark| {
        let (kind, x) = (word(mark.kind), time.at(mark.at_ms as f64 / 1000.0));
        let stroke = |panel: &Panel<'_>| format!("M{x:.1} {:.1}V{:.1}", panel.top, panel.bottom);
        let strokes: String = panels.iter().map(stroke).collect();
        format!("<path class=\"mark {kind}\" d=\"{strokes}\"/>\n")
    };
    let lines: String = marks.iter().map(line).collect();
    let top = panels.first().map_or(0.0, |panel| panel.top);
    let flags: String = flags.iter().map(|flag| flag.draw(top, layout)).collect();
    lines + &flags
}
