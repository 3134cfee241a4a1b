//! Where a store is: what `--store` takes.
//!
//! ```text
//! clickhouse://user:password@host:8123/database      ClickHouse over HTTP
//! clickhouses://user:password@host:8443/database     the same over TLS
//! sqlite:PATH   sqlite:///absolute/path              a SQLite file
//! ```
//!
//! User (`default`), password (none), port and database (`streamkit`) may be left out.
//! In a ClickHouse address special characters are percent-encoded, as in every URL; a
//! SQLite path is taken as it stands. An address prints without its password.

use std::{fmt, path::PathBuf, str::FromStr};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::{Host, Url};

const DEFAULT_USER: &str = "default";
const DEFAULT_DATABASE: &str = "streamkit";
const HTTP_PORT: u16 = 8123;
const HTTPS_PORT: u16 = 8443;

/// What stays as it is in a printed user or database.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Where a store is, and how to get in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// A ClickHouse server.
    ClickHouse(ClickHouseAddress),
    /// A SQLite file.
    Sqlite(PathBuf),
}

/// A database on a ClickHouse server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClickHouseAddress {
    /// Whether to use TLS.
    pub tls: bool,
    /// The name or IP address of the server; an IPv6 address stands in brackets.
    pub host: String,
    /// The port of its HTTP interface.
    pub port: u16,
    /// The user.
    pub user: String,
    /// The user's password, if it has one.
    pub password: Option<Password>,
    /// The database.
    pub database: String,
}

/// A secret: it never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Keeps `secret` from being printed.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret, for the one place that sends it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Why a text is not the address of a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}' is not the address of a store: {reason}; \
     clickhouse://user:password@host:8123/database, clickhouses://… and sqlite:PATH are"
)]
pub struct StoreAddressError {
    /// The text, without its password.
    text: String,
    reason: String,
}

impl StoreAddress {
    /// The same address with `password`, unless it has one of its own or needs none.
    #[must_use]
    pub fn or_password(mut self, password: Option<Password>) -> Self {
        if let Self::ClickHouse(address) = &mut self
            && address.password.is_none()
        {
            address.password = password;
        }
        self
    }
}

impl ClickHouseAddress {
    /// Whether a password for one is a password for the other.
    #[must_use]
    pub fn is_same_user(&self, other: &Self) -> bool {
        let of = |address: &Self| {
            (
                address.tls,
                address.host.clone(),
                address.port,
                address.user.clone(),
            )
        };
        of(self) == of(other)
    }

    /// The URL of the server's HTTP interface, without user, password and database.
    #[must_use]
    pub fn http_url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}:{}/", self.host, self.port)
    }
}

impl FromStr for StoreAddress {
    type Err = StoreAddressError;

    fn from_str(text: &str) -> Result<Self, StoreAddressError> {
        let parsed = match text.split_once(':') {
            Some(("sqlite", path)) => sqlite(path),
            Some(("clickhouse", _)) => clickhouse(text, false),
            Some(("clickhouses", _)) => clickhouse(text, true),
            Some(("http" | "https", _)) => {
                Err("a ClickHouse address starts with clickhouse:// or clickhouses://".to_owned())
            }
            Some((scheme, _)) => Err(format!("there is no kind of store '{}'", printable(scheme))),
            None => Err("it names no kind of store".to_owned()),
        };
        parsed.map_err(|reason| StoreAddressError {
            text: without_password(text),
            reason,
        })
    }
}

fn sqlite(path: &str) -> Result<StoreAddress, String> {
    let path = match path.strip_prefix("//") {
        Some(rest) if rest.starts_with('/') => rest,
        Some(_) => return Err("after sqlite:// an absolute path follows".to_owned()),
        None => path,
    };
    if path.is_empty() {
        return Err("the path of the file is missing".to_owned());
    }
    if path == ":memory:" || path.starts_with("file:") {
        return Err("only a plain path to a file can be kept".to_owned());
    }
    if path.contains('\0') {
        return Err("a path cannot hold a zero byte".to_owned());
    }
    Ok(StoreAddress::Sqlite(PathBuf::from(path)))
}

fn clickhouse(text: &str, tls: bool) -> Result<StoreAddress, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !url.has_authority() {
        return Err("two slashes and a host follow the colon".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it takes no settings after a '?' or '#'; \
                    in a password they are written %3F and %23"
            .to_owned());
    }
    let host = match url.host() {
        Some(Host::Domain("")) | None => return Err("the host is missing".to_owned()),
        Some(Host::Domain(name)) => host_name(&decode(name, "host")?)?,
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => format!("[{address}]"),
    };
    let path = url.path().trim_start_matches('/').trim_end_matches('/');
    if path.contains('/') {
        return Err("one database follows the host, nothing more".to_owned());
    }
    let named = |text: &str, what, default: &str| {
        decode(text, what).map(|name| {
            if name.is_empty() {
                default.to_owned()
            } else {
                name
            }
        })
    };
    let password = url
        .password()
        .map(|password| decode(password, "password"))
        .transpose()?
        .filter(|password| !password.is_empty());
    let user = named(url.username(), "user", DEFAULT_USER)?;
    // Both travel in HTTP headers.
    for (what, value) in [("user", Some(&user)), ("password", password.as_ref())] {
        if value.is_some_and(|value| value.chars().any(char::is_control)) {
            return Err(format!("its {what} holds a control character"));
        }
    }
    Ok(StoreAddress::ClickHouse(ClickHouseAddress {
        tls,
        host,
        port: url
            .port()
            .unwrap_or(if tls { HTTPS_PORT } else { HTTP_PORT }),
        user,
        password: password.map(Password),
        database: named(path, "database", DEFAULT_DATABASE)?,
    }))
}

