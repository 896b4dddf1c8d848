//! Exchanges and questions back from JSON lines, to ask them again: what was found is kept in `tests/decider/kept`.

use std::collections::BTreeMap;
use std::sync::Arc;

use portcullis_core::handling::{Environment, HandlingClass};
use portcullis_core::id::{
    AgencyId, AgreementId, CaseId, Digest, Moment, OfficerId, RecordTypeName, SystemId,
};
use portcullis_core::label::Sensitivity;
use portcullis_core::policy::{
    Agency, AgreementFile, Case, Held, Inputs, Phase, Purpose, Registry, Request, Reservation,
    Snapshot, Standing, Take,
};
use serde_json::Value;

use super::ask::{Question, ask};
use super::types::{Pool, compile};
use super::{awaited, draw, load, policy, write};

/// Asks every question of a file again: the same lines with the answers of today. A schema that was signed for may be
/// written as `here`: the one that is here.
pub fn replay(lines: &str) -> Vec<String> {
    let mut snapshot: Option<Arc<Snapshot>> = None;
    lines.lines().map(|line| replay_line(line, &mut snapshot)).collect()
}

fn replay_line(line: &str, snapshot: &mut Option<Arc<Snapshot>>) -> String {
    let mut line: Value = serde_json::from_str(line).unwrap();
    if let Some(exchange) = line.get_mut("exchange") {
        let protos = all(&exchange["record_types"], |one| text(&one["proto"]).to_owned());
        let pool = compile(protos);
        let types = pool.types.iter().map(|one| write::record_type(one, &pool)).collect();
        exchange["record_types"] = Value::Array(types);
        for agreement in exchange["agreements"].as_array_mut().unwrap() {
            for (name, signed) in agreement["signed_for"].as_object_mut().into_iter().flatten() {
                let here = pool.types.iter().find(|one| one.name().as_str() == name);
                if let (Some(here), Some("here")) = (here, signed.as_str()) {
                    *signed = hex::encode(here.hash().0).into();
                }
            }
        }
        *snapshot = Some(load(inputs(exchange, pool), None));
        return line.to_string();
    }
    let question = question(&line);
    let answer = ask(snapshot.as_ref().expect("an exchange comes first"), &question);
    let mut told = write::question(&question, &answer);
    if let Some(why) = line.get("why") {
        told["why"] = why.clone();
    }
    told.to_string()
}

fn all<T>(list: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    list.as_array().unwrap_or_else(|| panic!("a list: {list}")).iter().map(read).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text: {value}"))
}

fn moment(value: &Value) -> Moment {
    Moment(value.as_i64().unwrap_or_else(|| panic!("milliseconds: {value}")))
}

fn agency_id(value: &Value) -> AgencyId {
    AgencyId::new(text(value))
}

fn purpose(value: &Value) -> Purpose {
    Purpose::from_word(text(value)).unwrap_or_else(|| panic!("a purpose: {value}"))
}

fn environment(value: &Value) -> Environment {
    Environment::from_word(text(value)).unwrap_or_else(|| panic!("an environment: {value}"))
}

fn inputs(exchange: &Value, pool: Pool) -> Inputs {
    let held = |one: &Value| Held {
        file: AgreementFile {
            name: format!("{}.toml", text(&one["text"]).len()),
            text: text(&one["text"]).to_owned(),
        },
        standing: standing(one),
    };
    Inputs {
        registry: Registry {
            agencies: all(&exchange["agencies"], agency),
            cases: all(&exchange["cases"], case),
            environment: environment(&exchange["environment"]),
        },
        record_types: pool.types,
        brought: awaited(),
        agreements: all(&exchange["agreements"], held),
        policies: all(&exchange["policies"], |name| policy(text(name))),
    }
}

fn agency(one: &Value) -> Agency {
    Agency {
        id: agency_id(&one["id"]),
        name: text(&one["id"]).to_owned(),
        country: text(&one["country"]).to_owned(),
        kind: "customs".to_owned(),
        max_sensitivity: Sensitivity::from_word(text(&one["max_sensitivity"])).unwrap(),
        systems: all(&one["systems"], |id| SystemId::new(text(id))),
    }
}

fn case(one: &Value) -> Case {
    let lines = all(&one["template"], |line| text(line).to_owned());
    Case {
        id: CaseId::new(text(&one["id"])),
        members: all(&one["members"], agency_id),
        opens: moment(&one["opens"]),
        closes: one["closes"].as_i64().map(Moment),
        operation_scope: one["operation"].as_bool().unwrap(),
        template: draw::read(text(&one["id"]), &lines),
    }
}

fn standing(one: &Value) -> Standing {
    let left = one["left"].as_object().unwrap();
    let signed_for = one["signed_for"].as_object().map(|signed| {
        let digest = |hash: &Value| {
            let mut digest = Digest([0; 32]);
            hex::decode_to_slice(text(hash), &mut digest.0).unwrap();
            digest
        };
        signed.iter().map(|(name, hash)| (RecordTypeName::new(name), digest(hash))).collect()
    });
    Standing {
        phase: match text(&one["phase"]) {
            "in force" => Phase::InForce,
            "awaits signatures" => Phase::AwaitsSignatures(vec![]),
            "suspended" => Phase::Suspended(vec![]),
            other => panic!("a phase: {other}"),
        },
        ends: one["ends"].as_i64().map(Moment),
        joined: all(&one["joined"], agency_id).into_iter().collect(),
        left: left
            .iter()
            .map(|(who, at)| (AgencyId::new(who), moment(at)))
            .collect::<BTreeMap<_, _>>(),
        reservations: all(&one["reservations"], reservation),
        signed_for,
    }
}

fn reservation(one: &Value) -> Reservation {
    let takes = all(&one["takes"], |part| text(part).to_owned());
    let takes: Vec<&str> = takes.iter().map(String::as_str).collect();
    Reservation {
        agency: agency_id(&one["agency"]),
        number: 1,
        flow: one["flow"].as_u64().map(|at| at as usize),
        takes: match takes.as_slice() {
            ["purpose", word] => Take::Purpose(Purpose::from_word(word).unwrap()),
            ["record_type", name] => Take::RecordType(RecordTypeName::new(name)),
            ["field", path, most] => {
                Take::Field { path: (*path).to_owned(), at_most: most.parse().unwrap() }
            }
            ["match", path] => Take::Match((*path).to_owned()),
            other => panic!("what is taken: {other:?}"),
        },
    }
}

fn question(line: &Value) -> Question {
    let ask = &line["ask"];
    let request = Request {
        requester: agency_id(&ask["requester"]),
        system: SystemId::new(text(&ask["system"])),
        officer: ask["officer"].as_bool().unwrap().then(|| OfficerId::new("o.rask")),
        purpose: purpose(&ask["purpose"]),
        case: ask["case"].as_str().map(CaseId::new),
        agreement: ask["agreement"].as_str().map(AgreementId::new),
        record_type: RecordTypeName::new(text(&ask["record_type"])),
        sources: all(&ask["sources"], agency_id),
    };
    let records = all(&line["records"], |one| (records(one), moment(&one["at"])));
    Question { request, now: moment(&ask["now"]), records }
}

fn records(one: &Value) -> HandlingClass {
    let mut class =
        HandlingClass::ordinary(agency_id(&one["originator"]), environment(&one["environment"]));
    class.releasable_to = all(&one["releasable_to"], agency_id);
    class.compartments = all(&one["compartments"], |id| CaseId::new(text(id)));
    class.permitted_use = all(&one["permitted_use"], purpose);
    class.handling_code = Arc::from(text(&one["handling_code"]));
    class
}
