//! A message in words, for people.

use std::time::Duration;

use jiff::Timestamp;

use super::channel::Message;
use crate::domain::alert::{Notice, NoticeKind, Severity};

/// A message as people read it: one line, and paragraphs below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    /// What it is about, in one line.
    pub title: String,
    /// The rest, line by line, of which each may be cut off.
    pub lines: Vec<String>,
}

/// The message in words.
pub(super) fn words(message: &Message) -> Words {
    let mut lines = Vec::new();
    if message.is_test {
        lines.push("This is a test of the channel. Nothing is wrong.".to_owned());
    }
    if let [notice] = &message.notices[..] {
        lines.extend(facts(notice));
    } else {
        for notice in &message.notices {
            lines.push(format!("{}: {}", notice.label(), clean(&notice.headline())));
            if !notice.detail.is_empty() {
                lines.push(format!("  {}", clean(&notice.detail)));
            }
        }
    }
    if message.lost > 0 {
        lines.push(lost(message.lost));
    }
    Words {
        title: title(message),
        lines,
    }
}

/// What a message is about, in one line.
pub(super) fn title(message: &Message) -> String {
    let collector = clean(&message.collector);
    let test = if message.is_test { "TEST, " } else { "" };
    match &message.notices[..] {
        [notice] => {
            let headline = clean(&notice.headline());
            format!("{test}{}: {headline} [{collector}]", notice.label())
        }
        notices => {
            let count = |wanted: fn(&Notice) -> bool| notices.iter().filter(|n| wanted(n)).count();
            let is_firing = |n: &Notice| n.kind == NoticeKind::Firing;
            let critical =
                count(|n| n.kind == NoticeKind::Firing && n.severity == Severity::Critical);
            let warnings = notices.iter().filter(|n| is_firing(n)).count() - critical;
            let resolved = count(|n| n.kind == NoticeKind::Resolved);
            let parts: Vec<String> = [
                (critical, "critical"),
                (warnings, if warnings == 1 { "warning" } else { "warnings" }),
                (resolved, "resolved"),
            ]
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{number} {word}"))
            .collect();
            format!(
                "{test}{} alerts: {} [{collector}]",
                notices.len(),
                parts.join(", ")
            )
        }
    }
}

/// That alerts were lost.
pub(super) fn lost(lost: u64) -> String {
    let (alerts, were) = if lost == 1 {
        ("alert", "was")
    } else {
        ("alerts", "were")
    };
    format!("{lost} {alerts} before this {were} lost: this channel could not send in time.")
}

/// What is known, line by line.
fn facts(notice: &Notice) -> Vec<String> {
    let mut lines = Vec::new();
    if !notice.detail.is_empty() {
        lines.push(clean(&notice.detail));
    }
    let age = humantime::format_duration(Duration::from_secs(
        u64::try_from(notice.age_us() / 1_000_000).unwrap_or_default(),
    ));
    lines.push(match notice.kind {
        NoticeKind::Firing if notice.reminder == 0 => format!("since {}", time(notice.since_us)),
        NoticeKind::Firing => format!("since {}, for {age}", time(notice.since_us)),
        NoticeKind::Resolved => format!(
            "from {} to {}, {age}",
            time(notice.since_us),
            time(notice.at_us)
        ),
    });
    if notice.flaps > 0 || notice.suppressed > 0 {
        lines.push(format!(
            "it came back {} times since the last notice, and {} alerts were not sent",
            notice.flaps, notice.suppressed
        ));
    }
    if notice.kind == NoticeKind::Firing && !notice.hint.is_empty() {
        lines.push(format!("what to do: {}", clean(&notice.hint)));
    }
    lines.push(format!("rule {}, {}", clean(&notice.rule), notice.severity));
    lines
}

/// The time `us`, µs since 1970 UTC, to the second.
pub(super) fn time(us: i64) -> String {
    Timestamp::from_second(us.div_euclid(1_000_000))
        .map_or_else(|_| format!("{us} µs"), |time| time.to_string())
}

/// `text` on one line, without characters that control a terminal or turn the direction
/// of what follows.
pub(super) fn clean(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|c| {
            if c.is_control() || c == '\u{2028}' || c == '\u{2029}' {
                ' '
            } else {
                c
            }
        })
        .filter(|&c| !turns(c))
        .collect()
}

