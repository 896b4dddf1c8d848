//! The life of an agreement: proposed, signed by some, in force once every party has signed, suspended and
//! resumed, ended; parties joining, leaving and reserving. A fold over statements: the same statements in the
//! same order, accepted at the same times, come to the same life, so a restart loses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Act, ActRefusal, Statement};
use crate::id::{AgencyId, AgreementId, Digest, Moment, RecordTypeName};
use crate::policy::{
    Agreement, AgreementFile, Consent, Flow, Held, Phase, Reservation, Standing, Take,
};

/// Most reservations of one version.
const RESERVATIONS: usize = 256;
/// Most versions.
const VERSIONS: usize = 256;
/// How far a statement may be dated ahead of the gateway's clock, in milliseconds.
const AHEAD: i64 = 5 * 60 * 1000;

/// An agreement in all its versions.
#[derive(Debug, Clone)]
pub struct Life {
    id: AgreementId,
    versions: BTreeMap<u32, Version>,
    /// Serial of every agency's last statement.
    serials: BTreeMap<AgencyId, u64>,
}

/// One version and what became of it.
#[derive(Debug, Clone)]
pub struct Version {
    /// Its text.
    pub file: AgreementFile,
    /// What the text says.
    pub agreement: Arc<Agreement>,
    /// The schemas of the record types it names, as the gateway has them.
    pub schemas: BTreeMap<RecordTypeName, Digest>,
    /// In force by the operator's word, whoever has signed.
    pub by_operator: bool,
    signed: BTreeMap<AgencyId, Moment>,
    suspended: BTreeSet<AgencyId>,
    /// Agencies that asked to accede, and who has agreed.
    asking: BTreeMap<AgencyId, BTreeSet<AgencyId>>,
    joined: BTreeSet<AgencyId>,
    left: BTreeMap<AgencyId, Moment>,
    ending: BTreeMap<AgencyId, Moment>,
    ends: Option<Moment>,
    reservations: Vec<Reservation>,
}

impl Version {
    /// A text that nobody has signed.
    pub fn new(
        file: AgreementFile,
        agreement: Arc<Agreement>,
        schemas: BTreeMap<RecordTypeName, Digest>,
        by_operator: bool,
    ) -> Self {
        Self {
            file,
            agreement,
            schemas,
            by_operator,
            signed: BTreeMap::new(),
            suspended: BTreeSet::new(),
            asking: BTreeMap::new(),
            joined: BTreeSet::new(),
            left: BTreeMap::new(),
            ending: BTreeMap::new(),
            ends: None,
            reservations: vec![],
        }
    }

    /// Who has signed, and when that was taken.
    pub fn signed(&self) -> &BTreeMap<AgencyId, Moment> {
        &self.signed
    }

    /// Who asks to accede and still lacks consent.
    pub fn asking(&self) -> impl Iterator<Item = &AgencyId> {
        self.asking.keys()
    }

    /// Does it have every signature that it needs?
    pub fn complete(&self) -> bool {
        self.by_operator || self.agreement.parties.iter().all(|one| self.signed.contains_key(one))
    }

    /// Parties that have not withdrawn.
    pub fn parties(&self, now: Moment) -> Vec<AgencyId> {
        let all = self.agreement.parties.iter().chain(&self.joined);
        all.filter(|one| !self.has_left(one, now)).cloned().collect()
    }

    /// How it stands.
    pub fn standing(&self, now: Moment) -> Standing {
        let missing: Vec<AgencyId> = self
            .agreement
            .parties
            .iter()
            .filter(|one| !self.by_operator && !self.signed.contains_key(*one))
            .cloned()
            .collect();
        // Who has left keeps nobody else waiting.
        let suspended: Vec<AgencyId> =
            self.suspended.iter().filter(|one| !self.has_left(one, now)).cloned().collect();
        let phase = match (missing.is_empty(), suspended.is_empty()) {
            (false, _) => Phase::AwaitsSignatures(missing),
            (true, false) => Phase::Suspended(suspended),
            (true, true) => Phase::InForce,
        };
        Standing {
            phase,
            ends: self.ends,
            joined: self.joined.clone(),
            left: self.left.clone(),
            reservations: self.reservations.clone(),
            signed_for: (!self.by_operator).then(|| self.schemas.clone()),
        }
    }

    fn has_left(&self, agency: &AgencyId, now: Moment) -> bool {
        self.left.get(agency).is_some_and(|at| *at <= now)
    }

    fn ended(&self, now: Moment) -> bool {
        self.ends.is_some_and(|at| at <= now) || self.agreement.valid_until <= now
    }

