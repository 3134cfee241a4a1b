//! Mail over SMTP.

use std::{
    path::PathBuf,
    time::{Duration, UNIX_EPOCH},
};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    address::Envelope,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
        extension::ClientId,
    },
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::time;

use super::{
    channel::{Channel, ChannelError, Message},
    config::ConfigError,
    http::is_this_machine,
    payload,
    secret::{self, Environment, Secret, origin},
    text, tls,
};

/// The longest subject: mail programs show less.
const MAX_SUBJECT_CHARS: usize = 200;

/// The longest text.
const MAX_BODY_CHARS: usize = 20_000;

/// A storm is told in one mail of so many alerts.
const MAX_NOTICES: usize = 100;

/// So many receivers of one channel.
const MAX_RECEIVERS: usize = 20;

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// From the first byte on; port 465.
    Implicit,
    /// After STARTTLS, without which nothing is sent; port 587.
    #[default]
    Starttls,
    /// Not at all; to this machine only, port 25.
    None,
}

/// Settings of mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailConfig {
    /// The server that mail is handed to.
    pub host: String,
    /// Its port; by the encryption by default.
    pub port: Option<u16>,
    /// How the connection is encrypted; STARTTLS by default.
    #[serde(default)]
    pub tls: Encryption,
    /// Who logs in.
    pub user: Option<String>,
    /// The variable that holds the password.
    pub password_env: Option<String>,
    /// The file that holds the password.
    pub password_file: Option<PathBuf>,
    /// Who sends: `bars@example.org` or `Bars <bars@example.org>`.
    pub from: String,
    /// Who gets it.
    pub to: Vec<String>,
    /// Roots to trust beside the usual ones, as PEM.
    pub ca_file: Option<PathBuf>,
}

/// Mail over SMTP.
pub struct Email {
    name: String,
    transport: smtp::AsyncSmtpTransportBuilder,
    place: String,
    from: Mailbox,
    to: Vec<Mailbox>,
    secrets: Vec<Secret>,
}

impl Email {
    /// Reads the password and checks the addresses.
    ///
    /// # Errors
    /// When a setting makes no sense, or there is no password where it should be.
    pub fn open(
        name: &str,
        config: &EmailConfig,
        environment: Environment<'_>,
    ) -> Result<Self, ConfigError> {
        let wrong = |field: &str, reason: String| ConfigError::new(name, field, reason);
        let host = config.host.trim();
        if host.is_empty() || host.contains(['/', '@', ' ']) {
            return Err(wrong(
                "host",
                "the name or address of a mail server".to_owned(),
            ));
        }
        let from = mailbox(&config.from).map_err(|reason| wrong("from", reason))?;
        let to: Result<Vec<_>, _> = config.to.iter().map(|text| mailbox(text)).collect();
        let to = to.map_err(|reason| wrong("to", reason))?;
        if to.is_empty() || to.len() > MAX_RECEIVERS {
            return Err(wrong(
                "to",
                format!("1 to {MAX_RECEIVERS} addresses are possible"),
            ));
        }
        if config.tls == Encryption::None && !is_this_machine(host) {
            let reason = "without encryption mail goes to this machine only: take starttls";
            return Err(wrong("tls", reason.to_owned()));
        }
        let port = config.port.unwrap_or(match config.tls {
            Encryption::Implicit => smtp::SUBMISSIONS_PORT,
            Encryption::Starttls => smtp::SUBMISSION_PORT,
            Encryption::None => smtp::SMTP_PORT,
        });
        let parameters = || {
            let mut builder = TlsParameters::builder(host.to_owned())
                .certificate_store(CertificateStore::WebpkiRoots);
            for root in tls::extra_roots(config.ca_file.as_deref())? {
                let root = Certificate::from_der(root.to_vec()).map_err(|e| e.to_string())?;
                builder = builder.add_root_certificate(root);
            }
            builder.build().map_err(|error| error.to_string())
        };
        let parameters = || parameters().map_err(|reason: String| wrong("ca_file", reason));
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .hello_name(hello_name(&from))
            .tls(match config.tls {
                Encryption::Implicit => Tls::Wrapper(parameters()?),
                Encryption::Starttls => Tls::Required(parameters()?),
                Encryption::None => Tls::None,
            });
        let password = origin(
            "password",
            config.password_env.as_ref(),
            config.password_file.as_ref(),
        )
        .load(environment)
        .map_err(|(field, reason)| wrong(&field, reason))?;
        let mut secrets = Vec::new();
        match (&config.user, password) {
            (None, None) => {}
            (Some(user), Some(password)) => {
                let credentials = Credentials::new(user.clone(), password.expose().to_owned());
                transport = transport.credentials(credentials);
                // As AUTH PLAIN sends it.
                let plain = format!("\0{user}\0{}", password.expose());
                secrets.push(Secret::new(BASE64_STANDARD.encode(plain)));
                secrets.push(password);
            }
            (Some(_), None) => {
                let reason = "a user needs a password: set this or password_file";
                return Err(wrong("password_env", reason.to_owned()));
            }
            (None, Some(_)) => {
                return Err(wrong("user", "a password needs a user".to_owned()));
            }
        }
        Ok(Self {
            name: name.to_owned(),
            transport,
            place: format!("{host}:{port}"),
            from,
            to,
            secrets,
        })
    }

