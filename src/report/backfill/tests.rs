//! What programs read follows what the schemas say.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    app::backfill::{
        board::{Shown, Stage},
        event::{Event, Written},
        feed::FeedEvent,
        job::JobError,
        plan::{Found, Plan, PlanError, PlannedPeriod, Reading, Task, Wish},
        run::{Finished, RunError, Seals},
        worker::{Event as WorkerEvent, Job},
    },
    domain::{
        anchor::{Anchor, Period},
        backfill_request::Status,
        row::{Table, UnreadableRow},
        survey::PeriodIds,
        symbol::Symbol,
        threshold::Threshold,
        tiling::{IdRange, Unsealable},
    },
    report::json_schema::violations,
};

use super::{plan, run, testing, worker};

const DAY_US: i64 = 86_400_000_000;
const LINES: &str = include_str!("../../../schema/backfill.schema.json");
const PLANS: &str = include_str!("../../../schema/backfill-plan.schema.json");

fn schema(text: &str) -> Value {
    serde_json::from_str(text).expect("the schema is JSON")
}

fn symbol() -> Symbol {
    "BTCUSDT".parse().expect("a symbol")
}

fn threshold() -> Threshold {
    Threshold::new(250).expect("a threshold")
}

fn period() -> Period {
    Anchor::Day.period(testing::NOW_US)
}

fn written() -> BTreeMap<Threshold, Written> {
    let written = Written {
        added: 1,
        kept: 2,
        ..Written::default()
    };
    BTreeMap::from([(threshold(), written)])
}

fn ids(first_id: i64, last_id: i64) -> IdRange {
    IdRange { first_id, last_id }
}

fn planned() -> Plan {
    let span = ids(7, 1_006);
    let over = PeriodIds {
        ids: ids(1, 2_000),
        is_over: true,
    };
    let found = Found {
        holes: vec![span],
        gap_us: 7,
        wrong: 1,
        is_distrusted: false,
    };
    let tasks = [
        Task::Sealed { ids: over.ids },
        Task::Empty,
        Task::Right { ids: over },
        Task::Read(Reading {
            ids: over,
            closer: None,
            span,
            found: BTreeMap::from([(threshold(), found)]),
        }),
    ];
    let task = |(number, task)| PlannedPeriod {
        period: Anchor::Day.period(testing::NOW_US + DAY_US * number),
        task,
    };
    Plan {
        wish: Wish {
            symbol: symbol(),
            anchor: Anchor::Day,
            thresholds: vec![threshold()],
            from_us: 0,
            until_us: None,
            is_rebuild: false,
        },
        periods: (0..).zip(tasks).map(task).collect(),
    }
}

