//! How far the probe has come, on standard error.

use crate::{
    app::probe::{event::Event, measures::Measures},
    report::messages::Messages,
};

use super::seconds;

/// Tells of what happens.
#[derive(Clone)]
pub struct Progress {
    messages: Messages,
    is_quiet: bool,
}

impl Progress {
    /// Tells it to `messages`; nothing if `is_quiet`.
    #[must_use]
    pub fn new(messages: Messages, is_quiet: bool) -> Self {
        Self { messages, is_quiet }
    }

    /// Tells of an event.
    pub fn tell(&self, event: &Event) {
        if let Some(line) = line(event).filter(|_| !self.is_quiet) {
            self.messages.log(format!("{line}\n").as_bytes());
        }
    }
}

fn line(event: &Event) -> Option<String> {
    match event {
        Event::Begun {
            name,
            number,
            total,
            seed,
        } => Some(format!("[{number}/{total}] {name}, seed {seed}")),
        Event::RunEnded { name, outcome } if outcome.has_passed() => {
            let figures = figures(&outcome.measures);
            Some(format!("        {name} passed{figures}"))
        }
        Event::RunEnded { name, outcome } => Some(format!(
            "        {name} MISSED: {}",
            outcome.missed.join("; ")
        )),
        Event::Phase { .. } | Event::ScenarioEnded(_) => None,
    }
}

fn figures(measures: &Measures) -> String {
    let figure = |word, ms: Option<u64>| match ms {
        Some(_) => format!(", {word} after {}", seconds(ms)),
        None => String::new(),
    };
    let seen = figure("seen", measures.detected_ms);
    seen + &figure("fresh", measures.recovered_ms)
}
