//! What comes when an exchange answers like that, on paused time.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;

use super::*;
use crate::{
    app::{backfill::patient_source::PatientSource, clock::Clock},
    domain::{
        anchor::Anchor,
        price::{Price, Quantity},
    },
    exchange::{
        binance::archive::ArchiveSettings,
        source::{LiveStream, Malformed, Newest, Page, Source},
    },
};

const PATIENCE: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_secs(2);

/// What an answer is.
#[derive(Debug, Clone)]
enum Answer {
    /// Trades from the id asked for on, as far as the exchange has them.
    Trades,
    Empty,
    /// Rows of which none is a trade.
    Malformed,
    Refused(u16, Duration),
    Stalled,
}

/// An exchange that has the ids of `has`, ten a page, and gives `answers` first.
struct Fake {
    has: Vec<i64>,
    answers: Mutex<VecDeque<Answer>>,
    /// What is answered when no answer is left.
    then: Answer,
    asked: Mutex<Vec<i64>>,
}

fn trade(id: i64) -> Trade {
    Trade {
        id,
        price: Price(100),
        quantity: Quantity(1),
        first_trade_id: id,
        last_trade_id: id,
        time_us: id,
        buyer_is_maker: false,
    }
}

#[async_trait]
impl Source for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    async fn connect(&self, _: &[Symbol]) -> Result<Box<dyn LiveStream>, SourceError> {
        Err(stalled())
    }

    async fn page(&self, _: &Symbol, from_id: i64) -> Result<Page, SourceError> {
        let next = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.push(from_id);
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.pop_front().unwrap_or_else(|| self.then.clone())
        };
        match next {
            Answer::Trades => {
                let ids = self.has.iter().filter(|&&id| id >= from_id).take(10);
                let trades: Vec<_> = ids.map(|&id| trade(id)).collect();
                Ok(Page {
                    is_full: trades.len() == 10,
                    trades,
                    malformed: Vec::new(),
                })
            }
            Answer::Empty => Ok(Page::default()),
            Answer::Malformed => Ok(Page {
                malformed: vec![Malformed {
                    id: Some(from_id),
                    reason: "its price is below 0".to_owned(),
                    excerpt: "{}".to_owned(),
                }],
                ..Page::default()
            }),
            Answer::Refused(status, retry_after) => Err(SourceError::RateLimited {
                endpoint: "fake".to_owned(),
                status,
                retry_after,
            }),
            Answer::Stalled => {
                tokio::time::sleep(Duration::from_secs(10)).await;
                Err(stalled())
            }
        }
    }

    async fn latest(&self, _: &Symbol) -> Result<Option<Newest>, SourceError> {
        Ok(None)
    }

    async fn first_since(&self, _: &Symbol, _: i64) -> Result<Option<Trade>, SourceError> {
        Ok(None)
    }
}

fn stalled() -> SourceError {
    SourceError::TimedOut {
        endpoint: "fake".to_owned(),
        deadline: Duration::from_secs(10),
    }
}

fn fake(has: impl IntoIterator<Item = i64>, answers: &[Answer], then: Answer) -> Arc<Fake> {
    Arc::new(Fake {
        has: has.into_iter().collect(),
        answers: Mutex::new(answers.iter().cloned().collect()),
        then,
        asked: Mutex::default(),
    })
}

/// All that comes of these ids: the trades, what is absent, and how it ended.
struct Read {
    ids: Vec<i64>,
    absent: Vec<IdRange>,
    end: Result<(), FeedError>,
    took: Duration,
}

