use std::io::Write as _;

use proptest::prelude::*;

use super::*;
use crate::domain::price::{Price, Quantity};

fn read(text: &[u8]) -> Result<Tape, CsvError> {
    read_from(text)
}

fn read_from(input: impl Read) -> Result<Tape, CsvError> {
    let mut reader = Reader::new("tape.csv".to_owned(), input);
    let mut tape = Tape::default();
    while reader.read_block(&mut tape.trades)? {
        tape.gaps.extend(reader.gaps());
    }
    tape.first_line = reader.first_line();
    Ok(tape)
}

fn trade(id: i64) -> Trade {
    Trade {
        id,
        price: Price(5_001_400_859_087),
        quantity: Quantity(12_019_569),
        first_trade_id: 3,
        last_trade_id: 5,
        time_us: 1_756_710_002_083_000,
        buyer_is_maker: false,
    }
}

fn line(id: i64) -> String {
    format!("{id},50014.00859087,0.12019569,3,5,1756710002083000,False,True")
}

#[test]
fn every_documented_form_of_a_line_is_the_same_trade() {
    for text in [
        "7,50014.00859087,0.12019569,3,5,1756710002083000,False,True\n",
        "7,50014.00859087,0.12019569,3,5,1756710002083000,False,True",
        "7,50014.00859087,0.12019569,3,5,1756710002083000,false,1\r\n",
        "7,50014.00859087,0.12019569,3,5,1756710002083,0\r\n",
        "7,50014.00859087,0.12019569,3,5,1756710002083,0",
        "7,50014.00859087,0.12019569,3,5,1756710002083,0\n\n\r\n",
        "a,p,q,f,l,T,m\n7,50014.00859087,0.12019569,3,5,1756710002083,False\n",
        "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\r\n7,50014.00859087,0.12019569,3,5,1756710002083,false\r\n",
        "7,00050014.00859087,0000000000.12019569,3,5,1756710002083,0",
    ] {
        let tape = read(text.as_bytes()).expect(text);
        assert_eq!(tape.trades, [trade(7)], "{text}");
        assert_eq!(tape.first_line, if text.starts_with('a') { 2 } else { 1 });
    }
    assert_eq!(read(b"").expect("empty").trades, []);
    assert_eq!(read(b"a,p,q,f,l,T,m").expect("only a header").trades, []);
}

#[test]
fn a_wrong_line_is_named_with_its_field() {
    for (from, to, error) in [
        ("8,", "x8,", "a (aggregate id): it is no whole number: 'x8'"),
        ("8,", ",", "a (aggregate id): it is no whole number"),
        (
            "8,",
            "08,",
            "a (aggregate id): it begins with a needless zero: '08'",
        ),
        ("8,", "-8,", "a (aggregate id): it is no whole number: '-8'"),
        (
            "8,",
            "9223372036854775808,",
            "a (aggregate id): it exceeds 9223372036854775807: '9223372036854775808'",
        ),
        (
            "50014.00859087",
            "50014.",
            "p (price): a digit is missing before or after the point: '50014.'",
        ),
        (
            "50014.00859087",
            " 1",
            "p (price): only digits and one point are allowed: ' 1'",
        ),
        (
            "50014.00859087",
            "92233720369",
            "p (price): the value exceeds 92233720368.54775807: '92233720369'",
        ),
        (
            "0.12019569",
            "0.120195690",
            "q (quantity): more than 8 digits after the point: '0.120195690'",
        ),
        (",3,", ",3.0,", "f (first id): it is no whole number: '3.0'"),
        (
            "1756710002083000",
            "1e15",
            "T (time): it is no whole number: '1e15'",
        ),
        (
            "False",
            "FALSE",
            "m (buyer is maker): it is neither true nor false: 'FALSE'",
        ),
        ("True", "", "M (best match): it is neither true nor false"),
        (
            ",True",
            ",True,",
            "it has 9 columns, 7 or 8 are due: '8,50014.00859087,0.12019569,3,5,1756710002083000,False,True,'",
        ),
        (
            ",False,True",
            "",
            "it has 6 columns, 7 or 8 are due: '8,50014.00859087,0.12019569,3,5,1756710002083000'",
        ),
        (
            "8,",
            "7,",
            "a (aggregate id): the id does not rise after 7: '7'",
        ),
        (
            "8,",
            "1,",
            "a (aggregate id): the id does not rise after 7: '1'",
        ),
    ] {
        let wrong = line(8).replacen(from, to, 1);
        let text = format!("a,p,q,f,l,T,m,M\n{}\n{wrong}\n{}\n", line(7), line(9));
        let found = read(text.as_bytes()).expect_err(&wrong).to_string();
        assert_eq!(found, format!("read tape.csv:3: {error}"), "{wrong}");
    }
    for (from, to, error) in [
        (
            ",3,5,",
            ",6,5,",
            "l (last id): its last individual id 5 is below its first one 6",
        ),
        (
            "50014.00859087",
            "0.0",
            "p (price): its price is not above zero",
        ),
        (
            "1756710002083000",
            "0",
            "T (time): its time 0 is out of range",
        ),
    ] {
        let found = read(line(8).replacen(from, to, 1).as_bytes())
            .expect_err(error)
            .to_string();
        assert!(
            found.starts_with(&format!("read tape.csv:1: {error}: '8,")),
            "{found}"
        );
    }
}

