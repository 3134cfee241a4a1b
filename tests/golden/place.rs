//! Where tapes lie whose bars other programs have made.
//!
//! `STREAMKIT_GOLDEN` names their directory; without it, it is `../shared/golden` beside the
//! repository, if that is there. A test that finds none says so and passes.

use std::path::{Path, PathBuf};

/// The directory, or nothing when there is none.
///
/// # Panics
/// When one is named and is not there.
pub fn golden() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("STREAMKIT_GOLDEN").filter(|named| !named.is_empty()) {
        let directory = PathBuf::from(named);
        assert!(
            directory.is_dir(),
            "STREAMKIT_GOLDEN: {} is no directory",
            directory.display()
        );
        return Some(directory);
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/golden");
    if beside.is_dir() {
        return Some(beside);
    }
    #[allow(clippy::print_stderr, reason = "a test says why it is skipped")]
    {
        eprintln!("skipped: no golden tapes (STREAMKIT_GOLDEN names their directory)");
    }
    None
}
