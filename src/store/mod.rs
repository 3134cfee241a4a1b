//! Where rows end up: ClickHouse, or SQLite.

pub mod sink;