/// The beginning of `text` that has at most `max` of what `size` counts, with `…` where
/// something is missing.
pub(super) fn cut(text: &str, max: usize, size: fn(char) -> usize) -> String {
    let total: usize = text.chars().map(size).sum();
    if total <= max {
        return text.to_owned();
    }
    let mut room = max.saturating_sub(size('…'));
    let mut kept: String = text
        .chars()
        .take_while(|&c| {
            let fits = size(c) <= room;
            room = room.saturating_sub(size(c));
            fits
        })
        .collect();
    kept.push('…');
    kept
}

/// Counts characters.
pub(super) fn chars(_: char) -> usize {
    1
}

/// As many of `lines` as fit into `max` of what `size` counts of them, joined; the last
/// line says how many are missing.
pub(super) fn fit(lines: &[String], max: usize, size: fn(char) -> usize) -> String {
    let measure = |text: &str| text.chars().map(size).sum::<usize>() + size('\n');
    let mut text = String::new();
    let mut used = 0;
    // The longest last line.
    let reserve = measure("… and 18446744073709551615 lines more");
    for (number, line) in lines.iter().enumerate() {
        let is_last = number + 1 == lines.len();
        let room = max.saturating_sub(used + if is_last { 0 } else { reserve });
        if measure(line) > room {
            let mut rest = lines.len() - number;
            if number == 0 {
                if is_last || room < size('…') + size('\n') {
                    return cut(line, max, size);
                }
                // A first line that is too long is still worth its beginning.
                text = cut(line, room - size('\n'), size);
                rest -= 1;
            }
            return format!("{text}\n… and {rest} lines more");
        }
        if number > 0 {
            text.push('\n');
        }
        text.push_str(line);
        used += measure(line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{super::testing, *};

    #[test]
    fn one_alert_is_told_in_full() {
        let words = words(&testing::message(vec![testing::firing()]));
        assert_eq!(
            words.title,
            "CRITICAL: BTCUSDT: the exchange has trades that are missing here \
             (7m 1s, limit 1m 30s) [node-1]"
        );
        assert_eq!(
            words.lines,
            [
                "last id here 41, at the exchange 77",
                "since 2026-01-02T03:04:05Z",
                "what to do: look at the log",
                "rule data_stale, critical",
            ]
        );
    }

    #[test]
    fn a_recovery_says_from_when_to_when_and_many_alerts_are_a_list() {
        let resolved = words(&testing::message(vec![testing::resolved()]));
        assert!(resolved.title.starts_with("RESOLVED: BTCUSDT: "));
        assert_eq!(
            resolved.lines[1],
            "from 2026-01-02T03:04:05Z to 2026-01-02T03:14:05Z, 10m"
        );
        let mut many = testing::message(vec![
            testing::firing(),
            testing::warning(),
            testing::resolved(),
        ]);
        many.lost = 7;
        many.is_test = true;
        let many = words(&many);
        assert_eq!(
            many.title,
            "TEST, 3 alerts: 1 critical, 1 warning, 1 resolved [node-1]"
        );
        assert_eq!(many.lines.len(), 1 + 3 * 2 + 1);
        assert!(many.lines[7].starts_with("7 alerts before this were lost"));
    }

    #[test]
    fn control_characters_and_turned_directions_do_not_get_through() {
        assert_eq!(clean("a\nb\u{1b}[31m\u{202e}c\u{0}d"), "a b [31mc d");
    }

    #[test]
    fn what_does_not_fit_is_cut_where_a_line_ends_and_counted() {
        let lines: Vec<String> = (0..100).map(|n| format!("line {n}")).collect();
        for max in 60..900 {
            let text = fit(&lines, max, char::len_utf16);
            assert!(text.encode_utf16().count() <= max, "{max}: {text}");
            let shown = text.lines().filter(|l| l.starts_with("line")).count();
            if shown < 100 {
                let rest = format!("… and {} lines more", 100 - shown);
                assert_eq!(text.lines().last(), Some(rest.as_str()));
            }
        }
        let long = vec!["😀".repeat(100), "x".to_owned()];
        let text = fit(&long, 50, char::len_utf16);
        assert!(text.encode_utf16().count() <= 50);
        assert_eq!(text, "😀😀😀😀😀…\n… and 1 lines more");
        assert_eq!(fit(&long[..1], 50, chars).chars().count(), 50);
        assert_eq!(fit(&long[..1], 1000, chars), long[0]);
    }
}
