//! The program `streamkit`.

use std::process::ExitCode;

fn main() -> ExitCode {
    streamkit::cli::run(std::env::args_os())
}
