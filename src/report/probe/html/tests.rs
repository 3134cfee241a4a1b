use std::collections::BTreeMap;

use crate::{
    app::probe::{
        budget::BudgetFile,
        measures::Measures,
        outcome::{RunOutcome, ScenarioOutcome},
        run::Outcome,
        settings::{Database, Settings},
        timeline::{Mark, MarkKind, Sample, Timeline},
    },
    domain::{anchor::Anchor, threshold::Threshold},
};

use super::page;

fn settings(runs: u32) -> Settings {
    let dbps = |dbps| Threshold::new(dbps).expect("a threshold");
    Settings {
        binary: "streamkit".into(),
        seed: 3,
        runs,
        scale: 0.1,
        thresholds: vec![dbps(10), dbps(250)],
        finest: dbps(10),
        anchor: Anchor::Day,
        options: Vec::new(),
        database: Database::File,
        budgets: BudgetFile::default(),
        budget_path: None,
        directory: "evidence".into(),
        is_bare: false,
    }
}

fn sample(place: u64, spool_rows: Option<u64>) -> Sample {
    Sample {
        at_ms: place * 100,
        trades_in: 1000 + place * 40,
        trades_stored: 1000 + place * 38,
        spool_rows,
        rss_bytes: Some(30 << 20),
    }
}

fn mark(at_ms: u64, kind: MarkKind, text: &str) -> Mark {
    let text = text.to_owned();
    Mark { at_ms, kind, text }
}

fn timeline(samples: u64) -> Timeline {
    Timeline {
        samples: (0..samples).map(|place| sample(place, Some(2))).collect(),
        marks: vec![
            mark(3_210, MarkKind::Fault, "the stream is reset"),
            mark(3_250, MarkKind::Detected, "stream.dead: \"<silence>\""),
            mark(4_000, MarkKind::Recovered, "trades are stored"),
        ],
    }
}

fn run(seed: u64, detected_ms: u64, lost: u64, missed: &[&str]) -> RunOutcome {
    RunOutcome {
        seed,
        measures: Some(Measures {
            detected_ms: Some(detected_ms),
            recovered_ms: Some(2500),
            lost,
            peak_rss_bytes: 30 << 20,
            ..Measures::default()
        }),
        missed: missed.iter().map(ToString::to_string).collect(),
        timeline: timeline(60),
    }
}

fn scenario(name: &'static str, group: &'static str, runs: Vec<RunOutcome>) -> ScenarioOutcome {
    ScenarioOutcome {
        name,
        group,
        line: "a & b < c",
        runs,
        skipped: None,
    }
}

fn outcome(scenarios: Vec<ScenarioOutcome>) -> Outcome {
    Outcome {
        scenarios,
        evidence: None,
        is_cut_short: false,
    }
}

fn shown(scenarios: Vec<ScenarioOutcome>) -> String {
    page(&outcome(scenarios), &settings(1), "2026-01-02 03:04 UTC")
}

fn with_timeline(timeline: Timeline) -> String {
    let run = RunOutcome {
        timeline,
        ..run(3, 100, 0, &[])
    };
    shown(vec![scenario("cut", "network", vec![run])])
}

/// The row of a scenario, up to its end.
fn row<'a>(page: &'a str, name: &str) -> &'a str {
    let from = page.find(&format!("<tr id=\"row-{name}\"")).expect(name);
    let row = &page[from..];
    &row[..row.find("</tr>").expect("its end")]
}

