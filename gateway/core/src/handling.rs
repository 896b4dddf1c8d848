//! Handling: what a record is beside its payload, checked at the door. Contradictory handling is refused;
//! an empty audience means nobody beyond the originator's agreements, never everybody.

use std::sync::Arc;

use crate::id::{AgencyId, CaseId, Moment};
use crate::label::words;
use crate::policy::Purpose;

words! {
    /// Exercise and production never mix (`portcullis.handling.v1.Environment`).
    Environment {
        /// Real data.
        Production = 1 "PRODUCTION",
        /// Drills, tests, the playground.
        Exercise = 2 "EXERCISE",
    }
}

words! {
    /// Traffic Light Protocol 2.0, for display only (`portcullis.handling.v1.Tlp`).
    Tlp {
        /// No limit.
        Clear = 1 "CLEAR",
        /// The community.
        Green = 2 "GREEN",
        /// The recipient's organisation and its clients.
        Amber = 3 "AMBER",
        /// The recipient's organisation.
        AmberStrict = 4 "AMBER_STRICT",
        /// The individual recipients.
        Red = 5 "RED",
    }
}

/// The part of handling that policy decides on; records with an equal class share one plan. Lists are
/// sorted and without repetition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HandlingClass {
    /// Agency that owns the records.
    pub originator: AgencyId,
    /// Agencies they may go to; empty: nobody beyond the originator's agreements.
    pub releasable_to: Vec<AgencyId>,
    /// Joint operations or cases; a requester must be in every one.
    pub compartments: Vec<CaseId>,
    /// Purposes for which they may be used; empty: those of the agreement.
    pub permitted_use: Vec<Purpose>,
    /// For display.
    pub tlp: Option<Tlp>,
    /// The originator's own code, for display.
    pub handling_code: Arc<str>,
    /// Exercise or production.
    pub environment: Environment,
}

impl HandlingClass {
    /// The class of a record about which its originator says nothing special.
    pub fn ordinary(originator: AgencyId, environment: Environment) -> Self {
        Self {
            originator,
            releasable_to: vec![],
            compartments: vec![],
            permitted_use: vec![],
            tlp: None,
            handling_code: Arc::from(""),
            environment,
        }
    }
}

/// Handling of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handling {
    /// What policy decides on.
    pub class: Arc<HandlingClass>,
    /// The recipient deletes the record by then.
    pub delete_by: Option<Moment>,
    /// Version at the originator.
    pub version: u64,
    /// Opaque id (lower-case hex) of the record that this one replaces; empty: none.
    pub supersedes: Arc<str>,
    /// When the originator's data were read.
    pub data_as_of: Option<Moment>,
}

/// Why handling is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandlingError {
    /// A record without handling.
    #[error("the record has no handling")]
    Missing,
    /// Nobody owns it.
    #[error("no originator")]
    NoOriginator,
    /// The source claims another agency's record.
    #[error("the originator is not the source's agency")]
    ForeignOriginator,
    /// Neither exercise nor production, or an unknown number.
    #[error("the environment is neither exercise nor production")]
    NoEnvironment,
    /// Exercise data in production, or the reverse.
    #[error("the environment is not the gateway's")]
    WrongEnvironment,
    /// An unknown purpose, marking, or a malformed time.
    #[error("a purpose, marking or time is not known")]
    Unknown,
    /// TLP:RED with an audience, TLP:CLEAR in a compartment, or a record that replaces itself.
    #[error("the handling contradicts itself")]
    Contradictory,
}

impl HandlingError {
    /// One stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "HANDLING_MISSING",
            Self::NoOriginator => "HANDLING_NO_ORIGINATOR",
            Self::ForeignOriginator => "HANDLING_FOREIGN_ORIGINATOR",
            Self::NoEnvironment => "HANDLING_NO_ENVIRONMENT",
            Self::WrongEnvironment => "HANDLING_WRONG_ENVIRONMENT",
            Self::Unknown => "HANDLING_UNKNOWN_VALUE",
            Self::Contradictory => "HANDLING_CONTRADICTORY",
        }
    }
}
