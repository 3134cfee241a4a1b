//! The rules that hold when nobody sets others.

use std::time::Duration;

use super::{Rule, Severity};
use crate::domain::alert::Metric;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl Rule {
    fn critical(mut self) -> Self {
        self.severity = Severity::Critical;
        self.cooldown = self.severity.cooldown();
        self
    }

    fn wait(mut self, hold: Duration, keep_firing: Duration) -> Self {
        self.hold = hold;
        self.keep_firing = keep_firing;
        self
    }

    fn says(mut self, text: &str, hint: &str) -> Self {
        text.clone_into(&mut self.text);
        hint.clone_into(&mut self.hint);
        self
    }

    /// The rules that hold when nobody sets others.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        let at_once = Duration::ZERO;
        let minute = seconds(60);
        vec![
            Self::new("data_stale", Metric::DataStaleS, 90.0)
                .critical()
                .wait(at_once, minute)
                .says(
                    "the exchange has trades that are missing here",
                    "look for the last verdict in the log; `streamkit status` shows link and ids",
                ),
            Self::new("silence", Metric::SilenceS, 600.0)
                .critical()
                .wait(at_once, minute)
                .says(
                    "no trade comes by stream, and the exchange does not say that there is none",
                    "check the network of this machine and the exchange's status page",
                ),
            Self::new("frequent_reconnects", Metric::ReconnectsPerHour, 10.0)
                .wait(at_once, 5 * minute)
                .says(
                    "the connection to the exchange breaks often",
                    "look for the reasons in the log; check the network of this machine",
                ),
            Self::new("frequent_restarts", Metric::RestartsPerHour, 10.0)
                .wait(at_once, 5 * minute)
                .says(
                    "tasks are restarted often",
                    "look for CRITICAL in the log: it names task and cause",
                ),
            Self::new("many_errors", Metric::ErrorsPerHour, 100.0)
                .wait(at_once, 5 * minute)
                .says("many errors", "look for the most frequent one in the log"),
            Self::new("disk_nearly_full", Metric::DiskUsedRatio, 0.90)
                .wait(minute, 5 * minute)
                .says(
                    "the disk of the journal is nearly full",
                    "make room; when it is full nothing is consumed, and fetched by id later",
                ),
            // Only what has waited for a minute counts, and a restart of the store takes
            // some minutes.
            Self::new("spool_not_empty", Metric::SpoolRows, 0.0)
                .wait(4 * minute, minute)
                .says(
                    "rows wait for the store",
                    "`streamkit spool ls` shows them and `streamkit doctor` asks the store",
                ),
            Self::new("spool_full", Metric::SpoolFull, 0.0)
                .critical()
                .wait(at_once, minute)
                .says(
                    "the spool is full and nothing is consumed",
                    "bring the store back; what is missing is fetched by id then",
                ),
            // An open breaker lets a trial through each minute.
            Self::new("breaker_open", Metric::BreakerOpen, 0.0)
                .wait(at_once, 2 * minute)
                .says(
                    "the store takes nothing",
                    "nothing is lost: rows wait in the spool; `streamkit doctor` asks the store",
                ),
            Self::new("breaker_trips", Metric::BreakerTripsPerHour, 3.0)
                .critical()
                .wait(at_once, 5 * minute)
                .says(
                    "the store fails again and again",
                    "look at the log of the store: memory, disk, too many parts",
                ),
            Self::new("dead_letters", Metric::DeadLettersPerHour, 0.0)
                .wait(at_once, 5 * minute)
                .says(
                    "the store refuses rows for their content",
                    "`streamkit spool ls` names the reason; `streamkit schema apply` mends tables",
                ),
            Self::new("buffer_full", Metric::BufferRows, 10_000.0)
                .critical()
                .wait(seconds(30), minute)
                .says(
                    "rows pile up in memory",
                    "the journal's disk stands still, or the exchange has no answer for missing ids: \
                     the log tells",
                ),
            Self::new("memory_high", Metric::MemoryUsedRatio, 0.90)
                .wait(2 * minute, 5 * minute)
                .says(
                    "memory is nearly at the limit of the cgroup",
                    "raise MemoryMax= or collect fewer symbols in one process",
                ),
            Self::new("id_reset", Metric::IdResets, 0.0)
                .critical()
                .wait(at_once, minute)
                .says(
                    "the exchange's ids went back, and the symbol stands still",
                    "ask the exchange whether it numbers anew before you begin the symbol again",
                ),
            Self::new("gap_absent", Metric::GapsAbsent, 0.0)
                .critical()
                .wait(at_once, minute)
                .says(
                    "ids are proven not to exist at the exchange",
                    "`streamkit verify` shows the gap; it is recorded in the table gaps",
                ),
            Self::new("restart_failed", Metric::RestartFailed, 0.0)
                .critical()
                .wait(at_once, minute)
                .says(
                    "a restart failed",
                    "it goes on trying; when it has given up it ends, for the service manager to \
                     start it anew. Check network and exchange, and keep the log",
                ),
            Self::new("channel_broken", Metric::ChannelBroken, 0.0)
                .wait(at_once, at_once)
                .says(
                    "an alert channel cannot send",
                    "`streamkit doctor --send-test-alert` tries each channel",
                ),
            // Of the watchdog: no collector measures these.
            Self::new("freshness_warning", Metric::FreshnessWarning, 0.0)
                .wait(at_once, at_once)
                .says(
                    "the watchdog warns",
                    "`streamkit status --remote` shows what the collectors say of themselves",
                ),
            Self::new("freshness_critical", Metric::FreshnessCritical, 0.0)
                .critical()
                .wait(at_once, at_once)
                .says(
                    "the data are not fresh in the database, or it cannot be told",
                    "`streamkit watchdog --dry-run` looks again and restarts nothing",
                ),
        ]
    }
}
