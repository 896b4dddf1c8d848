//! T14: a ship that was seen elsewhere than it says, and the flags that it flew. Key: the ship's number.

use super::columns::{TRACK, VESSEL};
use super::way::{DAY, Fix, is_signal, signals};
use super::{Linker, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Place, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;

/// Links what was seen of a ship, its own signals and its flags.
#[derive(Debug)]
pub struct FalsePositions;

/// Days around a sighting in which the ship's own signals are looked at.
const AROUND: (f64, f64) = (-6.0, 6.0);
/// Days within which sightings are of one voyage.
const ON_ONE_VOYAGE: f64 = 30.0;
/// Days of two years.
const TWO_YEARS: f64 = 730.0;
/// Nautical miles from which on it is somewhere else.
const ELSEWHERE: f64 = 25.0;

impl Linker for FalsePositions {
    fn scheme(&self) -> &'static str {
        "T14"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::Track, Table::VesselEntry]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::Track, "CG")
    }

    /// The police bureau of the same state; only what others saw leads on.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        if records.text(at, TRACK.source).starts_with("AIS") {
            return vec![];
        }
        let police = roster.sister(records.agency(at), Office::Police);
        police.map(|police| vec![police]).into_iter().collect()
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        let (t, v) = (&*TRACK, &*VESSEL);
        let flags = [(Table::VesselEntry, v.imo), (Table::VesselEntry, v.registered_on)];
        if at.table == Table::VesselEntry {
            let (young, all) = taken(look, (at, v.imo), look.number(at, v.registered_on));
            sheet.number("flags within two years of this one", &flags, many(young));
            sheet.number("flags of the ship", &flags, many(all));
            return;
        }
        if at.table != Table::Track {
            return;
        }
        let seen = Some(at).filter(|at| is_signal(look, *at) == Some(false));
        let fix = seen.and_then(|at| Fix::of(look, at));
        let off = fix.and_then(|fix| astray(look, &fix));
        let others = fix.map(|fix| others_astray(look, &fix));
        let (young, all) = match fix {
            Some(fix) => taken(look, (at, t.vessel_imo), Some(fix.seconds)),
            None => (0, 0),
        };
        let known = fix.filter(|_| all > 0);
        let here = [
            (Table::Track, t.vessel_imo),
            (Table::Track, t.at),
            (Table::Track, t.latitude),
            (Table::Track, t.longitude),
            (Table::Track, t.source),
        ];
        let both = [here.as_slice(), &flags].concat();
        let far = off.is_some_and(|(miles, _)| miles > ELSEWHERE);
        // Once it may be another ship that was taken for it.
        let again = others.is_some_and(|others| others > 0);
        sheet.rule(
            "seen elsewhere than it says, more than once, and of several flags in two years",
            &both,
            far && again && young > 1,
        );
        sheet.number("other times that it was seen elsewhere", &here, others.and_then(many));
        sheet.number("miles from where it says", &here, off.map(|(miles, _)| miles));
        sheet.number("hours to its nearest signal", &here, off.map(|(_, hours)| hours));
        let count = known.and_then(|_| many(young));
        sheet.number("flags taken in the two years before", &both, count);
        sheet.number("flags of the ship", &both, known.and_then(|_| many(all)));
    }
}

/// Other sightings on the voyage that are somewhere else than its signals say.
fn others_astray(look: &Look, seen: &Fix) -> usize {
    let t = &*TRACK;
    look.linked((seen.at, t.vessel_imo), (Table::Track, t.vessel_imo), Alike::Exactly)
        .filter(|row| is_signal(look, *row) == Some(false))
        .filter_map(|row| Fix::of(look, row))
        .filter(|fix| (fix.seconds - seen.seconds).abs() < ON_ONE_VOYAGE * DAY)
        .filter(|fix| astray(look, fix).is_some_and(|(miles, _)| miles > ELSEWHERE))
        .count()
}

/// How far a sighting is from where the signals before and after it say, nautical miles, and hours to the nearer.
fn astray(look: &Look, seen: &Fix) -> Option<(f64, f64)> {
    let way = signals(look, (seen.at, TRACK.vessel_imo), seen.seconds, AROUND);
    let after = way.iter().position(|fix| fix.seconds > seen.seconds);
    let (before, after) = match after {
        Some(0) => (way.first()?, way.first()?),
        Some(place) => (way.get(place - 1)?, way.get(place)?),
        None => (way.last()?, way.last()?),
    };
    let span = (after.seconds - before.seconds).max(1.0);
    let share = ((seen.seconds - before.seconds) / span).clamp(0.0, 1.0);
    let told = before.point?.toward(after.point?, share);
    let hours = |fix: &Fix| (fix.seconds - seen.seconds).abs() / 3600.0;
    Some((told.miles_to(seen.point?), hours(before).min(hours(after))))
}

/// Flags of a ship that it took within two years of a moment, and all of them. A flag that two registers tell of is one.
fn taken(look: &Look, ship: (At, Place), until: Option<f64>) -> (usize, usize) {
    let v = &*VESSEL;
    let own = Some(ship.0).filter(|at| at.table == Table::VesselEntry);
    let entries = look.linked(ship, (Table::VesselEntry, v.imo), Alike::Exactly);
    let mut since: Vec<f64> = own
        .into_iter()
        .chain(entries)
        .filter_map(|row| look.number(row, v.registered_on))
        .collect();
    since.sort_by(f64::total_cmp);
    since.dedup();
    let young = since
        .iter()
        .filter(|since| until.is_some_and(|until| (until - **since).abs() < TWO_YEARS * DAY));
    (young.count(), since.len())
}
