//! Runs the parsed command on an async runtime of the size that it needs.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::thread::Builder;

use az_core::Error;
use az_core::store::StoreAccess::{ReadOnly, ReadWrite};

use crate::cli::{Cli, Command, command};
use crate::commands::{completions, config, cost, db, demo, man, models, setup, task, worker};
use crate::config::Env;
use crate::error::CliError;
use crate::output::{Printer, printable};
use crate::settings::Settings;
use crate::wiring::Wiring;

/// Runs the command that was parsed.
///
/// # Errors
///
/// A settings error, or the command's own.
pub(crate) fn run(
    cli: &Cli,
    env: &Env,
    printer: &Printer,
    wiring: &Wiring,
) -> Result<ExitCode, CliError> {
    let env = match &cli.global.env_file {
        Some(file) => &env.clone().with_file(file)?,
        None => env,
    };
    let context = config::Context { global: &cli.global, env, printer, wiring };
    let services = || {
        let services = context.services()?;
        report_withheld(services.settings(), services.printer());
        Ok::<_, CliError>(services)
    };
    let with_stored = async |access| services()?.with_stored_settings(access).await;
    match &cli.command {
        Command::Task(command) if command.is_short() => short(task::run(command, &services()?)),
        Command::Task(command) => {
            long(async { task::run(command, &with_stored(ReadWrite).await?).await })
        }
        Command::Worker(command) => {
            long(async { worker::run(command, &with_stored(ReadWrite).await?).await })
        }
        Command::Models(command) => {
            long(async { models::run(command, &with_stored(ReadOnly).await?).await })
        }
        Command::Setup(args) => long(setup::run(args, &context)),
        Command::Cost(command) => {
            short(async { cost::run(command, &with_stored(command.access()).await?).await })
        }
        Command::Config(command) => short(config::run(command, &context)),
        Command::Db(command) => short(db::run(command, &services()?)),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args, command()),
        Command::Demo(args) => long(demo::run(args, &services()?)),
    }
}

/// Says which settings of a project's file do not count, and which command shows them.
fn report_withheld(settings: &Settings, printer: &Printer) {
    let Some(project) = settings.file.project.as_ref().filter(|project| !project.trusted) else {
        return;
    };
    if project.withheld.is_empty() {
        return;
    }
    let keys = project.withheld.join(", ");
    let path = project.path.display().to_string();
    printer.say(&printable(&format!(
        "{path} is not trusted, and these keys of it are ignored: {keys}; `az config trust` shows \
         and allows them"
    )));
}

/// Runs a command that only uses the store, on one thread, which starts in microseconds.
fn short(command: impl Future<Output = Result<ExitCode, CliError>>) -> Result<ExitCode, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(no_runtime)?.block_on(command)
}

/// Runs a command that waits for models and tools, on several threads.
fn long(command: impl Future<Output = Result<ExitCode, CliError>>) -> Result<ExitCode, CliError> {
    let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    // Tokio panics if the system starts none of them.
    check_threads(workers + 1)?;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(workers).enable_all().build();
    let runtime = runtime.map_err(no_runtime)?;
    let result = runtime.block_on(command);
    // A tool that does not return must not keep the process alive.
    runtime.shutdown_background();
    result
}

/// Checks that the system starts this many threads at once.
fn check_threads(count: usize) -> Result<(), CliError> {
    let start = |_| {
        let (release, released) = channel::<()>();
        let thread = Builder::new().spawn(move || released.recv().ok())?;
        Ok((release, thread))
    };
    let started: std::io::Result<Vec<_>> = (0..count).map(start).collect();
    for (release, thread) in started.map_err(|source| Error::Threads { source })? {
        drop(release);
        thread.join().ok();
    }
    Ok(())
}

fn no_runtime(source: std::io::Error) -> CliError {
    CliError::Io { what: "starting".to_owned(), source }
}
