//! The door: what every request must look like before any service sees it. tonic ignores a second message
//! in a unary call and an illegal `grpc-timeout`, and answers frame faults with texts of its own; here each
//! is refused with a reason of ours.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use tower::{Layer, Service};

use crate::status::DOMAIN;

/// Builds [`Door`].
#[derive(Clone)]
pub struct DoorLayer {
    /// Largest message, in bytes.
    pub message_bytes: usize,
}

impl<S> Layer<S> for DoorLayer {
    type Service = Door<S>;

    fn layer(&self, inner: S) -> Door<S> {
        Door { inner, message_bytes: self.message_bytes }
    }
}

/// Refuses malformed requests.
#[derive(Clone)]
pub struct Door<S> {
    inner: S,
    message_bytes: usize,
}

impl<S> Service<Request<Body>> for Door<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Send,
    S::Future: Send + 'static,
    S::Error: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if let Err(status) = check_headers(request.headers()) {
            return Box::pin(async move { Ok(status.into_http()) });
        }
        let limit = self.message_bytes;
        let (parts, body) = request.into_parts();
        let body = Body::new(OneMessage { body, limit, state: State::Header(vec![]), done: false });
        Box::pin(self.inner.call(Request::from_parts(parts, body)))
    }
}

fn refusal(code: Code, reason: &str, text: &str) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, std::collections::HashMap::new());
    Status::with_error_details(code, text, details)
}

fn check_headers(headers: &HeaderMap) -> Result<(), Status> {
    let twice = |name: &str| headers.get_all(name).iter().nth(1).is_some();
    for name in ["authorization", "grpc-timeout", "grpc-encoding", "content-type", "te"] {
        if twice(name) {
            let text = "a header that may stand once stands twice";
            return Err(refusal(Code::InvalidArgument, "HEADER_REPEATED", text));
        }
    }
    if headers.get("grpc-timeout").is_some_and(|value| parse_timeout(value.as_bytes()).is_none()) {
        let text = "grpc-timeout takes 1 to 8 digits and one of H, M, S, m, u, n";
        return Err(refusal(Code::InvalidArgument, "TIMEOUT_MALFORMED", text));
    }
    match headers.get("grpc-encoding").map(http::HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(()),
        Some(_) => Err(no_compression()),
    }
}

fn no_compression() -> Status {
    let text = "compressed messages are not taken";
    refusal(Code::Unimplemented, "COMPRESSION_NOT_SUPPORTED", text)
}

/// The time a client gives itself, as the gRPC protocol writes it.
pub fn parse_timeout(text: &[u8]) -> Option<std::time::Duration> {
    use std::time::Duration;
    let (unit, digits) = text.split_last()?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(value * 3600),
        b'M' => Duration::from_secs(value * 60),
        b'S' => Duration::from_secs(value),
        b'm' => Duration::from_millis(value),
        b'u' => Duration::from_micros(value),
        b'n' => Duration::from_nanos(value),
        _ => return None,
    })
}

/// A request body that may hold one message: every method of this contract takes one.
struct OneMessage {
    body: Body,
    limit: usize,
    state: State,
    done: bool,
}

enum State {
    /// Collecting the five bytes before a message.
    Header(Vec<u8>),
    /// So many bytes of the message to come.
    Message(usize),
    /// The message is complete.
    Complete,
}

impl OneMessage {
    fn check(&mut self, mut data: Bytes) -> Result<(), Status> {
        while data.has_remaining() {
            match &mut self.state {
                State::Complete => {
                    let text = "the call takes one message";
                    return Err(refusal(Code::InvalidArgument, "SECOND_MESSAGE", text));
                }
                State::Message(left) => {
                    let taken = data.remaining().min(*left);
                    data.advance(taken);
                    *left -= taken;
                    if *left == 0 {
                        self.state = State::Complete;
                    }
                }
                State::Header(head) => {
                    head.push(data.get_u8());
                    if let [flag, a, b, c, d] = head.as_slice() {
                        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
                        if *flag != 0 {
                            return Err(no_compression());
                        }
                        if length > self.limit {
                            let text = format!("a request takes at most {} bytes", self.limit);
                            return Err(refusal(
                                Code::ResourceExhausted,
                                "REQUEST_TOO_LARGE",
                                &text,
                            ));
                        }
                        self.state =
                            if length == 0 { State::Complete } else { State::Message(length) };
                    }
                }
            }
        }
        Ok(())
    }
}

impl http_body::Body for OneMessage {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        Poll::Ready(match std::task::ready!(polled) {
            None => None,
            Some(Err(status)) => Some(Err(status)),
            Some(Ok(frame)) => {
                let checked = match frame.data_ref() {
                    Some(data) => self.check(data.clone()),
                    None => Ok(()),
                };
                match checked {
                    Ok(()) => Some(Ok(frame)),
                    Err(status) => {
                        self.done = true;
                        Some(Err(status))
                    }
                }
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.done || self.body.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(parts: &[&[u8]]) -> Result<(), Status> {
        let mut body = OneMessage {
            body: Body::empty(),
            limit: 16,
            state: State::Header(vec![]),
            done: false,
        };
        parts.iter().try_for_each(|part| body.check(Bytes::copy_from_slice(part)))
    }

    fn reason(result: Result<(), Status>) -> String {
        result.unwrap_err().get_details_error_info().unwrap().reason
    }

    #[test]
    fn takes_one_message_however_it_is_cut() {
        assert!(feed(&[&[0, 0, 0, 0, 3, 1, 2, 3]]).is_ok());
        assert!(feed(&[&[0], &[0, 0, 0], &[3, 1], &[2, 3]]).is_ok());
        assert!(feed(&[&[0, 0, 0, 0, 0]]).is_ok());
    }

    #[test]
    fn refuses_a_second_message_a_flag_and_a_large_one() {
        assert_eq!(reason(feed(&[&[0, 0, 0, 0, 1, 9], &[0]])), "SECOND_MESSAGE");
        assert_eq!(reason(feed(&[&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0]])), "SECOND_MESSAGE");
        for flag in 1..=255 {
            assert_eq!(reason(feed(&[&[flag, 0, 0, 0, 1, 9]])), "COMPRESSION_NOT_SUPPORTED");
        }
        assert_eq!(reason(feed(&[&[0, 0, 0, 0, 17]])), "REQUEST_TOO_LARGE");
    }

    #[test]
    fn timeouts_are_those_of_the_protocol() {
        assert_eq!(parse_timeout(b"100m"), Some(std::time::Duration::from_millis(100)));
        for bad in ["", "5", "S", "123456789S", "-1S", "1.5S", "1s", "1 S", "+1S"] {
            assert_eq!(parse_timeout(bad.as_bytes()), None, "{bad}");
        }
    }
}
