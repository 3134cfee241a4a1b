//! The client for requests, whatever is asked for.

use std::{error::Error, net::SocketAddr, time::Duration};

use reqwest::{ClientBuilder, dns, redirect};

use crate::exchange::{
    dial::Resolver,
    tls::{self, TlsSetupError},
};

/// A client like all of them: one TLS stack, our resolver, a deadline to connect.
pub(super) fn builder(
    resolver: &Resolver,
    connect_deadline: Duration,
) -> Result<ClientBuilder, TlsSetupError> {
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls::client_config()?.as_ref().clone())
        .dns_resolver(NameResolver(resolver.clone()))
        .connect_timeout(connect_deadline)
        .pool_idle_timeout(Duration::from_secs(60))
        // The stream cannot take a proxy either: both shall see the same exchange.
        .no_proxy()
        // Whoever redirects is not the exchange.
        .redirect(redirect::Policy::none()))
}

/// The cause that says most: the last one in the chain.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Our resolver in the words of the HTTP library.
struct NameResolver(Resolver);

impl dns::Resolve for NameResolver {
    fn resolve(&self, name: dns::Name) -> dns::Resolving {
        let resolver = self.0.clone();
        Box::pin(async move {
            let addresses = resolver.resolve(name.as_str()).await?;
            let addresses = addresses.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(addresses) as dns::Addrs)
        })
    }
}
