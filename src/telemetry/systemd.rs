//! What a service manager is told: ready, alive, still catching up, stopping.
//!
//! The protocol is that of sd_notify(3): datagrams to the socket in `NOTIFY_SOCKET`.
//! Without that variable nothing is sent and nothing changes. `WATCHDOG=1` is sent only when
//! work has gone on since the last one, so a collector that is stuck is restarted by the
//! service manager however busy its other threads look.
//!
//! Work is: the tape goes on in the journal; the exchange confirms that a market is quiet; a
//! full spool is looked at; an attempt to connect fails. What the collector only writes down
//! about itself is none. So an outage of the network is waited out, because a restart would
//! not end it: attempts go on, at most a minute apart, and `WatchdogSec=` should be longer
//! than that.

use std::time::Duration;

use sd_notify::NotifyState;

/// What the service manager's decisions rest on, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Whether every symbol is live or was given up, and at least one is live.
    pub is_live: bool,
    /// Work that proves life; only rises.
    pub work: u64,
    /// Trades fetched for symbols that were not live; only rises.
    pub fetched: u64,
    /// The state in words.
    pub status: String,
}

/// Decides what to tell.
#[derive(Debug, Clone, Default)]
pub struct Notifier {
    watchdog_us: Option<u64>,
    is_ready: bool,
    status: String,
    work: u64,
    fetched: u64,
    told_alive_us: i64,
    told_extend_us: Option<i64>,
}

/// How much longer a start may take each time that catching up has got on.
const EXTENSION: Duration = Duration::from_secs(120);
/// An extension is asked for at most this often, in µs.
const EXTEND_EVERY_US: i64 = 5_000_000;
/// A sign of life is sent so many times within the watchdog's patience.
const SIGNS_PER_PATIENCE: u64 = 4;

/// One thing to tell, still without its lifetime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The start is over.
    Ready,
    /// The start goes on and needs more time.
    ExtendTimeout,
    /// Work goes on.
    Alive,
    /// The state in words has changed.
    Status(String),
}

impl Notifier {
    /// One for a watchdog that loses patience after `watchdog_us`, if there is one.
    #[must_use]
    pub fn new(watchdog_us: Option<u64>) -> Self {
        Self {
            watchdog_us,
            ..Self::default()
        }
    }

    /// One as the service manager's environment asks for.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::new(
            sd_notify::watchdog_enabled()
                .map(|patience| u64::try_from(patience.as_micros()).unwrap_or(u64::MAX)),
        )
    }

    /// What has to be told at `now_us`, on a clock that never goes back.
    pub fn look(&mut self, seen: &Seen, now_us: i64) -> Vec<Told> {
        let mut told = Vec::new();
        if seen.is_live && !self.is_ready {
            self.is_ready = true;
            told.push(Told::Ready);
        }
        if !self.is_ready && seen.fetched > self.fetched {
            let is_due = self
                .told_extend_us
                .is_none_or(|last| now_us - last >= EXTEND_EVERY_US);
            if is_due {
                (self.fetched, self.told_extend_us) = (seen.fetched, Some(now_us));
                told.push(Told::ExtendTimeout);
            }
        }
        if let Some(watchdog_us) = self.watchdog_us
            && seen.work > self.work
            && now_us - self.told_alive_us >= (watchdog_us / SIGNS_PER_PATIENCE) as i64
        {
            (self.work, self.told_alive_us) = (seen.work, now_us);
            told.push(Told::Alive);
        }
        if seen.status != self.status {
            self.status.clone_from(&seen.status);
            told.push(Told::Status(seen.status.clone()));
        }
        told
    }
}

/// Tells the service manager, if there is one. A message that cannot be sent is lost: the
/// next one says more.
pub fn tell(told: &[Told]) {
    let states: Vec<_> = told
        .iter()
        .map(|told| match told {
            Told::Ready => NotifyState::Ready,
            Told::ExtendTimeout => {
                let micros = u32::try_from(EXTENSION.as_micros()).unwrap_or(u32::MAX);
                NotifyState::ExtendTimeoutUsec(micros)
            }
            Told::Alive => NotifyState::Watchdog,
            Told::Status(text) => NotifyState::Status(text),
        })
        .collect();
    send(&states);
}

/// Tells the service manager that the end has begun.
pub fn tell_stopping() {
    send(&[NotifyState::Stopping]);
}

fn send(states: &[NotifyState<'_>]) {
    if states.is_empty() {
        return;
    }
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "could not tell the service manager");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn seen(work: u64, fetched: u64, is_live: bool) -> Seen {
        Seen {
            is_live,
            work,
            fetched,
            status: String::new(),
        }
    }

    #[test]
    fn ready_is_told_once() {
        let mut notifier = Notifier::new(None);
        assert_eq!(notifier.look(&seen(0, 0, false), 0), []);
        assert_eq!(notifier.look(&seen(0, 0, true), SECOND), [Told::Ready]);
        assert_eq!(notifier.look(&seen(0, 0, false), 2 * SECOND), []);
        assert_eq!(notifier.look(&seen(0, 0, true), 3 * SECOND), []);
    }

    #[test]
    fn a_catch_up_that_gets_on_is_given_more_time_and_one_that_stands_still_is_not() {
        let mut notifier = Notifier::new(None);
        assert_eq!(
            notifier.look(&seen(0, 1000, false), 0),
            [Told::ExtendTimeout]
        );
        assert_eq!(
            notifier.look(&seen(0, 2000, false), SECOND),
            [],
            "not so often"
        );
        assert_eq!(
            notifier.look(&seen(0, 9000, false), 5 * SECOND),
            [Told::ExtendTimeout]
        );
        assert_eq!(notifier.look(&seen(0, 9000, false), 100 * SECOND), []);
    }

    #[test]
    fn life_is_told_only_while_work_goes_on() {
        let mut notifier = Notifier::new(Some(20_000_000));
        assert_eq!(notifier.look(&seen(1, 0, false), 5 * SECOND), [Told::Alive]);
        assert_eq!(
            notifier.look(&seen(2, 0, false), 6 * SECOND),
            [],
            "not so often"
        );
        assert_eq!(
            notifier.look(&seen(2, 0, false), 10 * SECOND),
            [Told::Alive]
        );
        for second in 11..100 {
            assert_eq!(notifier.look(&seen(2, 0, false), second * SECOND), []);
        }
    }

    #[test]
    fn the_status_is_told_when_it_changes() {
        let mut notifier = Notifier::new(None);
        let seen = Seen {
            status: "catching up".to_owned(),
            ..Seen::default()
        };
        assert_eq!(
            notifier.look(&seen, 0),
            [Told::Status("catching up".to_owned())]
        );
        assert_eq!(notifier.look(&seen, SECOND), []);
    }
}
