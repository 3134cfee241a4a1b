//! The way to the exchange, a step at a time: names, certificates, streams, requests, the time.

use std::{collections::BTreeSet, io, time::Duration};

use futures_util::future::join_all;
use rustls::{CertificateError, pki_types::ServerName};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::{
    app::clock::Clock,
    cli::{
        collect::exchange::{endpoints, source},
        context::Context,
        error::CliError,
    },
    domain::symbol::Symbol,
    exchange::{
        binance::Settings,
        dial::{Resolver, dial},
        hosts::HostsFile,
        source::{Source, SourceError},
        tls,
    },
    report::doctor::Finding,
};

use super::{DoctorArgs, checks::of_error};

const CLOCK: &str = "clock";
const DNS: &str = "DNS";
const TLS: &str = "TLS";
const WEBSOCKET: &str = "WebSocket";
const REST: &str = "REST";

/// A clock that is further off than this is worth a word.
const SKEW: Duration = Duration::from_secs(1);
/// A clock that is further off than this makes ages and alarms wrong.
const MUCH_SKEW: Duration = Duration::from_secs(5);
/// A symbol that an exchange is likely to know.
pub const LIKELY: &str = "BTCUSDT";

/// Looks at everything at once, so that what hangs costs its own deadline only.
pub async fn check(args: &DoctorArgs, symbols: &[Symbol], context: &Context) -> Vec<Finding> {
    let deadline = args.deadline;
    let mut settings = Settings {
        // The first of several addresses may be silent, and the next one is to have its turn.
        connect_deadline: deadline / 3,
        ..Settings::default()
    };
    settings.socket.connect_deadline = deadline / 3;
    if let Some(hosts) = &args.hosts {
        settings.resolver = std::sync::Arc::new(HostsFile::new(hosts.clone()));
    }
    let opened = endpoints(settings, context).and_then(|settings| {
        let opened = settings.map(|settings| Ok((settings.clone(), source(settings)?)));
        opened.transpose()
    });
    let (settings, source) = match opened {
        Ok(Some(opened)) => opened,
        Ok(None) => return none("the exchange is simulated inside the program"),
        Err(error) => return vec![of_error(REST, error)],
    };
    let likely: Vec<Symbol> = LIKELY.parse().into_iter().collect();
    let asked = if symbols.is_empty() { &likely } else { symbols };
    let source = source.as_ref();
    let ((clock, rest), dns, tls, websocket, named) = tokio::join!(
        time(source, &context.clock, deadline),
        names(&settings, deadline),
        certificates(&settings, deadline),
        stream(source, asked, deadline),
        join_all(
            symbols
                .iter()
                .map(|symbol| newest(source, symbol, deadline))
        ),
    );
    let mut findings = vec![clock, dns, tls, websocket, rest];
    findings.extend(named);
    findings
}

/// Nothing of all that is looked at.
pub fn none(why: &str) -> Vec<Finding> {
    let all = [CLOCK, DNS, TLS, WEBSOCKET, REST];
    all.map(|what| Finding::not_checked(what, why)).to_vec()
}

/// What came of a step at some of the addresses: some that fail are a warning, all of one kind
/// are a failure.
struct Step<'a> {
    settings: &'a Settings,
    /// The addresses, with what is wrong and what to do about it.
    failed: Vec<(Url, String, String)>,
}

impl Step<'_> {
    fn finding(self, what: &str, good: String) -> Finding {
        if self.failed.is_empty() {
            return Finding::good(what, good);
        }
        let has_failed = |url: &Url| self.failed.iter().any(|(failed, ..)| failed == url);
        let of_a_kind = [&self.settings.ws_urls, &self.settings.rest_urls];
        let is_cut_off = of_a_kind.iter().any(|urls| urls.iter().all(has_failed));
        // Several addresses are often of one host.
        let reasons: BTreeSet<_> = self.failed.iter().map(|(_, reason, _)| &**reason).collect();
        let remedies: BTreeSet<_> = self.failed.iter().map(|(.., remedy)| &**remedy).collect();
        let join = |texts: BTreeSet<&str>| texts.into_iter().collect::<Vec<_>>().join("; ");
        let (detail, remedy) = (join(reasons), join(remedies));
        if is_cut_off {
            Finding::failure(what, detail, remedy)
        } else {
            Finding::warning(what, format!("{detail}; other addresses serve"), remedy)
        }
    }
}

fn all(settings: &Settings) -> impl Iterator<Item = &Url> {
    settings.ws_urls.iter().chain(&settings.rest_urls)
}

