use std::io::{Seek as _, Write as _};

use super::*;

fn file(name: &str, ids: &[i64]) -> TradeFile {
    let mut file = tempfile::tempfile().expect("a file");
    for id in ids {
        writeln!(file, "{id},1.5,1,{id},{id},1756710002083000,False,True").expect("written");
    }
    file.rewind().expect("rewound");
    TradeFile::new(name.to_owned(), file).expect(name)
}

/// The pieces as text: `5-7`, and `!8-9` for a hole.
fn read(pieces: &mut Pieces, out: &mut Vec<String>) -> Result<(), FileError> {
    while let Some(piece) = pieces.next_piece()? {
        out.push(match piece {
            Piece::Trades(trades) => {
                assert!(trades.windows(2).all(|pair| pair[1].id == pair[0].id + 1));
                format!("{}-{}", trades[0].id, trades[trades.len() - 1].id)
            }
            Piece::Hole(gap) => format!("!{}-{}", gap.first_id, gap.last_id),
        });
    }
    Ok(())
}

#[test]
fn holes_stand_between_the_trades_within_and_between_files() {
    let mut pieces = Pieces::after(Some(2));
    let mut out = Vec::new();
    for (name, ids) in [
        ("a", &[5, 6, 9, 10, 20][..]),
        ("empty", &[]),
        ("b", &[21, 22]),
        ("c", &[30]),
    ] {
        pieces.then(file(name, ids));
        read(&mut pieces, &mut out).expect("pieces");
    }
    let expected = [
        "!3-4", "5-6", "!7-8", "9-10", "!11-19", "20-20", "21-22", "!23-29", "30-30",
    ];
    assert_eq!(out, expected);
    assert_eq!(pieces.last_id(), Some(30));
    assert!(pieces.next_piece().expect("the end").is_none());
}

#[test]
fn a_tape_without_a_beginning_begins_with_its_first_file() {
    let mut pieces = Pieces::after(None);
    assert!(pieces.next_piece().expect("nothing yet").is_none());
    pieces.then(file("a", &[7, 8]));
    let mut out = Vec::new();
    read(&mut pieces, &mut out).expect("pieces");
    assert_eq!(out, ["7-8"]);
}

#[test]
fn a_file_that_repeats_or_precedes_another_one_is_named_with_the_line() {
    for (ids, line, id) in [(&[8, 9][..], 1, 8), (&[3], 1, 3), (&[9, 9], 2, 9)] {
        let mut pieces = Pieces::after(None);
        let mut out = Vec::new();
        pieces.then(file("a", &[7, 8]));
        read(&mut pieces, &mut out).expect("pieces");
        pieces.then(file("b", ids));
        let error = read(&mut pieces, &mut out).expect_err("not rising");
        let last = if line == 2 { 9 } else { 8 };
        assert_eq!(
            error.to_string(),
            format!("read b:{line}: a (aggregate id): the id does not rise after {last}: '{id}'")
        );
    }
}

#[test]
fn trades_of_many_blocks_come_once_each() {
    let ids: Vec<i64> = (0..30_000).filter(|id| id % 7_000 != 6_999).collect();
    let mut pieces = Pieces::after(None);
    pieces.then(file("a", &ids));
    let (mut seen, mut holes) = (Vec::new(), 0);
    while let Some(piece) = pieces.next_piece().expect("a piece") {
        match piece {
            Piece::Trades(trades) => seen.extend(trades.iter().map(|trade| trade.id)),
            Piece::Hole(_) => holes += 1,
        }
    }
    assert_eq!((seen, holes), (ids, 4));
}
