//! Which system calls are refused.

use seccompiler::{BackendError, SeccompCmpOp, SeccompRule};

use super::seccomp::{Rules, argument, none_of};

/// The families of sockets to other hosts, and to the kernel's tables of routes and addresses, which
/// the resolver of names reads.
pub(super) const INTERNET: [i32; 3] = [libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
/// The families of sockets in a network namespace without other hosts.
const ISOLATED: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Calls that seem not to exist: programs then use older ones, whose arguments a filter can read.
pub(super) const MISSING: [i64; 4] = [
    libc::SYS_clone3,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

/// Calls that no command in a workspace needs: they read and change other processes, the kernel,
/// the machine and mounts.
const REFUSED: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_madvise,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// Calls to objects of System V and POSIX that all processes of a user share.
const SHARED: [i64; 7] = [
    libc::SYS_mq_open,
    libc::SYS_msgget,
    libc::SYS_msgrcv,
    libc::SYS_msgsnd,
    libc::SYS_semget,
    libc::SYS_shmat,
    libc::SYS_shmget,
];

/// The kinds of namespaces that a process could create.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];
/// The namespace of clocks, which only `unshare` creates.
const CLONE_NEWTIME: i32 = 0x80;

/// Requests to a terminal that put characters into its input.
const TYPING: [u64; 2] = [libc::TIOCSTI, libc::TIOCLINUX];

/// Execution domains that programs use: the default, without randomised addresses, of 32 bits, both,
/// and the question for the current one.
const DOMAINS: [u64; 5] = [0, 0x0004_0000, 0x0008, 0x0004_0008, 0xffff_ffff];

/// Returns the calls that are refused to commands that only Landlock confines otherwise. They can
/// create sockets of these families.
///
/// Sockets in the file system are not among them: Landlock of Linux 6 cannot refuse connecting to
/// those of other processes, such as a session bus that starts programs.
pub(super) fn landlock(families: &[i32]) -> Result<Rules, BackendError> {
    let mut rules = namespaced(families)?;
    rules.extend(SHARED.map(|call| (call, Vec::new())));
    // The limits of other processes; 0 is the process itself.
    rules.insert(libc::SYS_prlimit64, none_of(0, &[0])?);
    Ok(rules)
}

/// Returns the calls that are refused to commands in namespaces of their own.
pub(super) fn namespaces() -> Result<Rules, BackendError> {
    namespaced(&ISOLATED)
}

fn namespaced(families: &[i32]) -> Result<Rules, BackendError> {
    let families: Vec<_> = families.iter().map(|family| unsigned(*family)).collect();
    let mut rules: Rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_socket, none_of(0, &families)?);
    rules.insert(libc::SYS_socketpair, none_of(0, &[unsigned(libc::AF_UNIX)])?);
    rules.insert(libc::SYS_clone, with_any(&NAMESPACES)?);
    rules.insert(libc::SYS_unshare, {
        let mut kinds = NAMESPACES.to_vec();
        kinds.push(CLONE_NEWTIME);
        with_any(&kinds)?
    });
    rules.insert(libc::SYS_personality, none_of(0, &DOMAINS)?);
    let typing = TYPING
        .iter()
        .map(|request| SeccompRule::new(vec![argument(1, SeccompCmpOp::Eq, *request)?]));
    rules.insert(libc::SYS_ioctl, typing.collect::<Result<_, _>>()?);
    Ok(rules)
}

/// Returns rules that apply if the first argument has any of these flags.
fn with_any(flags: &[i32]) -> Result<Vec<SeccompRule>, BackendError> {
    let rule = |flag: &i32| {
        let flag = unsigned(*flag);
        SeccompRule::new(vec![argument(0, SeccompCmpOp::MaskedEq(flag), flag)?])
    };
    flags.iter().map(rule).collect()
}

fn unsigned(number: i32) -> u64 {
    u64::from(number.cast_unsigned())
}
