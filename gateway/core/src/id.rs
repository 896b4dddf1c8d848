//! Ids and other small values that could be swapped by mistake, each a type of its own.

use std::fmt;
use std::sync::Arc;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes any text; whoever parses input checks its grammar first.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(Arc::from(text.as_ref()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id!(
    /// An agency's short id, as in its certificates: `[a-z0-9-]{1,63}`.
    AgencyId
);
text_id!(
    /// A system of an agency, as in its certificate: `[a-z0-9-]{1,63}`.
    SystemId
);
text_id!(
    /// An officer of an agency, by the name that the agency's tokens carry: `[A-Za-z0-9._@+-]{1,128}`.
    OfficerId
);
text_id!(
    /// A case or joint operation.
    CaseId
);
text_id!(
    /// An agreement, whatever its version.
    AgreementId
);
text_id!(
    /// The rule behind a decision or a treatment: a Cedar policy's `@id`, or a built-in word such as
    /// `default:withhold`.
    RuleId
);
text_id!(
    /// Full name of a record type's message.
    RecordTypeName
);

/// A moment, in milliseconds since 1970-01-01T00:00:00Z. Given by the caller, never read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

impl Moment {
    /// From whole seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// So many days of 24 hours later.
    pub const fn days_later(self, days: u32) -> Self {
        Self(self.0.saturating_add(days as i64 * 24 * 60 * 60 * 1000))
    }

    /// As a protobuf timestamp.
    pub fn to_proto(self) -> prost_types::Timestamp {
        let nanos = i32::try_from(self.0.rem_euclid(1000)).unwrap_or_default() * 1_000_000;
        prost_types::Timestamp { seconds: self.seconds(), nanos }
    }
}

/// SHA-256 of something named by the field that holds it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Hashes bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        let mut out = [0; 32];
        out.copy_from_slice(digest.as_ref());
        Self(out)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
