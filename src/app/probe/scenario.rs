//! What a scenario is: a failure, what shows that it was seen, and what it may cost.

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;

use crate::domain::safeguard::Safeguard;

use super::{
    bench::{Bench, load::Load},
    budget::Budget,
    error::ProbeError,
    harm::Harm,
};

/// Where a failure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Nothing fails.
    Control,
    /// The way to the exchange.
    Network,
    /// What the exchange sends, or does not.
    Stream,
    /// The trades themselves.
    Data,
    /// The database.
    Store,
    /// The collector's process, its clock and its disk.
    Process,
    /// Those who are to be told.
    Alerts,
}

impl Group {
    /// Its name, as it is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Network => "network",
            Self::Stream => "stream",
            Self::Data => "data",
            Self::Store => "store",
            Self::Process => "process",
            Self::Alerts => "alerts",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a scenario can be made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Any store.
    Nothing,
    /// A store that is reached over the network, so that the way to it can be broken.
    Server,
    /// A server that the probe itself starts and ends.
    OwnServer,
    /// A store in a file.
    File,
}

/// How often something is made anew without anything being wrong with that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// Connections to the exchange that are made anew.
    pub reconnects: u64,
    /// Tasks that are restarted.
    pub tasks: u64,
    /// Processes that are started again.
    pub processes: u64,
    /// Batches that are sent again.
    pub deliveries: u64,
}

/// As often as it takes.
const ANY: u64 = u64::MAX;

impl Allowed {
    /// Nothing has to be restarted.
    pub const NOTHING: Self = Self {
        reconnects: 0,
        tasks: 0,
        processes: 0,
        deliveries: 0,
    };
    /// Batches have to be sent again.
    pub const DELIVERIES: Self = Self {
        deliveries: ANY,
        ..Self::NOTHING
    };
    /// Connections have to be made anew, as often as it takes.
    pub const RECONNECTS: Self = Self::reconnects(ANY);
    /// Tasks have to be restarted, as often as it takes; their connections go with them.
    pub const TASKS: Self = Self::tasks(ANY);

    /// So many connections have to be made anew.
    #[must_use]
    pub const fn reconnects(count: u64) -> Self {
        Self {
            reconnects: count,
            ..Self::DELIVERIES
        }
    }

    /// The process has to be started again so often; its connections go with it.
    #[must_use]
    pub const fn processes(count: u64) -> Self {
        Self {
            reconnects: ANY,
            processes: count,
            ..Self::DELIVERIES
        }
    }

    /// So many tasks have to be restarted; their connections go with them.
    #[must_use]
    pub const fn tasks(count: u64) -> Self {
        Self {
            reconnects: count,
            tasks: count,
            ..Self::DELIVERIES
        }
    }
}

/// What makes it happen.
pub type Play = for<'a> fn(&'a mut Bench) -> BoxFuture<'a, Result<(), ProbeError>>;

/// A failure that can be caused, and what is expected of the collector.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// Where the failure comes from.
    pub group: Group,
    /// What happens, in a line.
    pub line: &'static str,
    /// Whether it is one of those that are run when nobody asks for more.
    pub is_core: bool,
    /// What it can be made with.
    pub needs: Needs,
    /// What the exchange plays.
    pub load: Load,
    /// Whether the exchange speaks TLS.
    pub has_tls: bool,
    /// Options of the collector.
    pub options: &'static [&'static str],
    /// The codes of the collector's events of which any shows that the failure was seen; empty
    /// when there is nothing to see.
    pub seen_as: &'static [&'static str],
    /// What may be made anew.
    pub allowed: Allowed,
    /// What it may cost.
    pub budget: Budget,
    /// What is taken away from the collector to prove that this scenario can fail.
    pub remedies: &'static [Safeguard],
    /// The harm that is done then.
    pub harm: Harm,
    /// What makes it happen.
    pub play: Play,
}

impl Scenario {
    /// A scenario that needs nothing, allows nothing, and has the usual budget.
    #[must_use]
    pub fn new(group: Group, name: &'static str, line: &'static str, play: Play) -> Self {
        Self {
            name,
            group,
            line,
            is_core: false,
            needs: Needs::Nothing,
            load: Load::default(),
            has_tls: false,
            options: &[],
            seen_as: &[],
            allowed: Allowed::NOTHING,
            budget: Budget::default(),
            remedies: &[],
            harm: Harm::Other,
            play,
        }
    }

    /// How soon it has to be seen; none when there is nothing to see.
    #[must_use]
    pub fn detected_within_time(&self) -> Option<Duration> {
        let time = self.budget.detected;
        time.filter(|_| !self.seen_as.is_empty())
    }

    /// The same as one of the core.
    #[must_use]
    pub fn core(mut self) -> Self {
        self.is_core = true;
        self
    }

    /// The same with what it needs.
    #[must_use]
    pub fn needs(mut self, needs: Needs) -> Self {
        self.needs = needs;
        self
    }

    /// The same with another load.
    #[must_use]
    pub fn load(mut self, load: Load) -> Self {
        self.load = load;
        self
    }

    /// The same with TLS on the way to the exchange.
    #[must_use]
    pub fn over_tls(mut self) -> Self {
        self.has_tls = true;
        self
    }

    /// The same with options of the collector.
    #[must_use]
    pub fn with(mut self, options: &'static [&'static str]) -> Self {
        self.options = options;
        self
    }

    /// The same with so many alerts at most.
    #[must_use]
    pub fn alerting_at_most(mut self, alerts: u64) -> Self {
        self.budget.alerts_max = Some(alerts);
        self
    }

    /// The same, seen by any of these events.
    #[must_use]
    pub fn seen_as(mut self, codes: &'static [&'static str]) -> Self {
        self.seen_as = codes;
        self
    }

    /// The same with what may be made anew.
    #[must_use]
    pub fn allowing(mut self, allowed: Allowed) -> Self {
        self.allowed = allowed;
        self
    }

    /// The same with another time to be seen in.
    #[must_use]
    pub fn detected_within(mut self, time: Duration) -> Self {
        self.budget.detected = Some(time);
        self
    }

    /// The same with another time to be over in.
    #[must_use]
    pub fn recovered_within(mut self, time: Duration) -> Self {
        self.budget.recovered = Some(time);
        self
    }

    /// The same with so many alerts at least.
    #[must_use]
    pub fn alerting(mut self, alerts: u64) -> Self {
        self.budget.alerts_min = alerts;
        self
    }

    /// The same, doing this harm without these remedies.
    #[must_use]
    pub fn fails_without(mut self, remedies: &'static [Safeguard], harm: Harm) -> Self {
        self.remedies = remedies;
        self.harm = harm;
        self
    }
}
