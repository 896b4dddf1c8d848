//! The two servers that are made for the bench: a source that serves what it encoded beforehand, and a proxy
//! that passes bytes on. Both listen as everything of the project does: same TLS, same limits of HTTP/2.

use std::convert::Infallible;
use std::future::Future;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use http::uri::PathAndQuery;
use portcullis::clock::Clock;
use portcullis::identity::connect::{
    ClientFiles, ClientIdentity, ConnectLimits, ExpectedServer, channel,
};
use portcullis::identity::{
    Acceptor, AcceptorConfig, AgencyTrust, ConnectionRegistry, Credentials, HandshakeCounters,
    PeerId, ServerLimits, TrustSpec, TrustStore, bind, listen,
};
use portcullis_certs_dev::Exchange;
use portcullis_core::id::AgencyId;
use portcullis_proto::source::v1::SearchRequest;
use prost::Message as _;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::ServerStreamingService;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use super::data::Prepared;
use super::floor::Floor;
use super::raw::Raw;
use super::world::{REQUESTER, SOURCE};

/// The one method.
pub const SEARCH: &str = "/portcullis.source.v1.SourceService/Search";

type Messages = BoxStream<'static, Result<Bytes, Status>>;
type Answer = Pin<Box<dyn Future<Output = Result<Response<Messages>, Status>> + Send>>;

/// What answers a search.
#[derive(Clone)]
enum Answering {
    Source(Arc<Prepared>),
    Proxy(Channel),
    Floor(Channel, Floor),
}

impl ServerStreamingService<Bytes> for Answering {
    type Response = Bytes;
    type ResponseStream = Messages;
    type Future = Answer;

    fn call(&mut self, request: Request<Bytes>) -> Answer {
        match self.clone() {
            Self::Source(prepared) => Box::pin(async move {
                let asked = SearchRequest::decode(request.into_inner())
                    .map_err(|_| Status::invalid_argument("not a search"))?;
                let messages = prepared.answer(asked.at_most);
                Ok(Response::new(stream::iter(messages.into_iter().map(Ok)).boxed()))
            }),
            Self::Proxy(channel) => Box::pin(async move {
                Ok(pass_on(channel, request).await?.map(|messages| messages.boxed()))
            }),
            Self::Floor(channel, floor) => Box::pin(async move {
                floor.note(b"intent").await?;
                let answer = pass_on(channel, request).await?;
                let mut noted = false;
                let reduced = move |message: Result<Bytes, Status>| {
                    let (floor, before) = (floor.clone(), std::mem::replace(&mut noted, true));
                    async move {
                        let (message, hash) = floor.reduce(&message?)?;
                        // However many batches follow: one more note is the least.
                        if let Some(hash) = hash.filter(|_| !before) {
                            floor.note(&hash).await?;
                        }
                        Ok(message)
                    }
                };
                Ok(answer.map(|messages| messages.then(reduced).boxed()))
            }),
        }
    }
}

/// Asks the source and reads nothing of what comes.
async fn pass_on(
    channel: Channel,
    request: Request<Bytes>,
) -> Result<Response<tonic::Streaming<Bytes>>, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.map_err(|_| Status::unavailable("the source is gone"))?;
    client.server_streaming(request, PathAndQuery::from_static(SEARCH), Raw).await
}

impl tower::Service<http::Request<Body>> for Answering {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let answering = self.clone();
        Box::pin(async move {
            Ok(tonic::server::Grpc::new(Raw).server_streaming(answering, request).await)
        })
    }
}

/// Runs the source until its standard input ends.
///
/// # Errors
/// What cannot be loaded or bound.
pub async fn source(dir: &Path, address: SocketAddr) -> anyhow::Result<()> {
    let exchange = Exchange::load(&dir.join("certs"))?;
    let identity = exchange.identity(SOURCE, "source")?;
    let credentials = Credentials::load(&identity.certificate, &identity.key)?;
    let allowed = exchange.gateway()?.spiffe_id.clone();
    let operator = exchange.gateway_agency.clone();
    let prepared = Arc::new(Prepared::new());
    run(
        &exchange,
        &operator,
        Some(vec![allowed]),
        credentials,
        address,
        Answering::Source(prepared),
    )
    .await
}

/// Runs the proxy until its standard input ends, or the floor. It stands where the gateway would and shows its
/// certificate.
///
/// # Errors
/// What cannot be loaded or bound.
pub async fn proxy(dir: &Path, source: &str, floor: bool) -> anyhow::Result<()> {
    let exchange = Exchange::load(&dir.join("certs"))?;
    let (ours, theirs) = (exchange.gateway()?, exchange.agency(SOURCE)?);
    let client = ClientIdentity::load(&ClientFiles {
        certificate: ours.certificate.clone(),
        key: ours.key.clone(),
        roots: vec![theirs.ca.clone()],
        crls: vec![theirs.crl.clone()],
    })?;
    let expected = PeerId::parse(&exchange.spiffe_id(SOURCE, "source"))
        .map_err(|_| anyhow::anyhow!("not a source's name"))?;
    let expected = ExpectedServer::Spiffe(expected);
    let channel = channel(source, &client, expected, &Clock::system(), &ConnectLimits::default())?;
    let credentials = Credentials::load(&ours.certificate, &ours.key)?;
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let answering = match floor {
        true => Answering::Floor(channel, Floor::open(dir)?),
        false => Answering::Proxy(channel),
    };
    run(&exchange, REQUESTER.0, None, credentials, any, answering).await
}

async fn run(
    exchange: &Exchange,
    trusted: &str,
    allowed: Option<Vec<String>>,
    credentials: Credentials,
    address: SocketAddr,
    service: Answering,
) -> anyhow::Result<()> {
    let files = exchange.agency(trusted)?;
    let trust = TrustStore::load(&TrustSpec {
        trust_domain: exchange.trust_domain.clone(),
        agencies: vec![AgencyTrust {
            agency: AgencyId::new(trusted),
            roots: vec![files.ca.clone()],
            crls: vec![files.crl.clone()],
            max_leaf_lifetime: Duration::from_secs(90 * 24 * 3600),
        }],
        pins: vec![],
        allowed,
    })?;
    let stop = CancellationToken::new();
    let listener = bind(address).await?;
    println!("listens on {},", listener.local_addr()?);
    let acceptor = Acceptor {
        config: AcceptorConfig::default(),
        trust,
        credentials,
        clock: Clock::system(),
        metrics: Arc::new(HandshakeCounters::default()),
        registry: ConnectionRegistry::default(),
        stop: stop.clone(),
    };
    let server = ServerLimits::default().apply(tonic::transport::Server::builder());
    tokio::select! {
        served = server.serve_with_incoming(service, listen(listener, acceptor)) => served?,
        () = end_of_input() => {}
    }
    Ok(())
}

/// Whoever started us holds the other end: when it is gone, so are we.
async fn end_of_input() {
    let mut sink = [0; 64];
    let (over, ended) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        while std::io::stdin().read(&mut sink).is_ok_and(|read| read > 0) {}
        let _ = over.send(());
    });
    let _ = ended.await;
}