    fn act(&mut self, by: &AgencyId, act: &Act, now: Moment) -> Result<(), ActRefusal> {
        if self.has_left(by, now) {
            return Err(ActRefusal::PartyWithdrawn);
        }
        if self.ended(now) {
            return Err(ActRefusal::Ended);
        }
        let signer = self.agreement.parties.contains(by);
        match act {
            Act::Sign(_) if !signer => return Err(ActRefusal::NotAParty),
            Act::Accede(_) if !self.agreement.open_to.contains(by) => {
                return Err(ActRefusal::NotOpenToYou);
            }
            Act::Sign(_) | Act::Accede(_) => {}
            _ => {
                let signed = self.by_operator || self.signed.contains_key(by);
                if !(signer && signed || self.joined.contains(by)) {
                    return Err(ActRefusal::NotAParty);
                }
            }
        }
        // A proposal may be signed and dropped; everything else is done with an agreement.
        if !matches!(act, Act::Sign(_) | Act::Terminate(_)) && !self.complete() {
            return Err(ActRefusal::NotSignedByAll);
        }
        match act {
            Act::Sign(schemas) => {
                self.fits(schemas)?;
                if self.signed.contains_key(by) {
                    return Err(ActRefusal::AlreadyDone);
                }
                self.signed.insert(by.clone(), now);
            }
            Act::Accede(schemas) => {
                self.fits(schemas)?;
                if self.joined.contains(by) || self.asking.contains_key(by) {
                    return Err(ActRefusal::AlreadyDone);
                }
                match self.agreement.accession {
                    Consent::Any => {
                        self.joined.insert(by.clone());
                    }
                    Consent::All => {
                        self.asking.insert(by.clone(), BTreeSet::new());
                    }
                }
            }
            Act::Consent(to) => {
                let agreed = self.asking.get_mut(to).ok_or(ActRefusal::NobodyAsks)?;
                if !agreed.insert(by.clone()) {
                    return Err(ActRefusal::AlreadyDone);
                }
                self.admit(now);
            }
            Act::Reserve(takes) => self.reserve(by, takes)?,
            Act::Suspend => {
                if !self.suspended.insert(by.clone()) {
                    return Err(ActRefusal::AlreadyDone);
                }
            }
            Act::Resume => {
                if !self.suspended.remove(by) {
                    return Err(ActRefusal::NotSuspendedByYou);
                }
            }
            Act::Withdraw(effective) => {
                let at = effective.map_or(now, |at| at.max(now));
                let before = self.left.get(by).copied();
                self.left.insert(by.clone(), before.map_or(at, |before| before.min(at)));
                // Whoever waited only for this party's consent waits no longer.
                self.admit(now);
            }
            Act::Terminate(effective) => {
                let at = effective.map_or(now, |at| at.max(now));
                self.terminate(by, at, now);
            }
        }
        Ok(())
    }

    fn fits(&self, schemas: &BTreeMap<RecordTypeName, Digest>) -> Result<(), ActRefusal> {
        if *schemas == self.schemas { Ok(()) } else { Err(ActRefusal::SchemaDiffers) }
    }

    /// Takes in whoever has every party's consent.
    fn admit(&mut self, now: Moment) {
        let parties = self.parties(now);
        let agreed: Vec<AgencyId> = self
            .asking
            .iter()
            .filter(|(_, agreed)| parties.iter().all(|party| agreed.contains(party)))
            .map(|(agency, _)| agency.clone())
            .collect();
        for agency in agreed {
            self.asking.remove(&agency);
            self.joined.insert(agency);
        }
    }

    fn reserve(
        &mut self,
        by: &AgencyId,
        takes: &[(Option<usize>, Take)],
    ) -> Result<(), ActRefusal> {
        if self.reservations.len() + takes.len() > RESERVATIONS {
            return Err(ActRefusal::TooMany);
        }
        for (number, take) in takes {
            let own = |flow: &&Flow| {
                number.is_none_or(|number| number == flow.number)
                    && (flow.from == *by || flow.to.contains(by))
            };
            let mut flows = self.agreement.flows.iter().filter(own);
            let there = match take {
                Take::Purpose(purpose) => flows.any(|flow| flow.purposes.contains(purpose)),
                Take::RecordType(name) => flows.any(|flow| flow.record_types.contains(name)),
                Take::Match(path) => flows.any(|flow| flow.matchable.contains(path)),
                Take::Field { .. } => flows.next().is_some(),
            };
            if !there {
                return Err(ActRefusal::NothingToTakeAway);
            }
        }
        for (flow, take) in takes {
            let own = self.reservations.iter().filter(|one| one.agency == *by).count();
            self.reservations.push(Reservation {
                agency: by.clone(),
                number: own + 1,
                flow: *flow,
                takes: take.clone(),
            });
        }
        Ok(())
    }

    fn terminate(&mut self, by: &AgencyId, at: Moment, now: Moment) {
        self.ending.insert(by.clone(), at);
        let ends = match self.agreement.termination {
            // A proposal is dropped by any of its signers.
            Consent::All if self.complete() => {
                let all = self.parties(now);
                let times: Option<Vec<Moment>> =
                    all.iter().map(|party| self.ending.get(party).copied()).collect();
                times.and_then(|times| times.into_iter().max())
            }
            _ => Some(at),
        };
        if let Some(at) = ends {
            self.ends = Some(self.ends.map_or(at, |before| before.min(at)));
        }
    }
}

impl Life {
    /// Of an agreement of which nothing is known yet.
    pub fn new(id: AgreementId) -> Self {
        Self { id, versions: BTreeMap::new(), serials: BTreeMap::new() }
    }

