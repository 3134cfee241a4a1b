//! Whoever shows the collector at work: a table on a terminal, a heartbeat line elsewhere.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    app::{
        clock::Clock,
        collect::Board,
        supervise::{Supervisor, Turns},
    },
    report::{
        collect::{heartbeat, live::LiveTable},
        messages::Messages,
        terminal,
    },
};

/// How often the live table is drawn.
const DRAW_INTERVAL: Duration = Duration::from_millis(500);
/// How often it is looked whether a heartbeat is due.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What is shown, and where.
#[derive(Clone)]
pub struct Reporting {
    pub board: Board,
    pub clock: Clock,
    pub messages: Messages,
    /// How often a heartbeat line is logged where nothing can be drawn.
    pub heartbeat: Duration,
}

/// Shows the collector until `stop`.
pub fn keep_reporting(supervisor: &Supervisor, reporting: Reporting, stop: &CancellationToken) {
    let stopped = stop.clone();
    supervisor.keep_aside("report", stop.clone(), move |turns: Turns| {
        let (reporting, stopped) = (reporting.clone(), stopped.clone());
        async move {
            if terminal::can_draw() {
                draw(reporting, turns, stopped).await;
            } else {
                log(reporting, turns, stopped).await;
            }
            Ok(())
        }
    });
}

async fn draw(reporting: Reporting, turns: Turns, stopped: CancellationToken) {
    let mut table = LiveTable::new(reporting.board, reporting.messages);
    let mut interval = tokio::time::interval(DRAW_INTERVAL);
    loop {
        tokio::select! {
            () = stopped.cancelled() => return table.clear(),
            _ = interval.tick() => table.draw(reporting.clock.wall_us()),
        }
        if turns.take_or_misbehave().await {
            return;
        }
    }
}

async fn log(reporting: Reporting, turns: Turns, stopped: CancellationToken) {
    let mut due = Instant::now() + reporting.heartbeat;
    loop {
        tokio::select! {
            () = stopped.cancelled() => return,
            () = tokio::time::sleep_until(due.min(Instant::now() + LOOK_INTERVAL)) => {}
        }
        if Instant::now() >= due {
            due += reporting.heartbeat;
            let (shown, now_us) = (reporting.board.read(), reporting.clock.wall_us());
            tracing::info!("{}", heartbeat::line(&shown, now_us));
        }
        if turns.take_or_misbehave().await {
            return;
        }
    }
}
