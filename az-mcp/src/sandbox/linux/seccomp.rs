//! Filters of system calls.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

use super::calls;
use crate::sandbox::{NetworkAccess, SandboxError};

/// The rules of a filter: a call is refused if one of its rules applies, or if it has none.
pub(super) type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Programs that decide about each system call. All are installed; the strictest decides.
#[derive(Debug)]
pub(super) struct Filters(pub(super) Vec<BpfProgram>);

impl Filters {
    /// Returns the filters of commands that only Landlock confines otherwise.
    pub(super) fn landlock(network: &NetworkAccess) -> Result<&'static Self, SandboxError> {
        static OFF: OnceLock<Filters> = OnceLock::new();
        static ON: OnceLock<Filters> = OnceLock::new();
        match network {
            NetworkAccess::Off | NetworkAccess::Proxy(_) => cached(&OFF, || calls::landlock(&[])),
            NetworkAccess::On => cached(&ON, || calls::landlock(&calls::INTERNET)),
        }
    }

    /// Returns the filters of commands in namespaces of their own.
    pub(super) fn namespaces() -> Result<&'static Self, SandboxError> {
        static FILTERS: OnceLock<Filters> = OnceLock::new();
        cached(&FILTERS, calls::namespaces)
    }

    fn compile(refused: Rules) -> Result<Self, seccompiler::BackendError> {
        let architecture: TargetArch = std::env::consts::ARCH.try_into()?;
        let compile = |rules, errno: i32| {
            let refuse = SeccompAction::Errno(errno.unsigned_abs());
            // Calls of another architecture, such as those of 32-bit programs, end the process.
            SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture)?.try_into()
        };
        let missing = calls::MISSING.map(|call| (call, Vec::new()));
        let mut programs =
            vec![compile(refused, libc::EPERM)?, compile(missing.into(), libc::ENOSYS)?];
        if cfg!(target_arch = "x86_64") {
            programs.push(without_x32());
        }
        Ok(Self(programs))
    }
}

fn cached(
    cell: &'static OnceLock<Filters>,
    rules: impl FnOnce() -> Result<Rules, seccompiler::BackendError>,
) -> Result<&'static Filters, SandboxError> {
    if let Some(filters) = cell.get() {
        return Ok(filters);
    }
    let filters = rules().and_then(Filters::compile);
    let filters = filters.map_err(|error| {
        SandboxError::setup("the filter of system calls", std::io::Error::other(error))
    })?;
    Ok(cell.get_or_init(|| filters))
}

/// Restricts the calling thread for good.
pub(super) fn restrict(filters: &Filters) -> Result<(), SandboxError> {
    for program in &filters.0 {
        apply_filter(program).map_err(|error| {
            SandboxError::setup("the filter of system calls", std::io::Error::other(error))
        })?;
    }
    Ok(())
}

/// Returns a condition on an argument, of which the kernel reads the lower 32 bits.
pub(super) fn argument(
    index: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value)
}

/// Returns a rule that applies if the argument is none of these values.
pub(super) fn none_of(
    index: u8,
    values: &[u64],
) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let conditions: Result<Vec<_>, _> =
        values.iter().map(|value| argument(index, SeccompCmpOp::Ne, *value)).collect();
    match conditions? {
        conditions if conditions.is_empty() => Ok(Vec::new()),
        conditions => Ok(vec![SeccompRule::new(conditions)?]),
    }
}

/// Returns a program that refuses calls of the x32 interface: they have the architecture of 64-bit
/// calls and other numbers, which the other filters do not list.
fn without_x32() -> BpfProgram {
    const X32: u32 = 0x4000_0000;
    const LOAD_NUMBER: u16 = 0x20;
    const JUMP_IF_AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    let instruction = |code, jt, jf, k| seccompiler::sock_filter { code, jt, jf, k };
    vec![
        instruction(LOAD_NUMBER, 0, 0, 0),
        instruction(JUMP_IF_AT_LEAST, 0, 1, X32),
        instruction(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs()),
        instruction(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}