/// Every tag that is opened is closed, in order; what is between is text without markup.
fn assert_well_formed(page: &str) {
    const VOID: [&str; 4] = ["!doctype", "meta", "path", "rect"];
    let body = page.split("<style>").next().expect("a head").to_owned()
        + page.split("</style>").nth(1).expect("a body");
    let mut open = Vec::new();
    for part in body.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("the end of a tag");
        assert!(!text.contains('>'), "{part}");
        let name = tag.split([' ', '/']).next().expect("a name");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{part}");
        } else if !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn each_scenario_has_a_row_and_a_section() {
    let mut not_run = scenario("down", "store", Vec::new());
    not_run.skipped = Some("needs a server: --store".to_owned());
    let page = shown(vec![
        scenario("cut", "network", vec![run(3, 100, 0, &[])]),
        scenario("slow", "network", vec![run(3, 100, 7, &["7 lost"])]),
        not_run,
    ]);
    assert_well_formed(&page);
    let results = [("cut", "passed"), ("slow", "missed"), ("down", "not_run")];
    for (name, result) in results {
        let row = row(&page, name);
        assert!(row.contains(&format!("data-scenario=\"{name}\"")), "{row}");
        assert!(row.contains(&format!("data-result=\"{result}\"")), "{row}");
        let link = format!("href=\"#scenario-{name}\"");
        assert!(row.contains(&link), "{row}");
        assert_eq!(row.matches("<td").count(), 12, "{row}");
        let section = format!("<section id=\"scenario-{name}\"");
        assert_eq!(page.matches(&section).count(), 1);
    }
    assert!(page.contains("1 of 2 runs missed"));
    assert!(page.contains("<dd>2, 1 not run</dd>"));
    assert!(page.contains("Not run: needs a server: --store"));
    assert!(page.contains("<li><span class=\"seed\">seed 3</span> 7 lost</li>"));
    assert!(page.contains("streamkit probe run --only slow --seed 3 --time-scale 0.1 "));
    assert!(page.contains("2026-01-02 03:04 UTC"));
    assert_eq!(page.matches("<h2 id=\"group-network\">").count(), 1);
}

#[test]
fn the_page_needs_nothing_else() {
    let page = shown(vec![scenario("cut", "network", vec![run(3, 100, 0, &[])])]);
    for wanted in [
        "http://", "https://", "<script", "<link", "src=", "url(", "@import",
    ] {
        assert!(!page.contains(wanted), "{wanted}");
    }
}

#[test]
fn ids_are_unique() {
    let runs = || vec![run(3, 100, 0, &[]), run(4, 100, 0, &[])];
    let page = shown(vec![
        scenario("cut", "network", runs()),
        scenario("slow", "network", runs()),
    ]);
    let mut ids = BTreeMap::new();
    for part in page.split(" id=\"").skip(1) {
        let id = part.split('"').next().expect("its end");
        *ids.entry(id).or_insert(0) += 1;
    }
    assert!(ids.values().all(|&count| count == 1), "{ids:?}");
    for part in page.split(" aria-labelledby=\"").skip(1) {
        let named = part.split('"').next().expect("its end");
        assert!(named.split(' ').all(|id| ids.contains_key(id)), "{named}");
    }
}

#[test]
fn whatever_is_said_is_only_text() {
    let missed = ["<script>alert('x')</script> & \"more\""];
    let page = shown(vec![scenario(
        "cut",
        "network",
        vec![run(3, 1, 0, &missed)],
    )]);
    assert_well_formed(&page);
    assert!(page.contains("a &amp; b &lt; c"));
    assert!(
        page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;more&quot;")
    );
    assert!(page.contains("stream.dead: &quot;&lt;silence&gt;&quot;"));
}

#[test]
fn of_several_runs_the_median_and_the_worst_are_told() {
    let runs = vec![
        run(3, 100, 0, &[]),
        run(4, 300, 0, &[]),
        run(5, 200, 2000, &["lost"]),
    ];
    let outcome = outcome(vec![scenario("cut", "network", runs)]);
    let page = page(&outcome, &settings(3), "now");
    let row = row(&page, "cut");
    assert!(row.contains(">0.20 / 0.30<"), "{row}");
    assert!(row.contains(">2.50<"), "{row}");
    assert!(row.contains("class=\"figure damage\">0 / 2 000<"), "{row}");
    assert!(row.contains(">30<"), "{row}");
    assert!(page.contains("Of several runs: median / worst"));
    assert!(page.contains("<dt>seeds</dt><dd>3 to 5</dd>"));
    let table = page.split("<table class=\"runs\">").nth(1).expect("runs");
    for seed in 3..=5 {
        assert!(table.contains(&format!("<th scope=\"row\">{seed}</th>")));
    }
}

