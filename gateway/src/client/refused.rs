//! What went wrong, for people and for programs: the reason and remedy out of a status' details, or why the
//! gateway was not reached.

use std::error::Error as _;

use serde_json::json;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::render::text::safe;
use crate::identity::connect::refusal_of;

/// A call that was refused or failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The gateway said no, as opposed to: nothing was heard of it.
    pub by_gateway: bool,
    /// One stable word.
    pub reason: String,
    /// For a person.
    pub message: String,
    /// What would help, as far as it may be known.
    pub remedy: String,
    /// Rules behind it.
    pub rules: Vec<String>,
    /// To be quoted in any question.
    pub exchange_id: String,
    /// Fields of the request at fault.
    pub fields: Vec<(String, String)>,
    /// Seconds after which a retry makes sense.
    pub retry_after_seconds: Option<u64>,
}

impl Refused {
    /// Reads a status.
    pub fn of(status: &Status) -> Self {
        let details = status.get_error_details();
        let metadata = |key: &str| {
            details
                .error_info()
                .and_then(|info| info.metadata.get(key))
                .cloned()
                .unwrap_or_default()
        };
        let info = details.error_info();
        let (reason, message) = match info {
            Some(info) => (info.reason.clone(), status.message().to_owned()),
            None => unreached(status),
        };
        Self {
            by_gateway: info.is_some(),
            reason,
            message,
            remedy: metadata("remedy"),
            rules: metadata("rules").split_whitespace().map(str::to_owned).collect(),
            exchange_id: metadata("exchange_id"),
            fields: details.bad_request().map_or_else(Vec::new, |bad| {
                bad.field_violations
                    .iter()
                    .map(|at| (at.field.clone(), at.description.clone()))
                    .collect()
            }),
            retry_after_seconds: details
                .retry_info()
                .and_then(|info| info.retry_delay)
                .map(|delay| delay.as_secs().max(1)),
        }
    }

    /// A failure that the client itself noticed.
    pub fn by_client(reason: &str, message: impl Into<String>) -> Self {
        Self {
            by_gateway: false,
            reason: reason.to_owned(),
            message: message.into(),
            remedy: String::new(),
            rules: vec![],
            exchange_id: String::new(),
            fields: vec![],
            retry_after_seconds: None,
        }
    }

    /// Lines for a person: `refused: REASON: message`, then what is known beside it.
    pub fn render(&self) -> String {
        let verb = if self.by_gateway { "refused" } else { "failed" };
        let mut lines = vec![format!("{verb}: {}: {}", safe(&self.reason), safe(&self.message))];
        for (field, description) in &self.fields {
            if *description != self.message {
                lines.push(format!("  field: {}: {}", safe(field), safe(description)));
            }
        }
        let mut add = |name: &str, text: &str| {
            if !text.is_empty() {
                lines.push(format!("  {name}: {}", safe(text)));
            }
        };
        add("remedy", &self.remedy);
        add("rules", &self.rules.join(", "));
        add("exchange", &self.exchange_id);
        if let Some(seconds) = self.retry_after_seconds {
            add("retry after", &format!("{seconds} s"));
        }
        lines.join("\n")
    }

    /// One JSON value for a program.
    pub fn to_json(&self) -> serde_json::Value {
        json!({
            "by_gateway": self.by_gateway,
            "reason": self.reason,
            "message": self.message,
            "remedy": self.remedy,
            "rules": self.rules,
            "exchange_id": self.exchange_id,
            "fields": self.fields.iter()
                .map(|(field, description)| json!({"field": field, "description": description}))
                .collect::<Vec<_>>(),
            "retry_after_seconds": self.retry_after_seconds,
        })
    }
}

/// A status without our details comes from the transport, or from something that is no gateway.
fn unreached(status: &Status) -> (String, String) {
    if let Some(refusal) = status.source().and_then(refusal_of) {
        let message = format!("the server is not trusted: {refusal}");
        return (refusal.reason().to_owned(), message);
    }
    let reason = match status.code() {
        Code::Unavailable => "GATEWAY_UNREACHABLE",
        Code::DeadlineExceeded | Code::Cancelled => "TIMED_OUT",
        Code::Unimplemented => "NOT_A_GATEWAY",
        _ => "GATEWAY_FAILED",
    };
    let mut message = status.message().to_owned();
    let mut cause = status.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = if message.is_empty() { text } else { format!("{message}: {text}") };
        }
        cause = error.source();
    }
    (reason.to_owned(), message)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    fn denied() -> Status {
        let mut details = ErrorDetails::new();
        let metadata = HashMap::from([
            ("remedy".to_owned(), "name a case\u{1b}[2J".to_owned()),
            ("rules".to_owned(), "needs-case base".to_owned()),
            ("exchange_id".to_owned(), "x1".to_owned()),
        ]);
        details.set_error_info("CASE_MISSING", "portcullis", metadata);
        details.add_bad_request_violation("query.case_id", "is empty");
        Status::with_error_details(Code::PermissionDenied, "no case is named", details)
    }

    #[test]
    fn details_become_lines_without_control_characters() {
        let text = Refused::of(&denied()).render();
        let expected = "refused: CASE_MISSING: no case is named\n  field: query.case_id: is empty\n  \
                        remedy: name a case\\u{1b}[2J\n  rules: needs-case, base\n  exchange: x1";
        assert_eq!(text, expected);
        assert_eq!(Refused::of(&denied()).to_json()["rules"][1], "base");
    }

    #[test]
    fn a_status_without_details_is_no_refusal() {
        let refused = Refused::of(&Status::unavailable("tcp connect error"));
        assert_eq!(refused.render(), "failed: GATEWAY_UNREACHABLE: tcp connect error");
    }
}
