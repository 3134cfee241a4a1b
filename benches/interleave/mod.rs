//! Compares the cost of two ways to do the same, in one process and taking turns, so
//! that whatever slows the machine down slows down both.
//!
//! The cost of a computation is the CPU time of the calling thread: other work on the machine
//! does not count, and waiting does not either. What waits for a disk or a server is raced
//! by the wall clock instead.

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

/// The time on a clock that never goes back.
#[must_use]
pub fn wall_time() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
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

/// Runs `first` and `second` in turn, `rounds` times after one unmeasured round, and
/// prints one line. Each call processes `items` items and returns the time that counts,
/// so that preparations need not. The ratio is that of the speeds, first over second.
pub fn race(
    name: &str,
    (first_name, mut first): (&str, impl FnMut() -> Duration),
    (second_name, mut second): (&str, impl FnMut() -> Duration),
    items: usize,
    rounds: usize,
) -> Spread {
    first();
    second();
    let (mut first_rates, mut second_rates) = (Vec::new(), Vec::new());
    let rate = |took: Duration| items as f64 / took.as_secs_f64();
    for round in 0..rounds {
        if round % 2 == 0 {
            first_rates.push(rate(first()));
            second_rates.push(rate(second()));
        } else {
            second_rates.push(rate(second()));
            first_rates.push(rate(first()));
        }
    }
    let ratio = first_rates
        .iter()
        .zip(&second_rates)
        .map(|(first, second)| first / second)
        .collect();
    let ratio = Spread::of(ratio);
    println!(
        "{name:<28} {first_name} {:9.0}/s  {second_name} {:9.0}/s  ratio {:.2} / {:.2} / {:.2}",
        Spread::of(first_rates).median,
        Spread::of(second_rates).median,
        ratio.min,
        ratio.median,
        ratio.max,
    );
    ratio
}

fn cost_ns<T>(work: &mut impl FnMut() -> T, items: usize) -> f64 {
    let start = thread_cpu_time();
    black_box(work());
    thread_cpu_time().saturating_sub(start).as_secs_f64() * 1e9 / items as f64
}
