use async_trait::async_trait;

use super::*;
use crate::{
    domain::{
        price::{Price, Quantity},
        trade::Trade,
    },
    exchange::source::LiveStream,
};

/// An exchange of which nothing is asked for in earnest: the answers are made up here.
struct Nobody;

#[async_trait]
impl Source for Nobody {
    fn name(&self) -> &'static str {
        "nobody"
    }

    async fn connect(&self, _: &[Symbol]) -> Result<Box<dyn LiveStream>, SourceError> {
        std::future::pending().await
    }

    async fn page(&self, _: &Symbol, _: i64) -> Result<Page, SourceError> {
        std::future::pending().await
    }

    async fn latest(&self, _: &Symbol) -> Result<Option<NewestTrade>, SourceError> {
        std::future::pending().await
    }

    async fn first_since(&self, _: &Symbol, _: i64) -> Result<Option<Trade>, SourceError> {
        std::future::pending().await
    }
}

fn fetch() -> Fetch {
    let symbol = "BTCUSDT".parse().expect("a symbol");
    Fetch::new(
        Arc::new(Nobody),
        Handle::current(),
        symbol,
        &Limits::default(),
    )
}

fn wanted(first: i64, last: i64) -> Missing {
    Missing { first, last }
}

impl Fetch {
    fn next_for(&mut self, wanted: Missing, known_id: i64, now: Instant) -> Vec<Request> {
        self.next(Some(wanted), known_id, now)
    }
}

fn page(first: i64, count: i64, is_full: bool) -> Page {
    let trade = |id| Trade {
        id,
        price: Price(1),
        quantity: Quantity(1),
        first_trade_id: id,
        last_trade_id: id,
        time_us: 1,
        buyer_is_maker: false,
    };
    Page {
        trades: (first..first + count).map(trade).collect(),
        is_full,
        ..Page::default()
    }
}

fn came(fetch: &mut Fetch, from_id: i64, page: Page) {
    let (asking, page) = (fetch.asking, Ok(page));
    let answer = fetch.answered(Answered::Page {
        asking,
        from_id,
        page,
    });
    assert!(answer.is_none(), "pages wait for their turn");
}

fn rate_limited(retry_after: Duration) -> SourceError {
    SourceError::RateLimited {
        endpoint: String::new(),
        status: 429,
        retry_after,
    }
}

#[tokio::test(start_paused = true)]
async fn a_newest_id_that_was_asked_for_before_the_connection_is_asked_for_again() {
    let (mut fetch, now) = (fetch(), Instant::now());
    fetch.connected();
    assert_eq!(fetch.next(None, 0, now).len(), 1);
    assert_eq!(fetch.next(None, 0, now).len(), 0, "once");
    fetch.connected();
    assert_eq!(fetch.next(None, 0, now).len(), 0, "one answer is due");
    assert!(fetch.answered(Answered::Newest(Ok(None))).is_none());
    assert!(!fetch.is_newest_settled());
    assert_eq!(fetch.next(None, 0, now).len(), 1);
    assert!(fetch.answered(Answered::Newest(Ok(None))).is_some());
    assert!(fetch.is_newest_settled());
}

#[tokio::test(start_paused = true)]
async fn pages_are_asked_for_ahead_as_far_as_the_exchange_has_something() {
    let (mut fetch, now) = (fetch(), Instant::now());
    assert_eq!(fetch.next_for(wanted(1, 1_000_000), 350, now).len(), 1);
    came(&mut fetch, 1, page(1, 100, true));
    assert_eq!(fetch.ready(1).map(|(id, _)| id), Some(1));
    assert_eq!(fetch.next_for(wanted(101, 1_000_000), 350, now).len(), 3);
    // The second one comes first, and waits.
    came(&mut fetch, 201, page(201, 100, true));
    assert!(fetch.ready(101).is_none());
    came(&mut fetch, 101, page(101, 100, true));
    assert_eq!(fetch.ready(101).map(|(id, _)| id), Some(101));
    assert_eq!(fetch.ready(201).map(|(id, _)| id), Some(201));
    assert_eq!(
        fetch.next_for(wanted(301, 1_000_000), 350, now).len(),
        0,
        "301 is under way, and 401 is not known to exist"
    );
}

#[tokio::test(start_paused = true)]
async fn a_page_whose_beginning_came_by_stream_is_waited_for_and_taken() {
    let (mut fetch, now) = (fetch(), Instant::now());
    assert_eq!(fetch.next_for(wanted(1, 50), 50, now).len(), 1);
    assert_eq!(fetch.next_for(wanted(20, 50), 50, now).len(), 0);
    came(&mut fetch, 1, page(1, 50, false));
    assert_eq!(fetch.ready(20).map(|(id, _)| id), Some(1));
}

#[tokio::test(start_paused = true)]
async fn what_lies_before_all_that_is_asked_for_is_asked_for_anew() {
    let (mut fetch, now) = (fetch(), Instant::now());
    fetch.page_trades = Some(100);
    assert_eq!(fetch.next_for(wanted(1, 300), 300, now).len(), 3);
    let late = fetch.asking;
    // The first page is shorter than pages used to be.
    came(&mut fetch, 1, page(1, 50, false));
    assert!(fetch.ready(1).is_some());
    assert_eq!(fetch.next_for(wanted(51, 300), 300, now).len(), 3);
    let answer = fetch.answered(Answered::Page {
        asking: late,
        from_id: 101,
        page: Err(rate_limited(Duration::from_secs(1))),
    });
    assert!(answer.is_none(), "nobody waits for it any more");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_followed_by_a_rest_that_a_new_gap_cuts_short() {
    let (mut fetch, now) = (fetch(), Instant::now());
    assert_eq!(fetch.next_for(wanted(1, 50), 50, now).len(), 1);
    let pause = fetch.failed(None, now);
    assert_eq!(fetch.next_for(wanted(1, 50), 50, now).len(), 0);
    assert!(fetch.failed(None, now) > pause, "ever longer");
    assert_eq!(
        fetch.next_for(wanted(60, 70), 70, now).len(),
        1,
        "another gap"
    );
    let pause = fetch.failed(None, now);
    assert_eq!(fetch.next_for(wanted(60, 70), 70, now + pause).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rest_that_the_exchange_wants_is_kept_whatever_comes() {
    let (mut fetch, now) = (fetch(), Instant::now());
    let silence = Duration::from_secs(90);
    assert_eq!(fetch.next_for(wanted(1, 50), 50, now).len(), 1);
    fetch.failed(Some(&rate_limited(silence)), now);
    fetch.connected();
    let nearly = now + Duration::from_secs(89);
    assert_eq!(fetch.next_for(wanted(60, 70), 70, nearly).len(), 0);
    assert!(!fetch.is_about_to_ask(nearly));
    assert_eq!(fetch.next_for(wanted(60, 70), 70, now + silence).len(), 2);
}
