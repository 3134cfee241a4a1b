//! Compares the cost of two ways to do the same, in one process and taking turns, so
//! that whatever slows the machine down slows down both.
//!
//! Cost is the CPU time of the calling thread: other work on the machine does not
//! count, and waiting does not either.

#![allow(clippy::print_stdout, reason = "a bench prints what it finds")]
#![allow(dead_code, reason = "each bench uses its own part")]

use std::{fs, hint::black_box, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// The CPU time that this thread has used.
#[must_use]
pub fn thread_cpu_time() -> Duration {
    cpu_time(ClockId::ThreadCPUTime)
}

/// The CPU time that all threads of this process have used.
#[must_use]
pub fn process_cpu_time() -> Duration {
    cpu_time(ClockId::ProcessCPUTime)
}

fn cpu_time(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

/// How much memory this process holds, in KiB; 0 where the system does not say.
#[must_use]
pub fn rss_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}

/// The smallest, middle and largest of some figures.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    /// The smallest.
    pub min: f64,
    /// The one in the middle.
    pub median: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// The spread of `figures`, of which there must be at least one.
    #[must_use]
    pub fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        Self {
            min: figures[0],
            median: figures[figures.len() / 2],
            max: figures[figures.len() - 1],
        }
    }
}

/// What a comparison found.
#[derive(Debug, Clone, Copy)]
pub struct Comparison {
    /// Nanoseconds an item that the first way takes.
    pub first_ns: Spread,
    /// Nanoseconds an item that the second way takes.
    pub second_ns: Spread,
    /// First over second, round by round.
    pub ratio: Spread,
}

/// Runs `first` and `second` in turn, `rounds` times after one unmeasured round, and
/// prints one line. Each call has to process `items` items and returns whatever keeps
/// the compiler from leaving the work out.
pub fn compare<A, B>(
    name: &str,
    (first_name, mut first): (&str, impl FnMut() -> A),
    (second_name, mut second): (&str, impl FnMut() -> B),
    items: usize,
    rounds: usize,
) -> Comparison {
    black_box(first());
    black_box(second());
    let (mut first_ns, mut second_ns) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // The order changes, so that neither side always finds the caches warm.
        if round % 2 == 0 {
            first_ns.push(cost_ns(&mut first, items));
            second_ns.push(cost_ns(&mut second, items));
        } else {
            second_ns.push(cost_ns(&mut second, items));
            first_ns.push(cost_ns(&mut first, items));
        }
    }
    let ratio = first_ns
        .iter()
        .zip(&second_ns)
        .map(|(a, b)| a / b)
        .collect();
    let comparison = Comparison {
        first_ns: Spread::of(first_ns),
        second_ns: Spread::of(second_ns),
        ratio: Spread::of(ratio),
    };
    println!(
        "{name:<28} {first_name} {:8.1} ns  {second_name} {:8.1} ns  ratio {:.2} / {:.2} / {:.2}",
        comparison.first_ns.median,
        comparison.second_ns.median,
        comparison.ratio.min,
        comparison.ratio.median,
        comparison.ratio.max,
    );
    comparison
}

fn cost_ns<T>(work: &mut impl FnMut() -> T, items: usize) -> f64 {
    let start = thread_cpu_time();
    black_box(work());
    thread_cpu_time().saturating_sub(start).as_secs_f64() * 1e9 / items as f64
}
