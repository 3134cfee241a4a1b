use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const NOW: i64 = 1_767_322_800 * SECOND;
const AGAIN: Restart = Restart::LookAgain {
    after_us: 70 * SECOND,
};

/// A row whose trade and heartbeat are so old.
fn row(received: i64, heartbeat: i64) -> Row {
    Row {
        received_at_us: Some(NOW - received),
        heartbeat_at_us: Some(NOW - heartbeat),
        ..Row::default()
    }
}

fn facts(row: Row) -> Facts {
    Facts {
        answer: Answer::Row(row),
        is_expected: true,
        exchange: Exchange::NotAsked,
        journal: Journal::NotHere,
        clocks: clocks(0),
        seen_before_us: None,
    }
}

fn clocks(skew_us: i64) -> Clocks {
    Clocks {
        machine_us: NOW - skew_us,
        skew_us,
        dated: Dated::ByDatabase,
    }
}

fn answered(answer: Answer) -> Facts {
    Facts {
        answer,
        ..facts(Row::default())
    }
}

fn newer(missing: Option<i64>) -> Exchange {
    Exchange::Newer {
        id: 77,
        missing_since_us: missing.map(|age| NOW - age),
    }
}

const SAME: Exchange = Exchange::Same { id: 41 };

/// A trade 20 minutes ago, the heartbeat as it should be.
fn silent(state: State, exchange: Exchange) -> Facts {
    let row = Row {
        state,
        ..row(20 * MINUTE, 5 * SECOND)
    };
    Facts {
        exchange,
        ..facts(row)
    }
}

/// Nothing for 20 minutes.
fn stale(journal: Journal, seen_before: Option<i64>) -> Facts {
    Facts {
        journal,
        seen_before_us: seen_before.map(|age| NOW - age),
        ..facts(row(20 * MINUTE, 20 * MINUTE))
    }
}

/// A row of a table that knows no heartbeat.
fn bare(age: i64) -> Row {
    Row {
        heartbeat_at_us: None,
        ..row(age, 0)
    }
}

