//! The codec of every service: prost, but strict about requests and silent about why.
//!
//! tonic-prost answers a message it cannot decode with INTERNAL and prost's own text, which names schema
//! paths. Here it is INVALID_ARGUMENT with a constant text and a stable reason. A request must also be
//! canonical: what it decodes to must encode to the same bytes, so unknown or repeated fields, over-long
//! varints and explicit defaults are refused, and a digest over it means the same to both sides. By the
//! naming rule of the contract (a test holds it) requests are the messages whose name ends in `Request`;
//! answers of sources may carry fields of a later version and are taken as protobuf takes them.

use std::marker::PhantomData;

use bytes::{Buf as _, Bytes};
use prost::{Message, Name};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The domain of every `google.rpc.ErrorInfo` of this contract.
pub const DOMAIN: &str = "portcullis";

/// Reason of a request that is not a serialization of its message.
pub const REQUEST_MALFORMED: &str = "REQUEST_MALFORMED";
/// Reason of a request with unknown, repeated or non-canonical fields.
pub const REQUEST_NOT_CANONICAL: &str = "REQUEST_NOT_CANONICAL";
/// Reason of a message from a peer, other than a request, that cannot be decoded.
pub const RESPONSE_MALFORMED: &str = "RESPONSE_MALFORMED";

/// Strict prost codec.
pub struct Strict<T, U>(PhantomData<fn(T) -> U>);

impl<T, U> Default for Strict<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for Strict<T, U>
where
    T: Message + 'static,
    U: Message + Name + Default + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = StrictEncoder<T>;
    type Decoder = StrictDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        StrictEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        StrictDecoder(PhantomData)
    }
}

/// Encodes a message.
pub struct StrictEncoder<T>(PhantomData<fn(T)>);

impl<T: Message> Encoder for StrictEncoder<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, item: T, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buf).map_err(|_| Status::internal("message cannot be encoded"))
    }
}

/// Decodes a message, a request strictly.
pub struct StrictDecoder<U>(PhantomData<fn() -> U>);

impl<U: Message + Name + Default> Decoder for StrictDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let bytes = buf.copy_to_bytes(buf.remaining());
        decode(bytes).map(Some)
    }
}

/// Decodes one message as the codec does.
///
/// # Errors
/// INVALID_ARGUMENT with [`REQUEST_MALFORMED`] or [`REQUEST_NOT_CANONICAL`] for requests, INTERNAL with
/// [`RESPONSE_MALFORMED`] for anything else.
pub fn decode<U: Message + Name + Default>(bytes: Bytes) -> Result<U, Status> {
    let request = U::NAME.ends_with("Request");
    let raw = bytes.clone();
    let Ok(message) = U::decode(bytes) else {
        return Err(if request {
            refusal(
                Code::InvalidArgument,
                REQUEST_MALFORMED,
                "the request is not a valid message, or nests too deeply",
            )
        } else {
            refusal(Code::Internal, RESPONSE_MALFORMED, "the peer sent what is not a valid message")
        });
    };
    if request && message.encode_to_vec() != raw {
        return Err(refusal(
            Code::InvalidArgument,
            REQUEST_NOT_CANONICAL,
            "the request has unknown, repeated or non-canonical fields",
        ));
    }
    Ok(message)
}

fn refusal(code: Code, reason: &str, text: &str) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, std::collections::HashMap::new());
    Status::with_error_details(code, text, details)
}
