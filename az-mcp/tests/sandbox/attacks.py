"""System calls that a sandbox has to refuse. `attacks.py NAME ARGUMENT...` prints ESCAPED if one succeeds."""
import ctypes, mmap, os, pty, socket, struct, sys

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
IS_ARM = os.uname().machine == "aarch64"


def call(x86, arm, *arguments):
    number = arm if IS_ARM else x86
    return libc.syscall(ctypes.c_long(number), *[a if isinstance(a, (bytes, ctypes.Array)) else ctypes.c_long(a) for a in arguments])


def escaped_if(condition):
    if condition:
        print("ESCAPED")


def connects(family, kind, address):
    with socket.socket(family, kind) as sock:
        sock.settimeout(2)
        if kind == socket.SOCK_DGRAM:
            sock.sendto(b"secret", address)
        else:
            sock.connect(address)
        return True


def tcp(port):
    escaped_if(connects(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", int(port))))


def udp(port):
    # Whether it arrives is for the other end to tell.
    connects(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", int(port)))


def dns(_):
    escaped_if(socket.getaddrinfo("example.com", 80))


def unix(path):
    escaped_if(connects(socket.AF_UNIX, socket.SOCK_STREAM, path))


def abstract(name):
    escaped_if(connects(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + name))


def family(number, kind=str(int(socket.SOCK_RAW))):
    socket.socket(int(number), int(kind), 0).close()
    print("ESCAPED")


def ptrace(pid):
    escaped_if(call(101, 117, 16, int(pid), 0, 0) == 0)


def ptrace_self(_):
    escaped_if(call(101, 117, 0, 0, 0, 0) == 0)


def memory(pid):
    escaped_if(os.open(f"/proc/{pid}/mem", os.O_RDWR) >= 0)


def vm_writev(pid):
    buffer = ctypes.create_string_buffer(8)
    here = (ctypes.c_ulong * 2)(ctypes.addressof(buffer), 8)
    # The arguments are checked after the permission: a bad address is an access that was allowed.
    there = (ctypes.c_ulong * 2)(4096, 8)
    for x86, arm in ((310, 270), (311, 271)):
        result = call(x86, arm, int(pid), here, 1, there, 1, 0)
        escaped_if(result >= 0 or ctypes.get_errno() == 14)


def get_descriptor(pid):
    descriptor = os.pidfd_open(int(pid))
    escaped_if(call(438, 438, descriptor, 0, 0) >= 0)


def kill(pid):
    os.kill(int(pid), 0)
    print("ESCAPED")


def limit(pid):
    import resource
    resource.prlimit(int(pid), resource.RLIMIT_CORE, (0, 0))
    print("ESCAPED")


def descriptors(_):
    for number in range(3, 256):
        try:
            os.write(number, b"changed")
            print("ESCAPED")
        except OSError:
            pass
        try:
            os.stat("other/notes", dir_fd=number)
            print("ESCAPED")
        except (OSError, NotADirectoryError):
            pass


def io_uring(_):
    escaped_if(call(425, 425, 8, ctypes.create_string_buffer(512)) >= 0)


def user_namespace(_):
    escaped_if(call(272, 97, 0x10000000) == 0)


def user_namespace_by_clone(_):
    if call(56, 220, 0x10000000 | 17, 0, 0, 0, 0) >= 0:
        print("ESCAPED")


def user_namespace_by_clone3(_):
    arguments = (ctypes.c_ulonglong * 11)()
    arguments[0], arguments[4] = 0x10000000, 17
    if call(435, 435, arguments, 88) >= 0:
        print("ESCAPED")


def join_namespace(pid):
    descriptor = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    escaped_if(call(308, 268, descriptor, 0) == 0)


def mount(_):
    # Nothing is mounted there: another error than EPERM is of a call that was let through.
    for attempt in (lambda: libc.mount(b"none", b"/nowhere", b"tmpfs", 0, None), lambda: libc.umount2(b"/nowhere", 2)):
        escaped_if(attempt() == 0 or ctypes.get_errno() != 1)
    escaped_if(call(428, 428, -100, b"/", 1) >= 0)
    escaped_if(call(430, 430, b"tmpfs", 0) >= 0)


def pivot(_):
    escaped_if(call(155, 41, b"/nowhere", b"/nowhere") == 0 or ctypes.get_errno() != 1)


def keyring(_):
    escaped_if(call(248, 217, b"user", b"az-test", b"x", 1, -4) >= 0)
    escaped_if(call(250, 219, 0, -4, 1) >= 0)
    escaped_if(call(249, 218, b"user", b"az-test", 0, 0) >= 0)


def typing(_):
    leader, follower = pty.openpty()
    if os.fork() == 0:
        os.setsid()
        import fcntl
        fcntl.ioctl(follower, 0x540E, 0)
        for high in (0, 1 << 32, 0xF << 40):
            if call(16, 29, follower, 0x5412 | high, b"x") == 0:
                print("ESCAPED", flush=True)
        os._exit(0)
    os.wait()


def kernel(_):
    attributes = ctypes.create_string_buffer(128)
    for x86, arm, arguments in (
        (321, 280, (0, attributes, 128)),
        (298, 241, (attributes, 0, -1, -1, 0)),
        (323, 282, (1,)),
        (175, 105, (attributes, 0, b"")),
        (246, 104, (0, 0, 0, 0)),
        (103, 116, (10, 0, 0)),
        (304, 265, (-100, attributes, 0)),
        (169, 142, (0, 0, 0, 0)),
        (300, 262, (0, 0)),
    ):
        result = call(x86, arm, *arguments)
        # 1 is EPERM: any other error is of a call that was let through.
        if result >= 0 or ctypes.get_errno() != 1:
            print("ESCAPED", x86, ctypes.get_errno())


def personality(_):
    escaped_if(call(135, 92, 0x0400000) >= 0)


def foreign_call(_):
    if IS_ARM:
        return
    # mov eax, 20; int 0x80; ret: `getpid` of 32-bit programs.
    code = bytes([0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0xC3])
    memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    escaped_if(ctypes.CFUNCTYPE(ctypes.c_int)(address)() > 0)


def x32_call(_):
    if not IS_ARM:
        escaped_if(libc.syscall(ctypes.c_long(0x40000000 | 39)) > 0)


def device(_):
    os.mknod("device", 0o060600, os.makedev(254, 0))
    escaped_if(os.open("device", os.O_RDONLY) >= 0)


def devices(_):
    usual = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console", "pts", "shm", "fd", "stdin", "stdout", "stderr", "core", "mqueue"}
    for name in os.listdir("/dev"):
        if name in usual or os.path.isdir("/dev/" + name):
            continue
        try:
            os.close(os.open("/dev/" + name, os.O_RDONLY | os.O_NONBLOCK))
            print("ESCAPED", name)
        except OSError:
            pass


def kernel_files(_):
    for name in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/vm/drop_caches", "/sys/kernel/uevent_helper", "/sys/kernel/mm/ksm/run", "/sys/fs/cgroup/cgroup.procs"):
        try:
            os.close(os.open(name, os.O_WRONLY))
            print("ESCAPED", name)
        except OSError:
            pass


def shared_memory(name):
    with open("/dev/shm/" + name, "r+") as file:
        file.write("changed")
    print("ESCAPED")


def system_v(key):
    escaped_if(call(29, 194, int(key), 16, 0o666) >= 0)


def environments(_):
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    escaped_if(b"the secret variable" in file.read())
            except OSError:
                pass


def privileges(_):
    with open("/proc/self/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    escaped_if(status["NoNewPrivs"] != "1")
    # CAP_SYS_ADMIN, CAP_SYS_MODULE, CAP_SYS_PTRACE, CAP_NET_ADMIN, CAP_MKNOD, CAP_DAC_READ_SEARCH
    dangerous = sum(1 << number for number in (21, 16, 19, 12, 27, 2))
    escaped_if(int(status["CapEff"], 16) & dangerous)


if __name__ == "__main__":
    try:
        globals()[sys.argv[1]](*(sys.argv[2:] or [""]))
    except OSError as error:
        print("refused:", error)
