//! Steps on a release request: the form of each, what it says before it goes out, and the step that it makes. A step names
//! the last one that was looked at, so that it is taken once and never on another state than the one that was seen.

use portcullis_core::release::{Act, Ground};
use portcullis_proto::query::v1 as wire;
use wire::release_decision::Step;

use super::{Call, Effect, Model, Task};
use crate::drill::terminal::form::{Form, Tick};
use crate::drill::terminal::request::{Request, line};
use crate::drill::terminal::text::cut;

/// Most letters of somebody else's words above a form.
const WORDS: usize = 200;

/// Names of the forms' fields.
mod field {
    pub const FIELDS: &str = "show";
    pub const REMARK: &str = "remark";
    pub const GROUND: &str = "ground";
    pub const WORDS: &str = "words";
    pub const QUESTION: &str = "question";
    pub const ANSWER: &str = "answer";
    pub const REASON: &str = "reason";
    pub const OFFICER: &str = "who decides";
}

impl Model {
    /// Opens the form of a step on the request that is picked.
    pub(super) fn begin_step(&mut self, act: Act) {
        let Some(request) = self.picked_request() else { return };
        let (number, after) = (request.number, request.last_step());
        let release = request.release.id.clone();
        let under_way =
            |call: &Call| matches!(call, Call::Step(_, decision) if decision.release_id == release);
        if self.outbox.iter().any(|pending| under_way(&pending.call)) {
            self.notice = format!("request {number}: a step is under way; not known yet what came");
            return;
        }
        self.requests.read(number);
        self.open(Task::Step { release, act, after });
    }

    /// The form of a step: as it was left, where it was begun before.
    pub(super) fn step_form(&self, id: &str, act: Act) -> Form {
        let Some(request) = self.requests.find(id) else { return Form::new("Request") };
        if let Some(draft) = self.requests.drafts.get(&(id.to_owned(), act)) {
            return draft.clone().about(about(request, act));
        }
        let form = Form::new(title(request, act, self.team())).about(about(request, act));
        let form = match act {
            // None is ticked at first: what was shown cannot be called back, so each field that goes is somebody's own act.
            Act::Grant => {
                let fields = request.release.fields.iter();
                let ticks =
                    fields.map(|path| Tick { value: path.clone(), label: path.clone(), on: false });
                form.ticks(field::FIELDS, ticks.collect()).text(field::REMARK, "")
            }
            Act::Refuse => form.choice(field::GROUND, grounds(), "").text(field::WORDS, ""),
            Act::AskBack => form.text(field::QUESTION, ""),
            Act::Answer => form.text(field::ANSWER, ""),
            _ => form.text(field::REASON, ""),
        };
        form.text(field::OFFICER, &self.player)
    }

    /// Enter in the form of a step: the first one says what is going to happen, the second one lets it.
    pub(super) fn step_entered(&mut self) -> Vec<Effect> {
        let own = self.team().to_owned();
        let Some(dialog) = &mut self.dialog else { return vec![] };
        let Task::Step { release, act, after } = &mut dialog.task else { return vec![] };
        if let Err((name, why)) = decision(&dialog.form, release, *act, *after) {
            dialog.form.look_at(name);
            dialog.form.error = why;
            return vec![];
        }
        let request = self.requests.find(release);
        let last = request.map_or(*after, Request::last_step);
        if dialog.sure && last <= *after {
            return self.send();
        }
        let meanwhile = request.and_then(|one| one.release.steps.last()).filter(|_| last > *after);
        let meanwhile = meanwhile.map(|step| format!("Meanwhile: {}\n", line(step)));
        let other = request.map_or("", |one| one.other(&own));
        let what = sentence(&dialog.form, *act, other);
        dialog.form.error =
            format!("{}{what}\nEnter once more sends it.", meanwhile.unwrap_or_default());
        dialog.sure = true;
        *after = last;
        vec![]
    }

    /// Keeps what was written about a step when its form is closed.
    pub(super) fn keep_draft(&mut self) {
        let Some(dialog) = &self.dialog else { return };
        if let Task::Step { release, act, .. } = &dialog.task {
            let mut form = dialog.form.clone();
            form.error.clear();
            self.requests.drafts.insert((release.clone(), *act), form);
        }
    }
}

fn title(request: &Request, act: Act, own: &str) -> String {
    let (number, other) = (request.number, request.other(own));
    match act {
        Act::Grant => format!("Grant request {number} of {other}"),
        Act::Refuse => format!("Refuse request {number} of {other}"),
        Act::AskBack => format!("Ask {other} back about request {number}"),
        Act::Answer => format!("Answer {other} about request {number}"),
        Act::Revoke => format!("Take back what {other} was granted by request {number}"),
        _ => format!("Withdraw request {number} to {other}"),
    }
}

