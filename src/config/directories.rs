//! Where files belong when nobody says otherwise.

use std::path::PathBuf;

use etcetera::BaseStrategy;

/// The directories of the XDG specification, each with `streamkit` at its end; none
/// when the user has no home.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directories {
    /// For data: the default store.
    pub data: Option<PathBuf>,
    /// For state: the journal.
    pub state: Option<PathBuf>,
    /// For settings: `streamkit.toml`.
    pub config: Option<PathBuf>,
    /// For what can be fetched again: files of the archive.
    pub cache: Option<PathBuf>,
}

const NAME: &str = "streamkit";

impl Directories {
    /// The directories of the user who runs this process.
    #[must_use]
    pub fn of_this_user() -> Self {
        let Ok(base) = etcetera::choose_base_strategy() else {
            return Self::default();
        };
        // Windows knows no directory for state: the one for data takes it in.
        let state = base.state_dir().unwrap_or_else(|| base.data_dir());
        Self {
            data: Some(base.data_dir().join(NAME)),
            state: Some(state.join(NAME)),
            config: Some(base.config_dir().join(NAME)),
            cache: Some(base.cache_dir().join(NAME)),
        }
    }
}
