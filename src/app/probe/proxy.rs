//! A proxy between a collector and ClickHouse that does what networks and servers do on bad
//! days. What it does can be changed while it runs, and it counts how often it did it.
//!
//! It reads whole requests and answers, and so knows what it forwards. Faults that are
//! about the fate of rows strike inserts only; those of the network strike everything.

mod message;
mod upstream;

use std::{
    collections::BTreeMap,
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use message::{Head, Message, Reader};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::JoinSet,
    time::sleep,
};
use tokio_util::task::AbortOnDropHandle;
use upstream::{Stream, Upstream};

use super::error::ProbeError;
use crate::store::address::ClickHouseAddress;

/// Time for bytes to arrive: a reset overtakes what was not yet read.
const ARRIVAL: Duration = Duration::from_millis(20);
/// Connections that wait to be accepted.
const BACKLOG: u32 = 128;
/// How often a port that was let go is asked for again, and how long after each other: somebody
/// else may hold it for a moment.
const REBINDS: usize = 200;
const REBIND_PAUSE: Duration = Duration::from_millis(20);

/// What the server says when it has too little memory, as it says it.
const EXCEPTION: &str = "Code: 241. DB::Exception: Memory limit (total) exceeded: would use \
                         3.00 GiB, maximum: 2.79 GiB. (MEMORY_LIMIT_EXCEEDED) \
                         (version 26.7.3.1 (official build))\n";

/// What the proxy does to what passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    Pass,
    /// Listens no longer, and ends the connections that stand.
    Refuse,
    /// Takes connections and resets them.
    Reset,
    /// Lets the server answer an insert as it does to a user who may only read.
    ReadOnly,
    /// Forwards the head of an insert and so many bytes of its body, or as many as it has but
    /// the last, and resets both sides.
    ResetRequest {
        /// How many.
        after_bytes: usize,
    },
    /// Forwards an insert, waits for the server's answer, and resets the connection instead
    /// of passing on every so-manieth one that confirms.
    DropAnswer {
        /// Every which.
        one_in: u64,
    },
    /// Answers an insert with status 500 itself, with the server's words or without any.
    ServerError {
        /// Whether the server says why.
        has_body: bool,
    },
    /// Answers an insert with status 200 and an exception behind it; the rows are in
    /// nevertheless, or not.
    LateException {
        /// Whether they are in.
        is_committed: bool,
    },
    /// Takes everything and never answers.
    Stall,
    /// Passes answers on byte by byte.
    TrickleToClient {
        /// Between two bytes.
        pause: Duration,
    },
    /// Passes the bodies of requests on byte by byte. Their heads go at once: this build of
    /// the server dies of a connection that ends within a head.
    TrickleToServer {
        /// Between two bytes.
        pause: Duration,
    },
    /// Passes everything on so much later.
    Latency {
        /// By how much, in each direction.
        delay: Duration,
    },
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "everything passes",
            Self::Refuse => "connections are refused",
            Self::Reset => "connections are reset",
            Self::ReadOnly => "inserts are forbidden",
            Self::ResetRequest { .. } => "inserts are cut",
            Self::DropAnswer { .. } => "answers are lost",
            Self::ServerError { .. } => "answers are errors",
            Self::LateException { .. } => "answers end in errors",
            Self::Stall => "nothing is answered",
            Self::TrickleToClient { .. } => "answers trickle",
            Self::TrickleToServer { .. } => "requests trickle",
            Self::Latency { .. } => "everything is late",
        })
    }
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

/// What went wrong on connections, for whoever wonders.
type Errors = Arc<Mutex<Vec<String>>>;

/// A proxy at work. It ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
    tokens: Tokens,
    errors: Errors,
    _serving: AbortOnDropHandle<()>,
}

