//! Columns that stand beside each other, each with a least width, so that a table that is
//! drawn again and again does not jump about with every figure.

/// What stands between two columns.
const GAP: &str = "  ";

/// One column.
pub struct Column {
    /// What stands above it.
    pub title: String,
    /// A text for each row.
    pub cells: Vec<String>,
    /// Numbers are aligned to the right, words to the left.
    pub is_number: bool,
    /// Its least width, in characters.
    pub width: usize,
}

impl Column {
    /// A column of words.
    #[must_use]
    pub fn words(title: &str, width: usize, cells: impl Iterator<Item = String>) -> Self {
        Self {
            title: title.to_owned(),
            cells: cells.collect(),
            is_number: false,
            width,
        }
    }

    /// A column of numbers.
    #[must_use]
    pub fn number(title: &str, width: usize, cells: impl Iterator<Item = String>) -> Self {
        Self {
            is_number: true,
            ..Self::words(title, width, cells)
        }
    }

    fn width(&self) -> usize {
        let cells = self.cells.iter().map(|cell| cell.chars().count());
        let title = self.title.chars().count();
        cells.chain([title, self.width]).max().unwrap_or(0)
    }

    fn padded(&self, text: &str) -> String {
        let width = self.width();
        if self.is_number {
            format!("{text:>width$}")
        } else {
            format!("{text:<width$}")
        }
    }
}

/// The width of columns beside each other, in characters.
#[must_use]
pub fn width(columns: &[Column]) -> usize {
    let gaps = GAP.len() * columns.len().saturating_sub(1);
    columns.iter().map(Column::width).sum::<usize>() + gaps
}

/// The heading, and a line for each row.
#[must_use]
pub fn lines(columns: &[Column]) -> Vec<String> {
    let line = |text: &dyn Fn(&Column) -> Option<&String>| {
        let cells = columns
            .iter()
            .map(|column| column.padded(text(column).map_or("", String::as_str)));
        let line = cells.collect::<Vec<_>>().join(GAP);
        line.trim_end().to_owned()
    };
    let rows = columns.iter().map(|column| column.cells.len()).max();
    let mut lines = vec![line(&|column| Some(&column.title))];
    lines.extend((0..rows.unwrap_or(0)).map(|row| line(&|column| column.cells.get(row))));
    lines
}
