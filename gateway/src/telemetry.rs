//! Traces, metrics and log lines: names and counts only, never a value. Spans go out over OTLP when an
//! endpoint is configured; W3C trace context travels to sources in any case; metrics are read from the
//! admin listener.

use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tonic::metadata::{KeyRef, MetadataKey, MetadataMap, MetadataValue};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// Flushes and ends the export of spans when dropped.
pub struct Telemetry(SdkTracerProvider);

impl Drop for Telemetry {
    fn drop(&mut self) {
        // At the end of the process nobody is left to tell.
        let _ = self.0.shutdown();
    }
}

/// Installs log lines on standard error and, where an endpoint is given, the export of spans. The first
/// call in a process wins.
///
/// # Errors
/// A filter or endpoint that cannot be understood.
pub fn install(config: &crate::config::Telemetry) -> anyhow::Result<Telemetry> {
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let mut provider = SdkTracerProvider::builder().with_resource(
        opentelemetry_sdk::Resource::builder().with_service_name("portcullis").build(),
    );
    if let Some(endpoint) = &config.otlp_endpoint {
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .build()?;
        provider = provider.with_batch_exporter(exporter);
    }
    let provider = provider.build();
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("portcullis"));
    let words = config.log.as_deref().unwrap_or("warn,portcullis=info");
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        // What a database's functions say (`RAISE INFO`) can be record data, and no setting lets it through.
        .with_filter(
            EnvFilter::try_new(words)?.add_directive("sqlx::postgres::notice=off".parse()?),
        );
    // The steps of a query matter to whoever looks at traces. Without an endpoint nobody does: then there is only
    // what the W3C context needs to travel.
    let depth = if config.otlp_endpoint.is_some() { "debug" } else { "info" };
    let ours = EnvFilter::try_new(format!("off,portcullis={depth}"))?;
    // A second gateway in one process (tests) keeps the first one's subscriber.
    let _ = tracing_subscriber::registry().with(lines).with(spans.with_filter(ours)).try_init();
    Ok(Telemetry(provider))
}

/// Writes the current span's W3C context into a request's metadata.
pub fn inject(metadata: &mut MetadataMap) {
    let context = tracing::Span::current().context();
    opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut Outgoing(metadata));
    });
}

/// Makes the W3C context of a request the parent of a span.
pub fn adopt(span: &tracing::Span, metadata: &MetadataMap) {
    let context = opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.extract(&Incoming(metadata))
    });
    // A span that nobody records has no place for a parent.
    let _ = span.set_parent(context);
}

struct Outgoing<'a>(&'a mut MetadataMap);

impl Injector for Outgoing<'_> {
    fn set(&mut self, key: &str, value: String) {
        // What a requester wrote into its trace state is not for the sources.
        if key == "tracestate" {
            return;
        }
        if let (Ok(key), Ok(value)) =
            (MetadataKey::from_bytes(key.as_bytes()), MetadataValue::try_from(value))
        {
            self.0.insert(key, value);
        }
    }
}

struct Incoming<'a>(&'a MetadataMap);

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0
            .keys()
            .filter_map(|key| match key {
                KeyRef::Ascii(key) => Some(key.as_str()),
                KeyRef::Binary(_) => None,
            })
            .collect()
    }
}

/// One low-cardinality word.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Word {
    /// The word: a reason or an outcome.
    pub reason: String,
}

/// A source and how it went.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct SourceWord {
    /// The agency.
    pub agency: String,
    /// COMPLETE, LIMITED, NOT_ASKED or a failure's word.
    pub reason: String,
}

/// What the gateway counts.
pub struct Metrics {
    registry: Registry,
    /// Queries, by how they were decided or ended.
    pub queries: Family<Word, Counter>,
    /// Records released.
    pub records_released: Counter,
    /// Records of sources dropped for being malformed or contradictory, by cause.
    pub records_refused: Family<Word, Counter>,
    /// Searches at sources, by agency and how they ended.
    pub sources: Family<SourceWord, Counter>,
    /// TLS handshakes and names refused, by reason.
    pub handshakes_refused: Family<Word, Counter>,
    /// Queries in progress.
    pub in_flight: Gauge,
    /// Seconds from the request to its header.
    pub decision_seconds: Histogram,
    /// Seconds from the request to its receipt.
    pub query_seconds: Histogram,
    /// Outcomes that could not be logged since the start.
    pub outcomes_lost: Gauge,
    /// The epoch of new pseudonyms.
    pub pseudonym_epoch: Gauge,
    /// 1 while the file of pseudonym keys cannot be used and older keys are kept.
    pub pseudonym_keys_refused: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("portcullis");
        let buckets = || exponential_buckets(0.000_25, 2.0, 16);
        let metrics = Self {
            queries: Family::default(),
            records_released: Counter::default(),
            records_refused: Family::default(),
            sources: Family::default(),
            handshakes_refused: Family::default(),
            in_flight: Gauge::default(),
            decision_seconds: Histogram::new(buckets()),
            query_seconds: Histogram::new(buckets()),
            outcomes_lost: Gauge::default(),
            pseudonym_epoch: Gauge::default(),
            pseudonym_keys_refused: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("queries", "Queries, by reason", metrics.queries.clone());
        registry.register(
            "records_released",
            "Records released to requesters",
            metrics.records_released.clone(),
        );
        registry.register(
            "records_refused",
            "Records of sources dropped, by cause",
            metrics.records_refused.clone(),
        );
        registry.register("sources", "Searches at sources, by end", metrics.sources.clone());
        registry.register(
            "handshakes_refused",
            "Handshakes and names refused, by reason",
            metrics.handshakes_refused.clone(),
        );
        registry.register("queries_in_flight", "Queries in progress", metrics.in_flight.clone());
        registry.register(
            "decision_seconds",
            "Seconds from request to header",
            metrics.decision_seconds.clone(),
        );
        registry.register(
            "query_seconds",
            "Seconds from request to receipt",
            metrics.query_seconds.clone(),
        );
        registry.register(
            "outcomes_lost",
            "Outcomes that could not be logged",
            metrics.outcomes_lost.clone(),
        );
        registry.register(
            "pseudonym_epoch",
            "Epoch of new pseudonyms",
            metrics.pseudonym_epoch.clone(),
        );
        registry.register(
            "pseudonym_keys_refused",
            "1 while the file of pseudonym keys cannot be used",
            metrics.pseudonym_keys_refused.clone(),
        );
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// For rooms that count for themselves.
    pub fn registry(&mut self) -> &mut Registry {
        &mut self.registry
    }

    /// Counts a query under a reason or outcome.
    pub fn query(&self, reason: &str) {
        self.queries.get_or_create(&Word { reason: reason.to_owned() }).inc();
    }

    /// Everything, in the OpenMetrics text format.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}
