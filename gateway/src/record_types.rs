//! Record types that agencies bring while the gateway runs: who may bring which, what was brought, and the
//! policy that speaks of it. A name stands for one schema for ever; what was registered is durable before it is
//! in use, and in use only as far as an agreement names it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::bail;
use bytes::Bytes;
use portcullis_core::id::{AgencyId, Digest, Moment, RecordTypeName};
use portcullis_core::label::{LintError, RecordType};
use portcullis_core::policy::{Brought, LoadError};
use tokio::sync::Mutex;

use crate::broker::Broker;
use crate::config::{Config, Registrar};
use crate::identity::PeerId;
use crate::store::{RecordTypeEvent, RecordTypeRow, Store, StoreError};

/// Most record types of one agency, withdrawn ones included.
const MOST: usize = 256;

/// Why a record type is neither registered nor withdrawn. What is wrong with a schema is told as a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationRefusal {
    /// The agency has no package of its own, or this system may not register for it.
    #[error("this system may not register record types")]
    NotARegistrar,
    /// The name is not in the agency's own package.
    #[error("the name is not below `{package}`, the package of your agency")]
    NotYourPackage {
        /// The package.
        package: String,
    },
    /// The name stands for another schema.
    #[error(
        "the name stands for another schema already: a changed one takes a new name, such as `.. .v2. ..`"
    )]
    Conflict,
    /// The agency never registered it.
    #[error("your agency has registered no record type of this name")]
    NotRegistered,
    /// Too many.
    #[error("your agency has registered {MOST} record types already")]
    TooMany,
    /// An agreement names it and says of it what does not fit.
    #[error("an agreement that names it does not fit it: {0}")]
    AgreementDoesNotFit(String),
    /// The store cannot be written to.
    #[error("the registration cannot be made durable")]
    StoreUnavailable,
}

impl RegistrationRefusal {
    /// One stable word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotARegistrar => "NOT_A_REGISTRAR",
            Self::NotYourPackage { .. } => "NOT_YOUR_PACKAGE",
            Self::Conflict => "RECORD_TYPE_CONFLICT",
            Self::NotRegistered => "RECORD_TYPE_NOT_REGISTERED",
            Self::TooMany => "TOO_MANY_RECORD_TYPES",
            Self::AgreementDoesNotFit(_) => "AGREEMENT_DOES_NOT_FIT",
            Self::StoreUnavailable => "STORE_UNAVAILABLE",
        }
    }
}

/// A record type that an agency registered, as it stands.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Full name.
    pub name: String,
    /// Whose it is.
    pub agency: AgencyId,
    /// What the name is pinned to.
    pub schema_hash: Digest,
    /// What was done last, and by whom.
    pub last: RecordTypeEvent,
    /// An agreement speaks of it.
    pub named: bool,
}

/// What became of a wish to register.
#[derive(Debug)]
pub enum Registered {
    /// It is registered, now or before.
    Done {
        /// How it stands.
        registration: Registration,
        /// It was not in use before.
        created: bool,
    },
    /// The schema is refused for all this.
    Refused(Vec<LintError>),
}

/// Who did it.
#[derive(Debug, Clone)]
pub struct Doer {
    /// Its name.
    pub peer: Arc<PeerId>,
    /// SHA-256 of its certificate.
    pub certificate: Digest,
}

/// Everything that is registered, and what a policy is compiled from.
pub struct RecordTypes {
    store: Store,
    registrars: Vec<Registrar>,
    own: Vec<Arc<RecordType>>,
    /// One registration at a time.
    known: Mutex<BTreeMap<String, Known>>,
}

#[derive(Clone)]
struct Known {
    row: RecordTypeRow,
    /// None: withdrawn, or set aside at the start.
    in_use: Option<Arc<RecordType>>,
}

impl RecordTypes {
    /// Reads what was registered. What may be registered no more, or would be refused today, is set aside and
    /// said so: nobody is answered for it.
    ///
    /// # Errors
    /// The store cannot be read, or a name stands for two schemas.
    pub async fn open(
        config: &Config,
        own: Vec<Arc<RecordType>>,
        store: Store,
    ) -> anyhow::Result<Self> {
        let rows = async {
            let mut tx = store.read("record_types").await?;
            let rows = tx.record_types().await?;
            tx.rollback().await?;
            Ok::<_, StoreError>(rows)
        };
        let mut known = BTreeMap::new();
        for row in rows.await? {
            if own
                .iter()
                .any(|one| one.name().as_str() == row.name && one.hash() != row.schema_hash)
            {
                bail!(
                    "record type {}: {} registered another schema than the configuration names",
                    row.name,
                    row.agency
                );
            }
            let in_use = if row.last.in_use { usable(&config.registrars, &row) } else { None };
            known.insert(row.name.clone(), Known { row, in_use });
        }
        Ok(Self { store, registrars: config.registrars.clone(), own, known: Mutex::new(known) })
    }

