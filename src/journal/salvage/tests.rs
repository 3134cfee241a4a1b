use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::{
    domain::{
        anchor::Anchor,
        crash::CrashPoints,
        price::{Price, Quantity},
        row::{GapRow, GapState, Rows, TradeRow},
        trade::Trade,
    },
    journal::{
        CheckpointRow, Commit, Journal, JournalError, Options, SetAside, open::FILE_NAME,
        spool::chunk_id,
    },
};

/// Trades in a commit.
const TRADES: i64 = 40;
const COMMITS: i64 = 12;
const PAGE: usize = 4096;

fn options() -> Options {
    Options {
        store: Some("sqlite:here".to_owned()),
        accept_store: false,
        batch_rows: 10,
        batch_age_us: i64::MAX / 4,
        most_rows: 100,
        max_pages: None,
        crash: CrashPoints::default(),
    }
}

fn trade(id: i64) -> TradeRow {
    TradeRow {
        exchange: "sim".into(),
        symbol: "BTCUSDT".parse().expect("a symbol"),
        trade: Trade {
            id,
            price: Price(5),
            quantity: Quantity(6),
            first_trade_id: id,
            last_trade_id: id,
            time_us: 1_756_684_800_000_000 + id,
            buyer_is_maker: false,
        },
        version: 0,
    }
}

/// A gap that takes pages of its own.
fn gap(id: i64) -> GapRow {
    GapRow {
        exchange: "sim".into(),
        symbol: "BTCUSDT".parse().expect("a symbol"),
        first_id: id,
        last_id: id,
        found_at_us: 1,
        cause: "x".repeat(5000),
        state: GapState::Open,
        proof: String::new(),
        version: 0,
    }
}

/// A journal of which some was delivered already: full batches and open ones, in order.
fn make(directory: &Path) {
    let mut journal = Journal::open(directory, options()).expect("opened");
    for number in 0..COMMITS {
        let trades = number * TRADES..(number + 1) * TRADES;
        let last_agg_trade_id = trades.end - 1;
        let commit = Commit {
            rows: vec![
                Rows::Trades(trades.map(trade).collect()),
                Rows::Gaps(vec![gap(number)]),
            ],
            checkpoints: vec![CheckpointRow {
                exchange: "sim".into(),
                symbol: "BTCUSDT".parse().expect("a symbol"),
                anchor: Anchor::Day,
                last_agg_trade_id,
                state: format!(
                    "{{\"after\":{last_agg_trade_id},\"x\":\"{}\"}}",
                    "x".repeat(600)
                ),
            }],
            now_us: 1000 + number,
            ..Commit::default()
        };
        journal.commit(commit).expect("committed");
    }
    let first = journal.next_batch(None).expect("read").expect("a batch");
    journal.delivered(first.id).expect("deleted");
}

/// What a journal holds, when it is delivered to its end.
#[derive(Debug, Default)]
struct Contents {
    trades: Vec<i64>,
    gaps: Vec<i64>,
    checkpoint: Option<String>,
}

impl Contents {
    fn of(journal: &mut Journal) -> Self {
        let symbol = "BTCUSDT".parse().expect("a symbol");
        let mut contents = Self {
            checkpoint: journal
                .checkpoint("sim", &symbol, Anchor::Day)
                .expect("read"),
            ..Self::default()
        };
        journal.seal(None).expect("sealed");
        let rows = journal.stats().rows;
        let mut damaged = 0;
        loop {
            let batch = match journal.next_batch(None) {
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                Err(JournalError::Damaged { .. }) => {
                    damaged = journal.stats().dead_rows;
                    continue;
                }
                Err(error) => panic!("{error}"),
            };
            match batch.rows {
                Rows::Trades(rows) => contents.trades.extend(rows.iter().map(|row| row.trade.id)),
                Rows::Gaps(rows) => contents.gaps.extend(rows.iter().map(|row| row.first_id)),
                other => panic!("{other:?}"),
            }
            journal.delivered(batch.id).expect("deleted");
        }
        let found = contents.trades.len() + contents.gaps.len();
        assert_eq!(
            rows,
            found as u64 + damaged,
            "what is counted is what is there"
        );
        contents
    }
}

/// A directory whose journal was made, and then damaged.
struct Damaged {
    directory: tempfile::TempDir,
    whole: &'static Contents,
}

