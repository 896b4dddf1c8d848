//! What a commit does beside writing its entry: charge budgets, claim an idempotency key and use up an officer's
//! token, in the same transaction. All or nothing for each waiter; one that is refused does not spoil the group.

use std::collections::{BTreeMap, HashMap};

use aws_lc_rs::hmac;
use portcullis_core::id::{Digest, Moment};
use portcullis_core::release::ReleaseId;

use super::error::CommitError;
use crate::officers::Proof;
use crate::store::{Budget, BudgetKey, IdempotencyRow, ReleaseRow, StoreError, TokenRow, Tx};

/// An idempotency key is remembered for so long.
pub const IDEMPOTENCY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// What a commit does beside writing its entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// Budgets that it uses.
    pub charges: Vec<Charge>,
    /// Budgets of distinct subjects that it uses.
    pub subjects: Vec<SubjectCharge>,
    /// The requester's idempotency key, where one was given. What belongs to the exchange of an intent
    /// inherits it.
    pub idempotency: Option<Idempotency>,
    /// The officer for whom the agency vouches. Of an intent: the token is used up with it, and the entry says
    /// so. Used again it is refused, but by the same idempotency key for the same query: that is the same one.
    pub officer: Option<Proof>,
    /// The grant on which an intent rests, and the leaf hash of the step that gave it: the entry says so.
    pub grant: Option<(ReleaseId, Digest)>,
    /// The row of a step of a release request.
    pub release: Option<ReleaseRow>,
}

/// Use of a budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Which budget: everything it is counted by, the window excepted.
    pub key: String,
    /// When the window began.
    pub window_start: Moment,
    /// When it ends.
    pub window_end: Moment,
    /// Most that may be used in the window.
    pub limit: u64,
    /// How much this uses.
    pub amount: u64,
}

/// Use of a budget of distinct subjects: those that were not met in its window before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectCharge {
    /// Which budget; the amount is what the subjects come to.
    pub charge: Charge,
    /// Digests of the subjects, in any order and as often as they are met.
    pub subjects: Vec<Digest>,
}

/// A requester's idempotency key and what it was given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idempotency {
    /// SHA-256 over requester and key; see [`Idempotency::of`].
    pub key: Digest,
    /// SHA-256 of the query.
    pub query_digest: Digest,
}

impl Idempotency {
    /// Of a requester's name and its key: two requesters' equal keys are not the same.
    pub fn of(spiffe_id: &str, key: &str, query_digest: Digest) -> Self {
        let mut out = super::code::Writer::default();
        out.raw(b"portcullis idempotency v1\0").text(spiffe_id).text(key);
        Self { key: Digest::of(&out.finish().unwrap_or_default()), query_digest }
    }
}

/// Hashes idempotency keys for the store, so that neither they nor query digests can be guessed from it.
pub(crate) struct Marker(hmac::Key);

impl Marker {
    pub fn new(seed: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, seed))
    }

    /// Under what an idempotency key stands in the store, and the query it was used for.
    pub fn marks(&self, idempotency: &Idempotency) -> ([u8; 32], [u8; 32]) {
        (
            self.mark(b"key", [&idempotency.key, &Digest::default()]),
            self.mark(b"query", [&idempotency.key, &idempotency.query_digest]),
        )
    }

    /// Under what a used token stands in the store.
    pub fn token(&self, proof: &Proof) -> [u8; 32] {
        self.mark(b"officer token", [&proof.use_of, &Digest::default()])
    }

    /// Under what a subject stands in the store: another one in every budget and window.
    pub fn subject(&self, budget: &Charge, subject: &Digest) -> [u8; 32] {
        let window = budget.window_start.0.to_be_bytes();
        let window = Digest::of(&[budget.key.as_bytes(), window.as_slice()].concat());
        self.mark(b"subject", [&window, subject])
    }

    fn mark(&self, domain: &[u8], parts: [&Digest; 2]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(domain);
        for part in parts {
            context.update(&part.0);
        }
        let mut mark = [0; 32];
        mark.copy_from_slice(context.sign().as_ref());
        mark
    }
}

/// One waiter's claim: its effects, and what its attempt at the query has used so far.
pub(crate) struct Claim<'a> {
    pub effects: &'a Effects,
    pub spent: &'a BTreeMap<String, u64>,
    pub now: Moment,
}

