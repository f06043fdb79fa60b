//! The power fails: the workspace and the database are on filesystems in images. At every crash point of a
//! run, the images are copied as they are, without what the system has only in memory, and the copies are
//! mounted again. What the record said is there, and the task is resumed on the copies to its end.
//!
//! Files that a shell command wrote are an exception: only the command can sync them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use rustix::process::Signal;

use super::play::{Binary, Play};
use super::process::{Process, Reached};
use super::verdict::violations;
use super::world::World;
use crate::support::Az;

/// How many events the task records.
const EVENTS: usize = 65;
/// The size of an image.
const SIZE: u64 = 12 << 20;
const LONG: std::time::Duration = std::time::Duration::from_secs(20);

/// Which filesystems there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// The workspace and the database are on the same one.
    One,
    /// Each is on its own.
    Two,
}

impl Layout {
    /// Returns the mount points of the images.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::One => &["disk"],
            Self::Two => &["work", "home"],
        }
    }
}

/// A home whose files are on filesystems in images.
#[derive(Debug)]
struct Disks {
    mounts: Mounts,
    az: Az,
}

/// Mount points; unmounted on drop.
#[derive(Debug, Default)]
struct Mounts(Vec<PathBuf>);

impl Drop for Mounts {
    fn drop(&mut self) {
        for point in self.0.iter().rev() {
            run("umount", ["-l".as_ref(), point.as_os_str()]);
        }
    }
}

fn run<'a>(program: &str, args: impl IntoIterator<Item = &'a std::ffi::OsStr>) -> bool {
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}

fn image_of(az: &Az, name: &str) -> PathBuf {
    az.beside(&format!("{name}.img"))
}

impl Disks {
    /// Creates empty filesystems; returns `None` if they cannot be mounted here.
    fn new(layout: Layout) -> Option<Self> {
        let az = Az::in_memory();
        for name in layout.names() {
            let image = image_of(&az, name);
            fs::File::create(&image).unwrap().set_len(SIZE).unwrap();
            if !run("mkfs.ext4", ["-q".as_ref(), image.as_os_str()]) {
                return None;
            }
        }
        Self::mount(layout, az)
    }

    /// Creates a home from copies of images.
    fn copied(layout: Layout, images: &[Vec<u8>]) -> Self {
        let az = Az::in_memory();
        for (name, bytes) in layout.names().iter().zip(images) {
            fs::write(image_of(&az, name), bytes).unwrap();
        }
        Self::mount(layout, az).unwrap()
    }

    fn mount(layout: Layout, az: Az) -> Option<Self> {
        let mut disks = Self { mounts: Mounts::default(), az };
        for name in layout.names() {
            let (image, point) = (image_of(&disks.az, name), disks.az.beside(name));
            fs::create_dir_all(&point).unwrap();
            if !run("mount", ["-o".as_ref(), "loop".as_ref(), image.as_os_str(), point.as_os_str()])
            {
                return None;
            }
            fs::remove_dir(point.join("lost+found")).ok();
            disks.mounts.0.push(point);
        }
        if layout == Layout::One {
            for name in ["work", "home"] {
                let (from, to) = (disks.az.beside("disk").join(name), disks.az.beside(name));
                fs::create_dir_all(&from).unwrap();
                assert!(bind(&from, &to), "a directory is bound");
                disks.mounts.0.push(to);
            }
        }
        Some(disks)
    }
}

fn bind(from: &Path, to: &Path) -> bool {
    run("mount", ["--bind".as_ref(), from.as_os_str(), to.as_os_str()])
}

