//! The dead man's switch: an address that is called while all is well. When the calls stop,
//! somebody else raises the alarm, also when this machine is gone.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    channel::ChannelError,
    config::{ConfigError, duration_words, secret_url},
    http::{Http, Sensitivity},
    secret::{Environment, Secret},
};

/// Settings of a ping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PingConfig {
    /// The address, when it is no secret.
    pub url: Option<Secret>,
    /// The variable that holds the address.
    pub url_env: Option<String>,
    /// The file that holds the address.
    pub url_file: Option<PathBuf>,
    /// How often it is called; 1m by default.
    #[serde(default = "default_interval", with = "duration_words")]
    pub interval: Duration,
    /// Roots to trust beside the usual ones, as PEM.
    pub ca_file: Option<PathBuf>,
}

fn default_interval() -> Duration {
    Duration::from_secs(60)
}

/// An address that is called while all is well.
#[derive(Debug)]
pub struct Ping {
    name: String,
    http: Http,
    interval: Duration,
}

impl Ping {
    /// Reads the address.
    ///
    /// # Errors
    /// When a setting makes no sense, or there is no address where it should be.
    pub fn open(
        name: &str,
        config: &PingConfig,
        environment: Environment<'_>,
    ) -> Result<Self, ConfigError> {
        let wrong = |field: &str, reason: String| ConfigError::new(name, field, reason);
        let (url, field) = secret_url(
            name,
            config.url.as_ref(),
            config.url_env.as_ref(),
            config.url_file.as_ref(),
            environment,
        )?;
        let ca_file = config.ca_file.as_deref();
        let http = Http::new(&url, Sensitivity::Open, ca_file, Vec::new())
            .map_err(|reason| wrong(field, reason))?;
        if config.interval < Duration::from_secs(1) {
            return Err(wrong("interval", "at least 1s".to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            http,
            interval: config.interval,
        })
    }

    /// Its name in the settings.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How often it is to be called.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Calls it once.
    ///
    /// # Errors
    /// When it did not answer with 2xx within `deadline`.
    pub async fn ping(&self, deadline: Duration) -> Result<(), ChannelError> {
        let answer = self.http.get(deadline).await?;
        self.http.judge(
            &answer,
            "check the address: the check may have been removed",
        )
    }
}

#[cfg(test)]
mod tests;
