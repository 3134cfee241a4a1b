//! Zips as the exchange publishes them: one CSV inside.
//!
//! ```text
//! local header · content (deflate, or stored) · … · directory · end record [· comment]
//! ```
//!
//! The directory says where the content is and how long; the end record says where the
//! directory is. Above 4 GiB both have wider forms (zip64). The content is read from
//! the file's beginning to its end, whatever its size, and its length and CRC-32 are
//! compared with what the directory says.

mod directory;
mod error;
mod member;

pub(super) use directory::MAGIC;
pub use error::ZipError;
pub(super) use member::Member;

#[cfg(test)]
mod tests;
