//! Making the stored bars of a period complete and exact.

pub mod queue;
