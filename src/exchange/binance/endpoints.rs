//! Several addresses of the same service: the one that works is kept, one that fails
//! is followed by the next.

use std::sync::atomic::{AtomicUsize, Ordering};

use url::Url;

/// A list that is never empty.
#[derive(Debug)]
pub(super) struct Endpoints {
    urls: Vec<Url>,
    preferred: AtomicUsize,
}

impl Endpoints {
    /// The first one is tried first; none for an empty list.
    pub(super) fn new(urls: Vec<Url>) -> Option<Self> {
        (!urls.is_empty()).then_some(Self {
            urls,
            preferred: AtomicUsize::new(0),
        })
    }

    /// All of them with their numbers, beginning with the one to try first.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (usize, &Url)> {
        let first = self.preferred.load(Ordering::Relaxed);
        let count = self.urls.len();
        (first..first + count).map(move |number| (number % count, &self.urls[number % count]))
    }

    /// The one to try first.
    pub(super) fn preferred(&self) -> &Url {
        &self.urls[self.preferred.load(Ordering::Relaxed)]
    }

    /// The name of one, for messages.
    pub(super) fn name(&self, number: usize) -> String {
        self.urls[number].to_string()
    }

    /// This one works: try it first from now on.
    pub(super) fn works(&self, number: usize) {
        self.preferred.store(number, Ordering::Relaxed);
    }

    /// This one does not work: if it was the first to try, the next one is now.
    pub(super) fn fails(&self, number: usize) {
        let next = (number + 1) % self.urls.len();
        // If another has become the first in the meantime, it stays.
        let _ = self
            .preferred
            .compare_exchange(number, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_works_is_kept_and_one_that_fails_is_followed_by_the_next() {
        let urls =
            ["a", "b", "c"].map(|host| format!("https://{host}.test/").parse().expect("a URL"));
        let endpoints = Endpoints::new(urls.to_vec()).expect("not empty");
        let order = || {
            endpoints
                .in_order()
                .map(|(number, _)| number)
                .collect::<Vec<_>>()
        };
        assert_eq!(order(), [0, 1, 2]);
        endpoints.fails(0);
        assert_eq!(order(), [1, 2, 0]);
        endpoints.fails(0);
        assert_eq!(order(), [1, 2, 0]);
        endpoints.works(2);
        assert_eq!(order(), [2, 0, 1]);
        endpoints.fails(2);
        assert_eq!(endpoints.preferred().as_str(), "https://a.test/");
        assert!(Endpoints::new(Vec::new()).is_none());
    }
}