/// What it is about: the last words of the other agency, and which fields of what.
fn about(request: &Request, act: Act) -> String {
    let release = &request.release;
    let fields = release.fields.join(", ");
    let words = match act {
        Act::Answer => release.steps.iter().rev().find(|step| step.act == Act::AskBack as i32),
        _ => release.steps.iter().rev().find(|step| step.agency == release.requester),
    };
    let words = words.map(|step| cut(&step.text, WORDS)).unwrap_or_default();
    match act {
        Act::Grant => {
            let (record, purpose) = (request.record(), request.purpose());
            format!("{record}, for {purpose}\n“{words}”")
        }
        Act::Refuse | Act::AskBack => {
            format!("{}: {fields}\n“{words}”", request.record())
        }
        Act::Answer => format!("“{words}”"),
        _ => format!("{}: {fields}", request.record()),
    }
}

fn grounds() -> Vec<(String, String)> {
    let meaning = |ground: Ground| match ground {
        Ground::NationalInterest => "sovereignty or security",
        Ground::OngoingInvestigation => "it would harm an investigation",
        Ground::LegalRestriction => "a law forbids it",
        Ground::NotNecessary => "the reason given does not carry it",
        Ground::Disproportionate => "out of proportion to what it costs",
        Ground::Unreliable => "the data are not good enough",
        Ground::Other => "the words say why",
    };
    let all = Ground::ALL.iter().map(|ground| {
        let word = ground.word();
        (word.to_owned(), format!("{word}: {}", meaning(*ground)))
    });
    // No ground is chosen by itself.
    std::iter::once((String::new(), "choose one".to_owned())).chain(all).collect()
}

/// What a step is going to do.
fn sentence(form: &Form, act: Act, other: &str) -> String {
    match act {
        Act::Grant => {
            let shown = form.ticked(field::FIELDS);
            format!("{other} will see in clear, of this one record: {}.", shown.join(", "))
        }
        Act::Refuse => format!("{other} will be refused: {}.", form.value(field::GROUND)),
        Act::AskBack => format!("{other} will be asked back, and has to answer first."),
        Act::Answer => format!("{other} will get this answer, and decides then."),
        Act::Revoke => format!("{other} can use the grant no more; what it has seen stays seen."),
        _ => "The request will be withdrawn, for good.".to_owned(),
    }
}

/// The step that a form makes.
///
/// # Errors
/// The field at fault, and why.
pub(super) fn decision(
    form: &Form,
    release: &str,
    act: Act,
    after_step: u32,
) -> Result<wire::ReleaseDecision, (&'static str, String)> {
    let needed = |name: &'static str| match form.value(name) {
        text if text.is_empty() => Err((name, format!("{name} is missing"))),
        text => Ok(text),
    };
    let step = match act {
        Act::Grant => {
            let shown = form.ticked(field::FIELDS);
            if shown.is_empty() {
                let why = "tick with Space what is shown; to show nothing, refuse";
                return Err((field::FIELDS, why.to_owned()));
            }
            let of = |path| wire::ReleaseField { path, ..wire::ReleaseField::default() };
            let fields = shown.into_iter().map(of).collect();
            Step::Grant(wire::ReleaseGrant {
                fields,
                remark: form.value(field::REMARK),
                until: None,
            })
        }
        Act::Refuse => {
            let ground = Ground::from_word(&needed(field::GROUND)?);
            let ground = ground.ok_or((field::GROUND, "choose a ground".to_owned()))?;
            let text = match ground {
                Ground::Other => needed(field::WORDS)?,
                _ => form.value(field::WORDS),
            };
            Step::Refusal(wire::ReleaseRefusal { ground: ground as i32, text })
        }
        Act::AskBack => Step::Question(needed(field::QUESTION)?),
        Act::Answer => Step::Answer(needed(field::ANSWER)?),
        Act::Revoke => Step::Revocation(needed(field::REASON)?),
        _ => Step::Withdrawal(form.value(field::REASON)),
    };
    Ok(wire::ReleaseDecision {
        release_id: release.to_owned(),
        step: Some(step),
        officer: form.value(field::OFFICER),
        after_step,
    })
}

/// What a key is called that begins a step.
pub fn key(act: Act) -> (&'static str, &'static str) {
    match act {
        Act::Grant => ("g", "grant"),
        Act::Refuse => ("r", "refuse"),
        Act::AskBack => ("b", "ask back"),
        Act::Answer => ("a", "answer"),
        Act::Revoke => ("v", "take back"),
        _ => ("w", "withdraw"),
    }
}