    /// What policy takes of it.
    pub async fn brought(&self) -> Brought {
        brought(&*self.known.lock().await, &self.registrars)
    }

    /// Registers a record type.
    ///
    /// # Errors
    /// See [`RegistrationRefusal`]; then nothing has changed.
    pub async fn register(
        &self,
        broker: &Broker,
        doer: &Doer,
        name: &str,
        set: Bytes,
    ) -> Result<Registered, RegistrationRefusal> {
        self.may_register(&doer.peer, name)?;
        let (read, full) = (set.clone(), name.to_owned());
        let read =
            tokio::task::spawn_blocking(move || RecordType::register_from_outside(&read, &full));
        let record_type = match read.await {
            Ok(Ok(record_type)) => Arc::new(record_type),
            Ok(Err(problems)) => return Ok(Registered::Refused(problems)),
            Err(_) => return Err(RegistrationRefusal::StoreUnavailable),
        };
        let mut known = self.known.lock().await;
        let other = |hash: Digest| hash != record_type.hash();
        let agency = &doer.peer.agency;
        let mut row = RecordTypeRow {
            name: name.to_owned(),
            agency: agency.to_string(),
            schema_hash: record_type.hash(),
            descriptor_set: set.to_vec(),
            last: event(doer, true, broker.clock.now()),
        };
        if self.own.iter().any(|one| one.name() == record_type.name() && other(one.hash())) {
            return Err(RegistrationRefusal::Conflict);
        }
        match known.get(name) {
            Some(before) if before.row.agency != row.agency || other(before.row.schema_hash) => {
                return Err(RegistrationRefusal::Conflict);
            }
            Some(Known { row, in_use: Some(_) }) => {
                let registration = self.told(broker, row);
                return Ok(Registered::Done { registration, created: false });
            }
            Some(before) => row.descriptor_set.clone_from(&before.row.descriptor_set),
            None => {
                let all = known.values().filter(|one| one.row.agency == row.agency).count();
                if all >= MOST {
                    return Err(RegistrationRefusal::TooMany);
                }
            }
        }
        let now = Known { row, in_use: Some(record_type) };
        let registration = self.change(broker, &mut known, now).await?;
        Ok(Registered::Done { registration, created: true })
    }

    /// Withdraws a record type of the doer's own agency. Again: nothing changes.
    ///
    /// # Errors
    /// See [`RegistrationRefusal`]; then nothing has changed.
    pub async fn withdraw(
        &self,
        broker: &Broker,
        doer: &Doer,
        name: &str,
    ) -> Result<Registration, RegistrationRefusal> {
        self.registrar(&doer.peer)?;
        let mut known = self.known.lock().await;
        let own = known.get(name).filter(|one| one.row.agency == doer.peer.agency.as_str());
        let mut row = own.ok_or(RegistrationRefusal::NotRegistered)?.row.clone();
        if !row.last.in_use {
            return Ok(self.told(broker, &row));
        }
        row.last = event(doer, false, broker.clock.now());
        self.change(broker, &mut known, Known { row, in_use: None }).await
    }

    /// What an agency registered, by name.
    ///
    /// # Errors
    /// The system may not register.
    pub async fn list(
        &self,
        broker: &Broker,
        peer: &PeerId,
    ) -> Result<Vec<Registration>, RegistrationRefusal> {
        self.registrar(peer)?;
        let known = self.known.lock().await;
        let own = known.values().filter(|one| one.row.agency == peer.agency.as_str());
        Ok(own.map(|one| self.told(broker, &one.row)).collect())
    }

