//! What people can do in a drill, and whether they may at this moment. Who may do what by role is the service's to say.

use crate::drill::clock::{Command, Inject, Refused, State as Running};
use crate::drill::event::{Decision, Event, Rating, What};
use crate::drill::play::State;
use crate::drill::play::rules::Refusal;
use crate::drill::plot::MatterId;
use crate::drill::scenario::{Entry, Happening};

/// Something that people can do.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// A team decides.
    Decide {
        /// Which team.
        team: String,
        /// On what.
        matter: MatterId,
        /// What.
        decision: Decision,
        /// How sure that something is wrong, 0 to 100.
        confidence: u8,
        /// Why.
        reason: String,
        /// Exchanges that it goes by.
        evidence: Vec<String>,
    },
    /// A team names further exchanges.
    Cite {
        /// For which matter.
        matter: MatterId,
        /// Which.
        evidence: Vec<String>,
    },
    /// A team gives a matter away.
    HandOver {
        /// Which.
        matter: MatterId,
        /// To whom.
        to: String,
        /// With which words.
        text: String,
    },
    /// Words to somebody.
    Send {
        /// To whom.
        to: String,
        /// Which.
        text: String,
    },
    /// A command to the clock.
    Control(Command),
    /// Time stands for a real emergency.
    NoDuff(String),
    /// An inject is added (number 0) or changed.
    PutInject(Box<Entry>),
    /// An inject is taken back.
    Withdraw {
        /// Which.
        inject: u32,
        /// Why.
        reason: String,
    },
    /// A rating.
    Rate {
        /// Of which team.
        team: String,
        /// For which objective.
        objective: String,
        /// How well.
        rating: Rating,
        /// Why.
        reason: String,
    },
    /// A note.
    Note {
        /// About which team.
        team: String,
        /// The note.
        text: String,
    },
}

/// Why something was not done; nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The drill is over.
    #[error("the drill is over")]
    Over,
    /// The key was used for something else.
    #[error("this key was used for another call")]
    KeyReused,
    /// Not now, or not by this team.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The clock says no.
    #[error(transparent)]
    Clock(#[from] Refused),
    /// No such team.
    #[error("no team `{0}` plays")]
    NoTeam(String),
    /// Bots take nothing over.
    #[error("team `{0}` is played by a bot, which takes no matters over")]
    TakesNothing(String),
    /// Nothing to cite for.
    #[error("nothing was decided on this matter yet")]
    Undecided,
    /// No such inject.
    #[error("no inject {0} is in the list")]
    NoInject(u32),
    /// No such objective.
    #[error("no objective `{0}` in this exercise")]
    NoObjective(String),
    /// It was shown, so that it cannot be changed.
    #[error("inject {0} has happened: it can be withdrawn, not changed")]
    Happened(u32),
}

impl Problem {
    /// Its stable word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Over => "DRILL_OVER",
            Self::KeyReused => "KEY_REUSED",
            Self::Refused(refusal) => refusal.word(),
            Self::Clock(_) => "CLOCK_REFUSED",
            Self::NoTeam(_) => "TEAM_UNKNOWN",
            Self::TakesNothing(_) => "TEAM_TAKES_NOTHING",
            Self::Undecided => "NOT_DECIDED",
            Self::NoInject(_) => "INJECT_UNKNOWN",
            Self::NoObjective(_) => "OBJECTIVE_UNKNOWN",
            Self::Happened(_) => "INJECT_HAPPENED",
        }
    }
}

