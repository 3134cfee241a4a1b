//! The report of `probe run` as a browser shows it, on a desk and on a phone.
//!
//! The browser is Chromium: what `CHROMIUM` names, or `chromium` on the PATH. Without one
//! the test says so and ends, except where `CI=true`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it saw"
)]

mod common;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use common::process::{Process, streamkit};

/// No run of a browser takes longer, and no run of two scenarios.
const PATIENCE: Duration = Duration::from_secs(120);
const SCENARIOS: [&str; 2] = ["cut-rst", "id-gap"];
/// Phones are no narrower, and hold text no smaller than this to be readable.
const PHONE_PX: u32 = 360;
const READABLE_PX: f64 = 9.0;

/// What a page tells of itself once it is laid out, put where it can be found.
///
/// A name above a panel may touch no other one, and everything has to fit the width.
const TELL: &str = r"<script>
addEventListener('load', () => {
  const root = document.documentElement;
  const shown = (found) => [...document.querySelectorAll(found)]
    .filter((it) => it.getClientRects().length > 0);
  const boxes = shown('.timeline .flag').map((it) => [it.closest('svg'), it.getBoundingClientRect()]);
  const covered = boxes.filter(([svg, a], place) => boxes.slice(place + 1).some(([other, b]) =>
    svg === other && a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom));
  const outside = shown('.timeline text').filter((it) => {
    const [box, svg] = [it.getBoundingClientRect(), it.closest('svg').getBoundingClientRect()];
    return box.left < svg.left - 1 || box.right > svg.right + 1;
  });
  const heights = shown('.timeline text').map((it) => {
    const svg = it.closest('svg');
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    return parseFloat(getComputedStyle(it).fontSize) * scale;
  });
  const told = {
    width: root.clientWidth,
    scroll: root.scrollWidth,
    rows: shown('tr[data-scenario]').length,
    pictures: shown('svg.timeline').length,
    covered: covered.length,
    outside: outside.length,
    text: Math.min(...heights),
  };
  parent.postMessage(JSON.stringify(told), '*');
});
</script>
";

/// Where a browser is, if there is one.
fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let found = named.or_else(|| {
        let path = std::env::var_os("PATH")?;
        let programs = std::env::split_paths(&path).map(|directory| directory.join("chromium"));
        programs.into_iter().find(|program| program.is_file())
    });
    if found.is_none() {
        let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!is_ci, "there is no Chromium, and CI has to have one");
        eprintln!("skipped: there is no Chromium");
    }
    found
}

/// The document that a browser makes of a file.
fn dumped(chromium: &Path, page: &Path, directory: &Path) -> String {
    let profile = tempfile::tempdir_in(directory).expect("a directory");
    let out = directory.join("dump.html");
    let child = Command::new(chromium)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
        ])
        .args(["--disable-quic", "--no-first-run", "--disable-sync"])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(["--virtual-time-budget=2000", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .stdout(File::create(&out).expect("a file"))
        .stderr(Stdio::null())
        .spawn()
        .expect("the browser starts");
    let status = Process(child).wait_for(PATIENCE);
    assert!(status.success(), "the browser ended with {status}");
    fs::read_to_string(&out).expect("the document")
}

/// What a page tells of itself in a frame that is so wide: windows cannot be made as narrow
/// as a phone.
fn laid_out(chromium: &Path, page: &str, width: u32, directory: &Path) -> serde_json::Value {
    fs::write(directory.join("inner.html"), format!("{page}{TELL}")).expect("written");
    let outer = directory.join("outer.html");
    let text = format!(
        "<!doctype html><script>addEventListener('message', (it) => \
         document.body.append('TOLD' + it.data + 'TOLD'));</script>\
         <body><iframe src='inner.html' style='width:{width}px;height:800px;border:0'></iframe>"
    );
    fs::write(&outer, text).expect("written");
    let dump = dumped(chromium, &outer, directory);
    // Behind it is the rest of the document, before it the script itself.
    let told = dump.rsplit("TOLD").nth(1).expect("what it tells");
    serde_json::from_str(told).unwrap_or_else(|error| panic!("{error}: {dump}"))
}

#[test]
fn a_browser_shows_every_scenario_on_a_desk_and_on_a_phone() {
    let Some(chromium) = chromium() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let report = directory.path().join("report.html");
    let log = directory.path().join("log");
    let child = streamkit()
        .args(["probe", "run", "--only", &SCENARIOS.join(","), "--report"])
        .arg(&report)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log).expect("a file"))
        .spawn()
        .expect("probe run starts");
    // Whether they pass on this machine is no matter of how that looks.
    let _ = Process(child).wait_for(PATIENCE);
    let said = fs::read_to_string(&log).expect("the log");
    let last = format!("report: {}\n", report.display());
    assert!(said.ends_with(&last), "{said}");

    let document = dumped(&chromium, &report, directory.path());
    for name in SCENARIOS {
        let row = format!("<tr id=\"row-{name}\" data-scenario=\"{name}\" data-result=\"");
        assert!(document.contains(&row), "{name}: {document}");
        let section = format!("<section id=\"scenario-{name}\"");
        assert!(document.contains(&section), "{name}: {document}");
    }

    let page = fs::read_to_string(&report).expect("the page");
    for width in [PHONE_PX, 600, 800, 1400] {
        let told = laid_out(&chromium, &page, width, directory.path());
        assert_eq!(told["width"], width, "{told}");
        assert_eq!(told["scroll"], width, "{told}");
        assert_eq!(told["rows"], SCENARIOS.len(), "{told}");
        assert_eq!(told["pictures"], SCENARIOS.len(), "{told}");
        assert_eq!(told["covered"], 0, "{told}");
        assert_eq!(told["outside"], 0, "{told}");
        assert!(told["text"].as_f64() >= Some(READABLE_PX), "{told}");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_anything_runs() {
    let output = common::process::run(streamkit().args([
        "probe",
        "run",
        "--only",
        "nothing",
        "--report",
        "/missing/report.html",
    ]));
    assert_eq!(output.status.code(), Some(78));
    let said = common::process::text(&output.stderr);
    assert!(
        said.starts_with("error: failed to write the report /missing/report.html: "),
        "{said}"
    );
    assert!(said.contains("hint: name a file in a directory"), "{said}");
}
