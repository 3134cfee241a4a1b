//! The use cases. They emit events and print nothing.

pub mod clock;
pub mod collect;
pub mod crash;
