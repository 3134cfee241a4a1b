//! The names of marks, above the panels, none of which covers another.

use std::collections::BTreeMap;

use crate::app::probe::timeline::Mark;

use super::{Layout, axis::Axis, word};

/// Between a line and its name, and between two names.
const GAP: f64 = 4.0;
/// Names that would stand higher are left to the list below the picture.
const MAX_ROWS: usize = 7;

/// A name on a pole.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Flag {
    /// Where the pole stands.
    x: f64,
    /// From where to where the name reaches.
    left: f64,
    right: f64,
    /// How many rows above the panel, from 0.
    pub row: usize,
    class: &'static str,
    text: String,
}

impl Flag {
    fn new(x: f64, kind: &'static str, count: usize, layout: &Layout) -> Self {
        let text = if count > 1 {
            format!("{kind} ×{count}")
        } else {
            kind.to_owned()
        };
        let width = layout.width_of(&text);
        // At the end of the run a name stands before its pole.
        let left = if x + GAP + width > layout.width {
            x - GAP - width
        } else {
            x + GAP
        };
        Self {
            x,
            left,
            right: left + width,
            row: 0,
            class: kind,
            text,
        }
    }

    /// The name on its pole, which stands on the top of the first panel.
    pub(super) fn draw(&self, panel: f64, layout: &Layout) -> String {
        let bottom = panel - layout.line() * self.row as f64;
        let (x, top, y) = (self.x, bottom - layout.line() + 2.0, bottom - GAP);
        let (left, class, text) = (self.left, self.class, &self.text);
        format!(
            "<path class=\"mark {class}\" d=\"M{x:.1} {top:.1}V{panel:.1}\"/><text class=\"flag {class}\" x=\"{left:.1}\" y=\"{y:.1}\">{text}</text>\n"
        )
    }
}

/// The flags of all marks. Of marks of one kind whose names would cover each other, the
/// first one's tells how many there are.
pub(super) fn staggered(marks: &[Mark], time: &Axis, layout: &Layout) -> Vec<Flag> {
    let mut groups: Vec<(f64, &'static str, usize)> = Vec::new();
    let mut newest: BTreeMap<&'static str, usize> = BTreeMap::new();
    for mark in marks {
        let (x, kind) = (time.at(mark.at_ms as f64 / 1000.0), word(mark.kind));
        let room = layout.width_of(kind) + layout.width_of(" ×99") + GAP * 2.0;
        let open = newest.get(kind).and_then(|&place| groups.get_mut(place));
        match open {
            Some((first, _, count)) if x - *first < room => *count += 1,
            _ => {
                newest.insert(kind, groups.len());
                groups.push((x, kind, 1));
            }
        }
    }
    let flags = groups
        .into_iter()
        .map(|(x, kind, count)| Flag::new(x, kind, count, layout))
        .collect();
    let mut flags = placed(flags);
    flags.retain(|flag| flag.row < MAX_ROWS);
    flags
}

/// Puts each flag into the lowest row in which it covers no other flag, and no pole of
/// another one goes through its name: above all those to the right of it that it reaches.
fn placed(mut flags: Vec<Flag>) -> Vec<Flag> {
    flags.sort_by(|a, b| a.x.total_cmp(&b.x));
    for place in (0..flags.len()).rev() {
        let (left, right) = (flags[place].left, flags[place].right);
        let reached = flags[place + 1..]
            .iter()
            .filter(|other| other.left.min(other.x) < right + GAP && left < other.right + GAP);
        flags[place].row = reached.map(|other| other.row + 1).max().unwrap_or(0);
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::{super::WIDE, *};
    use crate::app::probe::timeline::MarkKind;

    fn mark(at_ms: u64, kind: MarkKind) -> Mark {
        Mark {
            at_ms,
            kind,
            text: String::new(),
        }
    }

    fn flags(marks: &[Mark]) -> Vec<Flag> {
        staggered(marks, &Axis::time(10.0, &WIDE), &WIDE)
    }

    fn assert_apart(flags: &[Flag]) {
        for (place, one) in flags.iter().enumerate() {
            for other in &flags[place + 1..] {
                let is_beside = one.right <= other.left || other.right <= one.left;
                assert!(one.row != other.row || is_beside, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn names_that_have_room_stand_in_one_row() {
        let flags = flags(&[mark(1000, MarkKind::Fault), mark(5000, MarkKind::Recovered)]);
        assert!(flags.iter().all(|flag| flag.row == 0), "{flags:?}");
        assert_apart(&flags);
    }

    #[test]
    fn names_that_are_close_stand_above_each_other_and_no_pole_goes_through_one() {
        let flags = flags(&[
            mark(3000, MarkKind::Fault),
            mark(3000, MarkKind::Detected),
            mark(3050, MarkKind::Restart),
            mark(3400, MarkKind::Healed),
            mark(3500, MarkKind::Recovered),
        ]);
        assert_eq!(flags.len(), 5);
        assert_apart(&flags);
        for flag in &flags {
            for other in flags.iter().filter(|other| other.x > flag.x) {
                let is_through = other.x < flag.right && other.row >= flag.row;
                assert!(!is_through, "{other:?} through {flag:?}");
            }
        }
    }

    #[test]
    fn at_the_end_names_stand_before_their_poles() {
        let flags = flags(&[
            mark(9_800, MarkKind::Healed),
            mark(9_950, MarkKind::Restart),
            mark(10_000, MarkKind::Recovered),
        ]);
        assert!(
            flags.iter().all(|flag| flag.right <= WIDE.width),
            "{flags:?}"
        );
        assert_apart(&flags);
    }

    #[test]
    fn many_of_a_kind_are_counted() {
        let marks: Vec<Mark> = (0..200)
            .map(|place| mark(place * 50, MarkKind::Restart))
            .collect();
        let flags = flags(&marks);
        assert!(flags.len() < 12, "{}", flags.len());
        assert!(flags.iter().all(|flag| flag.text.starts_with("restart ×")));
        assert_apart(&flags);
    }
}
