//! The use cases. They tell what happens as events, and print nothing.

pub mod clock;
