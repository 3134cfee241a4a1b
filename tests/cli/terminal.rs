//! `collect` on a terminal: a real one, by way of a pseudo-terminal.

#![allow(
    clippy::disallowed_methods,
    reason = "what a process takes is measured on a real clock"
)]

use std::{
    ffi::OsStr,
    fs::File,
    io::Read as _,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    process::Stdio,
    sync::mpsc::{Receiver, sync_channel},
    thread,
    time::Instant,
};

use rustix::{
    process::Signal,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Termios, Winsize, tcgetattr, tcsetwinsize},
};

use super::{
    common::{PATIENCE, process::Process},
    home::{Home, STOP, at, exchange},
};

/// Both ends of a terminal.
struct Terminal {
    /// What the program sees.
    inner: File,
    /// What the person sees.
    outer: OwnedFd,
}

impl Terminal {
    fn new(columns: u16, rows: u16) -> Self {
        let outer = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&outer).expect("granted");
        unlockpt(&outer).expect("unlocked");
        let name = ptsname(&outer, Vec::new()).expect("a name");
        let inner = File::options()
            .read(true)
            .write(true)
            .open(OsStr::from_bytes(name.to_bytes()))
            .expect("the terminal");
        let terminal = Self { inner, outer };
        terminal.resize(columns, rows);
        terminal
    }

    fn resize(&self, columns: u16, rows: u16) {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&self.outer, size).expect("resized");
    }

    fn modes(&self) -> String {
        let modes: Termios = tcgetattr(&self.inner).expect("modes");
        format!("{modes:?}")
    }

    fn stdio(&self) -> Stdio {
        self.inner.try_clone().expect("a handle").into()
    }

    /// Runs a collector on it.
    fn collect(&self, home: &Home, line: &str) -> Process {
        self.run(home, &format!("collect {line}"))
    }

    fn run(&self, home: &Home, line: &str) -> Process {
        let child = home
            .command(line)
            .env("TERM", "xterm")
            .stdin(self.stdio())
            .stdout(self.stdio())
            .stderr(self.stdio())
            .spawn();
        Process(child.expect("it starts"))
    }

    /// What is drawn, as it comes.
    fn read(&self) -> Receiver<Vec<u8>> {
        let outer = self.outer.as_fd().try_clone_to_owned().expect("a handle");
        let mut outer = File::from(outer);
        let (sender, receiver) = sync_channel(100_000);
        thread::Builder::new()
            .spawn(move || {
                let mut bytes = vec![0; 1 << 16];
                while let Ok(size) = outer.read(&mut bytes) {
                    if size == 0 || sender.try_send(bytes[..size].to_vec()).is_err() {
                        break;
                    }
                }
            })
            .expect("a thread");
        receiver
    }
}

/// Reads until `enough` of the text, all of which is returned.
fn read_until(drawn: &Receiver<Vec<u8>>, enough: impl Fn(&str) -> bool) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if enough(&text) {
            return text;
        }
        let more = drawn.recv_timeout(PATIENCE);
        bytes.extend(more.unwrap_or_else(|_| panic!("in vain: {text}")));
    }
}

/// The lines of frames: each is erased to its end and goes to the next.
fn frame_lines(text: &str) -> Vec<&str> {
    let lines = text.split("\u{1b}[K\r\n");
    let mut lines: Vec<&str> = lines
        .map(|line| line.rsplit(['\n', '\r', 'A', 'J']).next().unwrap_or(line))
        .collect();
    // What follows the last end is no line.
    lines.pop();
    lines
}

/// How far frames move up.
fn moves_up(text: &str) -> Vec<usize> {
    let parts = text.split("\r\u{1b}[").skip(1);
    parts
        .filter_map(|part| part.split_once('A')?.0.parse().ok())
        .collect()
}

#[test]
fn the_live_table_stays_within_the_terminal_and_leaves_it_as_it_was() {
    let home = Home::new();
    let terminal = Terminal::new(80, 24);
    let before = terminal.modes();
    let drawn = terminal.read();
    let symbols: Vec<String> = (0..32).map(|n| format!("c{n:02}usdt")).collect();
    let line = format!(
        "{} --exchange sim --sim-history 100 --sim-trades-per-day 5000 \
         -t 25,50,100,250,500,750,1000,2000",
        symbols.join(" ")
    );
    let mut process = terminal.collect(&home, &line);
    let is_drawn = |text: &str| text.matches("more: ").count() >= 3;
    let wide = read_until(&drawn, is_drawn);
    assert!(wide.contains("C00USDT"), "{wide}");
    for line in frame_lines(&wide) {
        assert!(line.chars().count() <= 80, "{line:?}");
    }
    assert!(moves_up(&wide).iter().all(|&rows| rows <= 23), "{wide:?}");

    terminal.resize(50, 8);
    // Frames may have been on their way; one that is drawn over seven lines is not.
    let mark = "\r\u{1b}[7A";
    let narrow = read_until(&drawn, |text| text.matches(mark).count() >= 3);
    let narrow = &narrow[narrow.find(mark).expect("a frame")..];
    for line in frame_lines(narrow) {
        assert!(line.chars().count() <= 50, "{line:?}");
    }
    assert!(moves_up(narrow).iter().all(|&rows| rows <= 7), "{narrow:?}");
    assert!(narrow.contains("more: "), "{narrow:?}");

    process.signal(Signal::INT);
    let last = read_until(&drawn, |text| text.contains(" rows delivered; "));
    assert_eq!(process.wait().code(), Some(130));
    let summary = last.find("collected for ").expect("a summary");
    let erased = last[..summary]
        .rfind("\u{1b}[J")
        .expect("the table is erased");
    assert!(!last[erased..summary].contains("USDT"), "{last:?}");
    assert!(!last[summary..].contains('\u{1b}'), "{last:?}");
    assert!(!(wide + &last).contains("\u{1b}[?"), "no mode is changed");
    assert_eq!(terminal.modes(), before);
}

#[test]
fn a_terminal_that_is_paused_stalls_nothing() {
    let (home, sim) = (Home::new(), exchange());
    let terminal = Terminal::new(80, 24);
    let begun = Instant::now();
    // Nobody looks: soon the terminal takes nothing any more.
    let line = format!("BTCUSDT {} --for 2s -vvv", at(&sim));
    let mut process = terminal.collect(&home, &line);
    let code = process.wait().code();
    // Its summary could not be shown either.
    assert_eq!(code, Some(1));
    assert!(begun.elapsed() < STOP, "{:?}", begun.elapsed());
    home.assert_verified("BTCUSDT --exchange probe");
}

#[test]
fn a_status_that_is_watched_is_drawn_over_in_place() {
    let (home, sim) = (Home::new(), exchange());
    home.collect(&format!("BTCUSDT ETHUSDT {} --for 1s", at(&sim)));
    let terminal = Terminal::new(60, 8);
    let before = terminal.modes();
    let drawn = terminal.read();
    // Nobody collects any more: it shows what the store knows.
    let mut process = terminal.run(&home, "status --watch --exchange probe");
    let text = read_until(&drawn, |text| moves_up(text).len() >= 2);
    assert!(text.contains("wrote into the store"), "{text:?}");
    assert!(text.contains("ended"), "{text:?}");
    for line in frame_lines(&text) {
        assert!(line.chars().count() <= 60, "{line:?}");
    }
    let rows = moves_up(&text);
    assert!(rows.iter().all(|&rows| (1..8).contains(&rows)), "{rows:?}");
    process.signal(Signal::INT);
    assert_eq!(process.wait().code(), Some(130));
    assert_eq!(terminal.modes(), before);
}
