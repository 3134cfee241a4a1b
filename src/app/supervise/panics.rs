//! Panics of supervised tasks, with where they happened.
//!
//! What a panic carries is only its message. Where it happened is known to the panic hook
//! alone, so the hook keeps it for whoever catches the panic on the same thread. Panics of
//! anything else go on to the hook that was there before.

use std::{
    any::Any,
    backtrace::Backtrace,
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    sync::Once,
    task::{Context, Poll},
};

/// A panic that was caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caught {
    /// Its message, and where it happened.
    pub reason: String,
    /// How the program got there.
    pub backtrace: String,
}

/// Why a task failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// In which way.
    pub reason: String,
    /// How the program got there, after a panic.
    pub backtrace: Option<String>,
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self {
            reason,
            backtrace: None,
        }
    }
}

impl From<Caught> for Failure {
    fn from(caught: Caught) -> Self {
        Self {
            reason: caught.reason,
            backtrace: Some(caught.backtrace),
        }
    }
}

thread_local! {
    /// How many catches this thread is inside of.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Where the last panic on this thread happened, and how the program got there.
    static LAST: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
}

fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if DEPTH.get() == 0 {
                before(info);
                return;
            }
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            let backtrace = Backtrace::force_capture().to_string();
            LAST.with(|last| *last.borrow_mut() = Some((place, backtrace)));
        }));
    });
}

/// Runs `work`, and turns its panic into a value.
///
/// # Errors
/// When it panicked.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Caught> {
    install_hook();
    DEPTH.set(DEPTH.get() + 1);
    // What a panic leaves behind is thrown away with the task, so nothing broken is seen.
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get() - 1);
    result.map_err(|payload| caught(&*payload))
}

fn caught(payload: &(dyn Any + Send)) -> Caught {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned());
    let (place, backtrace) = LAST
        .with(|last| last.borrow_mut().take())
        .unwrap_or_default();
    Caught {
        reason: format!("it panicked at {place}: {message}"),
        backtrace,
    }
}

/// A future whose panics are values.
pub struct Catching<F>(Pin<Box<F>>);

impl<F> Catching<F> {
    /// `future`, whose panics are caught.
    pub fn new(future: F) -> Self {
        Self(Box::pin(future))
    }
}

impl<F: Future> Future for Catching<F> {
    type Output = Result<F::Output, Caught>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match catch(|| self.0.as_mut().poll(context)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(caught) => Poll::Ready(Err(caught)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_with_its_place_and_how_it_was_come_to() {
        let caught = catch(|| panic!("no {}", "luck")).expect_err("it panicked");
        assert!(
            caught
                .reason
                .starts_with("it panicked at src/app/supervise/panics.rs:"),
            "{}",
            caught.reason
        );
        assert!(caught.reason.ends_with(": no luck"), "{}", caught.reason);
        assert!(caught.backtrace.contains("panics"), "{}", caught.backtrace);
        assert_eq!(catch(|| 7), Ok(7));
    }

    #[tokio::test]
    async fn a_future_is_caught_wherever_it_panics() {
        let caught = Catching::new(async {
            tokio::task::yield_now().await;
            panic!("late");
        })
        .await;
        let caught: Result<(), Caught> = caught;
        assert!(caught.expect_err("it panicked").reason.ends_with(": late"));
    }
}
