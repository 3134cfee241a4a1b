//! What a panic is told as: a mistake of this program, on the way that waits for nobody.
//!
//! What Rust does by itself writes to standard error and waits for its reader. A thread that
//! panicked would hang there, and whoever watches over it would never hear that it is gone.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    fmt, panic, thread,
};

use crate::report::Printer;

/// Tells every panic from now on by way of `printer`.
pub fn tell_to(printer: &Printer) {
    let printer = printer.clone();
    panic::set_hook(Box::new(move |info| {
        let backtrace = Backtrace::capture();
        let has_backtrace = backtrace.status() == BacktraceStatus::Captured;
        let thread = thread::current();
        printer.tell(text(
            thread.name().unwrap_or("unnamed"),
            info,
            has_backtrace.then_some(&backtrace as &dyn fmt::Display),
        ));
    }));
}

fn text(thread: &str, panic: &dyn fmt::Display, backtrace: Option<&dyn fmt::Display>) -> String {
    let panic = panic.to_string().replace(":\n", ": ");
    let hint = "this is a mistake in streamkit: report it with these lines";
    match backtrace {
        Some(backtrace) => {
            format!("error: the thread '{thread}' {panic}\n{backtrace}hint: {hint}")
        }
        None => format!(
            "error: the thread '{thread}' {panic}\nhint: {hint}; with RUST_BACKTRACE=1 they \
             tell more"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_a_hint() {
        let panic = "panicked at src/a.rs:1:2:\nindex out of bounds";
        assert_eq!(
            text("session-0", &panic, None),
            "error: the thread 'session-0' panicked at src/a.rs:1:2: index out of bounds\n\
             hint: this is a mistake in streamkit: report it with these lines; with \
             RUST_BACKTRACE=1 they tell more"
        );
        let text = text("main", &panic, Some(&"  0: main\n"));
        assert!(text.contains("\n  0: main\nhint: "), "{text}");
    }
}