/// The rows that a group touches, as they will be.
#[derive(Default)]
pub(crate) struct Ledger {
    budgets: HashMap<BudgetKey, Budget>,
    keys: HashMap<[u8; 32], IdempotencyRow>,
    /// Tokens that were looked up or used; those that this group uses are new.
    tokens: HashMap<[u8; 32], (TokenRow, New)>,
    /// Subjects that were met, with the end of their window; those that this group meets first are new.
    subjects: HashMap<[u8; 32], (Moment, New)>,
}

/// Is a row yet to be written?
type New = bool;

impl Ledger {
    /// Decides on a group's claims, in order; their budgets have been taken in.
    pub async fn decide(
        &mut self,
        tx: &mut Tx<'_>,
        marker: &Marker,
        claims: &[Claim<'_>],
    ) -> Result<Vec<Result<(), CommitError>>, StoreError> {
        let marks: Vec<[u8; 32]> = claims
            .iter()
            .flat_map(|claim| &claim.effects.subjects)
            .flat_map(|one| one.subjects.iter().map(|subject| marker.subject(&one.charge, subject)))
            .collect();
        if !marks.is_empty() {
            let met = tx.subjects_met(&marks).await?;
            self.subjects.extend(met.into_iter().map(|mark| (mark, (Moment(0), false))));
        }
        let mut verdicts = Vec::with_capacity(claims.len());
        for claim in claims {
            let token = match &claim.effects.officer {
                None => None,
                Some(proof) => {
                    let mark = marker.token(proof);
                    if !self.tokens.contains_key(&mark)
                        && let Some(row) = tx.officer_token(&mark).await?
                    {
                        self.tokens.insert(mark, (row, false));
                    }
                    Some((mark, proof.remembered_until))
                }
            };
            verdicts.push(match claim.effects.idempotency {
                None => self.admit(marker, claim, None, token),
                Some(idempotency) => {
                    let (mark, query) = marker.marks(&idempotency);
                    if !self.keys.contains_key(&mark)
                        && let Some(row) = tx.idempotency(&mark, claim.now).await?
                    {
                        self.keys.insert(mark, row);
                    }
                    self.admit(marker, claim, Some((mark, query)), token)
                }
            });
        }
        Ok(verdicts)
    }

    /// The budgets that a group's claims are about, nothing of them used yet.
    pub fn wanted(claims: &[Claim<'_>]) -> Vec<Budget> {
        let mut wanted = HashMap::new();
        for claim in claims {
            let subjects = claim.effects.subjects.iter().map(|one| &one.charge);
            for charge in claim.effects.charges.iter().chain(subjects) {
                wanted.insert(charge.budget(), charge.window_end);
            }
        }
        let unused = |(key, window_end)| Budget { key, window_end, used: 0 };
        wanted.into_iter().map(unused).collect()
    }

    /// All or nothing.
    fn admit(
        &mut self,
        marker: &Marker,
        claim: &Claim<'_>,
        marks: Option<([u8; 32], [u8; 32])>,
        token: Option<([u8; 32], Moment)>,
    ) -> Result<(), CommitError> {
        let token = token.map(|(mark, expires_at)| TokenRow {
            mark,
            bound: marks.map(|(_, query)| query.to_vec()).unwrap_or_default(),
            expires_at,
        });
        if let Some(token) = &token
            && let Some((used, _)) = self.tokens.get(&token.mark)
            && (used.bound.is_empty() || used.bound != token.bound)
        {
            return Err(CommitError::OfficerTokenReplayed);
        }
        let mut row = None;
        if let Some((mark, query_mark)) = marks {
            let known = self.keys.get(&mark).cloned();
            if known.as_ref().is_some_and(|row| row.query_mark != query_mark) {
                return Err(CommitError::IdempotencyConflict);
            }
            row = Some(known.unwrap_or_else(|| IdempotencyRow {
                mark,
                query_mark,
                expires_at: Moment(claim.now.0.saturating_add(IDEMPOTENCY_MILLIS)),
                charged: Vec::new(),
            }));
        }
        let mut used: HashMap<BudgetKey, u64> = HashMap::new();
        let mut spent = claim.spent.clone();
        for charge in &claim.effects.charges {
            let attempt = spent.entry(charge.key.clone()).or_default();
            *attempt = attempt.saturating_add(charge.amount);
            let cost = row.as_mut().map_or(charge.amount, |row| row.raise(&charge.key, *attempt));
            self.spend(&mut used, charge, cost)?;
        }
        let mut first_met: HashMap<[u8; 32], Moment> = HashMap::new();
        for one in &claim.effects.subjects {
            let charge = &one.charge;
            let mut cost = 0_u64;
            for mark in one.subjects.iter().map(|subject| marker.subject(charge, subject)) {
                let known = self.subjects.contains_key(&mark);
                cost += u64::from(!known && first_met.insert(mark, charge.window_end).is_none());
            }
            self.spend(&mut used, charge, cost)?;
            // A retry meets the same subjects again, for nothing; that it paid lets it in when all is used up.
            if let Some(row) = row.as_mut().filter(|_| cost > 0) {
                row.add(&charge.key, cost);
            }
        }
        let new = first_met.into_iter().map(|(mark, until)| (mark, (until, true)));
        self.subjects.extend(new);
        for (key, after) in used {
            if let Some(budget) = self.budgets.get_mut(&key) {
                budget.used = after;
            }
        }
        if let Some(row) = row {
            self.keys.insert(row.mark, row);
        }
        if let Some(token) = token {
            self.tokens.entry(token.mark).or_insert((token, true));
        }
        Ok(())
    }

    /// Adds a cost to what a claim uses, unless the budget does not have it. What costs nothing passes even where
    /// all is used up.
    fn spend(
        &self,
        used: &mut HashMap<BudgetKey, u64>,
        charge: &Charge,
        cost: u64,
    ) -> Result<(), CommitError> {
        let key = charge.budget();
        let before = used
            .get(&key)
            .copied()
            .or_else(|| self.budgets.get(&key).map(|budget| budget.used))
            .unwrap_or_default();
        let after = before.saturating_add(cost);
        if cost > 0 && after > charge.limit {
            return Err(CommitError::BudgetExhausted {
                name: charge.key.clone(),
                refills_at: charge.window_end,
            });
        }
        used.insert(key, after);
        Ok(())
    }

    /// Budgets of the group that are in these rows.
    pub fn take_in(&mut self, wanted: Vec<Budget>) {
        self.budgets = wanted.into_iter().map(|budget| (budget.key.clone(), budget)).collect();
    }

    /// The rows of budgets as they will be.
    pub fn budgets(&self) -> Vec<Budget> {
        self.budgets.values().cloned().collect()
    }

    /// Writes the idempotency keys that were admitted, the tokens that are used up, and the subjects that were met
    /// for the first time.
    pub async fn write_keys(&self, tx: &mut Tx<'_>, now: Moment) -> Result<(), StoreError> {
        let used = self.tokens.values().filter(|(_, new)| *new);
        let used: Vec<&TokenRow> = used.map(|(row, _)| row).collect();
        if !used.is_empty() {
            tx.expire_officer_tokens(now).await?;
        }
        for row in used {
            tx.put_officer_token(row).await?;
        }
        let first_met = self.subjects.iter().filter(|(_, (_, new))| *new);
        let first_met: Vec<_> = first_met.map(|(mark, (until, _))| (*mark, *until)).collect();
        if !first_met.is_empty() {
            tx.put_subjects(&first_met).await?;
        }
        if !self.keys.is_empty() {
            tx.expire_idempotency(now).await?;
            for row in self.keys.values() {
                tx.put_idempotency(row).await?;
            }
        }
        Ok(())
    }
}

impl Charge {
    fn budget(&self) -> BudgetKey {
        BudgetKey { key: self.key.clone(), window_start: self.window_start }
    }
}

impl IdempotencyRow {
    /// So much more was charged under it.
    fn add(&mut self, budget: &str, amount: u64) {
        match self.charged.iter_mut().find(|(name, _)| name == budget) {
            Some((_, charged)) => *charged = charged.saturating_add(amount),
            None => self.charged.push((budget.to_owned(), amount)),
        }
    }

    /// An attempt has used `attempt` of a budget: what of it no attempt was charged for yet.
    fn raise(&mut self, budget: &str, attempt: u64) -> u64 {
        match self.charged.iter_mut().find(|(name, _)| name == budget) {
            Some((_, charged)) => {
                let cost = attempt.saturating_sub(*charged);
                *charged = attempt.max(*charged);
                cost
            }
            None => {
                self.charged.push((budget.to_owned(), attempt));
                attempt
            }
        }
    }
}
