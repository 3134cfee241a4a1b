//! What a process has from the one that has started it: where its settings are, and that it must
//! not outlive it.
//!
//! Whoever starts processes for a while ends them himself; when he is killed, he cannot. So
//! he names himself in the environment, and the system ends what he has started.

/// The file with its settings.
pub const SETTINGS_VARIABLE: &str = "STREAMKIT_CONFIG";
/// The process id of the one that this process must not outlive.
pub const PARENT_VARIABLE: &str = "STREAMKIT_PARENT";

/// Lets this process end with the one that the environment names; without it, nothing is done.
/// False when that one has ended already, and this one has to end, too.
///
/// Where the system cannot do that, the process goes on, as it always has.
#[must_use]
pub fn end_with_parent() -> bool {
    let named = std::env::var(PARENT_VARIABLE).ok();
    let Some(parent) = named.and_then(|text| text.parse::<i32>().ok()) else {
        return true;
    };
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, getppid, set_parent_process_death_signal};

        let _ = set_parent_process_death_signal(Some(Signal::KILL));
        // It may have ended before this was ordered.
        getppid().map(|id| id.as_raw_nonzero().get()) == Some(parent)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = parent;
        true
    }
}
