//! Officers' tokens for the agencies of a world, sound ones and others.

use std::sync::atomic::{AtomicU64, Ordering};

use portcullis::clock::Clock;
use portcullis::command::playground::{GATEWAY_NAME, OFFICER_KEY, World};
use portcullis::officers::{Claims, SigningKey, mint};
use portcullis_proto::digest::query_digest;
use portcullis_proto::query::v1 as wire;

/// Claims of a sound token for a query.
pub fn claims(agency: &str, officer: &str, query: &wire::Query) -> Claims {
    static ISSUED: AtomicU64 = AtomicU64::new(0);
    let now = Clock::system().now().seconds();
    Claims {
        iss: agency.to_owned(),
        sub: officer.to_owned(),
        aud: GATEWAY_NAME.to_owned(),
        case_id: Some(query.case_id.clone()).filter(|case| !case.is_empty()),
        query_digest: hex::encode(query_digest(query)),
        jti: format!("token-{}", ISSUED.fetch_add(1, Ordering::SeqCst)),
        iat: now,
        nbf: None,
        exp: now + 120,
    }
}

/// Signs claims with an agency's key.
///
/// # Errors
/// A key that cannot be read.
pub fn sign(world: &World, agency: &str, kid: &str, claims: &Claims) -> anyhow::Result<String> {
    let file = world.dir.join(format!("keys/{agency}.officers.key"));
    Ok(mint(claims, &SigningKey::read(&file)?, kid)?)
}

/// A request on behalf of an officer, with a token of its own.
///
/// # Errors
/// A key that cannot be read.
pub fn by_officer(
    world: &World,
    agency: &str,
    officer: &str,
    query: wire::Query,
) -> anyhow::Result<wire::QueryRequest> {
    let token = sign(world, agency, OFFICER_KEY, &claims(agency, officer, &query))?;
    Ok(wire::QueryRequest { officer_token: token, ..crate::request(query) })
}
