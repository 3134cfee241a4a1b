//! A way to a server on which everything can go wrong that goes wrong on networks.
//!
//! It passes bytes on and understands none of them. What it is told to do holds until it is
//! told something else.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::task::AbortOnDropHandle;

use super::error::ProbeError;

mod spec;

pub use spec::{WAYS, WaySpec};

/// How much is passed on at once.
const BLOCK_BYTES: usize = 16 * 1024;
/// How many blocks of a direction may be under way.
const BLOCKS_UNDER_WAY: usize = 1024;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 128;

/// What the way does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It passes everything on.
    Open,
    /// Connections that stand end in order, and so do new ones.
    Fin,
    /// Connections that stand are reset, and so are new ones.
    Rst,
    /// On connections that stand nothing passes; new ones work.
    HalfOpen,
    /// On connections that stand nothing of what the client sends arrives; new ones work.
    Deaf,
    /// On connections that stand nothing of what the server sends arrives; new ones work.
    Mute,
    /// Connections that stand are reset; new ones are taken, and nobody answers.
    Blackhole,
    /// Connections that stand are reset; on new ones everything is late by so much.
    SlowHandshake {
        /// By how much.
        delay: Duration,
    },
    /// Everything is late by so much, in both directions.
    Latency {
        /// By how much.
        delay: Duration,
    },
    /// No more than so many bytes pass in a second, in each direction of a connection.
    Bandwidth {
        /// How many.
        bytes_per_second: u64,
    },
}

impl Way {
    /// Whether connections that were there before end when it is set.
    fn ends(self) -> bool {
        matches!(
            self,
            Self::Fin | Self::Rst | Self::Blackhole | Self::SlowHandshake { .. }
        )
    }

    /// Whether connections that were there before pass nothing on in this direction.
    fn holds(self, direction: Direction) -> bool {
        match self {
            Self::HalfOpen => true,
            Self::Deaf => direction == Direction::ToServer,
            Self::Mute => direction == Direction::ToClient,
            _ => false,
        }
    }
}

/// What it does, and how often it was told something else before: a connection knows by that
/// whether it was there before.
#[derive(Debug, Clone, Copy)]
struct Order {
    way: Way,
    number: u64,
    /// How often connections were reset by [`Relay::cut`].
    cuts: u64,
}

/// A listener that passes connections on to a server.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    order: watch::Sender<Order>,
    _serving: AbortOnDropHandle<()>,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

