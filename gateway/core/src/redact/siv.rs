//! AES-SIV (RFC 5297) for texts of one size under few headers, with everything that does not depend on the
//! text computed once: six AES blocks a token instead of some twenty and two key schedules. The block cipher
//! is the `aes` crate's; the `aes-siv` crate opens what is sealed here, and tests hold one against the other.

use aes::Aes256;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};

/// Bytes of what is sealed: two blocks and 15 bytes.
pub(super) const SEALED: usize = 47;

/// A block, as the number that its bytes are from left to right.
type Block = u128;

/// Multiplication by x in GF(2^128), RFC 5297 section 2.3.
fn dbl(block: Block) -> Block {
    block << 1 ^ (block >> 127) * 0x87
}

/// Both keys, expanded. They are overwritten when dropped (`aes` with its feature `zeroize`).
pub(super) struct Siv {
    mac: Aes256,
    ctr: Aes256,
    /// Subkeys of CMAC, RFC 4493 section 2.3: for a last block that is whole, and one that is padded.
    whole: Block,
    padded: Block,
}

/// What S2V comes to behind some headers.
#[derive(Clone, Copy)]
pub(super) struct Headers(Block);

impl Siv {
    /// The first half of the key is for the tag, the second for the text.
    pub(super) fn new(key: &[u8; 64]) -> Self {
        let (mac, ctr) = key.split_at(32);
        // INVARIANT: both halves are keys of the right size, so the key of zeros is never used.
        let aes = |half: &[u8]| Aes256::new(&<[u8; 32]>::try_from(half).unwrap_or_default().into());
        let (mac, ctr) = (aes(mac), aes(ctr));
        let whole = dbl(encrypt(&mac, 0));
        Self { mac, ctr, whole, padded: dbl(whole) }
    }

    /// Before any header.
    pub(super) fn headers(&self) -> Headers {
        Headers(self.cmac(&[0; 16]))
    }

    /// Behind one header more.
    pub(super) fn header(&self, before: Headers, header: &[u8]) -> Headers {
        Headers(dbl(before.0) ^ self.cmac(header))
    }

    /// Encrypts the text where it stands; returns the synthetic IV.
    pub(super) fn seal(&self, headers: Headers, text: &mut [u8; SEALED]) -> [u8; 16] {
        let [one, two, three] = blocks(text);
        // S2V: the value of the headers is added to the last 16 bytes, then CMAC. Those bytes begin with the
        // last of the second block.
        let last = 15 * 8;
        let mut state = encrypt(&self.mac, one);
        state = encrypt(&self.mac, state ^ two ^ headers.0 >> last);
        state = encrypt(&self.mac, state ^ three ^ headers.0 << 8 ^ 0x80 ^ self.padded);
        let iv = state;
        // CTR, from the IV without its bits 31 and 63.
        let counter = iv & !(1 << 63 | 1 << 31);
        let mut stream = [0, 1, 2].map(|at| Block::wrapping_add(counter, at).to_be_bytes().into());
        self.ctr.encrypt_blocks(&mut stream);
        let [key_one, key_two, key_three] = stream.map(|block| Block::from_be_bytes(block.into()));
        let sealed = [one ^ key_one, two ^ key_two, three ^ key_three].map(Block::to_be_bytes);
        for (to, from) in text.iter_mut().zip(sealed.as_flattened()) {
            *to = *from;
        }
        iv.to_be_bytes()
    }

    /// CMAC, RFC 4493.
    fn cmac(&self, message: &[u8]) -> Block {
        let (body, last) = match message.len().div_ceil(16).checked_sub(1) {
            Some(blocks) => message.split_at_checked(blocks * 16).unwrap_or((message, &[])),
            None => (message, message),
        };
        let mut state = 0;
        for block in body.as_chunks::<16>().0 {
            state = encrypt(&self.mac, state ^ Block::from_be_bytes(*block));
        }
        let end = match <[u8; 16]>::try_from(last) {
            Ok(block) => Block::from_be_bytes(block) ^ self.whole,
            Err(_) => {
                let mut block = [0; 16];
                for (to, from) in block.iter_mut().zip(last.iter().chain(&[0x80])) {
                    *to = *from;
                }
                Block::from_be_bytes(block) ^ self.padded
            }
        };
        encrypt(&self.mac, state ^ end)
    }
}

fn encrypt(aes: &Aes256, block: Block) -> Block {
    let mut block = block.to_be_bytes().into();
    aes.encrypt_block(&mut block);
    Block::from_be_bytes(block.into())
}

/// The text as three blocks, the last one with a zero behind it.
fn blocks(text: &[u8; SEALED]) -> [Block; 3] {
    let mut bytes = [0; SEALED + 1];
    for (to, from) in bytes.iter_mut().zip(text) {
        *to = *from;
    }
    let (blocks, _) = bytes.as_chunks::<16>();
    let mut out = [0; 3];
    for (to, from) in out.iter_mut().zip(blocks) {
        *to = Block::from_be_bytes(*from);
    }
    out
}

#[cfg(test)]
mod tests {
    use aes_siv::siv::Aes256Siv;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn seals_as_the_library_does(
            key: [u8; 64],
            text in proptest::collection::vec(any::<u8>(), SEALED),
            headers in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..70), 0..4),
        ) {
            let siv = Siv::new(&key);
            let behind = headers.iter().fold(siv.headers(), |all, header| siv.header(all, header));
            let mut sealed: [u8; SEALED] = text.clone().try_into().unwrap();
            let iv = siv.seal(behind, &mut sealed);
            let library = Aes256Siv::new(&key.into()).encrypt(&headers, &text).unwrap();
            prop_assert_eq!([&iv[..], &sealed].concat(), library);
        }
    }
}
