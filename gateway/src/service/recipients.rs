//! Who received a record, on the wire: an originator's question decoded, the answer encoded.

use portcullis_core::id::{AgencyId, AgreementId, CaseId, Moment, RecordTypeName};
use portcullis_core::policy::{Purpose, Terms};
use portcullis_proto::audit::v1 as wire;

use crate::audit::Ending;
use crate::audit::recipients::Recipient;
use crate::broker::{AskRecipients, Named, RecipientsAnswer};
use crate::status::Refusal;

/// Entries in an answer where the caller names no number, and the most there are.
const PAGE: (u32, u32) = (100, 500);

/// The question.
pub(super) fn ask(
    originator: &AgencyId,
    asked: wire::ListRecipientsRequest,
) -> Result<AskRecipients, Refusal> {
    let limit = match asked.limit {
        0 => PAGE.0,
        limit if limit <= PAGE.1 => limit,
        _ => {
            let text = format!("at most {}", PAGE.1);
            return Err(Refusal::invalid("LIMIT_TOO_LARGE", "limit", text));
        }
    };
    let record = match asked.reference {
        Some(_) if !asked.record_id.is_empty() => {
            let text = "a record is named by its id or by a reference, not by both";
            return Err(Refusal::invalid("RECORD_NAMED_TWICE", "reference", text));
        }
        Some(quoted) => quote(quoted)?,
        None if (16..=32).contains(&asked.record_id.len()) => Named::Id(asked.record_id.to_vec()),
        None => {
            let text = "an opaque id has 16 to 32 bytes";
            return Err(Refusal::invalid("RECORD_ID_MALFORMED", "record_id", text));
        }
    };
    let named = (!asked.record_type.is_empty()).then(|| RecordTypeName::new(&asked.record_type));
    Ok(AskRecipients {
        originator: originator.clone(),
        record,
        record_type: named,
        from: Moment(asked.from_unix_millis),
        until: (asked.until_unix_millis != 0).then_some(Moment(asked.until_unix_millis)),
        from_index: asked.from_index,
        limit: limit as usize,
    })
}

fn quote(quoted: wire::QuotedReference) -> Result<Named, Refusal> {
    if quoted.requester.is_empty() {
        let text = "whose reference it is has to be known";
        return Err(Refusal::invalid("REQUESTER_MISSING", "reference.requester", text));
    }
    if quoted.case_id.is_empty() && quoted.agreement_id.is_empty() {
        let text = "the case of the query, or its agreement where there was no case";
        return Err(Refusal::invalid("CASE_MISSING", "reference.case_id", text));
    }
    Ok(Named::Reference {
        reference: quoted.reference,
        requester: AgencyId::new(&quoted.requester),
        case: (!quoted.case_id.is_empty()).then(|| CaseId::new(&quoted.case_id)),
        agreement: AgreementId::new(&quoted.agreement_id),
    })
}

/// The answer.
pub(super) fn answer(answer: RecipientsAnswer) -> wire::ListRecipientsResponse {
    wire::ListRecipientsResponse {
        recipients: answer
            .recipients
            .into_iter()
            .map(|(one, terms)| recipient(one, terms.as_ref()))
            .collect(),
        next_index: answer.next.unwrap_or_default(),
        complete_from_index: answer.complete_from,
    }
}

/// One disclosure; the command line shows what it reads from a store in the same form.
pub(crate) fn recipient(one: Recipient, terms: Option<&Terms>) -> wire::Recipient {
    let ending = match one.ending {
        None => wire::ExchangeEnding::Unspecified,
        Some(Ending::Complete) => wire::ExchangeEnding::Complete,
        Some(Ending::Cut) => wire::ExchangeEnding::Cut,
        Some(Ending::Unknown) => wire::ExchangeEnding::Unknown,
    };
    let mut told = wire::Recipient {
        index: one.index,
        time_unix_millis: one.at.0,
        exchange_id: one.exchange.to_string(),
        batch: one.batch,
        agency: one.requester.to_string(),
        ending: ending.into(),
        ..wire::Recipient::default()
    };
    let Some(received) = one.received else { return told };
    told.plan_hash = received.commitment.plan.0.to_vec().into();
    told.content_commitment = received.commitment.content.0.to_vec().into();
    told.officer_proven = received.officer_proven;
    told.cut_reason = received.cut;
    let Some(intent) = received.intent else { return told };
    if let Some(terms) = terms {
        told.permitted_use =
            terms.permitted_use.iter().map(|one| Purpose::word(*one).to_owned()).collect();
        told.delete_by_unix_millis = terms.delete_by(intent.decided_at).0;
    }
    told.system = intent.requester.system.to_string();
    told.officer = intent.requester.officer;
    told.purpose = intent.purpose.word().to_owned();
    told.case_id = intent.case.map(|case| case.to_string()).unwrap_or_default();
    told.justification = intent.justification;
    told.record_type = intent.record_type.to_string();
    told.agreement_id = intent.agreement.to_string();
    told.agreement_version = intent.agreement_version;
    told
}
