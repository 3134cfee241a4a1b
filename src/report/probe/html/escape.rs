//! Text that cannot be taken for markup.

/// The same text for HTML, between tags and within quoted attributes. Characters that no
/// page may contain, as terminals are sent them, become spaces.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_markup_is_only_text() {
        assert_eq!(
            escaped(r#"<b class="x">Tom & 'Jerry'</b>"#),
            "&lt;b class=&quot;x&quot;&gt;Tom &amp; &#39;Jerry&#39;&lt;/b&gt;"
        );
        assert_eq!(escaped("&lt;"), "&amp;lt;");
        assert_eq!(escaped("a\u{1b}[31m\nb"), "a [31m b");
        assert_eq!(escaped("plain – 3 µs"), "plain – 3 µs");
    }
}
