//! HTTP hooks: plain JSON, Slack, Discord, PagerDuty.

mod shapes;

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    channel::{Channel, ChannelError, Message, Remedy},
    config::{ConfigError, secret_url},
    http::{self, Http, Sensitivity},
    payload::payload,
    secret::{Environment, Secret, origin},
};
use shapes::{Action, discord, pagerduty, slack};

/// Where PagerDuty takes events.
const PAGERDUTY_URL: &str = "https://events.pagerduty.com/v2/enqueue";

/// A storm is told to people in one message of so many alerts.
const MAX_NOTICES: usize = 40;

/// What the receiver understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// The alert as a program reads it, one a request.
    #[default]
    Json,
    /// An incoming webhook of Slack.
    Slack,
    /// A webhook of Discord.
    Discord,
    /// The Events API v2 of PagerDuty.
    Pagerduty,
}

/// Settings of an HTTP hook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// What the receiver understands; JSON by default.
    #[serde(default)]
    pub shape: Shape,
    /// The address, when it is no secret. PagerDuty's is known.
    pub url: Option<Secret>,
    /// The variable that holds the address.
    pub url_env: Option<String>,
    /// The file that holds the address.
    pub url_file: Option<PathBuf>,
    /// The variable that holds PagerDuty's routing key, or a bearer token for JSON.
    pub token_env: Option<String>,
    /// The file that holds it.
    pub token_file: Option<PathBuf>,
    /// Roots to trust beside the usual ones, as PEM.
    pub ca_file: Option<PathBuf>,
}

/// An HTTP hook.
#[derive(Debug)]
pub struct Webhook {
    name: String,
    shape: Shape,
    http: Http,
    token: Option<Secret>,
}

impl Webhook {
    /// Reads address and token.
    ///
    /// # Errors
    /// When a setting makes no sense, or a secret is not where it should be.
    pub fn open(
        name: &str,
        config: &WebhookConfig,
        environment: Environment<'_>,
    ) -> Result<Self, ConfigError> {
        let wrong = |field: &str, reason: String| ConfigError::new(name, field, reason);
        let shape = config.shape;
        let (url_env, url_file) = (config.url_env.as_ref(), config.url_file.as_ref());
        if matches!(shape, Shape::Slack | Shape::Discord) && config.url.is_some() {
            let reason = "whoever knows this address can write there: keep it in the environment \
                          or a file, and set url_env or url_file";
            return Err(wrong("url", reason.to_owned()));
        }
        let pagerduty = Secret::new(PAGERDUTY_URL);
        let is_silent = config.url.is_none() && url_env.is_none() && url_file.is_none();
        let url = if shape == Shape::Pagerduty && is_silent {
            Some(&pagerduty)
        } else {
            config.url.as_ref()
        };
        let (url, field) = secret_url(name, url, url_env, url_file, environment)?;
        let token = origin(
            "token",
            config.token_env.as_ref(),
            config.token_file.as_ref(),
        )
        .load(environment)
        .map_err(|(field, reason)| wrong(&field, reason))?;
        match (shape, &token) {
            (Shape::Pagerduty, None) => {
                let reason = "PagerDuty needs a routing key: set this or token_file";
                return Err(wrong("token_env", reason.to_owned()));
            }
            (Shape::Slack | Shape::Discord, Some(_)) => {
                let field = if config.token_env.is_some() {
                    "token_env"
                } else {
                    "token_file"
                };
                return Err(wrong(
                    field,
                    "the address is the secret here: leave this out".into(),
                ));
            }
            _ => {}
        }
        let is_secret = token.is_some() || shape != Shape::Json;
        let sensitivity = if is_secret {
            Sensitivity::Secret
        } else {
            Sensitivity::Open
        };
        let secrets = token.iter().cloned().collect();
        let http = Http::new(&url, sensitivity, config.ca_file.as_deref(), secrets)
            .map_err(|reason| wrong(field, reason))?;
        Ok(Self {
            name: name.to_owned(),
            shape,
            http,
            token,
        })
    }

    async fn post<T: Serialize>(&self, body: &T, deadline: Duration) -> Result<(), ChannelError> {
        let bearer = match self.shape {
            Shape::Json => self.token.as_ref(),
            _ => None,
        };
        let answer = self.http.post(body, bearer, deadline).await?;
        let hint = match self.shape {
            Shape::Json => "check the address, and the token if there is one",
            Shape::Slack | Shape::Discord => "the hook may have been removed: make a new address",
            Shape::Pagerduty => "check the routing key: it is that of an Events API v2 integration",
        };
        let mut outcome = self.http.judge(&answer, hint);
        if self.shape == Shape::Discord
            && let Err(error) = &mut outcome
            && let Remedy::Retry { after } = &mut error.remedy
        {
            // The body is more exact than the header.
            let said: Option<Value> = serde_json::from_slice(&answer.body).ok();
            let exact = said.and_then(|said| said.get("retry_after")?.as_f64());
            *after = exact.and_then(http::seconds).or(*after);
        }
        outcome
    }
}

#[async_trait]
impl Channel for Webhook {
    fn name(&self) -> &str {
        &self.name
    }

    fn max_notices(&self) -> usize {
        match self.shape {
            Shape::Json | Shape::Pagerduty => 1,
            Shape::Slack | Shape::Discord => MAX_NOTICES,
        }
    }

    async fn send(&self, message: &Message, deadline: Duration) -> Result<(), ChannelError> {
        match self.shape {
            Shape::Slack => self.post(&slack(message), deadline).await,
            Shape::Discord => self.post(&discord(message), deadline).await,
            Shape::Json => {
                for notice in &message.notices {
                    self.post(&payload(message, notice), deadline).await?;
                }
                Ok(())
            }
            Shape::Pagerduty => {
                let key = self.token.as_ref().map_or("", |token| token.expose());
                for notice in &message.notices {
                    let action = Action::of(notice);
                    let event = pagerduty(message, notice, action, key);
                    self.post(&event, deadline).await?;
                    if message.is_test && action == Action::Trigger {
                        // A test shall not leave an incident behind.
                        let event = pagerduty(message, notice, Action::Resolve, key);
                        self.post(&event, deadline).await?;
                    }
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
