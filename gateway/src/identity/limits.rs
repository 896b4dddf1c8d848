//! Limits of the HTTP/2 server. With the acceptor's two timers (handshake, preface) these three (keepalive,
//! connection age with grace, request) close every stalled client.

use std::time::Duration;

use tonic::transport::Server;

/// Safe defaults; a listener's configuration may narrow or widen them.
#[derive(Debug, Clone)]
pub struct ServerLimits {
    /// A PING after this much silence.
    pub keepalive_interval: Duration,
    /// Close when it is not answered within.
    pub keepalive_timeout: Duration,
    /// Ask a connection to close after this age.
    pub max_connection_age: Duration,
    /// And close it that much later, whatever is in flight.
    pub max_connection_age_grace: Duration,
    /// Time until a handler must have answered (for a stream: its headers).
    pub request_timeout: Duration,
    /// Streams of one connection at once.
    pub max_concurrent_streams: u32,
    /// Bytes of all headers of a request.
    pub max_header_list_size: u32,
    /// Bytes of one frame.
    pub max_frame_size: u32,
    /// Streams reset by the peer and not yet seen by us (rapid reset).
    pub max_pending_reset_streams: usize,
    /// Streams reset by us because of the peer's errors (MadeYouReset).
    pub max_local_error_reset_streams: usize,
    /// Flow-control window of a stream.
    pub stream_window: u32,
    /// Flow-control window of a connection.
    pub connection_window: u32,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            keepalive_interval: Duration::from_secs(20),
            keepalive_timeout: Duration::from_secs(10),
            max_connection_age: Duration::from_secs(30 * 60),
            max_connection_age_grace: Duration::from_secs(60),
            request_timeout: Duration::from_secs(30),
            max_concurrent_streams: 128,
            max_header_list_size: 16 * 1024,
            max_frame_size: 16 * 1024,
            max_pending_reset_streams: 20,
            max_local_error_reset_streams: 100,
            stream_window: 256 * 1024,
            connection_window: 1024 * 1024,
        }
    }
}

impl ServerLimits {
    /// Applies all of them. HTTP/1 stays off.
    pub fn apply(&self, builder: Server) -> Server {
        builder
            .http2_keepalive_interval(Some(self.keepalive_interval))
            .http2_keepalive_timeout(Some(self.keepalive_timeout))
            .max_connection_age(self.max_connection_age)
            .max_connection_age_grace(self.max_connection_age_grace)
            .timeout(self.request_timeout)
            .max_concurrent_streams(self.max_concurrent_streams)
            .http2_max_header_list_size(self.max_header_list_size)
            .max_frame_size(self.max_frame_size)
            .http2_max_pending_accept_reset_streams(Some(self.max_pending_reset_streams))
            .http2_max_local_error_reset_streams(Some(self.max_local_error_reset_streams))
            .initial_stream_window_size(self.stream_window)
            .initial_connection_window_size(self.connection_window)
            .http2_adaptive_window(Some(false))
            .accept_http1(false)
    }
}