    /// Its id.
    pub fn id(&self) -> &AgreementId {
        &self.id
    }

    /// Every version, oldest first.
    pub fn versions(&self) -> &BTreeMap<u32, Version> {
        &self.versions
    }

    /// The serial that an agency's next statement takes.
    pub fn next_serial(&self, agency: &AgencyId) -> u64 {
        self.serials.get(agency).map_or(1, |last| last.saturating_add(1))
    }

    /// May the agency know of it: is it, or could it become, a party of any version?
    pub fn concerns(&self, agency: &AgencyId) -> bool {
        self.versions.values().any(|one| {
            one.agreement.parties.contains(agency) || one.agreement.open_to.contains(agency)
        })
    }

    /// Takes in a text. The same text again changes nothing.
    ///
    /// # Errors
    /// See [`ActRefusal`]; then nothing has changed.
    pub fn propose(&mut self, by: Option<&AgencyId>, version: Version) -> Result<(), ActRefusal> {
        let new = &version.agreement;
        if new.id != self.id {
            return Err(ActRefusal::OtherAgreement);
        }
        if by.is_some_and(|by| !new.parties.contains(by)) {
            return Err(ActRefusal::NotAParty);
        }
        if let Some(known) = self.versions.get(&new.version)
            && known.agreement.digest == new.digest
        {
            return Ok(());
        }
        if let Some((highest, last)) = self.versions.last_key_value() {
            if by.is_some_and(|by| !self.concerns(by)) {
                return Err(ActRefusal::IdTaken);
            }
            if *highest >= new.version {
                return Err(ActRefusal::VersionNotNew);
            }
            let stay = |one: &&AgencyId| !last.left.contains_key(*one);
            let mut stay = last.agreement.parties.iter().chain(&last.joined).filter(stay);
            if by.is_some() && last.complete() && !stay.all(|one| new.parties.contains(one)) {
                return Err(ActRefusal::PartiesDropped);
            }
        }
        if self.versions.len() >= VERSIONS {
            return Err(ActRefusal::TooMany);
        }
        self.versions.insert(new.version, version);
        Ok(())
    }

    /// Takes in a statement whose signature is right, at this moment.
    ///
    /// # Errors
    /// See [`ActRefusal`]; then nothing has changed.
    pub fn apply(&mut self, statement: &Statement, now: Moment) -> Result<(), ActRefusal> {
        if statement.agreement != self.id {
            return Err(ActRefusal::OtherAgreement);
        }
        if statement.at.0 > now.0.saturating_add(AHEAD) {
            return Err(ActRefusal::FromTheFuture);
        }
        let next = self.next_serial(&statement.by);
        if statement.serial < next {
            return Err(ActRefusal::Replayed);
        }
        if self.superseded(statement.version, now) {
            return Err(ActRefusal::VersionSuperseded);
        }
        let version =
            self.versions.get_mut(&statement.version).ok_or(ActRefusal::VersionUnknown)?;
        if version.agreement.digest != statement.text {
            return Err(ActRefusal::TextDiffers);
        }
        if statement.serial > next {
            return Err(ActRefusal::OutOfOrder);
        }
        // All or nothing: what refuses half way leaves no trace.
        let mut changed = version.clone();
        changed.act(&statement.by, &statement.act, now)?;
        *version = changed;
        self.serials.insert(statement.by.clone(), statement.serial);
        Ok(())
    }

    /// Is a later version in force?
    fn superseded(&self, version: u32, now: Moment) -> bool {
        let mut later = self.versions.range(version.saturating_add(1)..);
        later.any(|(_, one)| one.complete() && one.agreement.valid_from <= now)
    }

    /// The version that counts now: the highest one that every party signed and that has begun; or the highest
    /// signed one; or the highest one.
    pub fn current(&self, now: Moment) -> Option<&Version> {
        let mut all = self.versions.values().rev();
        let begun = |one: &&Version| one.complete() && one.agreement.valid_from <= now;
        all.clone()
            .find(begun)
            .or_else(|| all.clone().find(|one| one.complete()))
            .or_else(|| all.next())
    }

    /// What policy is compiled from. A version that has begun ends where the next signed one begins.
    pub fn held(&self, now: Moment) -> Option<Held> {
        let version = self.current(now)?;
        let mut standing = version.standing(now);
        let later = self.versions.range(version.agreement.version.saturating_add(1)..);
        let next = later.filter(|(_, one)| one.complete()).map(|(_, one)| one.agreement.valid_from);
        if let Some(next) = next.min() {
            standing.ends = Some(standing.ends.map_or(next, |ends| ends.min(next)));
        }
        Some(Held { file: version.file.clone(), standing })
    }

    /// The next moment at which it stands otherwise although nobody does anything.
    pub fn next_change(&self, now: Moment) -> Option<Moment> {
        let all = self.versions.values().flat_map(|one| {
            [Some(one.agreement.valid_from), one.ends]
                .into_iter()
                .chain(one.left.values().map(|at| Some(*at)))
        });
        all.flatten().filter(|at| now < *at).min()
    }
}
