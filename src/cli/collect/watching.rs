//! Whoever watches a running collector: its health, its pages, its service manager.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::{
    app::{
        clock::Clock,
        collect::{
            Board,
            health::{Sampler, Tally},
            status::{Moment, Status},
        },
        supervise::{Failure, Supervisor, Turns},
    },
    cli::{
        error::{CliError, Edge as _},
        exit::ExitCode,
    },
    domain::health::HealthSnapshot,
    telemetry::{
        http::{self, Listener},
        systemd::{self, Notifier},
    },
};

use super::{alerting::Alerting, pages::Last, progress::Progress};

/// The socket in the state directory that 'streamkit status' asks.
pub const SOCKET_NAME: &str = "collect.sock";

/// How often the collector is looked at.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Where the pages are, and who may see them.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Watching")]
pub struct WatchArgs {
    /// Serve /health, /status and /metrics on this address, such as 127.0.0.1:8851
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Answer only who brings the token in this file; needed off the local machine
    #[arg(long, value_name = "FILE", requires = "listen")]
    listen_token_file: Option<PathBuf>,
    /// Read rules and channels of alerts from this TOML file; without it they are only logged
    #[arg(long, value_name = "FILE")]
    pub alerts: Option<PathBuf>,
}

impl WatchArgs {
    /// The token, if there is one.
    fn token(&self) -> Result<Option<String>, CliError> {
        let Some(path) = &self.listen_token_file else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| {
                let path = path.display();
                CliError::new(
                    ExitCode::Configuration,
                    format!("failed to read {path}: {error}"),
                )
            })
            .hint("name a file with the token in it, readable by this user")?;
        let token = text.trim();
        if token.is_empty() {
            let path = path.display();
            return Err(
                CliError::new(ExitCode::Configuration, format!("{path} holds no token"))
                    .hint("write a long random text into it"),
            );
        }
        Ok(Some(token.to_owned()))
    }

    /// Listens where it was told to, so that an address that is not to be had is known
    /// before anything begins.
    ///
    /// # Errors
    /// When the address is not to be had, or may be reached by others without a token.
    pub async fn listen(&self) -> Result<Option<(Listener, Option<String>)>, CliError> {
        let Some(addr) = self.listen else {
            return Ok(None);
        };
        let token = self.token()?;
        if !addr.ip().is_loopback() {
            if token.is_none() {
                return Err(CliError::new(
                    ExitCode::Usage,
                    format!("--listen {addr} can be reached from other machines"),
                )
                .hint("protect it with --listen-token-file, or listen on 127.0.0.1"));
            }
            tracing::warn!("serves its pages on {addr}, to whoever has the token, unencrypted");
        }
        let listener = Listener::tcp(addr)
            .await
            .map_err(|error| {
                CliError::new(
                    ExitCode::Unavailable,
                    format!("failed to listen on {addr}: {error}"),
                )
            })
            .hint("choose another port, or stop whoever has it")?;
        Ok(Some((listener, token)))
    }
}

/// What is watched.
pub struct Watched {
    /// The name of the collector in the store.
    pub collector: String,
    /// Where it is shown.
    pub board: Board,
    /// Who keeps its tasks; those who watch are kept by it, too.
    pub supervisor: Supervisor,
    /// What its events have told.
    pub tally: Tally,
    /// The clocks.
    pub clock: Clock,
    /// Where the journal is, and where the socket goes.
    pub state_dir: PathBuf,
    /// Who is told of what is wrong.
    pub alerting: SharedAlerting,
    /// The collector's end has begun, for whatever reason.
    pub ending: CancellationToken,
}

/// Shared with whoever ends it, and then takes it away.
pub type SharedAlerting = Arc<tokio::sync::Mutex<Option<Alerting>>>;

/// Begins to watch; ends with `stop`, which comes after the collector's own end, so that its
/// last seconds can be watched, too.
pub fn watch(
    watched: Watched,
    listen: Option<(Listener, Option<String>)>,
    stop: &CancellationToken,
) {
    let last = Last::new(watched.clock.clone());
    let socket = watched.state_dir.join(SOCKET_NAME);
    let supervisor = watched.supervisor.clone();
    keep_pages(&supervisor, socket, &last, stop);
    if let Some((listener, token)) = listen {
        let (listener, site) = (Arc::new(listener), last.site(token.as_deref()));
        let stopped = stop.clone();
        supervisor.keep_aside("pages", stop.clone(), move |turns| {
            let (listener, site, stopped) = (Arc::clone(&listener), site.clone(), stopped.clone());
            async move {
                let turn = || {
                    let turns = turns.clone();
                    async move { turns.take_or_misbehave().await }
                };
                http::serve(&listener, &site, &stopped, turn).await;
                Ok(())
            }
        });
    }
    keep_health(watched, last, stop);
}

