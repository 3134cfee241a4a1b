use std::time::Duration;

use super::*;

fn name(day: u32) -> ArchiveName {
    let text = format!("BTCUSDT-aggTrades-2025-01-{day:02}");
    text.parse().expect("a name")
}

fn checksum(content: &[u8]) -> Checksum {
    let mut hash = Sha256::new();
    hash.update(content);
    Checksum::of(&hash)
}

fn ours(claim: Option<PartFile>) -> PartFile {
    claim.expect("nobody else has it")
}

/// Puts a file of a hundred bytes into the cache, used at second `used` of time.
fn put(cache: &Cache, day: u32, used: u64) -> Checksum {
    let content = [day as u8; 100];
    let checksum = checksum(&content);
    let mut part = ours(cache.claim(&name(day), &checksum).expect("a claim"));
    part.restart(Some("mark")).expect("begun");
    part.append(&content).expect("written");
    assert_eq!(part.checksum(), checksum);
    let file = part.finish().expect("finished");
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(used);
    file.file.set_modified(time).expect("a time");
    checksum
}

fn is_here(cache: &Cache, day: u32) -> bool {
    cache
        .path(&name(day), &checksum(&[day as u8; 100]), WHOLE)
        .exists()
}

fn open(directory: &Path, limit_bytes: u64) -> Cache {
    Cache::open(directory.join("a/b"), limit_bytes).expect("a cache")
}

#[test]
fn what_was_used_least_recently_goes_first() {
    let directory = tempfile::tempdir().expect("a directory");
    let cache = open(directory.path(), 350);
    for (day, used) in [(1, 30), (2, 10), (3, 20), (4, 40)] {
        put(&cache, day, used);
    }
    let here = || [1, 2, 3, 4].map(|day| is_here(&cache, day));
    assert_eq!(cache.make_room(0).expect("room"), 1);
    assert_eq!(here(), [true, false, true, true]);
    // Looked at, the third is the last one used.
    let found = cache.find(&name(3), &checksum(&[3; 100])).expect("a look");
    drop(found.expect("it is here"));
    assert_eq!(cache.make_room(150).expect("room"), 1);
    assert_eq!(here(), [false, false, true, true]);
    assert_eq!(cache.make_room(150).expect("room"), 0);
}

#[test]
fn a_file_in_use_stays_and_room_is_made_of_others() {
    let directory = tempfile::tempdir().expect("a directory");
    let cache = open(directory.path(), 150);
    let first = put(&cache, 1, 10);
    let mut used = cache.find(&name(1), &first).expect("a look").expect("here");
    used.file
        .set_modified(SystemTime::UNIX_EPOCH)
        .expect("a time");
    put(&cache, 2, 20);
    // A part that somebody works on is in use, one that nobody works on is not.
    let busy = checksum(b"busy");
    let mut part = ours(cache.claim(&name(3), &busy).expect("a claim"));
    part.restart(Some("mark")).expect("begun");
    part.append(&[0; 100]).expect("written");
    let idle = checksum(b"idle");
    let mut left = ours(cache.claim(&name(4), &idle).expect("a claim"));
    left.restart(Some("mark")).expect("begun");
    left.append(&[0; 100]).expect("written");
    drop(left);
    cache.make_room(0).expect("room");
    assert!(is_here(&cache, 1) && !is_here(&cache, 2));
    assert!(cache.path(&name(3), &busy, PART).exists());
    assert!(!cache.path(&name(4), &idle, PART).exists());
    assert!(!cache.path(&name(4), &idle, MARK).exists());
    let mut content = Vec::new();
    used.file.read_to_end(&mut content).expect("read");
    used.file.rewind().expect("rewound");
    assert_eq!(used.size_bytes(), 100);
    drop((used, part));
    cache.make_room(0).expect("room");
    assert!(!is_here(&cache, 1));
}

#[test]
fn files_of_others_are_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let cache = open(directory.path(), 0);
    let others = [
        "thesis.zip",
        "BTCUSDT-aggTrades-2025-01-01.zip",
        "BTCUSDT-aggTrades-2025-01-01.0123456789abcdex.zip",
        "x.0123456789abcdef.zip",
    ];
    for other in others {
        fs::write(cache.directory().join(other), "content").expect("a file");
    }
    put(&cache, 1, 1);
    assert_eq!(cache.make_room(u64::MAX).expect("room"), 1);
    for other in others {
        assert!(cache.directory().join(other).exists(), "{other}");
    }
}

#[test]
fn a_damaged_file_is_not_found_and_goes() {
    let directory = tempfile::tempdir().expect("a directory");
    let cache = open(directory.path(), 1000);
    let checksum = put(&cache, 1, 1);
    let path = cache.path(&name(1), &checksum, WHOLE);
    fs::write(&path, [1; 99]).expect("damaged");
    assert!(cache.find(&name(1), &checksum).expect("a look").is_none());
    assert!(!path.exists());
}

#[test]
fn one_at_a_time_works_on_a_part_and_the_next_goes_on_with_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let cache = open(directory.path(), 1000);
    let checksum = checksum(b"abcdef");
    let claim = || cache.claim(&name(1), &checksum).expect("a claim");
    let mut part = ours(claim());
    assert!(claim().is_none());
    part.restart(Some("\"v1\"")).expect("begun");
    part.append(b"abc").expect("written");
    drop(part);
    let mut part = ours(claim());
    assert_eq!((part.length_bytes(), part.mark()), (3, Some("\"v1\"")));
    part.append(b"def").expect("written");
    assert_eq!(part.checksum(), checksum);
    let whole = part.finish().expect("finished");
    // It is whole for others while it is held.
    assert!(cache.find(&name(1), &checksum).expect("a look").is_some());
    drop(whole);
    let names: Vec<_> = fs::read_dir(cache.directory()).expect("a list").collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn a_part_of_which_nobody_knows_the_version_begins_anew() {
    let directory = tempfile::tempdir().expect("a directory");
    let cache = open(directory.path(), 1000);
    let checksum = checksum(b"abcdef");
    for mark in [None, Some(&b""[..]), Some(b"\xff\xfe")] {
        let mut part = ours(cache.claim(&name(1), &checksum).expect("a claim"));
        part.restart(None).expect("begun");
        part.append(b"abc").expect("written");
        drop(part);
        if let Some(mark) = mark {
            let path = cache.path(&name(1), &checksum, MARK);
            fs::write(path, mark).expect("a mark");
        }
        let part = ours(cache.claim(&name(1), &checksum).expect("a claim"));
        assert_eq!((part.length_bytes(), part.mark()), (0, None));
    }
}
