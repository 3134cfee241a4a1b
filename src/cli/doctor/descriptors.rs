//! How many files and connections a process may have open.

use rustix::process::{Resource, getrlimit};

use crate::report::doctor::Finding;

const WHAT: &str = "file descriptors";
/// Connections to the exchange and the store, the journal's files, and as many again while
/// connections are renewed.
pub const NEEDED: u64 = 256;
/// What most systems give, and enough for a watchdog, metrics and many symbols beside.
const USUAL: u64 = 1024;

/// Looks at the limit of this process; whoever is started here has the same.
pub fn check() -> Finding {
    judge(getrlimit(Resource::Nofile).current)
}

fn judge(limit: Option<u64>) -> Finding {
    let Some(limit) = limit else {
        return Finding::good(WHAT, "there is no limit");
    };
    let detail = format!("{limit} may be open");
    let remedy = "raise it: ulimit -n 65536 in the shell, LimitNOFILE=65536 in a unit";
    match limit {
        ..NEEDED => Finding::failure(WHAT, format!("{detail}; {NEEDED} are needed"), remedy),
        NEEDED..USUAL => Finding::warning(WHAT, detail, remedy),
        USUAL.. => Finding::good(WHAT, detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::doctor::Verdict;

    #[test]
    fn a_limit_below_the_need_fails_and_an_unusual_one_is_told() {
        for (limit, verdict) in [
            (Some(64), Verdict::Failure),
            (Some(256), Verdict::Warning),
            (Some(1024), Verdict::Good),
            (None, Verdict::Good),
        ] {
            assert_eq!(judge(limit).verdict, verdict, "{limit:?}");
        }
    }
}
