//! Settings: where each comes from, and what it is.
//!
//! A setting is given by a flag, else by a `STREAMKIT_…` variable, else by the file
//! `streamkit.toml`, else it has its default. One table of keys names it everywhere.

pub mod directories;
pub mod file;
pub mod key;
pub mod settings;

pub use directories::Directories;
pub use key::Key;
pub use settings::{Origin, Setting, SettingError, Settings, Shown, Sources};