/// Looks at the collector every second, and tells the service manager.
fn keep_health(watched: Watched, last: Last, stop: &CancellationToken) {
    let (supervisor, stopped) = (watched.supervisor.clone(), stop.clone());
    let sampler = Sampler::new(watched.tally.clone(), watched.state_dir.clone());
    // They outlive a restart of the task: an hour's counts are not to be lost.
    let kept = Arc::new(tokio::sync::Mutex::new((
        sampler,
        Notifier::from_environment(),
        Progress::default(),
    )));
    let watched = Arc::new(watched);
    // Without it nobody would be told of anything, its own failure included.
    let patience = supervisor.watching_patience();
    supervisor.keep_patiently("health", patience, stop.clone(), move |turns: Turns| {
        let (watched, last, kept) = (Arc::clone(&watched), last.clone(), Arc::clone(&kept));
        let stopped = stopped.clone();
        async move {
            let mut interval = tokio::time::interval(LOOK_INTERVAL);
            let mut told_stopping = false;
            loop {
                tokio::select! {
                    () = stopped.cancelled() => {
                        if !told_stopping {
                            systemd::tell_stopping();
                        }
                        return Ok(());
                    }
                    () = watched.ending.cancelled(), if !told_stopping => {
                        systemd::tell_stopping();
                        told_stopping = true;
                    }
                    _ = interval.tick() => {}
                }
                let mut kept = kept.lock().await;
                let health = look(&watched, &mut kept, &last);
                // What ends is not as it should be, and nobody has to be told of that.
                if !watched.ending.is_cancelled()
                    && let Some(alerting) = watched.alerting.lock().await.as_mut()
                {
                    alerting.judge(&health);
                }
                if turns.take_or_misbehave().await {
                    return Ok(());
                }
            }
        }
    });
}

/// What outlives a restart of the task.
type Kept = (Sampler, Notifier, Progress);

fn look(
    watched: &Watched,
    (sampler, notifier, progress): &mut Kept,
    last: &Last,
) -> HealthSnapshot {
    let (shown, tasks) = (watched.board.read(), watched.supervisor.statuses());
    let now_us = watched.clock.steady_us();
    let health = sampler.sample(&shown, &tasks, now_us, watched.clock.wall_us());
    let moment = Moment {
        collector: watched.collector.clone(),
        running: !watched.ending.is_cancelled(),
        steady_us: now_us,
        wall_us: watched.clock.wall_us(),
    };
    let status = Status::of(&moment, &shown, &health, &tasks);
    systemd::tell(&notifier.look(&progress.look(&shown, &status), now_us));
    last.set(status, now_us);
    health
}

/// Serves the pages on the socket in the state directory, once the journal there is ours.
fn keep_pages(supervisor: &Supervisor, socket: PathBuf, last: &Last, stop: &CancellationToken) {
    let (site, stopped, tasks) = (last.site(None), stop.clone(), supervisor.clone());
    supervisor.keep_aside("status", stop.clone(), move |turns: Turns| {
        let (site, stopped, tasks) = (site.clone(), stopped.clone(), tasks.clone());
        let socket = socket.clone();
        async move {
            while !tasks.statuses().iter().any(|task| &*task.name == "journal") {
                tokio::select! {
                    () = stopped.cancelled() => return Ok(()),
                    () = tokio::time::sleep(LOOK_INTERVAL / 10) => turns.take(),
                }
            }
            let path = socket.display();
            let listener = Listener::unix(&socket).map_err(|error| {
                Failure::from(format!("listen on {path} for 'streamkit status': {error}"))
            })?;
            let turn = || {
                let turns = turns.clone();
                async move { turns.take_or_misbehave().await }
            };
            http::serve(&listener, &site, &stopped, turn).await;
            // Whoever starts next removes it otherwise.
            let _ = std::fs::remove_file(&socket);
            Ok(())
        }
    });
}
