//! Tests of the adapter as a whole: files in, records out.

mod conformance;
mod errors;
mod kcs;
mod postgres;
mod records;
mod samples;
mod searches;
mod serving;
mod sql_errors;
mod sql_push;
mod sql_serving;
mod tables;

use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use portcullis_core::handling::Environment;
use portcullis_core::id::AgencyId;
use portcullis_proto::source::v1 as wire;
use portcullis_proto::source::v1::source_service_server::SourceService as _;
use tonic::{Request, Status};

use super::{CsvSource, Holder, IdKey, MappingRef, Problems};

/// A folder with data, and what is needed to load it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn load(&self, mapping: &str) -> Result<CsvSource, Problems> {
        let file = self.path().join(mapping);
        load(self.path(), &[MappingRef { file, data_dir: None }])
    }

    /// Problems, the folder's name taken off.
    fn problems(&self, mapping: &str) -> Vec<String> {
        let problems = self.load(mapping).err().expect("is refused");
        let prefix = format!("{}/", self.path().display());
        problems.to_string().replace(&prefix, "").lines().map(str::to_owned).collect()
    }
}

fn load(spool: &Path, mappings: &[MappingRef]) -> Result<CsvSource, Problems> {
    let holder = Holder {
        agency: AgencyId::new("nv-customs"),
        environment: Environment::Exercise,
        id_key: IdKey::new(&[7; 32]).unwrap(),
        spool_dir: spool.to_owned(),
    };
    CsvSource::load(&holder, mappings, None, 4)
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

fn request(record_type: &str) -> wire::SearchRequest {
    wire::SearchRequest {
        exchange_id: "x-1".into(),
        record_type: format!("portcullis.record.v1.{record_type}"),
        asker: Some(wire::Asker { agency: "xs-customs".into(), ..Default::default() }),
        ..Default::default()
    }
}

struct Answer {
    batches: Vec<Vec<wire::SourceRecord>>,
    end: Option<wire::SearchEnd>,
}

impl Answer {
    fn records(&self) -> impl Iterator<Item = &wire::SourceRecord> {
        self.batches.iter().flatten()
    }
}

async fn search(source: &CsvSource, request: wire::SearchRequest) -> Result<Answer, Status> {
    let name = request.record_type.clone();
    let mut stream = source.search(Request::new(request)).await?.into_inner();
    let mut answer = Answer { batches: vec![], end: None };
    while let Some(message) = stream.next().await {
        assert!(answer.end.is_none(), "nothing behind the end");
        match message?.message.unwrap() {
            wire::search_response::Message::Batch(batch) => answer.batches.push(batch.records),
            wire::search_response::Message::End(end) => answer.end = Some(end),
        }
    }
    keep(&name, &answer);
    Ok(answer)
}

/// Writes the first records below the folder that `PORTCULLIS_RECORDS` names: `tests/fuzz/run.sh` makes seeds
/// of them.
fn keep(name: &str, answer: &Answer) {
    let Some(folder) = std::env::var_os("PORTCULLIS_RECORDS") else { return };
    let folder = Path::new(&folder).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    for record in answer.records().take(24) {
        let id = portcullis_core::id::Digest::of(&record.payload);
        std::fs::write(folder.join(id.to_string()), &record.payload).unwrap();
    }
}
