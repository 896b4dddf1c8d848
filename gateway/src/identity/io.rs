//! The bytes of one accepted connection: closes when its peer is cut, and when no HTTP/2 preface comes in
//! time. Everything later is timed by HTTP/2 itself ([`ServerLimits`](super::ServerLimits)).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::metrics::HandshakeMetrics;
use super::peer::PeerInfo;
use super::refusal::HandshakeFault;
use super::registry::Registration;

/// The 24 bytes of the preface and the 9 of the first frame's header.
const PREFACE_BYTES: usize = 33;

/// An accepted, authenticated connection, for tonic's `serve_with_incoming_shutdown`.
pub struct PeerIo {
    stream: TlsStream<TcpStream>,
    info: PeerInfo,
    registration: Registration,
    preface: Option<Preface>,
    _connection: OwnedSemaphorePermit,
}

/// Runs until the client has sent enough for HTTP/2 to run its own timers.
struct Preface {
    seen: usize,
    timer: Pin<Box<Sleep>>,
    metrics: Arc<dyn HandshakeMetrics>,
}

impl PeerIo {
    pub(crate) fn new(
        stream: TlsStream<TcpStream>,
        info: PeerInfo,
        registration: Registration,
        preface: (Duration, Arc<dyn HandshakeMetrics>),
        connection: OwnedSemaphorePermit,
    ) -> Self {
        let (within, metrics) = preface;
        let timer = Box::pin(tokio::time::sleep(within));
        Self {
            stream,
            info,
            registration,
            preface: Some(Preface { seen: 0, timer, metrics }),
            _connection: connection,
        }
    }

    /// Who is on the other end.
    pub fn info(&self) -> &PeerInfo {
        &self.info
    }

    fn late(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(preface) = &mut self.preface else { return Ok(()) };
        if preface.timer.as_mut().poll(cx).is_pending() {
            return Ok(());
        }
        let fault = HandshakeFault::PrefaceTimeout;
        preface.metrics.refused(fault.reason());
        tracing::info!(target: "portcullis::identity", reason = fault.reason(), "connection closed");
        self.preface = None;
        Err(io::Error::new(io::ErrorKind::TimedOut, fault))
    }

    fn count(&mut self, bytes: usize) {
        if let Some(preface) = &mut self.preface {
            preface.seen = preface.seen.saturating_add(bytes);
            // An end of stream needs no timer either.
            if preface.seen >= PREFACE_BYTES || bytes == 0 {
                self.preface = None;
            }
        }
    }

    fn refuse_when_cut(&self) -> io::Result<()> {
        if self.registration.cut.is_set() { Err(aborted()) } else { Ok(()) }
    }
}

impl Connected for PeerIo {
    type ConnectInfo = PeerInfo;

    fn connect_info(&self) -> PeerInfo {
        self.info.clone()
    }
}

impl AsyncRead for PeerIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.registration.cut.poll(cx) {
            return Poll::Ready(Err(aborted()));
        }
        self.late(cx)?;
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.count(buf.filled().len().saturating_sub(before));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for PeerIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.refuse_when_cut()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.refuse_when_cut()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.refuse_when_cut()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

fn aborted() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the peer is no longer accepted")
}
