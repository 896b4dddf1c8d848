//! Everything that is traced in this process: spans with their parents, events with their fields. One
//! subscriber a process; what is captured grows, so tests look behind a mark of their own or under a span
//! that they can name.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use portcullis::telemetry::Telemetry;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What was captured so far.
pub struct Capture {
    kept: Mutex<Kept>,
    everything: AtomicBool,
    telemetry: OnceLock<Telemetry>,
}

#[derive(Default)]
struct Kept {
    lines: Vec<String>,
    spans: Vec<Span>,
}

/// One span.
struct Span {
    name: &'static str,
    parent: Option<usize>,
    fields: String,
}

/// Place of a span in the list, kept with the span.
struct Place(usize);

static CAPTURE: Capture = Capture {
    kept: Mutex::new(Kept { lines: vec![], spans: vec![] }),
    everything: AtomicBool::new(false),
    telemetry: OnceLock::new(),
};

impl Capture {
    /// The process's capture, installed once: our own targets at every level, and what `portcullis serve`
    /// installs for trace context.
    pub fn install() -> &'static Self {
        CAPTURE.telemetry.get_or_init(|| {
            let provider = SdkTracerProvider::builder().build();
            let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("tests"));
            let subscriber = tracing_subscriber::registry().with(spans).with(Layer);
            if subscriber.try_init().is_err() {
                eprintln!("something else captures traces in this process");
            }
            portcullis::telemetry::install(&portcullis::config::Telemetry::default())
                .unwrap_or_else(|error| unreachable!("telemetry: {error}"))
        });
        &CAPTURE
    }

    /// From now on other crates' spans and events too, all at TRACE.
    pub fn everything(&self) {
        self.everything.store(true, Ordering::SeqCst);
    }

    /// Where the captured text ends now.
    pub fn mark(&self) -> usize {
        self.kept().lines.len()
    }

    /// Everything captured behind a mark, a line each.
    pub fn since(&self, mark: usize) -> Vec<String> {
        self.kept().lines.get(mark..).unwrap_or_default().to_vec()
    }

    /// Names and nesting of the spans under those whose fields have a text: sorted, no values. Equal
    /// siblings count once with a `+`, since how often they come is a matter of data.
    pub fn tree(&self, holding: &str) -> String {
        let kept = self.kept();
        let mut children: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
        for (at, span) in kept.spans.iter().enumerate() {
            children.entry(span.parent).or_default().push(at);
        }
        let mut text = String::new();
        for (at, span) in kept.spans.iter().enumerate() {
            if span.fields.contains(holding) {
                text.push_str(&branch(&kept.spans, &children, at, 0));
            }
        }
        text
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn branch(
    spans: &[Span],
    children: &BTreeMap<Option<usize>, Vec<usize>>,
    at: usize,
    depth: usize,
) -> String {
    let Some(span) = spans.get(at) else { return String::new() };
    let mut text = format!("{}{}\n", "  ".repeat(depth), span.name);
    let below = children.get(&Some(at)).map(Vec::as_slice).unwrap_or_default();
    let mut branches: Vec<String> =
        below.iter().map(|child| branch(spans, children, *child, depth + 1)).collect();
    branches.sort();
    branches.dedup();
    text.extend(branches);
    text
}

struct Layer;

impl<S: Subscriber + for<'a> LookupSpan<'a>> tracing_subscriber::Layer<S> for Layer {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target().starts_with("portcullis") || CAPTURE.everything.load(Ordering::SeqCst)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields(String::new());
        attributes.record(&mut fields);
        let Some(span) = context.span(id) else { return };
        let parent = span
            .parent()
            .and_then(|parent| parent.extensions().get::<Place>().map(|place| place.0));
        let metadata = attributes.metadata();
        let mut kept = CAPTURE.kept();
        let line = format!("span {} {}{}", metadata.target(), metadata.name(), fields.0);
        kept.lines.push(line);
        let place = kept.spans.len();
        kept.spans.push(Span { name: metadata.name(), parent, fields: fields.0 });
        drop(kept);
        span.extensions_mut().insert(Place(place));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        let place =
            context.span(id).and_then(|span| span.extensions().get::<Place>().map(|place| place.0));
        let mut kept = CAPTURE.kept();
        if let Some(span) = place.and_then(|place| kept.spans.get_mut(place)) {
            span.fields.push_str(&fields.0);
        }
        kept.lines.push(format!("record{}", fields.0));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        let metadata = event.metadata();
        let line = format!("{} {}{}", metadata.level(), metadata.target(), fields.0);
        CAPTURE.kept().lines.push(line);
    }
}

/// ` name=value` for each field.
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing into a string does not fail.
        let _ = write!(self.0, " {}={value:?}", field.name());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {}={value}", field.name());
    }
}
