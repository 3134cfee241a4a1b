//! Requests to those who are told: deadlines, what an answer means, and no secrets in
//! what goes wrong.

use std::{error::Error, net::IpAddr, path::Path, time::Duration};

use reqwest::{RequestBuilder, Response, header::RETRY_AFTER, redirect};
use serde::Serialize;
use tokio::time;
use url::{Host, Url};

use super::{
    channel::{ChannelError, Remedy},
    secret::{self, Secret},
    text, tls,
};

/// What is read of an answer: enough for any complaint.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

/// What is shown of an answer.
const EXCERPT_CHARS: usize = 200;

/// A part of an address that is shorter is no secret, and a word of other texts.
const MIN_PART_BYTES: usize = 6;

/// Letters alone are a word up to here.
const MIN_LETTERS_BYTES: usize = 20;

/// A receiver that wants more silence than this is asked earlier.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// An address with a client for it.
#[derive(Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    url: Secret,
    /// Scheme, host and port: what may be shown.
    place: String,
    secrets: Vec<Secret>,
}

/// An answer, whatever it says.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}

/// What may be sent to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sensitivity {
    /// Something secret: it has to be encrypted on its way to another machine.
    Secret,
    /// Nothing secret.
    Open,
}

impl Http {
    /// A client for `url`. Its errors hold none of `secrets`, nor the URL's path.
    ///
    /// # Errors
    /// When it is not an address that this may be sent to; the reason does not repeat it.
    pub fn new(
        url: &Secret,
        sensitivity: Sensitivity,
        ca_file: Option<&Path>,
        mut secrets: Vec<Secret>,
    ) -> Result<Self, String> {
        let parsed: Url = url
            .expose()
            .parse()
            .map_err(|error| format!("this is not a URL: {error}"))?;
        let is_local = is_loopback(&parsed);
        match parsed.scheme() {
            "https" => {}
            "http" if is_local || sensitivity == Sensitivity::Open => {}
            "http" => return Err("a secret would be sent unencrypted: take https".to_owned()),
            _ => return Err("http:// and https:// are addresses of hooks".to_owned()),
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err("it holds a user or a password: use token_env or token_file".to_owned());
        }
        let host = parsed.host_str().unwrap_or_default();
        let port = parsed.port().map(|port| format!(":{port}"));
        let place = format!("{}://{host}{}", parsed.scheme(), port.unwrap_or_default());
        secrets.extend(secret_parts(&parsed));
        let mut client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client_config(ca_file)?)
            .user_agent(concat!("streamkit/", env!("CARGO_PKG_VERSION")))
            .pool_idle_timeout(Duration::from_secs(30))
            // A redirect would carry the alert, and its secret, to somebody else.
            .redirect(redirect::Policy::none());
        if is_local {
            client = client.no_proxy();
        }
        let client = client.build().map_err(|error| cause(&error))?;
        Ok(Self {
            client,
            url: Secret::new(parsed.as_str()),
            place,
            secrets,
        })
    }

    /// Scheme, host and port, for messages.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Asks for the address.
    pub async fn get(&self, deadline: Duration) -> Result<Answer, ChannelError> {
        self.ask(self.client.get(self.url.expose()), deadline).await
    }

    /// Posts `body` as JSON.
    pub async fn post<T: Serialize>(
        &self,
        body: &T,
        bearer: Option<&Secret>,
        deadline: Duration,
    ) -> Result<Answer, ChannelError> {
        let bytes = serde_json::to_vec(body).map_err(|error| {
            ChannelError::permanent(format!("write the alert as JSON: {error}"), "")
        })?;
        let mut request = self
            .client
            .post(self.url.expose())
            .header("content-type", "application/json")
            .body(bytes);
        if let Some(token) = bearer {
            request = request.bearer_auth(token.expose());
        }
        self.ask(request, deadline).await
    }

    async fn ask(
        &self,
        request: RequestBuilder,
        deadline: Duration,
    ) -> Result<Answer, ChannelError> {
        let attempt = async {
            let mut response = request.send().await?;
            let retry_after = retry_after(&response);
            let status = response.status().as_u16();
            let body = beginning(&mut response).await;
            Ok(Answer {
                status,
                retry_after,
                body,
            })
        };
        match time::timeout(deadline, attempt).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let error: reqwest::Error = error;
                let what = format!("reach {}: {}", self.place, cause(&error));
                Err(ChannelError::retry(self.mask(&what)))
            }
            Err(_) => {
                let what = format!("get an answer from {}", self.place);
                Err(ChannelError::timed_out(&what, deadline))
            }
        }
    }

    /// The text without secrets.
    pub fn mask(&self, text: &str) -> String {
        secret::masked(text, &self.secrets)
    }

    /// What `answer` means: 2xx is well; 408, 425, 429 and 5xx may be well later; with
    /// anything else somebody has to change something.
    pub fn judge(&self, answer: &Answer, hint: &str) -> Result<(), ChannelError> {
        let Answer { status, .. } = *answer;
        if (200..300).contains(&status) {
            return Ok(());
        }
        let said = text::clean(&self.mask(&String::from_utf8_lossy(&answer.body)));
        let said = text::cut(said.trim(), EXCERPT_CHARS, text::chars);
        let mut what = format!("ask {}: HTTP {status}", self.place);
        if !said.is_empty() {
            what = format!("{what}: {said}");
        }
        if matches!(status, 408 | 425 | 429 | 500..) {
            let after = answer.retry_after.map(|after| after.min(MAX_RETRY_AFTER));
            return Err(ChannelError {
                remedy: Remedy::Retry { after },
                what,
                hint: String::new(),
            });
        }
        let hint = match status {
            300..400 => "it redirects, which is not followed: set the final address",
            _ => hint,
        };
        Err(ChannelError::permanent(what, hint))
    }
}

/// What of an address may be secret: everything behind the host, as a whole and in parts.
fn secret_parts(url: &Url) -> Vec<Secret> {
    let query = url.query().unwrap_or_default();
    let whole = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let parts = url.path().split('/').chain(query.split(['&', '=']));
    let is_word = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let parts = parts.filter(|part| {
        part.len() >= MIN_LETTERS_BYTES || part.len() >= MIN_PART_BYTES && !is_word(part)
    });
    let mut secrets: Vec<_> = parts.map(Secret::new).collect();
    if !matches!(whole.as_str(), "" | "/") {
        secrets.insert(0, Secret::new(whole));
    }
    secrets
}

/// Whether `url` is on this machine, whatever names mean.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Whether `host`, a name or an address, is this machine.
pub(super) fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The header's seconds. A date is not looked at: it would need a clock that agrees.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    seconds(text.trim().parse().ok()?)
}

/// So many seconds, when that is a time to wait.
pub(super) fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds)
        .ok()
        .map(|after| after.min(MAX_RETRY_AFTER))
}

/// The beginning of the body. One that breaks off has said enough with its status.
async fn beginning(response: &mut Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= MAX_ANSWER_BYTES {
            body.truncate(MAX_ANSWER_BYTES);
            break;
        }
    }
    body
}

/// The cause that says most: the last one in the chain. Its URL is never shown.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    if error.source().is_none() {
        return "the request could not be made".to_owned();
    }
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