/// Returns the events that a reader sees, as rows; of large ones, the names of their files.
fn events(az: &Az) -> Vec<(i64, String, String)> {
    let db = Connection::open(az.database()).unwrap();
    let mut rows =
        db.prepare("SELECT seq, type, coalesce(body, blob) FROM event ORDER BY seq").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// Resumes the task on the copies, at the paths of the originals; returns what is wrong.
fn resume(original: &Az, cut: Disks) -> Vec<String> {
    let Disks { mounts, az, .. } = cut;
    // The machine was off for longer than a lease.
    let db = Connection::open(az.database()).unwrap();
    db.execute("UPDATE task SET lease_until = 0 WHERE lease_until IS NOT NULL", []).unwrap();
    drop(db);
    let world = World::found(az);
    let script = "mount --bind \"$1\" \"$2\" && mount --bind \"$3\" \"$4\" && cd \"$2\" \
                  && shift 4 && exec \"$@\"";
    let mut command = original.command_of(Path::new("unshare"), ["-m", "sh", "-c", script, "sh"]);
    for name in ["work", "home"] {
        command.arg(world.az.beside(name)).arg(original.beside(name));
    }
    let plain = original.command(world.next_args());
    command.arg(plain.get_program()).args(plain.get_args()).current_dir("/");
    let ended = command.output().unwrap();
    let mut play = Play::new(world, Binary::Az);
    play.interrupted = true;
    play.power_was_cut = true;
    let mut wrong: Vec<_> =
        violations(&play).violations.into_iter().map(|wrong| wrong.text).collect();
    if !wrong.is_empty() {
        wrong.push(String::from_utf8_lossy(&ended.stderr).into_owned());
    }
    drop(mounts);
    wrong
}

/// Runs the task on filesystems in images, and cuts the power at every crash point before which the images
/// changed, up to the first one after which something is wrong. Returns the number of cuts and what was
/// wrong, or `None` if nothing can be mounted here.
///
/// With `unsynced`, syncs of the workspace's directory do nothing.
fn cut_everywhere(layout: Layout, unsynced: bool) -> Option<(usize, Vec<String>)> {
    let Disks { mounts, az, .. } = Disks::new(layout)?;
    let world = World::on(az);
    let images = || layout.names().iter().map(|name| fs::read(image_of(&world.az, name)).unwrap());
    // The kernel may write while an image is read: what was read twice alike is a state that the disk had.
    let settled = || {
        let mut last: Vec<_> = images().collect();
        loop {
            let now: Vec<_> = images().collect();
            if now == last {
                return now;
            }
            last = now;
        }
    };
    for path in [world.az.work(), world.az.data_dir()] {
        assert!(run("sync", ["-f".as_ref(), path.as_os_str()]), "{} is synced", path.display());
    }
    let plain = world.az.command(world.next_args());
    let mut command = world.az.command_of(Path::new("env"), [] as [&str; 0]);
    if unsynced {
        command.args(["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync"]);
        command.args(["-e", "inject=fsync:retval=0", "-P"]).arg(world.az.work());
    }
    command.arg(plain.get_program()).args(plain.get_args()).env("AZ_FAILPOINT", "stop:*");
    let process = Process::start(command, &world.stderr());
    let (mut last, mut cuts, mut wrong) = (settled(), 0, Vec::new());
    while wrong.is_empty() && process.wait_for(LONG) == Reached::Point {
        let now = settled();
        if now != last {
            let seen = events(&world.az);
            let cut = Disks::copied(layout, &now);
            let kept = events(&cut.az);
            if !kept.starts_with(&seen) {
                wrong.push(format!("{} events are left of {}", kept.len(), seen.len()));
            }
            wrong.extend(resume(&world.az, cut));
            (last, cuts) = (now, cuts + 1);
        }
        process.signal(Signal::CONT);
    }
    if wrong.is_empty() {
        // First how it ended, which says why events are missing.
        assert_eq!(process.wait(), Some(0), "{}", fs::read_to_string(world.stderr()).unwrap());
        assert_eq!(events(&world.az).len(), EVENTS);
    }
    drop(mounts);
    Some((cuts, wrong))
}

#[test]
fn what_was_reported_done_survives_a_power_cut_on_one_and_on_two_filesystems() {
    for layout in [Layout::One, Layout::Two] {
        let Some((cuts, wrong)) = cut_everywhere(layout, false) else {
            eprintln!("skipped: filesystems in images cannot be mounted here");
            return;
        };
        eprintln!("{cuts} power cuts with {layout:?} of filesystems");
        // A commit holds one event or a few, and changes an image; how often the kernel writes besides
        // differs from run to run.
        assert!(cuts > EVENTS / 2, "only {cuts} cuts");
        assert_eq!(wrong, [] as [String; 0]);
    }
}

/// The mutant that does not sync a directory after a rename.
#[test]
fn a_directory_that_is_not_synced_is_caught_by_a_power_cut() {
    let traces = run("strace", ["-o", "/dev/null", "true"].map(AsRef::as_ref));
    let cut = if traces { cut_everywhere(Layout::Two, true) } else { None };
    let Some((cuts, wrong)) = cut else {
        eprintln!("skipped: strace cannot trace, or filesystems in images cannot be mounted here");
        return;
    };
    let lost = wrong.iter().find(|text| text.contains("Some(Done), and the file says \"\""));
    assert!(lost.is_some(), "{cuts} cuts: {wrong:?}");
    eprintln!("the mutant directories-are-not-synced is caught by a power cut: {}", lost.unwrap());
}
