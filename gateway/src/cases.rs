//! Cases and operation rooms that agencies open while the gateway runs: who is invited and a member, until when,
//! and what is the most that is told inside. An agency invites, each joins and leaves for itself; who opened a
//! case closes it. A case is durable before it counts; closing it ends what flows under it.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_core::id::{AgencyId, CaseId, Moment, RuleId};
use portcullis_core::label::{Category, Semantic, Sensitivity};
use portcullis_core::policy::{Cap, Case, Inputs, Registry, Selector, Template, is_name};
use portcullis_core::redact::Treatment;
use tokio::sync::Mutex;

use crate::broker::Broker;
use crate::record_types::Doer;
use crate::store::{CaseEventRow, CaseRow, Store, StoreError};

/// Most cases that are open at once and were opened by one agency.
const MOST: usize = 10_000;
/// Most lines of a template.
const LINES: usize = 512;
/// Longest title.
const TITLE: usize = 500;

/// Why a call about a case is refused; then nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaseRefusal {
    /// An id outside its grammar.
    #[error("a case's id is 1 to 63 of A-Z, a-z, 0-9, `.`, `_` and `-`")]
    Id,
    /// The id was used before: one id stands for one case for ever.
    #[error("the id was used before")]
    IdTaken,
    /// There is none, or it is not the agency's to know.
    #[error("no case of this name is known to your agency")]
    Unknown,
    /// It has closed.
    #[error("the case is closed")]
    Closed,
    /// It closes before it opens, or has closed already; or a room without end.
    #[error("a case closes after it opens, and later than now; an operation room has an end")]
    Dates,
    /// An agency that is not registered.
    #[error("agency `{0}` is not registered")]
    AgencyUnknown(String),
    /// Only members invite.
    #[error("your agency is no member of the case")]
    NotAMember,
    /// Nobody invited the agency, or it has left.
    #[error("your agency is not invited to the case")]
    NotInvited,
    /// Only who opened it closes it.
    #[error("only the agency that opened the case closes it")]
    NotYours,
    /// The agency that opened it closes it instead of leaving.
    #[error("the agency that opened the case closes it instead of leaving")]
    OpenerStays,
    /// A line of the template.
    #[error(
        "line {line} of the template: `{text}` is no rule: write `field PATH TREATMENT`, \
             `semantic WORD TREATMENT`, `category WORD TREATMENT` or `others TREATMENT`"
    )]
    Template {
        /// From 1.
        line: usize,
        /// The line.
        text: String,
    },
    /// Too many, or too long.
    #[error("too many cases, lines or letters")]
    TooMany,
    /// It does not fit the policy.
    #[error("the case does not fit: the gateway's operator can say why")]
    DoesNotFit,
    /// The store cannot be written to.
    #[error("the case cannot be made durable")]
    StoreUnavailable,
}

impl CaseRefusal {
    /// One stable word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Id => "CASE_ID_MALFORMED",
            Self::IdTaken => "CASE_ID_TAKEN",
            Self::Unknown => "CASE_NOT_FOUND_OR_NOT_YOURS",
            Self::Closed => "CASE_CLOSED",
            Self::Dates => "CASE_DATES_WRONG",
            Self::AgencyUnknown(_) => "AGENCY_UNKNOWN",
            Self::NotAMember => "NOT_A_MEMBER",
            Self::NotInvited => "NOT_INVITED",
            Self::NotYours => "CASE_NOT_YOURS",
            Self::OpenerStays => "OPENER_STAYS",
            Self::Template { .. } => "TEMPLATE_MALFORMED",
            Self::TooMany => "TOO_MANY",
            Self::DoesNotFit => "CASE_DOES_NOT_FIT",
            Self::StoreUnavailable => "STORE_UNAVAILABLE",
        }
    }
}

/// A case as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedCase {
    /// As it was opened.
    pub row: CaseRow,
    /// Who opened it.
    pub opened_by: AgencyId,
    /// Who may join.
    pub invited: BTreeSet<AgencyId>,
    /// Who has joined and not left.
    pub members: BTreeSet<AgencyId>,
    /// When it was closed or will close by itself.
    pub closes: Option<Moment>,
}

impl OpenedCase {
    /// May the agency know of it?
    pub fn concerns(&self, agency: &AgencyId) -> bool {
        self.members.contains(agency) || self.invited.contains(agency) || self.opened_by == *agency
    }

    /// Has it closed?
    pub fn closed(&self, now: Moment) -> bool {
        self.closes.is_some_and(|at| at <= now)
    }

