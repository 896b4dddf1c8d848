//! A random exchange: agencies, cases with templates, agreements, policies.

use std::sync::Arc;

use portcullis_core::handling::Environment;
use portcullis_core::id::{AgencyId, CaseId, RuleId, SystemId};
use portcullis_core::label::{Category, RecordType, Semantic, Sensitivity};
use portcullis_core::policy::{Agency, Cap, Case, Purpose, Registry, Selector, Template};
use portcullis_core::redact::Treatment;

use super::flow::{agreement, one_in, some, text};
use super::standing::standing;
use super::{AGENCIES, AWAITED, Agreement, CASES, POLICIES, World, tidied};
use crate::exchange::days;
use crate::world;
use crate::world::near::Rng;

pub(super) fn world(pool: &[Arc<RecordType>], rng: &mut Rng) -> World {
    let types = some(pool, 2, 3, rng);
    let templates: Vec<Vec<String>> =
        CASES.iter().map(|_| if one_in(3, rng) { template(&types, rng) } else { vec![] }).collect();
    let cases = CASES.iter().zip(&templates).map(|(id, lines)| case(id, lines, rng)).collect();
    let agencies = AGENCIES.iter().map(|id| agency(id, rng)).collect();
    let environment = *rng.pick(Environment::ALL);
    let mut purposes = some(Purpose::ALL, 4, 6, rng);
    // What the base set speaks of most.
    for purpose in [Purpose::Statistics, Purpose::Investigation] {
        if one_in(3, rng) && !purposes.contains(&purpose) {
            purposes.push(purpose);
        }
    }
    let registry = Registry { agencies, cases, environment };
    let policies = (0..POLICIES.len()).filter(|_| one_in(3, rng)).collect();
    let mut world = World { registry, templates, types, agreements: vec![], policies, purposes };
    let mut drawn: Vec<_> = (0..1 + rng.below(3)).map(|at| agreement(&world, at, rng)).collect();
    // Now and then two agreements give the same.
    if drawn.len() > 1 && one_in(2, rng) {
        let twice = rng.pick(&drawn[0].flows).clone();
        drawn[1].flows.insert(0, twice);
    }
    let drawn = tidied(&world, drawn);
    world.agreements = drawn.into_iter().map(|drawn| held(&world, drawn, rng)).collect();
    world
}

fn held(world: &World, drawn: crate::exchange::Agreement, rng: &mut Rng) -> Agreement {
    let first = &drawn.flows[0];
    let open: Vec<&str> = if one_in(6, rng) { vec![first.to[first.to.len() - 1]] } else { vec![] };
    let open: Vec<&str> = open.into_iter().filter(|one| *one != first.from).collect();
    let awaited = one_in(6, rng).then_some(AWAITED.1);
    let text = text(&drawn, &open, awaited, rng);
    let standing = standing(world, &drawn, &open, rng);
    Agreement { drawn, text, standing }
}

fn agency(id: &str, rng: &mut Rng) -> Agency {
    use Sensitivity::{Confidential, Official, Public, Secret};
    Agency {
        id: AgencyId::new(id),
        name: id.to_owned(),
        country: (*rng.pick(&["NV", "SM", "VL"])).to_owned(),
        kind: (*rng.pick(&["customs", "police", "fiu"])).to_owned(),
        max_sensitivity: *rng.pick(&[
            Secret,
            Secret,
            Secret,
            Confidential,
            Confidential,
            Official,
            Public,
        ]),
        systems: ["desk", "batch"].map(SystemId::new).to_vec(),
    }
}

fn case(id: &str, lines: &[String], rng: &mut Rng) -> Case {
    let opens = *rng.pick(&[-30, -30, -30, -30, -30, 0, 2].map(days));
    let closes = *rng.pick(&[None, None, None, Some(20), Some(20), Some(1), Some(0)]);
    Case {
        id: CaseId::new(id),
        members: some(&AGENCIES, 2, 5, rng).into_iter().map(AgencyId::new).collect(),
        opens,
        closes: closes.map(days).filter(|closes| *closes > opens),
        operation_scope: id.starts_with("OP"),
        template: read(id, lines),
    }
}

/// Lines as an administrator writes them.
fn template(types: &[Arc<RecordType>], rng: &mut Rng) -> Vec<String> {
    let treatments: Vec<_> = world::treatments().collect();
    let mut lines: Vec<String> = (0..1 + rng.below(5))
        .map(|_| {
            let record_type = rng.pick(types);
            let about = match rng.below(6) {
                0..=2 => {
                    let path = rng.pick(record_type.leaves()).path.clone();
                    let cut = path.find('.').filter(|_| one_in(3, rng)).unwrap_or(path.len());
                    format!("field {}", &path[..cut])
                }
                3 => format!("semantic {}", rng.pick(Semantic::ALL).word()),
                4 => format!("category {}", rng.pick(Category::ALL).word()),
                _ => format!(
                    "category {} {}",
                    rng.pick(Category::ALL).word(),
                    rng.pick(Sensitivity::ALL).word()
                ),
            };
            format!("{about} {}", rng.pick(&treatments))
        })
        .collect();
    if !one_in(4, rng) {
        let at = rng.below(lines.len() + 1);
        let most = if one_in(2, rng) { Treatment::Clear } else { *rng.pick(&treatments) };
        lines.insert(at, format!("others {most}"));
    }
    lines
}

/// As the gateway reads them (`gateway/src/cases.rs`), of which the core knows only what comes of it.
pub(super) fn read(id: &str, lines: &[String]) -> Option<Template> {
    let mut caps = vec![];
    let nothing = |rule: String, at_most| Cap {
        rule: RuleId::new(rule),
        selector: Selector::Fields(vec![]),
        at_most,
    };
    let mut others = nothing(format!("case:{id}/template"), Treatment::Withhold);
    for (at, line) in lines.iter().enumerate() {
        let rule = format!("case:{id}/template:{}", at + 1);
        let words: Vec<&str> = line.split(' ').collect();
        let at_most = words[words.len() - 1].parse().unwrap();
        let selector = match words.as_slice() {
            ["others", _] => {
                others = nothing(rule, at_most);
                continue;
            }
            ["field", path, _] => Selector::Fields(vec![(*path).to_owned()]),
            ["semantic", word, _] => Selector::Semantic(Semantic::from_word(word).unwrap()),
            ["category", word, _] => Selector::Category(Category::from_word(word).unwrap(), None),
            ["category", word, most, _] => {
                Selector::Category(Category::from_word(word).unwrap(), Sensitivity::from_word(most))
            }
            _ => panic!("{line}"),
        };
        caps.push(Cap { rule: RuleId::new(rule), selector, at_most });
    }
    (!lines.is_empty()).then_some(Template { caps, others })
}