    /// Compiles the policy with the change, makes the change durable, then puts the policy in force.
    async fn change(
        &self,
        broker: &Broker,
        known: &mut BTreeMap<String, Known>,
        change: Known,
    ) -> Result<Registration, RegistrationRefusal> {
        let row = change.row.clone();
        let mut after = known.clone();
        after.insert(row.name.clone(), change);
        let mut draft = broker.keeper.begin().await;
        draft.inputs.brought = brought(&after, &self.registrars);
        let named = broker.policy.load().speaks_of(&RecordTypeName::new(&row.name));
        // What no agreement names changes no decision: plans and resume tokens of others live on.
        let policy = match named {
            false => None,
            true => match draft.compile().await {
                Ok(policy) => Some(policy),
                Err(errors) => return Err(self.does_not_fit(broker, &row, &errors)),
            },
        };
        if let Err(error) = self.write(&row).await {
            tracing::error!(cause = error.word(), record_type = row.name, "cannot be registered");
            return Err(RegistrationRefusal::StoreUnavailable);
        }
        *known = after;
        draft.put_in_force(policy);
        tracing::info!(
            agency = row.agency,
            by = row.last.spiffe_id,
            record_type = row.name,
            schema_hash = %row.schema_hash,
            "{}",
            if row.last.in_use { "record type registered" } else { "record type withdrawn" }
        );
        Ok(self.told(broker, &row))
    }

    /// Beside the log's writer, which waits for so short a transaction.
    async fn write(&self, row: &RecordTypeRow) -> Result<(), StoreError> {
        let mut writer = self.store.writer().await?;
        let mut tx = writer.begin("put_record_type").await?;
        tx.put_record_type(row).await?;
        tx.commit().await?;
        writer.close().await
    }

    /// All of it is for the operator; the agency hears of agreements to which it is a party.
    fn does_not_fit(
        &self,
        broker: &Broker,
        row: &RecordTypeRow,
        errors: &[LoadError],
    ) -> RegistrationRefusal {
        for error in errors {
            tracing::warn!(record_type = row.name, agency = row.agency, "does not fit: {error}");
        }
        let (policy, agency) = (broker.policy.load(), AgencyId::new(&row.agency));
        let name = RecordTypeName::new(&row.name);
        let party = policy
            .agreements()
            .filter(|one| one.flows.iter().any(|flow| flow.record_types.contains(&name)))
            .all(|one| one.has_party(&agency));
        let told = errors.first().filter(|_| party).map_or_else(
            || "the gateway's operator can say why".to_owned(),
            |error| format!("{}: {}: {}", error.field, error.problem.word(), error.message),
        );
        RegistrationRefusal::AgreementDoesNotFit(told)
    }

    fn registrar(&self, peer: &PeerId) -> Result<&Registrar, RegistrationRefusal> {
        self.registrars
            .iter()
            .find(|one| one.agency == peer.agency && one.systems.contains(&peer.system))
            .ok_or(RegistrationRefusal::NotARegistrar)
    }

    fn may_register(&self, peer: &PeerId, name: &str) -> Result<(), RegistrationRefusal> {
        let registrar = self.registrar(peer)?;
        if registrar.owns(name) {
            return Ok(());
        }
        Err(RegistrationRefusal::NotYourPackage { package: registrar.package.clone() })
    }

    fn told(&self, broker: &Broker, row: &RecordTypeRow) -> Registration {
        Registration {
            name: row.name.clone(),
            agency: AgencyId::new(&row.agency),
            schema_hash: row.schema_hash,
            last: row.last.clone(),
            named: broker.policy.load().speaks_of(&RecordTypeName::new(&row.name)),
        }
    }
}

fn event(doer: &Doer, in_use: bool, at: Moment) -> RecordTypeEvent {
    RecordTypeEvent {
        in_use,
        at,
        spiffe_id: doer.peer.spiffe_id.to_string(),
        certificate: doer.certificate,
    }
}

fn brought(known: &BTreeMap<String, Known>, registrars: &[Registrar]) -> Brought {
    Brought {
        record_types: known.values().filter_map(|one| one.in_use.clone()).collect(),
        packages: registrars.iter().map(|one| one.package.clone()).collect(),
    }
}

/// A stored record type, if its agency may still bring it and its schema still passes.
fn usable(registrars: &[Registrar], row: &RecordTypeRow) -> Option<Arc<RecordType>> {
    let set_aside = |why: &str| {
        tracing::error!(record_type = row.name, agency = row.agency, "set aside: {why}");
    };
    if !registrars.iter().any(|one| one.agency.as_str() == row.agency && one.owns(&row.name)) {
        set_aside("the configuration does not let its agency register it any more");
        return None;
    }
    let set = Bytes::from(row.descriptor_set.clone());
    match RecordType::register_from_outside(&set, &row.name) {
        Ok(found) if found.hash() == row.schema_hash => Some(Arc::new(found)),
        Ok(_) => {
            set_aside("what is stored is not the schema that was registered");
            None
        }
        Err(errors) => {
            errors.iter().for_each(|error| set_aside(&error.to_string()));
            None
        }
    }
}
