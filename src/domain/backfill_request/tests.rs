use proptest::prelude::*;

use super::*;

const LEASE_US: i64 = 120_000_000;

fn pending() -> RequestRow {
    RequestRow::new("r1".to_owned(), "BTCUSDT".to_owned(), 0, 1_000)
}

/// A store as the workers see it: of one token the first row, of one request the row with
/// the highest version.
#[derive(Default)]
struct Table {
    tokens: Vec<String>,
    row: Option<RequestRow>,
}

impl Table {
    fn of(row: RequestRow) -> Self {
        Self {
            tokens: Vec::new(),
            row: Some(row),
        }
    }

    fn put(&mut self, change: Change) {
        if self.tokens.contains(&change.token) {
            return;
        }
        self.tokens.push(change.token);
        let is_newer = self
            .row
            .as_ref()
            .is_none_or(|row| change.row.version >= row.version);
        if is_newer {
            self.row = Some(change.row);
        }
    }

    fn row(&self) -> RequestRow {
        self.row.clone().expect("a row")
    }
}

#[test]
fn of_two_claims_the_first_one_wins_and_both_read_that() {
    let mut table = Table::of(pending());
    let a = table.row().claimed("a", 2_000, LEASE_US);
    let b = table.row().claimed("b", 2_001, LEASE_US);
    assert_eq!(a.token, "claim:r1:1");
    assert_eq!(a.token, b.token);
    table.put(a.clone());
    table.put(b.clone());
    assert!(a.row.is_still_mine(&table.row()));
    assert!(!b.row.is_still_mine(&table.row()));
    assert_eq!(table.row().turn(3_000), Turn::Leave);
}

#[test]
fn a_lease_that_is_renewed_never_expires_and_one_that_is_not_goes_back() {
    let claim = pending().claimed("a", 0, LEASE_US).row;
    assert_eq!(claim.turn(LEASE_US - 1), Turn::Leave);
    let renewed = claim.renewed(Progress::default(), LEASE_US - 1, LEASE_US);
    assert_eq!(renewed.row.turn(LEASE_US), Turn::Leave);
    assert_eq!(renewed.row.turn(2 * LEASE_US - 1), Turn::Expire);
    let expired = renewed.row.expired(2 * LEASE_US).row;
    assert_eq!((expired.status, expired.attempt), (Status::Pending, 1));
    assert_eq!(expired.error, "the lease of a expired in attempt 1 of 3");
    let second = expired.claimed("b", 2 * LEASE_US, LEASE_US).row;
    assert_eq!((second.attempt, second.error.as_str()), (2, ""));
}

#[test]
fn the_third_lease_that_expires_is_the_end() {
    let mut row = pending();
    for attempt in 1..=ATTEMPTS_MAX {
        assert_eq!(row.turn(0), Turn::Claim);
        row = row.claimed("a", 0, LEASE_US).row.expired(LEASE_US).row;
        assert_eq!(row.attempt, attempt);
    }
    assert_eq!(
        (row.status, row.turn(i64::MAX)),
        (Status::Failed, Turn::Leave)
    );
    assert_eq!(row.error, "the lease of a expired in attempt 3 of 3");
    assert_eq!(row.completed_at_us, Some(LEASE_US));
}

#[test]
fn whoever_has_lost_a_request_replaces_nothing_whenever_it_writes() {
    let mut table = Table::of(pending());
    let late = table.row().claimed("late", 0, LEASE_US).row;
    let expired = late.expired(LEASE_US);
    table.put(expired);
    let other = table.row().claimed("other", LEASE_US, LEASE_US);
    table.put(other.clone());
    let mut row = late;
    for _ in 0..1_000 {
        let renewed = row.renewed(Progress::default(), i64::MAX / 2, LEASE_US);
        row = renewed.row.clone();
        table.put(renewed);
    }
    table.put(row.ended(Status::Completed, Progress::default(), "", i64::MAX / 2));
    assert!(other.row.is_still_mine(&table.row()));
    assert!(!row.is_still_mine(&table.row()));
}

#[test]
fn a_row_from_somewhere_else_can_be_claimed_whatever_its_version() {
    for version in [0, 1, 1_800_000_000_000_000, u64::from(u32::MAX) << 24] {
        let row = RequestRow {
            version,
            ..pending()
        };
        let claim = row.claimed("a", 0, LEASE_US).row;
        assert!(claim.version > version, "{version}");
        assert!(claim.expired(0).row.version > claim.version, "{version}");
    }
    let nobodys = RequestRow {
        status: Status::Running,
        ..pending()
    };
    assert_eq!(nobodys.turn(0), Turn::Expire);
    assert_eq!(
        nobodys.expired(0).row.error,
        "the lease of nobody expired in attempt 0 of 3"
    );
}

#[test]
fn what_is_given_back_is_pending_at_once_and_is_no_attempt_that_has_expired() {
    let mut row = pending();
    for number in 1..=ATTEMPTS_MAX + 2 {
        let claim = row.claimed("a", 0, LEASE_US);
        assert_eq!(claim.token, format!("claim:r1:{number}"));
        let mine = claim.row;
        row = mine.released().row;
        assert_eq!((row.turn(0), row.attempt), (Turn::Claim, 0));
        assert!(!mine.is_still_mine(&row) && row.version > mine.version);
        // Not even if the same worker has it again.
        assert!(!mine.is_still_mine(&row.claimed("a", 0, LEASE_US).row));
    }
    assert_eq!(row.error, "a gave it back in attempt 1");
    for attempt in 1..=ATTEMPTS_MAX {
        assert_eq!(row.turn(0), Turn::Claim);
        row = row.claimed("a", 0, LEASE_US).row.expired(LEASE_US).row;
        let error = format!("the lease of a expired in attempt {attempt} of 3");
        assert_eq!(row.error, error);
    }
    assert_eq!(row.status, Status::Failed);
}

