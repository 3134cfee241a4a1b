//! Bad input is refused with a sentence, a hint and an exit code, and nothing is written.

use crate::{
    common::process::{run, text},
    scene::{FIRST_ID, SYMBOL, Scene},
};

#[test]
fn bad_input_is_refused_and_nothing_is_written() {
    let scene = Scene::new(31);
    let place = scene.sqlite("input");
    let lines: Vec<String> = (0..6)
        .map(|index| {
            format!(
                "{},100.5,1.0,{index},{index},{},true\n",
                FIRST_ID + index,
                1_736_035_200_000_000_i64 + index
            )
        })
        .collect();
    let broken = scene.path("broken.csv");
    std::fs::write(
        &broken,
        format!("{}oops\n{}", lines[..3].concat(), lines[3..].concat()),
    )
    .expect("written");
    let other = scene.path("other.csv");
    std::fs::write(&other, lines.concat()).expect("written");
    let gone = scene.path("gone.csv");
    let [broken, other, gone] = [broken, other, gone].map(|path| path.display().to_string());
    for (words, code, sentence) in [
        (&["NOPEUSDT", "--since", "2025-01-05"][..], 64, "NOPEUSDT"),
        (&["no!symbol"], 64, "not a symbol"),
        (&[], 64, "<SYMBOL>"),
        (
            &[SYMBOL, "--from", "2025-01-07", "--to", "2025-01-05"],
            64,
            "--to does not lie behind --from",
        ),
        (
            &[SYMBOL, "--to", "2025-01-05"],
            64,
            "nothing where to begin",
        ),
        (&[SYMBOL, "--since", "2099-01-01"], 64, "lies in the future"),
        (
            &[SYMBOL, "--since", "2025-02-01"],
            64,
            "its newest trade is of",
        ),
        (&[SYMBOL, "--since", "yesterday"], 64, "a duration such as"),
        (&[SYMBOL, "-t", "0"], 64, "invalid value '0'"),
        (
            &[SYMBOL, "--source", "archive", "--since", "2025-01-05"],
            64,
            "has no archive",
        ),
        (&[SYMBOL, "--from-file", &gone], 1, "gone.csv"),
        (&[SYMBOL, "--from-file", &broken], 1, "broken.csv"),
        (
            &[SYMBOL, "--from-file", &other],
            1,
            "is another one of BTCUSDT",
        ),
        (
            &[SYMBOL, "ETHUSDT", "--from-file", &other],
            64,
            "files are of one symbol",
        ),
    ] {
        let mut all = vec!["backfill"];
        all.extend(words);
        let output = run(&mut scene.command(&place, &all));
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {told}");
        assert!(told.contains(sentence), "{words:?}: {told}");
        assert!(told.contains("hint: "), "{words:?}: {told}");
        assert!(place.rows().is_empty(), "{words:?}");
    }
    // The line that is broken is named.
    let output = run(&mut scene.command(&place, &["backfill", SYMBOL, "--from-file", &broken]));
    let told = text(&output.stderr);
    assert!(told.contains("broken.csv:4:"), "{told}");
}

#[test]
fn a_dry_run_needs_no_store_and_makes_none() {
    let scene = Scene::new(32);
    let path = scene.path("none.db");
    let store = format!("sqlite:{}", path.display());
    let mut command = crate::common::process::streamkit();
    command
        .args(["backfill", SYMBOL, "--since", "2025-01-05", "--dry-run"])
        .args(["--store", &store, "--exchange", "sim"])
        .args(["--rest-url", &scene.server.rest_url()])
        .env("HOME", scene.directory.path());
    let output = run(&mut command);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let plan = text(&output.stdout);
    assert_eq!(
        plan.lines()
            .filter(|line| line.contains("to be read"))
            .count(),
        4,
        "{plan}"
    );
    assert!(!path.exists());
    let json = run(command.args(["-o", "json"]));
    let plan: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(
        plan["plans"][0]["periods"].as_array().map(Vec::len),
        Some(4)
    );
}
