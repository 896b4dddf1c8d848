//! Resume tokens: where to go on, sealed by the gateway, bound to requester, query and policy, and short-lived.
//! A token says nothing to whoever holds it, not even how far it got.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use bytes::Bytes;
use portcullis_core::id::{AgencyId, Digest, Moment};

/// Length of the plaintext, whatever the position: expiry, agency (length and text), opaque id (the same).
const PLAIN: usize = 8 + 1 + 63 + 1 + 32;

/// Where an answer goes on: behind this record of this source; sources before it are done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The source.
    pub agency: AgencyId,
    /// Opaque id of the last record released.
    pub opaque_id: Bytes,
}

/// Seals and opens resume tokens with a key that lives as long as the process.
pub struct ResumeSealer(RandomizedNonceKey);

/// What a token is good for.
pub struct Binding<'a> {
    /// SPIFFE id of the requester.
    pub requester: &'a str,
    /// The query.
    pub query: Digest,
    /// The policy.
    pub policy: Digest,
}

impl Binding<'_> {
    fn aad(&self) -> Vec<u8> {
        let mut aad = b"portcullis resume v1\0".to_vec();
        aad.extend_from_slice(&self.query.0);
        aad.extend_from_slice(&self.policy.0);
        aad.extend_from_slice(self.requester.as_bytes());
        aad
    }
}

impl ResumeSealer {
    /// From 32 secret bytes.
    ///
    /// # Errors
    /// When the key cannot be taken.
    pub fn new(key: &[u8; 32]) -> Result<Self, aws_lc_rs::error::Unspecified> {
        RandomizedNonceKey::new(&AES_256_GCM, key).map(Self)
    }

    /// Seals a position; empty when it cannot be sealed (then there is no resuming).
    pub fn seal(&self, position: &Position, binding: &Binding<'_>, expires: Moment) -> Bytes {
        let mut plain = Vec::with_capacity(PLAIN);
        plain.extend_from_slice(&expires.0.to_be_bytes());
        for (part, room) in [(position.agency.as_str().as_bytes(), 63), (&position.opaque_id, 32)] {
            let Some(length) = u8::try_from(part.len()).ok().filter(|l| usize::from(*l) <= room)
            else {
                return Bytes::new();
            };
            plain.push(length);
            plain.extend_from_slice(part);
            plain.resize(plain.len() + room - part.len(), 0);
        }
        match self.0.seal_in_place_append_tag(Aad::from(binding.aad()), &mut plain) {
            Ok(nonce) => {
                let mut token = nonce.as_ref().to_vec();
                token.append(&mut plain);
                token.into()
            }
            Err(_) => Bytes::new(),
        }
    }

    /// Opens a token; none for one that is forged, foreign, of another query or policy, or expired.
    pub fn open(&self, token: &[u8], binding: &Binding<'_>, now: Moment) -> Option<Position> {
        let (nonce, sealed) = token.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let plain = self.0.open_in_place(nonce, Aad::from(binding.aad()), &mut sealed).ok()?;
        let (expires, rest) = plain.split_at_checked(8)?;
        if now >= Moment(i64::from_be_bytes(expires.try_into().ok()?)) {
            return None;
        }
        let (agency, rest) = rest.split_at_checked(64)?;
        let text = |part: &[u8]| {
            let (length, body) = part.split_first()?;
            body.get(..usize::from(*length)).map(<[u8]>::to_vec)
        };
        let agency = String::from_utf8(text(agency)?).ok()?;
        Some(Position { agency: AgencyId::new(agency), opaque_id: text(rest)?.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(requester: &str, query: u8, policy: u8) -> Binding<'_> {
        Binding { requester, query: Digest([query; 32]), policy: Digest([policy; 32]) }
    }

    #[test]
    fn opens_only_for_its_requester_query_policy_and_time() {
        let sealer = ResumeSealer::new(&[7; 32]).unwrap();
        let position =
            Position { agency: AgencyId::new("kcs"), opaque_id: Bytes::from_static(&[9; 16]) };
        let token = sealer.seal(&position, &binding("a", 1, 1), Moment(1000));
        let open = |token: &[u8], b: &Binding<'_>, now| sealer.open(token, b, Moment(now));
        assert_eq!(open(&token, &binding("a", 1, 1), 999), Some(position.clone()));
        assert_eq!(open(&token, &binding("a", 1, 1), 1000), None, "expired");
        assert_eq!(open(&token, &binding("b", 1, 1), 0), None, "another requester");
        assert_eq!(open(&token, &binding("a", 2, 1), 0), None, "another query");
        assert_eq!(open(&token, &binding("a", 1, 2), 0), None, "another policy");
        for bit in 0..token.len() * 8 {
            let mut forged = token.to_vec();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&forged, &binding("a", 1, 1), 0), None, "bit {bit}");
        }
        let short = Position { agency: AgencyId::new("x"), opaque_id: Bytes::from_static(&[1]) };
        let other = sealer.seal(&short, &binding("a", 1, 1), Moment(1000));
        assert_eq!(other.len(), token.len(), "length says nothing");
    }
}