/// Has every name an address?
async fn names(settings: &Settings, deadline: Duration) -> Finding {
    let named = |url: &&Url| matches!(url.host(), Some(Host::Domain(_)));
    let looked = all(settings).filter(named).map(|url| async move {
        let name = url.host_str().unwrap_or_default();
        let reason = match timeout(deadline, settings.resolver.resolve(name)).await {
            Ok(Ok(addresses)) if !addresses.is_empty() => return (name, None),
            Ok(Ok(_)) => format!("{name} has no address"),
            Ok(Err(error)) => format!("{name} is not known: {error}"),
            Err(_) => format!("{name}: no answer within {deadline:?}"),
        };
        let remedy = "look for a slip in --ws-url and --rest-url, then whether this machine \
                      finds names at all: getent hosts example.com, /etc/resolv.conf";
        (name, Some((url.clone(), reason, remedy.to_owned())))
    });
    let looked = join_all(looked).await;
    if looked.is_empty() {
        return Finding::good(DNS, "the addresses are numbers: no name is needed");
    }
    let known: BTreeSet<&str> = looked.iter().map(|(name, _)| *name).collect();
    let good = format!("found {}", known.into_iter().collect::<Vec<_>>().join(", "));
    let failed = looked.into_iter().filter_map(|(_, failed)| failed);
    let failed = failed.collect();
    Step { settings, failed }.finding(DNS, good)
}

/// Is every certificate good?
async fn certificates(settings: &Settings, deadline: Duration) -> Finding {
    let secure: Vec<&Url> = all(settings)
        .filter(|url| matches!(url.scheme(), "wss" | "https"))
        .collect();
    if secure.is_empty() {
        return Finding::not_checked(TLS, "no address of the exchange uses it");
    }
    let shaken = secure.iter().map(|&url| async move {
        let shaken = timeout(deadline, shake_hands(&settings.resolver, url));
        let (host, port) = (url.host_str()?, url.port_or_known_default()?);
        let (reason, remedy) = match shaken.await {
            Ok(Ok(())) => return None,
            Ok(Err(error)) => (error.to_string(), of_handshake(&error)),
            Err(_) => (format!("no answer within {deadline:?}"), SILENT.to_owned()),
        };
        Some((url.clone(), format!("{host}:{port}: {reason}"), remedy))
    });
    let failed = join_all(shaken).await.into_iter().flatten().collect();
    let good = "the certificates are good".to_owned();
    Step { settings, failed }.finding(TLS, good)
}

async fn shake_hands(resolver: &Resolver, url: &Url) -> io::Result<()> {
    let Some((host, port)) = url.host().zip(url.port_or_known_default()) else {
        return Err(io::Error::other("the address has no host"));
    };
    let config = tls::client_config().map_err(io::Error::other)?;
    let name = match &host {
        Host::Domain(name) => ServerName::try_from((*name).to_owned()).map_err(io::Error::other)?,
        Host::Ipv4(address) => std::net::IpAddr::V4(*address).into(),
        Host::Ipv6(address) => std::net::IpAddr::V6(*address).into(),
    };
    let stream = dial(resolver.as_ref(), host, port).await?;
    TlsConnector::from(config).connect(name, stream).await?;
    Ok(())
}

const SILENT: &str = "look for a firewall or proxy that drops packets on the way, or name \
                      another address with --ws-url and --rest-url";
const REFUSED: &str = "nothing takes connections at that port: correct the address in --ws-url \
                       and --rest-url, or let the firewall pass it";

fn of_handshake(error: &io::Error) -> String {
    let inner = error.get_ref();
    let remedy = match inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(why)) => match why {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => {
                "look whether this machine's date is right; if it is, the certificate has to be \
                 renewed where it is served: name another address meanwhile"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "somebody else answers at that address: correct --ws-url and --rest-url, or look \
                 for a proxy or login page on the way"
            }
            _ => {
                "if a proxy of yours is on the way, add its root certificate to those of this \
                 machine, or name it in SSL_CERT_FILE; else do not trust this network"
            }
        },
        Some(_) => "look whether that port speaks TLS: ws:// and http:// are for those without",
        None if error.kind() == io::ErrorKind::ConnectionRefused => REFUSED,
        None => "look whether the network is well, and whether that port speaks TLS",
    };
    remedy.to_owned()
}

