//! portcullis: parse arguments, call one function per subcommand. Exit status: 0 done, 1 refused or
//! failed, 2 usage.

use std::process::ExitCode;

use clap::Parser as _;
use portcullis::client::UsageError;
use portcullis::client::schema::SchemaError;
use portcullis::command::{Cli, run};

/// An answer is made of many small pieces that live as long as it does: a tenth less CPU for a query than with
/// the system's allocator (`tests/bench/README.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("portcullis: cannot start: {error}");
            return ExitCode::from(1);
        }
    };
    let result = runtime.block_on(run(cli));
    // Tasks that still hold files or sockets must not keep a finished command from ending.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) if broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("portcullis: {error:#}");
            let usage = error.chain().any(|cause| cause.is::<UsageError>())
                || matches!(error.downcast_ref(), Some(SchemaError::Usage(_)));
            ExitCode::from(if usage { 2 } else { 1 })
        }
    }
}

/// Whoever read our output has seen enough.
fn broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}
