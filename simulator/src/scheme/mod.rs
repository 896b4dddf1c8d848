//! The smuggling schemes: their catalogue (`catalogue.rs`), and a file for each that is built.

mod case;
pub mod cast;
mod catalogue;
pub(crate) mod coast;
mod decoy;
#[cfg(test)]
mod delivered;
mod grant;
mod growing;
mod hole;
mod mechanism;
mod person;
mod renewed;
mod t01;
mod t02;
mod t03;
mod t04;
mod t06;
mod t07;
mod t08;
mod t09;
mod t10;
mod t11;
mod t12;
mod t13;
mod t14;
mod t15;
mod t16;
mod t17;
mod t18;
mod t19;
mod t20;
mod t21;
mod t22;
mod t23;
mod t24;
mod t26;
#[cfg(test)]
pub(crate) mod witness;

use std::fmt::Write as _;

use serde::Serialize;

pub use case::{Case, Cases, Request, Role};
pub use catalogue::ALL;
pub use mechanism::{Kind, Mechanism, Trace};
pub(crate) use t06::LIMIT_DOLLARS;
pub(crate) use t21::months_to_return;

/// A kind of agency that holds traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Holder {
    /// Customs of the country of export.
    #[serde(rename = "XC")]
    ExportCustoms,
    /// Customs of another country of export.
    #[serde(rename = "XC'")]
    OtherExportCustoms,
    /// Customs of the country of import or transit.
    #[serde(rename = "IC")]
    ImportCustoms,
    /// Licensing authority.
    #[serde(rename = "LIC")]
    Licensing,
    /// Licensing authority of another country.
    #[serde(rename = "LIC'")]
    OtherLicensing,
    /// Port and terminal.
    #[serde(rename = "PT")]
    Port,
    /// Coast guard, with AIS.
    #[serde(rename = "CG")]
    CoastGuard,
    /// Financial intelligence unit.
    #[serde(rename = "FIU")]
    Fiu,
    /// Intelligence service.
    #[serde(rename = "INT")]
    Intelligence,
    /// National central bureau of police.
    #[serde(rename = "NCB")]
    PoliceBureau,
}

impl Holder {
    /// Its short word, as the traces use it.
    pub fn word(self) -> &'static str {
        match self {
            Self::ExportCustoms => "XC",
            Self::OtherExportCustoms => "XC'",
            Self::ImportCustoms => "IC",
            Self::Licensing => "LIC",
            Self::OtherLicensing => "LIC'",
            Self::Port => "PT",
            Self::CoastGuard => "CG",
            Self::Fiu => "FIU",
            Self::Intelligence => "INT",
            Self::PoliceBureau => "NCB",
        }
    }
}

/// A way to smuggle.
#[derive(Debug, Clone, Serialize)]
pub struct Scheme {
    /// `T01` to `T26`.
    pub id: &'static str,
    /// What it is.
    pub name: &'static str,
    /// What it leaves behind and who holds that.
    pub traces: &'static [&'static str],
    /// What differs from case to case.
    pub varies: &'static str,
    /// How hard it is for one agency alone: least and most, from 1 (easy) to 5.
    pub solo: (u8, u8),
    /// How hard it is together, from 1 (easy) to 5.
    pub joint: u8,
    /// Smallest sets of agencies that should suffice; any one of them.
    pub needs: &'static [&'static [Holder]],
    /// A teaching case that one agency may solve.
    pub teaching: bool,
    /// Among those to be certified as solvable first.
    pub first: bool,
}

impl Scheme {
    /// Its smallest sets of agencies as a text: `XC FIU or LIC INT`.
    pub fn needs_text(&self) -> String {
        let sets = self
            .needs
            .iter()
            .map(|set| set.iter().map(|holder| holder.word()).collect::<Vec<_>>().join(" "));
        sets.collect::<Vec<_>>().join(" or ")
    }

    /// Whether `generate` can plant it.
    pub fn built(&self) -> bool {
        Kind::parse(self.id).is_some_and(Kind::is_scheme)
    }

    fn difficulty(&self) -> String {
        match self.solo {
            (least, most) if least == most => format!("{least}/{}", self.joint),
            (least, most) => format!("{least}-{most}/{}", self.joint),
        }
    }
}

/// The catalogue for people.
pub fn as_text() -> String {
    let mut text = String::from(
        "Difficulty is solo/joint, 1 easy to 5 hard. W is the smallest set of agencies that should suffice.\n\
         XC export customs, IC import or transit customs, LIC licensing, PT port, CG coast guard, FIU financial\n\
         intelligence, INT intelligence, NCB police bureau; ' another country's.\n",
    );
    for scheme in ALL {
        let note = match (scheme.teaching, scheme.built()) {
            (true, true) => " (teaching case)",
            (true, false) => " (teaching case; not generated yet)",
            (false, true) => "",
            (false, false) => " (not generated yet)",
        };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n{}  {}{note}\n     difficulty {}   W {}\n",
            scheme.id,
            scheme.name,
            scheme.difficulty(),
            scheme.needs_text()
        );
        for trace in scheme.traces {
            let _ = writeln!(text, "     - {trace}");
        }
        let _ = writeln!(text, "     varies: {}", scheme.varies);
    }
    text
}

/// The catalogue for programs.
///
/// # Errors
/// Only if serialization fails, which it cannot for these types.
pub fn as_json() -> serde_json::Result<String> {
    let generated: Vec<&str> = Kind::SCHEMES.iter().map(|kind| kind.id()).collect();
    let document = serde_json::json!({"generated": generated, "schemes": ALL});
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_run_from_t01_to_t26() {
        let ids: Vec<String> = ALL.iter().map(|scheme| scheme.id.to_owned()).collect();
        let expected: Vec<String> = (1..=26).map(|number| format!("T{number:02}")).collect();
        assert_eq!(ids, expected);
    }

    #[test]
    fn joint_is_never_harder_than_solo_and_all_but_teaching_cases_need_several_agencies() {
        for scheme in ALL {
            let (least, most) = scheme.solo;
            assert!((1..=5).contains(&scheme.joint), "{}", scheme.id);
            assert!(scheme.joint < least && least <= most && most <= 5, "{}", scheme.id);
            assert!(!scheme.needs.is_empty(), "{}", scheme.id);
            assert!(scheme.needs.iter().all(|set| set.len() >= 2), "{}", scheme.id);
        }
    }

    #[test]
    fn both_prints_carry_every_scheme_and_say_which_are_generated() {
        let (text, json) = (as_text(), as_json().unwrap());
        let document: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(document["generated"].as_array().unwrap().len(), Kind::SCHEMES.len());
        let not = ALL.iter().filter(|scheme| !scheme.built()).count();
        assert_eq!(text.matches("not generated yet").count(), not);
        assert_eq!(not + Kind::SCHEMES.len(), ALL.len());
        assert_eq!(document["schemes"].as_array().unwrap().len(), 26);
        assert_eq!(document["schemes"][2]["needs"][1], serde_json::json!(["LIC", "INT"]));
        for scheme in ALL {
            assert!(text.contains(scheme.name), "{}", scheme.id);
        }
        assert!(text.contains("W XC FIU or LIC INT"));
    }
}