/// Checks a host by the rules of an HTTP URL, which this one will be part of.
fn host_name(name: &str) -> Result<String, String> {
    Host::parse(name)
        .map(|host| host.to_string())
        .map_err(|error| format!("'{}' is no host: {error}", printable(name)))
}

fn decode(text: &str, what: &str) -> Result<String, String> {
    percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| format!("its {what} is not UTF-8"))
}

/// The text with `***` where a password may be: between the first colon after the
/// scheme and the last `@`.
fn without_password(text: &str) -> String {
    let start = text.find("://").map_or(0, |scheme| scheme + 3);
    let (head, rest) = text.split_at(start);
    let Some((user, host)) = rest.rsplit_once('@') else {
        return printable(text);
    };
    match user.split_once(':') {
        Some((user, _)) => printable(&format!("{head}{user}:***@{host}")),
        None => printable(text),
    }
}

/// The text without what a terminal would act on.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

impl fmt::Display for ClickHouseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}@{}:{}/{}",
            if self.tls {
                "clickhouses"
            } else {
                "clickhouse"
            },
            utf8_percent_encode(&self.user, PLAIN),
            self.host,
            self.port,
            utf8_percent_encode(&self.database, PLAIN),
        )
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClickHouse(address) => address.fmt(f),
            Self::Sqlite(path) => write!(f, "sqlite:{}", printable(&path.to_string_lossy())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clickhouse(text: &str) -> ClickHouseAddress {
        match text.parse() {
            Ok(StoreAddress::ClickHouse(address)) => address,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn every_part_that_is_left_out_has_its_default() {
        let address = clickhouse("clickhouse://db.example");
        assert_eq!(address.http_url(), "http://db.example:8123/");
        assert_eq!(
            (address.user.as_str(), &address.password),
            ("default", &None)
        );
        assert_eq!(address.database, "streamkit");
        let address = clickhouse("clickhouses://ann@db.example/");
        assert_eq!(address.http_url(), "https://db.example:8443/");
        assert_eq!(address.user, "ann");
        assert_eq!(address.database, "streamkit");
    }

    #[test]
    fn every_part_may_be_given_and_is_decoded() {
        let address = clickhouse("clickhouse://a%40n:p%3A%2F%40%25%20s@[::1]:9000/my%20bars");
        assert_eq!(address.http_url(), "http://[::1]:9000/");
        assert_eq!(address.user, "a@n");
        assert_eq!(address.password, Some(Password::new("p:/@% s")));
        assert_eq!(address.database, "my bars");
        assert_eq!(
            clickhouse("clickhouse://10.0.0.7:80/x").http_url(),
            "http://10.0.0.7:80/"
        );
    }

    #[test]
    fn it_prints_without_its_password_and_reads_back_what_it_printed() {
        let address = clickhouse("clickhouse://a%40n:hunter2@[::1]/my%20bars");
        let text = address.to_string();
        assert_eq!(text, "clickhouse://a%40n@[::1]:8123/my%20bars");
        let again = clickhouse(&text);
        assert_eq!(
            again,
            ClickHouseAddress {
                password: None,
                ..address.clone()
            }
        );
        assert!(!format!("{address:?}").contains("hunter2"));
    }

    #[test]
    fn a_password_from_elsewhere_fills_in_and_never_replaces() {
        let secret = || Some(Password::new("elsewhere"));
        let address: StoreAddress = "clickhouse://h".parse().expect("an address");
        let StoreAddress::ClickHouse(address) = address.or_password(secret()) else {
            panic!("not ClickHouse");
        };
        assert_eq!(address.password, secret());
        let address: StoreAddress = "clickhouse://u:own@h".parse().expect("an address");
        let StoreAddress::ClickHouse(address) = address.or_password(secret()) else {
            panic!("not ClickHouse");
        };
        assert_eq!(address.password, Some(Password::new("own")));
    }

    #[test]
    fn a_sqlite_path_is_taken_as_it_stands() {
        for (text, path) in [
            ("sqlite:bars.db", "bars.db"),
            ("sqlite:./a b/%20.db", "./a b/%20.db"),
            ("sqlite:/var/bars.db", "/var/bars.db"),
            ("sqlite:///var/bars.db", "/var/bars.db"),
        ] {
            assert_eq!(
                text.parse(),
                Ok(StoreAddress::Sqlite(path.into())),
                "{text}"
            );
        }
    }

    #[test]
    fn an_error_names_the_text_and_what_is_right_but_no_password() {
        for (text, reason) in [
            ("", "names no kind"),
            ("bars.db", "names no kind"),
            ("postgres://h/db", "no kind of store 'postgres'"),
            ("http://h:8123/", "starts with clickhouse://"),
            ("sqlite:", "path of the file is missing"),
            ("sqlite://bars.db", "an absolute path follows"),
            ("sqlite::memory:", "plain path"),
            ("clickhouse:", "two slashes"),
            ("clickhouse://", "host"),
            ("clickhouse://u:hunter2@/db", "host"),
            ("clickhouse://u:hunter2@h/a/b", "one database"),
            ("clickhouse://u:hunter2@h:99999/db", "port"),
            ("clickhouse://u:hunter2@h/db?x=1", "no settings"),
            ("clickhouse://u:hunter2?@h/db", ""),
            ("clickhouse://u:hunter2%0a@h/db", "control character"),
            ("clickhouse://u:hunter2@h%20h/db", "host"),
            ("clickhouse://u:hunter2%ff@h/db", "not UTF-8"),
        ] {
            let error = text.parse::<StoreAddress>().expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
            assert!(error.contains("sqlite:PATH"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
