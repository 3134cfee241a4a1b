//! An exchange that fails first, on paused time.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::*;
use crate::domain::price::{Price, Quantity};

/// What an answer is.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Refused(u16, u64),
    Failed(u16),
    Stalled,
    Unknown,
    Empty,
}

/// An exchange with one trade, which gives `answers` first.
struct Fake {
    answers: Mutex<VecDeque<Answer>>,
}

fn trade() -> Trade {
    Trade {
        id: 7,
        price: Price(100),
        quantity: Quantity(1),
        first_trade_id: 7,
        last_trade_id: 7,
        time_us: 1000,
        buyer_is_maker: false,
    }
}

impl Fake {
    async fn answer(&self) -> Result<Option<Trade>, SourceError> {
        let answer = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.pop_front()
        };
        let endpoint = "fake".to_owned();
        match answer {
            None => Ok(Some(trade())),
            Some(Answer::Empty) => Ok(None),
            Some(Answer::Refused(status, retry_after_s)) => Err(SourceError::RateLimited {
                endpoint,
                status,
                retry_after: Duration::from_secs(retry_after_s),
            }),
            Some(Answer::Failed(status)) => Err(SourceError::Status {
                endpoint,
                status,
                body: String::new(),
            }),
            Some(Answer::Unknown) => Err(SourceError::UnknownSymbol {
                endpoint,
                symbol: symbol(),
                message: "Invalid symbol.".to_owned(),
            }),
            Some(Answer::Stalled) => {
                let deadline = Duration::from_secs(10);
                sleep(deadline).await;
                Err(SourceError::TimedOut { endpoint, deadline })
            }
        }
    }
}

#[async_trait]
impl Source for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    async fn connect(&self, _: &[Symbol]) -> Result<Box<dyn LiveStream>, SourceError> {
        Err(SourceError::TimedOut {
            endpoint: "fake".to_owned(),
            deadline: Duration::ZERO,
        })
    }

    async fn page(&self, _: &Symbol, _: i64) -> Result<Page, SourceError> {
        let trades = self.answer().await?.into_iter().collect();
        Ok(Page {
            trades,
            ..Page::default()
        })
    }

    async fn latest(&self, _: &Symbol) -> Result<Option<Newest>, SourceError> {
        Ok(self.answer().await?.map(Newest::from))
    }

    async fn first_since(&self, _: &Symbol, _: i64) -> Result<Option<Trade>, SourceError> {
        self.answer().await
    }
}

fn symbol() -> Symbol {
    "BTCUSDT".parse().expect("a symbol")
}

/// The reasons of the pauses, each with how long it is.
type Told = Arc<Mutex<Vec<(String, Duration)>>>;

fn patient(answers: &[Answer]) -> (PatientSource, Told) {
    let fake = Fake {
        answers: Mutex::new(answers.iter().copied().collect()),
    };
    let told = Told::default();
    let noted = Arc::clone(&told);
    let emit = move |event| {
        if let FeedEvent::Waiting { reason, retry_in } = event {
            let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
            noted.push((reason, retry_in));
        }
    };
    let limits = PageLimits {
        patience: Duration::from_secs(60),
        ..PageLimits::default()
    };
    let source = PatientSource::new(Arc::new(fake), limits, Arc::new(emit));
    (source, told)
}

fn read(told: &Told) -> Vec<(String, Duration)> {
    told.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

#[tokio::test(start_paused = true)]
async fn trouble_that_passes_is_waited_out_whatever_is_asked_for() {
    let answers = [
        Answer::Refused(429, 3),
        Answer::Failed(503),
        Answer::Stalled,
        Answer::Failed(403),
        Answer::Refused(418, 5),
    ];
    let (source, told) = patient(&answers);
    assert_eq!(
        source.newest(&symbol()).await.expect("newest"),
        Some(trade())
    );
    let told = read(&told);
    assert_eq!(told.len(), answers.len(), "{told:?}");
    // As long as the exchange wants, and told why.
    assert!(told[0].1 >= Duration::from_secs(3) && told[4].1 >= Duration::from_secs(5));
    assert!(told[1].0.contains("HTTP 503"), "{told:?}");
    let (source, _) = patient(&answers);
    let first = source.first_since(&symbol(), 5).await;
    assert_eq!(first.expect("first"), Some(trade()));
    let (source, _) = patient(&answers);
    let trades = source.trades(&symbol(), 7).await;
    assert_eq!(trades.expect("trades"), [trade()]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_proves_nothing() {
    let (source, told) = patient(&[Answer::Empty]);
    let newest = source.newest(&symbol()).await;
    assert_eq!(newest.expect("newest"), Some(trade()));
    assert!(read(&told)[0].0.contains("the answer is empty"));
    let (source, _) = patient(&[Answer::Empty, Answer::Empty]);
    assert_eq!(source.newest(&symbol()).await.expect("newest"), None);
    // There is a later trade, so there is a first one: however often it says otherwise.
    let (source, told) = patient(&[Answer::Empty; 3]);
    let first = source.first_before(&symbol(), 5, trade()).await;
    assert_eq!(first.expect("first"), trade());
    assert_eq!(read(&told).len(), 3);
    assert!(read(&told)[0].0.contains("knows no trade of BTCUSDT"));
}

#[tokio::test(start_paused = true)]
async fn patience_has_an_end_and_nothing_is_waited_for_that_never_comes() {
    let start = Instant::now();
    let (source, told) = patient(&[Answer::Failed(500); 1000]);
    let error = source.newest(&symbol()).await.expect_err("given up");
    assert!(matches!(error, SourceError::Status { status: 500, .. }));
    assert!(start.elapsed() <= Duration::from_secs(60));
    assert!(start.elapsed() >= Duration::from_secs(50) && read(&told).len() > 4);
    for answer in [
        Answer::Unknown,
        Answer::Failed(404),
        Answer::Failed(451),
        Answer::Refused(418, 3600),
    ] {
        let start = Instant::now();
        let (source, _) = patient(&[answer]);
        assert!(source.newest(&symbol()).await.is_err(), "{answer:?}");
        assert_eq!(start.elapsed(), Duration::ZERO, "{answer:?}");
    }
}
