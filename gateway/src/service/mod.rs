//! One file per gRPC service: decode, call the broker, encode. Generated types stop here.

pub mod agreement;
mod asked;
pub mod audit;
pub mod case;
pub mod directory;
pub mod door;
mod encode;
pub mod filter;
pub mod outgoing;
pub mod query;
pub(crate) mod recipients;
mod registration;
mod release;

pub(crate) use encode::treatment_to_wire;

use std::sync::Arc;

use tonic::{Request, Status};

use crate::broker::Broker;
use crate::identity::{PeerId, PeerInfo};
use crate::status::Refusal;

/// Who the identity layer says is calling. Without it there is no service; and a certificate of a listed
/// agency is not enough: the agency lists its systems too.
fn caller<T>(broker: &Broker, request: &Request<T>) -> Result<(Arc<PeerId>, PeerInfo), Status> {
    let extensions = request.extensions();
    let (Some(peer), Some(info)) = (extensions.get::<Arc<PeerId>>(), extensions.get::<PeerInfo>())
    else {
        return Err(Refusal::Internal.into_status(""));
    };
    let policy = broker.policy.load();
    match policy.agency(&peer.agency) {
        Some(agency) if agency.systems.contains(&peer.system) => Ok((peer.clone(), info.clone())),
        _ => Err(Refusal::SystemNotListed.into_status("")),
    }
}
