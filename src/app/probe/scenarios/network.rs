//! The way to the exchange.

use std::time::Duration;

use super::{AFTER_PAUSES, LOST, ONCE};
use crate::{
    app::probe::{
        bench::{Bench, tls::Flaw},
        error::ProbeError,
        harm::Harm,
        relay::Way,
        scenario::{Allowed, Group::Network, Play, Scenario},
    },
    domain::safeguard::Safeguard,
};

/// How a connection that cannot be made is seen.
const UNMADE: &[&str] = &["stream.connect_failed"];
/// How long a way is closed.
const WHILE: Duration = Duration::from_secs(20);

pub(super) fn all() -> Vec<Scenario> {
    vec![
        cut_fin(),
        cut_rst(),
        half_open(),
        deaf(),
        mute(),
        blackhole(),
        slow_handshake(),
        latency(),
        bandwidth(),
        dns(),
        certificate(
            "tls-expired",
            "for 20 s after a cut the certificate is expired",
            |bench| Box::pin(refuse(bench, Flaw::Expired)),
        ),
        certificate(
            "tls-wrong-host",
            "for 20 s after a cut it is of another host",
            |bench| Box::pin(refuse(bench, Flaw::WrongHost)),
        ),
    ]
}

/// Lets the way to the streams do something for a while.
async fn for_a_while(bench: &mut Bench, text: &str, way: Way) -> Result<(), ProbeError> {
    bench.struck(text).await?;
    bench.streams.set(way);
    bench.hold(WHILE).await;
    bench.streams.set(Way::Open);
    bench.healed().await
}

fn cut_fin() -> Scenario {
    let line = "the stream ends in order, and again for 20 s";
    Scenario::new(Network, "cut-fin", line, |bench| {
        Box::pin(for_a_while(bench, "the stream ends", Way::Fin))
    })
    .seen_as(LOST)
    .recovered_within(AFTER_PAUSES)
    .allowing(Allowed::RECONNECTS)
    .fails_without(&[Safeguard::Reconnect], Harm::Lost)
}

fn cut_rst() -> Scenario {
    let line = "the stream is reset once";
    Scenario::new(Network, "cut-rst", line, |bench| {
        Box::pin(async {
            bench.struck("the stream is reset").await?;
            bench.streams.cut();
            Ok(())
        })
    })
    .core()
    .seen_as(LOST)
    .allowing(ONCE)
    .fails_without(&[Safeguard::Reconnect], Harm::Lost)
}

fn half_open() -> Scenario {
    let line = "the stream's socket stands, and nothing passes";
    Scenario::new(Network, "half-open", line, |bench| {
        Box::pin(async {
            bench.struck("nothing passes").await?;
            bench.streams.set(Way::HalfOpen);
            Ok(())
        })
    })
    .core()
    .seen_as(LOST)
    .allowing(ONCE)
    .fails_without(&[Safeguard::Detection], Harm::Late)
}

fn deaf() -> Scenario {
    let line = "what the collector sends is lost; data come";
    Scenario::new(Network, "one-way-up", line, |bench| {
        Box::pin(async {
            bench.struck("the exchange hears nothing").await?;
            bench.streams.set(Way::Deaf);
            Ok(())
        })
    })
    .seen_as(LOST)
    // The next ping is due within 20 s, and its pong 10 s later.
    .detected_within(Duration::from_secs(35))
    .allowing(ONCE)
    .fails_without(&[Safeguard::Detection], Harm::Unseen)
}

fn mute() -> Scenario {
    let line = "what the exchange sends is lost";
    Scenario::new(Network, "one-way-down", line, |bench| {
        Box::pin(async {
            bench.struck("the collector hears nothing").await?;
            bench.streams.set(Way::Mute);
            Ok(())
        })
    })
    .seen_as(LOST)
    .allowing(ONCE)
    .fails_without(&[Safeguard::Detection], Harm::Late)
}

fn blackhole() -> Scenario {
    let line = "reset; for 20 s new connections are not answered";
    Scenario::new(Network, "blackhole", line, |bench| {
        Box::pin(for_a_while(bench, "nobody answers", Way::Blackhole))
    })
    .seen_as(UNMADE)
    .recovered_within(AFTER_PAUSES)
    .allowing(Allowed::RECONNECTS)
    .fails_without(&[Safeguard::Deadlines], Harm::Unseen)
}

fn slow_handshake() -> Scenario {
    let line = "for 20 s new connections are 3 s late";
    Scenario::new(Network, "slow-handshake", line, |bench| {
        Box::pin(async {
            let delay = bench.scaled(Duration::from_secs(3));
            for_a_while(bench, "handshakes take long", Way::SlowHandshake { delay }).await
        })
    })
    .seen_as(LOST)
    .recovered_within(AFTER_PAUSES)
    .allowing(Allowed::RECONNECTS)
    .fails_without(&[Safeguard::Reconnect], Harm::Lost)
}

fn latency() -> Scenario {
    let line = "everything comes 500 ms later for 20 s";
    Scenario::new(Network, "latency", line, |bench| {
        Box::pin(async {
            bench.struck("everything is late").await?;
            let delay = bench.scaled(Duration::from_millis(500));
            bench.streams.set(Way::Latency { delay });
            bench.history.set(Way::Latency { delay });
            bench.hold(WHILE).await;
            bench.streams.set(Way::Open);
            bench.history.set(Way::Open);
            bench.healed().await
        })
    })
    .core()
    .fails_without(&[Safeguard::Patience], Harm::Restarts)
}

fn bandwidth() -> Scenario {
    let line = "less passes for 20 s than is traded";
    Scenario::new(Network, "bandwidth", line, |bench| {
        // What is behind grows by a second's worth: a pong that waits in it still comes in time.
        let way = Way::Bandwidth {
            bytes_per_second: 50_000,
        };
        Box::pin(for_a_while(bench, "little passes", way))
    })
    .fails_without(&[Safeguard::Patience], Harm::Restarts)
}

/// Shows a bad certificate for a while, after what stands was cut.
async fn refuse(bench: &mut Bench, flaw: Flaw) -> Result<(), ProbeError> {
    bench.struck("the certificate is a bad one").await?;
    bench.show_certificate(flaw)?;
    bench.streams.cut();
    bench.history.cut();
    bench.hold(WHILE).await;
    bench.show_certificate(Flaw::None)?;
    bench.healed().await
}

fn certificate(name: &'static str, line: &'static str, play: Play) -> Scenario {
    Scenario::new(Network, name, line, play)
        .over_tls()
        .seen_as(UNMADE)
        .recovered_within(AFTER_PAUSES)
        .allowing(Allowed::RECONNECTS)
        .fails_without(&[Safeguard::Reconnect], Harm::Lost)
}

fn dns() -> Scenario {
    let line = "for 20 s after a cut the name is unknown";
    Scenario::new(Network, "dns-failure", line, |bench| {
        Box::pin(async {
            bench.struck("the name is unknown").await?;
            bench.set_name(false)?;
            bench.streams.cut();
            bench.hold(WHILE).await;
            bench.set_name(true)?;
            bench.healed().await
        })
    })
    .seen_as(UNMADE)
    .recovered_within(AFTER_PAUSES)
    .allowing(Allowed::RECONNECTS)
    .fails_without(&[Safeguard::Reconnect], Harm::Lost)
}