#[test]
fn what_is_run_by_hand_fulfils_a_wish_that_it_reaches_as_far_as() {
    let by_hand = |since_us| {
        let row = RequestRow {
            since_us,
            ..pending()
        };
        row.claimed(&RequestRow::by_hand("a:1"), 0, LEASE_US).row
    };
    let wish = |threshold_dbps, since_us| RequestRow {
        since_us,
        ..RequestRow::new("r2".to_owned(), "btcusdt".to_owned(), threshold_dbps, 0)
    };
    let row = by_hand(Some(5));
    assert!(row.fulfils_by_hand(&wish(0, Some(5))));
    assert!(!row.fulfils_by_hand(&wish(250, Some(5))));
    assert!(!row.fulfils_by_hand(&wish(0, Some(4))));
    assert!(!row.fulfils_by_hand(&wish(0, None)));
    // What ends earlier than now fulfils no wish, and is nobody's when whoever ran it is dead.
    let bounded = by_hand(None);
    assert!(!bounded.fulfils_by_hand(&wish(0, None)));
    assert_eq!(bounded.expired(LEASE_US).row.status, Status::Failed);
    let left = row.expired(LEASE_US).row;
    assert_eq!(left.status, Status::Pending);
    assert!(!left.is_run_by_hand());
    assert!(
        !wish(0, Some(1))
            .claimed("a:1", 0, LEASE_US)
            .row
            .is_run_by_hand()
    );
}

#[test]
fn what_is_written_in_doubt_outdoes_what_may_have_been_written() {
    let mine = pending().claimed("a", 0, LEASE_US).row;
    let lost_answer = mine.renewed(Progress::default(), 1, LEASE_US);
    let ended = mine
        .in_doubt()
        .ended(Status::Completed, Progress::default(), "", 2);
    assert!(ended.row.version > lost_answer.row.version);
    let mut table = Table::of(mine);
    table.put(ended);
    // It comes late.
    table.put(lost_answer);
    assert_eq!(table.row().status, Status::Completed);
}

#[test]
fn requests_go_together_when_one_reading_serves_both_as_they_were_meant() {
    let request = |symbol: &str, threshold_dbps, since_us| RequestRow {
        since_us,
        ..RequestRow::new("r".to_owned(), symbol.to_owned(), threshold_dbps, 0)
    };
    let named = request("BTCUSDT", 250, Some(5));
    assert!(named.goes_with(&request("btcusdt", 500, Some(9))));
    assert!(request("BTCUSDT", 0, None).goes_with(&request("BTCUSDT", 0, None)));
    for other in [
        request("ETHUSDT", 250, Some(5)),
        request("BTCUSDT", 0, Some(5)),
        request("BTCUSDT", 250, None),
        request("BTCUSDT", 100_001, Some(5)),
    ] {
        assert!(
            !named.goes_with(&other) && !other.goes_with(&named),
            "{other:?}"
        );
    }
}

/// What happens next in a random history of three workers.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A worker looks at the table.
    Look(usize),
    /// A worker does what it last saw to be possible, however long ago.
    Act(usize),
    /// A worker gives it back, if it believes that it has the request.
    Release(usize),
    /// A worker says that it is done, if it believes that it has the request.
    Complete(usize),
    /// Time passes.
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_usize..3).prop_map(Step::Look),
        (0_usize..3).prop_map(Step::Act),
        (0_usize..3).prop_map(Step::Release),
        (0_usize..3).prop_map(Step::Complete),
        (1_i64..LEASE_US).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn nobody_takes_back_what_a_later_attempt_has_written(
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let names = ["a", "b", "c"];
        let mut table = Table::of(pending());
        let mut seen: [Option<RequestRow>; 3] = Default::default();
        let mut mine: [Option<RequestRow>; 3] = Default::default();
        let mut now_us = 0;
        let mut highest = 0;
        for step in steps {
            match step {
                Step::Wait(us) => now_us += us,
                Step::Look(worker) => {
                    let row = table.row();
                    if mine[worker].as_ref().is_some_and(|own| !own.is_still_mine(&row)) {
                        mine[worker] = None;
                    }
                    seen[worker] = Some(row);
                }
                Step::Act(worker) => {
                    if let Some(own) = &mine[worker] {
                        let renewed = own.renewed(Progress::default(), now_us, LEASE_US);
                        mine[worker] = Some(renewed.row.clone());
                        table.put(renewed);
                    } else if let Some(row) = seen[worker].take() {
                        match row.turn(now_us) {
                            Turn::Leave => {}
                            Turn::Expire => table.put(row.expired(now_us)),
                            Turn::Claim => {
                                let claim = row.claimed(names[worker], now_us, LEASE_US);
                                let own = claim.row.clone();
                                table.put(claim);
                                if own.is_still_mine(&table.row()) {
                                    mine[worker] = Some(own);
                                }
                            }
                        }
                    }
                }
                Step::Release(worker) => {
                    if let Some(own) = mine[worker].take() {
                        table.put(own.released());
                    }
                }
                Step::Complete(worker) => {
                    if let Some(own) = mine[worker].take() {
                        let change =
                            own.ended(Status::Completed, Progress::default(), "", now_us);
                        table.put(change);
                    }
                }
            }
            let row = table.row();
            prop_assert!(row.version >= highest, "version {} after {highest}", row.version);
            highest = row.version;
            let at_work = mine.iter().flatten().filter(|own| own.is_still_mine(&row));
            prop_assert!(at_work.count() <= 1);
        }
    }
}
