//! Runs a source over a stream of connections: TLS or not is the stream's business.

use std::future::Future;
use std::time::Duration;

use futures::Stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::transport::Server;
use tonic::transport::server::Connected;

use super::CsvSource;

/// Streams that one connection may have open.
const STREAMS_PER_CONNECTION: u32 = 64;
/// A connection that does not answer pings for that long is closed.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// Serves until `shutdown`, then finishes what runs.
///
/// # Errors
/// What the transport says.
pub async fn serve<I, C, E>(
    source: CsvSource,
    incoming: I,
    shutdown: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error>
where
    I: Stream<Item = Result<C, E>>,
    C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    C::ConnectInfo: Clone + Send + Sync + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    Server::builder()
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE))
        .serve_with_incoming_shutdown(source.into_service(), incoming, shutdown)
        .await
}
