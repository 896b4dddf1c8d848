//! The source as a gRPC service, whatever carries it.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::Stream;
use portcullis_core::id::AgencyId;
use portcullis_proto::query::v1::Purpose;
use portcullis_proto::source::v1 as wire;
use portcullis_proto::source::v1::source_service_server::{SourceService, SourceServiceServer};
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};

use super::config::{Limits, MappingRef};
use super::declared::Declared;
use super::load::{Held, Holder, Loaded};
use super::problem::{Cause, Problem, Problems};
use super::refusal::{MOST_NAMED, SourceRefusal};
use super::search::{Counters, Scan};
use super::select::Selector;
use super::table::{How, Table, TableError, TableSearch, TableSpec, Use};
use crate::clock::Clock;

/// Batches that wait for a slow client before the scan is held back.
const BATCHES_AHEAD: usize = 2;
/// Longest opaque id of the contract.
const LONGEST_ID: usize = 32;

/// Record types out of files and tables, served to a gateway.
#[derive(Clone)]
pub struct CsvSource(Arc<Inner>);

struct Inner {
    agency: AgencyId,
    held: BTreeMap<String, Held>,
    allow: Option<Vec<AgencyId>>,
    running: Arc<Semaphore>,
    counters: Arc<Counters>,
}

impl CsvSource {
    /// Loads every mapping of files; blocks while it reads all the data. `allow` are the agencies that are
    /// answered (none given: all that the gateway lets through), `searches` how many may run at once.
    ///
    /// # Errors
    /// Everything that is wrong with mappings and data; then nothing is served.
    pub fn load(
        holder: &Holder,
        mappings: &[MappingRef],
        allow: Option<Vec<AgencyId>>,
        searches: usize,
    ) -> Result<Self, Problems> {
        let mut gathered = Gathered::default();
        for MappingRef { file, data_dir } in mappings {
            let declared = Declared::read(file, data_dir.as_deref());
            let loaded = declared.and_then(|declared| load_files(&declared, holder));
            gathered.take(file, loaded);
        }
        gathered.serve(holder, allow, searches)
    }

    /// The same, of files and tables.
    ///
    /// # Errors
    /// Everything that is wrong with mappings and data; then nothing is served.
    pub async fn open(
        holder: &Holder,
        mappings: &[MappingRef],
        allow: Option<Vec<AgencyId>>,
        limits: Limits,
        clock: Clock,
    ) -> Result<Self, Problems> {
        let mut gathered = Gathered::default();
        let how = How {
            database: Use { statement: limits.statement(), connections: limits.connections },
            push_down: limits.push_down,
            clock,
        };
        for MappingRef { file, data_dir } in mappings {
            let opened = open_one(holder, file, data_dir.as_deref(), &how).await;
            gathered.take(file, opened);
        }
        gathered.serve(holder, allow, limits.searches)
    }

    /// Looks at every table now, for rows that appeared or vanished.
    ///
    /// # Errors
    /// What the first table that cannot be read says.
    pub async fn refresh(&self) -> Result<(), TableError> {
        for held in self.0.held.values() {
            if let Held::Table(table) = held {
                table.refresh().await?;
            }
        }
        Ok(())
    }

    /// What it holds.
    pub fn held(&self) -> impl Iterator<Item = &Held> {
        self.0.held.values()
    }

    /// The agency whose records these are.
    pub fn agency(&self) -> &AgencyId {
        &self.0.agency
    }

    /// What it has done so far.
    pub fn counters(&self) -> &Counters {
        &self.0.counters
    }

    /// As a service for a tonic server.
    pub fn into_service(self) -> SourceServiceServer<Self> {
        SourceServiceServer::new(self)
    }

    fn admit(&self, request: &wire::SearchRequest) -> Result<Held, SourceRefusal> {
        let asker = request.asker.as_ref().filter(|asker| !asker.agency.is_empty());
        let asker = asker.ok_or(SourceRefusal::AskerMissing)?;
        let allowed = |list: &Vec<AgencyId>| list.iter().any(|one| one.as_str() == asker.agency);
        if !self.0.allow.as_ref().is_none_or(allowed) {
            return Err(SourceRefusal::AskerNotAllowed(asker.agency.clone()));
        }
        if request.after.len() > LONGEST_ID {
            return Err(SourceRefusal::AfterMalformed);
        }
        if let Some(only) = &request.only
            && (only.opaque_ids.len() > MOST_NAMED
                || only.opaque_ids.iter().any(|id| id.is_empty() || id.len() > LONGEST_ID)
                || !only.opaque_ids.is_sorted_by(|one, two| one < two))
        {
            return Err(SourceRefusal::OnlyMalformed);
        }
        let held = self.0.held.get(&request.record_type).cloned();
        held.ok_or_else(|| SourceRefusal::RecordTypeNotHeld(request.record_type.clone()))
    }