impl Relay {
    /// Listens on a port of its own.
    ///
    /// # Errors
    /// When there is none.
    pub fn to(server: SocketAddr) -> Result<Self, ProbeError> {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)), server)
    }

    /// Listens at this address.
    ///
    /// # Errors
    /// When it is not to be had.
    pub fn at(address: SocketAddr, server: SocketAddr) -> Result<Self, ProbeError> {
        let listen = || {
            let socket = match address {
                SocketAddr::V4(_) => TcpSocket::new_v4()?,
                SocketAddr::V6(_) => TcpSocket::new_v6()?,
            };
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let listener = socket.listen(BACKLOG)?;
            Ok((listener.local_addr()?, listener))
        };
        let (address, listener) = listen().map_err(ProbeError::Listen)?;
        let order = watch::Sender::new(Order {
            way: Way::Open,
            number: 0,
            cuts: 0,
        });
        let serving = tokio::spawn(serve(listener, server, order.clone()));
        Ok(Self {
            address,
            order,
            _serving: AbortOnDropHandle::new(serving),
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Does this from now on.
    pub fn set(&self, way: Way) {
        self.order.send_modify(|order| {
            order.way = way;
            order.number += 1;
        });
    }

    /// Resets the connections that stand; new ones are treated as before.
    pub fn cut(&self) {
        self.order.send_modify(|order| order.cuts += 1);
    }
}

async fn serve(listener: TcpListener, server: SocketAddr, order: watch::Sender<Order>) {
    let mut passing = Vec::new();
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Too many files are open; those that end make room.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        passing.retain(|task: &AbortOnDropHandle<()>| !task.is_finished());
        let task = tokio::spawn(pass(client, server, order.subscribe()));
        passing.push(AbortOnDropHandle::new(task));
    }
}

/// Passes one connection on until it ends, or is ended.
async fn pass(mut client: TcpStream, server: SocketAddr, mut order: watch::Receiver<Order>) {
    let born = *order.borrow_and_update();
    match born.way {
        Way::Fin => return,
        Way::Rst => return end_with_reset(&client),
        Way::Blackhole => {
            // Nobody answers; who waits decides for how long.
            let healed = order.wait_for(|order| order.number != born.number).await;
            drop(healed);
            return end_with_reset(&client);
        }
        _ => {}
    }
    let Ok(mut server) = TcpStream::connect(server).await else {
        return end_with_reset(&client);
    };
    // What cannot be set costs time, and nothing else.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let is_struck =
        |now: &Order| now.cuts != born.cuts || (now.number != born.number && now.way.ends());
    let how = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let way = |direction| Lane {
            order: order.clone(),
            born,
            direction,
        };
        let up = way(Direction::ToServer).run(from_client, to_server);
        let down = way(Direction::ToClient).run(from_server, to_client);
        tokio::select! {
            now = order.wait_for(is_struck) => match now {
                Ok(now) if now.cuts != born.cuts => Way::Rst,
                Ok(now) => now.way,
                // The relay is gone.
                Err(_) => Way::Fin,
            },
            ends = async { tokio::join!(up, down) } => match ends {
                // Both sides have closed in order, and each was told.
                (Ok(()), Ok(())) => return,
                _ => Way::Rst,
            },
        }
    };
    if how != Way::Fin {
        end_with_reset(&client);
        end_with_reset(&server);
    }
}

/// When it is dropped, the other side gets a reset.
fn end_with_reset(stream: &TcpStream) {
    // Without it the end is an orderly one, which is bad enough.
    let _ = stream.set_zero_linger();
}

/// One direction of a connection.
struct Lane {
    order: watch::Receiver<Order>,
    /// What the relay did when the connection was made.
    born: Order,
    direction: Direction,
}

/// Bytes on their way, and when they may arrive.
type Block = (Instant, Vec<u8>);

impl Lane {
    async fn run(self, from: ReadHalf<'_>, to: WriteHalf<'_>) -> io::Result<()> {
        let (sender, blocks) = mpsc::channel(BLOCKS_UNDER_WAY);
        let reading = read(from, sender, self.order.clone());
        let (read, written) = tokio::join!(reading, self.write(to, blocks));
        read.and(written)
    }

    /// Hands on what was read, when its time has come.
    async fn write(
        mut self,
        mut to: WriteHalf<'_>,
        mut blocks: mpsc::Receiver<Block>,
    ) -> io::Result<()> {
        while let Some((due, block)) = blocks.recv().await {
            sleep_until(due).await;
            let (born, direction) = (self.born, self.direction);
            // What is held up arrives when the way is free again, as with a cable that is
            // plugged in again.
            let passes = |now: &Order| now.number == born.number || !now.way.holds(direction);
            let now = self.order.wait_for(passes).await.map(|now| now.way);
            if let Ok(Way::Bandwidth { bytes_per_second }) = now {
                let seconds = block.len() as f64 / bytes_per_second.max(1) as f64;
                sleep(Duration::from_secs_f64(seconds)).await;
            }
            to.write_all(&block).await?;
        }
        to.shutdown().await
    }
}

