//! From a host's name to a TCP connection.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{net::TcpStream, time};

/// How long an address may keep the next one waiting. A host with a dead IPv6 route
/// must not cost the whole connect deadline.
const STAGGER: Duration = Duration::from_millis(250);

/// More addresses than this are not tried.
const MAX_ADDRESSES: usize = 8;

/// Finds the addresses of a host. Injected, so that tests can break it without root.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// The addresses of `host`, best first.
    ///
    /// # Errors
    /// When the name is unknown, or cannot be looked up.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// A resolver that many can share.
pub type Resolver = Arc<dyn Resolve>;

/// The resolver of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let addresses = tokio::net::lookup_host((host, 0)).await?;
        Ok(addresses.map(|address| address.ip()).collect())
    }
}

/// Connects to `host`, which may be a name or an address. The caller sets the deadline.
///
/// # Errors
/// When the name has no address, or none of them takes the connection.
pub async fn dial(
    resolver: &dyn Resolve,
    host: url::Host<&str>,
    port: u16,
) -> io::Result<TcpStream> {
    let addresses = match host {
        url::Host::Ipv4(address) => vec![IpAddr::V4(address)],
        url::Host::Ipv6(address) => vec![IpAddr::V6(address)],
        url::Host::Domain(name) => families_in_turn(resolver.resolve(name).await?),
    };
    let addresses = addresses.into_iter().take(MAX_ADDRESSES);
    let stream = first_of(addresses.map(|ip| SocketAddr::new(ip, port))).await?;
    // Pings and closes are small and must not wait for more.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The same addresses, IPv6 and IPv4 in turn, starting with the family of the first.
fn families_in_turn(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let Some(first) = addresses.first().copied() else {
        return addresses;
    };
    let (preferred, others): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first.is_ipv6());
    let mut others = others.into_iter();
    let mut turns = Vec::new();
    for address in preferred {
        turns.push(address);
        turns.extend(others.next());
    }
    turns.extend(others);
    turns
}

/// Connects to whichever address answers first. Each one gets a head start; after an
/// error the next one starts at once.
async fn first_of(mut addresses: impl Iterator<Item = SocketAddr>) -> io::Result<TcpStream> {
    let mut attempts = FuturesUnordered::new();
    let mut last_error = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    loop {
        let next = addresses.next();
        let has_more = next.is_some();
        attempts.extend(next.map(TcpStream::connect));
        let outcome = if has_more {
            time::timeout(STAGGER, attempts.next()).await.ok()
        } else {
            Some(attempts.next().await)
        };
        match outcome {
            Some(Some(Ok(stream))) => return Ok(stream),
            Some(Some(Err(error))) => last_error = error,
            // Nobody is left to wait for, and there is no other address.
            Some(None) if !has_more => return Err(last_error),
            Some(None) | None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use tokio::net::TcpListener;

    use super::*;

    struct Fixed(Vec<IpAddr>);

    #[async_trait]
    impl Resolve for Fixed {
        async fn resolve(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
            Ok(self.0.clone())
        }
    }

    #[test]
    fn families_take_turns() {
        let v4 = |last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
        let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
        assert_eq!(
            families_in_turn(vec![v4(1), v4(2), v4(3), v6]),
            vec![v4(1), v6, v4(2), v4(3)]
        );
        assert_eq!(
            families_in_turn(vec![v6, v4(1), v4(2)]),
            vec![v6, v4(1), v4(2)]
        );
        assert_eq!(families_in_turn(Vec::new()), Vec::<IpAddr>::new());
    }

    #[tokio::test]
    async fn an_address_that_refuses_does_not_hide_one_that_accepts() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        // Nothing listens on the other loopback addresses.
        let hosts = Fixed(vec![
            "127.0.0.2".parse().expect("an address"),
            Ipv4Addr::LOCALHOST.into(),
        ]);
        let stream = dial(&hosts, url::Host::Domain("exchange.test"), port)
            .await
            .expect("a connection");
        assert_eq!(
            stream.peer_addr().expect("an address").ip(),
            Ipv4Addr::LOCALHOST
        );
        assert!(stream.nodelay().expect("an option"));
    }

    #[tokio::test]
    async fn a_name_without_an_address_and_a_port_without_a_listener_are_errors() {
        let error = dial(&Fixed(Vec::new()), url::Host::Domain("exchange.test"), 1).await;
        assert_eq!(
            error.expect_err("no address").to_string(),
            "the host has no address"
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let error = dial(&SystemResolver, url::Host::Ipv4(Ipv4Addr::LOCALHOST), port).await;
        assert_eq!(
            error.expect_err("nobody listens").kind(),
            io::ErrorKind::ConnectionRefused
        );
    }
}
