//! One watchdog at a time per target, on the whole machine.
//!
//! The lock of a history is in a state directory, and two lines of a crontab may name two of
//! them. What a machine has only one of is the name of an abstract socket: the kernel gives
//! it to one process, and takes it back when that ends, however it does. Nobody listens to
//! who connects; to connect is to learn whose it is.

use super::history::HistoryError;

/// That a target is watched by this process, until it is dropped.
#[derive(Debug)]
pub struct Claim {
    #[cfg(target_os = "linux")]
    _name: std::os::unix::net::UnixListener,
}

#[cfg(target_os = "linux")]
impl Claim {
    /// Claims `target`; none where the system has no such names to give, as in a sandbox.
    ///
    /// # Errors
    /// When another process has it.
    pub fn take(target: &str) -> Result<Option<Self>, HistoryError> {
        use std::{
            io,
            os::{
                linux::net::SocketAddrExt as _,
                unix::net::{SocketAddr, UnixListener},
            },
        };
        let name = name_of(target);
        let bound = SocketAddr::from_abstract_name(name.as_bytes())
            .and_then(|address| UnixListener::bind_addr(&address));
        match bound {
            Ok(listener) => Ok(Some(Self { _name: listener })),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(HistoryError::Busy {
                target: target.to_owned(),
                pid: holder(&name),
            }),
            Err(error) => {
                tracing::debug!("cannot claim {target} for the whole machine: {error}");
                Ok(None)
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Claim {
    /// There are no such names here: the lock of the history has to do.
    ///
    /// # Errors
    /// Never.
    #[allow(clippy::unnecessary_wraps, reason = "other systems have them")]
    pub fn take(_target: &str) -> Result<Option<Self>, HistoryError> {
        Ok(None)
    }
}

/// The kernel takes 107 bytes.
#[cfg(target_os = "linux")]
fn name_of(target: &str) -> String {
    use sha2::Digest as _;
    use std::fmt::Write as _;

    let mut name = "streamkit-watchdog-".to_owned();
    for byte in sha2::Sha256::digest(target.as_bytes()).iter().take(16) {
        // Writing to a string does not fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// The process that has a name, if it still has it.
#[cfg(target_os = "linux")]
fn holder(name: &str) -> Option<u32> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .ok()?;
    let connected = runtime.block_on(async {
        let connecting = tokio::net::UnixStream::connect(format!("\0{name}"));
        tokio::time::timeout(std::time::Duration::from_secs(1), connecting).await
    });
    let pid = connected.ok()?.ok()?.peer_cred().ok()?.pid()?;
    u32::try_from(pid).ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_claimed_once_and_the_second_one_learns_by_whom() {
        let target = format!("a unit of test {}", std::process::id());
        let first = Claim::take(&target).expect("free").expect("claimed");
        let error = Claim::take(&target).expect_err("taken");
        let own = std::process::id();
        assert!(
            matches!(error, HistoryError::Busy { pid: Some(pid), .. } if pid == own),
            "{error}"
        );
        Claim::take(&format!("{target}, another")).expect("free");
        drop(first);
        Claim::take(&target).expect("free again");
    }
}
