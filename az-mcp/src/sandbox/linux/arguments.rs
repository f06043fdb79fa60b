//! The arguments of `bwrap`, and the file descriptors that they name.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use super::memory_file::memory_file;
use super::seccomp::Filters;
use crate::sandbox::SandboxError;

/// The arguments of `bwrap` before the command.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    words: Vec<OsString>,
    inherited: Vec<OwnedFd>,
}

impl Arguments {
    /// Adds words.
    pub(super) fn push<S: AsRef<OsStr>>(&mut self, words: impl IntoIterator<Item = S>) {
        self.words.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
    }

    /// Adds an option with a file descriptor that `bwrap` inherits.
    pub(super) fn push_file(&mut self, option: &str, file: impl Into<OwnedFd>) {
        let file = file.into();
        self.push([option, &file.as_raw_fd().to_string()]);
        self.inherited.push(file);
    }

    /// Adds variables.
    pub(super) fn push_variables<'a>(
        &mut self,
        variables: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) {
        self.push(["--clearenv"]);
        for (name, value) in variables {
            self.push(["--setenv", name, value]);
        }
    }

    /// Adds filters of system calls.
    pub(super) fn push_filters(&mut self, filters: &Filters) -> Result<(), SandboxError> {
        for program in &filters.0 {
            let mut bytes = Vec::with_capacity(program.len() * 8);
            for instruction in program {
                bytes.extend(instruction.code.to_ne_bytes());
                bytes.extend([instruction.jt, instruction.jf]);
                bytes.extend(instruction.k.to_ne_bytes());
            }
            let file = memory_file("az-filter", &bytes)
                .map_err(|error| SandboxError::setup("the filter of system calls", error))?;
            self.push_file("--add-seccomp-fd", file);
        }
        Ok(())
    }

    /// Lets the command inherit what the arguments of another `bwrap` name, which it starts.
    pub(super) fn inherit(&mut self, files: Vec<OwnedFd>) {
        self.inherited.extend(files);
    }

    /// Returns the arguments in a file, as words for `bwrap`, and what it has to inherit. Other users
    /// cannot read the file: variables of the command are among the arguments.
    pub(super) fn into_file(self) -> Result<([OsString; 2], Vec<OwnedFd>), SandboxError> {
        let Self { words, mut inherited } = self;
        let mut list = Vec::new();
        for word in words {
            list.extend_from_slice(word.as_bytes());
            list.push(0);
        }
        let file = memory_file("az-arguments", &list)
            .map_err(|error| SandboxError::setup("the arguments of bwrap", error))?;
        let words = ["--args".into(), file.as_raw_fd().to_string().into()];
        inherited.push(file);
        Ok((words, inherited))
    }
}
