//! Officers: tokens by which an agency vouches for the officer who asks. A token is a compact JWS, bound to one
//! query of one agency at this gateway, short-lived, and used once: that it was used is made durable together
//! with the intent (`audit`), not here. The key decides on the algorithm, never the token's header.

mod claims;
mod key;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use jsonwebtoken::Validation;
use portcullis_core::id::{AgencyId, CaseId, Digest, Moment, OfficerId};

pub use claims::{Claims, TYPE, mint};
pub use key::{KeyError, SigningKey, TokenKey, generate};

use claims::Unverified;

/// Longest token that is read.
const LONGEST: usize = 4096;
/// A used token is remembered for so long after it has expired, so that a clock set back does not revive it.
const REMEMBERED_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// Latest second that a token may name: beyond it times could overflow.
const LAST_SECOND: i64 = 1 << 40;

/// Why a token proves nothing. Each tells its bearer only about its own token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TokenRefusal {
    /// No compact JWS of our type, or claims that are missing, doubled or out of their grammar.
    #[error("the token is not a compact JWS with the header and claims of an officer's token")]
    Malformed,
    /// Issued by another agency than the one that asks.
    #[error("the token was not issued by the agency that asks")]
    WrongAgency,
    /// The agency has no such key here.
    #[error("the agency has no key of the token's `kid` at this gateway")]
    KeyUnknown,
    /// The signature is not by that key, or not by that key's algorithm.
    #[error("the token is not signed by that key and its algorithm")]
    SignatureWrong,
    /// Made for somebody else to check.
    #[error("the token's audience is not this gateway")]
    WrongAudience,
    /// Its end has passed.
    #[error("the token has expired")]
    Expired,
    /// Its beginning lies ahead.
    #[error("the token is not yet valid")]
    NotYetValid,
    /// It lives longer than this gateway allows.
    #[error("the token lives longer than this gateway allows")]
    TooLongLived,
    /// For another officer than the query names.
    #[error("the token is for another officer than the query names")]
    WrongOfficer,
    /// For another case than the query's.
    #[error("the token is for another case")]
    WrongCase,
    /// For another query.
    #[error("the token is for another query")]
    WrongQuery,
    /// It was used before.
    #[error("the token was used before")]
    Replayed,
}

impl TokenRefusal {
    /// One stable word.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "OFFICER_TOKEN_MALFORMED",
            Self::WrongAgency => "OFFICER_TOKEN_WRONG_AGENCY",
            Self::KeyUnknown => "OFFICER_TOKEN_KEY_UNKNOWN",
            Self::SignatureWrong => "OFFICER_TOKEN_SIGNATURE_WRONG",
            Self::WrongAudience => "OFFICER_TOKEN_WRONG_AUDIENCE",
            Self::Expired => "OFFICER_TOKEN_EXPIRED",
            Self::NotYetValid => "OFFICER_TOKEN_NOT_YET_VALID",
            Self::TooLongLived => "OFFICER_TOKEN_TOO_LONG_LIVED",
            Self::WrongOfficer => "OFFICER_TOKEN_WRONG_OFFICER",
            Self::WrongCase => "OFFICER_TOKEN_WRONG_CASE",
            Self::WrongQuery => "OFFICER_TOKEN_WRONG_QUERY",
            Self::Replayed => "OFFICER_TOKEN_REPLAYED",
        }
    }
}

/// What a token has to be about.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The agency that asks, from its certificate.
    pub agency: &'a AgencyId,
    /// The officer whom the query names; empty: whoever the token is for.
    pub officer: &'a str,
    /// The query's case.
    pub case: Option<&'a CaseId>,
    /// The query's digest.
    pub query_digest: Digest,
}

/// An officer for whom its agency vouches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The officer.
    pub officer: OfficerId,
    /// The agency's key that signed.
    pub key_id: String,
    /// SHA-256 of the token as it was brought.
    pub token: Digest,
    /// Names the token among all: SHA-256 over agency and `jti`. Another signature of the same is the same one.
    pub use_of: Digest,
    /// Until then its use is remembered.
    pub remembered_until: Moment,
}

