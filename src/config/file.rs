//! The settings file, `streamkit.toml`.
//!
//! It is flat: one line a setting, lists for those that take several values. A key
//! that is not known is an error, because a setting that is silently ignored is worse
//! than none.
//!
//! ```toml
//! store = "clickhouse://streamkit@db.example:8123/streamkit"
//! store_password = "…"
//! state_dir = "/var/lib/streamkit"
//! thresholds = [250, 500]
//! anchor = "day"
//! ```

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::key::Key;

/// The name of the file in the directory for settings.
pub const FILE_NAME: &str = "streamkit.toml";

/// The most bytes that are read. A file beyond that is no settings file.
const MAX_SIZE_BYTES: u64 = 1 << 20;

/// A key that is so much like a setting's name, from 0 to 1, was meant to be it.
const LIKE: f64 = 0.8;

/// The values of one setting and the line that they stand in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// One value, or several for a list.
    pub values: Vec<String>,
    /// The line of its key, from 1.
    pub line: usize,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("read the settings file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is much too large.
    #[error("read the settings file {}: it is larger than {MAX_SIZE_BYTES} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A line of it is wrong.
    #[error("read the settings file {}, line {line}: {reason}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// What a settings file says.
#[derive(Debug, Default)]
pub struct Contents {
    /// Its settings.
    pub entries: BTreeMap<Key, Entry>,
    /// Lines that have a key or a kind of value that no setting has.
    pub wrong: Vec<FileError>,
}

/// Reads the settings file at `path`. What the values mean is not judged here.
///
/// # Errors
/// When it cannot be read, or is not TOML.
pub fn read(path: &Path) -> Result<Contents, FileError> {
    let unreadable = |source| FileError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let size_bytes = fs::metadata(path).map_err(unreadable)?.len();
    if size_bytes > MAX_SIZE_BYTES {
        return Err(FileError::TooLarge {
            path: path.to_owned(),
        });
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let error = |Wrong { offset, reason }| FileError::Wrong {
        path: path.to_owned(),
        line: line_of(&text, offset),
        reason,
    };
    let (entries, wrong) = parse(&text).map_err(error)?;
    Ok(Contents {
        entries,
        wrong: wrong.into_iter().map(error).collect(),
    })
}

/// What is wrong, and where in the text.
#[derive(Debug)]
struct Wrong {
    offset: usize,
    reason: String,
}

fn parse(text: &str) -> Result<(BTreeMap<Key, Entry>, Vec<Wrong>), Wrong> {
    let table = DeTable::parse(text).map_err(|error| Wrong {
        offset: error.span().map_or(0, |span| span.start),
        reason: error.message().trim().replace('\n', ", "),
    })?;
    let (mut entries, mut wrong) = (BTreeMap::new(), Vec::new());
    for (name, value) in table.get_ref() {
        let offset = name.span().start;
        let Some(key) = Key::named(name.get_ref()) else {
            let reason = unknown(name.get_ref());
            wrong.push(Wrong { offset, reason });
            continue;
        };
        let line = line_of(text, offset);
        match values(key, value) {
            Ok(values) => drop(entries.insert(key, Entry { values, line })),
            Err(error) => wrong.push(error),
        }
    }
    // The table has its keys by name; whoever mends them goes from the top to the bottom.
    wrong.sort_by_key(|wrong| wrong.offset);
    Ok((entries, wrong))
}

/// What is said of a key that no setting has: the one that it looks like, or all of them.
fn unknown(name: &str) -> String {
    let known = Key::ALL.map(Key::name);
    let likeness = |known: &str| strsim::jaro_winkler(&name.to_lowercase(), known);
    let likest = known
        .into_iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .filter(|known| likeness(known) >= LIKE);
    let said = format!("there is no setting '{}'", name.escape_debug());
    match likest {
        Some(likest) => format!("{said}: did you mean '{likest}'?"),
        None => format!("{said}: {} are", known.join(", ")),
    }
}

fn values(key: Key, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Wrong> {
    let list = match value.get_ref() {
        DeValue::Array(list) if key.is_list() => list,
        _ if key.is_list() => {
            return Err(Wrong {
                offset: value.span().start,
                reason: format!("{key} takes a list in brackets"),
            });
        }
        _ => return Ok(vec![scalar(key, value)?]),
    };
    list.iter().map(|value| scalar(key, value)).collect()
}

fn scalar(key: Key, value: &Spanned<DeValue<'_>>) -> Result<String, Wrong> {
    match value.get_ref() {
        DeValue::String(text) if key != Key::Thresholds => Ok(text.to_string()),
        DeValue::Integer(number) if key == Key::Thresholds => Ok(number.to_string()),
        _ => Err(Wrong {
            offset: value.span().start,
            reason: if key == Key::Thresholds {
                format!("{key} takes whole numbers")
            } else {
                format!("{key} takes text in quotes")
            },
        }),
    }
}

/// The line that holds the byte `offset`, from 1.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text
        .bytes()
        .take(offset)
        .filter(|&byte| byte == b'\n')
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a text, and in which lines.
    fn all_wrong(text: &str) -> Vec<(usize, String)> {
        let wrong = match parse(text) {
            Ok((_, wrong)) => wrong,
            Err(wrong) => vec![wrong],
        };
        let told = |wrong: Wrong| (line_of(text, wrong.offset), wrong.reason);
        wrong.into_iter().map(told).collect()
    }

    fn wrong(text: &str) -> (usize, String) {
        let mut all = all_wrong(text);
        assert_eq!(all.len(), 1, "{text}: {all:?}");
        all.remove(0)
    }

    #[test]
    fn values_keep_their_text_and_their_line() {
        let (entries, wrong) = parse(
            "# a comment\nstore = 'sqlite:a.db'\n\nthresholds = [\n 250,\n 500,\n]\n\
             ws_url = [\"ws://a\", \"ws://b\"]\n",
        )
        .expect("a settings file");
        let entry = |key| (entries[&key].values.join(" "), entries[&key].line);
        assert_eq!(entry(Key::Store), ("sqlite:a.db".to_owned(), 2));
        assert_eq!(entry(Key::Thresholds), ("250 500".to_owned(), 4));
        assert_eq!(entry(Key::WsUrl), ("ws://a ws://b".to_owned(), 8));
        assert_eq!((entries.len(), wrong.len()), (3, 0));
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_line() {
        let (line, reason) = wrong("store = 'sqlite:a'\nstroe = 'sqlite:b'\n");
        assert_eq!(line, 2);
        assert_eq!(reason, "there is no setting 'stroe': did you mean 'store'?");
        assert_eq!(wrong("\n[store]\nurl = 'x'\n").0, 2);
        assert_eq!(
            wrong("a.b = 1").1.split(':').next(),
            Some("there is no setting 'a'")
        );
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_from_the_top() {
        let text = "treshold = [250]\nanchor = 5\ncollector = 'c'\nState-Dir = '/a'\nzzz = 1\n";
        let told = all_wrong(text);
        let lines: Vec<usize> = told.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 2, 4, 5]);
        assert!(told[0].1.ends_with("did you mean 'thresholds'?"));
        assert!(told[1].1.contains("text in quotes"));
        assert!(told[2].1.ends_with("did you mean 'state_dir'?"));
        assert!(told[3].1.contains("'zzz': store, "), "{}", told[3].1);
        let (entries, _) = parse(text).expect("a table");
        assert_eq!(entries[&Key::Collector].values, ["c"]);
    }

    #[test]
    fn values_of_another_kind_and_broken_lines_are_errors_with_their_line() {
        for (text, line, part) in [
            ("anchor = 5", 1, "anchor takes text in quotes"),
            ("\nthresholds = 250", 2, "thresholds takes a list"),
            (
                "thresholds = [\n250,\n'500']",
                3,
                "thresholds takes whole numbers",
            ),
            ("ws_url = 'ws://a'", 1, "ws_url takes a list"),
            ("store = ['a']", 1, "store takes text"),
            ("store = 'a'\nstore = 'b'", 2, "duplicate key"),
            ("store = 'a'\nanchor =\n", 2, ""),
            ("store = 'a", 1, ""),
        ] {
            let (found, reason) = wrong(text);
            assert_eq!(found, line, "{text}: {reason}");
            assert!(reason.contains(part), "{text}: {reason}");
            assert!(!reason.contains('\n'), "{reason}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = read(Path::new("/nonexistent/streamkit.toml")).expect_err("no file");
        assert_eq!(
            error.to_string(),
            "read the settings file /nonexistent/streamkit.toml"
        );
    }
}
