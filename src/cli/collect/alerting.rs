//! Who is told when something is wrong: rules and channels from a file.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use crate::{
    app::{
        alerts::{AlertEvent, Dispatcher, Emit, Limits, Notifier, Outlets, Pulse, open},
        collect,
    },
    cli::{
        error::{CliError, Edge as _},
        exit::ExitCode,
    },
    domain::{
        alert::{Alerts, Notice, NoticeKind, Rule, Severity, readings},
        health::HealthSnapshot,
    },
    notify::{ChannelConfig, process_environment},
};

/// How long the end waits for alerts that are on their way.
const GOODBYE: Duration = Duration::from_secs(2);

/// The file: rules that replace those of the same name or are added, and channels by name.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertsFile {
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    channels: BTreeMap<String, ChannelConfig>,
}

/// Rules with their states, and the way to the channels.
pub struct Alerting {
    alerts: Alerts,
    dispatcher: Dispatcher,
    notifier: Notifier,
    pulse: Pulse,
    /// Who is told that an alert fires, or is over.
    told: collect::Emit,
}

impl Alerting {
    /// The default rules without channels, or what the file at `path` says. Has to be called
    /// within a runtime.
    pub fn start(
        collector: &str,
        path: Option<&PathBuf>,
        told: collect::Emit,
    ) -> Result<Self, CliError> {
        let file = path.map_or_else(|| Ok(AlertsFile::default()), |path| read(path))?;
        let mut rules = Rule::defaults();
        for rule in file.rules {
            match rules.iter_mut().find(|known| known.name == rule.name) {
                Some(known) => *known = rule,
                None => rules.push(rule),
            }
        }
        let of = |error: &dyn std::fmt::Display| {
            let path = path.map_or_else(String::new, |path| format!("{}: ", path.display()));
            CliError::new(ExitCode::Configuration, format!("{path}{error}"))
                .hint("correct the file that --alerts names")
        };
        let alerts = Alerts::new(rules).map_err(|error| of(&error))?;
        let outlets: Outlets =
            open(&file.channels, &process_environment).map_err(|error| of(&error))?;
        let emit = {
            let told = told.clone();
            Emit::new(move |event| told_of_sending(event, &told))
        };
        let dispatcher = Dispatcher::start(collector, outlets, &Limits::default(), emit);
        let (notifier, pulse) = (dispatcher.notifier(), dispatcher.pulse());
        Ok(Self {
            alerts,
            dispatcher,
            notifier,
            pulse,
            told,
        })
    }

    /// Judges the collector's health at `now_us`, on the wall clock, and tells whoever has to
    /// be told. Nobody is waited for.
    pub fn judge(&mut self, health: &HealthSnapshot, now_us: i64) {
        let mut figures = readings(health);
        figures.extend(self.notifier.readings());
        for notice in self.alerts.evaluate(&figures, now_us) {
            self.told.emit(&event(&notice));
            self.notifier.notify(&notice);
        }
        if health.complaints().is_empty() {
            self.pulse.beat();
        } else {
            self.pulse.stop();
        }
    }

    /// Sends what is on its way, within a short time.
    pub async fn stop(self) {
        self.dispatcher.stop(GOODBYE).await;
    }
}

/// That an alert was sent is no event of its own: that it fires is one.
fn told_of_sending(event: &AlertEvent, told: &collect::Emit) {
    if let AlertEvent::Sent { .. } = event {
        tracing::debug!(code = event.code(), "{event}");
        return;
    }
    told.emit(&collect::Event::Alerting {
        code: event.code(),
        text: event.to_string(),
        is_trouble: event.is_trouble(),
    });
}

fn event(notice: &Notice) -> collect::Event {
    collect::Event::Alert {
        rule: format!(
            "{} {}",
            notice.rule,
            notice.subject.as_deref().unwrap_or_default()
        ),
        label: notice.label(),
        headline: notice.headline(),
        firing: (notice.kind == NoticeKind::Firing).then_some(match notice.severity {
            Severity::Warning => collect::Severity::Warning,
            Severity::Critical => collect::Severity::Critical,
        }),
    }
}

fn read(path: &Path) -> Result<AlertsFile, CliError> {
    let named = |error: &dyn std::fmt::Display| {
        let path = path.display();
        CliError::new(
            ExitCode::Configuration,
            format!("failed to read {path}: {error}"),
        )
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| named(&error))
        .hint("name a file that this user can read")?;
    toml::from_str(&text)
        .map_err(|error| named(&error))
        .hint("correct the file that --alerts names")
}
