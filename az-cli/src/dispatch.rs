//! Runs the parsed command on an async runtime of the size that it needs.

use std::cell::OnceCell;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::thread::Builder;

use az_core::Error;
use az_core::store::StoreAccess::{ReadOnly, ReadWrite};

use crate::cli::{Command, Parsed, command};
use crate::command_run::Beginning;
use crate::commands::{
    completions, config, cost, db, demo, doctor, log, man, mcp, models, setup, task, tools, worker,
};
use crate::config::Env;
use crate::error::CliError;
use crate::greeting;
use crate::output::Printer;
use crate::settings::Settings;
use crate::telemetry::Telemetry;
use crate::wiring::Wiring;

/// What a process has, whichever command it runs.
pub(crate) struct Process<'a> {
    pub(crate) printer: &'a Printer,
    pub(crate) wiring: &'a Wiring,
    pub(crate) telemetry: &'a Telemetry,
    pub(crate) begun: Beginning,
}

/// Runs the command that was parsed, and records it.
///
/// # Errors
///
/// A settings error, or the command's own.
pub(crate) fn run(parsed: &Parsed, env: &Env, process: &Process<'_>) -> Result<ExitCode, CliError> {
    let global = &parsed.cli.global;
    let env = match &global.env_file {
        Some(file) => &env.clone().with_file(file)?,
        None => env,
    };
    let Process { printer, wiring, telemetry, .. } = *process;
    let target = &OnceCell::new();
    let context = config::Context { global, env, printer, wiring, telemetry, target };
    let services = || {
        let services = context.services()?;
        report_withheld(services.settings(), services.printer());
        Ok::<_, CliError>(services)
    };
    let greeted = async || {
        let services = services()?;
        greeting::greet(&services).await;
        Ok::<_, CliError>(services)
    };
    let with_stored = async |access| greeted().await?.with_stored_settings(access).await;
    let end = End { parsed, process, context: &context };
    match &parsed.cli.command {
        Command::Task(command) if command.is_short() => {
            end.short(async { task::run(command, &greeted().await?).await })
        }
        Command::Task(command) => {
            end.long(async { task::run(command, &with_stored(ReadWrite).await?).await })
        }
        Command::Worker(command) => {
            end.long(async { worker::run(command, &with_stored(ReadWrite).await?).await })
        }
        Command::Models(command) => {
            end.long(async { models::run(command, &with_stored(ReadOnly).await?).await })
        }
        Command::Tools(command) if command.is_short() => {
            end.short(async { tools::run(command, &with_stored(ReadOnly).await?).await })
        }
        Command::Tools(command) => {
            end.long(async { tools::run(command, &with_stored(ReadOnly).await?).await })
        }
        Command::Mcp(command) if command.serves_one() => end.serving(mcp::run(command, &context)),
        Command::Mcp(command) => end.long(mcp::run(command, &context)),
        Command::Setup(args) => end.long(setup::run(args, &context)),
        Command::Cost(command) => {
            end.short(async { cost::run(command, &with_stored(command.access()).await?).await })
        }
        Command::Config(command) => end.short(config::run(command, &context)),
        Command::Log(command) => {
            end.short(async { log::run(command, &with_stored(ReadOnly).await?).await })
        }
        Command::Db(command) => end.short(async { db::run(command, &greeted().await?).await }),
        Command::Doctor(args) => end.long(doctor::run(args, &context)),
        Command::Completions(args) => end.short(async { completions::run(args) }),
        Command::Man(args) => end.short(async { man::run(args, command()) }),
        Command::Demo(args) => end.long(async { demo::run(args, &services()?).await }),
    }
}

/// The end of a command: its log is written, and it is recorded.
struct End<'a> {
    parsed: &'a Parsed,
    process: &'a Process<'a>,
    context: &'a config::Context<'a>,
}

impl End<'_> {
    /// Runs a command that only uses the store, on one thread, which starts in microseconds.
    fn short(
        &self,
        command: impl Future<Output = Result<ExitCode, CliError>>,
    ) -> Result<ExitCode, CliError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(no_runtime)?.block_on(self.after(command))
    }

    /// Runs a server, on one thread. A read of the standard input that cannot be cancelled, or a tool that
    /// does not return, must not keep the process alive.
    fn serving(
        &self,
        command: impl Future<Output = Result<ExitCode, CliError>>,
    ) -> Result<ExitCode, CliError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(no_runtime)?;
        let result = runtime.block_on(self.after(command));
        runtime.shutdown_background();
        result
    }

    /// Runs a command that waits for models and tools, on several threads.
    fn long(
        &self,
        command: impl Future<Output = Result<ExitCode, CliError>>,
    ) -> Result<ExitCode, CliError> {
        let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        // Tokio panics if the system starts none of them.
        check_threads(workers + 1)?;
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(workers).enable_all().build();
        let runtime = runtime.map_err(no_runtime)?;
        let result = runtime.block_on(self.after(command));
        // A tool that does not return must not keep the process alive.
        runtime.shutdown_background();
        result
    }

    async fn after(
        &self,
        command: impl Future<Output = Result<ExitCode, CliError>>,
    ) -> Result<ExitCode, CliError> {
        let result = command.await;
        let name = &self.parsed.name;
        // The log has the end of a task already.
        if let Err(error) = &result
            && !matches!(error, CliError::TaskEnded { .. })
        {
            tracing::error!(target: "az::command", "az {name}: {error}");
        }
        self.process.telemetry.finish(self.process.printer).await;
        let exit_code = match &result {
            Ok(code) => code_of(*code),
            Err(error) => error.exit_code(),
        };
        // A command that needs no services is recorded in the store that others would use.
        if self.context.target.get().is_none() {
            self.context.services().ok();
        }
        if let Some(target) = self.context.target.get() {
            target.record(self.process.begun, name, exit_code).await;
        }
        result
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
    printer.say(&format!(
        "{path} is not trusted, and these keys of it are ignored: {keys}; `az config trust` shows \
         and allows them"
    ));
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

/// Returns the number of an exit code, which its type does not tell.
fn code_of(code: ExitCode) -> u8 {
    (0..=u8::MAX).find(|number| ExitCode::from(*number) == code).unwrap_or_default()
}

fn no_runtime(source: std::io::Error) -> CliError {
    CliError::Io { what: "starting".to_owned(), source }
}
