//! The composition root: parses the command line, puts the parts together, runs one command, turns its end into an
//! exit code.
//!
//! Guarantees: every end goes through here, so that exit codes mean the same everywhere; a panic is told as our bug
//! and ends with exit code 3, never as a backtrace.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use millstream_core::{Error, Kind, SystemClock};
use millstream_runner::RandomIds;

use crate::cli::{self, Command};
use crate::context::Context;
use crate::interrupt::Interrupt;
use crate::options::GlobalOptions;
use crate::stop::{Exit, Outcome, Stop};
use crate::talk::{Talk, start_logs};
use crate::{commands, reference};

/// Stack of the program's threads: enough for the deepest template, which would otherwise be given a new one each time
/// that one is rendered. Only what is used of it takes memory.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Runs the program.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    install_panic_hook();
    let colour = !arguments.iter().any(|argument| argument == "--no-color");
    if !colour {
        anstream::ColorChoice::Never.write_global();
    }
    let parsed = match cli::parse(arguments, colour) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version go to standard output and end with 0, errors to standard error with 2.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Kind::Usage.exit_code()));
        }
    };
    let talk = Arc::new(Talk::new(parsed.global.log_format, parsed.global.quiet));
    start_logs(&talk, parsed.global.log_level, colour);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK_BYTES).build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            talk.error(&Error::environment("the program's threads cannot be started").why(error));
            return ExitCode::from(Kind::Environment.exit_code());
        }
    };
    let (outcome, interrupted) = runtime.block_on(async {
        let interrupt = Interrupt::listen(talk.clone());
        (dispatch(parsed.command, parsed.global, talk.clone(), interrupt.clone()).await, interrupt.is_asked())
    });
    // Blocking work that nobody waits for any more must not hold the process.
    runtime.shutdown_background();
    ExitCode::from(match outcome {
        Ok(exit) => exit.code(),
        Err(Stop::BrokenPipe) => 0,
        // What the user's own stop cut short is no error of anyone.
        Err(Stop::Error(error)) if interrupted => {
            talk.say("stopped", error.what());
            Exit::Interrupted.code()
        }
        Err(Stop::Error(error)) => {
            talk.error(&error);
            error.kind().exit_code()
        }
    })
}

async fn dispatch(command: Command, global: GlobalOptions, talk: Arc<Talk>, interrupt: Interrupt) -> Outcome {
    let context = Context {
        global,
        interrupt,
        talk,
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        env: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
    };
    match command {
        Command::Demo(args) => commands::demo::run(args, &context).await,
        Command::Init(args) => commands::init::run(args, &context),
        Command::Generate(args) => commands::generate::run(args, &context).await,
        Command::Produce(args) => commands::produce::run(args, &context).await,
        Command::Broker(args) => commands::broker::run(args, &context).await,
        Command::Ingest(args) => commands::ingest::run(args, &context).await,
        Command::Ledger(args) => commands::ledger::run(args, &context),
        Command::Up(args) => commands::up::run(args, &context).await,
        Command::Backfill(args) => commands::backfill::run(args, &context).await,
        Command::Runs(args) => commands::runs::run(args, &context),
        Command::Schedules(args) => commands::schedules::run(args, &context),
        Command::Deps(args) => commands::deps::run(args, &context).await,
        Command::Build(args) => commands::build::run(args, &context).await,
        Command::Run(args) => commands::run::run(args, &context).await,
        Command::Test(args) => commands::test::run(args, &context).await,
        Command::Seed(args) => commands::seed::run(args, &context).await,
        Command::Snapshot(args) => commands::snapshot::run(args, &context).await,
        Command::Check(args) => commands::check::run(args, &context).await,
        Command::RunOperation(args) => commands::run_operation::run(args, &context).await,
        Command::Compile(args) => commands::compile::run(args, &context).await,
        Command::Show(args) => commands::show::run(args, &context).await,
        Command::Explain(args) => commands::explain::run(args, &context).await,
        Command::Retry(args) => commands::retry::run(args, &context).await,
        Command::Clone(args) => commands::clone::run(args, &context).await,
        Command::Source(args) => commands::source::run(args, &context).await,
        Command::Docs(args) => commands::docs::run(args, &context).await,
        Command::List(args) => commands::list::run(args, &context),
        Command::Parse(args) => commands::parse::run(args, &context),
        Command::Clean(args) => commands::clean::run(args, &context),
        Command::Query(args) => commands::query::run(args, &context).await,
        Command::Report(args) => commands::report::run(args, &context).await,
        Command::Debug(args) => commands::debug::run(args, &context).await,
        Command::Verify(args) => commands::verify::run(args, &context).await,
        Command::Maintain(args) => commands::maintain::run(args, &context).await,
        Command::DocsCli => {
            std::io::stdout().lock().write_all(reference::markdown().as_bytes())?;
            Ok(Exit::Success)
        }
    }
}

/// A panic is a bug of ours, whichever thread it is on; what is on disk is whole, because every write is atomic.
fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let message = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let mut error = std::io::stderr().lock();
        let _ = writeln!(
            error,
            "error: Millstream failed inside: {message}\n  --> {place}\n  \
             this is a bug in Millstream, not in your project; please report it with these lines\n  \
             what was committed is safe; running the command again goes on from there"
        );
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
            let _ = writeln!(error, "{}", std::backtrace::Backtrace::force_capture());
        }
        std::process::exit(i32::from(Kind::Ours.exit_code()));
    }));
}
