//! Fetching: one task a source reads ahead a little, all sources at once; a silent one is given up. What
//! the requester does not read, the sources need not send.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use portcullis_core::id::AgencyId;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tracing::Instrument as _;

use crate::source::{Found, SourceFailure};

/// Messages read ahead from a source.
const AHEAD: usize = 2;

/// What one source sends. Dropping it cancels the search there.
pub struct Feed {
    /// The source.
    pub agency: AgencyId,
    receiver: mpsc::Receiver<Result<Found, SourceFailure>>,
    task: AbortHandle,
}

impl Feed {
    /// Begins to read.
    pub fn open(
        agency: AgencyId,
        stream: BoxStream<'static, Result<Found, SourceFailure>>,
        idle: Duration,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let span = tracing::info_span!("source.search", source = %agency);
        let task = tokio::spawn(pump(stream, sender, idle).instrument(span)).abort_handle();
        Self { agency, receiver, task }
    }

    /// The next message; a stream that ended without its end message was cut off.
    pub async fn next(&mut self) -> Result<Found, SourceFailure> {
        self.receiver.recv().await.unwrap_or(Err(SourceFailure::CutOff))
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pump(
    mut stream: BoxStream<'static, Result<Found, SourceFailure>>,
    sender: mpsc::Sender<Result<Found, SourceFailure>>,
    idle: Duration,
) {
    loop {
        // Only the source's silence counts, not the time it waits for us.
        let message = match tokio::time::timeout(idle, stream.next()).await {
            Err(_) => Err(SourceFailure::TimedOut),
            Ok(None) => return,
            Ok(Some(message)) => message,
        };
        let last = matches!(message, Err(_) | Ok(Found::End { .. }));
        if sender.send(message).await.is_err() || last {
            return;
        }
    }
}