/// A failure of the source with what to do about it, which depends on how it failed.
fn of_source(what: &str, error: SourceError) -> Finding {
    let remedy = match &error {
        SourceError::TimedOut { .. } => Some(SILENT),
        SourceError::Unreachable { cause, .. } => {
            let cause = cause.to_lowercase();
            if cause.contains("refused") {
                Some(REFUSED)
            } else if cause.contains("certificate") {
                Some("mend what the check of TLS names")
            } else if ["dns", "lookup", "no address", "not known"]
                .iter()
                .any(|word| cause.contains(word))
            {
                Some("mend what the check of DNS names")
            } else {
                None
            }
        }
        _ => None,
    };
    let finding = of_error(what, CliError::from(error));
    match remedy {
        Some(remedy) => finding.hint(remedy),
        None => finding,
    }
}

fn too_slow(what: &str, deadline: Duration) -> Finding {
    Finding::failure(what, format!("no answer within {deadline:?}"), SILENT)
}

/// Can a stream be opened?
async fn stream(source: &dyn Source, symbols: &[Symbol], deadline: Duration) -> Finding {
    let begun = tokio::time::Instant::now();
    match timeout(deadline, source.connect(symbols)).await {
        Ok(Ok(mut stream)) => {
            let took_s = begun.elapsed().as_secs_f64();
            stream.close().await;
            Finding::good(WEBSOCKET, format!("connected in {took_s:.1} s"))
        }
        Ok(Err(error)) => of_source(WEBSOCKET, error),
        Err(_) => too_slow(WEBSOCKET, deadline),
    }
}

/// Does the exchange know a symbol that was named?
async fn newest(source: &dyn Source, symbol: &Symbol, deadline: Duration) -> Finding {
    let what = format!("symbol {symbol}");
    match timeout(deadline, source.latest(symbol)).await {
        Ok(Ok(Some(newest))) => Finding::good(what, format!("its newest id is {}", newest.id)),
        Ok(Ok(None)) => Finding::warning(
            what,
            "it has never been traded",
            "look whether the symbol is spelled as the exchange does",
        ),
        Ok(Err(error)) => of_source(&what, error),
        Err(_) => too_slow(&what, deadline),
    }
}

/// Does it answer requests, and does this machine's clock agree with its own?
async fn time(source: &dyn Source, clock: &Clock, deadline: Duration) -> (Finding, Finding) {
    let before_us = clock.wall_us();
    let answer = timeout(deadline, source.time_us()).await;
    let after_us = clock.wall_us();
    let took_s = Duration::from_micros(after_us.saturating_sub(before_us).unsigned_abs());
    let answered = Finding::good(
        REST,
        format!(
            "{} answered in {:.1} s",
            source.name(),
            took_s.as_secs_f64()
        ),
    );
    let untold = || Finding::not_checked(CLOCK, "the exchange did not tell its time");
    match answer {
        Ok(Ok(Some(there_us))) => (skew(before_us, there_us, after_us), answered),
        Ok(Ok(None)) => (untold(), answered),
        Ok(Err(error)) => (untold(), of_source(REST, error)),
        Err(_) => (untold(), too_slow(REST, deadline)),
    }
}

/// The exchange said `there_us` between two looks at our clock.
fn skew(before_us: i64, there_us: i64, after_us: i64) -> Finding {
    // Nobody knows when on the way the time was told: half of the round trip, either side of its
    // middle, is no skew.
    let ahead_us = before_us.saturating_sub(there_us).max(0);
    let behind_us = there_us.saturating_sub(after_us).max(0);
    let off = Duration::from_micros(ahead_us.max(behind_us).unsigned_abs());
    let way = if ahead_us > 0 { "ahead of" } else { "behind" };
    let detail = format!("it is {:.1} s {way} the exchange's", off.as_secs_f64());
    let remedy = "let this machine's clock be set by NTP: timedatectl set-ntp true";
    if off > MUCH_SKEW {
        Finding::failure(CLOCK, detail, remedy)
    } else if off > SKEW {
        Finding::warning(CLOCK, detail, remedy)
    } else {
        Finding::good(CLOCK, "it agrees with the exchange's")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::doctor::Verdict;

    const SECOND_US: i64 = 1_000_000;

    #[test]
    fn the_time_that_an_answer_takes_is_no_skew() {
        for (there_s, verdict, words) in [
            (100, Verdict::Good, "agrees"),
            (105, Verdict::Good, "agrees"),
            (110, Verdict::Good, "agrees"),
            (97, Verdict::Warning, "3.0 s ahead of"),
            (112, Verdict::Warning, "2.0 s behind"),
            (90, Verdict::Failure, "10.0 s ahead of"),
            (116, Verdict::Failure, "6.0 s behind"),
        ] {
            let found = skew(100 * SECOND_US, there_s * SECOND_US, 110 * SECOND_US);
            assert_eq!(found.verdict, verdict, "{there_s}");
            assert!(found.detail.contains(words), "{}", found.detail);
        }
    }
}
