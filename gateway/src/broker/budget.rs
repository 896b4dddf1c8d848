//! What a batch may cost: it is sealed as far as every budget reaches, and cut there. Another query may use a
//! budget up while this one is under way, so what fits is settled by the transaction that makes the disclosure
//! durable; here it is only tried again with less.

use bytes::Bytes;
use portcullis_core::filter::TextFields;
use portcullis_core::id::{AgencyId, Digest, Moment};
use portcullis_core::policy::BudgetName;
use portcullis_core::redact::{Disclosed, Plan, ReleasedRecord};
use tracing::Instrument as _;

use super::query::{charge, idempotency};
use super::release::Release;
use super::reply::Cut;
use crate::audit::{Charge, CommitError, Disclosure, Effects, Sealed, SubjectCharge};

/// How often a batch is tried with less. Each time somebody else was quicker; then the answer ends.
const TRIES: usize = 32;

/// What of a batch was sealed.
pub(super) struct Fitted {
    pub sealed: Sealed<Vec<ReleasedRecord>>,
    /// Go on behind it.
    pub resume: Bytes,
    /// A budget ended inside of the batch.
    pub cut: bool,
}

impl Release {
    /// Where subjects are counted: how to find those of a record under a plan.
    pub(super) fn subject_fields(&self, plan: &Plan) -> Option<TextFields> {
        let counted = self.permit.budgets().iter().any(|one| one.name == BudgetName::Subjects);
        let leaves = counted.then(|| self.permit.subject_fields(plan))?;
        Some(TextFields::new(plan.record_type().clone(), leaves))
    }

    /// The subjects of a record: texts that the requester can tell apart within the scope of its tokens, or else
    /// the record itself.
    pub(super) fn subjects(
        &self,
        fields: &TextFields,
        plan: &Plan,
        opaque_id: &[u8],
        payload: &[u8],
    ) -> Vec<Digest> {
        let scope = plan.scope();
        let mut found = vec![];
        let read = fields.each(payload, &mut |leaf, text| {
            let label = plan.record_type().leaf(leaf).map(|leaf| leaf.label.semantic.word());
            let parts = ["subject", &scope.0, label.unwrap_or_default()].map(str::as_bytes);
            // INVARIANT: neither scopes nor semantics hold a zero byte.
            found.push(Digest::of(&[&parts.join(&0), [0].as_slice(), text.as_bytes()].concat()));
        });
        if read.is_err() || found.is_empty() {
            let parts = ["record", &scope.0, plan.originator().as_str()].map(str::as_bytes);
            found = vec![Digest::of(&[&parts.join(&0), [0].as_slice(), opaque_id].concat())];
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Makes the disclosure of a batch durable, or of as many of its records, from the first on, as every budget
    /// covers. `subjects` are those of each record; empty where nobody counts them.
    pub(super) async fn seal_what_fits(
        &mut self,
        mut batch: Disclosed<Vec<ReleasedRecord>>,
        subjects: &[Vec<Digest>],
        agency: &AgencyId,
    ) -> Result<Fitted, Cut> {
        let whole = batch.as_inner().len();
        // Without subjects to count, the records were counted already as they were taken.
        let mut fits =
            if subjects.is_empty() { whole } else { self.fitting(whole, subjects).await? };
        for _ in 0..TRIES {
            if fits == 0 {
                break;
            }
            batch.keep_first(fits);
            let now = self.broker.clock.now();
            let resume = self.resume_behind(&batch, agency, now);
            let effects = self.costs(fits, subjects, now);
            let disclosure = Disclosure::of(&batch, now);
            let sealing =
                self.broker.audit.seal_or_return(&mut self.intent, batch, disclosure, effects);
            let span = tracing::debug_span!("audit.disclosure", records = fits);
            batch = match sealing.instrument(span).await {
                Ok(sealed) => return Ok(Fitted { sealed, resume, cut: fits < whole }),
                Err((CommitError::BudgetExhausted { .. }, batch)) => batch,
                Err(_) => return Err(Cut::LogUnavailable),
            };
            fits = self.fitting(fits, subjects).await?;
        }
        Err(Cut::BudgetExhausted)
    }

    /// What so many records cost.
    fn costs(&self, records: usize, subjects: &[Vec<Digest>], now: Moment) -> Effects {
        let mut effects = Effects { idempotency: idempotency(&self.ask), ..Effects::default() };
        for budget in self.permit.budgets() {
            match budget.name {
                BudgetName::Records => effects.charges.push(charge(budget, records as u64, now)),
                BudgetName::Subjects => effects.subjects.push(SubjectCharge {
                    charge: charge(budget, 0, now),
                    subjects: subjects.iter().take(records).flatten().copied().collect(),
                }),
                BudgetName::Queries | BudgetName::MatchProbes => {}
            }
        }
        effects
    }

    /// How many of the first records every budget covers at this moment.
    async fn fitting(&self, records: usize, subjects: &[Vec<Digest>]) -> Result<usize, Cut> {
        let now = self.broker.clock.now();
        let mut fits = records;
        for budget in self.permit.budgets() {
            let charge = charge(budget, 0, now);
            fits = match budget.name {
                BudgetName::Records => {
                    let left = self.left(&charge).await?;
                    fits.min(usize::try_from(left).unwrap_or(usize::MAX))
                }
                BudgetName::Subjects => {
                    let subjects = subjects.get(..fits).unwrap_or(subjects);
                    let covered = self.broker.audit.subjects_cover(&charge, subjects).await;
                    covered.map_err(|_| Cut::LogUnavailable)?.min(fits)
                }
                BudgetName::Queries | BudgetName::MatchProbes => fits,
            };
        }
        Ok(fits)
    }

    /// What this answer may still use of a budget. What it has used already counts against what an earlier attempt
    /// under its idempotency key has paid for.
    pub(super) async fn left(&self, charge: &Charge) -> Result<u64, Cut> {
        let paid = idempotency(&self.ask);
        let left = self.broker.audit.budget_left(charge, paid.as_ref()).await;
        let left = left.map_err(|_| Cut::LogUnavailable)?;
        let spent = if paid.is_some() { self.intent.spent(&charge.key) } else { 0 };
        Ok(left.saturating_sub(spent))
    }
}