/// Reads until the end, and says when each block may arrive.
async fn read(
    mut from: ReadHalf<'_>,
    blocks: mpsc::Sender<Block>,
    order: watch::Receiver<Order>,
) -> io::Result<()> {
    loop {
        let mut block = Vec::with_capacity(BLOCK_BYTES);
        if from.read_buf(&mut block).await? == 0 {
            return Ok(());
        }
        let delay = match order.borrow().way {
            Way::Latency { delay } | Way::SlowHandshake { delay } => delay,
            _ => Duration::ZERO,
        };
        if blocks.send((Instant::now() + delay, block)).await.is_err() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No step of a test may take longer.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// A server that sends back what it gets, behind a relay.
    async fn echo() -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        Relay::to(address).expect("a relay")
    }

    async fn connect(relay: &Relay) -> TcpStream {
        TcpStream::connect(relay.address()).await.expect("taken")
    }

    async fn echoes(stream: &mut TcpStream) -> io::Result<u8> {
        let exchange = async {
            stream.write_all(b"x").await?;
            stream.read_u8().await
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .expect("in time")
    }

    /// Whether nothing comes back within a while.
    async fn is_mute(stream: &mut TcpStream) -> bool {
        let waiting = tokio::time::timeout(Duration::from_millis(100), stream.read_u8());
        waiting.await.is_err()
    }

    #[tokio::test]
    async fn a_cut_ends_what_stands_and_what_comes_until_it_is_healed() {
        let relay = echo().await;
        for (way, kind) in [
            (Way::Fin, io::ErrorKind::UnexpectedEof),
            (Way::Rst, io::ErrorKind::ConnectionReset),
        ] {
            let mut stream = connect(&relay).await;
            assert_eq!(echoes(&mut stream).await.expect("an echo"), b'x');
            relay.set(way);
            let ended = stream.read_u8().await.expect_err("an end");
            assert_eq!(ended.kind(), kind);
            let mut late = connect(&relay).await;
            assert!(echoes(&mut late).await.is_err(), "{way:?}");
            relay.set(Way::Open);
            assert!(echoes(&mut connect(&relay).await).await.is_ok());
        }
    }

    #[tokio::test]
    async fn a_cut_resets_what_stands_and_nothing_else() {
        let relay = echo().await;
        let mut stream = connect(&relay).await;
        assert!(echoes(&mut stream).await.is_ok());
        relay.cut();
        let ended = stream.read_u8().await.expect_err("an end");
        assert_eq!(ended.kind(), io::ErrorKind::ConnectionReset);
        assert!(echoes(&mut connect(&relay).await).await.is_ok());
    }

    #[tokio::test]
    async fn a_half_open_connection_stands_mute_while_new_ones_work() {
        let relay = echo().await;
        for way in [Way::HalfOpen, Way::Deaf, Way::Mute] {
            let mut stream = connect(&relay).await;
            assert!(echoes(&mut stream).await.is_ok());
            relay.set(way);
            stream.write_all(b"x").await.expect("it stands");
            assert!(is_mute(&mut stream).await, "{way:?}");
            assert!(echoes(&mut connect(&relay).await).await.is_ok());
            relay.set(Way::Open);
            assert_eq!(stream.read_u8().await.expect("late, but here"), b'x');
        }
    }

    #[tokio::test]
    async fn a_blackhole_takes_connections_and_never_answers() {
        let relay = echo().await;
        let mut before = connect(&relay).await;
        assert!(echoes(&mut before).await.is_ok());
        relay.set(Way::Blackhole);
        assert!(before.read_u8().await.is_err());
        let mut stream = connect(&relay).await;
        stream.write_all(b"x").await.expect("taken");
        assert!(is_mute(&mut stream).await);
    }

    #[tokio::test]
    async fn latency_delays_each_block_and_none_behind_another() {
        let relay = echo().await;
        let mut stream = connect(&relay).await;
        assert!(echoes(&mut stream).await.is_ok());
        let delay = Duration::from_millis(300);
        relay.set(Way::Latency { delay });
        let begun = Instant::now();
        for _ in 0..10 {
            stream.write_all(b"x").await.expect("written");
            sleep(Duration::from_millis(10)).await;
        }
        let mut all = [0; 10];
        stream.read_exact(&mut all).await.expect("all of it");
        let took = begun.elapsed();
        // Twice the delay, there and back; one behind the other would be twenty times.
        assert!(took >= 2 * delay && took < 15 * delay, "{took:?}");
    }
}
