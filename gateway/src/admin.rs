//! The admin listener: metrics, health and readiness over plain HTTP on loopback. Nothing here is reachable
//! by agencies.

use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::broker::Broker;

/// Serves until cancelled.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    broker: Arc<Broker>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let metrics = broker.metrics.clone();
    let app = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(move || ready(broker.clone())))
        .route(
            "/metrics",
            get(move || async move {
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                ([(header::CONTENT_TYPE, kind)], metrics.render())
            }),
        );
    axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// Beside readiness, what an administrator should know though the gateway serves on.
async fn ready(broker: Arc<Broker>) -> impl IntoResponse {
    if !broker.ready() {
        let text = "the disclosure log is not available\n".to_owned();
        return (StatusCode::SERVICE_UNAVAILABLE, text);
    }
    match broker.pseudonyms.trouble() {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(trouble) => {
            (StatusCode::OK, format!("ready\npseudonym keys are kept as they were: {trouble}\n"))
        }
    }
}
