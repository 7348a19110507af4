//! The `millstream` binary. Everything it does starts in [`app::run`]; nothing else belongs here.

mod alone;
mod app;
mod chart;
mod cli;
mod commands;
mod context;
mod deps;
mod interrupt;
mod memory;
mod options;
mod output;
mod parse_cache;
mod reference;
mod scaffold;
mod stop;
mod talk;

/// A refresh is hundreds of small plans, a tenth of whose time is allocation; this one takes half of the system's time.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    app::run(std::env::args_os())
}
