//! A machine to be looked at, and stand-ins for what it talks to.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Output},
    sync::Arc,
    thread,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{
    PATIENCE,
    process::{Sim, run, streamkit, text},
};

/// What nobody listens on.
pub const NOWHERE: &str = "127.0.0.1:1";

/// A home, with nothing in it.
pub struct Scene(TempDir);

impl Scene {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).expect("written");
        self.path(name).display().to_string()
    }

    /// Puts a program that is a shell script before all others of its name.
    pub fn program(&self, name: &str, script: &str) {
        fs::create_dir_all(self.path("bin")).expect("a directory");
        let path = format!("bin/{name}");
        self.write(&path, &format!("#!/bin/sh\n{script}\n"));
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path(&path), executable).expect("permissions");
    }

    /// Words are split at spaces.
    pub fn command(&self, line: &str) -> Command {
        let mut command = streamkit();
        self.at_home(&mut command);
        command.args(line.split(' '));
        command
    }

    /// Gives a command this home, and programs in it.
    pub fn at_home(&self, command: &mut Command) {
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("HOME", self.0.path())
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("PATH", format!("{}:{path}", self.path("bin").display()));
    }

    pub fn doctor(&self, line: &str) -> Found {
        Found::of(&run(&mut self.command(&format!("doctor {line} -o json"))))
    }
}

/// What the doctor found.
pub struct Found {
    pub code: Option<i32>,
    pub checks: Vec<Value>,
    pub told: String,
}

impl Found {
    pub fn of(output: &Output) -> Self {
        let told = text(&output.stdout) + &text(&output.stderr);
        let json: Value = serde_json::from_slice(&output.stdout).expect(&told);
        assert_eq!(json["version"], 1);
        Self {
            code: output.status.code(),
            checks: json["checks"].as_array().expect("checks").clone(),
            told,
        }
    }

    fn check(&self, name: &str) -> &Value {
        let mut checks = self.checks.iter();
        let check = checks.find(|check| check["name"] == name);
        check.unwrap_or_else(|| panic!("{name:?} in {}", self.told))
    }

    /// Asserts what came of a check.
    #[track_caller]
    pub fn is(&self, name: &str, result: &str) {
        assert_eq!(self.check(name)["result"], result, "{name}: {}", self.told);
    }

    /// Asserts that a check failed, with these words, and with these in the remedy.
    #[track_caller]
    pub fn fails(&self, name: &str, found: &str, remedy: &str) {
        assert_eq!(self.code, Some(1), "{}", self.told);
        self.is(name, "failed");
        let check = self.check(name);
        for (key, words) in [("found", found), ("remedy", remedy)] {
            let told = check[key].as_str().expect("a sentence");
            assert!(told.contains(words), "{words:?} in {key}: {told}");
        }
    }
}

/// An exchange by the wall clock.
pub fn exchange() -> Sim {
    Sim::start(&["--seed", "5"], &["--symbols", "BTCUSDT"])
}

/// The options that name an exchange in two halves.
pub fn at(ws: &str, rest: &str) -> String {
    format!("--exchange probe --ws-url {ws} --rest-url {rest}")
}

/// Answers every connection on a thread of its own.
fn serve(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = Arc::new(answer);
    thread::Builder::new()
        .spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let answer = Arc::clone(&answer);
                let _ = stream.set_read_timeout(Some(PATIENCE));
                let _ = thread::Builder::new().spawn(move || answer(stream));
            }
        })
        .expect("a thread");
    address
}

/// Requests whose every answer is this time, in µs.
pub fn rest_at(time_us: i64) -> String {
    let address = serve(move |mut stream| {
        let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|length| length > 2) {
            line.clear();
        }
        let body = format!("{{\"serverTime\":{time_us}}}");
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close");
        let _ = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes());
    });
    format!("http://{address}")
}

/// Takes connections and says nothing until they are closed.
pub fn silent() -> SocketAddr {
    serve(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    })
}

/// Passes everything on to `server`, with `from` in what is sent replaced by `to`, which is as
/// long.
pub fn rewriting(server: String, from: &'static str, to: &'static str) -> SocketAddr {
    assert_eq!(from.len(), to.len());
    serve(move |mut client| {
        let mut server = TcpStream::connect(&*server).expect("connected");
        let (mut answers, mut back) = (
            server.try_clone().expect("a stream"),
            client.try_clone().expect("a stream"),
        );
        let _ = thread::Builder::new().spawn(move || std::io::copy(&mut answers, &mut back));
        let mut chunk = vec![0; 1 << 16];
        while let Ok(length @ 1..) = client.read(&mut chunk) {
            let mut sent = chunk[..length].to_vec();
            let windows = sent.windows(from.len());
            let found = windows
                .enumerate()
                .find(|(_, part)| *part == from.as_bytes());
            if let Some(place) = found.map(|(place, _)| place) {
                sent[place..place + to.len()].copy_from_slice(to.as_bytes());
            }
            if server.write_all(&sent).is_err() {
                break;
            }
        }
    })
}

/// A server with a certificate for `host` that is good until `year`, and its root in PEM.
pub fn with_certificate(host: &str, year: i32) -> (SocketAddr, String) {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_key = KeyPair::generate().expect("a key");
    let root_certificate = root.self_signed(&root_key).expect("a root");
    let body = BASE64_STANDARD.encode(root_certificate.der());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    let issuer = Issuer::new(root, root_key);
    let mut params = CertificateParams::new(vec![host.to_owned()]).expect("a name");
    params.not_before = date_time_ymd(2019, 1, 1);
    params.not_after = date_time_ymd(year, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a configuration");
    let config = Arc::new(config);
    let address = serve(move |stream| {
        let server = ServerConnection::new(Arc::clone(&config)).expect("a connection");
        let _ = StreamOwned::new(server, stream).read_to_end(&mut Vec::new());
    });
    (address, pem)
}
