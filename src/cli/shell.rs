//! `streamkit completions` and `streamkit man`: what shells and `man` are told of the program.
//!
//! Neither needs any settings, so that both work where a package is built.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

use crate::report::Printer;

use super::{
    error::{CliError, Edge as _},
    exit::ExitCode,
};

/// The name of the program.
const NAME: &str = "streamkit";

/// Print what lets a shell complete commands and options
///
/// For bash: streamkit completions bash > ~/.local/share/bash-completion/completions/streamkit
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsArgs {
    /// Prints it.
    pub fn run(self, mut command: Command, printer: &Printer) -> Result<ExitCode, CliError> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut command, NAME, &mut text);
        printer.data(&text)?;
        printer.flush()?;
        Ok(ExitCode::Ok)
    }
}

/// Print the manual page, or write one for each subcommand
///
/// Read it at once: streamkit man | man -l -
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write all pages into this directory, which is made if it is missing
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl ManArgs {
    /// Prints or writes.
    pub fn run(self, command: Command, printer: &Printer) -> Result<ExitCode, CliError> {
        let pages = pages(command)
            .map_err(|error| anyhow::Error::new(error).context("render the manual"))
            .hint("free some memory")?;
        if let Some(dir) = self.dir {
            write(&pages, &dir)
                .map_err(|error| {
                    let what = format!("write manual pages to {}", dir.display());
                    anyhow::Error::new(error).context(what)
                })
                .hint("name a directory that this user may write to")?;
        } else if let Some(main) = pages.last() {
            printer.data(&main.text)?;
            printer.flush()?;
        }
        Ok(ExitCode::Ok)
    }
}

/// A page of the manual.
struct Page {
    file_name: String,
    text: Vec<u8>,
}

fn write(pages: &[Page], dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    for page in pages {
        fs::write(dir.join(&page.file_name), &page.text)?;
    }
    Ok(())
}

/// A page for each subcommand that is shown, and the program's own one as the last.
fn pages(command: Command) -> io::Result<Vec<Page>> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    of_subcommands(&command, &mut pages)?;
    let mut main = page(&command)?;
    let mut roff = Roff::new();
    for (heading, entries) in [
        ("EXIT STATUS", EXIT_STATUS),
        ("ENVIRONMENT", ENVIRONMENT),
        ("FILES", FILES),
    ] {
        roff.control("SH", [heading]);
        for (term, text) in entries {
            roff.control("TP", []);
            roff.text([bold(*term)]);
            roff.text([roman(*text)]);
        }
    }
    roff.to_writer(&mut main.text)?;
    pages.push(main);
    Ok(pages)
}

fn of_subcommands(command: &Command, pages: &mut Vec<Page>) -> io::Result<()> {
    let shown = command.get_subcommands().filter(|one| !one.is_hide_set());
    for one in shown {
        of_subcommands(one, pages)?;
        pages.push(page(one)?);
    }
    Ok(())
}

fn page(command: &Command) -> io::Result<Page> {
    let man = Man::new(command.clone());
    let mut text = Vec::new();
    man.render(&mut text)?;
    Ok(Page {
        file_name: man.get_filename(),
        text,
    })
}

/// What the program's own page says of how it ends.
const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "It did what it was asked, or what it checked is well."),
    ("1", "It did not, or what it checked is not well."),
    ("64", "The command line is wrong."),
    ("69", "Something that it needs cannot be reached."),
    ("75", "It may well work later."),
    (
        "78",
        "The settings, or rights, or files that they name, are wrong.",
    ),
    ("130", "It was interrupted."),
    (
        "0 to 3",
        "Of the watchdog: fresh, a warning, critical, unknown, as of plugins of Nagios.",
    ),
];
/// What it says of variables.
const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "STREAMKIT_CONFIG",
        "The settings file, unless --config names it.",
    ),
    (
        "STREAMKIT_STORE, STREAMKIT_STATE_DIR, …",
        "Settings, unless a flag gives them: 'streamkit config show' lists all of them, and \
         where each value comes from.",
    ),
    (
        "STREAMKIT_STORE_PASSWORD",
        "The password of the store, which then is in no list of processes.",
    ),
    ("NO_COLOR", "Without colours, unless --color is given."),
];
/// What it says of files.
const FILES: &[(&str, &str)] = &[
    (
        "~/.config/streamkit/streamkit.toml",
        "Settings, if it is there.",
    ),
    ("~/.local/state/streamkit/", "The journal, by default."),
    (
        "~/.local/share/streamkit/streamkit.db",
        "The store, by default.",
    ),
];
