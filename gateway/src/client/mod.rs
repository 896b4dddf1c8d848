//! The client side, for the command line: reach a gateway, ask it, show what it answers. It knows the contract
//! and nothing of the gateway's inside, so it works the same against any gateway.

pub mod answer;
pub mod ask;
pub mod connect;
pub mod profile;
pub mod refused;
pub mod render;
pub mod schema;

pub use answer::Answer;
pub use ask::QueryWords;
pub use connect::connect;
pub use profile::Profile;
pub use refused::Refused;
pub use render::Format;

/// Words on the command line that make no sense together with the gateway's schema. The exit status of
/// usage belongs to it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);
