//! Judges a package's licence expression against a list of allowed licences.
//!
//! The grammar is that of SPDX, `OR` below `AND` below `WITH`, with the `/` that older
//! manifests write for `OR`.

/// Whether `expression` can be satisfied with `allowed` licences alone.
pub fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let text = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut rest = words.as_slice();
    let answer = any(&mut rest, allowed);
    // What cannot be read to its end is not allowed.
    answer && rest.is_empty()
}

fn any(rest: &mut &[&str], allowed: &[String]) -> bool {
    let mut answer = all(rest, allowed);
    while take(rest, "OR") {
        answer |= all(rest, allowed);
    }
    answer
}

fn all(rest: &mut &[&str], allowed: &[String]) -> bool {
    let mut answer = one(rest, allowed);
    while take(rest, "AND") {
        answer &= one(rest, allowed);
    }
    answer
}

fn one(rest: &mut &[&str], allowed: &[String]) -> bool {
    if take(rest, "(") {
        let answer = any(rest, allowed);
        return take(rest, ")") && answer;
    }
    let Some((name, after)) = rest.split_first() else {
        return false;
    };
    *rest = after;
    let mut licence = (*name).to_owned();
    if take(rest, "WITH")
        && let Some((exception, after)) = rest.split_first()
    {
        licence = format!("{licence} WITH {exception}");
        *rest = after;
    }
    allowed.contains(&licence)
}

fn take(rest: &mut &[&str], word: &str) -> bool {
    let is_next = rest.first() == Some(&word);
    if is_next {
        *rest = &rest[1..];
    }
    is_next
}
