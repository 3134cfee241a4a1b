//! The beginning of something unreadable, fit for a log line.

/// How much is shown.
const EXCERPT_BYTES: usize = 200;

/// The beginning of `bytes`: at most 200 of them, on one line.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(EXCERPT_BYTES)];
    let mut text: String = String::from_utf8_lossy(shown)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if shown.len() < bytes.len() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_a_log_line_is_replaced_and_the_rest_cut() {
        assert_eq!(excerpt(b"a\nb\x1b[31m\xff"), "a b [31m\u{fffd}");
        assert_eq!(excerpt(&[b'x'; 201]), format!("{}…", "x".repeat(200)));
    }
}
