//! Calls that look.

use portcullis_proto::drill::v1 as wire;
use tonic::{Code, Status};

use super::words::{clock, duration, exercise, row};
use super::{Role, Service, Who, problem, refused};
use crate::detect::records::place;
use crate::drill::known::later;
use crate::drill::now::moment;
use crate::drill::play::State;
use crate::drill::play::rules::open_on;
use crate::drill::plot::{Matter, decides_on};
use crate::drill::report::SCORES;
use crate::drill::score::{Scores, score};
use crate::table::{Column, Kind};

impl Service {
    pub(super) async fn drill(&self, who: &Who) -> Result<wire::GetDrillResponse, Status> {
        let (role, staff) = (who.role, who.is_staff());
        let seen = self.session.view(move |state| {
            let inspections = match role {
                Role::Player(team) => {
                    let (length, left) = state.inspections_left(team, state.now());
                    let ends = (state.now().0 / length + 1) * length;
                    Some(wire::Inspections { left, shift_ends: Some(duration(ends)) })
                }
                _ => None,
            };
            let decisions = match role {
                Role::Player(team) => open_to(state, team),
                _ => vec![],
            };
            (inspections, decisions)
        });
        let (inspections, decisions) = seen.await.map_err(|error| problem(&error))?;
        let clocks = *self.session.clocks().borrow();
        let cast = &self.session.cast;
        let teams = cast.scenario.teams.iter().zip(&cast.players).zip(self.held.iter());
        let teams = teams.map(|((team, player), held)| wire::Team {
            agency: team.agency.clone(),
            name: team.name.clone(),
            player: if staff { player.word() } else { String::new() },
            record_types: held.clone(),
        });
        let objectives = cast.scenario.objectives.iter();
        let objectives =
            objectives.map(|one| wire::Objective { id: one.id.clone(), text: one.text.clone() });
        Ok(wire::GetDrillResponse {
            scenario: cast.scenario.name.clone(),
            title: cast.scenario.title.trim().to_owned(),
            about: cast.scenario.about.trim().to_owned(),
            teams: teams.collect(),
            objectives: objectives.collect(),
            length: exercise(cast.scenario.length),
            role: match role {
                Role::Trainer => wire::Role::Trainer,
                Role::Evaluator => wire::Role::Evaluator,
                Role::Observer => wire::Role::Observer,
                Role::Player(_) => wire::Role::Player,
            }
            .into(),
            team: if staff { String::new() } else { who.name.clone() },
            case_id: self.case.clone(),
            clock: Some(clock(&clocks)),
            decisions,
            inspections,
            next_event: clocks.events,
        })
    }

    pub(super) async fn matters(
        &self,
        who: &Who,
        asked: wire::ListMattersRequest,
    ) -> Result<wire::ListMattersResponse, Status> {
        let of = match (who.role, asked.team.as_str()) {
            (Role::Player(_), team) if !team.is_empty() && team != who.name => {
                return Err(refused(Code::PermissionDenied, "ROLE", "matters of another team"));
            }
            (Role::Player(place), _) => Some(place),
            (_, "") => None,
            (_, team) => {
                let teams = &self.session.cast.scenario.teams;
                let place = teams.iter().position(|one| one.agency == team);
                let unknown = || refused(Code::NotFound, "TEAM_UNKNOWN", "no such team plays");
                Some(place.ok_or_else(unknown)?)
            }
        };
        let (staff, open_only) = (who.is_staff(), asked.open_only);
        let seen = self.session.view(move |state| {
            let mine = |one: &&Matter| {
                let holder = state.holder(one.id);
                state.has_arrived(one.id) && (of.is_none() || holder == of)
            };
            let open = |one: &&Matter| {
                !open_only || (state.decided(one.id).is_none() && state.now() <= one.leaves)
            };
            let matters = state.plot.matters.iter().filter(mine).filter(open);
            matters.map(|one| told(state, one, of, staff)).collect()
        });
        let matters = seen.await.map_err(|error| problem(&error))?;
        Ok(wire::ListMattersResponse { matters })
    }

