//! The probe's own statements to ClickHouse, past every fault.

use std::time::Duration;

use crate::{
    app::probe::error::ProbeError, exchange::tls::ensure_crypto_provider,
    store::address::ClickHouseAddress,
};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(20);

/// A way to a database.
#[derive(Debug, Clone)]
pub struct Statements {
    client: reqwest::Client,
    address: ClickHouseAddress,
}

impl Statements {
    /// The way to this one.
    pub fn to(address: &ClickHouseAddress) -> Result<Self, ProbeError> {
        ensure_crypto_provider();
        let client = reqwest::Client::builder()
            .timeout(ANSWER)
            .no_proxy()
            .build();
        Ok(Self {
            client: client.map_err(|error| ProbeError::Statement(error.to_string()))?,
            address: address.clone(),
        })
    }

    /// Executes a statement without parameters, and returns what it answers.
    ///
    /// # Errors
    /// When it is not confirmed.
    pub async fn execute(&self, sql: &str) -> Result<String, ProbeError> {
        let failed = |error: reqwest::Error| {
            // The cause says more than the error itself.
            ProbeError::Statement(format!("{:#}", anyhow::Error::new(error)))
        };
        let mut request = self
            .client
            .post(self.address.http_url())
            .header("X-ClickHouse-User", &self.address.user)
            .body(sql.to_owned());
        if let Some(password) = &self.address.password {
            request = request.header("X-ClickHouse-Key", password.expose());
        }
        let answer = request.send().await.map_err(failed)?;
        let is_confirmed = answer.status().is_success();
        let said = answer.text().await.map_err(failed)?;
        if is_confirmed {
            Ok(said)
        } else {
            Err(ProbeError::Statement(said.trim().to_owned()))
        }
    }
}