fn of_a_run() -> Vec<Value> {
    let file = || "BTCUSDT-aggTrades-2026-01-02.zip".to_owned();
    let reason = || "it ends too early".to_owned();
    let feed = [
        FeedEvent::ArchiveFetched {
            file: file(),
            was_cached: false,
            received_bytes: 7,
            failures: vec![reason()],
        },
        FeedEvent::ArchiveAbsent { file: file() },
        FeedEvent::ArchiveBroken { reason: reason() },
        FeedEvent::Waiting {
            reason: reason(),
            retry_in: Duration::from_secs(1),
        },
        FeedEvent::Absent {
            ids: ids(1, 2),
            proof: "history".to_owned(),
        },
    ];
    let events = [
        Event::Planned(Arc::new(planned())),
        Event::PeriodBegun {
            period: period(),
            first_id: 1,
            last_id: 2,
        },
        Event::PeriodWritten {
            period: period(),
            written: written(),
        },
        Event::StoreFailed {
            reason: reason(),
            retry_in: Duration::from_millis(7),
        },
        Event::Sealed { period: period() },
        Event::NotSealed {
            period: period(),
            reason: Unsealable::Open,
        },
    ];
    let events = events.into_iter().chain(feed.map(Event::Feed));
    let mut lines: Vec<Value> = events
        .map(|event| run::event_json(&symbol(), &event).expect("a line"))
        .collect();
    let at_work = Shown {
        stage: Stage::Reading,
        period: Some(period()),
        trades_done: 1,
        trades_total: 2,
        last_id: Some(7),
        written: written(),
        ..Shown::default()
    };
    for shown in [&Shown::default(), &at_work] {
        let elapsed = Duration::from_secs(1);
        lines.push(run::progress_json(&symbol(), shown, elapsed));
        let shown = Box::new(shown.clone());
        let told = Event::Progress { shown, elapsed };
        lines.extend(run::event_json(&symbol(), &told));
    }
    let resting = BTreeMap::from([(threshold(), 7_000_000)]);
    lines.push(run::skipped_json(&symbol(), &resting));
    let failed = RunError::Job(JobError::Unreadable(anyhow::anyhow!("read bars")));
    let never = RunError::Plan(PlanError::NeverTraded(symbol()));
    for result in [Some(Ok(())), Some(Err(failed)), Some(Err(never)), None] {
        lines.push(run::finished_json(&Finished {
            symbol: symbol(),
            shown: at_work.clone(),
            seals: Seals {
                sealed: 1,
                refused: vec![(testing::NOW_US, Unsealable::Open)],
            },
            result,
        }));
    }
    lines
}

fn of_a_worker() -> Vec<Value> {
    let request = || testing::claimed("BTCUSDT", 1);
    let ended = |status| WorkerEvent::Ended {
        request: request(),
        status,
        reason: "why".to_owned(),
    };
    let expired = |status| {
        let mut request = request();
        request.status = status;
        WorkerEvent::Expired { request }
    };
    let events = [
        WorkerEvent::Begun {
            job: Job {
                symbol: symbol(),
                thresholds: vec![threshold()],
                since_us: None,
            },
            request_ids: vec!["r1".to_owned()],
        },
        ended(Status::Completed),
        ended(Status::Failed),
        ended(Status::Skipped),
        ended(Status::Pending),
        WorkerEvent::Released { request: request() },
        WorkerEvent::Lost { request: request() },
        expired(Status::Pending),
        expired(Status::Failed),
        WorkerEvent::Unreadable {
            row: UnreadableRow {
                table: Table::BackfillRequests,
                key: "'r7'".to_owned(),
                place: None,
                column: "status",
                reason: "'x' is not a status".to_owned(),
            },
        },
        WorkerEvent::StoreFailed {
            what: "renew a lease",
            reason: "it is down".to_owned(),
        },
    ];
    events.iter().map(worker::event_json).collect()
}

#[test]
fn every_line_follows_the_schema_which_names_no_others() {
    let schema = schema(LINES);
    let lines = [of_a_run(), of_a_worker()].concat();
    for line in &lines {
        assert_eq!(violations(&schema, line), [""; 0], "{line:#}");
    }
    let events = schema["oneOf"].as_array().expect("events");
    for event in events {
        let name = &event["properties"]["event"]["const"];
        assert!(lines.iter().any(|line| line["event"] == *name), "{name}");
    }
    let unknown = json!({"event": "planned", "symbol": "BTCUSDT", "period": 7});
    assert!(!violations(&schema, &unknown).is_empty());
}

#[test]
fn a_plan_follows_its_schema() {
    let cost = |_: &Reading| plan::Cost {
        source: "rest",
        weight: 4,
        time_us: 7_000,
    };
    let document = json!({ "plans": [plan::plan_json(&planned(), cost)] });
    assert_eq!(
        violations(&schema(PLANS), &document),
        [""; 0],
        "{document:#}"
    );
    let periods = document["plans"][0]["periods"].as_array().expect("periods");
    let states: Vec<&Value> = periods.iter().map(|period| &period["state"]).collect();
    assert_eq!(states, ["sealed", "empty", "right", "read"]);
}
