//! One file per subcommand, and what several of them ask and do alike.

pub mod describe;
pub mod drill;
pub mod exchange;
pub mod generate;
pub mod join;
pub mod load;
pub mod samples;
pub mod schemes;
pub mod verify;
mod wanted;

use std::io::{ErrorKind, Write as _};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;

pub use wanted::Wanted;

/// As many threads as were asked for, or as there are processors.
fn threads(asked: Option<NonZeroUsize>) -> NonZeroUsize {
    asked.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}

/// Prints. Whoever reads may have seen enough: `schemes | head` is no failure.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Set when somebody presses Ctrl-C or asks the program to end.
fn interrupted() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot listen for signals")?;
    let (told, entered) = (stop.clone(), std::sync::mpsc::sync_channel(1));
    std::thread::spawn(move || {
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
            let _ = entered.0.send(());
            let (Ok(mut interrupt), Ok(mut terminate)) = signals else { return };
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            told.store(true, Ordering::Relaxed);
        });
    });
    // From here on no signal is lost.
    entered.1.recv().context("cannot listen for signals")?;
    Ok(stop)
}