    pub(super) async fn injects(&self, who: &Who) -> Result<wire::ListInjectsResponse, Status> {
        who.only(&[Role::Trainer, Role::Evaluator, Role::Observer])?;
        let seen = self.session.view(|state| {
            let rows = state.rows().map(|entry| {
                let happened = state.shown(entry.number);
                let planned = state.clock().planned(crate::drill::clock::Inject(entry.number));
                let told = row(entry);
                wire::Inject {
                    planned: planned.or(happened).map_or(told.planned, exercise),
                    happened: happened.and_then(exercise),
                    skipped: state.is_withdrawn(entry.number)
                        || (happened.is_none() && planned.is_none() && told.planned.is_some()),
                    met: state.met(entry.number).and_then(exercise),
                    ..told
                }
            });
            rows.collect()
        });
        let injects = seen.await.map_err(|error| problem(&error))?;
        Ok(wire::ListInjectsResponse { injects })
    }

    pub(super) async fn scores(&self, who: &Who) -> Result<wire::GetScoresResponse, Status> {
        who.only(&[Role::Trainer, Role::Evaluator, Role::Observer])?;
        let events = self.session.so_far();
        let cast = self.session.cast.clone();
        // So much to count that the others should not wait for it.
        let scored =
            tokio::task::spawn_blocking(move || score(&cast.scenario, &cast.plot, &events));
        let broken = |_| refused(Code::Internal, "INTERNAL", "scores could not be counted");
        let scored = scored.await.map_err(broken)?;
        let team = |agency: &str, scores: &Scores| wire::TeamScores {
            agency: agency.to_owned(),
            scores: SCORES
                .iter()
                .map(|named| {
                    let score = (named.of)(scores);
                    let name = named.name.to_owned();
                    wire::Score { name, numerator: score.numerator, denominator: score.denominator }
                })
                .collect(),
        };
        let teams = self.session.cast.scenario.teams.iter();
        let teams = teams.filter_map(|one| Some(team(&one.agency, scored.teams.get(&one.agency)?)));
        let all = std::iter::once(team("", &scored.all)).chain(teams);
        Ok(wire::GetScoresResponse { teams: all.collect() })
    }
}

/// Decisions that are open to a team.
fn open_to(state: &State<'_>, team: usize) -> Vec<String> {
    let records = &state.plot.ground.records;
    let agency = records.word(state.team(team));
    let office = agency.and_then(|agency| state.plot.ground.roster.office(agency));
    let table = office.and_then(decides_on);
    let open = table.map(open_on).unwrap_or_default();
    open.iter().map(|decision| decision.word().to_owned()).collect()
}

/// A matter as a team sees it; its record only where it is the team's own, or to staff.
fn told(state: &State<'_>, matter: &Matter, of: Option<usize>, staff: bool) -> wire::Matter {
    let stands = state.decided(matter.id);
    let found = state
        .found(matter.id)
        .map(|irregular| if irregular { "irregular" } else { "as declared" }.to_owned());
    let own = staff || of == Some(matter.team);
    wire::Matter {
        number: matter.id.0 + 1,
        record_type: matter.at.table.record_type().to_owned(),
        record: matter.record.clone(),
        arrived: exercise(matter.arrives),
        leaves: exercise(matter.leaves),
        team: state.holder(matter.id).map(|team| state.team(team).to_owned()).unwrap_or_default(),
        decision: stands.map(|one| one.decision.word().to_owned()).unwrap_or_default(),
        confidence: stands.map_or(0, |one| u32::from(one.confidence)),
        found: found.unwrap_or_default(),
        record_cells: if own { cells(state, matter) } else { vec![] },
    }
}

/// The record as its agency has it by now: cells that come later are not there yet.
fn cells(state: &State<'_>, matter: &Matter) -> Vec<wire::Cell> {
    let (records, at) = (&state.plot.ground.records, matter.at);
    let now = state.plot.story.world(state.now());
    let waits = later(at.table).filter(|(when, _)| {
        let when = records.number(at, place(at.table, when));
        when.is_none_or(|when| when > now as f64)
    });
    let waits = waits.map_or(&[][..], |(_, waits)| waits);
    let columns = at.table.columns().iter().filter(|one| !one.path.is_empty());
    let cell = |column: &Column| {
        let place = place(at.table, column.name);
        let value = match (records.number(at, place), column.kind) {
            (Some(number), Kind::Moment) => moment(number as i64),
            (Some(number), Kind::Day) => moment(number as i64).chars().take(10).collect(),
            (Some(number), _) => crate::drill::report::amount(number),
            (None, _) => records.text(at, place).to_owned(),
        };
        wire::Cell { path: column.path.to_owned(), value }
    };
    let shown = columns.filter(|column| !waits.contains(&column.name)).map(cell);
    shown.filter(|cell| !cell.value.is_empty()).collect()
}
