//! How long symbols were up, for people and for programs.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    collect::heartbeat::age,
    style,
    table::{Column, Table, grouped},
    words::{counted, wrapped},
};
use crate::{
    app::uptime::{Measured, TapeReport},
    domain::{
        completeness::Completeness,
        uptime::{Figures, Uptime},
        words::noun,
    },
};

/// The version of the JSON document. Keys are only added within a version.
pub const VERSION: u32 = 1;

/// The report as lines of at most `width` characters, as far as names allow.
#[must_use]
pub fn lines(measured: &Measured, width: usize, has_color: bool) -> Vec<String> {
    let window = measured.window;
    let mut lines = vec![format!(
        "{} to {}",
        seconds_of(window.since_us),
        seconds_of(window.until_us)
    )];
    for of_one in measured.uptimes.chunk_by(|a, b| a.collector == b.collector) {
        lines.push(String::new());
        lines.push(style::bold(&of_one[0].collector, has_color));
        lines.extend(uptime_table(of_one).lines(width));
    }
    if !measured.tapes.is_empty() {
        lines.push(String::new());
        lines.extend(tape_table(&measured.tapes).lines(width));
    }
    lines.push(String::new());
    for sentence in totals(measured) {
        lines.extend(wrapped(&sentence, 0, width));
    }
    lines
}

fn uptime_table(uptimes: &[Uptime]) -> Table {
    let mut table = Table::new(vec![
        Column::words("symbol"),
        Column::number("uptime"),
        Column::number("outages"),
        Column::number("by itself").ranked(3),
        Column::number("by start").ranked(2),
        Column::number("planned").ranked(4),
        Column::number("last").ranked(1),
        Column::number("median").ranked(5),
        Column::number("worst").ranked(6),
    ]);
    for uptime in uptimes {
        let figures = Figures::of(std::slice::from_ref(uptime));
        table.push(vec![
            uptime.symbol.clone(),
            share(figures.up_us, figures.up_us + figures.down_us),
            grouped(figures.interruptions()),
            grouped(figures.by_itself),
            grouped(figures.by_start),
            grouped(figures.planned),
            grouped(figures.lasting),
            age(figures.recover_median_us),
            age(figures.recover_worst_us),
        ]);
    }
    table
}

fn tape_table(tapes: &[TapeReport]) -> Table {
    let mut table = Table::new(vec![
        Column::words("symbol"),
        Column::words("exchange").ranked(1),
        Column::number("trades"),
        Column::number("open"),
        Column::number("absent"),
        Column::number("complete"),
    ]);
    for TapeReport { ids, completeness } in tapes {
        table.push(vec![
            ids.symbol.clone(),
            ids.exchange.clone(),
            grouped(completeness.ids),
            grouped(completeness.open),
            grouped(completeness.absent),
            complete(completeness),
        ]);
    }
    table
}

fn complete(completeness: &Completeness) -> String {
    let there = completeness.ids.saturating_sub(completeness.missing());
    share(there, completeness.ids)
}

fn totals(measured: &Measured) -> Vec<String> {
    let figures = Figures::of(&measured.uptimes);
    let count = figures.interruptions();
    let mut sentences = vec![format!(
        "uptime {} of {}; {}{}",
        share(figures.up_us, figures.up_us + figures.down_us),
        counted(measured.uptimes.len() as i128, "symbol"),
        counted(count, "outage"),
        if count == 0 {
            String::new()
        } else {
            format!(
                ": {} ended by {}, {} by a start, {} planned, {} last",
                grouped(figures.by_itself),
                if figures.by_itself == 1 {
                    "itself"
                } else {
                    "themselves"
                },
                grouped(figures.by_start),
                grouped(figures.planned),
                grouped(figures.lasting),
            )
        }
    )];
    if let Some(worst_us) = figures.recover_worst_us {
        sentences.push(format!(
            "recovered in {} in the median, in {} at worst; the longest outage of any kind: {}",
            age(figures.recover_median_us),
            age(Some(worst_us)),
            age(figures.longest_us)
        ));
    }
    if !measured.tapes.is_empty() {
        let all = measured.completeness();
        sentences.push(format!(
            "complete {}: {} of {} {} missing, {} open and {} absent at the exchange",
            complete(&all),
            grouped(all.missing()),
            grouped(all.ids),
            noun(all.ids, "trade"),
            grouped(all.open),
            grouped(all.absent)
        ));
    }
    sentences
}

/// A share in percent. It is rounded down: only what is whole is 100 %.
fn share(part: impl Into<i128>, whole: impl Into<i128>) -> String {
    let (part, whole) = (part.into(), whole.into());
    if whole <= 0 {
        return "-".to_owned();
    }
    let thousandths = part * 100_000 / whole;
    if thousandths == 100_000 {
        return "100 %".to_owned();
    }
    format!("{}.{:03} %", thousandths / 1000, thousandths % 1000)
}

fn seconds_of(us: i64) -> String {
    Timestamp::from_second(us.div_euclid(1_000_000))
        .map_or_else(|_| format!("{us} µs"), |time| time.to_string())
}

fn time(us: i64) -> Value {
    Timestamp::from_microsecond(us).map_or(Value::Null, |time| time.to_string().into())
}

fn seconds(us: impl Into<Option<i64>>) -> Option<f64> {
    us.into().map(|us| us as f64 / 1e6)
}

