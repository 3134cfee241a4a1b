//! How far the probe has come, on standard error.

use crate::{
    app::probe::{event::Event, measures::Measures},
    report::{messages::Messages, terminal},
};

use super::seconds;

/// Tells of what happens.
#[derive(Clone)]
pub struct Progress {
    messages: Messages,
    is_quiet: bool,
    /// Whether a line can be drawn over and over again.
    can_draw: bool,
}

impl Progress {
    /// Tells it to `messages`; nothing if `is_quiet`.
    #[must_use]
    pub fn new(messages: Messages, is_quiet: bool) -> Self {
        Self {
            messages,
            is_quiet,
            can_draw: terminal::can_draw(),
        }
    }

    /// Tells of an event.
    pub fn tell(&self, event: &Event) {
        if self.is_quiet {
            return;
        }
        if let Some(line) = line(event) {
            if self.can_draw {
                self.messages.erase();
            }
            self.messages.log(format!("{line}\n").as_bytes());
        }
        // What lasts for seconds is shown where somebody looks on, and is no news to a file.
        if let Event::Phase { name, phase } = event
            && self.can_draw
        {
            let line = format!("        {name}: {}", phase.as_str());
            self.messages.draw(vec![line]);
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
            let figures = outcome.measures.as_ref().map(figures);
            let figures = figures.unwrap_or_default();
            Some(format!("        {name} passed{figures}"))
        }
        Event::RunEnded { name, outcome } => Some(format!(
            "        {name} MISSED: {}",
            outcome.missed.join("; ")
        )),
        Event::Note { name, reason } => Some(format!("        {name}: {reason}")),
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