    fn event(&mut self, event: &CaseEventRow) {
        let agency = AgencyId::new(&event.agency);
        match event.act.as_str() {
            "open" => {
                self.opened_by = agency.clone();
                self.members.insert(agency);
            }
            "invite" => {
                self.invited.insert(agency);
            }
            "join" => {
                self.invited.remove(&agency);
                self.members.insert(agency);
            }
            "leave" => {
                self.members.remove(&agency);
            }
            _ => self.closes = Some(self.closes.map_or(event.at, |at| at.min(event.at))),
        }
    }

    fn policy(&self) -> Option<Case> {
        let id = CaseId::new(&self.row.id);
        // A closed case is kept: what closed is not what never was.
        Some(Case {
            template: template(&id, &self.row.template).ok()?,
            id,
            members: self.members.iter().cloned().collect(),
            opens: self.row.opens,
            closes: self.closes,
            operation_scope: self.row.room,
        })
    }
}

/// What is to be opened.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Its id.
    pub id: String,
    /// For people.
    pub title: String,
    /// Open from then; none: at once.
    pub opens: Option<Moment>,
    /// Until then.
    pub closes: Option<Moment>,
    /// An operation room.
    pub room: bool,
    /// The most that is told inside it.
    pub template: Vec<String>,
    /// Whom to invite.
    pub invite: Vec<String>,
}

/// Every case that agencies opened, and those of the configuration.
pub struct Cases {
    store: Store,
    registry: Registry,
    known: Mutex<BTreeMap<String, OpenedCase>>,
}

impl Cases {
    /// Reads the store, and writes into the inputs of policy what comes of it.
    ///
    /// # Errors
    /// The store cannot be read, or a case stands in the configuration too.
    pub async fn open(
        registry: &Registry,
        inputs: &mut Inputs,
        store: Store,
    ) -> anyhow::Result<Self> {
        let mut tx = store.read("cases").await?;
        let (rows, events) = tx.cases().await?;
        tx.rollback().await?;
        let mut known = BTreeMap::new();
        for row in rows {
            anyhow::ensure!(
                registry.cases.iter().all(|case| case.id.as_str() != row.id),
                "case {} was opened by an agency and stands in the configuration too",
                row.id
            );
            known.insert(row.id.clone(), fresh(row));
        }
        for event in &events {
            if let Some(case) = known.get_mut(&event.id) {
                case.event(event);
            }
        }
        let this = Self { store, registry: registry.clone(), known: Mutex::default() };
        inputs.registry.cases = this.policy(&known);
        *this.known.lock().await = known;
        Ok(this)
    }

    /// Opens a case; who opens it is its first member.
    ///
    /// # Errors
    /// See [`CaseRefusal`]; then nothing has changed.
    pub async fn open_case(
        &self,
        broker: &Broker,
        doer: &Doer,
        opening: Opening,
    ) -> Result<OpenedCase, CaseRefusal> {
        if !is_name(&opening.id) {
            return Err(CaseRefusal::Id);
        }
        let now = broker.clock.now();
        let opens = opening.opens.unwrap_or(now);
        let late = opening.closes.is_some_and(|at| at <= opens || at <= now);
        if late || (opening.room && opening.closes.is_none()) {
            return Err(CaseRefusal::Dates);
        }
        if opening.title.len() > TITLE || opening.template.len() > LINES {
            return Err(CaseRefusal::TooMany);
        }
        let lines = opening.template.join("\n");
        template(&CaseId::new(&opening.id), &lines)?;
        self.registered(&opening.invite)?;
        let mut known = self.known.lock().await;
        let configured = self.registry.cases.iter().any(|case| case.id.as_str() == opening.id);
        if configured || known.contains_key(&opening.id) {
            return Err(CaseRefusal::IdTaken);
        }
        let own = |case: &&OpenedCase| case.opened_by == doer.peer.agency && !case.closed(now);
        if known.values().filter(own).count() >= MOST {
            return Err(CaseRefusal::TooMany);
        }
        let row = CaseRow {
            id: opening.id,
            title: opening.title,
            opens,
            closes: opening.closes,
            room: opening.room,
            template: lines,
        };
        let mut events = vec![event(doer, &row.id, "open", &doer.peer.agency, now)];
        for agency in opening.invite.iter().map(AgencyId::new) {
            if agency != doer.peer.agency {
                events.push(event(doer, &row.id, "invite", &agency, now));
            }
        }
        self.change(broker, &mut known, fresh(row.clone()), Some(row), events).await
    }

