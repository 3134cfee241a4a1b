//! What is made from the command line's own description is as it was committed.

use std::{collections::BTreeMap, fs, path::Path};

use crate::common::process::{run, streamkit, text};

/// Where each shell's completions are kept.
const COMPLETIONS: [(&str, &str); 5] = [
    ("bash", "streamkit.bash"),
    ("elvish", "streamkit.elv"),
    ("fish", "streamkit.fish"),
    ("powershell", "_streamkit.ps1"),
    ("zsh", "_streamkit"),
];

fn committed(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a directory, by name.
fn files(directory: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, fs::read_to_string(entry.path()).expect("a page"))
    };
    entries
        .map(|entry| read(entry.expect("an entry")))
        .collect()
}

#[test]
fn completions_are_those_that_are_committed() {
    for (shell, file) in COMPLETIONS {
        let output = run(streamkit().args(["completions", shell]));
        assert!(output.status.success(), "{shell}: {}", text(&output.stderr));
        let is_same = text(&output.stdout) == committed(&format!("completions/{file}"));
        assert!(is_same, "{file} is old: run scripts/generate");
    }
}

#[test]
fn the_manual_is_the_one_that_is_committed_with_a_page_for_each_subcommand() {
    let directory = tempfile::tempdir().expect("a directory");
    let made = directory.path().join("share/man");
    let output = run(streamkit().args(["man", "--dir"]).arg(&made));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let made = files(&made);
    let kept = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("man"));
    assert_eq!(
        made.keys().collect::<Vec<_>>(),
        kept.keys().collect::<Vec<_>>(),
        "run scripts/generate"
    );
    for (name, page) in &made {
        assert!(page == &kept[name], "{name} is old: run scripts/generate");
    }
    for page in [
        "streamkit.1",
        "streamkit-collect.1",
        "streamkit-spool-flush.1",
    ] {
        assert!(made.contains_key(page), "{page}");
    }
    let output = run(streamkit().arg("man"));
    assert!(text(&output.stdout) == made["streamkit.1"]);
}

#[test]
fn neither_needs_settings_or_a_home() {
    let directory = tempfile::tempdir().expect("a directory");
    let broken = directory.path().join("broken.toml");
    fs::write(&broken, "no toml at all").expect("written");
    for words in [vec!["completions", "bash"], vec!["man"]] {
        let output = run(streamkit()
            .args(&words)
            .arg("--config")
            .arg(&broken)
            .env_remove("HOME"));
        assert!(
            output.status.success(),
            "{words:?}: {}",
            text(&output.stderr)
        );
        assert!(!output.stdout.is_empty());
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    fs::write(&file, "").expect("written");
    let output = run(streamkit().args(["man", "--dir"]).arg(file.join("man")));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let told = text(&output.stderr);
    assert!(told.contains("failed to write manual pages to"), "{told}");
    assert!(told.contains("hint: name a directory"), "{told}");
}

#[test]
fn bash_can_read_its_completions() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions/streamkit.bash");
    let output = run(std::process::Command::new("bash").arg("-n").arg(path));
    assert!(output.status.success(), "{}", text(&output.stderr));
}
