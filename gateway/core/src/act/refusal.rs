//! Why a statement is refused: one stable word each. Whoever is refused is a party, so all of it may be told.

/// Why a statement is refused; then nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ActRefusal {
    /// Not the text that a statement has.
    #[error("this is not a statement about an agreement")]
    NotAStatement,
    /// For another trust domain or environment.
    #[error("the statement is for another exchange")]
    OtherExchange,
    /// About another agreement than the call is.
    #[error("the statement is about another agreement")]
    OtherAgreement,
    /// Another act than the call is for.
    #[error("the statement is for another act")]
    OtherAct,
    /// By another agency than the one that brings it.
    #[error("the statement is another agency's: each speaks for itself")]
    NotYours,
    /// No signature by a key of the agency.
    #[error("the statement is not signed by a key that the gateway knows of the agency")]
    KeyUnknown,
    /// A signature that does not verify.
    #[error("the signature is wrong: the statement was changed, or signed with another key")]
    SignatureWrong,
    /// There is no such agreement, or it is not the agency's to know.
    #[error("there is no such agreement to which your agency is a party")]
    Unknown,
    /// There is no such version.
    #[error("there is no such version of the agreement")]
    VersionUnknown,
    /// A later version is in force.
    #[error("a later version of the agreement is in force")]
    VersionSuperseded,
    /// A version as high is known with another text.
    #[error("a proposed text takes a version above every one before it")]
    VersionNotNew,
    /// The id is another agreement's.
    #[error("the id is taken")]
    IdTaken,
    /// The new version leaves out a party that has not withdrawn.
    #[error("the new version leaves out a party that has not withdrawn")]
    PartiesDropped,
    /// The statement is about other bytes.
    #[error("the statement is about another text of this version")]
    TextDiffers,
    /// Signed for other schemas than those that are here.
    #[error("the statement is for other record types than the gateway's")]
    SchemaDiffers,
    /// An agency's statements are counted, and this number was used.
    #[error("a statement of this serial was taken before: it may be a replay")]
    Replayed,
    /// A statement before it is missing.
    #[error("the serial is not the next one of your agency for this agreement")]
    OutOfOrder,
    /// Dated later than now.
    #[error("the statement is dated in the future")]
    FromTheFuture,
    /// The agency is no party, or has not signed.
    #[error("your agency is no party that has signed")]
    NotAParty,
    /// The text is not open to it.
    #[error("the agreement is not open to your agency")]
    NotOpenToYou,
    /// The party has withdrawn.
    #[error("your agency has withdrawn")]
    PartyWithdrawn,
    /// It has ended.
    #[error("the agreement has ended")]
    Ended,
    /// Not every party has signed yet.
    #[error("the agreement is not signed by every party yet")]
    NotSignedByAll,
    /// The agency has done so before.
    #[error("your agency has done so already")]
    AlreadyDone,
    /// Only who suspended can resume.
    #[error("your agency has not suspended it")]
    NotSuspendedByYou,
    /// Nobody of that name asks to accede.
    #[error("no such agency asks to accede")]
    NobodyAsks,
    /// A reservation about what neither comes from nor goes to the agency, or that takes nothing away.
    #[error("a reservation takes away of flows from or to your own agency, and of what is in them")]
    NothingToTakeAway,
    /// Too much.
    #[error("too many: texts, statements or reservations")]
    TooMany,
}

impl ActRefusal {
    /// One stable word.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotAStatement => "NOT_A_STATEMENT",
            Self::OtherExchange => "OTHER_EXCHANGE",
            Self::OtherAgreement => "OTHER_AGREEMENT",
            Self::OtherAct => "OTHER_ACT",
            Self::NotYours => "ACT_NOT_YOURS",
            Self::KeyUnknown => "KEY_UNKNOWN",
            Self::SignatureWrong => "SIGNATURE_WRONG",
            Self::Unknown => "AGREEMENT_NOT_FOUND_OR_NOT_PARTY",
            Self::VersionUnknown => "VERSION_UNKNOWN",
            Self::VersionSuperseded => "VERSION_SUPERSEDED",
            Self::VersionNotNew => "VERSION_NOT_NEW",
            Self::IdTaken => "AGREEMENT_ID_TAKEN",
            Self::PartiesDropped => "PARTIES_DROPPED",
            Self::TextDiffers => "TEXT_DIFFERS",
            Self::SchemaDiffers => "SCHEMA_DIFFERS",
            Self::Replayed => "ACT_REPLAYED",
            Self::OutOfOrder => "ACT_OUT_OF_ORDER",
            Self::FromTheFuture => "ACT_FROM_THE_FUTURE",
            Self::NotAParty => "NOT_A_PARTY",
            Self::NotOpenToYou => "NOT_OPEN_TO_YOU",
            Self::PartyWithdrawn => "PARTY_WITHDRAWN",
            Self::Ended => "AGREEMENT_ENDED",
            Self::NotSignedByAll => "AGREEMENT_NOT_SIGNED",
            Self::AlreadyDone => "ALREADY_DONE",
            Self::NotSuspendedByYou => "NOT_SUSPENDED_BY_YOU",
            Self::NobodyAsks => "NOBODY_ASKS_TO_ACCEDE",
            Self::NothingToTakeAway => "NOTHING_TO_TAKE_AWAY",
            Self::TooMany => "TOO_MANY",
        }
    }
}
