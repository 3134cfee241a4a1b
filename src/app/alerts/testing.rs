//! A channel that does what a test says, for what cannot be had from a real receiver: time
//! that stands still, panics, disregard of deadlines.

use std::{
    collections::VecDeque,
    future,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::watch,
    time::{self, Instant},
};

use super::{AlertEvent, Emit, Outlet, Outlets};
use crate::{
    domain::alert::{Metric, Notice, NoticeKind, Reading, Rule, Severity},
    notify::{Channel, ChannelError, Message, Remedy},
};

/// What an attempt leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Arrive,
    Fail,
    FailFor(Duration),
    Refuse,
    /// Never ends, whatever the deadline.
    Hang,
    Panic,
}

/// A channel with a script.
pub struct Script {
    name: String,
    max_notices: usize,
    acts: Mutex<VecDeque<Act>>,
    /// What is done when the script is over.
    rest: Mutex<Act>,
    heard: watch::Sender<Vec<(Instant, Message)>>,
}

impl Script {
    pub fn new(name: &str, max_notices: usize, rest: Act) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            max_notices,
            acts: Mutex::default(),
            rest: Mutex::new(rest),
            heard: watch::Sender::default(),
        })
    }

    pub fn first(self: Arc<Self>, acts: &[Act]) -> Arc<Self> {
        self.acts.lock().expect("unharmed").extend(acts);
        self
    }

    pub fn now_does(&self, act: Act) {
        *self.rest.lock().expect("unharmed") = act;
    }

    /// The attempts so far, and when each began.
    pub fn heard(&self) -> Vec<(Instant, Message)> {
        self.heard.borrow().clone()
    }

    /// Waits for so many attempts, in the time of the test.
    pub async fn wait_for(&self, attempts: usize) -> Vec<(Instant, Message)> {
        let mut heard = self.heard.subscribe();
        let patience = Duration::from_secs(7 * 24 * 3600);
        let enough = heard.wait_for(|heard| heard.len() >= attempts);
        time::timeout(patience, enough)
            .await
            .expect("in time")
            .expect("a channel")
            .clone()
    }

    pub fn outlet(self: &Arc<Self>) -> Outlet {
        Outlet {
            channel: Arc::clone(self) as Arc<dyn Channel>,
            min_severity: Severity::Warning,
            deadline: Duration::from_secs(10),
        }
    }
}

#[async_trait]
impl Channel for Script {
    fn name(&self) -> &str {
        &self.name
    }

    fn max_notices(&self) -> usize {
        self.max_notices
    }

    async fn send(&self, message: &Message, _deadline: Duration) -> Result<(), ChannelError> {
        let next = self.acts.lock().expect("unharmed").pop_front();
        let act = next.unwrap_or(*self.rest.lock().expect("unharmed"));
        self.heard
            .send_modify(|heard| heard.push((Instant::now(), message.clone())));
        match act {
            Act::Arrive => Ok(()),
            Act::Fail => Err(ChannelError::retry("the receiver failed")),
            Act::FailFor(after) => Err(ChannelError {
                remedy: Remedy::Retry { after: Some(after) },
                ..ChannelError::retry("the receiver wants silence")
            }),
            Act::Refuse => Err(ChannelError::permanent("the receiver refuses", "change it")),
            Act::Hang => future::pending().await,
            Act::Panic => panic!("as the script says"),
        }
    }
}

pub fn outlets(scripts: &[&Arc<Script>]) -> Outlets {
    Outlets {
        channels: scripts.iter().map(|script| script.outlet()).collect(),
        pings: Vec::new(),
    }
}

/// Events as they come.
#[derive(Debug, Clone, Default)]
pub struct Events(Arc<Mutex<Vec<AlertEvent>>>);

impl Events {
    pub fn emit(&self) -> Emit {
        let kept = Arc::clone(&self.0);
        Emit::new(move |event| kept.lock().expect("unharmed").push(event.clone()))
    }

    pub fn codes(&self) -> Vec<&'static str> {
        let events = self.0.lock().expect("unharmed");
        events.iter().map(AlertEvent::code).collect()
    }

    pub fn all(&self) -> Vec<AlertEvent> {
        self.0.lock().expect("unharmed").clone()
    }
}

/// A notice about the subject number `number`.
pub fn notice(number: u64) -> Notice {
    let readings = [Reading::new(Metric::DataStaleS, 600.0).of(format!("S{number}"))];
    let mut alerts = crate::domain::alert::Alerts::new(Rule::defaults()).expect("rules");
    let mut notices = alerts.evaluate(&readings, 0);
    let notice = notices.pop().expect("a notice");
    assert_eq!(notice.kind, NoticeKind::Firing);
    notice
}
