//! One scenario: what was missed, its runs, and what one of them looked like.

use crate::app::probe::{
    outcome::{RunOutcome, ScenarioOutcome},
    settings::Settings,
    timeline::{Mark, Timeline},
};

use super::{
    escape::escaped,
    figures::{self, seconds},
    result::Ended,
    svg::{self, NARROW, WIDE},
};

/// The section of a scenario.
pub(super) fn section(scenario: &ScenarioOutcome, settings: &Settings) -> String {
    let (name, line) = (escaped(scenario.name), escaped(scenario.line));
    let ended = Ended::of(scenario);
    let parts = [
        why_not_run(scenario),
        missed(scenario, settings),
        runs(scenario),
        scenario
            .shown()
            .map(|run| timeline(scenario.name, run, settings))
            .unwrap_or_default(),
    ];
    let parts = parts.concat();
    let badge = ended.badge();
    format!(
        r#"<section id="scenario-{name}" class="scenario" aria-labelledby="name-{name}">
<div class="heading"><h3 id="name-{name}">{name}</h3><p class="line">{line}</p>{badge}</div>
{parts}</section>"#
    )
}

fn why_not_run(scenario: &ScenarioOutcome) -> String {
    let reason = match &scenario.skipped {
        Some(reason) => escaped(reason),
        None if scenario.runs.is_empty() => "stopped before its first run".to_owned(),
        None => return String::new(),
    };
    format!("<p class=\"reason\">Not run: {reason}</p>\n")
}

/// What was missed in which run, and how to make it happen again.
fn missed(scenario: &ScenarioOutcome, settings: &Settings) -> String {
    let failed: Vec<&RunOutcome> = scenario
        .runs
        .iter()
        .filter(|run| !run.has_passed())
        .collect();
    let Some(first) = failed.first() else {
        return String::new();
    };
    let sentence = |run: &&RunOutcome| {
        let (seed, text) = (run.seed, escaped(&run.missed.join("; ")));
        format!("<li><span class=\"seed\">seed {seed}</span> {text}</li>")
    };
    let sentences: String = failed.iter().map(sentence).collect();
    let again = escaped(&settings.again(scenario.name, first.seed));
    format!(
        "<ul class=\"missed\">{sentences}</ul>\n<p class=\"again\">Again: <code>{again}</code></p>\n"
    )
}

/// The runs side by side; the figures of a single one stand in the matrix.
fn runs(scenario: &ScenarioOutcome) -> String {
    if scenario.runs.len() < 2 {
        return String::new();
    }
    let name = escaped(scenario.name);
    let heads = figures::heads();
    let row = |run: &RunOutcome| {
        let ended = Ended::of_run(run);
        let (seed, result, badge) = (run.seed, ended.name(), ended.badge());
        let cells = figures::cells(std::slice::from_ref(run));
        format!(
            "<tr class=\"{result}\"><th scope=\"row\">{seed}</th>{cells}<td class=\"result\">{badge}</td></tr>\n"
        )
    };
    let rows: String = scenario.runs.iter().map(row).collect();
    format!(
        r#"<div class="scroll" role="region" aria-labelledby="runs-{name}" tabindex="0">
<table class="runs">
<caption id="runs-{name}"><span>Its runs</span></caption>
<thead><tr><th scope="col">seed</th>{heads}<th scope="col">result</th></tr></thead>
<tbody>
{rows}</tbody>
</table>
</div>
"#
    )
}

/// The picture of a run, in two widths of which one is shown, and its marks in words.
fn timeline(name: &str, run: &RunOutcome, settings: &Settings) -> String {
    if run.timeline == Timeline::default() {
        return "<p class=\"reason\">Nothing was recorded of this run.</p>\n".to_owned();
    }
    let pictures = [WIDE, NARROW].map(|layout| svg::picture(name, &run.timeline, &layout));
    let pictures = pictures.join("\n");
    let caption = caption(run, settings);
    let marks: String = run.timeline.marks.iter().map(mark).collect();
    let marks = if marks.is_empty() {
        "<p class=\"reason\">Nothing was marked in this run.</p>".to_owned()
    } else {
        format!("<ol class=\"marks\">\n{marks}</ol>")
    };
    format!(
        r#"<div class="run">
<figure>
{pictures}
<figcaption>{caption}</figcaption>
</figure>
{marks}
</div>
"#
    )
}

/// Times of a picture are those of the run; those of the matrix are not.
fn caption(run: &RunOutcome, settings: &Settings) -> String {
    let (seed, scale) = (run.seed, settings.scale);
    // A scale is at least MIN_SCALE.
    let stands_for = 1.0 / scale;
    let scaled = if (scale - 1.0).abs() < f64::EPSILON {
        "not scaled".to_owned()
    } else {
        format!("at time scale {scale}: 1 s here is {stands_for:.1} s in the tables")
    };
    let shaded =
        svg::band(&run.timeline).map_or("", |_| " Shaded: from the failure until recovered.");
    format!("Seed {seed}. Seconds of the run as it was played, {scaled}.{shaded}")
}

fn mark(mark: &Mark) -> String {
    let (at, text) = (seconds(mark.at_ms), escaped(&mark.text));
    let kind = svg::word(mark.kind);
    format!(
        "<li class=\"{kind}\"><span class=\"at\">at {at} s:</span> <b>{kind}</b> <span class=\"text\">— {text}</span></li>\n"
    )
}
