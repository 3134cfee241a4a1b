//! What a server answered, as it came over the wire.

/// The head of a response, and the beginning of its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    /// What the server put into `X-ClickHouse-Exception-Code`.
    pub(super) exception_code: Option<i32>,
    /// Whether any header says that it comes from a ClickHouse server.
    pub(super) is_clickhouse: bool,
    /// The beginning of the body as it came, chunk sizes included; empty when the body is.
    pub(super) body: String,
}

impl Answer {
    pub(super) fn parse(mut bytes: &[u8]) -> Option<Self> {
        loop {
            let end = memchr::memmem::find(bytes, b"\r\n\r\n")?;
            let (head, rest) = (&bytes[..end], &bytes[end + 4..]);
            let head = String::from_utf8_lossy(head);
            let mut lines = head.split("\r\n");
            let status: u16 = lines
                .next()?
                .strip_prefix("HTTP/1.")?
                .split(' ')
                .nth(1)?
                .parse()
                .ok()?;
            if (100..200).contains(&status) {
                // An interim response; the one that counts follows.
                bytes = rest;
                continue;
            }
            let mut answer = Self {
                status,
                exception_code: None,
                is_clickhouse: false,
                body: String::new(),
            };
            let mut is_empty = rest.is_empty();
            for (name, value) in lines.filter_map(|line| line.split_once(':')) {
                let (name, value) = (name.to_ascii_lowercase(), value.trim());
                answer.is_clickhouse |= name.starts_with("x-clickhouse-");
                match name.as_str() {
                    "x-clickhouse-exception-code" => answer.exception_code = value.parse().ok(),
                    "content-length" => is_empty |= value == "0",
                    "transfer-encoding" => is_empty |= first_chunk_is_empty(rest),
                    _ => {}
                }
            }
            if !is_empty {
                answer.body = String::from_utf8_lossy(rest).into_owned();
            }
            return Some(answer);
        }
    }
}

/// Whether a chunked body ends before it began: its first chunk has the size zero.
fn first_chunk_is_empty(body: &[u8]) -> bool {
    let line = body.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let size = line.split(|&byte| byte == b';').next().unwrap_or_default();
    !size.is_empty() && size.iter().all(|&digit| digit == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Option<Answer> {
        Answer::parse(text.as_bytes())
    }

    #[test]
    fn a_confirmation_has_no_body_and_the_server_s_headers() {
        for head in [
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n000;x=y\r\n\r\n",
            "Content-Length: 0\r\n\r\n",
            "Connection: close\r\n\r\n",
        ] {
            let text = format!("HTTP/1.1 200 OK\r\nX-ClickHouse-Query-Id: 7\r\n{head}");
            let answer = answer(&text).expect("an answer");
            assert_eq!((answer.status, answer.is_clickhouse), (200, true), "{head}");
            assert_eq!(answer.body, "", "{head}");
        }
    }

    #[test]
    fn a_body_behind_a_200_is_seen_however_little_of_it_came() {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nC\r\n";
        assert_eq!(
            answer(chunked).map(|answer| answer.body),
            Some("1\r\nC\r\n".into())
        );
        let sized = "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nCode: 241. DB";
        let answer = answer(sized).expect("an answer");
        assert_eq!(
            (answer.body.as_str(), answer.is_clickhouse),
            ("Code: 241. DB", false)
        );
    }

    #[test]
    fn the_exception_code_is_read_from_its_header() {
        let text = "HTTP/1.1 500 Internal Server Error\r\nx-clickhouse-exception-code: 241\r\n\
                    Content-Length: 3\r\n\r\nrow";
        let answer = answer(text).expect("an answer");
        assert_eq!((answer.status, answer.exception_code), (500, Some(241)));
    }

    #[test]
    fn an_interim_response_is_no_answer() {
        let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(answer(text).map(|answer| answer.status), Some(503));
        assert_eq!(answer("HTTP/1.1 100 Continue\r\n\r\n"), None);
    }

    #[test]
    fn what_is_no_http_response_is_no_answer() {
        for text in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "SSH-2.0-x\r\n\r\n",
            "HTTP/1.1 x\r\n\r\n",
        ] {
            assert_eq!(answer(text), None, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = Answer::parse(&bytes);
            let mut framed = b"HTTP/1.1 200 OK\r\n".to_vec();
            framed.extend_from_slice(&bytes);
            let _ = Answer::parse(&framed);
        }
    }
}