#[test]
fn what_only_some_runs_have_seen_was_never_seen_by_the_others() {
    let blind = |seed| {
        let mut run = run(seed, 0, 0, &["never detected"]);
        let measures = run.measures.as_mut().expect("measured");
        measures.detected_ms = None;
        run
    };
    let row_of = |runs| {
        let page = shown(vec![scenario("cut", "network", runs)]);
        row(&page, "cut").to_owned()
    };
    let two_of_three = row_of(vec![run(3, 400, 0, &[]), blind(4), blind(5)]);
    assert!(two_of_three.contains(">never<"), "{two_of_three}");
    let one_of_three = row_of(vec![run(3, 400, 0, &[]), run(4, 400, 0, &[]), blind(5)]);
    assert!(one_of_three.contains(">0.40 / never<"), "{one_of_three}");
    let all = row_of(vec![blind(3)]);
    assert!(all.contains(">–<") && !all.contains("never"), "{all}");
}

#[test]
fn of_a_run_that_could_not_be_played_nothing_is_known() {
    let broken = RunOutcome {
        seed: 3,
        measures: None,
        missed: vec!["failed to start the exchange".to_owned()],
        timeline: Timeline::default(),
    };
    let page = shown(vec![scenario("cut", "network", vec![broken])]);
    assert_well_formed(&page);
    let row = row(&page, "cut");
    assert_eq!(row.matches(">–<").count(), 10, "{row}");
    assert!(page.contains("Nothing was recorded of this run."));
    assert!(!page.contains("<svg"));
}

#[test]
fn a_run_has_its_timeline_in_a_picture_and_in_words() {
    let page = with_timeline(timeline(60));
    assert_well_formed(&page);
    assert_eq!(page.matches("<svg class=\"timeline").count(), 2);
    assert!(page.contains("<title id=\"title-wide-cut\">Timeline of cut</title>"));
    assert!(page.contains("At 3.25 s: detected."));
    assert!(page.contains("1 s here is 10.0 s in the tables"));
    for (kind, at) in [
        ("fault", "3.21"),
        ("detected", "3.25"),
        ("recovered", "4.00"),
    ] {
        let words = format!("<span class=\"at\">at {at} s:</span> <b>{kind}</b>");
        assert!(page.contains(&words), "{kind}");
        assert!(page.contains(&format!("class=\"mark {kind}\"")), "{kind}");
        assert!(page.contains(&format!("class=\"flag {kind}\"")), "{kind}");
    }
}

#[test]
fn a_timeline_may_lack_looks_or_marks() {
    let whole = timeline(60);
    let (samples, marks) = (whole.samples.clone(), whole.marks.clone());
    let none = Vec::new;
    let without_looks = with_timeline(Timeline {
        samples: none(),
        marks,
    });
    assert_eq!(without_looks.matches(">not known<").count(), 6);
    assert!(without_looks.contains("class=\"flag fault\""));
    let without_marks = with_timeline(Timeline {
        samples,
        marks: Vec::new(),
    });
    assert!(without_marks.contains("Nothing was marked in this run."));
    let with_one = with_timeline(Timeline {
        samples: vec![sample(0, None)],
        marks: Vec::new(),
    });
    // One look shows how far behind it is, but no rate.
    assert_eq!(with_one.matches("h0\"").count(), 2);
    assert_eq!(with_one.matches(">not known<").count(), 4);
    for page in [without_looks, without_marks, with_one] {
        assert_well_formed(&page);
        assert!(!page.contains("NaN") && !page.contains("inf"));
    }
}

#[test]
fn where_the_spool_is_not_known_its_line_has_a_gap() {
    let mut timeline = timeline(60);
    timeline.samples[30].spool_rows = None;
    let page = with_timeline(timeline);
    let strokes = page
        .split("class=\"line plain\" d=\"")
        .nth(2)
        .expect("spool");
    let strokes = strokes.split('"').next().expect("its end");
    assert_eq!(strokes.matches('M').count(), 2);
}

#[test]
fn what_was_stopped_has_not_passed() {
    let mut outcome = outcome(vec![
        scenario("cut", "network", vec![run(3, 100, 0, &[])]),
        scenario("slow", "network", Vec::new()),
    ]);
    outcome.is_cut_short = true;
    outcome.evidence = Some("/tmp/a & b".into());
    let page = page(&outcome, &settings(1), "now");
    assert!(page.contains("<p class=\"verdict not_run\">"));
    assert!(page.contains("the only run passed, stopped before the end"));
    assert!(page.contains("Not run: stopped before its first run"));
    assert!(page.contains("<code>/tmp/a &amp; b</code>"));
    assert!(shown(Vec::new()).contains("nothing was run"));
}
