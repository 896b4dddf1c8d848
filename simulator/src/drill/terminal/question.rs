//! The question form: whom, for what, why, which records, which fields; and what policy says to it before it is asked.

use std::sync::Arc;

use portcullis::client::Refused;
use portcullis::service::filter::to_wire;
use portcullis_core::filter::parse_expression;
use portcullis_core::label::RecordType;
use portcullis_core::policy::Purpose;
use portcullis_proto::drill::v1 as drill;
use portcullis_proto::query::v1 as wire;

use super::form::{Form, Kind, Tick};
use super::text::{short, width};

/// Names of the form's fields.
pub mod field {
    /// Agency that is asked.
    pub const AGENCY: &str = "agency";
    /// Record type.
    pub const TYPE: &str = "record type";
    /// Purpose.
    pub const PURPOSE: &str = "purpose";
    /// Case.
    pub const CASE: &str = "case";
    /// Which records.
    pub const WHERE: &str = "where";
    /// Why, in the officer's own words.
    pub const REASON: &str = "reason";
    /// Fields wanted.
    pub const FIELDS: &str = "fields";
}

/// What policy says to a question as it stands.
pub enum Policy {
    /// Not asked yet.
    Unknown,
    /// Asked; no answer yet.
    Asked,
    /// Its answer.
    Said(Box<wire::ExplainResponse>),
    /// It could not be asked.
    Failed(Box<Refused>),
}

/// A question that is being written. Without `Debug`: a filter may name values of records.
pub struct Question {
    /// What is filled in.
    pub form: Form,
    /// Matter that it is asked for; 0: none in particular.
    pub matter: u32,
    /// What policy says to it.
    pub policy: Policy,
    /// Changes with every change that policy may judge otherwise.
    pub number: u64,
    /// Quarters of a second since then.
    pub idle: u8,
    /// Enter was pressed although policy would refuse: once more asks all the same.
    pub warned: bool,
    /// Of which type records are.
    pub record_type: Option<Arc<RecordType>>,
}

impl Question {
    /// An empty question of a team.
    pub fn new(told: &drill::GetDrillResponse) -> Self {
        let partners = told
            .teams
            .iter()
            .filter(|team| team.agency != told.team && !team.record_types.is_empty());
        let agencies: Vec<(String, String)> = partners
            .map(|team| (team.agency.clone(), format!("{} ({})", team.agency, team.name)))
            .collect();
        let purposes = Purpose::ALL.iter().map(|purpose| {
            let word = purpose.word().to_owned();
            (word.clone(), word)
        });
        let form = Form::new("Question to a partner")
            .choice(field::AGENCY, agencies, "")
            .choice(field::TYPE, vec![], "")
            .choice(field::PURPOSE, purposes.collect(), Purpose::Investigation.word())
            .text(field::CASE, &told.case_id)
            .text(field::WHERE, "")
            .text(field::REASON, "")
            .ticks(field::FIELDS, vec![]);
        let mut question = Self {
            form,
            matter: 0,
            policy: Policy::Unknown,
            number: 0,
            idle: 0,
            warned: false,
            record_type: None,
        };
        question.offer(told);
        question
    }

    /// Offers the record types of the chosen agency, and the fields of the chosen type.
    pub fn offer(&mut self, told: &drill::GetDrillResponse) {
        let agency = self.form.value(field::AGENCY);
        let wanted = self.form.value(field::TYPE);
        let holds = told.teams.iter().find(|team| team.agency == agency);
        let types: Vec<(String, String)> = holds
            .iter()
            .flat_map(|team| &team.record_types)
            .map(|name| (name.clone(), short(name).to_owned()))
            .collect();
        if let Some(Kind::Choice { options, chosen }) = self.form.field_mut(field::TYPE) {
            *chosen = types.iter().position(|(name, _)| *name == wanted).unwrap_or(0);
            *options = types;
        }
        let name = self.form.value(field::TYPE);
        if self.record_type.as_ref().is_none_or(|known| known.name().as_str() != name) {
            self.record_type = record_type(&name);
            let before = self.form.ticked(field::FIELDS);
            let leaves = self.record_type.iter().flat_map(|known| known.leaves());
            let ticks = leaves.map(|leaf| Tick {
                value: leaf.path.clone(),
                label: leaf.path.clone(),
                on: before.contains(&leaf.path),
            });
            let ticks: Vec<Tick> = ticks.collect();
            if let Some(Kind::Ticks { items, at }) = self.form.field_mut(field::FIELDS) {
                *items = ticks;
                *at = 0;
            }
        }
    }

    /// Something changed that policy may judge otherwise.
    pub fn changed(&mut self) {
        self.number += 1;
        self.idle = 0;
        self.warned = false;
        self.policy = Policy::Unknown;
    }

    /// The question for the gateway: with the ticked fields, or with all of them to learn what policy says to each.
    ///
    /// # Errors
    /// The field at fault and what is wrong, over several lines where a place is pointed at.
    pub fn query(&self, all_fields: bool) -> Result<wire::Query, (&'static str, String)> {
        let agency = self.form.value(field::AGENCY);
        if agency.is_empty() {
            return Err((field::AGENCY, "there is nobody to be asked".to_owned()));
        }
        let Some(record_type) = &self.record_type else {
            return Err((field::TYPE, "this record type is not known here".to_owned()));
        };
        let expression = self.form.value(field::WHERE);
        let filter = match expression.as_str() {
            "" => None,
            text => match parse_expression(text, record_type) {
                Ok(filter) => Some(to_wire(&filter)),
                Err(error) => {
                    let before = text.get(..error.span().start).unwrap_or(text);
                    let place = text.get(error.span()).map_or(1, |place| width(place).max(1));
                    let (blank, carets) = (" ".repeat(width(before)), "^".repeat(place));
                    // On one line its number says nothing, and the place is pointed at.
                    let error = error.to_string();
                    let said = match error.split_once(": ") {
                        Some((place, said)) if place.starts_with("line ") => said,
                        _ => &error,
                    };
                    return Err((field::WHERE, format!("{said}\n{text}\n{blank}{carets}")));
                }
            },
        };
        let fields = self.form.ticked(field::FIELDS);
        if fields.is_empty() && !all_fields {
            return Err((field::FIELDS, "tick at least one field".to_owned()));
        }
        let purpose = Purpose::from_word(&self.form.value(field::PURPOSE));
        Ok(wire::Query {
            purpose: purpose.map_or(0, |purpose| purpose as i32),
            case_id: self.form.value(field::CASE),
            record_type: record_type.name().to_string(),
            filter,
            fields: if all_fields { vec!["*".to_owned()] } else { fields },
            sources: vec![agency],
            justification: self.form.value(field::REASON),
            ..wire::Query::default()
        })
    }

    /// What policy will do to a field.
    pub fn treatment(&self, path: &str) -> Option<&wire::FieldPlan> {
        let Policy::Said(said) = &self.policy else { return None };
        said.plans.first()?.fields.iter().find(|field| field.path == path)
    }

    /// Why the rule behind a field settles it so, and what would help.
    pub fn because(&self, plan: &wire::FieldPlan) -> Option<&wire::RuleText> {
        let Policy::Said(said) = &self.policy else { return None };
        let same = |text: &&wire::RuleText| text.rule == plan.rule && text.reason == plan.reason;
        said.rule_texts.iter().find(same)
    }
}

/// A record type of the contract.
pub fn record_type(name: &str) -> Option<Arc<RecordType>> {
    let set = bytes::Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
    RecordType::register(&set, name).ok().map(Arc::new)
}