    /// Invites agencies to a case of which the doer's is a member.
    ///
    /// # Errors
    /// See [`CaseRefusal`]; then nothing has changed.
    pub async fn invite(
        &self,
        broker: &Broker,
        doer: &Doer,
        id: &str,
        agencies: &[String],
    ) -> Result<OpenedCase, CaseRefusal> {
        self.registered(agencies)?;
        let mut known = self.known.lock().await;
        let (case, now) = current(&known, broker, doer, id)?;
        if !case.members.contains(&doer.peer.agency) {
            return Err(CaseRefusal::NotAMember);
        }
        let new =
            |agency: &AgencyId| !case.members.contains(agency) && !case.invited.contains(agency);
        let agencies: BTreeSet<AgencyId> = agencies.iter().map(AgencyId::new).filter(new).collect();
        let events = agencies.iter().map(|agency| event(doer, id, "invite", agency, now)).collect();
        self.change(broker, &mut known, case, None, events).await
    }

    /// Joins a case to which the doer's agency is invited. Again: nothing changes.
    ///
    /// # Errors
    /// See [`CaseRefusal`]; then nothing has changed.
    pub async fn join(
        &self,
        broker: &Broker,
        doer: &Doer,
        id: &str,
    ) -> Result<OpenedCase, CaseRefusal> {
        let mut known = self.known.lock().await;
        let (case, now) = current(&known, broker, doer, id)?;
        let agency = &doer.peer.agency;
        if case.members.contains(agency) {
            return Ok(case);
        }
        if !case.invited.contains(agency) {
            return Err(CaseRefusal::NotInvited);
        }
        let events = vec![event(doer, id, "join", agency, now)];
        self.change(broker, &mut known, case, None, events).await
    }

    /// Leaves a case.
    ///
    /// # Errors
    /// See [`CaseRefusal`]; then nothing has changed.
    pub async fn leave(
        &self,
        broker: &Broker,
        doer: &Doer,
        id: &str,
    ) -> Result<OpenedCase, CaseRefusal> {
        let mut known = self.known.lock().await;
        let (case, now) = current(&known, broker, doer, id)?;
        let agency = &doer.peer.agency;
        if case.opened_by == *agency {
            return Err(CaseRefusal::OpenerStays);
        }
        if !case.members.contains(agency) {
            return Err(CaseRefusal::NotAMember);
        }
        let events = vec![event(doer, id, "leave", agency, now)];
        self.change(broker, &mut known, case, None, events).await
    }

    /// Closes a case that the doer's agency opened.
    ///
    /// # Errors
    /// See [`CaseRefusal`]; then nothing has changed.
    pub async fn close(
        &self,
        broker: &Broker,
        doer: &Doer,
        id: &str,
    ) -> Result<OpenedCase, CaseRefusal> {
        let mut known = self.known.lock().await;
        let (case, now) = current(&known, broker, doer, id)?;
        if case.opened_by != doer.peer.agency {
            return Err(CaseRefusal::NotYours);
        }
        let events = vec![event(doer, id, "close", &doer.peer.agency, now)];
        self.change(broker, &mut known, case, None, events).await
    }

    /// Cases that an agency opened, joined or is invited to, by id.
    pub async fn list(&self, agency: &AgencyId) -> Vec<OpenedCase> {
        let known = self.known.lock().await;
        known.values().filter(|case| case.concerns(agency)).cloned().collect()
    }

    /// Compiles the policy with the change, makes the change durable, then puts the policy in force.
    async fn change(
        &self,
        broker: &Broker,
        known: &mut BTreeMap<String, OpenedCase>,
        mut case: OpenedCase,
        new: Option<CaseRow>,
        events: Vec<CaseEventRow>,
    ) -> Result<OpenedCase, CaseRefusal> {
        events.iter().for_each(|event| case.event(event));
        let mut after = known.clone();
        after.insert(case.row.id.clone(), case.clone());
        let mut draft = broker.keeper.begin().await;
        draft.inputs.registry.cases = self.policy(&after);
        let policy = draft.compile().await.map_err(|errors| {
            errors
                .iter()
                .for_each(|error| tracing::warn!(case = case.row.id, "does not fit: {error}"));
            CaseRefusal::DoesNotFit
        })?;
        if let Err(error) = self.write(new.as_ref(), &events).await {
            tracing::error!(cause = error.word(), case = case.row.id, "cannot be stored");
            return Err(CaseRefusal::StoreUnavailable);
        }
        *known = after;
        draft.put_in_force(Some(policy));
        for event in &events {
            tracing::info!(
                case = event.id,
                act = event.act,
                agency = event.agency,
                by = event.spiffe_id,
                "case changed"
            );
        }
        Ok(case)
    }

