//! Who received a record, for its originator: the log's index, and what the answers came with by the agreement's text.

use portcullis_core::id::{AgencyId, AgreementId, CaseId, Moment, RecordTypeName};
use portcullis_core::policy::{Snapshot, Terms};

use super::Broker;
use crate::audit::CommitError;
use crate::audit::recipients::{Recipient, RecipientsOf};

/// How an originator names a record of its own.
#[derive(Clone, PartialEq, Eq)]
pub enum Named {
    /// By its opaque id.
    Id(Vec<u8>),
    /// By a reference that a requester quotes.
    Reference {
        /// The reference.
        reference: String,
        /// Who received it.
        requester: AgencyId,
        /// Case of its query.
        case: Option<CaseId>,
        /// Agreement of its query, where there was no case.
        agreement: AgreementId,
    },
}

/// What an originator asks.
#[derive(Clone, PartialEq, Eq)]
pub struct AskRecipients {
    /// Who asks: told of its own records alone.
    pub originator: AgencyId,
    /// Which record.
    pub record: Named,
    /// Only as this record type.
    pub record_type: Option<RecordTypeName>,
    /// Only from this moment on.
    pub from: Moment,
    /// Only before this moment.
    pub until: Option<Moment>,
    /// From this entry on.
    pub from_index: u64,
    /// At most so many entries.
    pub limit: usize,
}

/// Who received it.
pub struct RecipientsAnswer {
    /// Disclosures, each with its terms where the agreement's version is still known.
    pub recipients: Vec<(Recipient, Option<Terms>)>,
    /// Go on from here; none: at the end.
    pub next: Option<u64>,
    /// Entries before this one are not looked through.
    pub complete_from: u64,
}

impl Broker {
    /// Who received a record of the caller's. A reference that does not open as one of its own names no record: the
    /// answer is that of a record that was never disclosed.
    ///
    /// # Errors
    /// The log cannot be read, or its index was altered.
    pub async fn recipients(&self, ask: AskRecipients) -> Result<RecipientsAnswer, CommitError> {
        let policy = self.policy.load_full();
        // What opens as nothing is looked up all the same, under an id that no record has.
        let opaque_id = self.named(&policy, &ask).unwrap_or_default();
        let of = RecipientsOf {
            originator: ask.originator,
            opaque_id,
            from: ask.from_index,
            limit: ask.limit,
        };
        let found = self.audit.recipients(&of).await?;
        let in_time =
            |one: &Recipient| one.at >= ask.from && ask.until.is_none_or(|until| one.at < until);
        let of_type = |one: &Recipient| {
            let intent = one.received.as_ref().and_then(|received| received.intent.as_ref());
            let wanted = ask.record_type.as_ref();
            wanted.is_none_or(|wanted| intent.is_none_or(|one| one.record_type == *wanted))
        };
        let kept = found.found.into_iter().filter(|one| in_time(one) && of_type(one));
        let recipients = kept
            .map(|one| {
                let terms = terms(&policy, &one);
                (one, terms)
            })
            .collect();
        Ok(RecipientsAnswer { recipients, next: found.next, complete_from: found.complete_from })
    }

    fn named(&self, policy: &Snapshot, ask: &AskRecipients) -> Option<Vec<u8>> {
        match &ask.record {
            Named::Id(id) => Some(id.clone()),
            Named::Reference { reference, requester, case, agreement } => {
                let scope = policy.scope(requester, case.as_ref(), agreement);
                let key = self.pseudonyms.opening(&scope);
                let opened = key.open_reference([&ask.originator], reference);
                opened.ok().map(|(_, id)| id)
            }
        }
    }
}

/// What an answer came with, by the text of its agreement; none: another version is in force now, or none.
fn terms(policy: &Snapshot, one: &Recipient) -> Option<Terms> {
    let intent = one.received.as_ref()?.intent.as_ref()?;
    let agreement = policy.agreement(&intent.agreement)?;
    if agreement.version != intent.agreement_version {
        return None;
    }
    agreement.terms(&intent.requester.agency, &intent.record_type, intent.purpose, &intent.sources)
}
