//! The limits of the exchange: request weight with its bans, and stream connections.
//!
//! Weight is counted per address in windows of fixed length. Over the limit every
//! request is answered 429; an address that goes on is banned, and answered 418 until the
//! ban is over.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::clock::CENTURY;
use super::config::Config;

/// The window that stream connections are counted in.
const CONNECTION_WINDOW: Duration = Duration::from_secs(300);
/// Addresses that are remembered; on loopback there are few.
const MAX_ADDRESSES: usize = 1024;

/// What an address may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weighed {
    /// Go on; this much weight is used in the window.
    Fine { used: u32 },
    /// Too much: wait.
    TooMuch { used: u32, retry_after: Duration },
    /// Too much for too long: banned.
    Banned { retry_after: Duration },
}

#[derive(Debug)]
struct Address {
    window_start: Instant,
    used: u32,
    warnings: u32,
    banned_until: Option<Instant>,
    connections: VecDeque<Instant>,
}

/// The accounts of all addresses.
#[derive(Debug)]
pub(crate) struct Limits {
    weight_limit: u32,
    weight_window: Duration,
    warnings_before_ban: u32,
    ban: Duration,
    connection_limit: u32,
    addresses: Mutex<HashMap<IpAddr, Address>>,
}

impl Limits {
    /// The limits that the settings ask for.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            weight_limit: config.weight_limit,
            weight_window: config.weight_window.min(CENTURY),
            warnings_before_ban: config.warnings_before_ban,
            ban: config.ban.min(CENTURY),
            connection_limit: config.connection_limit,
            addresses: Mutex::default(),
        }
    }

    /// Counts a request of some weight.
    pub(crate) fn weigh(&self, address: IpAddr, weight: u32) -> Weighed {
        let now = Instant::now();
        let mut addresses = self.addresses();
        let account = account(&mut addresses, address, now);
        if let Some(until) = account.banned_until {
            if now < until {
                return Weighed::Banned {
                    retry_after: until - now,
                };
            }
            account.banned_until = None;
            account.warnings = 0;
        }
        if now.duration_since(account.window_start) >= self.weight_window {
            account.window_start = now;
            account.used = 0;
            account.warnings = 0;
        }
        if account.used.saturating_add(weight) <= self.weight_limit {
            account.used += weight;
            return Weighed::Fine { used: account.used };
        }
        account.warnings += 1;
        if account.warnings > self.warnings_before_ban {
            account.banned_until = Some(now + self.ban);
            return Weighed::Banned {
                retry_after: self.ban,
            };
        }
        Weighed::TooMuch {
            used: account.used,
            retry_after: account.window_start + self.weight_window - now,
        }
    }

    /// Counts a stream connection; false if the address has opened too many.
    pub(crate) fn may_connect(&self, address: IpAddr) -> bool {
        let now = Instant::now();
        let mut addresses = self.addresses();
        let connections = &mut account(&mut addresses, address, now).connections;
        while let Some(oldest) = connections.front()
            && now.duration_since(*oldest) >= CONNECTION_WINDOW
        {
            connections.pop_front();
        }
        if connections.len() >= self.connection_limit as usize {
            return false;
        }
        connections.push_back(now);
        true
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<IpAddr, Address>> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn account(
    addresses: &mut HashMap<IpAddr, Address>,
    address: IpAddr,
    now: Instant,
) -> &mut Address {
    if addresses.len() >= MAX_ADDRESSES && !addresses.contains_key(&address) {
        // Forgetting everybody is generous, and bounded.
        addresses.clear();
    }
    addresses.entry(address).or_insert_with(|| Address {
        window_start: now,
        used: 0,
        warnings: 0,
        banned_until: None,
        connections: VecDeque::new(),
    })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn limits() -> Limits {
        Limits::new(&Config {
            weight_limit: 10,
            warnings_before_ban: 2,
            connection_limit: 2,
            ..Config::default()
        })
    }

    #[tokio::test(start_paused = true)]
    async fn weight_is_refused_then_banned_then_forgiven() {
        let limits = limits();
        assert_eq!(limits.weigh(HERE, 4), Weighed::Fine { used: 4 });
        assert_eq!(limits.weigh(HERE, 4), Weighed::Fine { used: 8 });
        tokio::time::advance(Duration::from_secs(20)).await;
        let refused = Weighed::TooMuch {
            used: 8,
            retry_after: Duration::from_secs(40),
        };
        assert_eq!(limits.weigh(HERE, 4), refused);
        assert_eq!(limits.weigh(HERE, 4), refused);
        let banned = |seconds| Weighed::Banned {
            retry_after: Duration::from_secs(seconds),
        };
        assert_eq!(limits.weigh(HERE, 4), banned(120));
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!(limits.weigh(HERE, 1), banned(20));
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(limits.weigh(HERE, 4), Weighed::Fine { used: 4 });
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_window_forgives_warnings() {
        let limits = limits();
        limits.weigh(HERE, 10);
        assert!(matches!(limits.weigh(HERE, 1), Weighed::TooMuch { .. }));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(limits.weigh(HERE, 10), Weighed::Fine { used: 10 });
        assert!(matches!(limits.weigh(HERE, 1), Weighed::TooMuch { .. }));
        assert!(matches!(limits.weigh(HERE, 1), Weighed::TooMuch { .. }));
        assert!(matches!(limits.weigh(HERE, 1), Weighed::Banned { .. }));
    }

    #[tokio::test(start_paused = true)]
    async fn connections_are_counted_over_five_minutes() {
        let limits = limits();
        assert!(limits.may_connect(HERE));
        tokio::time::advance(Duration::from_secs(200)).await;
        assert!(limits.may_connect(HERE));
        assert!(!limits.may_connect(HERE));
        tokio::time::advance(Duration::from_secs(100)).await;
        assert!(limits.may_connect(HERE));
    }
}
