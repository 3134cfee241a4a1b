//! The unit of systemd that collects: is it told when to be ready, when to be restarted, and
//! how long it may take to stop?

use std::{io, process::Stdio, time::Duration};

use tokio::{process::Command, time::timeout};

use crate::report::doctor::Finding;

use super::descriptors::NEEDED;

const UNIT: &str = "unit";
/// Attempts to connect are up to a minute apart, and are signs of life.
const LEAST_WATCHDOG: Duration = Duration::from_secs(61);
/// Above that, no sign of life is missed even on a bad day.
const GOOD_WATCHDOG: Duration = Duration::from_secs(180);
/// A graceful stop of a collector takes up to ten seconds.
const LEAST_STOP: Duration = Duration::from_secs(10);

const PROPERTIES: &str = "Id,Type,ExecStart,Restart,WatchdogUSec,LimitNOFILESoft,LimitNOFILE,\
                          KillMode,TimeoutStopUSec";

/// Looks at every loaded unit that runs `streamkit collect`, the machine's and this user's.
pub async fn check(deadline: Duration) -> Vec<Finding> {
    let (system, user) = tokio::join!(show(&[], deadline), show(&["--user"], deadline));
    let texts = match (system, user) {
        (Err(why), Err(_)) => return vec![Finding::not_checked(UNIT, why)],
        (system, user) => [system, user].into_iter().filter_map(Result::ok),
    };
    let findings: Vec<_> = texts
        .flat_map(|text| units(&text).iter().map(judge).collect::<Vec<_>>())
        .collect();
    if findings.is_empty() {
        let why = "no unit that is loaded runs 'streamkit collect'";
        let hint = "let a service manager run it, so that it comes back after a crash and a reboot";
        return vec![Finding::not_checked(UNIT, why).hint(hint)];
    }
    findings
}

/// What systemctl says of all services, or why it does not.
async fn show(scope: &[&str], deadline: Duration) -> Result<String, String> {
    let mut command = Command::new("systemctl");
    command
        .args(scope)
        .args(["show", "--no-pager", "--property", PROPERTIES, "*.service"])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    match timeout(deadline, command.output()).await {
        Err(_) => Err(format!("systemctl did not answer within {deadline:?}")),
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
            Err("there is no systemctl here".to_owned())
        }
        Ok(Err(error)) => Err(format!("systemctl cannot be run: {error}")),
        Ok(Ok(output)) if !output.status.success() => {
            let complaint = String::from_utf8_lossy(&output.stderr);
            let complaint = complaint.lines().next().unwrap_or_default().trim();
            Err(format!("systemctl failed: {complaint}"))
        }
        Ok(Ok(output)) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
    }
}

/// What is known of a unit, a property a line.
struct Unit<'a>(&'a str);

/// Those that collect. A block of lines is one unit.
fn units(text: &str) -> Vec<Unit<'_>> {
    text.split("\n\n")
        .map(Unit)
        .filter(Unit::collects)
        .collect()
}

impl<'a> Unit<'a> {
    fn get(&self, property: &str) -> &'a str {
        let mut values = self.0.lines().filter_map(|line| line.split_once('='));
        let found = values.find(|(name, _)| *name == property);
        found.map_or("", |(_, value)| value)
    }

    fn collects(&self) -> bool {
        let mut words = self
            .get("ExecStart")
            .split(|c: char| c.is_whitespace() || c == ';');
        let is_ours = |word: &str| word.rsplit(['/', '=']).next() == Some("streamkit");
        words.any(is_ours) && words.any(|word| word == "collect")
    }

    /// A span of time as systemctl prints it; none when it is not set, or for ever.
    fn span(&self, property: &str) -> Option<Duration> {
        let value = self.get(property);
        let span = humantime::parse_duration(value).ok();
        span.filter(|span| !span.is_zero())
    }

    fn descriptors(&self) -> Option<u64> {
        let of = |property| self.get(property).parse().ok();
        of("LimitNOFILESoft").or_else(|| of("LimitNOFILE"))
    }
}

