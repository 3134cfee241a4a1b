//! The few styles that text for people has.

/// Bold, for headings.
#[must_use]
pub fn bold(text: &str, has_color: bool) -> String {
    styled("1", text, has_color)
}

/// Green, for what is well.
#[must_use]
pub fn good(text: &str, has_color: bool) -> String {
    styled("32", text, has_color)
}

/// Red, for what is wrong.
#[must_use]
pub fn bad(text: &str, has_color: bool) -> String {
    styled("31", text, has_color)
}

fn styled(code: &str, text: &str, has_color: bool) -> String {
    if has_color {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}
