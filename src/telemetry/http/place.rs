//! Where a socket is, however long its path.
//!
//! The system takes some hundred bytes for the name of a socket. A longer one is reached by
//! way of its opened directory.

use std::{
    io,
    os::fd::{AsRawFd as _, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags, open};

/// `sun_path` holds 104 bytes or 108, its last one a zero.
const MOST_BYTES: usize = 100;

/// A path that the system takes for a socket, while this lives.
pub(super) struct Place {
    path: PathBuf,
    _directory: Option<OwnedFd>,
}

impl Place {
    /// The place of the socket at `path`.
    ///
    /// # Errors
    /// When the path is long, and its directory cannot be opened.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(Self::short(path));
        };
        if path.as_os_str().len() <= MOST_BYTES {
            return Ok(Self::short(path));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = open(parent, flags, Mode::empty())?;
        let opened = format!("/proc/self/fd/{}", directory.as_raw_fd());
        Ok(Self {
            path: Path::new(&opened).join(name),
            _directory: Some(directory),
        })
    }

    fn short(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            _directory: None,
        }
    }

    /// The path that the system takes.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
