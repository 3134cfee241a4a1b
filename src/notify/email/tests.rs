mod server;

use std::path::Path;

use tempfile::TempDir;
use tokio::time::Instant;

use super::*;
use crate::notify::{
    channel::Remedy,
    testing::{NASTY, PATIENCE, firing, hanging, message, nasty, open, refusing, resolved},
};
use server::{Manners, Server};

const PASSWORD: &str = "hunter2 with spaces";

struct Scene {
    server: Server,
    folder: TempDir,
}

impl Scene {
    async fn new(manners: Manners) -> Self {
        let folder = tempfile::tempdir().expect("a directory");
        let server = Server::start(manners, &folder.path().join("ca.pem")).await;
        Self { server, folder }
    }

    fn channel(&self, tls: &str, more: &str) -> Box<dyn Channel> {
        channel(
            "localhost",
            self.server.port,
            tls,
            Some(self.folder.path()),
            more,
        )
    }
}

fn channel(
    host: &str,
    port: u16,
    tls: &str,
    folder: Option<&Path>,
    more: &str,
) -> Box<dyn Channel> {
    let ca_file = folder.map_or(String::new(), |folder| {
        format!("ca_file = '{}'", folder.join("ca.pem").display())
    });
    let toml = format!(
        "type = 'email'\nhost = '{host}'\nport = {port}\ntls = '{tls}'\n{ca_file}\n{more}\n\
         from = 'Bars <bars@example.org>'\nto = ['ann@example.org', 'Bob <bob@example.org>']"
    );
    open(&toml, &[("PASSWORD", PASSWORD)])
}

const LOGIN: &str = "user = 'bars'\npassword_env = 'PASSWORD'";

const WITH_LOGIN: Option<(&str, &str)> = Some(("bars", PASSWORD));

#[tokio::test]
async fn mail_arrives_over_each_kind_of_connection() {
    for (tls, manners) in [
        ("none", Manners::default()),
        (
            "starttls",
            Manners {
                starttls: true,
                login: WITH_LOGIN,
                ..Manners::default()
            },
        ),
        (
            "implicit",
            Manners {
                implicit_tls: true,
                login: WITH_LOGIN,
                ..Manners::default()
            },
        ),
    ] {
        let scene = Scene::new(manners).await;
        let login = if tls == "none" { "" } else { LOGIN };
        let channel = scene.channel(tls, login);
        channel
            .send(&message(vec![firing()]), PATIENCE)
            .await
            .expect(tls);
        let mails = scene.server.mails();
        assert_eq!(mails.len(), 1, "{tls}");
        assert_eq!(mails[0].from, "bars@example.org");
        assert_eq!(mails[0].to, ["ann@example.org", "bob@example.org"]);
        assert_eq!(mails[0].was_encrypted, tls != "none");
        let data = &mails[0].data;
        for part in [
            "From: Bars <bars@example.org>\r\n",
            "To: ann@example.org, Bob <bob@example.org>\r\n",
            "Subject: CRITICAL: BTCUSDT: ",
            "Auto-Submitted: auto-generated\r\n",
            "Date: Fri, 02 Jan 2026 03:04:05 +0000\r\n",
            "last id here 41, at the exchange 77\r\n",
            "what to do: look at the log\r\n",
        ] {
            assert!(data.contains(part), "{part}: {data}");
        }
    }
}

/// The value of a header.
fn header_of(data: &str, name: &str) -> String {
    let (_, rest) = data.split_once(&format!("{name}: ")).expect(name);
    rest.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_recovery_follows_its_alert_in_one_thread_and_a_letter_sent_again_is_the_same() {
    let scene = Scene::new(Manners::default()).await;
    let channel = scene.channel("none", "");
    for notice in [firing(), firing(), resolved()] {
        channel
            .send(&message(vec![notice]), PATIENCE)
            .await
            .expect("sent");
    }
    let mails = scene.server.mails();
    let header = |number: usize, name| header_of(&mails[number].data, name);
    assert_eq!(mails[0].data, mails[1].data);
    assert_ne!(header(0, "Message-ID"), header(2, "Message-ID"));
    assert_eq!(header(0, "References"), header(2, "References"));
}

#[tokio::test]
async fn nasty_text_makes_no_header_and_ends_no_letter() {
    let scene = Scene::new(Manners::default()).await;
    let channel = scene.channel("none", "");
    let mut notice = nasty();
    notice.subject = Some("x\r\nBcc: eve@example.org\r\n\r\n.\r\nQUIT".to_owned());
    notice.detail = format!(".\r\n.\r\n{NASTY}");
    channel
        .send(&message(vec![notice; 3]), PATIENCE)
        .await
        .expect("sent");
    let mails = scene.server.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to.len(), 2);
    let (headers, _) = mails[0]
        .data
        .split_once("\r\n\r\n")
        .expect("headers and a body");
    assert!(
        !headers.lines().any(|line| line.starts_with("Bcc")),
        "{headers}"
    );
    assert!(
        headers.contains("Content-Type: text/plain; charset=utf-8"),
        "{headers}"
    );
}

