//! A call made by hand: any headers, any body bytes, and the answer as it came, for what a proper client
//! never sends.

use anyhow::Context as _;
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use tonic::Status;
use tonic::body::Body;
use tonic::client::GrpcService as _;
use tonic::transport::Channel;

/// Path of the query call.
pub const QUERY: &str = "/portcullis.query.v1.QueryService/Query";

/// What came back.
pub struct Reply {
    /// Headers and trailers together.
    pub metadata: HeaderMap,
    /// Bytes of the body.
    pub body: Bytes,
    /// The status they carry.
    pub status: Status,
}

/// A message as gRPC frames it.
pub fn frame(flag: u8, message: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(message.len() + 5);
    out.put_u8(flag);
    out.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    out.put_slice(message);
    out.freeze()
}

/// Calls.
///
/// # Errors
/// When no answer came at all.
pub async fn call(
    mut channel: Channel,
    path: &str,
    headers: &[(&'static str, &str)],
    body: Bytes,
) -> anyhow::Result<Reply> {
    let mut request = Request::post(path)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::new(Full::new(body).map_err(|never| match never {})))?;
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse()?);
    }
    std::future::poll_fn(|cx| channel.poll_ready(cx)).await?;
    let response = channel.call(request).await?;
    let mut metadata = response.headers().clone();
    let collected = response.into_body().collect().await?;
    if let Some(trailers) = collected.trailers() {
        metadata.extend(trailers.clone());
    }
    let status = Status::from_header_map(&metadata).context("an answer without a status")?;
    Ok(Reply { metadata, body: collected.to_bytes(), status })
}
