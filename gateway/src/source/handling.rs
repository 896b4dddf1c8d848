//! Handling off the wire, checked at the door.

use std::sync::Arc;

use portcullis_core::handling::{Environment, Handling, HandlingClass, HandlingError, Tlp};
use portcullis_core::id::{AgencyId, CaseId, Moment};
use portcullis_core::policy::Purpose;
use portcullis_proto::handling::v1 as wire;

/// Longest handling code, in bytes: it is shown to people.
const LONGEST_CODE: usize = 64;

/// Checks the handling of one record of a source.
///
/// # Errors
/// The cause, when it is missing, foreign, of another environment, unknown or contradictory.
pub fn parse_handling(
    handling: Option<wire::Handling>,
    opaque_id: &[u8],
    source: &AgencyId,
    environment: Environment,
) -> Result<Handling, HandlingError> {
    let handling = handling.ok_or(HandlingError::Missing)?;
    if handling.originator.is_empty() {
        return Err(HandlingError::NoOriginator);
    }
    if handling.originator != source.as_str() {
        return Err(HandlingError::ForeignOriginator);
    }
    match Environment::from_number(handling.environment) {
        None => return Err(HandlingError::NoEnvironment),
        Some(found) if found != environment => return Err(HandlingError::WrongEnvironment),
        Some(_) => {}
    }
    let code = &handling.handling_code;
    if code.len() > LONGEST_CODE || code.chars().any(char::is_control) {
        return Err(HandlingError::Unknown);
    }
    let tlp = match handling.tlp {
        0 => None,
        number => Some(Tlp::from_number(number).ok_or(HandlingError::Unknown)?),
    };
    if tlp == Some(Tlp::Red) && handling.releasable_to.len() > 1
        || tlp == Some(Tlp::Clear) && !handling.compartments.is_empty()
        || !handling.supersedes.is_empty() && handling.supersedes == hex::encode(opaque_id)
    {
        return Err(HandlingError::Contradictory);
    }
    let permitted_use = handling
        .permitted_use
        .iter()
        .map(|word| Purpose::from_word(word).ok_or(HandlingError::Unknown))
        .collect::<Result<Vec<_>, _>>()?;
    let class = HandlingClass {
        originator: source.clone(),
        releasable_to: sorted(handling.releasable_to.iter().map(AgencyId::new)),
        compartments: sorted(handling.compartments.iter().map(CaseId::new)),
        permitted_use: sorted(permitted_use),
        tlp,
        handling_code: Arc::from(handling.handling_code.as_str()),
        environment,
    };
    Ok(Handling {
        class: Arc::new(class),
        delete_by: handling.delete_by.map(moment).transpose()?,
        version: handling.version,
        supersedes: Arc::from(handling.supersedes.as_str()),
        data_as_of: handling.data_as_of.map(moment).transpose()?,
    })
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort();
    items.dedup();
    items
}

fn moment(at: prost_types::Timestamp) -> Result<Moment, HandlingError> {
    if !(0..1_000_000_000).contains(&at.nanos) {
        return Err(HandlingError::Unknown);
    }
    at.seconds
        .checked_mul(1000)
        .map(|millis| Moment(millis.saturating_add(i64::from(at.nanos / 1_000_000))))
        .ok_or(HandlingError::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> wire::Handling {
        wire::Handling { originator: "nv-customs".into(), environment: 2, ..Default::default() }
    }

    fn parse(handling: Option<wire::Handling>) -> Result<Handling, HandlingError> {
        let source = AgencyId::new("nv-customs");
        parse_handling(handling, &[0xab; 16], &source, Environment::Exercise)
    }

    #[test]
    fn takes_what_is_in_order() {
        let handling = parse(Some(wire::Handling {
            releasable_to: vec!["sm-police".into(), "sm-customs".into(), "sm-police".into()],
            ..good()
        }))
        .unwrap();
        assert_eq!(handling.class.releasable_to.len(), 2);
        assert!(handling.class.releasable_to.is_sorted());
    }

    #[test]
    fn refuses_each_fault_by_name() {
        let cases: Vec<(Option<wire::Handling>, HandlingError)> = vec![
            (None, HandlingError::Missing),
            (
                Some(wire::Handling { originator: String::new(), ..good() }),
                HandlingError::NoOriginator,
            ),
            (
                Some(wire::Handling { originator: "sm-customs".into(), ..good() }),
                HandlingError::ForeignOriginator,
            ),
            (Some(wire::Handling { environment: 0, ..good() }), HandlingError::NoEnvironment),
            (Some(wire::Handling { environment: 1, ..good() }), HandlingError::WrongEnvironment),
            (Some(wire::Handling { tlp: 77, ..good() }), HandlingError::Unknown),
            (
                Some(wire::Handling { permitted_use: vec!["FUN".into()], ..good() }),
                HandlingError::Unknown,
            ),
            (
                Some(wire::Handling {
                    tlp: 5,
                    releasable_to: vec!["a".into(), "b".into()],
                    ..good()
                }),
                HandlingError::Contradictory,
            ),
            (
                Some(wire::Handling { supersedes: "ab".repeat(16), ..good() }),
                HandlingError::Contradictory,
            ),
        ];
        for (handling, error) in cases {
            assert_eq!(parse(handling), Err(error));
        }
    }
}
