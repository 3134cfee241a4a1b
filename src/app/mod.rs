//! The use cases. They emit facts and print nothing.

pub mod from_tape;
pub mod verify;
