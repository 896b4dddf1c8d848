//! Pseudonyms, from the comment of the vector file. HKDF and HMAC come from other crates than the engine's;
//! AES-SIV is the same crate, whose outputs the vectors hold against Python's.

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use portcullis_core::label::Semantic;
use sha2::{Sha256, Sha512};

/// Makes the tokens of one scope and epoch.
pub struct Tokens {
    epoch: u16,
    siv: [u8; 64],
    hash: [u8; 64],
}

impl Tokens {
    /// Derives keys.
    pub fn derive(secret: &[u8; 32], epoch: u16, scope: &str) -> Self {
        let kdf = hkdf::Hkdf::<Sha256>::new(Some(b"portcullis pseudonym v1"), secret);
        let info = [b"scope".as_slice(), &epoch.to_be_bytes(), scope.as_bytes()].concat();
        let mut material = [0_u8; 128];
        kdf.expand(&info, &mut material).expect("128 bytes");
        let half = |at: usize| material[at..at + 64].try_into().expect("64 bytes");
        Self { epoch, siv: half(0), hash: half(64) }
    }

    /// The token of a value.
    pub fn value(&self, semantic: Semantic, value: &str) -> String {
        self.token(semantic.word(), b"", value.as_bytes())
    }

    /// The token by which a requester may name a record.
    pub fn reference(&self, originator: &str, opaque_id: &[u8]) -> String {
        self.token("REFERENCE", originator.as_bytes(), opaque_id)
    }

    fn token(&self, domain: &str, bound: &[u8], value: &[u8]) -> String {
        let sealed = if value.len() <= 46 {
            let mut padded = vec![value.len() as u8];
            padded.extend(value);
            padded.resize(47, 0);
            let headers = [b"portcullis token v1".as_slice(), domain.as_bytes(), bound];
            Aes256Siv::new((&self.siv).into()).encrypt(headers, &padded).expect("47 bytes")
        } else {
            let mut mac =
                <Hmac<Sha512> as hmac::KeyInit>::new_from_slice(&self.hash).expect("a key");
            for part in [domain.as_bytes(), bound, value] {
                mac.update(&(part.len() as u64).to_be_bytes());
                mac.update(part);
            }
            mac.finalize().into_bytes()[..63].to_vec()
        };
        let bytes = [&[1_u8][..], &self.epoch.to_be_bytes(), &sealed].concat();
        URL_SAFE_NO_PAD.encode(bytes)
    }
}
