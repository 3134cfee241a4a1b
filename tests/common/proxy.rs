//! A proxy between a collector and ClickHouse that does what networks and servers do on bad
//! days. What it does can be changed while it runs, and it counts how often it did it.
//!
//! It reads whole requests and answers, and so knows what it forwards. Faults that are
//! about the fate of rows strike inserts only; those of the network strike everything.

#![allow(dead_code, reason = "each test binary uses its own part")]

mod message;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use message::{Message, Reader};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

/// What the server says when it has too little memory, as it says it.
const EXCEPTION: &str = "Code: 241. DB::Exception: Memory limit (total) exceeded: would use \
                         3.00 GiB, maximum: 2.79 GiB. (MEMORY_LIMIT_EXCEEDED) \
                         (version 26.7.3.1 (official build))\n";

/// What the proxy does to what passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    Pass,
    /// Resets every connection.
    Refuse,
    /// Forwards the head of an insert and so many bytes of its body, or as many as it has but
    /// the last, and resets both sides.
    ResetRequest { after_bytes: usize },
    /// Forwards an insert, waits for the server's answer, and resets the connection instead
    /// of passing on every so-manieth one that confirms.
    DropAnswer { one_in: u64 },
    /// Answers an insert with status 500 itself, with the server's words or without any.
    ServerError { has_body: bool },
    /// Answers an insert with status 200 and an exception behind it; the rows are in
    /// nevertheless, or not.
    LateException { is_committed: bool },
    /// Takes everything and never answers.
    Stall,
    /// Passes answers on byte by byte.
    TrickleToClient { pause: Duration },
    /// Passes the bodies of requests on byte by byte. Their heads go at once: this build of
    /// the server dies of a connection that ends within a head.
    TrickleToServer { pause: Duration },
    /// Passes everything on so much later.
    Latency { delay: Duration },
}

#[derive(Debug, Clone, Copy)]
struct State {
    mode: Mode,
    hits: u64,
    /// Confirmations that have passed since the mode was set.
    confirmed: u64,
}

/// How often an insert with each deduplication token was confirmed by the server.
type Tokens = Arc<Mutex<BTreeMap<String, u64>>>;

/// A proxy at work. It ends when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
    tokens: Tokens,
    errors: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// A proxy before the server at `upstream` (`http://host:port`) that changes nothing yet.
    pub async fn start(upstream: &str) -> Self {
        let upstream: SocketAddr = upstream
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .parse()
            .expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(watch::Sender::new(State {
            mode: Mode::Pass,
            hits: 0,
            confirmed: 0,
        }));
        let errors = Arc::new(Mutex::new(Vec::new()));
        let tokens = Tokens::default();
        let connection = Connection {
            upstream,
            state: Arc::clone(&state),
            tokens: Arc::clone(&tokens),
        };
        let task = {
            let errors = Arc::clone(&errors);
            tokio::spawn(async move {
                let mut connections = JoinSet::new();
                while let Ok((client, _)) = listener.accept().await {
                    while connections.try_join_next().is_some() {}
                    let (connection, errors) = (connection.clone(), Arc::clone(&errors));
                    connections.spawn(async move {
                        if let Err(error) = connection.serve(client).await {
                            let mut errors = errors.lock().unwrap_or_else(PoisonError::into_inner);
                            errors.push(error.to_string());
                        }
                    });
                }
            })
        };
        Self {
            address,
            state,
            tokens,
            errors,
            task,
        }
    }

    /// Where it listens, as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Does something else from the next request on, and counts from zero.
    pub fn set(&self, mode: Mode) {
        self.state.send_replace(State {
            mode,
            hits: 0,
            confirmed: 0,
        });
    }

    /// How often an insert with each deduplication token was confirmed by the server, whether
    /// or not the answer was passed on.
    pub fn confirmed(&self) -> BTreeMap<String, u64> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.clone()
    }

    /// How often it did what it was last told to do.
    pub fn hits(&self) -> u64 {
        self.state.borrow().hits
    }

    /// Waits until it did it so often, however long that takes.
    pub async fn hits_reach(&self, count: u64) {
        let mut state = self.state.subscribe();
        // It fails only when the proxy is gone, which holds the sender itself.
        let _ = state.wait_for(|state| state.hits >= count).await;
    }

    /// Waits until it did it so often.
    pub async fn until_hits(&self, count: u64, patience: Duration) {
        let is_reached = timeout(patience, self.hits_reach(count)).await;
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(
            is_reached.is_ok(),
            "the fault was hit {} times, not {count}; {errors:?}",
            self.hits()
        );
    }
}

#[derive(Clone)]
struct Connection {
    upstream: SocketAddr,
    state: Arc<watch::Sender<State>>,
    tokens: Tokens,
}

/// Closes with a reset, not with an orderly end.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

impl Connection {
    fn mode(&self) -> Mode {
        self.state.borrow().mode
    }

    /// Counts, unless it has been told to do something else since.
    fn hit(&self, mode: Mode) {
        self.state.send_if_modified(|state| {
            let is_same = state.mode == mode;
            state.hits += u64::from(is_same);
            is_same
        });
    }

