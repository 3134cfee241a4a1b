//! Whoever looks at the collector while it works.

use std::{path::Path, sync::Arc, time::Duration};

use streamkit::{
    app::{
        clock::Clock,
        collect::{Collector, Emit, Limits, health::Tally},
        supervise::Supervisor,
    },
    cli::{
        alerting::Alerting,
        watching::{SOCKET_NAME, Watched, watch},
    },
    telemetry::http::get_local,
};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{Watching, fail_on_trouble};

/// How often somebody asks for each page: more often than a scraper does.
const ASK_INTERVAL: Duration = Duration::from_secs(1);
const ASK_PATIENCE: Duration = Duration::from_secs(1);
const END_PATIENCE: Duration = Duration::from_secs(5);
/// A patience that no run outlasts: whoever has it never looks.
const FOR_EVER: Duration = Duration::from_secs(1_000_000);

/// Who keeps the tasks of a collector.
pub fn supervisor(watching: Watching) -> Supervisor {
    let mut limits = Limits::default().tasks;
    if watching == Watching::Off {
        limits.hang = FOR_EVER;
    }
    Supervisor::new(Clock::system(), limits, Vec::new(), |event| {
        fail_on_trouble(&event.into());
    })
}

/// Those who look.
pub struct Watchers {
    stop: CancellationToken,
    supervisor: Supervisor,
    asking: Option<JoinHandle<()>>,
}

/// Begins to look at `collector`, as the command line does.
pub fn begin(watching: Watching, collector: &Collector) -> Watchers {
    let watchers = Watchers {
        stop: CancellationToken::new(),
        supervisor: collector.supervisor.clone(),
        asking: (watching == Watching::On)
            .then(|| tokio::spawn(ask(collector.state_dir.join(SOCKET_NAME).into()))),
    };
    if watching == Watching::On {
        let alerting = Alerting::start(
            &collector.supervisor,
            "bench",
            None,
            &streamkit::app::alerts::Limits::default(),
            Emit::new(fail_on_trouble),
            &collector.state_dir,
            collector.clock.clone(),
        )
        .expect("the default rules");
        let watched = Watched {
            ending: CancellationToken::new(),
            collector: "bench".to_owned(),
            board: collector.board.clone(),
            supervisor: collector.supervisor.clone(),
            tally: Tally::default(),
            clock: collector.clock.clone(),
            state_dir: collector.state_dir.clone(),
            alerting: Arc::new(tokio::sync::Mutex::new(Some(alerting))),
        };
        watch(watched, None, &watchers.stop);
    }
    watchers
}

/// Asks for the pages again and again; that there is nobody yet is no failure.
async fn ask(socket: Arc<Path>) {
    let mut interval = tokio::time::interval(ASK_INTERVAL);
    loop {
        interval.tick().await;
        for page in ["/health", "/metrics"] {
            let _ = get_local(&socket, page, ASK_PATIENCE).await;
        }
    }
}

impl Watchers {
    /// Ends with the run.
    pub async fn end(self) {
        self.stop.cancel();
        if let Some(asking) = self.asking {
            asking.abort();
        }
        let is_watcher = |name: &str| matches!(name, "health" | "status");
        let late = self
            .supervisor
            .ended(Instant::now() + END_PATIENCE, is_watcher)
            .await;
        assert!(late.is_empty(), "{late:?} did not end");
    }
}
