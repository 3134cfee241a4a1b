//! The file of `--report`: refused before anything runs, and always whole.

use std::{
    fs::Permissions,
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::cli::{error::CliError, exit::ExitCode};

/// A file that can be written.
#[derive(Debug)]
pub(super) struct ReportFile {
    path: PathBuf,
    directory: PathBuf,
}

impl ReportFile {
    /// Whether a page can be written to `path`: a run may take an hour, and its end is no
    /// time to learn that it cannot.
    pub(super) fn new(path: PathBuf) -> Result<Self, CliError> {
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let file = Self { path, directory };
        file.check().map_err(|error| file.refused(&error))?;
        Ok(file)
    }

    fn check(&self) -> io::Result<()> {
        if self.path.file_name().is_none() {
            return Err(io::Error::other("it names no file"));
        }
        match std::fs::metadata(&self.path) {
            // A rename would put a file in the place of a device, too.
            Ok(found) if !found.is_file() => return Err(io::Error::other("it is no file")),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        // Only a file shows that there can be one; it is gone at once.
        self.beside().map(drop)
    }

    /// Writes `text` by a rename: whoever reads the file meanwhile reads all of the old or
    /// all of the new one. Nothing is left behind when that fails.
    pub(super) fn write(&self, text: &str) -> Result<(), CliError> {
        self.replace(text).map_err(|error| self.refused(&error))
    }

    fn replace(&self, text: &str) -> io::Result<()> {
        let mut file = self.beside()?;
        file.write_all(text.as_bytes())?;
        file.persist(&self.path)?;
        Ok(())
    }

    /// A new file in the same directory, with the rights that files usually have.
    fn beside(&self) -> io::Result<NamedTempFile> {
        tempfile::Builder::new()
            .prefix(".streamkit-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(&self.directory)
    }

    fn refused(&self, error: &io::Error) -> CliError {
        let sentence = format!(
            "failed to write the report {}: {error}",
            self.path.display()
        );
        CliError::new(ExitCode::Configuration, sentence)
            .hint("name a file in a directory that this user may write to, with room in it")
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: impl Into<PathBuf>) -> String {
        let error = ReportFile::new(path.into()).expect_err("no report");
        assert_eq!(error.exit_code(), ExitCode::Configuration);
        assert!(error.hint_text().contains("name a file"));
        error.message().to_owned()
    }

    #[test]
    fn what_cannot_be_written_is_refused_before_anything_runs() {
        let directory = tempfile::tempdir().expect("a directory");
        assert!(refusal(directory.path()).ends_with("it is no file"));
        assert!(refusal("/dev/null").ends_with("it is no file"));
        assert!(refusal("..").ends_with("it names no file"));
        let nowhere = refusal(directory.path().join("missing/report.html"));
        assert!(nowhere.contains("missing/report.html: "), "{nowhere}");
        let file = directory.path().join("file");
        std::fs::write(&file, "").expect("written");
        refusal(file.join("report.html"));
    }

    #[test]
    fn a_report_takes_the_place_of_an_older_one_and_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("report.html");
        std::fs::write(&path, "old").expect("written");
        let file = ReportFile::new(path.clone()).expect("a report");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "old");
        file.write("new").expect("written");
        assert_eq!(std::fs::read_to_string(file.path()).expect("read"), "new");
        let found = std::fs::read_dir(directory.path()).expect("a directory");
        assert_eq!(found.count(), 1);
    }
}