impl Deed {
    /// Who does it as the log has it, and the event that it becomes.
    pub(super) fn check(self, state: &State<'_>, role: &str) -> Result<(String, What), Problem> {
        if state.clock().state() == Running::Ended {
            return Err(Problem::Over);
        }
        let place = |team: &str| state.place(team).ok_or_else(|| Problem::NoTeam(team.to_owned()));
        let mut by = role.to_owned();
        let what = match self {
            Self::Decide { team, matter, decision, confidence, reason, evidence } => {
                state.may_decide(place(&team)?, matter, decision)?;
                by = team;
                What::Decided { matter, decision, confidence, reason, evidence }
            }
            Self::Cite { matter, evidence } => {
                if state.holder(matter) != Some(place(role)?) || !state.has_arrived(matter) {
                    return Err(Refusal::NoMatter.into());
                }
                state.decided(matter).ok_or(Problem::Undecided)?;
                What::Cited { matter, evidence }
            }
            Self::HandOver { matter, to, text } => {
                state.reachable(place(role)?, matter)?;
                if state.is_bot(place(&to)?) {
                    return Err(Problem::TakesNothing(to));
                }
                What::HandedOver { matter, to, text }
            }
            Self::Send { to, text } => {
                if to != "ALL" && to != "control" {
                    place(&to)?;
                }
                What::Message { to, text }
            }
            Self::Control(command) => {
                // Asked of a copy: what is refused is not written down.
                let mut clock = state.clock().clone();
                clock.apply(clock.now().0, command).1?;
                What::Clock { command }
            }
            Self::NoDuff(text) => What::NoDuff { text },
            Self::PutInject(entry) => What::Planned { entry: Box::new(planned(state, *entry)?) },
            Self::Withdraw { inject, reason } => {
                let known = state.row(inject).filter(|_| !state.is_withdrawn(inject));
                known.ok_or(Problem::NoInject(inject))?;
                What::Withdrawn { inject, reason }
            }
            Self::Rate { team, objective, rating, reason } => {
                place(&team)?;
                let known = state.scenario.objectives.iter().any(|one| one.id == objective);
                if !known {
                    return Err(Problem::NoObjective(objective));
                }
                What::Rated { team, objective, rating, reason }
            }
            Self::Note { team, text } => {
                place(&team)?;
                What::Remark { about: team, text }
            }
        };
        Ok((by, what))
    }

    /// Whether an event is this deed, done before.
    pub(super) fn is(&self, event: &Event) -> bool {
        match (self, &event.what) {
            (
                Self::Decide { matter, decision, confidence, reason, evidence, team },
                What::Decided { matter: m, decision: d, confidence: c, reason: r, evidence: e },
            ) => {
                (matter, decision, confidence, reason, evidence) == (m, d, c, r, e)
                    && event.by == *team
            }
            (Self::Cite { matter, evidence }, What::Cited { matter: m, evidence: e }) => {
                (matter, evidence) == (m, e)
            }
            (
                Self::HandOver { matter, to, text },
                What::HandedOver { matter: m, to: t, text: w },
            ) => (matter, to, text) == (m, t, w),
            (Self::Send { to, text }, What::Message { to: t, text: w }) => (to, text) == (t, w),
            (Self::Control(one), What::Clock { command }) => one == command,
            (Self::NoDuff(one), What::NoDuff { text }) => one == text,
            (Self::PutInject(one), What::Planned { entry }) => {
                let number = if one.number == 0 { entry.number } else { one.number };
                Entry { number, ..(**one).clone() } == **entry
            }
            (Self::Withdraw { inject, reason }, What::Withdrawn { inject: i, reason: r }) => {
                (inject, reason) == (i, r)
            }
            (
                Self::Rate { team, objective, rating, reason },
                What::Rated { team: t, objective: o, rating: g, reason: r },
            ) => (team, objective, rating, reason) == (t, o, g, r),
            (Self::Note { team, text }, What::Remark { about, text: w }) => {
                (team, text) == (about, w)
            }
            _ => false,
        }
    }
}

/// The row as it goes into the list.
fn planned(state: &State<'_>, mut entry: Entry) -> Result<Entry, Problem> {
    if entry.number == 0 {
        entry.number = state.rows().map(|row| row.number).max().unwrap_or_default() + 1;
    } else {
        state.row(entry.number).ok_or(Problem::NoInject(entry.number))?;
        if state.shown(entry.number).is_some() {
            return Err(Problem::Happened(entry.number));
        }
    }
    if entry.kind != Happening::Contingency {
        let mut clock = state.clock().clone();
        clock.apply(clock.now().0, Command::Plan(Inject(entry.number), entry.at)).1?;
    }
    Ok(entry)
}
