//! How things look.

pub mod collect;
