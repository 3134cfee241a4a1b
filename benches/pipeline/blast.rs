//! The exchange of this bench: a process of its own that sends the same frames to
//! whoever connects, as fast as the socket takes them.
//!
//! It is this program again, with a hidden argument, so that what sending costs is not
//! counted. It ends with its standard input.

use std::{
    env,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::market::{Encoder, Market};

/// The hidden argument; the seed and the number of trades follow.
const SERVE: &str = "--serve-blast";
/// Up to so many trades are encoded once, before the first connection.
const KEPT_TRADES: usize = 2_000_000;
/// How many frames are written at once.
const CHUNK_FRAMES: usize = 512;

const OPCODE_CLOSE: u8 = 8;
const OPCODE_PING: u8 = 9;
/// The first byte of a whole pong.
const PONG: u8 = 0x8a;

/// A running server.
pub struct Server {
    pub address: SocketAddr,
    process: Child,
}

impl Server {
    /// Starts one that sends the first `trades` of the market of `seed`, and waits until
    /// it listens.
    pub fn start(seed: u64, trades: usize) -> Self {
        let program = env::current_exe().expect("this program has a path");
        let mut process = Command::new(program)
            .args([SERVE, &seed.to_string(), &trades.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output"))
            .read_line(&mut line)
            .expect("its address");
        Self {
            address: line.trim().parse().expect("an address"),
            process,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It ends by itself; waiting only clears it away.
        let _ = self.process.wait();
    }
}

/// The seed and the number of trades, when this process is to be the server.
pub fn asked_to_serve() -> Option<(u64, usize)> {
    let mut arguments = env::args().skip_while(|argument| argument != SERVE).skip(1);
    let seed = arguments.next()?.parse().expect("a seed");
    let trades = arguments.next()?.parse().expect("a number of trades");
    Some((seed, trades))
}

/// Serves until the standard input ends.
pub fn serve(seed: u64, trades: usize) {
    let frames = Arc::new(Frames::new(seed, trades));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    let accepting = move || {
        for socket in listener.incoming().flatten() {
            let frames = Arc::clone(&frames);
            // Whoever goes away early is no mistake.
            let talk = move || drop(talk(socket, &frames));
            spawn("connection", talk);
        }
    };
    spawn("accept", accepting);
    io::copy(&mut io::stdin(), &mut io::sink()).expect("an input");
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(work).expect("a thread");
}

/// What every connection gets.
struct Frames {
    seed: u64,
    trades: usize,
    /// All of them, in chunks; none when there are too many.
    kept: Vec<Vec<u8>>,
}

impl Frames {
    fn new(seed: u64, trades: usize) -> Self {
        let mut frames = Self {
            seed,
            trades,
            kept: Vec::new(),
        };
        if trades <= KEPT_TRADES {
            let mut kept = Vec::new();
            let keep = |chunk: &[u8]| {
                kept.push(chunk.to_vec());
                Ok(())
            };
            frames.encode(keep).expect("nothing fails");
            frames.kept = kept;
        }
        frames
    }

    fn encode(&self, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let (mut encoder, mut chunk) = (Encoder::default(), Vec::new());
        let mut market = Market::new(self.seed).take(self.trades).peekable();
        while market.peek().is_some() {
            chunk.clear();
            for (symbol, trade) in market.by_ref().take(CHUNK_FRAMES) {
                encoder.append(symbol, &trade, &mut chunk);
            }
            each(&chunk)?;
        }
        Ok(())
    }

    fn for_each(&self, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        if self.kept.is_empty() {
            return self.encode(each);
        }
        self.kept.iter().try_for_each(|chunk| each(chunk))
    }
}

fn talk(socket: TcpStream, frames: &Frames) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut input = BufReader::new(socket.try_clone()?);
    let key = websocket_key(&mut input)?;
    let output = Arc::new(Mutex::new(socket));
    write!(
        lock(&output),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    )?;
    let answering = Arc::clone(&output);
    spawn("answer", move || drop(answer(&mut input, &answering)));
    frames.for_each(|chunk| lock(&output).write_all(chunk))
}

fn lock(socket: &Mutex<TcpStream>) -> MutexGuard<'_, TcpStream> {
    socket.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads the request to its end; returns the key that has to be answered.
fn websocket_key(input: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut key = String::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("sec-websocket-key") => {
                value.trim().clone_into(&mut key);
            }
            None if line.trim_end().is_empty() => return Ok(key),
            _ => {}
        }
    }
}

/// Answers pings and a close. A client sends nothing else, and masks all of it.
fn answer(input: &mut impl io::Read, output: &Mutex<TcpStream>) -> io::Result<()> {
    loop {
        let (mut head, mut mask) = ([0; 2], [0; 4]);
        input.read_exact(&mut head)?;
        input.read_exact(&mut mask)?;
        // Control frames have at most 125 bytes.
        let mut payload = vec![0; usize::from(head[1] & 0x7f)];
        input.read_exact(&mut payload)?;
        match head[0] & 0x0f {
            OPCODE_PING => {
                for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
                    *byte ^= mask;
                }
                let mut pong = vec![PONG, head[1] & 0x7f];
                pong.extend(payload);
                lock(output).write_all(&pong)?;
            }
            OPCODE_CLOSE => return lock(output).shutdown(std::net::Shutdown::Both),
            _ => {}
        }
    }
}