type Case = (&'static str, Facts, Level, Cause, Restart);

#[rustfmt::skip]
fn cases() -> Vec<Case> {
    use Cause::*;
    use Level::{Critical, Unknown, Warning};
    use Restart::{Helps, Useless};
    const F: Level = Level::Fresh;
    vec![
        // Heartbeat and trades come.
        ("fresh", facts(row(3 * SECOND, 2 * SECOND)), F, Fresh, Useless),
        ("just below the warning", facts(row(5 * MINUTE - 1, 0)), F, Fresh, Useless),
        ("a little in the future", facts(row(-4 * SECOND, -5 * SECOND)), F, Fresh, Useless),
        ("backlog after an outage", facts(Row { spool_rows: 80_000, ..row(SECOND, SECOND) }), Warning, Backlog, Useless),
        ("breaker open again", facts(Row { is_breaker_open: true, ..row(SECOND, SECOND) }), Warning, Backlog, Useless),
        ("a spool as always", facts(Row { spool_rows: 9_999, ..row(SECOND, SECOND) }), F, Fresh, Useless),
        ("paused a moment ago", facts(Row { state: State::Paused, ..row(SECOND, SECOND) }), Warning, Backlog, Useless),
        ("given up", facts(Row { state: State::Stopped, ..row(SECOND, SECOND) }), Critical, Stopped, Useless),
        // The heartbeat comes, trades do not.
        ("silent, exchange not asked", facts(row(5 * MINUTE, SECOND)), Warning, Silent, Useless),
        ("silent for long, not asked", silent(State::Live, Exchange::NotAsked), Critical, Silent, Useless),
        ("trouble, not asked", silent(State::Trouble, Exchange::NotAsked), Critical, Silent, Useless),
        ("network down", silent(State::Trouble, Exchange::Unreachable), Critical, Silent, Useless),
        ("quiet market", silent(State::Live, SAME), F, Quiet, Useless),
        ("quiet by the collector's word", silent(State::Quiet, Exchange::NotAsked), F, Quiet, Useless),
        ("quiet, exchange unreachable from here", silent(State::Quiet, Exchange::Unreachable), F, Quiet, Useless),
        ("called quiet, but trades are missing", silent(State::Quiet, newer(Some(12 * MINUTE))), Critical, DeadStream, Helps),
        ("dead stream", silent(State::Live, newer(Some(15 * MINUTE))), Critical, DeadStream, Helps),
        ("dead stream, age unknown", silent(State::Live, newer(None)), Critical, DeadStream, Helps),
        ("dead stream, not for long", silent(State::Live, newer(Some(6 * MINUTE))), Warning, DeadStream, Useless),
        ("traded again a moment ago", silent(State::Live, newer(Some(3 * SECOND))), F, Fresh, Useless),
        ("catching up", silent(State::CatchingUp, newer(Some(15 * MINUTE))), Critical, CatchingUp, Useless),
        ("catching up, not for long", facts(Row { state: State::CatchingUp, ..row(6 * MINUTE, 0) }), Warning, CatchingUp, Useless),
        ("no trade yet", facts(Row { received_at_us: None, ..row(0, SECOND) }), Warning, Silent, Useless),
        // Nothing comes because the collector cannot deliver: law 6.
        ("paused, trades are missing", silent(State::Paused, newer(Some(15 * MINUTE))), Critical, DeliveringLate, Useless),
        ("paused, exchange not asked", silent(State::Paused, Exchange::NotAsked), Critical, DeliveringLate, Useless),
        ("paused, market quiet", silent(State::Paused, SAME), Warning, Backlog, Useless),
        ("breaker open, trades are missing", waiting(|row| row.is_breaker_open = true), Critical, DeliveringLate, Useless),
        ("a backlog, trades are missing", waiting(|row| row.spool_rows = 10_000), Critical, DeliveringLate, Useless),
        ("a spool as always, trades are missing", waiting(|row| row.spool_rows = 9_999), Critical, DeadStream, Helps),
        // The heartbeat does not come.
        ("heartbeat late", facts(row(6 * MINUTE, 6 * MINUTE)), Warning, DeadCollector, Useless),
        ("dead collector, no journal here", stale(Journal::NotHere, None), Critical, DeadCollector, AGAIN),
        ("the same at the second look", stale(Journal::NotHere, Some(20 * MINUTE)), Critical, DeadCollector, Helps),
        ("it came at the second look", stale(Journal::NotHere, Some(21 * MINUTE)), Critical, DeliveringLate, Useless),
        ("dead collector, journal rests", stale(Journal::Rests, None), Critical, DeadCollector, Helps),
        ("journal rests, and its collector had paused", rests(|row| row.state = State::Paused), Critical, DeadCollector, AGAIN),
        ("journal rests, and the breaker was open", rests(|row| row.is_breaker_open = true), Critical, DeadCollector, AGAIN),
        ("journal rests, market quiet", Facts { exchange: SAME, ..stale(Journal::Rests, None) }, Critical, DeadCollector, AGAIN),
        ("the same at the second look, quiet", Facts { exchange: SAME, ..stale(Journal::Rests, Some(20 * MINUTE)) }, Critical, DeadCollector, Helps),
        ("journal rests, exchange ahead", Facts { exchange: newer(None), ..stale(Journal::Rests, None) }, Critical, DeadCollector, Helps),
        ("journal here, and cannot be read", stale(Journal::Unreadable, None), Critical, DeadCollector, Useless),
        ("the same at the second look, cannot be read", stale(Journal::Unreadable, Some(20 * MINUTE)), Critical, DeadCollector, Useless),
        ("it came at the second look, cannot be read", stale(Journal::Unreadable, Some(21 * MINUTE)), Critical, DeliveringLate, Useless),
        ("delivering late", stale(Journal::Advances, None), Critical, DeliveringLate, Useless),
        ("delivering late, a second look", stale(Journal::Advances, Some(20 * MINUTE)), Critical, DeliveringLate, Useless),
        ("delivering late, not for long", Facts { journal: Journal::Advances, ..facts(row(7 * MINUTE, 7 * MINUTE)) }, Critical, DeliveringLate, Useless),
        // No row, or no answer.
        ("missing symbol", answered(Answer::Absent), Critical, Missing, Useless),
        ("empty table", answered(Answer::Empty), Unknown, Empty, Useless),
        ("query failed", answered(Answer::Failed { why: "timed out".to_owned() }), Unknown, QueryFailed, Useless),
        ("a row without times", facts(Row::default()), Unknown, Empty, Useless),
        // Symbols that nobody wants.
        ("not wanted, absent", Facts { is_expected: false, ..answered(Answer::Absent) }, Warning, Missing, Useless),
        ("not wanted, dead", Facts { is_expected: false, ..stale(Journal::Rests, None) }, Warning, DeadCollector, Useless),
        ("not wanted, fresh", Facts { is_expected: false, ..facts(row(0, 0)) }, F, Fresh, Useless),
        // Clocks.
        ("this machine 10 min behind", Facts { clocks: clocks(10 * MINUTE), ..facts(row(SECOND, SECOND)) }, F, Fresh, Useless),
        ("this machine 10 min ahead", Facts { clocks: clocks(-10 * MINUTE), ..facts(row(SECOND, SECOND)) }, F, Fresh, Useless),
        ("dead, this machine behind", Facts { clocks: clocks(10 * MINUTE), ..stale(Journal::Rests, None) }, Critical, DeadCollector, Helps),
        ("dead, this machine ahead", Facts { clocks: clocks(-10 * MINUTE), ..stale(Journal::Rests, None) }, Critical, DeadCollector, Helps),
        ("traded again a moment ago, database 10 min ahead", skewed(10 * MINUTE, 3 * SECOND), F, Fresh, Useless),
        ("dead stream, database 10 min ahead", skewed(10 * MINUTE, 15 * MINUTE), Critical, DeadStream, Helps),
        ("dead stream, database 10 min behind", skewed(-10 * MINUTE, 15 * MINUTE), Critical, DeadStream, Helps),
        ("local collector, database 10 min ahead", local(10 * MINUTE, 2 * SECOND), F, Fresh, Useless),
        ("local collector, database 10 min behind", local(-10 * MINUTE, 2 * SECOND), F, Fresh, Useless),
        ("local collector dead, database 10 min behind", local(-10 * MINUTE, 20 * MINUTE), Critical, DeadCollector, AGAIN),
        ("collector's clock 10 min ahead", facts(row(-10 * MINUTE, -10 * MINUTE)), Unknown, Future, Useless),
        ("collector's clock ahead, dead for 6 min", facts(row(-4 * MINUTE, -4 * MINUTE)), Unknown, Future, Useless),
        ("only the receipt in the future", facts(row(-MINUTE, SECOND)), Unknown, Future, Useless),
        ("collector's clock 10 min behind", facts(row(10 * MINUTE, 10 * MINUTE)), Critical, DeadCollector, AGAIN),
        ("the same at the second look: it advances", Facts { seen_before_us: Some(NOW - 11 * MINUTE - 10 * SECOND), ..facts(row(10 * MINUTE, 10 * MINUTE)) }, Critical, DeliveringLate, Useless),
        // Tables that know no heartbeat.
        ("bare, fresh", facts(bare(MINUTE)), F, Fresh, Useless),
        ("bare, old", facts(bare(6 * MINUTE)), Warning, DeadCollector, Useless),
        ("bare, stale", facts(bare(20 * MINUTE)), Critical, DeadCollector, AGAIN),
        ("bare, stale at the second look", Facts { seen_before_us: Some(NOW - 20 * MINUTE), ..facts(bare(20 * MINUTE)) }, Critical, DeadCollector, Helps),
        ("bare, quiet market", Facts { exchange: SAME, ..facts(bare(20 * MINUTE)) }, F, Quiet, Useless),
        ("bare, traded again a moment ago", Facts { exchange: newer(Some(SECOND)), ..facts(bare(20 * MINUTE)) }, F, Fresh, Useless),
        ("bare, exchange ahead", Facts { exchange: newer(None), journal: Journal::Rests, ..facts(bare(20 * MINUTE)) }, Critical, DeadCollector, Helps),
        ("bare, in the future", facts(bare(-MINUTE)), Unknown, Future, Useless),
    ]
}

/// No trades for 20 minutes though the exchange has some, and something of the row changed.
fn waiting(change: fn(&mut Row)) -> Facts {
    let mut row = row(20 * MINUTE, 5 * SECOND);
    change(&mut row);
    Facts {
        exchange: newer(Some(15 * MINUTE)),
        ..facts(row)
    }
}

/// Nothing for 20 minutes, and something of the last row changed.
fn rests(change: fn(&mut Row)) -> Facts {
    let mut row = row(20 * MINUTE, 20 * MINUTE);
    change(&mut row);
    Facts {
        journal: Journal::Rests,
        ..facts(row)
    }
}

/// No trades for 20 minutes, with another clock at the database, and trades missing for so long by this
/// machine's.
fn skewed(skew_us: i64, missing: i64) -> Facts {
    Facts {
        exchange: Exchange::Newer {
            id: 77,
            missing_since_us: Some(NOW - skew_us - missing),
        },
        clocks: clocks(skew_us),
        ..facts(row(20 * MINUTE, 5 * SECOND))
    }
}

/// A collector on this machine, whose clock is right; the database's is wrong.
fn local(skew_us: i64, age: i64) -> Facts {
    Facts {
        clocks: Clocks {
            machine_us: NOW,
            skew_us,
            dated: Dated::ByThisMachine,
        },
        ..facts(row(age, age))
    }
}

#[test]
fn each_case_has_its_verdict() {
    for (name, facts, level, cause, restart) in cases() {
        let verdict = judge(&facts, &Limits::default());
        let found = (verdict.level, verdict.cause, verdict.restart);
        assert_eq!(found, (level, cause, restart), "{name}: {}", verdict.reason);
    }
}

#[test]
fn each_reason_is_a_sentence_with_the_figures_that_it_rests_on() {
    let reason = |facts: &Facts| judge(facts, &Limits::default()).reason;
    let cases = [
        (facts(row(3 * SECOND, 0)), "last trade 3s ago"),
        (
            silent(State::Live, SAME),
            "quiet market: no trade for 20m, the exchange has none after 41",
        ),
        (
            silent(State::Live, newer(None)),
            "dead stream: no trade for 20m, and the exchange has 77",
        ),
        (
            stale(Journal::NotHere, None),
            "dead collector, it seems: heartbeat 20m old",
        ),
        (
            stale(Journal::Advances, None),
            "delivering late: heartbeat 20m old, but its journal advances",
        ),
        (
            facts(Row {
                spool_rows: 1,
                is_breaker_open: true,
                ..row(SECOND, 0)
            }),
            "delivering late: last trade 1s ago; the breaker is open, 1 row in the spool",
        ),
        (
            silent(State::Paused, newer(None)),
            "delivering late: no trade for 20m; the collector has paused until its spool or \
             disk has room, 0 rows in the spool",
        ),
        (
            facts(row(-10 * MINUTE, 0)),
            "its newest row is dated 10m in the future: the clock of the collector or \
             of the database is wrong",
        ),
    ];
    for (facts, expected) in cases {
        assert_eq!(reason(&facts), expected);
    }
}

#[test]
fn a_skew_is_reported_when_it_is_more_than_a_little() {
    assert_eq!(clocks(5 * SECOND).remark(), None);
    assert_eq!(clocks(-5 * SECOND).remark(), None);
    assert_eq!(
        clocks(-10 * MINUTE).remark().as_deref(),
        Some("the clock of the database is 10m behind that of this machine")
    );
    assert!(clocks(i64::MIN / 2).remark().is_some());
}

#[test]
fn words_that_are_not_known_are_no_trouble() {
    assert_eq!(State::from_word("quiet"), State::Quiet);
    assert_eq!(State::from_word("overdue"), State::Trouble);
    assert_eq!(State::from_word("catching-up"), State::CatchingUp);
    assert_eq!(State::from_word("a word of tomorrow"), State::Live);
}

fn any_answer() -> impl Strategy<Value = Answer> {
    let times = || proptest::option::of(prop_oneof![any::<i64>(), NOW - 30 * MINUTE..NOW + MINUTE]);
    let state = proptest::sample::select(vec![
        State::Live,
        State::Quiet,
        State::Trouble,
        State::Paused,
        State::CatchingUp,
        State::Stopped,
    ]);
    let row = (times(), times(), state, any::<u64>(), any::<bool>()).prop_map(
        |(received_at_us, heartbeat_at_us, state, spool_rows, is_breaker_open)| {
            Answer::Row(Row {
                received_at_us,
                heartbeat_at_us,
                state,
                spool_rows,
                is_breaker_open,
            })
        },
    );
    prop_oneof![
        8 => row,
        1 => Just(Answer::Absent),
        1 => Just(Answer::Empty),
        1 => Just(Answer::Failed { why: "down".to_owned() }),
    ]
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let exchange = prop_oneof![
        Just(SAME),
        Just(Exchange::Unreachable),
        Just(Exchange::NotAsked),
        proptest::option::of(any::<i64>()).prop_map(newer_at),
    ];
    let journal = proptest::sample::select(vec![
        Journal::Advances,
        Journal::Rests,
        Journal::NotHere,
        Journal::Unreadable,
    ]);
    let skew = prop_oneof![Just(0), any::<i64>()];
    (
        any_answer(),
        any::<bool>(),
        exchange,
        journal,
        skew,
        proptest::option::of(any::<i64>()),
    )
        .prop_map(
            |(answer, is_expected, exchange, journal, skew_us, seen_before_us)| Facts {
                answer,
                is_expected,
                exchange,
                journal,
                clocks: Clocks {
                    machine_us: NOW,
                    skew_us,
                    dated: Dated::ByDatabase,
                },
                seen_before_us,
            },
        )
}

fn newer_at(missing_since_us: Option<i64>) -> Exchange {
    Exchange::Newer {
        id: 77,
        missing_since_us,
    }
}

proptest! {
    #[test]
    fn a_restart_is_only_for_what_is_critical_wanted_and_proven(facts in any_facts()) {
        let verdict = judge(&facts, &Limits::default());
        prop_assert!(!verdict.reason.is_empty());
        if verdict.restart != Restart::Useless {
            prop_assert!(verdict.level == Level::Critical && facts.is_expected);
            prop_assert!(matches!(facts.answer, Answer::Row(_)));
        }
        if verdict.cause == Cause::DeadCollector {
            prop_assert!(facts.journal != Journal::Advances);
        }
        if !matches!(facts.answer, Answer::Row(_)) {
            prop_assert!(verdict.level != Level::Fresh);
        }
    }
}
