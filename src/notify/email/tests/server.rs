//! A mail server: the other side of SMTP (RFC 5321), with STARTTLS (RFC 3207) and AUTH
//! PLAIN (RFC 4954), written from those and from nothing of ours.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::notify::testing::own_tls;

/// How it behaves.
#[derive(Debug, Clone, Default)]
pub struct Manners {
    /// TLS from the first byte on.
    pub implicit_tls: bool,
    /// Offers STARTTLS.
    pub starttls: bool,
    /// Takes mail only from this user with this password.
    pub login: Option<(&'static str, &'static str)>,
    /// Answers MAIL with this instead.
    pub on_mail: Option<String>,
    /// Refuses this receiver.
    pub refuses: Option<&'static str>,
    /// Says nothing after the greeting.
    pub is_silent: bool,
}

/// A mail that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    pub data: String,
    pub was_encrypted: bool,
}

pub struct Server {
    pub port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
    commands: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Listens on loopback and writes its certificate, for `localhost`, to `ca_file`.
    pub async fn start(manners: Manners, ca_file: &Path) -> Self {
        let acceptor = own_tls(ca_file);
        let listener = TcpListener::bind("localhost:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (mails, commands) = <(Arc<Mutex<Vec<Mail>>>, Arc<Mutex<Vec<String>>>)>::default();
        let (taken, heard) = (Arc::clone(&mails), Arc::clone(&commands));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut sessions = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let session = Session {
                    manners: manners.clone(),
                    acceptor: acceptor.clone(),
                    mails: Arc::clone(&taken),
                    commands: Arc::clone(&heard),
                };
                sessions.spawn(session.serve(socket));
            }
        });
        Self {
            port,
            mails,
            commands,
            _tasks: tasks,
        }
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().expect("unharmed").clone()
    }

    /// What clients said.
    pub fn commands(&self) -> Vec<String> {
        self.commands.lock().expect("unharmed").clone()
    }
}

struct Session {
    manners: Manners,
    acceptor: TlsAcceptor,
    mails: Arc<Mutex<Vec<Mail>>>,
    commands: Arc<Mutex<Vec<String>>>,
}

impl Session {
    async fn serve(self, socket: TcpStream) {
        if self.manners.implicit_tls {
            if let Ok(stream) = self.acceptor.accept(socket).await {
                self.talk(stream, true, true).await;
            }
        } else if let Some(socket) = self.talk(socket, false, true).await
            && let Ok(stream) = self.acceptor.accept(socket).await
        {
            self.talk(stream, true, false).await;
        }
    }

    /// Talks until the client is gone; returns the stream when TLS is to begin on it.
    async fn talk<S>(&self, stream: S, is_encrypted: bool, greets: bool) -> Option<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut stream = BufReader::new(stream);
        if greets {
            say(&mut stream, "220 mail.example ESMTP").await?;
        }
        let (mut has_login, mut from, mut to) = (false, String::new(), Vec::new());
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_owned();
            self.commands.lock().expect("unharmed").push(line.clone());
            if self.manners.is_silent {
                std::future::pending::<()>().await;
            }
            let verb = line
                .split([' ', ':'])
                .next()
                .unwrap_or_default()
                .to_ascii_uppercase();
            let may_send = self.manners.login.is_none() || has_login;
            let answer = match verb.as_str() {
                "EHLO" => {
                    let mut answer = "250-mail.example\r\n".to_owned();
                    if self.manners.starttls && !is_encrypted {
                        answer.push_str("250-STARTTLS\r\n");
                    }
                    if self.manners.login.is_some() {
                        answer.push_str("250-AUTH PLAIN\r\n");
                    }
                    answer + "250 8BITMIME"
                }
                "STARTTLS" if self.manners.starttls => {
                    say(&mut stream, "220 go ahead").await?;
                    return Some(stream.into_inner());
                }
                "AUTH" => {
                    let given = line.strip_prefix("AUTH PLAIN ").unwrap_or_default();
                    let wanted = self.manners.login.map(|(user, password)| {
                        BASE64_STANDARD.encode(format!("\0{user}\0{password}"))
                    });
                    has_login = wanted.as_deref() == Some(given);
                    if has_login {
                        "235 welcome".to_owned()
                    } else {
                        // Some servers repeat what they were sent.
                        format!("535 5.7.8 bad credentials {given}")
                    }
                }
                "MAIL" if !may_send => "530 5.7.0 log in first".to_owned(),
                "MAIL" => {
                    from = address(&line);
                    let answer = self.manners.on_mail.as_deref();
                    answer.unwrap_or("250 fine").to_owned()
                }
                "RCPT" if self.manners.refuses == Some(address(&line).as_str()) => {
                    "550 5.1.1 nobody of that name".to_owned()
                }
                "RCPT" => {
                    to.push(address(&line));
                    "250 fine".to_owned()
                }
                "DATA" if to.is_empty() => "503 for whom?".to_owned(),
                "DATA" => {
                    say(&mut stream, "354 go ahead").await?;
                    let data = letter(&mut stream).await?;
                    self.mails.lock().expect("unharmed").push(Mail {
                        from: std::mem::take(&mut from),
                        to: std::mem::take(&mut to),
                        data,
                        was_encrypted: is_encrypted,
                    });
                    "250 taken".to_owned()
                }
                "QUIT" => {
                    say(&mut stream, "221 bye").await?;
                    return None;
                }
                "RSET" | "NOOP" => "250 fine".to_owned(),
                _ => "502 what?".to_owned(),
            };
            say(&mut stream, &answer).await?;
        }
    }
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, line: &str) -> Option<()> {
    stream
        .write_all(format!("{line}\r\n").as_bytes())
        .await
        .ok()?;
    stream.flush().await.ok()
}

/// Between the angle brackets.
fn address(line: &str) -> String {
    let inner = line
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    inner
        .map(|(address, _)| address.to_owned())
        .unwrap_or_default()
}

/// Up to the lone dot, with dots doubled at the beginning of lines undone.
async fn letter<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line == ".\r\n" {
            return Some(data);
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
