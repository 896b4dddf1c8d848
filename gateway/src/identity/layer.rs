//! The check before every RPC, as a tower layer: puts the peer's identity into the request, or answers
//! `UNAUTHENTICATED` with the reason. Headers that claim an identity from outside are taken out.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{AUTHORIZATION, FORWARDED};
use http::{HeaderMap, HeaderName, Request, Response};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tower::{Layer, Service};

use super::metrics::HandshakeMetrics;
use super::name::PeerId;
use super::peer::{PeerInfo, check_peer};
use super::refusal::IdentityRefusal;
use super::trust::TrustStore;
use crate::clock::Clock;

/// The `domain` of our `google.rpc.ErrorInfo`.
const DOMAIN: &str = "portcullis";
/// The text of every refusal; the reason says the rest.
const MESSAGE: &str = "the caller's identity is not accepted";
/// Headers by which proxies pass on who called; here only TLS says so.
const STRIPPED_PREFIXES: [&str; 9] = [
    "x-forwarded",
    "x-real-ip",
    "x-client",
    "x-ssl",
    "x-tls",
    "x-spiffe",
    "x-portcullis",
    "x-original",
    "x-remote",
];

/// Wraps a service with the check.
#[derive(Clone)]
pub struct IdentityLayer {
    trust: TrustStore,
    clock: Clock,
    metrics: Arc<dyn HandshakeMetrics>,
}

impl IdentityLayer {
    /// Refused RPCs are counted in `metrics` under their reason.
    pub fn new(trust: TrustStore, clock: Clock, metrics: Arc<dyn HandshakeMetrics>) -> Self {
        Self { trust, clock, metrics }
    }

    fn check<B>(&self, request: &mut Request<B>) -> Result<Arc<PeerId>, IdentityRefusal> {
        strip(request.headers_mut());
        // Nothing but this layer says who the peer is.
        request.extensions_mut().remove::<Arc<PeerId>>();
        let info = request.extensions().get::<PeerInfo>().cloned();
        let info = info.ok_or(IdentityRefusal::NoClientCertificate)?;
        let peer = check_peer(&self.trust.snapshot(), &info, self.clock.now())?;
        if request.headers().get_all(AUTHORIZATION).iter().count() > 1 {
            return Err(IdentityRefusal::AuthorizationRepeated);
        }
        Ok(peer)
    }
}

impl<S> Layer<S> for IdentityLayer {
    type Service = IdentityService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        IdentityService { inner, layer: self.clone() }
    }
}

/// A service behind [`IdentityLayer`]: its requests carry an `Arc<PeerId>` and a [`PeerInfo`].
#[derive(Clone)]
pub struct IdentityService<S> {
    inner: S,
    layer: IdentityLayer,
}

impl<S, In, Out> Service<Request<In>> for IdentityService<S>
where
    S: Service<Request<In>, Response = Response<Out>>,
    S::Future: Send + 'static,
    Out: Default + Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Out>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Out>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<In>) -> Self::Future {
        match self.layer.check(&mut request) {
            Ok(peer) => {
                request.extensions_mut().insert(peer);
                Box::pin(self.inner.call(request))
            }
            Err(refusal) => {
                self.layer.metrics.refused(refusal.reason());
                tracing::warn!(
                    target: "portcullis::identity",
                    reason = refusal.reason(), "request refused"
                );
                let answer = status(refusal).into_http();
                Box::pin(std::future::ready(Ok(answer)))
            }
        }
    }
}

/// The answer to a refused peer.
pub(crate) fn status(refusal: IdentityRefusal) -> Status {
    let details = ErrorDetails::with_error_info(refusal.reason(), DOMAIN, []);
    Status::with_error_details(Code::Unauthenticated, MESSAGE, details)
}

fn strip(headers: &mut HeaderMap) {
    let claims: Vec<HeaderName> = headers
        .keys()
        .filter(|name| {
            *name == FORWARDED || STRIPPED_PREFIXES.iter().any(|p| name.as_str().starts_with(p))
        })
        .cloned()
        .collect();
    for name in claims {
        while headers.remove(&name).is_some() {}
    }
}