async fn read(source: &Arc<Fake>, files: Option<FileIndex>, ids: (i64, i64)) -> Read {
    let mut limits = FeedLimits::default();
    limits.pages.patience = PATIENCE;
    limits.pages.proof_interval = INTERVAL;
    let sources = Sources {
        exchange: Arc::clone(source) as Arc<dyn Source>,
        archive: None,
        files: files.map(Arc::new),
        kind: SourceKind::Auto,
        limits,
        clock: Clock::system(),
    };
    let stretch = Stretch {
        symbol: "BTCUSDT".parse().expect("a symbol"),
        period: Anchor::Day.period(0),
        from_us: 0,
        ids: IdRange {
            first_id: ids.0,
            last_id: ids.1,
        },
    };
    let mut feed = sources.open(stretch, Arc::new(|_| {}));
    let (mut block, begun) = (Vec::new(), Instant::now());
    let (mut ids, mut absent) = (Vec::new(), Vec::new());
    let end = loop {
        match feed.next(&mut block).await {
            Ok(Fed::Trades) => ids.extend(block.iter().map(|trade| trade.id)),
            Ok(Fed::Absent { ids, .. }) => absent.push(ids),
            Ok(Fed::End) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    Read {
        ids,
        absent,
        end,
        took: begun.elapsed(),
    }
}

fn file(directory: &tempfile::TempDir, name: &str, ids: impl Iterator<Item = i64>) -> PathBuf {
    let mut lines = String::new();
    for id in ids {
        let time_us = 1_600_000_000_000_000 + id;
        let line = format!("{id},0.00000100,0.00000001,{id},{id},{time_us},false\n");
        lines.push_str(&line);
    }
    let path = directory.path().join(name);
    std::fs::write(&path, lines).expect("written");
    path
}

#[tokio::test(start_paused = true)]
async fn pages_come_in_order_and_only_what_was_asked_for() {
    let source = fake(1..=100, &[], Answer::Trades);
    let read = read(&source, None, (7, 63)).await;
    assert!(read.end.is_ok());
    assert_eq!(read.ids, (7..=63).collect::<Vec<_>>());
    let asked = source.asked.lock().expect("asked");
    // A few are asked for ahead; none twice, and none behind what is wanted.
    assert_eq!(*asked, [7, 17, 27, 37, 47, 57]);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_that_wants_to_be_left_alone_is_left_alone() {
    for status in [429, 418] {
        let refused = Answer::Refused(status, Duration::from_secs(40));
        let source = fake(1..=20, &[refused], Answer::Trades);
        let read = read(&source, None, (1, 20)).await;
        assert!(read.end.is_ok());
        assert_eq!(read.ids.len(), 20);
        assert!(read.took >= Duration::from_secs(40), "{:?}", read.took);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_stalls_is_asked_again_and_given_up_when_patience_ends() {
    let source = fake(1..=20, &[Answer::Stalled, Answer::Stalled], Answer::Trades);
    let whole = read(&source, None, (1, 20)).await;
    assert!(whole.end.is_ok() && whole.ids.len() == 20);
    let source = fake(1..=20, &[], Answer::Stalled);
    let given_up = read(&source, None, (1, 20)).await;
    assert!(matches!(
        given_up.end,
        Err(FeedError::GaveUp { next_id: 1, .. })
    ));
    assert!(given_up.took >= PATIENCE, "{:?}", given_up.took);
    assert!(given_up.took <= 2 * PATIENCE, "{:?}", given_up.took);
}

#[tokio::test(start_paused = true)]
async fn two_answers_prove_absence_and_one_does_not() {
    let source = fake((1..=5).chain(9..=20), &[], Answer::Trades);
    let proven = read(&source, None, (1, 20)).await;
    assert!(proven.end.is_ok());
    assert_eq!(
        proven.absent,
        [IdRange {
            first_id: 6,
            last_id: 8
        }]
    );
    assert!(proven.took >= INTERVAL);
    assert_eq!(proven.ids.len(), 17);
}

#[tokio::test(start_paused = true)]
async fn empty_answers_prove_nothing_and_do_not_last_for_ever() {
    // The first answer about id 6 shows a hole, and nothing comes after it.
    let answers = [Answer::Trades, Answer::Trades];
    let source = fake((1..=5).chain(9..=20), &answers, Answer::Empty);
    let read = read(&source, None, (1, 20)).await;
    assert!(matches!(
        read.end,
        Err(FeedError::GaveUp { next_id: 6, .. })
    ));
    assert_eq!(read.absent, []);
    assert!(read.took <= 2 * PATIENCE, "{:?}", read.took);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_single_trade_is_asked_for_again_and_proves_nothing() {
    let answers = [Answer::Malformed, Answer::Malformed];
    let source = fake(1..=20, &answers, Answer::Trades);
    let whole = read(&source, None, (1, 20)).await;
    assert!(whole.end.is_ok() && whole.ids.len() == 20);
    assert_eq!(whole.absent, []);
    let source = fake(1..=20, &[], Answer::Malformed);
    let given_up = read(&source, None, (1, 20)).await;
    let error = given_up.end.expect_err("given up").to_string();
    assert!(error.contains("no row of the answer is a trade"), "{error}");
    assert!(given_up.took <= 2 * PATIENCE, "{:?}", given_up.took);
}

#[tokio::test(start_paused = true)]
async fn what_is_absent_ends_where_a_file_has_trades() {
    let directory = tempfile::tempdir().expect("a directory");
    let paths = [
        file(&directory, "two.csv", 30..=50),
        file(&directory, "one.csv", 1..=20),
    ];
    let files = FileIndex::open(&paths).expect("files");
    // The exchange knows less than the files.
    let source = fake((1..=20).chain(40..=50), &[], Answer::Trades);
    let read = read(&source, Some(files), (1, 45)).await;
    assert!(read.end.is_ok());
    assert_eq!(
        read.absent,
        [IdRange {
            first_id: 21,
            last_id: 29
        }]
    );
    let expected: Vec<i64> = (1..=20).chain(30..=45).collect();
    assert_eq!(read.ids, expected);
}

#[tokio::test(start_paused = true)]
async fn a_hole_between_files_is_fetched_and_what_they_have_is_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let paths = [
        file(&directory, "two.csv", 30..=50),
        file(&directory, "one.csv", 1..=20),
    ];
    let files = FileIndex::open(&paths).expect("files");
    let source = fake(1..=60, &[], Answer::Trades);
    let read = read(&source, Some(files), (5, 55)).await;
    assert!(read.end.is_ok());
    assert_eq!(read.ids, (5..=55).collect::<Vec<_>>());
    assert_eq!(*source.asked.lock().expect("asked"), [21, 51]);
}

#[tokio::test(start_paused = true)]
async fn files_that_hold_the_same_trades_are_named_with_the_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let paths = [
        file(&directory, "one.csv", 1..=20),
        file(&directory, "two.csv", 15..=50),
    ];
    let files = FileIndex::open(&paths).expect("files");
    let source = fake(1..=60, &[], Answer::Trades);
    let read = read(&source, Some(files), (1, 50)).await;
    let told = read.end.expect_err("an overlap").to_string();
    assert!(told.contains("one.csv, line 15: trade 15 is in"), "{told}");
    let same = [paths[0].clone(), paths[0].clone()];
    assert!(matches!(
        FileIndex::open(&same),
        Err(FilesError::Twice { id: 1, .. })
    ));
}

#[tokio::test]
async fn a_file_of_another_symbol_is_found_out() {
    let directory = tempfile::tempdir().expect("a directory");
    let symbol: Symbol = "BTCUSDT".parse().expect("a symbol");
    let path = file(&directory, "one.csv", 3..=20);
    let files = FileIndex::open(&[path]).expect("files");
    // Other trades, and ids that the exchange does not have at all.
    for has in [1..=60, 100..=200] {
        let source = fake(has, &[], Answer::Trades);
        let source = PatientSource::new(source, PageLimits::default(), Arc::new(|_| {}));
        let checked = files.check(&source, &symbol).await;
        assert!(matches!(
            checked,
            Err(FilesError::Contradiction { id: 3, .. })
        ));
    }
}

#[test]
fn files_are_those_of_days_that_are_over_where_much_is_wanted_of_them() {
    const DAY_US: i64 = 86_400_000_000;
    let directory = tempfile::tempdir().expect("a directory");
    // 2025-01-08 12:00.
    let today_us = 20_096 * DAY_US;
    let now_us = today_us + DAY_US / 2;
    let url = "http://127.0.0.1:9".parse().expect("an address");
    let settings = ArchiveSettings::new(url, directory.path().to_path_buf());
    let sources = |kind| Sources {
        exchange: fake(1..=1, &[], Answer::Trades),
        archive: Some(Arc::new(
            Archive::new(settings.clone()).expect("an archive"),
        )),
        files: None,
        kind,
        limits: FeedLimits::default(),
        clock: Clock::with_wall(move || now_us),
    };
    let way = |kind, from_us: i64, trades| {
        let stretch = Stretch {
            symbol: "BTCUSDT".parse().expect("a symbol"),
            period: Anchor::Month.period(now_us),
            from_us,
            ids: IdRange {
                first_id: 1,
                last_id: trades,
            },
        };
        match sources(kind).way(&stretch) {
            Way::Archive { days, until_us } => Some((days.len(), until_us)),
            Way::Files(_) | Way::Rest => None,
        }
    };
    let from_us = today_us - 3 * DAY_US + 7;
    assert_eq!(
        way(SourceKind::Auto, from_us, 20_001),
        Some((3, today_us)),
        "the day that is not over has no file"
    );
    assert_eq!(way(SourceKind::Auto, from_us, 20_000), None);
    assert_eq!(
        way(SourceKind::Archive, from_us, 1),
        Some((3, today_us)),
        "as it is wanted"
    );
    assert_eq!(way(SourceKind::Archive, today_us + 7, 30_000), None);
    assert_eq!(way(SourceKind::Rest, from_us, 30_000), None);
}