    /// Counts a confirmation.
    fn confirmed(&self) -> u64 {
        let mut confirmed = 0;
        self.state.send_if_modified(|state| {
            state.confirmed += 1;
            confirmed = state.confirmed;
            false
        });
        confirmed
    }

    async fn serve(self, client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let mode = self.mode();
        if mode == Mode::Refuse {
            self.hit(mode);
            reset(&client);
            return Ok(());
        }
        let mut client = Reader::new(client);
        let mut server: Option<Reader> = None;
        // A connection that idles is closed by the client, which knows when it is too old.
        while let Some(head) = client.head().await? {
            // Asked after the head has come: the mode may have changed while it idled.
            let mode = self.mode();
            let is_insert = head.is_insert();
            let result = match mode {
                Mode::Refuse => {
                    self.hit(mode);
                    reset(client.stream());
                    return Ok(());
                }
                Mode::Stall => {
                    self.hit(mode);
                    return client.until_closed().await;
                }
                Mode::ResetRequest { after_bytes } if is_insert => {
                    let part = client.part(head, after_bytes).await?;
                    let mut server = TcpStream::connect(self.upstream).await?;
                    server.write_all(&part).await?;
                    // Time to arrive: a reset overtakes what was not yet read.
                    sleep(Duration::from_millis(20)).await;
                    self.hit(mode);
                    reset(&server);
                    reset(client.stream());
                    return Ok(());
                }
                Mode::ServerError { has_body } if is_insert => {
                    client.body(head).await?;
                    self.hit(mode);
                    client.write(&server_error(has_body)).await
                }
                Mode::LateException {
                    is_committed: false,
                } if is_insert => {
                    client.body(head).await?;
                    self.hit(mode);
                    client.write(&late_exception()).await
                }
                _ => {
                    let request = client.body(head).await?;
                    self.forward(mode, is_insert, request, &mut client, &mut server)
                        .await
                }
            };
            if result.is_err() {
                // What went wrong behind is a broken connection before.
                reset(client.stream());
                return result;
            }
        }
        Ok(())
    }

    /// Takes a whole request to the server, and its answer back.
    async fn forward(
        &self,
        mode: Mode,
        is_insert: bool,
        request: Message,
        client: &mut Reader,
        server: &mut Option<Reader>,
    ) -> io::Result<()> {
        if server.is_none() {
            let stream = TcpStream::connect(self.upstream).await?;
            stream.set_nodelay(true)?;
            *server = Some(Reader::new(stream));
        }
        let Some(upstream) = server.as_mut() else {
            return Ok(());
        };
        match mode {
            Mode::TrickleToServer { pause } => {
                self.hit(mode);
                // When the client gives up, the server is left with half a request.
                tokio::select! {
                    written = trickle_request(upstream, &request, pause) => written?,
                    closed = client.until_closed() => {
                        reset(upstream.stream());
                        closed?;
                        return Err(io::ErrorKind::ConnectionReset.into());
                    }
                }
            }
            Mode::Latency { delay } => {
                self.hit(mode);
                sleep(delay).await;
                upstream.write(&request.bytes).await?;
            }
            _ => upstream.write(&request.bytes).await?,
        }
        let Some(head) = upstream.head().await? else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let answer = upstream.body(head).await?;
        if let Some(token) = request.token().filter(|_| answer.is_confirmation()) {
            let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            *tokens.entry(token.to_owned()).or_default() += 1;
        }
        match mode {
            Mode::DropAnswer { one_in }
                if is_insert
                    && answer.is_confirmation()
                    && self.confirmed().is_multiple_of(one_in) =>
            {
                self.hit(mode);
                Err(io::ErrorKind::ConnectionReset.into())
            }
            Mode::LateException { is_committed: true } if is_insert => {
                if answer.is_confirmation() {
                    self.hit(mode);
                }
                client.write(&late_exception()).await
            }
            Mode::TrickleToClient { pause } => {
                self.hit(mode);
                trickle(client, &answer.bytes, pause).await
            }
            Mode::Latency { delay } => {
                sleep(delay).await;
                client.write(&answer.bytes).await
            }
            _ => client.write(&answer.bytes).await,
        }
    }
}

async fn trickle(to: &mut Reader, bytes: &[u8], pause: Duration) -> io::Result<()> {
    for byte in bytes {
        to.write(&[*byte]).await?;
        sleep(pause).await;
    }
    Ok(())
}

async fn trickle_request(to: &mut Reader, request: &Message, pause: Duration) -> io::Result<()> {
    let (head, body) = request.bytes.split_at(request.head_bytes());
    to.write(head).await?;
    trickle(to, body, pause).await
}

fn server_error(has_body: bool) -> Vec<u8> {
    let (header, body) = if has_body {
        ("X-ClickHouse-Exception-Code: 241\r\n", EXCEPTION)
    } else {
        ("", "")
    };
    let length = body.len();
    format!("HTTP/1.1 500 Internal Server Error\r\n{header}Content-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn late_exception() -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nX-ClickHouse-Query-Id: 1\r\nTransfer-Encoding: chunked\r\n\r\n\
         {:x}\r\n{EXCEPTION}\r\n0\r\n\r\n",
        EXCEPTION.len()
    )
    .into_bytes()
}