/// The file as it was made, and what it holds.
fn made() -> &'static (Vec<u8>, Contents) {
    static MADE: OnceLock<(Vec<u8>, Contents)> = OnceLock::new();
    MADE.get_or_init(|| {
        let directory = tempfile::tempdir().expect("a directory");
        make(directory.path());
        let bytes = fs::read(directory.path().join(FILE_NAME)).expect("read");
        let mut journal = Journal::open(directory.path(), options()).expect("opened");
        (bytes, Contents::of(&mut journal))
    })
}

impl Damaged {
    fn new(damage: impl FnOnce(&mut Vec<u8>)) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let (bytes, whole) = made();
        let mut bytes = bytes.clone();
        damage(&mut bytes);
        fs::write(directory.path().join(FILE_NAME), bytes).expect("written");
        Self { directory, whole }
    }

    fn open(&self) -> Journal {
        Journal::open(self.directory.path(), options()).expect("a journal")
    }

    /// Opens it, and judges what is there then. Returns what became of the damaged file.
    fn judge(&self, what: &str) -> (Contents, Option<SetAside>) {
        eprintln!("{what}");
        let mut journal = self.open();
        let aside = journal.set_aside().cloned();
        if aside.is_some() {
            assert_eq!(journal.verify().expect("checked"), [], "{what}");
        }
        let contents = Contents::of(&mut journal);
        let whole = self.whole;
        if aside.is_none() {
            // What the file itself does not show is found, and named, batch by batch.
            assert!(contents.trades.iter().all(|id| whole.trades.contains(id)));
            return (contents, aside);
        }
        assert!(
            whole.trades.starts_with(&contents.trades),
            "{what}: trades are carried over up to the first loss: {:?}",
            contents.trades
        );
        if contents.checkpoint.is_some() {
            assert_eq!(contents.checkpoint, whole.checkpoint, "{what}");
            assert_eq!(contents.trades, whole.trades, "{what}: nothing is skipped");
        }
        assert!(
            contents.gaps.iter().all(|gap| whole.gaps.contains(gap)),
            "{what}: {:?}",
            contents.gaps
        );
        // Numbers, and so tokens, are never used again.
        let commit = Commit {
            rows: vec![Rows::Gaps(vec![gap(99)])],
            now_us: 1,
            ..Commit::default()
        };
        let version = journal.commit(commit).expect("committed").version;
        assert!(version >= 1, "{what}");
        (contents, aside)
    }
}

#[test]
fn the_damage_of_any_page_loses_no_more_than_what_was_there() {
    let pages = made().0.len() / PAGE;
    let (mut noticed, mut lossless, mut gaps) = (0, 0, 0);
    for page in 1..pages {
        let damaged = Damaged::new(|bytes| {
            for byte in &mut bytes[page * PAGE..(page + 1) * PAGE] {
                *byte ^= 0xa5;
            }
        });
        let (contents, aside) = damaged.judge(&format!("page {page} of {pages}"));
        noticed += usize::from(aside.is_some());
        lossless += usize::from(contents.checkpoint.is_some());
        gaps += contents.gaps.len();
        if let Some(aside) = aside {
            assert!(aside.copy.exists(), "it is kept");
        }
    }
    eprintln!("{pages} pages: {noticed} noticed, {lossless} without loss, {gaps} gaps kept");
    assert!(pages > 30, "{pages}");
    // Most pages hold a gap or a part of one: each of these loses that gap at most.
    assert!(gaps > (pages - 1) * (COMMITS as usize - 3));
}

#[test]
fn one_flipped_byte_anywhere_makes_no_wrong_row() {
    let length = made().0.len();
    // A prime, so that all places within a page get their turn.
    for place in (100..length).step_by(4999) {
        let damaged = Damaged::new(|bytes| bytes[place] ^= 0x10);
        damaged.judge(&format!("byte {place}"));
    }
}

