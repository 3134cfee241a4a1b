//! Plain tables for people: aligned columns, no lines, and never wider than allowed.

use comfy_table::{CellAlignment, ContentArrangement, Table as Rendered, presets};

/// The space between two columns.
const GAP: usize = 2;

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// What stands above it.
    pub title: &'static str,
    /// Numbers are aligned to the right, words to the left.
    pub is_number: bool,
    /// The columns with the highest number are left out first when the table is too
    /// wide; 0 is never left out.
    pub rank: u8,
}

impl Column {
    /// A column of words that is always there.
    #[must_use]
    pub const fn words(title: &'static str) -> Self {
        Self {
            title,
            is_number: false,
            rank: 0,
        }
    }

    /// A column of numbers that is always there.
    #[must_use]
    pub const fn number(title: &'static str) -> Self {
        Self {
            title,
            is_number: true,
            rank: 0,
        }
    }

    /// The same column, left out when space is short.
    #[must_use]
    pub const fn ranked(self, rank: u8) -> Self {
        Self { rank, ..self }
    }
}

/// A table in the making.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(columns: Vec<Column>) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row: a text for each column.
    pub fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// The table as lines of at most `width` characters, as far as the columns that are
    /// never left out allow.
    #[must_use]
    pub fn lines(&self, width: usize) -> Vec<String> {
        let kept = self.fitting(width);
        let mut table = Rendered::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(kept.iter().map(|&index| self.columns[index].title));
        for row in &self.rows {
            table.add_row(kept.iter().filter_map(|&index| row.get(index)));
        }
        for (place, &index) in kept.iter().enumerate() {
            let Some(column) = table.column_mut(place) else {
                continue;
            };
            let is_number = self.columns[index].is_number;
            column.set_padding((0, GAP as u16));
            column.set_cell_alignment(if is_number {
                CellAlignment::Right
            } else {
                CellAlignment::Left
            });
        }
        table
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect()
    }

    /// Whether there is room for the column of that title.
    #[must_use]
    pub fn shows(&self, title: &str, width: usize) -> bool {
        let kept = self.fitting(width);
        kept.iter().any(|&index| self.columns[index].title == title)
    }

    /// The columns that fit into `width`, by index.
    fn fitting(&self, width: usize) -> Vec<usize> {
        let mut kept: Vec<usize> = (0..self.columns.len()).collect();
        loop {
            let widths = kept.iter().map(|&index| self.width_of(index) + GAP);
            if widths.sum::<usize>() <= width + GAP {
                return kept;
            }
            let least = kept
                .iter()
                .enumerate()
                .max_by_key(|&(_, &index)| self.columns[index].rank)
                .filter(|&(_, &index)| self.columns[index].rank > 0);
            let Some((place, _)) = least else {
                return kept;
            };
            kept.remove(place);
        }
    }

    fn width_of(&self, index: usize) -> usize {
        self.rows
            .iter()
            .filter_map(|row| row.get(index))
            .map(|text| text.chars().count())
            .chain([self.columns[index].title.chars().count()])
            .max()
            .unwrap_or(0)
    }
}

/// A count with a space between groups of three digits.
#[must_use]
pub fn grouped(count: impl Into<i128>) -> String {
    let count: i128 = count.into();
    let digits = count.unsigned_abs().to_string();
    let mut text = String::new();
    if count < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(vec![
            Column::words("symbol"),
            Column::number("volume").ranked(2),
            Column::number("trades").ranked(1),
        ]);
        table.push(vec!["BTCUSDT".into(), "1.5".into(), "12".into()]);
        table.push(vec!["X".into(), "10.25".into(), "3456789".into()]);
        table
    }

    #[test]
    fn words_stand_left_and_numbers_right() {
        assert_eq!(
            table().lines(80),
            [
                "symbol   volume   trades",
                "BTCUSDT     1.5       12",
                "X         10.25  3456789",
            ]
        );
    }

    #[test]
    fn the_least_important_column_goes_first_when_space_is_short() {
        assert_eq!(table().lines(24).len(), 3);
        assert_eq!(table().lines(24)[0], "symbol   volume   trades");
        assert_eq!(table().lines(23)[0], "symbol    trades");
        assert_eq!(table().lines(15)[0], "symbol");
        assert_eq!(table().lines(1)[1], "BTCUSDT");
    }

    #[test]
    fn counts_are_grouped_by_three() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1 000");
        assert_eq!(grouped(-1_234_567), "-1 234 567");
    }
}
