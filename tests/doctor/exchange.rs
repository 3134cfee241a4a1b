//! The way to the exchange, broken at each step.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::{
    common::process::run,
    scene::{Found, NOWHERE, Scene, at, exchange, rest_at, silent, with_certificate},
};

#[test]
fn where_all_is_well_the_steps_stand_in_their_order() {
    let (scene, sim) = (Scene::new(), exchange());
    let found = scene.doctor(&format!("BTCUSDT {}", at(&sim.ws, &sim.rest)));
    assert_eq!(found.code, Some(0), "{}", found.told);
    let names = found.checks.iter().map(|check| check["name"].as_str());
    let names: Vec<_> = names.map(|name| name.expect("a name")).collect();
    let unit = names.iter().position(|name| name.starts_with("unit"));
    let (before, after) = names.split_at(unit.expect("a unit"));
    assert_eq!(
        before,
        [
            "configuration",
            "clock",
            "DNS",
            "TLS",
            "WebSocket",
            "REST",
            "symbol BTCUSDT",
            "store",
            "state directory",
            "journal",
            "disk",
            "spool",
        ]
    );
    assert!(
        after.ends_with(&["file descriptors", "alerts"]),
        "{after:?}"
    );
    for name in ["configuration", "clock", "DNS", "WebSocket", "REST"] {
        found.is(name, "ok");
    }
    found.is("TLS", "not_checked");
    found.is("store", "warning");
    let left = std::fs::read_dir(scene.path("")).expect("readable").count();
    assert_eq!(left, 0, "nothing is made");
}

#[test]
fn a_clock_that_is_wrong_is_to_be_set() {
    let (scene, sim) = (Scene::new(), exchange());
    #[expect(clippy::disallowed_methods, reason = "the clock is what is looked at")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("now");
    let hour_ago = now.saturating_sub(Duration::from_secs(3600));
    let rest = rest_at(i64::try_from(hour_ago.as_micros()).expect("µs"));
    let found = scene.doctor(&at(&sim.ws, &rest));
    found.fails("clock", "s ahead of the exchange's", "NTP");
    found.is("REST", "ok");
}

#[test]
fn a_name_that_is_not_known_is_told_apart_from_a_network_that_is_down() {
    let scene = Scene::new();
    let hosts = scene.write("hosts", "127.0.0.1 other.test\n");
    let urls = at("wss://exchange.test:1", "https://exchange.test:1");
    let found = scene.doctor(&format!("{urls} --hosts {hosts}"));
    found.fails("DNS", "exchange.test is not known", "getent hosts");
}

/// Looks at an exchange that shows a certificate.
fn with(host: &str, year: i32, is_trusted: bool) -> Found {
    let scene = Scene::new();
    let (address, root) = with_certificate(host, year);
    let hosts = scene.write("hosts", "127.0.0.1 exchange.test\n");
    let root = scene.write("root.pem", &root);
    let port = address.port();
    let urls = at(
        &format!("wss://exchange.test:{port}"),
        &format!("https://exchange.test:{port}"),
    );
    let line = format!("doctor {urls} --hosts {hosts} --deadline 5s -o json");
    let mut command = scene.command(&line);
    if is_trusted {
        command.env("SSL_CERT_FILE", root);
    }
    let found = Found::of(&run(&mut command));
    found.is("DNS", "ok");
    found
}

#[test]
fn a_certificate_that_is_bad_is_told_with_what_is_bad_about_it() {
    with("exchange.test", 2020, true).fails("TLS", "expired", "this machine's date");
    with("other.test", 4000, true).fails("TLS", "not valid for", "somebody else answers");
    with("exchange.test", 4000, false).fails("TLS", "UnknownIssuer", "SSL_CERT_FILE");
    with("exchange.test", 4000, true).is("TLS", "ok");
}

#[test]
fn a_port_that_refuses_is_told_of_the_half_that_it_is() {
    let (scene, sim) = (Scene::new(), exchange());
    let found = scene.doctor(&at(&format!("ws://{NOWHERE}"), &sim.rest));
    found.fails(
        "WebSocket",
        NOWHERE,
        "nothing takes connections at that port",
    );
    found.is("REST", "ok");
    let found = scene.doctor(&at(&sim.ws, &format!("http://{NOWHERE}")));
    found.fails("REST", NOWHERE, "nothing takes connections at that port");
    found.is("WebSocket", "ok");
    found.is("clock", "not_checked");
}

#[test]
fn what_never_answers_costs_no_more_than_the_deadline() {
    let (scene, silent) = (Scene::new(), silent());
    scene.program("systemctl", "exec sleep 600");
    let urls = at(&format!("ws://{silent}"), &format!("http://{silent}"));
    let store = format!("clickhouse://{silent}/x");
    #[expect(clippy::disallowed_methods, reason = "the wait is what is looked at")]
    let begun = Instant::now();
    let found = scene.doctor(&format!("{urls} --store {store} --deadline 2s"));
    #[expect(clippy::disallowed_methods, reason = "the wait is what is looked at")]
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(8), "{took:?}");
    found.fails("WebSocket", "", "firewall or proxy that drops packets");
    found.fails("REST", "", "firewall or proxy that drops packets");
    found.fails("store", "no answer within 2s", "overloaded");
    found.is("unit", "not_checked");
}

#[test]
fn a_symbol_that_the_exchange_does_not_know_fails_when_it_was_named() {
    let (scene, sim) = (Scene::new(), exchange());
    let found = scene.doctor(&format!("NOPE {}", at(&sim.ws, &sim.rest)));
    found.fails("symbol NOPE", "NOPE", "spell the symbol");
    found.is("REST", "ok");
}