#[tokio::test]
async fn without_encryption_nothing_is_sent_to_whoever_wants_it() {
    // The server offers no STARTTLS.
    let scene = Scene::new(Manners {
        login: WITH_LOGIN,
        ..Manners::default()
    })
    .await;
    let channel = scene.channel("starttls", LOGIN);
    let error = channel
        .send(&message(vec![firing()]), PATIENCE)
        .await
        .expect_err("refused");
    assert!(error.is_permanent(), "{error}");
    assert!(scene.server.mails().is_empty());
    let said = scene.server.commands().join("\n");
    assert!(!said.contains("AUTH") && !said.contains("MAIL"), "{said}");
}

#[tokio::test]
async fn a_certificate_of_nobody_is_not_trusted() {
    let scene = Scene::new(Manners {
        implicit_tls: true,
        ..Manners::default()
    })
    .await;
    let channel = channel("localhost", scene.server.port, "implicit", None, "");
    let error = channel
        .send(&message(vec![firing()]), PATIENCE)
        .await
        .expect_err("refused");
    assert!(error.what.contains("certificate"), "{error}");
    assert!(scene.server.mails().is_empty());
}

#[tokio::test]
async fn what_lasts_is_told_from_what_passes() {
    for (answer, is_permanent) in [
        ("451 4.3.0 try later", false),
        ("421 4.3.2 going down", false),
        ("550 5.7.1 not from here", true),
    ] {
        let scene = Scene::new(Manners {
            on_mail: Some(answer.to_owned()),
            ..Manners::default()
        })
        .await;
        let channel = scene.channel("none", "");
        let sent = channel.send(&message(vec![firing()]), PATIENCE).await;
        let error = sent.expect_err(answer);
        assert_eq!(error.is_permanent(), is_permanent, "{error}");
        assert!(error.what.contains(&answer[4..]), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_password_lasts_and_is_not_repeated() {
    let scene = Scene::new(Manners {
        starttls: true,
        login: Some(("bars", "another")),
        ..Manners::default()
    })
    .await;
    let channel = scene.channel("starttls", LOGIN);
    let error = channel
        .send(&message(vec![firing()]), PATIENCE)
        .await
        .expect_err("refused");
    assert!(error.is_permanent(), "{error}");
    assert_eq!(error.hint, "check user and password");
    let plain = BASE64_STANDARD.encode(format!("\0bars\0{PASSWORD}"));
    let everything = format!("{error} {error:?}");
    // The server did repeat it.
    assert!(scene.server.commands().join("\n").contains(&plain));
    assert!(everything.contains("bad credentials ***"), "{everything}");
    assert!(
        !everything.contains("hunter2") && !everything.contains(&plain),
        "{everything}"
    );
}

#[tokio::test]
async fn one_receiver_who_is_refused_does_not_silence_the_others() {
    let scene = Scene::new(Manners {
        refuses: Some("ann@example.org"),
        ..Manners::default()
    })
    .await;
    let channel = scene.channel("none", "");
    channel
        .send(&message(vec![firing()]), PATIENCE)
        .await
        .expect("the other one was told");
    let mails = scene.server.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["bob@example.org"]);
}

#[tokio::test]
async fn dead_and_hanging_servers_fail_in_time() {
    let refused = refusing().await;
    let (_, port) = refused.rsplit_once(':').expect("a port");
    let port = port.parse().expect("a port");
    let dead = channel("127.0.0.1", port, "none", None, "");
    let error = dead
        .send(&message(vec![firing()]), PATIENCE)
        .await
        .expect_err("refused");
    assert_eq!(error.remedy, Remedy::Retry { after: None }, "{error}");
    // One that never greets, and one that greets and says nothing more.
    let (_listener, address) = hanging().await;
    let (_, mute) = address.rsplit_once(':').expect("a port");
    let scene = Scene::new(Manners {
        is_silent: true,
        ..Manners::default()
    })
    .await;
    for port in [mute.parse().expect("a port"), scene.server.port] {
        let begun = Instant::now();
        let deadline = Duration::from_millis(300);
        let silent = channel("localhost", port, "none", None, "");
        let error = silent
            .send(&message(vec![firing()]), deadline)
            .await
            .expect_err("silent");
        assert!(begun.elapsed() < Duration::from_secs(3));
        assert_eq!(error.remedy, Remedy::Retry { after: None }, "{error}");
    }
}