    fn policy(&self, known: &BTreeMap<String, OpenedCase>) -> Vec<Case> {
        let opened = known.values().filter_map(OpenedCase::policy);
        // One that every member has left is nobody's, and the registry wants members.
        let opened = opened.filter(|case| !case.members.is_empty());
        // One that was closed before it opened is never open.
        let opened = opened.filter(|case| case.closes.is_none_or(|closes| case.opens < closes));
        self.registry.cases.iter().cloned().chain(opened).collect()
    }

    fn registered(&self, agencies: &[String]) -> Result<(), CaseRefusal> {
        let known = |id: &String| self.registry.agencies.iter().any(|one| one.id.as_str() == id);
        match agencies.iter().find(|id| !known(id)) {
            Some(unknown) => Err(CaseRefusal::AgencyUnknown(unknown.clone())),
            None => Ok(()),
        }
    }

    async fn write(
        &self,
        new: Option<&CaseRow>,
        events: &[CaseEventRow],
    ) -> Result<(), StoreError> {
        let mut writer = self.store.writer().await?;
        let mut tx = writer.begin("put_case").await?;
        if let Some(row) = new {
            tx.put_case(row).await?;
        }
        for event in events {
            tx.put_case_event(event).await?;
        }
        tx.commit().await?;
        writer.close().await
    }
}

fn fresh(row: CaseRow) -> OpenedCase {
    OpenedCase {
        closes: row.closes,
        row,
        opened_by: AgencyId::new(""),
        invited: BTreeSet::new(),
        members: BTreeSet::new(),
    }
}

/// A case that the doer may know of and that has not closed.
fn current(
    known: &BTreeMap<String, OpenedCase>,
    broker: &Broker,
    doer: &Doer,
    id: &str,
) -> Result<(OpenedCase, Moment), CaseRefusal> {
    let now = broker.clock.now();
    let case = known.get(id).filter(|case| case.concerns(&doer.peer.agency));
    let case = case.ok_or(CaseRefusal::Unknown)?;
    if case.closed(now) { Err(CaseRefusal::Closed) } else { Ok((case.clone(), now)) }
}

fn event(doer: &Doer, id: &str, act: &str, agency: &AgencyId, at: Moment) -> CaseEventRow {
    CaseEventRow {
        id: id.to_owned(),
        act: act.to_owned(),
        agency: agency.to_string(),
        by_agency: doer.peer.agency.to_string(),
        at,
        spiffe_id: doer.peer.spiffe_id.to_string(),
        certificate: doer.certificate,
    }
}

/// Reads a template: what its lines do not name is withheld, or capped by `others`. No line: no cap.
pub fn template(case: &CaseId, lines: &str) -> Result<Option<Template>, CaseRefusal> {
    let rule = |number: usize| RuleId::new(format!("case:{case}/template:{number}"));
    let mut caps = vec![];
    let mut others = None;
    for (at, text) in lines.lines().enumerate() {
        let line = at + 1;
        let malformed = || CaseRefusal::Template { line, text: text.to_owned() };
        let words: Vec<&str> = text.split_whitespace().collect();
        let at_most = |word: &str| word.parse::<Treatment>().map_err(|_| malformed());
        let (selector, at_most) = match words.as_slice() {
            ["others", treatment] if others.is_none() => {
                others = Some(Cap {
                    rule: rule(line),
                    selector: Selector::Fields(vec![]),
                    at_most: at_most(treatment)?,
                });
                continue;
            }
            ["field", path, treatment] => {
                (Selector::Fields(vec![(*path).to_owned()]), at_most(treatment)?)
            }
            ["semantic", word, treatment] => {
                let semantic = Semantic::from_word(word).ok_or_else(malformed)?;
                (Selector::Semantic(semantic), at_most(treatment)?)
            }
            ["category", word, treatment] => {
                let category = Category::from_word(word).ok_or_else(malformed)?;
                (Selector::Category(category, None), at_most(treatment)?)
            }
            ["category", word, most, treatment] => {
                let category = Category::from_word(word).ok_or_else(malformed)?;
                let most = Sensitivity::from_word(most).ok_or_else(malformed)?;
                (Selector::Category(category, Some(most)), at_most(treatment)?)
            }
            _ => return Err(malformed()),
        };
        caps.push(Cap { rule: rule(line), selector, at_most });
    }
    if caps.is_empty() && others.is_none() {
        return Ok(None);
    }
    let others = others.unwrap_or_else(|| Cap {
        rule: RuleId::new(format!("case:{case}/template")),
        selector: Selector::Fields(vec![]),
        at_most: Treatment::Withhold,
    });
    Ok(Some(Template { caps, others }))
}