/// A journal with wrong bytes in the middle of a batch, and the batch.
fn with_a_wrong_byte() -> (Damaged, i64) {
    let damaged = Damaged::new(|_| {});
    let journal = damaged.open();
    let (batch, chunk): (i64, i64) = journal
        .connection
        .query_row(
            "SELECT id, (id << 20) + chunks / 2 FROM batches
             WHERE table_name = 'trades' ORDER BY id LIMIT 1 OFFSET 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .expect("a batch");
    let sql = "UPDATE chunks SET payload = zeroblob(length(payload)) WHERE id = ?1";
    journal.connection.execute(sql, [chunk]).expect("damaged");
    drop(journal);
    (damaged, batch)
}

/// A spool that is too old counts as full, and nothing is consumed then.
#[test]
fn rows_that_are_carried_over_without_their_batch_are_not_older_than_it() {
    let (damaged, _) = with_a_wrong_byte();
    let journal = damaged.open();
    assert!(
        journal
            .set_aside()
            .is_some_and(|aside| aside.salvaged.rows > 0)
    );
    for batch in journal.batches().expect("read") {
        assert!(batch.created_at_us >= 1000, "{batch:?}");
    }
}

/// Wrong bytes within a row are none of SQLite's business. Were only this batch left out,
/// the ones behind it would go in, and nothing would ever fetch what is missing.
#[test]
fn a_wrong_byte_in_rows_that_can_be_fetched_again_ends_what_is_carried_over() {
    let (damaged, batch) = with_a_wrong_byte();
    let (contents, aside) = damaged.judge("a wrong byte");
    let reason = aside.expect("it is set aside").reason;
    assert!(reason.contains(&format!("batch {batch}: ")), "{reason}");
    assert_eq!(contents.checkpoint, None, "it would skip them");
    assert_eq!(contents.gaps, damaged.whole.gaps);
    let (found, all) = (contents.trades.len(), damaged.whole.trades.len());
    assert!(found > TRADES as usize && found < all, "{found} of {all}");
}

/// A collector that comes to it ends; the next one makes up for it.
#[test]
fn rows_that_can_be_fetched_again_are_not_passed_over_when_they_are_damaged() {
    let damaged = Damaged::new(|_| {});
    let mut journal = damaged.open();
    journal.seal(None).expect("sealed");
    let sql = "UPDATE chunks SET payload = zeroblob(length(payload))
               WHERE id >> 20 IN (SELECT id FROM batches WHERE table_name = 'trades')";
    journal.connection.execute(sql, []).expect("damaged");
    for _ in 0..2 {
        let error = loop {
            match journal.next_batch(None) {
                Ok(Some(batch)) if matches!(batch.rows, Rows::Gaps(_)) => {
                    journal.delivered(batch.id).expect("deleted");
                }
                Ok(other) => panic!("{other:?}"),
                Err(error) => break error,
            }
        };
        assert!(error.damage().is_some(), "{error}");
    }
}

#[test]
fn a_file_that_is_cut_off_keeps_what_is_before_the_cut() {
    let pages = made().0.len() / PAGE;
    for left in [1, 2, 5, 10, pages / 2, pages - 3, pages - 1] {
        let damaged = Damaged::new(|bytes| bytes.truncate(left * PAGE + 17));
        let (contents, aside) = damaged.judge(&format!("{left} of {pages} pages"));
        // Only the end of the last row is missing when no whole page is.
        assert!(aside.is_some() || left == pages - 1, "{left} of {pages}");
        if left == pages - 3 {
            assert!(contents.gaps.len() >= COMMITS as usize - 3);
        }
    }
}

#[test]
fn a_destroyed_header_loses_nothing() {
    for length in [16, 100, PAGE] {
        let damaged = Damaged::new(|bytes| bytes[..length].fill(0));
        let (contents, aside) = damaged.judge(&format!("{length} bytes"));
        let aside = aside.expect("it is set aside");
        assert_eq!(aside.salvaged.lost, [""; 0], "{length} bytes");
        assert_eq!(contents.trades, damaged.whole.trades);
        assert_eq!(contents.gaps, damaged.whole.gaps);
        assert_eq!(contents.checkpoint, damaged.whole.checkpoint);
        let kept = fs::read(&aside.copy).expect("read");
        assert!(kept[..length].iter().all(|&byte| byte == 0), "as it was");
    }
}

#[test]
fn a_wrong_digit_in_a_checkpoint_is_noticed_and_the_checkpoint_left() {
    let damaged = Damaged::new(|_| {});
    let path = damaged.directory.path().join(FILE_NAME);
    let connection = rusqlite::Connection::open(path).expect("opened");
    connection
        .execute(
            "UPDATE checkpoints SET state = replace(state, 'after', 'afteR')",
            [],
        )
        .expect("damaged");
    drop(connection);
    let (contents, aside) = damaged.judge("a checkpoint");
    assert!(aside.expect("it is set aside").reason.contains("BTCUSDT"));
    assert_eq!(contents.checkpoint, None);
    assert_eq!(contents.trades, damaged.whole.trades);
}

/// Rows that vanish without a trace in the file itself.
#[test]
fn a_batch_whose_first_piece_is_missing_ends_what_is_carried_over() {
    for (place, missing) in [(0, 1), (1, 1), (2, 1), (0, 3)] {
        let damaged = Damaged::new(|_| {});
        let path = damaged.directory.path().join(FILE_NAME);
        let connection = rusqlite::Connection::open(&path).expect("opened");
        let first: i64 = connection
            .query_row(
                "SELECT min(id) FROM batches WHERE table_name = 'trades' AND id > 4",
                [],
                |row| row.get(0),
            )
            .expect("a batch");
        let ids = (chunk_id(first, place), chunk_id(first, place + missing - 1));
        let gone = connection.execute("DELETE FROM chunks WHERE id BETWEEN ?1 AND ?2", ids);
        assert_eq!(gone.expect("damaged"), missing as usize);
        drop(connection);
        let mut bytes = fs::read(&path).expect("read");
        bytes[..100].fill(0);
        fs::write(&path, bytes).expect("written");
        let (contents, _) = damaged.judge(&format!("{missing} pieces at {place}"));
        assert_eq!(contents.checkpoint, None);
        assert!(contents.trades.len() < damaged.whole.trades.len());
        assert_eq!(contents.gaps, damaged.whole.gaps);
    }
}

#[test]
fn what_was_sealed_keeps_its_number_and_token() {
    let damaged = Damaged::new(|bytes| bytes[..100].fill(0));
    let copy = Damaged::new(|_| {});
    let sealed = |journal: &mut Journal| {
        let batch = journal.next_batch(None).expect("read").expect("a batch");
        (batch.id, batch.token.len())
    };
    let mut salvaged = damaged.open();
    assert_eq!(sealed(&mut salvaged), sealed(&mut copy.open()));
    // The token is one of the journal that was damaged, or it would not verify.
    assert_eq!(salvaged.verify().expect("checked"), []);
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("text")
        })
        .filter(|name| name.starts_with("journal"))
        .collect();
    names.sort_unstable();
    names
}