/// The report as a document.
#[must_use]
pub fn document(measured: &Measured) -> Value {
    let all = measured.completeness();
    json!({
        "version": VERSION,
        "since": time(measured.window.since_us),
        "until": time(measured.window.until_us),
        "total": figures_json(&Figures::of(&measured.uptimes)),
        "symbols": measured.uptimes.iter().map(|uptime| {
            let mut of_one = figures_json(&Figures::of(std::slice::from_ref(uptime)));
            of_one["collector"] = uptime.collector.as_str().into();
            of_one["symbol"] = uptime.symbol.as_str().into();
            of_one["observed_since"] = time(uptime.observed.since_us);
            of_one
        }).collect::<Vec<_>>(),
        "completeness_total": completeness_json(&all),
        "completeness": measured.tapes.iter().map(|tape| {
            let mut of_one = completeness_json(&tape.completeness);
            of_one["exchange"] = tape.ids.exchange.as_str().into();
            of_one["symbol"] = tape.ids.symbol.as_str().into();
            of_one["first_agg_trade_id"] = tape.ids.first_id.into();
            of_one["last_agg_trade_id"] = tape.ids.last_id.into();
            of_one
        }).collect::<Vec<_>>(),
    })
}

fn figures_json(figures: &Figures) -> Value {
    json!({
        "uptime": figures.ratio(),
        "up_s": seconds(figures.up_us),
        "down_s": seconds(figures.down_us),
        "outages": figures.interruptions(),
        "ended_by_itself": figures.by_itself,
        "ended_by_start": figures.by_start,
        "planned": figures.planned,
        "lasting": figures.lasting,
        "recover_median_s": seconds(figures.recover_median_us),
        "recover_worst_s": seconds(figures.recover_worst_us),
        "longest_s": seconds(figures.longest_us),
    })
}

fn completeness_json(completeness: &Completeness) -> Value {
    json!({
        "completeness": completeness.ratio(),
        "ids": completeness.ids,
        "missing": completeness.missing(),
        "open": completeness.open,
        "absent": completeness.absent,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::uptime::{Ending, Interruption, Window},
        store::sink::SymbolIds,
    };

    const DAY_US: i64 = 86_400_000_000;
    /// 2026-01-01.
    const START_US: i64 = 1_767_225_600_000_000;

    fn measured() -> Measured {
        let window = Window {
            since_us: START_US,
            until_us: START_US + 30 * DAY_US,
        };
        let interruption = |at_us, length_us, ending| Interruption {
            from_us: START_US + at_us,
            until_us: START_US + at_us + length_us,
            ending,
        };
        let uptime = |symbol: &str, interruptions| Uptime {
            collector: "nas".to_owned(),
            symbol: symbol.to_owned(),
            observed: window,
            interruptions,
        };
        Measured {
            window,
            uptimes: vec![
                uptime(
                    "1000000MOGUSDT",
                    vec![
                        interruption(DAY_US, 2_100_000, Ending::ByItself),
                        interruption(2 * DAY_US, 31_000_000, Ending::ByStart),
                        interruption(3 * DAY_US, 600_000_000, Ending::Planned),
                    ],
                ),
                uptime("BTCUSDT", Vec::new()),
            ],
            tapes: vec![TapeReport {
                ids: SymbolIds {
                    exchange: "binance".to_owned(),
                    symbol: "BTCUSDT".to_owned(),
                    first_id: 1,
                    last_id: 1_000_000,
                },
                completeness: Completeness {
                    ids: 1_000_000,
                    open: 0,
                    absent: 1,
                },
            }],
        }
    }

    #[test]
    fn a_month_is_told_in_two_tables_and_three_sentences() {
        assert_eq!(
            lines(&measured(), 80, false),
            [
                "2026-01-01T00:00:00Z to 2026-01-31T00:00:00Z",
                "",
                "nas",
                "symbol            uptime  outages  by itself  by start  planned  last  median",
                "1000000MOGUSDT  99.975 %        3          1         1        1     0   16.5s",
                "BTCUSDT            100 %        0          0         0        0     0       -",
                "",
                "symbol   exchange     trades  open  absent  complete",
                "BTCUSDT  binance   1 000 000     0       1  99.999 %",
                "",
                "uptime 99.987 % of 2 symbols; 3 outages: 1 ended by itself, 1 by a start, 1",
                "  planned, 0 last",
                "recovered in 16.5s in the median, in 31.0s at worst; the longest outage of any",
                "  kind: 10m00s",
                "complete 99.999 %: 1 of 1 000 000 trades missing, 0 open and 1 absent at the",
                "  exchange",
            ]
        );
    }

    #[test]
    fn it_can_be_read_on_a_narrow_terminal() {
        for line in lines(&measured(), 50, false) {
            assert!(line.chars().count() <= 50, "{line}");
        }
    }

    #[test]
    fn the_document_has_its_version_and_plain_numbers() {
        let document = document(&measured());
        assert_eq!(document["version"], 1);
        assert_eq!(document["since"], "2026-01-01T00:00:00Z");
        assert_eq!(document["symbols"][0]["recover_worst_s"], 31.0);
        assert_eq!(document["symbols"][1]["uptime"], 1.0);
        assert_eq!(document["symbols"][1]["longest_s"], Value::Null);
        assert_eq!(document["total"]["planned"], 1);
        assert_eq!(document["completeness"][0]["absent"], 1);
        assert_eq!(document["completeness_total"]["ids"], 1_000_000);
    }
}
