//! The directory: who takes part and what they hold, as far as the caller's agreements reach.

use std::collections::BTreeSet;
use std::sync::Arc;

use portcullis_core::id::AgencyId;
use portcullis_core::policy::Purpose;
use portcullis_proto::directory::v1 as wire;
use portcullis_proto::directory::v1::directory_service_server::DirectoryService;
use portcullis_proto::label::v1 as label;
use tonic::{Request, Response, Status};

use super::registration;
use crate::broker::Broker;
use crate::record_types::RecordTypes;
use crate::status::Refusal;

/// The service.
pub struct Directory {
    /// The gateway.
    pub broker: Arc<Broker>,
    /// Record types that agencies bring.
    pub types: RecordTypes,
    /// Its name, as in its log's checkpoints.
    pub name: String,
    /// Verifier key of its log.
    pub log_public_key: String,
}

impl Directory {
    /// Agencies that share an agreement with the caller's, and itself.
    fn known_to(&self, agency: &AgencyId) -> BTreeSet<AgencyId> {
        let policy = self.broker.policy.load();
        let mut known: BTreeSet<AgencyId> = policy
            .agreements()
            .filter(|agreement| agreement.has_party(agency))
            // Whom somebody names in a proposal is not thereby known to him.
            .filter(|agreement| !agreement.awaits_signatures())
            .flat_map(|agreement| agreement.parties.iter().cloned())
            .collect();
        known.insert(agency.clone());
        known
    }
}

#[tonic::async_trait]
impl DirectoryService for Directory {
    async fn whoami(
        &self,
        request: Request<wire::WhoamiRequest>,
    ) -> Result<Response<wire::WhoamiResponse>, Status> {
        let (peer, info) = super::caller(&self.broker, &request)?;
        let policy = self.broker.policy.load();
        let agency =
            policy.agency(&peer.agency).ok_or_else(|| Refusal::Internal.into_status(""))?;
        Ok(Response::new(wire::WhoamiResponse {
            spiffe_id: peer.spiffe_id.to_string(),
            agency: peer.agency.to_string(),
            system: peer.system.to_string(),
            country: agency.country.clone(),
            max_sensitivity: agency.max_sensitivity as i32,
            certificate_expires_at: info.not_after.seconds(),
            environment: self.broker.environment as i32,
            gateway: self.name.clone(),
            log_public_key: self.log_public_key.clone(),
        }))
    }

    async fn list_agencies(
        &self,
        request: Request<wire::ListAgenciesRequest>,
    ) -> Result<Response<wire::ListAgenciesResponse>, Status> {
        let (peer, _) = super::caller(&self.broker, &request)?;
        let policy = self.broker.policy.load();
        let agencies = self
            .known_to(&peer.agency)
            .iter()
            .filter_map(|id| policy.agency(id))
            .map(|agency| wire::Agency {
                id: agency.id.to_string(),
                name: agency.name.clone(),
                country: agency.country.clone(),
                kind: agency.kind.clone(),
            })
            .collect();
        Ok(Response::new(wire::ListAgenciesResponse { agencies }))
    }

    async fn list_systems(
        &self,
        request: Request<wire::ListSystemsRequest>,
    ) -> Result<Response<wire::ListSystemsResponse>, Status> {
        let (peer, _) = super::caller(&self.broker, &request)?;
        let policy = self.broker.policy.load();
        let mut systems: Vec<wire::System> = policy
            .agency(&peer.agency)
            .map(|agency| agency.systems.clone())
            .unwrap_or_default()
            .iter()
            .map(|id| wire::System { agency: peer.agency.to_string(), id: id.to_string() })
            .collect();
        systems.sort_by(|one, two| one.id.cmp(&two.id));
        Ok(Response::new(wire::ListSystemsResponse { systems }))
    }

    async fn list_purposes(
        &self,
        request: Request<wire::ListPurposesRequest>,
    ) -> Result<Response<wire::ListPurposesResponse>, Status> {
        super::caller(&self.broker, &request)?;
        let purposes = Purpose::ALL.iter().map(|purpose| *purpose as i32).collect();
        Ok(Response::new(wire::ListPurposesResponse { purposes }))
    }

    async fn list_record_types(
        &self,
        request: Request<wire::ListRecordTypesRequest>,
    ) -> Result<Response<wire::ListRecordTypesResponse>, Status> {
        let (peer, _) = super::caller(&self.broker, &request)?;
        let wanted = &request.get_ref().name;
        let policy = self.broker.policy.load();
        let now = self.broker.clock.now();
        let record_types = policy
            .record_types()
            .into_iter()
            .filter(|record_type| wanted.is_empty() || record_type.name().as_str() == wanted)
            .map(|record_type| (record_type, policy.holders(&peer.agency, record_type.name(), now)))
            .filter(|(record_type, held_by)| {
                !held_by.is_empty()
                    || policy
                        .agreements()
                        .filter(|agreement| !agreement.awaits_signatures())
                        .flat_map(|agreement| &agreement.flows)
                        .filter(|flow| flow.from == peer.agency)
                        .any(|flow| flow.record_types.contains(record_type.name()))
            })
            .map(|(record_type, held_by)| wire::RecordType {
                name: record_type.name().to_string(),
                leaves: record_type
                    .leaves()
                    .iter()
                    .map(|leaf| wire::Leaf {
                        path: leaf.path.clone(),
                        label: Some(label::Label {
                            category: leaf.label.category as i32,
                            sensitivity: leaf.label.sensitivity as i32,
                            semantic: leaf.label.semantic as i32,
                        }),
                        kind: leaf.kind.name(),
                        repeated: leaf.repeated,
                    })
                    .collect(),
                descriptor_set: record_type.descriptor_set().clone(),
                held_by: held_by.iter().map(ToString::to_string).collect(),
            })
            .collect();
        Ok(Response::new(wire::ListRecordTypesResponse { record_types }))
    }

    async fn register_record_type(
        &self,
        request: Request<wire::RegisterRecordTypeRequest>,
    ) -> Result<Response<wire::RegisterRecordTypeResponse>, Status> {
        registration::register(self, request).await
    }

    async fn withdraw_record_type(
        &self,
        request: Request<wire::WithdrawRecordTypeRequest>,
    ) -> Result<Response<wire::WithdrawRecordTypeResponse>, Status> {
        registration::withdraw(self, request).await
    }

    async fn list_registrations(
        &self,
        request: Request<wire::ListRegistrationsRequest>,
    ) -> Result<Response<wire::ListRegistrationsResponse>, Status> {
        registration::list(self, request).await
    }
}
