//! The result for node_exporter, in a file that is always whole.

use std::{
    fs::Permissions,
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::cli::{error::CliError, exit::ExitCode};

/// Whether node_exporter would read it.
pub fn check(path: &Path) -> Result<(), CliError> {
    if path
        .extension()
        .is_some_and(|extension| extension == "prom")
    {
        return Ok(());
    }
    let sentence = format!("node_exporter would not read {}", path.display());
    Err(CliError::new(ExitCode::Usage, sentence).hint("give --textfile a name that ends in .prom"))
}

/// Writes `text` to `path` by a rename: whoever reads it meanwhile reads all of the old or
/// all of the new one. Nothing is left behind when that fails.
pub fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    replace(path, &directory, text).map_err(|error| {
        let sentence = format!("failed to write {}: {error}", path.display());
        CliError::new(ExitCode::Unknown, sentence)
            .hint("give this user a directory that it may write to, with room in it")
    })
}

fn replace(path: &Path, directory: &Path, text: &str) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(".streamkit-")
        .tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    // node_exporter is somebody else.
    file.as_file()
        .set_permissions(Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