/// The process may die between any two steps of putting the new journal into its place.
#[test]
fn a_replacement_that_was_interrupted_is_finished_or_begun_again() {
    let moved = |directory: &Path, from: &str, to: &str| {
        fs::rename(directory.join(from), directory.join(to)).expect("renamed");
    };
    // While it was being made: begun again.
    let damaged = Damaged::new(|bytes| bytes[..100].fill(0));
    let path = damaged.directory.path().to_path_buf();
    fs::write(path.join("journal.new.sqlite"), b"half of it").expect("written");
    assert_eq!(damaged.judge("half").0.trades, damaged.whole.trades);
    // When it was ready, and nothing, some, or all of the old one was moved.
    for done in 0..3 {
        let damaged = Damaged::new(|_| {});
        let path: PathBuf = damaged.directory.path().to_path_buf();
        moved(&path, FILE_NAME, "journal.ready.sqlite");
        if done < 2 {
            fs::write(path.join(FILE_NAME), vec![0xa5; 9000]).expect("written");
        }
        if done < 1 {
            fs::write(path.join("journal.sqlite-wal"), vec![0xa5; 9000]).expect("written");
        }
        let (contents, aside) = damaged.judge("ready");
        assert_eq!(contents.trades, damaged.whole.trades);
        assert!(aside.is_some(), "it is told");
        let found = names(&path);
        let kept = |name: &str| found.contains(&name.to_owned());
        assert_eq!(kept("journal.damaged-1.sqlite"), done < 2, "{found:?}");
        assert_eq!(kept("journal.damaged-1.sqlite-wal"), done < 1, "{found:?}");
        assert!(!kept("journal.ready.sqlite"), "{found:?}");
    }
}
