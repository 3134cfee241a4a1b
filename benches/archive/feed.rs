//! The trades of a file, as a backfill reads them.

use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

use async_trait::async_trait;
use streamkit::{
    app::{
        backfill::feed::{Fed, FeedLimits, FileIndex, SourceKind, Sources, Stretch},
        clock::Clock,
    },
    domain::{anchor::Anchor, symbol::Symbol, tiling::IdRange, trade::Trade},
    exchange::source::{LiveStream, Newest, Page, Source, SourceError},
};
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all();
    builder.build().expect("a runtime")
});

/// An exchange that knows nothing: the file holds all there is.
struct Nothing;

#[async_trait]
impl Source for Nothing {
    fn name(&self) -> &'static str {
        "bench"
    }

    async fn connect(&self, _: &[Symbol]) -> Result<Box<dyn LiveStream>, SourceError> {
        panic!("nobody connects")
    }

    async fn page(&self, _: &Symbol, _: i64) -> Result<Page, SourceError> {
        Ok(Page::default())
    }

    async fn latest(&self, _: &Symbol) -> Result<Option<Newest>, SourceError> {
        Ok(None)
    }

    async fn first_since(&self, _: &Symbol, _: i64) -> Result<Option<Trade>, SourceError> {
        Ok(None)
    }
}

/// Reads the first `count` trades of the file at `path`, whose ids begin with 1.
pub fn each_block(path: &Path, count: usize, mut each: impl FnMut(&[Trade])) {
    let files = FileIndex::open(&[path.to_owned()]).expect("the zip");
    let sources = Sources {
        exchange: Arc::new(Nothing),
        archive: None,
        files: Some(Arc::new(files)),
        kind: SourceKind::Auto,
        limits: FeedLimits::default(),
        clock: Clock::system(),
    };
    let last_id = i64::try_from(count).expect("an id");
    let stretch = Stretch {
        symbol: "BTCUSDT".parse().expect("a symbol"),
        period: Anchor::None.period(0),
        from_us: 0,
        ids: IdRange {
            first_id: 1,
            last_id,
        },
    };
    RUNTIME.block_on(async {
        let mut feed = sources.open(stretch, Arc::new(|_| {}));
        let mut block = Vec::new();
        loop {
            match feed.next(&mut block).await.expect("trades") {
                Fed::Trades => each(&block),
                Fed::Absent { ids, .. } => panic!("{ids} are missing"),
                Fed::End => return,
            }
        }
    });
}