    async fn begin(&self, request: wire::SearchRequest) -> Result<Answer, SourceRefusal> {
        let held = self.admit(&request)?;
        let selector = Selector::bind(request.filter.clone(), held.record_type())?;
        let permit = self.0.running.clone().try_acquire_owned().map_err(|_| SourceRefusal::Busy)?;
        let stat = held.clone();
        let changed = tokio::task::spawn_blocking(move || stat.changed_now()).await;
        if changed.unwrap_or(false) {
            tracing::warn!(
                record_type = request.record_type,
                "a data file changed; what was loaded is served on"
            );
        }
        let counters = self.0.counters.clone();
        let (to, from) = tokio::sync::mpsc::channel(BATCHES_AHEAD);
        match held {
            Held::Files(loaded) => {
                let scan = Scan::new(loaded, selector, &request, counters.clone());
                tokio::spawn(async move {
                    scan.run(to).await;
                    drop(permit);
                });
            }
            Held::Table(table) => {
                let search =
                    TableSearch::begin(table, selector, &request, counters.clone()).await?;
                tokio::spawn(async move {
                    search.run(to).await;
                    drop(permit);
                });
            }
        }
        counters.searches.fetch_add(1, Ordering::Relaxed);
        Ok(Box::pin(tokio_stream::wrappers::ReceiverStream::new(from)))
    }
}

/// What was loaded so far, and what is wrong with the rest.
#[derive(Default)]
struct Gathered {
    held: BTreeMap<String, Held>,
    problems: Problems,
}

impl Gathered {
    fn take(&mut self, file: &Path, loaded: Result<Held, Problems>) {
        match loaded {
            Ok(loaded) => {
                let name = loaded.record_type().name().as_str().to_owned();
                if self.held.insert(name, loaded).is_some() {
                    let detail = "another mapping has the same record type";
                    self.problems.push(Problem::new(Cause::Setting, file, detail));
                }
            }
            Err(found) => self.problems.extend(found),
        }
    }

    fn serve(
        self,
        holder: &Holder,
        allow: Option<Vec<AgencyId>>,
        searches: usize,
    ) -> Result<CsvSource, Problems> {
        self.problems.or(CsvSource(Arc::new(Inner {
            agency: holder.agency.clone(),
            held: self.held,
            allow,
            running: Arc::new(Semaphore::new(searches)),
            counters: Arc::default(),
        })))
    }
}

fn load_files(declared: &Declared, holder: &Holder) -> Result<Held, Problems> {
    if let Some(TableSpec { line, .. }) = TableSpec::of(declared)? {
        let detail = "a table is opened by `portcullis source`, not loaded";
        return Err(Problem::new(Cause::Setting, &declared.path, detail).at(line).into());
    }
    let mapping = declared.files(holder.environment)?;
    Ok(Held::Files(Arc::new(Loaded::load(mapping, holder)?)))
}

async fn open_one(
    holder: &Holder,
    file: &Path,
    data_dir: Option<&Path>,
    how: &How,
) -> Result<Held, Problems> {
    let declared = Declared::read(file, data_dir)?;
    if let Some(spec) = TableSpec::of(&declared)? {
        return Ok(Held::Table(Table::open(&declared, spec, holder, how.clone()).await?));
    }
    let owned = holder.clone();
    let loading = tokio::task::spawn_blocking(move || load_files(&declared, &owned));
    let broke_off = |_| Problem::new(Cause::FileUnreadable, file, "loading broke off");
    loading.await.map_err(broke_off)?
}

type Answer = Pin<Box<dyn Stream<Item = Result<wire::SearchResponse, Status>> + Send>>;

#[tonic::async_trait]
impl SourceService for CsvSource {
    async fn describe(
        &self,
        _: Request<wire::DescribeRequest>,
    ) -> Result<Response<wire::DescribeResponse>, Status> {
        let held = |held: &Held| wire::HeldType {
            name: held.record_type().name().as_str().to_owned(),
            descriptor_set: held.record_type().descriptor_set().clone(),
            records: held.records(),
            data_as_of: Some(prost_types::Timestamp { seconds: held.data_as_of(), nanos: 0 }),
        };
        Ok(Response::new(wire::DescribeResponse {
            agency: self.0.agency.as_str().to_owned(),
            record_types: self.held().map(held).collect(),
        }))
    }

    type SearchStream = Answer;

    async fn search(
        &self,
        request: Request<wire::SearchRequest>,
    ) -> Result<Response<Answer>, Status> {
        let request = request.into_inner();
        // Ids only: the filter's values are somebody's data.
        let asker = request.asker.clone().unwrap_or_default();
        let purpose = Purpose::try_from(asker.purpose).unwrap_or_default().as_str_name();
        let (exchange, record_type) = (request.exchange_id.clone(), request.record_type.clone());
        let begun = self.begin(request).await;
        let outcome = begun.as_ref().err().map_or("ANSWERED", SourceRefusal::word);
        tracing::info!(
            ?exchange,
            ?record_type,
            agency = ?asker.agency,
            system = ?asker.system,
            purpose,
            case = ?asker.case_id,
            agreement = ?asker.agreement_id,
            outcome,
            "search"
        );
        Ok(Response::new(begun?))
    }
}