    fn letter(&self, message: &Message) -> Result<Vec<u8>, ChannelError> {
        let words = text::words(message);
        let subject = text::cut(&words.title, MAX_SUBJECT_CHARS, text::chars);
        let body = text::fit(&words.lines, MAX_BODY_CHARS, text::chars);
        let body = format!("{}\n\n{body}\n", words.title);
        let unwritable = |error: lettre::error::Error| {
            ChannelError::permanent(format!("write a mail: {error}"), "check from and to")
        };
        let at_us = message.notices.last().map_or(0, |notice| notice.at_us);
        let at = UNIX_EPOCH + Duration::from_micros(u64::try_from(at_us).unwrap_or_default());
        let mut builder = lettre::Message::builder()
            .from(self.from.clone())
            .subject(subject)
            .date(at)
            .message_id(Some(self.id(&format!("{message:?}"))))
            .raw_header(header("Auto-Submitted", "auto-generated"));
        if let [notice] = &message.notices[..] {
            // Mail programs put an alert, its reminders and its recovery together.
            builder = builder.references(self.id(&payload::key(message, notice)));
        }
        for receiver in &self.to {
            builder = builder.to(receiver.clone());
        }
        let letter = builder
            .header(ContentType::TEXT_PLAIN)
            .body(body)
            .map_err(unwritable)?;
        Ok(letter.formatted())
    }

    /// A name for a letter that is the same for the same content.
    fn id(&self, content: &str) -> String {
        let digest = Sha256::digest(content.as_bytes());
        let hex = digest[..16]
            .iter()
            .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        format!("<{hex}@{}>", self.from.email.domain())
    }

    async fn hand_over(
        &self,
        to: Vec<Address>,
        letter: &[u8],
        until: time::Instant,
        deadline: Duration,
    ) -> Result<(), ChannelError> {
        let envelope = Envelope::new(Some(self.from.email.clone()), to).map_err(|error| {
            ChannelError::permanent(format!("address a mail: {error}"), "check from and to")
        })?;
        let transport: AsyncSmtpTransport<Tokio1Executor> =
            self.transport.clone().timeout(Some(deadline)).build();
        match time::timeout_at(until, transport.send_raw(&envelope, letter)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.failure(&error)),
            Err(_) => {
                let what = format!("hand a mail to {}", self.place);
                Err(ChannelError::timed_out(&what, deadline))
            }
        }
    }

    fn failure(&self, error: &smtp::Error) -> ChannelError {
        let said = text::clean(&secret::masked(&error.to_string(), &self.secrets));
        let said = text::cut(&said, 300, text::chars);
        let what = format!("hand a mail to {}: {said}", self.place);
        if !error.is_permanent() && !error.is_client() {
            return ChannelError::retry(what);
        }
        let code = error.status().map(u16::from);
        let hint = match code {
            Some(530 | 534 | 535 | 538) => "check user and password",
            _ => "check from and to, and whether this server takes mail from here",
        };
        ChannelError::permanent(what, hint)
    }
}

#[async_trait]
impl Channel for Email {
    fn name(&self) -> &str {
        &self.name
    }

    fn max_notices(&self) -> usize {
        MAX_NOTICES
    }

    async fn send(&self, message: &Message, deadline: Duration) -> Result<(), ChannelError> {
        let until = time::Instant::now() + deadline;
        let letter = self.letter(message)?;
        let all: Vec<Address> = self.to.iter().map(|to| to.email.clone()).collect();
        let Err(error) = self.hand_over(all.clone(), &letter, until, deadline).await else {
            return Ok(());
        };
        if !error.is_permanent() || all.len() == 1 {
            return Err(error);
        }
        // One address that is refused shall not keep the others from being told.
        let mut told = 0;
        for one in &all {
            let alone = vec![one.clone()];
            match self.hand_over(alone, &letter, until, deadline).await {
                Ok(()) => told += 1,
                Err(error) => {
                    tracing::warn!(channel = self.name, to = %one, %error, "a mail was refused");
                }
            }
        }
        if told > 0 { Ok(()) } else { Err(error) }
    }
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    text.parse().map_err(|_| {
        let shown: String = text.escape_debug().take(80).collect();
        format!("'{shown}' is no address of mail: ann@example.org is")
    })
}

/// How this machine introduces itself: with the domain that it sends for.
fn hello_name(from: &Mailbox) -> ClientId {
    ClientId::Domain(from.email.domain().to_owned())
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

#[cfg(test)]
mod tests;
