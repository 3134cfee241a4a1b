//! Any program with its arguments. No shell is between.

use super::error::UnitError;

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommandLine {
    pub program: String,
    pub args: Vec<String>,
}

impl CommandLine {
    /// Splits `line` into words as a shell does, quotes and backslashes included; nothing
    /// in it is expanded.
    pub(super) fn parse(line: &str) -> Result<Self, UnitError> {
        let refuse = |reason| UnitError::CommandLine {
            line: line.to_owned(),
            reason,
        };
        if line.contains('\0') {
            return Err(refuse("it has a NUL character"));
        }
        let words = shlex::split(line).ok_or_else(|| refuse("a quote in it does not end"))?;
        let mut words = words.into_iter();
        let program = words.next().filter(|program| !program.is_empty());
        Ok(Self {
            program: program.ok_or_else(|| refuse("it names no program"))?,
            args: words.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_in_a_shell_and_nothing_is_expanded() {
        let command = CommandLine::parse(r#"  run 'two words' "a \"b\"" c\ d $HOME * '' "#);
        let command = command.expect("a command");
        assert_eq!(command.program, "run");
        let expected = ["two words", "a \"b\"", "c d", "$HOME", "*", ""];
        assert_eq!(command.args, expected);
    }

    #[test]
    fn a_line_that_names_no_program_is_refused() {
        for line in ["", "  ", "''", "'open", "run \"open", "a\0b", "back\\"] {
            assert!(CommandLine::parse(line).is_err(), "{line:?}");
        }
    }
}