impl Proxy {
    /// A proxy before the server at `address` that changes nothing yet. What it listens on
    /// speaks plain HTTP, whatever the server does.
    ///
    /// # Errors
    /// When nothing can be listened on, or TLS cannot be set up.
    pub fn start(address: &ClickHouseAddress) -> Result<Self, ProbeError> {
        let upstream = Upstream::of(address)?;
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = listen(local).map_err(ProbeError::Listen)?;
        let address = listener.local_addr().map_err(ProbeError::Listen)?;
        let state = Arc::new(watch::Sender::new(State {
            mode: Mode::Pass,
            hits: 0,
            confirmed: 0,
        }));
        let (errors, tokens) = (Errors::default(), Tokens::default());
        let connection = Connection {
            upstream: Arc::new(upstream),
            state: Arc::clone(&state),
            tokens: Arc::clone(&tokens),
        };
        let serving = tokio::spawn(serve(listener, address, connection, Arc::clone(&errors)));
        Ok(Self {
            address,
            state,
            tokens,
            errors,
            _serving: AbortOnDropHandle::new(serving),
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
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
    #[must_use]
    pub fn confirmed(&self) -> BTreeMap<String, u64> {
        lock(&self.tokens).clone()
    }

    /// What went wrong on connections so far.
    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        lock(&self.errors).clone()
    }

    /// How often it did what it was last told to do.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.state.borrow().hits
    }

    /// Waits until it did it so often, however long that takes.
    pub async fn hits_reach(&self, count: u64) {
        let mut state = self.state.subscribe();
        // It fails only when the proxy is gone, which holds the sender itself.
        let _ = state.wait_for(|state| state.hits >= count).await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The same port again, once it can be had.
async fn listen_again(address: SocketAddr) -> io::Result<TcpListener> {
    let mut listening = listen(address);
    for _ in 0..REBINDS {
        if listening.is_ok() {
            break;
        }
        sleep(REBIND_PAUSE).await;
        listening = listen(address);
    }
    listening
}

/// Waits until connections are to be refused, or are not.
async fn is_refusing(orders: &mut watch::Receiver<State>, is_so: bool) {
    // It fails only when the proxy is gone, and this with it.
    let _ = orders
        .wait_for(|state| (state.mode == Mode::Refuse) == is_so)
        .await;
}

/// Takes connections, but none while they are to be refused.
async fn serve(
    mut listener: TcpListener,
    address: SocketAddr,
    connection: Connection,
    errors: Errors,
) {
    let mut orders = connection.state.subscribe();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = is_refusing(&mut orders, true) => {
                drop(listener);
                connections.abort_all();
                is_refusing(&mut orders, false).await;
                match listen_again(address).await {
                    Ok(again) => listener = again,
                    Err(error) => return lock(&errors).push(error.to_string()),
                }
                continue;
            }
        };
        let Ok((client, _)) = accepted else {
            return;
        };
        while connections.try_join_next().is_some() {}
        let (connection, errors) = (connection.clone(), Arc::clone(&errors));
        connections.spawn(async move {
            if let Err(error) = connection.serve(client).await {
                lock(&errors).push(error.to_string());
            }
        });
    }
}

#[derive(Clone)]
struct Connection {
    upstream: Arc<Upstream>,
    state: Arc<watch::Sender<State>>,
    tokens: Tokens,
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
        if mode == Mode::Reset {
            self.hit(mode);
            client.reset_on_close();
            return Ok(());
        }
        let mut client = Reader::new(Box::new(client));
        let mut server: Option<Reader> = None;
        // A connection that idles is closed by the client, which knows when it is too old.
        while let Some(head) = client.head().await? {
            if !self.answer(head, &mut client, &mut server).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Does with a request what is to be done; false when the connection is to end. What goes
    /// wrong behind is a broken connection before.
    async fn answer(
        &self,
        head: Head,
        client: &mut Reader,
        server: &mut Option<Reader>,
    ) -> io::Result<bool> {
        // Asked after the head has come: the mode may have changed while the connection idled.
        let mode = self.mode();
        let is_insert = head.is_insert();
        let done = match mode {
            Mode::Refuse | Mode::Reset => {
                self.hit(mode);
                client.reset_on_close();
                return Ok(false);
            }
            Mode::Stall => {
                self.hit(mode);
                client.until_closed().await?;
                return Ok(false);
            }
            Mode::ResetRequest { after_bytes } if is_insert => {
                let part = client.part(head, after_bytes).await?;
                let mut server = Reader::new(self.upstream.connect().await?);
                server.write(&part).await?;
                sleep(ARRIVAL).await;
                self.hit(mode);
                server.reset_on_close();
                client.reset_on_close();
                return Ok(false);
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
                let mut request = client.body(head).await?;
                if mode == Mode::ReadOnly && is_insert {
                    self.hit(mode);
                    request.add_setting("readonly=1");
                }
                self.forward(mode, is_insert, request, client, server).await
            }
        };
        if done.is_err() {
            client.reset_on_close();
        }
        done.map(|()| true)
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
            *server = Some(Reader::new(self.upstream.connect().await?));
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
                        upstream.reset_on_close();
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
            *lock(&self.tokens).entry(token.to_owned()).or_default() += 1;
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

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        time::timeout,
    };

    use super::*;

    /// No step of a test may take longer.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// A server that answers every request with its first line.
    async fn parrot() -> ClickHouseAddress {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut client = Reader::new(Box::new(client));
                    while let Ok(Some(head)) = client.head().await {
                        let request = client.body(head).await?;
                        let text = String::from_utf8_lossy(&request.bytes).into_owned();
                        let line = text.lines().next().unwrap_or_default();
                        let length = line.len();
                        let answer =
                            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{line}");
                        client.write(answer.as_bytes()).await?;
                    }
                    io::Result::Ok(())
                });
            }
        });
        ClickHouseAddress {
            tls: false,
            host: "127.0.0.1".to_owned(),
            port,
            user: "default".to_owned(),
            password: None,
            database: "default".to_owned(),
        }
    }

    /// What comes back for an insert on a new connection.
    async fn insert(proxy: &Proxy) -> io::Result<String> {
        let asked = async {
            let mut stream = TcpStream::connect(proxy.address()).await?;
            let request = "POST /?query=INSERT+INTO+bars HTTP/1.1\r\nConnection: close\r\n\
                           Content-Length: 4\r\n\r\nrows";
            stream.write_all(request.as_bytes()).await?;
            let mut answer = vec![0; 1024];
            let length = stream.read(&mut answer).await?;
            Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
        };
        timeout(PATIENCE, asked).await.expect("in time")
    }

    #[tokio::test]
    async fn who_is_refused_finds_nobody_and_then_the_same_port_again() {
        let proxy = Proxy::start(&parrot().await).expect("a proxy");
        assert!(insert(&proxy).await.expect("an answer").contains("INSERT"));
        for _ in 0..3 {
            proxy.set(Mode::Refuse);
            let refused = async {
                // The order takes a turn of the proxy to come through.
                loop {
                    match insert(&proxy).await {
                        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => break,
                        _ => tokio::task::yield_now().await,
                    }
                }
            };
            timeout(PATIENCE, refused).await.expect("refused");
            proxy.set(Mode::Pass);
            let passed = async { while insert(&proxy).await.is_err() {} };
            timeout(PATIENCE, passed).await.expect("open again");
        }
        assert_eq!(proxy.errors(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn inserts_are_sent_as_those_of_a_user_who_may_only_read() {
        let proxy = Proxy::start(&parrot().await).expect("a proxy");
        proxy.set(Mode::ReadOnly);
        let answer = insert(&proxy).await.expect("an answer");
        assert!(
            answer.ends_with("POST /?query=INSERT+INTO+bars&readonly=1 HTTP/1.1"),
            "{answer}"
        );
        assert_eq!(proxy.hits(), 1);
    }

    #[tokio::test]
    async fn of_answers_that_are_lost_the_server_knows_more_than_the_client() {
        let proxy = Proxy::start(&parrot().await).expect("a proxy");
        proxy.set(Mode::DropAnswer { one_in: 2 });
        let mut lost = 0;
        for _ in 0..6 {
            lost += u64::from(insert(&proxy).await.is_err());
        }
        assert_eq!((lost, proxy.hits()), (3, 3));
    }
}
