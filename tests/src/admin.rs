//! The admin listener as an administrator reads it: plain HTTP, metrics as numbers.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Exchange;

/// An answer over HTTP.
pub struct Page {
    /// 200, ..
    pub status: u16,
    /// Header lines.
    pub head: String,
    /// Text.
    pub body: String,
}

/// Fetches a page.
///
/// # Errors
/// No connection, or no HTTP.
pub async fn get(address: SocketAddr, path: &str) -> anyhow::Result<Page> {
    let mut tcp = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n");
    tcp.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    tcp.read_to_string(&mut text).await?;
    let (head, body) = text.split_once("\r\n\r\n").context("no end of the head")?;
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    Ok(Page { status, head: head.to_lowercase(), body: body.to_owned() })
}

impl Exchange {
    /// The gateway's metrics, as text.
    ///
    /// # Errors
    /// As [`get`].
    pub async fn metrics(&self) -> anyhow::Result<String> {
        Ok(get(self.gateway.admin_address, "/metrics").await?.body)
    }

    /// Handshakes and names refused so far, by reason.
    ///
    /// # Errors
    /// As [`get`].
    pub async fn refused(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let mut counts = BTreeMap::new();
        for line in self.metrics().await?.lines() {
            let Some(rest) = line.strip_prefix("portcullis_handshakes_refused_total{reason=\"")
            else {
                continue;
            };
            let (reason, count) = rest.split_once("\"} ").context("a sample without a value")?;
            counts.insert(reason.to_owned(), count.parse()?);
        }
        Ok(counts)
    }
}