#[test]
fn only_a_header_that_names_the_columns_is_passed_over() {
    for first in [
        "x7,1,1,1,1,1756710002083,True",
        "trades",
        "\u{feff}7,1,1,1,1,1756710002083,1",
    ] {
        let error = read(format!("{first}\n{}", line(8)).as_bytes()).expect_err(first);
        assert!(
            error.to_string().starts_with("read tape.csv:1: "),
            "{error}"
        );
    }
    let error = read(format!("{}\na,p,q,f,l,T,m\n", line(7)).as_bytes()).expect_err("a second");
    assert!(
        error
            .to_string()
            .starts_with("read tape.csv:2: a (aggregate id)"),
        "{error}"
    );
}

#[test]
fn an_empty_line_is_wrong_unless_nothing_follows() {
    let error = read(format!("{}\n\r\n\n{}\n", line(7), line(8)).as_bytes()).expect_err("a hole");
    assert_eq!(error.to_string(), "read tape.csv:2: the line is empty");
}

#[test]
fn ids_left_out_are_reported_and_no_error() {
    let lines: Vec<_> = [5, 6, 9, 10, 20].map(line).into();
    let tape = read(lines.join("\n").as_bytes()).expect("a tape");
    assert_eq!(tape.trades.len(), 5);
    assert_eq!(
        tape.gaps,
        [
            Gap {
                first_id: 7,
                last_id: 8
            },
            Gap {
                first_id: 11,
                last_id: 19
            }
        ]
    );
}

/// Gives a few bytes at a time, as a pipe may.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = self.1 % 13 + 1;
        let length = self.1.min(self.0.len()).min(buffer.len());
        buffer[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

#[test]
fn a_long_file_is_read_in_blocks_and_memory_stays_bounded() {
    let mut text = Vec::new();
    for id in 0..50_000 {
        writeln!(text, "{}", line(id)).expect("written");
    }
    let mut reader = Reader::new("tape.csv".to_owned(), Dribble(&text, 0));
    let (mut block, mut next_id) = (Vec::new(), 0);
    while reader.read_block(&mut block).expect("a block") {
        assert!(block.len() * 60 <= BLOCK_BYTES + 60, "{}", block.len());
        for found in block.drain(..) {
            assert_eq!(found, trade(next_id));
            next_id += 1;
        }
    }
    assert_eq!(next_id, 50_000);

    text.extend_from_slice(b"oops\n");
    let error = read_from(Dribble(&text, 5)).expect_err("a last line");
    assert_eq!(
        error.to_string(),
        "read tape.csv:50001: it has 1 columns, 7 or 8 are due: 'oops'"
    );
}

#[test]
fn a_line_without_end_is_given_up() {
    let text = vec![b'7'; BLOCK_BYTES + 1];
    let error = read(&text).expect_err("too long");
    assert_eq!(
        error.to_string(),
        "read tape.csv:1: the line is longer than 262144 bytes"
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = read_file(Path::new("/nonexistent/tape.csv")).expect_err("no file");
    assert!(
        error
            .to_string()
            .starts_with("read /nonexistent/tape.csv: "),
        "{error}"
    );
}

proptest! {
    #[test]
    fn the_scanner_takes_only_what_the_fields_say(
        line in "[0-9]{1,20},[0-9]{0,12}(\\.[0-9]{0,9})?,[0-9]{0,12}(\\.[0-9]{0,9})?,[0-9]{1,3},[0-9]{1,3},[0-9]{1,17},(True|true|1|False|false|0|T)(,(True|0|x))?",
        damage in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
        end in prop_oneof![Just("\n"), Just("\r\n")],
    ) {
        let mut bytes = line.into_bytes();
        if let Some((at, byte)) = damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let mut padded = bytes.clone();
        padded.extend_from_slice(end.as_bytes());
        padded.extend_from_slice(b"1,1,1,1,");
        if let Some((trade, rest)) = scanner::scan(&padded) {
            prop_assert_eq!(rest, 8);
            prop_assert_eq!(fields::read(&bytes), Ok(trade));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(read(&bytes));
    }
}
