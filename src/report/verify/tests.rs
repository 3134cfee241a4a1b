use super::*;
use crate::{
    app::verify::MissingBars,
    domain::{
        anchor::Anchor,
        row::{Series, Table, UnreadableRow},
        threshold::Threshold,
        tiling::{Disagreement, Finding, IdRange, LeftOut, Periods, Reason},
    },
    report::printer::tests::Shared,
};

fn dbps(value: u32) -> Threshold {
    Threshold::new(value).expect("a threshold")
}

fn verified() -> Verified {
    let symbol: crate::domain::symbol::Symbol = "BTCUSDT".parse().expect("a symbol");
    let series = |threshold, findings| SeriesReport {
        series: Series {
            exchange: "sim".into(),
            symbol: symbol.clone(),
            threshold: dbps(threshold),
            anchor: Anchor::Day,
        },
        bars: 1234,
        span: Some(Span {
            ids: IdRange {
                first_id: 1,
                last_id: 99_999,
            },
            open_time_us: 1_735_689_600_000_000,
            close_time_us: 1_735_776_000_000_000,
        }),
        findings,
    };
    let hole = |first_id, is_absent| Finding::Hole {
        ids: IdRange {
            first_id,
            last_id: first_id + 4,
        },
        is_absent,
    };
    Verified {
        series: vec![
            series(250, vec![hole(10, true)]),
            series(500, vec![hole(10, true), hole(50, false)]),
        ],
        periods: vec![PeriodsReport {
            exchange: "sim".into(),
            symbol: symbol.clone(),
            anchor: Anchor::Day,
            compared: 3,
            disagreements: Vec::new(),
            left_out: Vec::new(),
            all: Periods::default(),
        }],
        seals: Vec::new(),
        unreadable: Vec::new(),
        missing: vec![MissingBars {
            symbol: "XYZ".parse().expect("a symbol"),
            threshold: None,
        }],
    }
}

fn printed(verified: &Verified, strict: bool) -> String {
    let out = Shared::default();
    human(
        verified,
        &[],
        strict,
        &Printer::to(out.clone(), std::io::sink()),
    )
    .expect("printed");
    out.text()
}

#[test]
fn people_see_what_was_covered_and_every_finding() {
    assert_eq!(
        printed(&verified(), false),
        "\
BTCUSDT  day  sim
dbps   bars  first id  last id  from (UTC)        to (UTC)          result
 250  1 234         1    99999  2025-01-01 00:00  2025-01-02 00:00  ok, 1 gap
 500  1 234         1    99999  2025-01-01 00:00  2025-01-02 00:00  1 finding
  note at 250 dbps: ids 10 to 14 are proven absent at the exchange
  note at 500 dbps: ids 10 to 14 are proven absent at the exchange
  damage at 500 dbps: ids 50 to 54 are missing (5 trades)
  the sums of all thresholds agree in 3 closed periods
XYZ: there are no bars
checked 2 series with 2 468 bars: 2 findings of damage
"
    );
}

#[test]
fn strictly_a_proven_hole_is_damage_too() {
    let text = printed(&verified(), true);
    assert!(text.ends_with("4 findings of damage\n"), "{text}");
    assert!(
        text.contains("damage at 250 dbps: ids 10 to 14 are proven"),
        "{text}"
    );
}

#[test]
fn a_disagreement_takes_the_place_of_the_agreement() {
    let mut verified = verified();
    verified.periods[0].disagreements.push(Disagreement {
        start_us: 1_735_689_600_000_000,
        figure: "buy_volume",
        values: vec![(dbps(250), "1.5".into()), (dbps(500), "1.6".into())],
    });
    let text = printed(&verified, false);
    assert!(!text.contains("agree in"), "{text}");
    assert!(
        text.contains(
            "  damage: in the period from 2025-01-01T00:00:00Z the thresholds disagree on\n    \
             buy_volume: 250 has 1.5, 500 has 1.6\n"
        ),
        "{text}"
    );
    let json = json(&verified, &[], false);
    assert_eq!(
        json["periods"][0]["disagreements"][0]["values"]["500"],
        "1.6"
    );
}

#[test]
fn a_threshold_that_was_left_out_is_told_with_its_reason() {
    let mut verified = verified();
    verified.periods[0].left_out = vec![
        LeftOut {
            threshold: dbps(250),
            reason: Reason::BeginsLater {
                start_us: 1_735_689_600_000_000,
            },
            periods: 2,
        },
        LeftOut {
            threshold: dbps(500),
            reason: Reason::Damaged,
            periods: 1,
        },
    ];
    let text = printed(&verified, false);
    assert!(
        text.contains(
            "  the sums of the thresholds that could be compared agree in 3 closed periods
  note: 250 dbps is left out of 2 closed periods: its bars begin with the period
    from 2025-01-01T00:00:00Z
  note: 500 dbps is left out of 1 closed period: bars are missing or damaged
    there
"
        ),
        "{text}"
    );
    let json = json(&verified, &[], false);
    assert_eq!(json["periods"][0]["left_out"][0]["reason"], "begins_later");
}

#[test]
fn rows_that_cannot_be_read_are_damage_with_their_keys() {
    let mut verified = verified();
    verified.unreadable.push(UnreadableRow {
        table: Table::Gaps,
        key: "(sim, BTCUSDT, 1, 2)".to_owned(),
        place: None,
        column: "state",
        reason: "'lost' is not a state".to_owned(),
    });
    verified.series[0].span = None;
    verified.series[0].findings = vec![Finding::Unreadable {
        bar: None,
        key: "(sim, BTCUSDT, 250, day, NULL)".to_owned(),
        column: "first_agg_trade_id",
        reason: "NULL is not a whole number".to_owned(),
    }];
    let text = printed(&verified, false);
    assert!(
        text.contains(
            "  damage at 250 dbps: the bar (sim, BTCUSDT, 250, day, NULL) cannot be read: its
    column first_agg_trade_id: NULL is not a whole number
"
        ),
        "{text}"
    );
    assert!(
        text.contains(
            "damage in gaps: the row (sim, BTCUSDT, 1, 2) cannot be read: its column state:
  'lost' is not a state
"
        ),
        "{text}"
    );
    assert!(text.ends_with("4 findings of damage\n"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    let json = json(&verified, &[], false);
    assert_eq!(json["unreadable"][0]["column"], "state");
    assert_eq!(json["series"][0]["findings"][0]["first_id"], Value::Null);
    assert_eq!(json["series"][0]["open_time"], Value::Null);
}

#[test]
fn programs_get_the_same_as_json() {
    let json = json(&verified(), &[], false);
    assert_eq!(json["is_clean"], false);
    assert_eq!(json["damage"], 2);
    assert_eq!(json["series"][0]["anchor"], "day");
    let finding = &json["series"][1]["findings"][1];
    assert_eq!(finding["code"], "hole");
    assert_eq!(
        (&finding["first_id"], &finding["last_id"]),
        (&50.into(), &54.into())
    );
    assert_eq!(json["missing"][0]["threshold_decimal_bps"], Value::Null);
}
