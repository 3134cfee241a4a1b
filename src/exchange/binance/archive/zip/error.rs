//! What can be wrong with a zip.

use std::io;

/// Why the file in a zip cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// The system.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It does not begin like one.
    #[error("it is no zip: it begins with '{excerpt}'")]
    NotZip {
        /// The beginning.
        excerpt: String,
    },
    /// Its end is missing.
    #[error("the zip is cut off after {size_bytes} bytes")]
    Truncated {
        /// How long the file is.
        size_bytes: u64,
    },
    /// What it says of itself contradicts itself.
    #[error("the zip is damaged: {0}")]
    Damaged(String),
    /// It holds no file, or several.
    #[error("the zip holds {count} files, one CSV is due")]
    NotOne {
        /// How many files it holds.
        count: u64,
    },
    /// It holds something else.
    #[error("the zip holds '{name}', which is no CSV")]
    NotCsv {
        /// What the file is called.
        name: String,
    },
    /// Its content is encrypted.
    #[error("the zip is encrypted")]
    Encrypted,
    /// Its content is compressed in another way.
    #[error("the zip is compressed by {0}; Deflated and Stored can be read")]
    Method(String),
    /// Its content is not what deflate makes.
    #[error("the zip is damaged: its content cannot be inflated behind byte {offset} ({reason})")]
    Deflate {
        /// How many bytes of the content came out before.
        offset: u64,
        /// What the library said.
        reason: String,
    },
    /// Its content has another length than it says.
    #[error("the zip is damaged: it holds {got} bytes where {due} are due")]
    Size {
        /// How many it says.
        due: u64,
        /// How many there are, or how many when it was given up.
        got: u64,
    },
    /// Its content is not what was put in.
    #[error("the zip is damaged: its CRC-32 is {got:08x} where {due:08x} is due")]
    Crc {
        /// What it says.
        due: u32,
        /// What the content has.
        got: u32,
    },
}
