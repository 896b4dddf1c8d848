//! One file per gRPC service: decode, call the broker, encode. Generated types stop here.

pub mod audit;
pub mod directory;
pub mod door;
pub mod filter;
pub mod query;

use std::sync::Arc;

use tonic::{Request, Status};

use crate::identity::{PeerId, PeerInfo};
use crate::status::Refusal;

/// Who the identity layer says is calling. Without it there is no service.
fn caller<T>(request: &Request<T>) -> Result<(Arc<PeerId>, PeerInfo), Status> {
    let extensions = request.extensions();
    match (extensions.get::<Arc<PeerId>>(), extensions.get::<PeerInfo>()) {
        (Some(peer), Some(info)) => Ok((peer.clone(), info.clone())),
        _ => Err(Refusal::Internal.into_status("")),
    }
}
