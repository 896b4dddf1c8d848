//! What all schemes have in common: a file each that says which consignments a case has, how they differ from
//! ordinary trade, what other records it leaves, and who holds which trace of it.

use super::case::{Case, Role};
use super::{
    Holder, decoy, growing, hole, renewed, t01, t02, t03, t04, t06, t07, t08, t09, t10, t11, t12,
    t13, t14, t15, t16, t17, t18, t19, t20, t21, t22, t23, t24, t26,
};
use crate::shipment::draft::Draft;
use crate::shipment::{Consignment, Engine};
use crate::table::{Out, Table};
use crate::world::Founding;

/// A trace: a record that shows something of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Table of the record.
    pub table: Table,
    /// Its id.
    pub id: String,
    /// Agency that holds it.
    pub agency: String,
    /// In which part the agency holds it.
    pub holder: Holder,
    /// What it shows.
    pub shows: &'static str,
}

/// A scheme or a decoy of several consignments.
pub trait Mechanism {
    /// The consignments of a case.
    fn roles(engine: &Engine, case: u64) -> Vec<Role>;
    /// Makes a draft what its role wants, before it travels.
    fn shape(engine: &Engine, case: &Case, role: usize, draft: &mut Draft);
    /// Changes papers and facts after it has travelled.
    fn twist(engine: &Engine, case: &Case, role: usize, consignment: &mut Consignment);
    /// A firm of the case's own, by its place among them; see [`Engine::case_firm`].
    fn firm(_engine: &Engine, _case: u64, _place: u64) -> Founding {
        Founding::default()
    }
    /// Records that no consignment has: tips, denials, certificates.
    fn records<O: Out>(_engine: &Engine, _case: &Case, _out: &mut O) {}
    /// Who holds what of it. The first trace is of what makes the case: the rest of the set leads there.
    fn traces(engine: &Engine, case: &Case) -> Vec<Trace>;
}

macro_rules! kinds {
    (schemes: $($scheme:ident $scheme_id:literal $scheme_type:path),*; decoys: $($decoy:ident $decoy_id:literal $decoy_type:path),*;) => {
        /// What a case is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(#[doc = $scheme_id] $scheme,)*
            $(#[doc = $decoy_id] $decoy,)*
        }

        impl Kind {
            /// Schemes that are built.
            pub const SCHEMES: &'static [Self] = &[$(Self::$scheme),*];
            /// Decoys of several consignments.
            pub const DECOYS: &'static [Self] = &[$(Self::$decoy),*];

            /// Its id: `T01`, or the decoy's word.
            pub fn id(self) -> &'static str {
                match self { $(Self::$scheme => $scheme_id,)* $(Self::$decoy => $decoy_id,)* }
            }

            pub(super) fn roles(self, engine: &Engine, case: u64) -> Vec<Role> {
                match self {
                    $(Self::$scheme => <$scheme_type as Mechanism>::roles(engine, case),)*
                    $(Self::$decoy => <$decoy_type as Mechanism>::roles(engine, case),)*
                }
            }
        }

        impl Kind {
            pub(crate) fn firm(self, engine: &Engine, case: u64, place: u64) -> Founding {
                match self {
                    $(Self::$scheme => <$scheme_type as Mechanism>::firm(engine, case, place),)*
                    $(Self::$decoy => <$decoy_type as Mechanism>::firm(engine, case, place),)*
                }
            }
        }

        impl Case {
            /// Makes a draft what its role wants, before it travels.
            pub fn shape(&self, engine: &Engine, role: usize, draft: &mut Draft) {
                match self.kind {
                    $(Kind::$scheme => <$scheme_type as Mechanism>::shape(engine, self, role, draft),)*
                    $(Kind::$decoy => <$decoy_type as Mechanism>::shape(engine, self, role, draft),)*
                }
            }

            /// Changes papers and facts after it has travelled.
            pub fn twist(&self, engine: &Engine, role: usize, consignment: &mut Consignment) {
                match self.kind {
                    $(Kind::$scheme => <$scheme_type as Mechanism>::twist(engine, self, role, consignment),)*
                    $(Kind::$decoy => <$decoy_type as Mechanism>::twist(engine, self, role, consignment),)*
                }
            }

            /// Writes the records that no consignment has.
            pub fn records<O: Out>(&self, engine: &Engine, out: &mut O) {
                match self.kind {
                    $(Kind::$scheme => <$scheme_type as Mechanism>::records(engine, self, out),)*
                    $(Kind::$decoy => <$decoy_type as Mechanism>::records(engine, self, out),)*
                }
            }

            /// Who holds what of it.
            pub fn traces(&self, engine: &Engine) -> Vec<Trace> {
                match self.kind {
                    $(Kind::$scheme => <$scheme_type as Mechanism>::traces(engine, self),)*
                    $(Kind::$decoy => <$decoy_type as Mechanism>::traces(engine, self),)*
                }
            }
        }
    };
}

kinds! {
    schemes: T01 "T01" t01::ThirdCountry, T17 "T17" t17::ThirdPartyPayer,
        T22 "T22" t22::ListedOwner, T23 "T23" t23::LicenceShopping,
        T02 "T02" t02::GhostTransit, T04 "T04" t04::Misclassified,
        T07 "T07" t07::ForgedCertificate, T08 "T08" t08::OverdrawnLicence,
        T21 "T21" t21::NotReturned, T09 "T09" t09::MailDrop,
        T24 "T24" t24::NoticeEvaded, T12 "T12" t12::CoLoading,
        T18 "T18" t18::Phantom, T16 "T16" t16::ReDocumented,
        T19 "T19" t19::CarriedByHand,
        T26 "T26" t26::Assistance,
        T15 "T15" t15::SwitchedBill, T13 "T13" t13::ShipToShip,
        T14 "T14" t14::FalsePositions,
        T11 "T11" t11::RipOn, T06 "T06" t06::Split,
        T10 "T10" t10::Twin,
        T20 "T20" t20::Kit,
        T03 "T03" t03::FrontCompany;
    decoys: HubStock "hub_stock" decoy::HubStock,
        GrowingExporter "growing_exporter" growing::GrowingExporter,
        KnownHole "known_ais_hole" hole::KnownHole,
        LicenceRenewed "licence_renewed" renewed::LicenceRenewed;
}

impl Kind {
    /// The kind with an id.
    pub fn parse(id: &str) -> Option<Self> {
        Self::SCHEMES.iter().chain(Self::DECOYS).find(|kind| kind.id() == id).copied()
    }

    /// Whether it is a scheme, and not a lawful pattern.
    pub fn is_scheme(self) -> bool {
        Self::SCHEMES.contains(&self)
    }
}

impl super::Cases {
    /// A case.
    pub fn case(&self, engine: &Engine, number: u64) -> Case {
        // Every number below the count has a kind.
        let kind = self.kind(number).unwrap_or(Kind::HubStock);
        Case { number, kind, roles: self.anywhere(number, kind.roles(engine, number)) }
    }
}
