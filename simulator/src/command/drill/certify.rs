//! `drill check --certify`: whether the cases that are played can be solved together, and only together.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Context as _;
use portcullis_sim::detect::ground::Ground;
use portcullis_sim::drill::host::{CASE, Host};
use portcullis_sim::drill::plot::{Plot, PlotCase};
use portcullis_sim::drill::scenario::Scenario;
use portcullis_sim::rng::Seed;
use portcullis_sim::verify::{
    self, Case, Certificate, Hidden, JOINT_ABOVE, Order, SOLO_BELOW, Through,
};
use portcullis_sim::world::pack::Pack;
use serde::Serialize;

/// The gateway's client program: beside this one, or where programs are found.
pub fn client() -> anyhow::Result<PathBuf> {
    let name = format!("portcullis{}", std::env::consts::EXE_SUFFIX);
    let own = std::env::current_exe().ok();
    let beside = own.as_ref().and_then(|own| own.parent()).map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut files = beside.into_iter().chain(std::env::split_paths(&path)).map(|it| it.join(&name));
    files.find(|file| file.is_file()).with_context(|| {
        format!("the gateway's client program `{name}` is neither beside this one nor in PATH")
    })
}

/// The certificate of a plot's world under the policy of the gateway that is up.
pub fn certify(
    scenario: &Scenario,
    plot: &Plot,
    host: &Host,
    program: PathBuf,
) -> anyhow::Result<Certificate> {
    let pack = Pack::read(&scenario.pack)?;
    let gateway = verify::Gateway {
        program,
        profiles: host.folder().join("profiles"),
        purpose: "INVESTIGATION".to_owned(),
        case: Some(CASE.to_owned()),
    };
    eprintln!("asks the gateway what it would show");
    let plans = gateway.plans(&verify::wanted(&plot.ground))?;
    eprintln!("learns from other worlds of this pack: minutes where there are many schemes");
    let threads = super::super::threads(None).get();
    let order = Order { pack: &pack, seed: Seed(plot.seed), plans: Some(&plans), threads };
    Ok(verify::certify(&scenario.name, &plot.world, &plot.ground, &order, &Ground::made)?)
}

/// What is certified of the cases that are played.
#[derive(Serialize)]
pub struct Played<'a> {
    scenario: &'a str,
    seed: u64,
    learned_from: ([usize; 3], u64),
    certified_raw: usize,
    certified: usize,
    cases: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    case: &'a str,
    scheme: &'a str,
    hazard: u32,
    needs: &'a [Vec<String>],
    /// On records as they are.
    certified_raw: bool,
    /// Through the gateway as well.
    certified: bool,
    /// None where no detector is built for the scheme.
    certificate: Option<&'a Case>,
}

impl<'a> Played<'a> {
    /// Picks the cases that are played from a certificate.
    pub fn new(cases: &'a [PlotCase], certificate: &'a Certificate) -> Self {
        let cases: Vec<Row<'a>> = cases.iter().map(|case| Row::new(case, certificate)).collect();
        Self {
            scenario: &certificate.world,
            seed: certificate.seed,
            learned_from: certificate.learned_from,
            certified_raw: cases.iter().filter(|row| row.certified_raw).count(),
            certified: cases.iter().filter(|row| row.certified).count(),
            cases,
        }
    }

    /// Whether all are certified under the policy.
    pub fn holds(&self) -> bool {
        self.certified == self.cases.len()
    }

    /// In one line.
    pub fn summary(&self) -> String {
        let (raw, all, through) = (self.certified_raw, self.cases.len(), self.certified);
        format!("{raw} of {all} cases certified raw, {through} under the policy of the exercise")
    }

    /// For people. An agency's own records are under no policy: its figure alone is the same raw and through the gateway.
    pub fn as_text(&self) -> String {
        let header = [
            "case",
            "scheme",
            "hazard",
            "W",
            "best alone",
            "together raw",
            "through policy",
            "certified",
            "look at",
        ];
        let mut rows = super::check::table(&header);
        for row in &self.cases {
            let solo = row.certificate.and_then(|case| case.solo.as_ref());
            let joint = row.certificate.and_then(|case| case.joint.as_ref());
            let best = row.best();
            rows.add_row([
                row.case.to_owned(),
                row.scheme.to_owned(),
                row.hazard.to_string(),
                row.needs.iter().map(|set| set.join("+")).collect::<Vec<_>>().join(" or "),
                solo.map(|solo| format!("{:.3} {}", solo.posterior, solo.agency))
                    .unwrap_or_default(),
                posterior(joint.and_then(|joint| joint.posterior)),
                posterior(best.and_then(|best| best.posterior)),
                if row.certified { "yes" } else { "no" }.to_owned(),
                row.look_at(),
            ]);
        }
        let mut text = format!("\n{rows}\n\n");
        for row in self.cases.iter().filter(|row| !row.certified) {
            for fault in row.certificate.map(|case| case.faults.as_slice()).unwrap_or_default() {
                text += &format!("{} ({}): {fault}\n", row.case, row.scheme);
            }
            for Hidden { originator, field, treatment, rule, reason } in row.hidden() {
                text += &format!(
                    "     {field} of {originator}: {treatment} by rule `{rule}` ({reason})\n"
                );
            }
        }
        text + &self.summary() + "\n"
    }
}

impl<'a> Row<'a> {
    fn new(played: &'a PlotCase, all: &'a Certificate) -> Self {
        let certificate = all.cases.iter().find(|case| case.case == played.id);
        let enough = |it: Option<f64>| it.is_some_and(|it| it > JOINT_ABOVE);
        let raw = certificate.is_some_and(|case| {
            let alone = case.solo.as_ref().is_some_and(|solo| solo.posterior >= SOLO_BELOW);
            (case.teaching || !alone)
                && enough(case.joint.as_ref().and_then(|joint| joint.posterior))
        });
        let mut row = Self {
            case: &played.id,
            scheme: &played.scheme,
            hazard: played.hazard,
            needs: &played.needs,
            certified_raw: raw,
            certified: false,
            certificate,
        };
        row.certified = raw && enough(row.best().and_then(|best| best.posterior));
        row
    }

    /// The member of a set that makes most of what it is shown.
    fn best(&self) -> Option<&'a Through> {
        self.certificate?.policy.first()
    }

    fn hidden(&self) -> &'a [Hidden] {
        self.best().map(|best| best.hidden.as_slice()).unwrap_or_default()
    }

    fn look_at(&self) -> String {
        if self.certificate.is_none() {
            return "no detector is built for this scheme".to_owned();
        }
        let name = |hidden: &'a Hidden| match hidden.rule.as_str() {
            "" => hidden.reason.as_str(),
            rule => rule,
        };
        self.hidden()
            .iter()
            .map(name)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
            .join(", ")
    }
}

fn posterior(of: Option<f64>) -> String {
    of.map_or_else(|| "-".to_owned(), |it| format!("{it:.3}"))
}

#[cfg(test)]
mod tests;
