//! What is said and written, as far as tests compare it.

use std::{thread, time::Duration};

use crate::{common::PATIENCE, scene::Scene};

/// Waits until something is so.
#[allow(
    clippy::disallowed_methods,
    reason = "what another program writes can only be looked for"
)]
pub fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..PATIENCE.as_millis() / 5 {
        if is_so() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("waited in vain");
}

/// What was said, without what differs from run to run.
pub fn normal(told: &str, scene: &Scene) -> String {
    let home = scene.home.path().display().to_string();
    let user = format!("user {}", rustix::process::getuid().as_raw());
    let told = told
        .replace(&home, "~")
        .replace(&user, "user 0")
        .replace(&scene.unit(), "collect");
    let told = told.trim_end().replace("\n  ", " ");
    let is_span = |word: &str| {
        let digits = word.trim_start_matches(|c: char| c.is_ascii_digit());
        digits.len() < word.len() && ["ms", "s", "m", "h"].contains(&digits)
    };
    let mut lines = Vec::new();
    for line in told.lines() {
        let mut words: Vec<String> = Vec::new();
        for word in line.split(' ') {
            let bare = word.trim_end_matches([',', ':', ';']);
            let tail = &word[bare.len()..];
            if is_span(bare) {
                // Spans of several parts are one.
                if words.last().is_some_and(|last| last == "T") {
                    words.pop();
                }
                words.push(format!("T{tail}"));
            } else if bare.ends_with('Z') && bare.contains('T') && bare.contains('-') {
                words.push(format!("NOW{tail}"));
            } else {
                words.push(word.to_owned());
            }
        }
        lines.push(words.join(" "));
    }
    lines.join("\n")
}
