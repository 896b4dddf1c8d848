//! From entries that the index names to what an originator is told: each is opened, the record held against its
//! commitment, and the exchange's intent and outcome are read.

use std::collections::HashMap;

use portcullis_core::id::{AgencyId, Moment};

use super::super::event::{Ending, ExchangeId, Intent};
use super::super::leaf::{EntryKind, Link};
use super::super::part::{Part, RecordCommitment, commit_id};
use super::super::read::{ListedEntry, learn_all};
use super::super::seal::{OpenedPart, Unsealer};
use super::IndexError;
use crate::store::{EntryRow, Tx};

/// One disclosure of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Position of the disclosure in the log.
    pub index: u64,
    /// When.
    pub at: Moment,
    /// In which exchange.
    pub exchange: ExchangeId,
    /// In which of its batches, from 0.
    pub batch: u32,
    /// To whom.
    pub requester: AgencyId,
    /// What the sealed bodies say; none where no key is at hand.
    pub received: Option<Received>,
    /// How the exchange ended; none: it has not, or nobody knows.
    pub ending: Option<Ending>,
}

/// What the sealed bodies say of a disclosure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Commitment to what was disclosed of the record, and the plan that was applied.
    pub commitment: RecordCommitment,
    /// Who asked, why, for what, under which agreement.
    pub intent: Option<Intent>,
    /// Did its agency vouch for the officer?
    pub officer_proven: bool,
    /// One word where the exchange was cut.
    pub cut: String,
}

/// Opens what was found. An entry that does not disclose the record after all is left out: a fingerprint is short,
/// its commitment is not.
pub(crate) async fn open_found(
    tx: &mut Tx<'_>,
    unsealer: Option<&Unsealer>,
    originator: &AgencyId,
    opaque_id: &[u8],
    entries: &[u64],
) -> Result<Vec<Recipient>, IndexError> {
    let rows = tx.entries(entries).await?;
    if rows.len() != entries.len() {
        return Err(IndexError::Altered);
    }
    let mut reader = Reader { unsealer, originator };
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let entry = ListedEntry::from_row(row)?;
        let Link::Disclosure { batch, .. } = entry.facts.link else {
            return Err(IndexError::Altered);
        };
        let parts = reader.open(tx, &entry).await?;
        let commitment = committed(&parts, originator, opaque_id);
        if unsealer.is_some() && commitment.is_none() {
            continue;
        }
        found.push(Recipient {
            index: entry.index,
            at: entry.facts.at,
            exchange: entry.facts.exchange,
            batch,
            requester: entry.facts.requester.clone(),
            received: commitment.map(|commitment| Received {
                commitment,
                intent: None,
                officer_proven: false,
                cut: String::new(),
            }),
            ending: None,
        });
    }
    exchanges(tx, &mut reader, &mut found).await?;
    Ok(found)
}

/// What an originator's share commits to about a record.
pub(super) fn committed(
    parts: &[OpenedPart],
    originator: &AgencyId,
    opaque_id: &[u8],
) -> Option<RecordCommitment> {
    let salt = parts.iter().find_map(|opened| match &opened.part {
        Part::IdSalt { originator: of, salt } if of == originator => Some(salt),
        _ => None,
    })?;
    let wanted = commit_id(salt, opaque_id);
    parts.iter().find_map(|opened| match &opened.part {
        Part::Share { originator: of, records, .. } if of == originator => {
            records.iter().find(|record| record.id == wanted).cloned()
        }
        _ => None,
    })
}

/// Adds what the intents and outcomes of the exchanges say.
async fn exchanges(
    tx: &mut Tx<'_>,
    reader: &mut Reader<'_>,
    found: &mut [Recipient],
) -> Result<(), IndexError> {
    let mut wanted: Vec<[u8; 16]> = found.iter().map(|one| one.exchange.0).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let kinds = [EntryKind::Intent as u8, EntryKind::Outcome as u8];
    let mut known: HashMap<ExchangeId, Told> = HashMap::new();
    for row in tx.of_exchanges(&wanted, kinds).await? {
        let told = reader.told(tx, row).await?;
        let one = known.entry(told.0).or_default();
        one.intent = told.1.intent.or(one.intent.take());
        one.officer_proven |= told.1.officer_proven;
        one.ending = told.1.ending.or(one.ending.take());
    }
    for one in found {
        let Some(told) = known.get(&one.exchange) else { continue };
        one.ending = told.ending.as_ref().map(|(ending, _)| *ending);
        if let Some(received) = &mut one.received {
            received.intent = told.intent.clone();
            received.officer_proven = told.officer_proven;
            received.cut = told.ending.as_ref().map(|(_, cut)| cut.clone()).unwrap_or_default();
        }
    }
    Ok(())
}

/// What an intent or an outcome says.
#[derive(Default)]
struct Told {
    intent: Option<Intent>,
    officer_proven: bool,
    ending: Option<(Ending, String)>,
}

/// Opens entries for one originator.
struct Reader<'a> {
    unsealer: Option<&'a Unsealer>,
    originator: &'a AgencyId,
}

impl Reader<'_> {
    /// The parts of an entry that the originator may read.
    async fn open(
        &mut self,
        tx: &mut Tx<'_>,
        entry: &ListedEntry,
    ) -> Result<Vec<OpenedPart>, IndexError> {
        let Some(unsealer) = self.unsealer else { return Ok(Vec::new()) };
        if !unsealer.knows(&entry.sealed)? {
            learn_all(unsealer, tx.epochs(Some(unsealer.party().as_str())).await?)?;
        }
        let mut parts = entry.open(unsealer)?;
        parts.retain(|part| part.agencies.contains(self.originator));
        Ok(parts)
    }

    async fn told(
        &mut self,
        tx: &mut Tx<'_>,
        row: EntryRow,
    ) -> Result<(ExchangeId, Told), IndexError> {
        let entry = ListedEntry::from_row(row)?;
        let mut told = Told::default();
        if let Link::Outcome { ending, .. } = entry.facts.link {
            told.ending = Some((ending, String::new()));
        }
        for opened in self.open(tx, &entry).await? {
            match opened.part {
                Part::Intent(intent) => told.intent = Some(intent),
                Part::Officer { .. } => told.officer_proven = true,
                Part::Ended { ending, reason } => told.ending = Some((ending, reason)),
                _ => {}
            }
        }
        Ok((entry.facts.exchange, told))
    }
}
