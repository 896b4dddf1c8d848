//! AES-SIV (RFC 5297) for many texts of one size under few headers: what does not depend on the text is
//! computed once, and texts are sealed side by side, because CMAC of one text is a chain that leaves most of
//! the processor idle. The block cipher is the `aes` crate's; the `aes-siv` crate opens what is sealed here,
//! and tests hold one against the other.

use aes::Aes256;
use aes::cipher::consts::U16;
use aes::cipher::{
    BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt as _, BlockSizeUser,
    KeyInit as _,
};

/// Bytes of what is sealed: two blocks and 15 bytes.
pub(super) const SEALED: usize = 47;

/// A block, as the number that its bytes are from left to right.
type Block = u128;

/// Multiplication by x in GF(2^128), RFC 5297 section 2.3.
fn dbl(block: Block) -> Block {
    (block << 1) ^ ((block >> 127) * 0x87)
}

/// Both keys, expanded. They are overwritten when dropped (`aes` with its feature `zeroize`).
pub(super) struct Siv {
    mac: Aes256,
    ctr: Aes256,
    /// Subkeys of CMAC, RFC 4493 section 2.3: for a last block that is whole, and one that is padded.
    whole: Block,
    padded: Block,
}

/// A text, on its way to being sealed. Its blocks lie as they do in memory.
#[derive(Clone, Copy)]
pub(super) struct Lane {
    headers: Headers,
    text: [Block; 3],
    iv: Block,
}

impl Lane {
    /// The text is its length, the value and zeros. None: the value is too long.
    pub(super) fn new(headers: Headers, value: &[u8]) -> Option<Self> {
        let mut bytes = [0_u8; SEALED + 1];
        let (length, room) = bytes.split_first_mut()?;
        *length = u8::try_from(value.len()).ok()?;
        // The last byte is behind the text.
        room.get_mut(..SEALED - 1)?.get_mut(..value.len())?.copy_from_slice(value);
        let (blocks, _) = bytes.as_chunks::<16>();
        let &[one, two, three] = blocks else { return None };
        let [one, two, three] =
            [Block::from_ne_bytes(one), Block::from_ne_bytes(two), Block::from_ne_bytes(three)];
        Some(Self { headers, text: [one, two, three], iv: 0 })
    }

    /// The synthetic IV and the text.
    pub(super) fn sealed(&self) -> [u8; 16 + SEALED] {
        let [one, two, three] = self.text;
        let mut sealed = [0; 64];
        for (to, from) in sealed.as_chunks_mut::<16>().0.iter_mut().zip([self.iv, one, two, three])
        {
            *to = from.to_ne_bytes();
        }
        let [sealed @ .., _] = sealed;
        sealed
    }
}

/// S2V of each: the value of the headers is added to the last 16 bytes, then CMAC.
struct Chains<'a>(&'a mut [Lane]);

impl BlockSizeUser for Chains<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Chains<'_> {
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        for lane in self.0.iter_mut() {
            lane.iv = one(backend, lane.text[0]);
        }
        for lane in self.0.iter_mut() {
            lane.iv = one(backend, lane.iv ^ lane.text[1] ^ lane.headers.second);
        }
        for lane in self.0.iter_mut() {
            lane.iv = one(backend, lane.iv ^ lane.text[2] ^ lane.headers.third);
        }
    }
}

/// CTR of each, from its IV without the bits 31 and 63.
struct Streams<'a>(&'a mut [Lane]);

impl BlockSizeUser for Streams<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Streams<'_> {
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        for lane in self.0.iter_mut() {
            let counter = Block::from_be_bytes(lane.iv.to_ne_bytes()) & !(1 << 63 | 1 << 31);
            // With its bit 31 gone, adding to its last four bytes never carries.
            for (block, at) in lane.text.iter_mut().zip(0..) {
                *block ^= one(backend, Block::from_ne_bytes((counter + at).to_be_bytes()));
            }
        }
    }
}

#[inline(always)]
fn one<B: BlockCipherEncBackend<BlockSize = U16>>(backend: &B, block: Block) -> Block {
    let mut block = block.to_ne_bytes().into();
    backend.encrypt_block_inplace(&mut block);
    Block::from_ne_bytes(block.into())
}

/// What S2V comes to behind some headers.
#[derive(Clone, Copy)]
pub(super) struct Prefix(Block);

/// What that, the padding and CMAC's subkey add to a text's second and third block, as it lies in memory.
/// The last 16 bytes of the text begin with the last one of its second block.
#[derive(Clone, Copy)]
pub(super) struct Headers {
    second: Block,
    third: Block,
}

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
    pub(super) fn prefix(&self) -> Prefix {
        Prefix(self.cmac(&[0; 16]))
    }

    /// Behind one header more.
    pub(super) fn header(&self, before: Prefix, header: &[u8]) -> Prefix {
        Prefix(dbl(before.0) ^ self.cmac(header))
    }

    /// Behind the last one.
    pub(super) fn headers(&self, all: Prefix) -> Headers {
        let third = (all.0 << 8) ^ 0x80 ^ self.padded;
        let [second, third] =
            [all.0 >> 120, third].map(|block| Block::from_ne_bytes(block.to_be_bytes()));
        Headers { second, third }
    }

    /// Seals texts side by side.
    pub(super) fn seal(&self, lanes: &mut [Lane]) {
        self.mac.encrypt_with_backend(Chains(lanes));
        self.ctr.encrypt_with_backend(Streams(lanes));
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

#[cfg(test)]
mod tests {
    use aes_siv::siv::Aes256Siv;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn seals_as_the_library_does(
            key: [u8; 64],
            value in proptest::collection::vec(any::<u8>(), 0..SEALED),
            headers in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..70), 0..4),
        ) {
            let siv = Siv::new(&key);
            let behind = headers.iter().fold(siv.prefix(), |all, header| siv.header(all, header));
            let behind = siv.headers(behind);
            let mut lanes = [&value[..], b"", &value].map(|value| Lane::new(behind, value).unwrap());
            siv.seal(&mut lanes);
            for (lane, value) in lanes.iter().zip([&value[..], b"", &value]) {
                let mut text = vec![value.len() as u8];
                text.extend(value);
                text.resize(SEALED, 0);
                let library = Aes256Siv::new(&key.into()).encrypt(&headers, &text).unwrap();
                prop_assert_eq!(&lane.sealed()[..], library);
            }
            prop_assert!(Lane::new(behind, &[1; SEALED]).is_none());
        }
    }
}
