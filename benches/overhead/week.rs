//! A week of looks at a collector in trouble, one a second.

use std::{collections::BTreeMap, hint::black_box, path::PathBuf};

use streamkit::{
    app::{
        alerts::{self, Dispatcher, Limits},
        clock::Clock,
        collect::{
            Chronicle, Emit, Event, SymbolSnapshot,
            health::{Sampler, Tally},
            snapshot::{ConnectionSnapshot, Phase, Shown},
            status::{Moment, Status},
        },
        supervise::{TaskState, TaskStatus},
    },
    domain::{
        alert::{Alerts, Rule, readings},
        breaker::BreakerState,
        health::Pulse,
    },
    telemetry::metrics,
};

use crate::{
    interleave::{rss_kib, thread_cpu_time},
    market::SYMBOLS,
};

const SECOND_US: i64 = 1_000_000;
const HOUR_S: i64 = 3600;
const DAY_S: i64 = 24 * HOUR_S;
const WEEK_S: i64 = 7 * DAY_S;
/// When what is held is looked at.
const LOOK_AT_S: [(i64, &str); 4] = [
    (HOUR_S, "an hour"),
    (DAY_S, "a day"),
    (3 * DAY_S, "3 days"),
    (WEEK_S, "a week"),
];
/// So much more after a week than after a day still counts as flat.
const FLAT: f64 = 1.02;

/// The board at a second of a week in which everything fails now and then.
fn shown(second: i64, symbols: &[SymbolSnapshot]) -> Shown {
    let mut shown = Shown {
        symbols: symbols.to_vec(),
        ..Shown::default()
    };
    let is_silent = second % 3000 > 2000;
    for symbol in &mut shown.symbols {
        symbol.phase = Phase::Live;
        symbol.trades = second.unsigned_abs() * 50;
        symbol.pulse = if is_silent {
            Pulse::Overdue
        } else {
            Pulse::Fresh
        };
        symbol.silence_us = if is_silent {
            second % 1000 * SECOND_US
        } else {
            0
        };
        symbol.patience_us = 12 * SECOND_US;
    }
    shown.connections = vec![ConnectionSnapshot {
        symbols: symbols.iter().map(|line| line.symbol.clone()).collect(),
        up_since_us: Some(0),
        reconnects: second.unsigned_abs() / 100,
        ..ConnectionSnapshot::default()
    }];
    shown.totals.reconnects = second.unsigned_abs() / 100;
    shown.sink.breaker_trips = second.unsigned_abs() / 700;
    if second % 700 < 60 {
        shown.sink.breaker = BreakerState::Open;
    }
    shown.spool.rows = second.unsigned_abs() % 20_000;
    shown
}

fn task(name: &str, second: i64) -> TaskStatus {
    TaskStatus {
        name: name.into(),
        state: if second % 500 < 5 {
            TaskState::Restarting
        } else {
            TaskState::Running
        },
        turns: second.unsigned_abs(),
        restarts: second.unsigned_abs() / 500,
        last_failure: Some("it hangs: no turn for 10.0 s".to_owned()),
    }
}

/// Looks once a second for a week, and prints what a look costs and what is held meanwhile.
pub fn look_for_a_week() {
    let lines = SYMBOLS.map(|name| SymbolSnapshot::new(name.parse().expect("a symbol")));
    let mut sampler = Sampler::new(Tally::default(), PathBuf::from("."));
    let mut alerts = Alerts::new(Rule::defaults()).expect("the default rules");
    let mut notices = 0;
    let mut held = Vec::new();
    // A store that is down for the whole week, and a receiver that never answers: nobody
    // commits events, and nobody takes alerts.
    let chronicle = Chronicle::new("bench", Clock::system());
    let emit = chronicle.before(Emit::new(|_| {}));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let channel = toml::from_str("[hook]\ntype = 'webhook'\nurl = 'http://127.0.0.1:1'");
    let channels: BTreeMap<String, _> = channel.expect("a channel");
    let outlets = alerts::open(&channels, &|_| None).expect("outlets");
    let sending = runtime.block_on(async {
        Dispatcher::start(
            "bench",
            outlets,
            &Limits::default(),
            alerts::Emit::new(|_| {}),
        )
    });
    let notifier = sending.notifier();
    println!("a week of troubles, looked at every second:");
    let began = thread_cpu_time();
    for second in 1..=WEEK_S {
        let (shown, now_us) = (shown(second, &lines), second * SECOND_US);
        let tasks = ["session-0", "delivery", "journal"].map(|name| task(name, second));
        let health = sampler.sample(&shown, &tasks, now_us, now_us);
        let moment = Moment {
            collector: "bench".to_owned(),
            running: true,
            steady_us: now_us,
            wall_us: now_us,
        };
        let status = Status::of(&moment, &shown, &health, &tasks);
        black_box(metrics::text(&status));
        for notice in alerts.evaluate(&readings(&health), now_us) {
            notifier.notify(&notice);
            notices += 1;
        }
        emit.emit(&Event::StoreUnavailable {
            reason: format!("refused for {second} s"),
        });
        if let Some((_, name)) = LOOK_AT_S.iter().find(|(at, _)| *at == second) {
            held.push(rss_kib());
            println!("  VmRSS after {name:<8} {:>7} KiB", rss_kib());
        }
    }
    let look_us = thread_cpu_time().saturating_sub(began).as_secs_f64() * 1e6 / WEEK_S as f64;
    println!(
        "  {notices} notices, {} states of alerts; {look_us:.1} µs of CPU a look, metrics included",
        alerts.states()
    );
    let growth = held[3] as f64 / held[1] as f64;
    let word = if growth <= FLAT { "met" } else { "MISSED" };
    println!("  target flat: {word}, a week holds {growth:.3} times what a day does");
}
