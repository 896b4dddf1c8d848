//! Identity: from a peer's certificate to the agency and system behind it, and from there to a refusal
//! with a stable reason. Owns the TLS acceptor, the trust bundles, revocation, the per-request check and
//! the client side of the same rules. What a peer *may do* is policy's; this only says who it is.
//!
//! # Two tiers of refusal
//! A fault is refused **inside the handshake** when the certificate proves nothing: no chain to a listed
//! agency, outside its dates, revoked, revocation data stale, wrong key usage, a CA's own certificate, too
//! long a life, too large. There is no gRPC status to carry the reason, so it is logged (target
//! `portcullis::identity`, field `reason`) and counted ([`HandshakeMetrics`]).
//!
//! A fault is refused **on every RPC** with `UNAUTHENTICATED` and the reason when the certificate is sound
//! and comes from a listed agency, but its *name* is not one we accept (none, several, malformed, another
//! agency's, another trust domain's, not on the allow-list): its owner is known and should be told.
//! [`IdentityRefusal::tier`] says which is which.
//!
//! The whole check runs again for every RPC ([`check_peer`]); an unchanged verdict is cached until the
//! next moment at which it could change.

mod acceptor;
mod admit;
mod bundle;
mod certificate;
pub mod connect;
mod credentials;
mod file;
mod io;
mod layer;
mod limits;
mod metrics;
mod name;
mod peer;
mod refusal;
mod registry;
mod tls;
mod trust;

#[cfg(test)]
mod tests;

pub use acceptor::{Acceptor, AcceptorConfig, Incoming, bind, listen};
pub use admit::{Admission, admit};
pub use bundle::Bundle;
pub use credentials::Credentials;
pub use file::IdentityFileError;
pub use io::PeerIo;
pub use layer::{IdentityLayer, IdentityService};
pub use limits::ServerLimits;
pub use metrics::{HandshakeCounters, HandshakeMetrics};
pub use name::{NameFault, PeerId};
pub use peer::{PeerFacts, PeerInfo, check_peer};
pub use refusal::{HandshakeFault, IdentityRefusal, Tier};
pub use registry::ConnectionRegistry;
pub use trust::{AgencyTrust, Pin, TrustSnapshot, TrustSpec, TrustStore};
