//! What the layer lets through to a service, and what it answers itself.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Request, Response};
use tonic::Status;
use tower::{Layer, Service, service_fn};

use super::support::{World, reason};
use crate::identity::{Admission, IdentityLayer, PeerId, PeerInfo};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

type Seen = Option<(HeaderMap, Option<Arc<PeerId>>)>;

/// Sends one request through the layer; returns what the service saw, or the refusal's reason.
async fn through(world: &World, request: Request<()>) -> Result<Seen, String> {
    let seen: Arc<Mutex<Seen>> = Arc::default();
    let keep = seen.clone();
    let inner = service_fn(move |request: Request<()>| {
        let (parts, ()) = request.into_parts();
        let peer = parts.extensions.get::<Arc<PeerId>>().cloned();
        *keep.lock().unwrap() = Some((parts.headers, peer));
        async { Ok::<_, Infallible>(Response::new(String::new())) }
    });
    let layer =
        IdentityLayer::new(world.trust.clone(), world.clock.clone(), world.counters.clone());
    let answer = layer.layer(inner).call(request).await.unwrap();
    let seen = seen.lock().unwrap().take();
    match Status::from_header_map(answer.headers()) {
        Some(status) => {
            assert!(seen.is_none(), "a refused request reached the service");
            Err(reason(&status))
        }
        None => Ok(seen),
    }
}

fn peer_info(world: &World) -> PeerInfo {
    let identity = world.exchange.identity("alpha", "desk").unwrap();
    let chain = vec![CertificateDer::from_pem_file(&identity.certificate).unwrap()];
    let peer = PeerId::parse(&identity.spiffe_id).unwrap();
    PeerInfo::new(Admission::Peer(peer), chain, world.address).unwrap()
}

#[tokio::test]
async fn a_request_without_a_connection_is_refused() {
    let world = World::new().await;
    let mut request = Request::new(());
    // An identity that did not come from the connection does not count.
    let claim = PeerId::new("exercise.portcullis.example", "alpha", "desk").unwrap();
    request.extensions_mut().insert(Arc::new(claim));
    assert_eq!(through(&world, request).await.unwrap_err(), "NO_CLIENT_CERTIFICATE");
}

#[tokio::test]
async fn headers_that_claim_an_identity_are_taken_out() {
    let world = World::new().await;
    let mut request = Request::builder()
        .header("x-forwarded-for", "10.0.0.1")
        .header("x-forwarded-client-cert", "URI=spiffe://x")
        .header("forwarded", "for=x")
        .header("x-client-cert", "one")
        .header("x-client-cert", "two")
        .header("x-portcullis-agency", "beta")
        .header("x-ssl-client-dn", "cn=x")
        .header("traceparent", "00-a-b-01")
        .header("authorization", "Bearer one")
        .body(())
        .unwrap();
    request.extensions_mut().insert(peer_info(&world));
    let (headers, peer) = through(&world, request).await.unwrap().unwrap();
    let mut left: Vec<_> = headers.keys().map(|name| name.as_str()).collect();
    left.sort_unstable();
    assert_eq!(left, ["authorization", "traceparent"]);
    assert_eq!(peer.unwrap().agency.as_str(), "alpha");
}

#[tokio::test]
async fn a_repeated_authorization_is_refused() {
    let world = World::new().await;
    let mut request = Request::builder()
        .header("authorization", "Bearer one")
        .header("authorization", "Bearer one")
        .body(())
        .unwrap();
    request.extensions_mut().insert(peer_info(&world));
    assert_eq!(through(&world, request).await.unwrap_err(), "AUTHORIZATION_REPEATED");
}
