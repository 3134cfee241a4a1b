//! The sim's archive seen by others: plain HTTP, and another library's zip reader.

use std::io::{Cursor, Read as _};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::scene::*;

const PATH: &str = "/data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2025-01-01.zip";

/// The head and the body of an answer.
async fn get(scene: &Scene, path: &str, headers: &str) -> (String, Vec<u8>) {
    let mut socket = TcpStream::connect(scene.server.addr())
        .await
        .expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\n{headers}\r\n");
    socket.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.expect("an answer");
    let end = memchr::memmem::find(&answer, b"\r\n\r\n").expect("a head");
    let body = answer.split_off(end + 4);
    (
        String::from_utf8(answer).expect("text").to_lowercase(),
        body,
    )
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in {head}"))
}

#[tokio::test]
async fn a_zip_holds_the_csv_of_its_day_and_the_checksum_is_its() {
    let scene = Scene::new().await;
    let (head, zip) = get(&scene, PATH, "").await;
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    let (_, checksum) = get(&scene, &format!("{PATH}.CHECKSUM"), "").await;
    let digest = <sha2::Sha256 as sha2::Digest>::digest(&zip);
    let digits: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let digits = digits.concat();
    let expected = format!("{digits}  {DAY_1}\n");
    assert_eq!(String::from_utf8(checksum).expect("text"), expected);
    let mut zip = zip::ZipArchive::new(Cursor::new(zip)).expect("a zip");
    let mut csv = Vec::new();
    let mut member = zip.by_index(0).expect("a file");
    member.read_to_end(&mut csv).expect("its content");
    let mut tape = Vec::new();
    let count = TRADES_PER_DAY as u64;
    let written = scene
        .server
        .tape()
        .write_csv("BTCUSDT", FIRST_ID, count, &mut tape);
    assert_eq!(written.expect("written"), count);
    assert!(csv == tape);
}

#[tokio::test]
async fn parts_are_served_to_those_who_have_the_same_version() {
    let scene = Scene::new().await;
    let (head, zip) = get(&scene, PATH, "").await;
    let all = zip.len();
    assert_eq!(header(&head, "accept-ranges"), "bytes");
    let etag = header(&head, "etag").to_owned();
    for condition in [String::new(), format!("if-range: {etag}\r\n")] {
        let headers = format!("range: bytes=1000-\r\n{condition}");
        let (head, part) = get(&scene, PATH, &headers).await;
        assert!(head.starts_with("http/1.1 206 "), "{head}");
        let range = format!("bytes 1000-{}/{all}", all - 1);
        assert_eq!(header(&head, "content-range"), range);
        assert!(part == zip[1000..]);
    }
    let (head, part) = get(&scene, PATH, "range: bytes=10-19\r\n").await;
    assert_eq!(header(&head, "content-length"), "10");
    assert_eq!(part, zip[10..20]);
    let other = "range: bytes=1000-\r\nif-range: \"another\"\r\n";
    let (head, whole) = get(&scene, PATH, other).await;
    assert!(head.starts_with("http/1.1 200 ") && whole == zip, "{head}");
    let (head, _) = get(&scene, PATH, &format!("range: bytes={all}-\r\n")).await;
    assert!(head.starts_with("http/1.1 416 "), "{head}");
    assert_eq!(header(&head, "content-range"), format!("bytes */{all}"));
}
