//! What stands in a token: three header fields and the claims, read strictly.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Header as JwsHeader;
use portcullis_core::id::Digest;
use serde::{Deserialize, Serialize};

use super::key::SigningKey;
use super::{KeyError, is_officer};

/// `typ` of every officer's token (RFC 8725, 3.11), so that another token of the same key is none.
pub const TYPE: &str = "portcullis-officer+jwt";
/// Longest `jti` and `kid`.
const ID: usize = 128;

/// The claims of a token. Claims that are not listed here are ignored, as RFC 7519 asks; doubled ones refuse it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The officer's agency, by its id.
    pub iss: String,
    /// The officer.
    pub sub: String,
    /// The gateway's name; one, because a token for two gateways could be used at both.
    pub aud: String,
    /// The query's case; left out where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_id: Option<String>,
    /// The query's digest, 64 lower-case hexadecimal digits.
    pub query_digest: String,
    /// The token's own id, never used twice by its agency.
    pub jti: String,
    /// Issued at, in seconds since 1970.
    pub iat: i64,
    /// Not before; left out: from `iat` on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// Expires at.
    pub exp: i64,
}

impl Claims {
    pub(super) fn are_well_formed(&self) -> bool {
        is_officer(&self.sub)
            && (1..=ID).contains(&self.jti.len())
            && self.query_digest.len() == 64
            && self.iat >= 0
            && self.nbf.is_none_or(|nbf| (0..self.exp).contains(&nbf))
            && self.iat < self.exp
    }

    /// Names the token among all tokens of all agencies.
    pub(super) fn use_of(&self) -> Digest {
        // INVARIANT: an agency's id holds no zero byte, so the two never run into each other.
        let parts = [b"portcullis officer token v1\0", self.iss.as_bytes(), b"\0"];
        Digest::of(&[&parts.concat(), self.jti.as_bytes()].concat())
    }
}

/// The header: these three fields and no other. A key, an address of one, or an extension in a header is never
/// followed, so there is no reason to send it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    /// Held against the key's own algorithm when the signature is checked.
    #[serde(rename = "alg")]
    _alg: String,
    pub(super) kid: String,
    typ: String,
}

/// A token as it describes itself.
pub(super) struct Unverified {
    pub(super) header: Header,
    pub(super) claims: Claims,
}

impl Unverified {
    /// None where it is not of our kind.
    pub(super) fn read(token: &str) -> Option<Self> {
        let mut pieces = token.split('.');
        let (header, claims, signature) = (pieces.next()?, pieces.next()?, pieces.next()?);
        if pieces.next().is_some() || signature.is_empty() {
            return None;
        }
        let header: Header = json(header)?;
        let claims: Claims = json(claims)?;
        let known = header.typ == TYPE && (1..=ID).contains(&header.kid.len());
        (known && claims.are_well_formed()).then_some(Self { header, claims })
    }
}

fn json<T: serde::de::DeserializeOwned>(piece: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(piece).ok()?).ok()
}

/// Signs a token.
///
/// # Errors
/// A key that cannot sign.
pub fn mint(claims: &Claims, key: &SigningKey, kid: &str) -> Result<String, KeyError> {
    let mut header = JwsHeader::new(key.algorithm);
    header.typ = Some(TYPE.to_owned());
    header.kid = Some(kid.to_owned());
    jsonwebtoken::encode(&header, claims, &key.secret).map_err(|_| KeyError::Unusable)
}