/// Whose tokens this gateway takes, and which.
pub struct OfficerTokens {
    audience: String,
    max_lifetime_seconds: i64,
    clock_skew_seconds: i64,
    keys: BTreeMap<AgencyId, Vec<TokenKey>>,
}

impl OfficerTokens {
    /// For tokens made out to this audience, with the keys of each agency.
    pub fn new(
        audience: &str,
        max_lifetime_seconds: u32,
        clock_skew_seconds: u32,
        keys: BTreeMap<AgencyId, Vec<TokenKey>>,
    ) -> Self {
        Self {
            audience: audience.to_owned(),
            max_lifetime_seconds: max_lifetime_seconds.into(),
            clock_skew_seconds: clock_skew_seconds.into(),
            keys,
        }
    }

    /// The officer whom a token proves for a query.
    ///
    /// # Errors
    /// Why it proves nobody. What the token says of itself is looked at before its signature only where that
    /// refuses it.
    pub fn prove(
        &self,
        token: &str,
        expected: &Expected<'_>,
        now: Moment,
    ) -> Result<Proof, TokenRefusal> {
        if token.len() > LONGEST {
            return Err(TokenRefusal::Malformed);
        }
        let unverified = Unverified::read(token).ok_or(TokenRefusal::Malformed)?;
        if unverified.claims.iss != expected.agency.as_str() {
            return Err(TokenRefusal::WrongAgency);
        }
        let key = self
            .keys
            .get(expected.agency)
            .and_then(|keys| keys.iter().find(|key| key.id == unverified.header.kid))
            .ok_or(TokenRefusal::KeyUnknown)?;
        let mut only_the_signature = Validation::new(key.algorithm);
        only_the_signature.required_spec_claims.clear();
        // Time and audience are looked at below: by our clock, and with reasons of our own.
        only_the_signature.validate_exp = false;
        only_the_signature.validate_aud = false;
        let claims: Claims = jsonwebtoken::decode(token, &key.public, &only_the_signature)
            .map_err(|_| TokenRefusal::SignatureWrong)?
            .claims;
        self.check(&claims, expected, now)?;
        let officer = OfficerId::new(&claims.sub);
        let seconds = claims.exp.saturating_add(self.clock_skew_seconds);
        Ok(Proof {
            officer,
            key_id: key.id.clone(),
            token: Digest::of(token.as_bytes()),
            use_of: claims.use_of(),
            remembered_until: Moment(
                Moment::from_seconds(seconds).0.saturating_add(REMEMBERED_MILLIS),
            ),
        })
    }

    fn check(
        &self,
        claims: &Claims,
        expected: &Expected<'_>,
        now: Moment,
    ) -> Result<(), TokenRefusal> {
        if !claims.are_well_formed() || claims.exp > LAST_SECOND {
            return Err(TokenRefusal::Malformed);
        }
        if claims.iss != expected.agency.as_str() {
            return Err(TokenRefusal::WrongAgency);
        }
        if claims.aud != self.audience {
            return Err(TokenRefusal::WrongAudience);
        }
        let (now, skew) = (now.seconds(), self.clock_skew_seconds);
        if claims.exp - claims.iat > self.max_lifetime_seconds {
            return Err(TokenRefusal::TooLongLived);
        }
        if now >= claims.exp.saturating_add(skew) {
            return Err(TokenRefusal::Expired);
        }
        if claims.iat.max(claims.nbf.unwrap_or(claims.iat)) > now.saturating_add(skew) {
            return Err(TokenRefusal::NotYetValid);
        }
        if !expected.officer.is_empty() && expected.officer != claims.sub {
            return Err(TokenRefusal::WrongOfficer);
        }
        if claims.case_id.as_deref().unwrap_or_default() != expected.case.map_or("", CaseId::as_str)
        {
            return Err(TokenRefusal::WrongCase);
        }
        if claims.query_digest != expected.query_digest.to_string() {
            return Err(TokenRefusal::WrongQuery);
        }
        Ok(())
    }
}

impl fmt::Debug for OfficerTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OfficerTokens({}, {} agencies)", self.audience, self.keys.len())
    }
}

/// Is it a name that an officer may have? Nothing in it could be mistaken for a separator in a budget's key.
pub fn is_officer(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._@+-".contains(&byte))
}