fn judge(unit: &Unit<'_>) -> Finding {
    let name = unit.get("Id");
    let (mut wrong, mut lines, mut is_broken) = (Vec::new(), Vec::new(), false);
    let mut find = |breaks, detail: String, line: &'static str| {
        is_broken |= breaks;
        wrong.push(detail);
        lines.push(line);
    };
    let kind = unit.get("Type");
    if kind != "notify" && kind != "notify-reload" {
        let detail = format!("Type={kind}: it counts as started before it collects");
        find(true, detail, "Type=notify");
    }
    match unit.span("WatchdogUSec") {
        None => find(
            false,
            "no WatchdogSec: a collector that hangs is not restarted".to_owned(),
            "WatchdogSec=3min",
        ),
        Some(span) if span < GOOD_WATCHDOG => {
            let shown = humantime::format_duration(span);
            let detail = format!(
                "WatchdogSec={shown}: without a network, signs of life are up to a minute apart"
            );
            find(span < LEAST_WATCHDOG, detail, "WatchdogSec=3min");
        }
        Some(_) => {}
    }
    let restart = unit.get("Restart");
    if !["always", "on-failure", "on-abnormal"].contains(&restart) {
        let detail = format!("Restart={restart}: it does not come back after a crash");
        find(true, detail, "Restart=always");
    }
    if let Some(limit) = unit.descriptors().filter(|limit| *limit < NEEDED) {
        let detail = format!("LimitNOFILE={limit}: too few files and connections");
        find(true, detail, "LimitNOFILE=65536");
    }
    let kill = unit.get("KillMode");
    if kill == "none" || kill == "process" {
        let detail = format!("KillMode={kill}: what it started may go on after a stop");
        find(false, detail, "KillMode=mixed");
    }
    let is_cut = unit
        .span("TimeoutStopUSec")
        .is_some_and(|span| span <= LEAST_STOP);
    if is_cut {
        let shown = unit.get("TimeoutStopUSec");
        let detail = format!("TimeoutStopSec={shown}: a graceful stop takes up to 10s");
        find(true, detail, "TimeoutStopSec=30s");
    }
    let what = format!("{UNIT} {name}");
    if wrong.is_empty() {
        return Finding::good(what, "it is told when it is ready, stuck and stopping");
    }
    let remedy = format!(
        "'systemctl edit {name}', and write under [Service]: {}",
        lines.join(" ")
    );
    let detail = wrong.join("; ");
    if is_broken {
        Finding::failure(what, detail, remedy)
    } else {
        Finding::warning(what, detail, remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::doctor::Verdict;

    const GOOD: &str = "Id=streamkit.service\nType=notify\n\
        ExecStart={ path=/usr/bin/streamkit ; argv[]=/usr/bin/streamkit collect BTCUSDT ; pid=0 }\n\
        Restart=always\nWatchdogUSec=3min\nLimitNOFILESoft=65536\nKillMode=mixed\n\
        TimeoutStopUSec=1min 30s\n";

    #[test]
    fn each_setting_that_is_wrong_is_told_with_the_line_that_mends_it() {
        assert_eq!(judge(&Unit(GOOD)).verdict, Verdict::Good);
        for (from, to, verdict, line) in [
            ("notify", "simple", Verdict::Failure, "Type=notify"),
            ("c=3min", "c=10s", Verdict::Failure, "WatchdogSec=3min"),
            ("c=3min", "c=1min 40s", Verdict::Warning, "WatchdogSec=3min"),
            ("c=3min", "c=0", Verdict::Warning, "WatchdogSec=3min"),
            ("c=3min", "c=infinity", Verdict::Warning, "WatchdogSec=3min"),
            ("always", "no", Verdict::Failure, "Restart=always"),
            ("65536", "64", Verdict::Failure, "LimitNOFILE=65536"),
            ("mixed", "none", Verdict::Warning, "KillMode=mixed"),
            ("1min 30s", "5s", Verdict::Failure, "TimeoutStopSec=30s"),
        ] {
            let text = GOOD.replace(from, to);
            let found = judge(&Unit(&text));
            assert_eq!(found.verdict, verdict, "{to}");
            assert_eq!(found.what, "unit streamkit.service");
            let remedy = found.hint.expect("a remedy");
            assert!(remedy.ends_with(&format!("[Service]: {line}")), "{remedy}");
        }
    }

    #[test]
    fn only_units_that_collect_are_looked_at() {
        let watchdog = GOOD.replace("collect BTCUSDT", "watchdog");
        let other = GOOD.replace("/usr/bin/streamkit", "/usr/bin/fluentd");
        let text = format!("{watchdog}\n{GOOD}\n{other}");
        assert_eq!(units(&text).len(), 1);
        assert!(units("").is_empty());
    }
}
