//! Secrets: from the environment or a file, and never shown.

use std::{
    fmt, fs,
    io::Read,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize, Serializer};

/// What stands where a secret would.
const MASK: &str = "***";

/// A file may not be longer: it would hold no secret.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Shorter texts are not searched for: every `a` of a message would be masked.
const MIN_SEARCHED_BYTES: usize = 4;

/// A secret: it never prints.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps `secret` from being printed.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret, for the one place that sends it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// `text` with `***` wherever the secret stands, also as it would be written in a URL
    /// or in base64.
    #[must_use]
    pub fn masked_in(&self, text: &str) -> String {
        if self.0.len() < MIN_SEARCHED_BYTES {
            return text.to_owned();
        }
        let in_url = utf8_percent_encode(&self.0, NON_ALPHANUMERIC).to_string();
        let base64 = BASE64_STANDARD.encode(&self.0);
        let json = serde_json::to_string(&self.0).unwrap_or_default();
        let json = json.trim_matches('"');
        [self.0.as_str(), &in_url, base64.trim_end_matches('='), json]
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret, MASK))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

/// Looks a variable of the environment up. An argument, so that tests need not set any.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The environment of this process.
#[must_use]
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Where a secret comes from: the value of `…_env` and that of `…_file`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a> {
    /// The setting without its ending: `token` for `token_env` and `token_file`.
    pub setting: &'static str,
    pub env: Option<&'a str>,
    pub file: Option<&'a Path>,
}

/// Why there is no secret: the setting and what is wrong with it.
pub(super) type Missing = (String, String);

impl Origin<'_> {
    /// The secret; none when no origin is named.
    ///
    /// # Errors
    /// When there is nothing where it should be. What was written in the settings is shown
    /// only when it cannot be the secret itself, put there by mistake.
    pub fn load(self, environment: Environment<'_>) -> Result<Option<Secret>, Missing> {
        let Self { setting, env, file } = self;
        let wrong = |ending: &str, reason: String| Err((format!("{setting}_{ending}"), reason));
        let text = match (env, file) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                return wrong(
                    "env",
                    format!("there is a {setting}_file as well: take one"),
                );
            }
            (Some(name), None) => {
                if !is_variable_name(name) {
                    return wrong(
                        "env",
                        "this is no name of a variable (A-Z, 0-9 and _); the secret itself \
                         belongs into the environment"
                            .to_owned(),
                    );
                }
                match environment(name) {
                    Some(text) => text,
                    None => return wrong("env", format!("the variable {name} is not set")),
                }
            }
            (None, Some(path)) => {
                if !path.is_absolute() {
                    return wrong(
                        "file",
                        "this is no absolute path; the secret itself belongs into the file"
                            .to_owned(),
                    );
                }
                match read(path) {
                    Ok(text) => text,
                    Err(reason) => {
                        return wrong("file", format!("read {}: {reason}", path.display()));
                    }
                }
            }
        };
        let text = text.trim();
        let ending = if env.is_some() { "env" } else { "file" };
        if text.is_empty() {
            return wrong(ending, "there is nothing in it".to_owned());
        }
        if text.chars().any(char::is_control) {
            return wrong(
                ending,
                "it has more than one line, or control characters".to_owned(),
            );
        }
        Ok(Some(Secret::new(text)))
    }
}

fn is_variable_name(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(is_word)
}

fn read(path: &Path) -> Result<String, String> {
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("it is longer than {MAX_FILE_BYTES} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

/// `text` without any of `secrets`.
pub(super) fn masked(text: &str, secrets: &[Secret]) -> String {
    secrets
        .iter()
        .fold(text.to_owned(), |text, secret| secret.masked_in(&text))
}

/// The fields of a secret's origin, flat in the settings of a channel.
pub(super) fn origin<'a>(
    setting: &'static str,
    env: Option<&'a String>,
    file: Option<&'a PathBuf>,
) -> Origin<'a> {
    Origin {
        setting,
        env: env.map(String::as_str),
        file: file.map(PathBuf::as_path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(env: Option<&str>, file: Option<&Path>) -> Result<Option<Secret>, String> {
        let environment = |name: &str| match name {
            "TOKEN" => Some(" hunter2\n".to_owned()),
            "EMPTY" => Some("\n".to_owned()),
            "TWO_LINES" => Some("a\nb".to_owned()),
            _ => None,
        };
        let setting = "token";
        let origin = Origin { setting, env, file };
        origin
            .load(&environment)
            .map_err(|(field, reason)| format!("{field}: {reason}"))
    }

    #[test]
    fn a_secret_is_read_from_the_environment_or_a_file() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("token");
        fs::write(&path, "hunter2\n").expect("a file");
        let expected = Ok(Some(Secret::new("hunter2")));
        assert_eq!(load(Some("TOKEN"), None), expected);
        assert_eq!(load(None, Some(&path)), expected);
        assert_eq!(load(None, None), Ok(None));
    }

    #[test]
    fn what_is_wrong_is_said_without_a_secret_that_was_put_in_the_wrong_place() {
        let folder = tempfile::tempdir().expect("a directory");
        let long = folder.path().join("long");
        fs::write(&long, vec![b'x'; 70_000]).expect("a file");
        for (env, file, part) in [
            (
                Some("NOT_SET"),
                None,
                "token_env: the variable NOT_SET is not set",
            ),
            (Some("EMPTY"), None, "token_env: there is nothing in it"),
            (
                Some("TWO_LINES"),
                None,
                "token_env: it has more than one line",
            ),
            (
                Some("TOKEN"),
                Some(Path::new("/x")),
                "token_env: there is a token_file",
            ),
            (
                None,
                Some(Path::new("/nonexistent/x")),
                "token_file: read /nonexistent/x",
            ),
            (None, Some(folder.path()), "token_file: read "),
            (None, Some(&long), "longer than 65536 bytes"),
            (Some("123:hunter2"), None, "token_env: this is no name"),
            (
                None,
                Some(Path::new("123:hunter2")),
                "token_file: this is no absolute path",
            ),
        ] {
            let error = load(env, file).expect_err(part);
            assert!(error.contains(part), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_secret_prints_as_stars_whichever_way() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(serde_json::to_string(&secret).expect("JSON"), "\"***\"");
    }

    #[test]
    fn a_secret_is_masked_in_every_spelling() {
        let secret = Secret::new("pa/ss\"wörd");
        for text in [
            "at pa/ss\"wörd.",
            "at pa%2Fss%22w%C3%B6rd.",
            "at cGEvc3Mid8O2cmQ.",
            "at pa/ss\\\"wörd.",
        ] {
            assert_eq!(secret.masked_in(text), "at ***.", "{text}");
        }
        assert_eq!(Secret::new("a").masked_in("a plan"), "a plan");
    }
}
