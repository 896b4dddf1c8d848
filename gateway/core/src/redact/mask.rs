//! Masks: fillers of fixed length. What stays is fixed by semantic, and the length tells nothing.

use crate::label::Semantic;

/// A filler, on the stack.
pub(super) struct Filler {
    bytes: [u8; CONTAINER],
    length: usize,
}

impl Filler {
    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Length of a container number: ISO 6346, owner code (3), category (1), serial (6), check digit (1).
const CONTAINER: usize = 11;
/// Length of every other filler.
const PLAIN: usize = 8;
/// Owner code and category of a container.
const OWNER: usize = 4;
/// An identifier shorter than this keeps nothing: two characters of it would be too much.
const LONG_ENOUGH: usize = 8;

/// What stands for a text: of a container number its owner prefix, of an identifier its last two characters,
/// of anything else nothing.
pub(super) fn filler(semantic: Semantic, text: &str) -> Filler {
    let (length, kept) = match semantic {
        Semantic::ContainerNumber => (CONTAINER, owner(text).map(|owner| (0, owner))),
        Semantic::Identifier => (PLAIN, last_two(text).map(|two| (PLAIN - two.len(), two))),
        _ => (PLAIN, None),
    };
    let mut bytes = [b'*'; CONTAINER];
    if let Some((at, kept)) = kept {
        for (to, from) in bytes.iter_mut().skip(at).zip(kept) {
            *to = *from;
        }
    }
    Filler { bytes, length }
}

/// Owner prefix of what has the form of a container number, or of one already masked. Whether the check digit
/// is right, and the category one of U, J, Z, is not looked at: that would tell more of the serial, or the
/// source's slip.
fn owner(text: &str) -> Option<&[u8]> {
    let (owner, serial) = text.as_bytes().split_at_checked(OWNER)?;
    let number = serial.iter().all(u8::is_ascii_digit) || serial.iter().all(|byte| *byte == b'*');
    (owner.iter().all(u8::is_ascii_uppercase) && serial.len() == CONTAINER - OWNER && number)
        .then_some(owner)
}

/// Last two characters, where they are letters or digits of ASCII and enough others remain hidden.
fn last_two(text: &str) -> Option<&[u8]> {
    let two = text.as_bytes().last_chunk::<2>()?;
    (two.iter().all(u8::is_ascii_alphanumeric) && text.chars().count() >= LONG_ENOUGH)
        .then_some(two.as_slice())
}
