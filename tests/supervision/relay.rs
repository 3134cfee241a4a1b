//! A way to the exchange's streams on which single connections can be lost.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::task::AbortOnDropHandle;

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Works,
    /// Both sockets are closed.
    Cut,
    /// Both sockets stay open, and nothing passes any more.
    Frozen,
}

type Fates = Arc<Mutex<Vec<watch::Sender<Fate>>>>;

/// Passes connections on.
pub struct Relay {
    address: SocketAddr,
    fates: Fates,
    is_closed: Arc<AtomicBool>,
    _serving: AbortOnDropHandle<()>,
}

impl Relay {
    /// Passes what comes on to the stream endpoint `url`.
    pub async fn to(url: &str) -> Self {
        let target = url.trim_start_matches("ws://").trim_end_matches('/');
        let target: SocketAddr = target.parse().expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (fates, is_closed) = (Fates::default(), Arc::new(AtomicBool::new(false)));
        let (made, closed) = (Arc::clone(&fates), Arc::clone(&is_closed));
        let serving = tokio::spawn(async move {
            let mut passing = Vec::new();
            while let Ok((near, _)) = listener.accept().await {
                if closed.load(Ordering::SeqCst) {
                    continue;
                }
                let (sender, fate) = watch::channel(Fate::Works);
                made.lock().expect("not poisoned").push(sender);
                let task = tokio::spawn(pass(near, target, fate));
                passing.push(AbortOnDropHandle::new(task));
            }
        });
        Self {
            address,
            fates,
            is_closed,
            _serving: AbortOnDropHandle::new(serving),
        }
    }

    /// Its own endpoint.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Whether new connections are turned away.
    pub fn close(&self, is_closed: bool) {
        self.is_closed.store(is_closed, Ordering::SeqCst);
    }

    /// Ends the connection that was made as the `number`-th, from 0.
    pub fn cut(&self, number: usize) {
        self.set(number, Fate::Cut);
    }

    /// Makes that connection half-open.
    pub fn freeze(&self, number: usize) {
        self.set(number, Fate::Frozen);
    }

    fn set(&self, number: usize, fate: Fate) {
        let fates = self.fates.lock().expect("not poisoned");
        fates[number].send_replace(fate);
    }
}

async fn pass(mut near: TcpStream, target: SocketAddr, mut fate: watch::Receiver<Fate>) {
    let mut far = TcpStream::connect(target).await.expect("the sim listens");
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => return,
        changed = fate.wait_for(|fate| *fate != Fate::Works) => {
            if changed.is_ok_and(|fate| *fate == Fate::Cut) {
                return;
            }
        }
    }
    // The sockets live as long as this task.
    std::future::pending::<()>().await;
}
