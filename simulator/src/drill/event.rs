//! What can happen in a drill. Events are all there is: every screen and every score follows from the scenario and them.
//! Of records they hold numbers and counts; values that officers saw are not in here.

use serde::{Deserialize, Serialize};

use super::clock::{Command, Exercise, Wall};
use super::plot::MatterId;
use super::scenario::Entry;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its number, from 0.
    pub number: u64,
    /// Wall time since the host began, milliseconds.
    pub wall: Wall,
    /// Exercise time.
    pub exercise: Exercise,
    /// Who did it: an agency, `trainer`, `evaluator`, `smugglers`, or `host`.
    pub by: String,
    /// Who of them, in their own words; `phone` where a trainer entered it for a team.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub player: String,
    /// The calling system and what it named the call, so that it is not carried out twice.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum What {
    /// The drill began: what it can be rebuilt from.
    Began {
        /// Scenario, by name.
        scenario: String,
        /// SHA-256 of its files.
        scenario_hash: String,
        /// SHA-256 of the pack.
        pack_hash: String,
        /// Seed of the world.
        seed: u64,
        /// Version of the simulator.
        engine: String,
        /// Who plays each team, in the order of the teams.
        players: Vec<String>,
    },
    /// A command to the clock.
    Clock {
        /// Which.
        command: Command,
    },
    /// An inject was shown.
    Inject {
        /// Its number.
        inject: u32,
    },
    /// A matter came to a team.
    Arrived {
        /// Which.
        matter: MatterId,
    },
    /// A team asked an agency through the gateway.
    Asked {
        /// For which matter; none where it was for no single one.
        matter: Option<MatterId>,
        /// Whom.
        of: String,
        /// For what, short name of a record type.
        record_type: String,
        /// What came.
        answer: Answered,
    },
    /// A team decided.
    Decided {
        /// On what.
        matter: MatterId,
        /// What.
        decision: Decision,
        /// How sure the team is that something is wrong, 0 to 100.
        confidence: u8,
        /// Why.
        reason: String,
        /// What it goes by: exchanges of the gateway.
        evidence: Vec<String>,
    },
    /// A team named further exchanges that a decision goes by.
    Cited {
        /// Of which matter.
        matter: MatterId,
        /// Exchanges of the gateway.
        evidence: Vec<String>,
    },
    /// A team gave a matter to another one.
    HandedOver {
        /// Which.
        matter: MatterId,
        /// To whom.
        to: String,
        /// With which words.
        text: String,
    },
    /// Words.
    Message {
        /// An agency, `ALL`, or `control`.
        to: String,
        /// The words.
        text: String,
    },
    /// An inject was added to the list, or changed before it happened.
    Planned {
        /// The row as it is now.
        entry: Box<Entry>,
    },
    /// An inject was taken back.
    Withdrawn {
        /// Its number.
        inject: u32,
        /// Why.
        reason: String,
    },
    /// A real emergency: exercise time stands.
    NoDuff {
        /// What has happened.
        text: String,
    },
    /// The host was started again after it had ended without ending the drill.
    Resumed,
    /// Smugglers gave up a case that had not begun, for one of their reserve.
    Rerouted {
        /// The matter that had been stopped.
        after: MatterId,
        /// The case that does not happen, by its name in the truth.
        case: String,
        /// The case that does.
        to: String,
    },
    /// What an inspection found.
    Inspected {
        /// Of what.
        matter: MatterId,
        /// Something that does not fit the papers.
        irregular: bool,
    },
    /// A plan that the gateway applied to disclosures: what it shows, field by field.
    Plan {
        /// Its SHA-256.
        plan: String,
        /// Full name of the record type.
        record_type: String,
        /// Whose records.
        originator: String,
        /// Paths that are shown in any way, with the treatment's word.
        shows: Vec<(String, String)>,
    },
    /// Entry of the gateway's log: records went from one agency to another.
    Disclosed {
        /// Its position in the log.
        entry: u64,
        /// The exchange.
        exchange: String,
        /// Who received them.
        to: String,
        /// Whose they are.
        from: String,
        /// Full name of the record type.
        record_type: String,
        /// SHA-256 of the plan.
        plan: String,
        /// How many.
        records: u64,
    },
    /// By the gateway's log, an agency received a record of a case.
    Received {
        /// Who.
        to: String,
        /// Whose.
        from: String,
        /// Table of the record.
        table: String,
        /// Its number.
        record: String,
        /// SHA-256 of the plan that was applied.
        plan: String,
    },
    /// A release request at the gateway on which its originator decided.
    Release {
        /// Its id.
        id: String,
        /// Who asked.
        to: String,
        /// Whose record it is.
        from: String,
        /// Table of the record.
        table: String,
        /// Its number where it is of a case; empty for all others.
        record: String,
        /// Fields that were asked for.
        fields: Vec<String>,
        /// Whether anything was granted.
        granted: bool,
    },
    /// Entry of the gateway's log: it refused.
    Refused {
        /// Its position in the log.
        entry: u64,
        /// Whom.
        to: String,
        /// One word.
        reason: String,
    },
    /// Something in a trainer's or evaluator's own words.
    Remark {
        /// What it is about: a team, an objective, an inject.
        about: String,
        /// The words.
        text: String,
    },
    /// An evaluator's rating.
    Rated {
        /// Team.
        team: String,
        /// Objective.
        objective: String,
        /// As HSEEP has it.
        rating: Rating,
        /// Why.
        reason: String,
    },
    /// The drill ended; nothing follows.
    Ended {
        /// The gateway's last checkpoint; of several gateways, theirs.
        checkpoint: String,
        /// Entries that were verified: the whole log of a gateway of the drill's own; of others', what the drill counts.
        entries: u64,
    },
}

/// How well an objective was met (HSEEP, exercise evaluation guide).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rating {
    /// Performed without challenges.
    P,
    /// Performed with some challenges.
    S,
    /// Performed with major challenges.
    M,
    /// Unable to be performed.
    U,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// So many records, in this exchange.
    Records {
        /// How many.
        count: u64,
        /// The gateway's exchange.
        exchange: String,
    },
    /// The gateway refused, in one word.
    Refused {
        /// The word.
        reason: String,
    },
}

macro_rules! decisions {
    ($($(#[$doc:meta])* $name:ident $word:literal $stops:literal),* $(,)?) => {
        /// What a team decides on a matter.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Decision { $($(#[$doc])* $name),* }

        impl Decision {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its word.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            /// Whether goods, money or a licence stay where they are.
            pub fn stops(self) -> bool {
                match self { $(Self::$name => $stops),* }
            }

            /// From its word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().find(|one| one.word() == word).copied()
            }
        }
    };
}

decisions! {
    /// Open it and look.
    Inspect "inspect" false,
    /// Keep it for now.
    Hold "hold" true,
    /// Let it go.
    Release "release" false,
    /// Take it for good.
    Seize "seize" true,
    /// Grant the licence.
    Approve "approve" false,
    /// Refuse the licence.
    Deny "deny" true,
    /// Grant it under conditions.
    Condition "condition" false,
    /// Ask another authority first.
    Consult "consult" false,
    /// Tell the exporter that goods may need a licence.
    Inform "inform" false,
    /// Keep the money.
    Freeze "freeze" true,
    /// Board the ship.
    Board "board" true,
    /// Warn others.
    Alert "alert" false,
    /// Hand it to another agency.
    Refer "refer" false,
    /// Nothing further.
    Close "close" false,
}

impl Decision {
    /// What it means, for people.
    pub fn about(self) -> &'static str {
        match self {
            Self::Inspect => "open it and look",
            Self::Hold => "keep it for now",
            Self::Release => "let it go",
            Self::Seize => "take it for good",
            Self::Approve => "grant the licence",
            Self::Deny => "refuse the licence",
            Self::Condition => "grant the licence under conditions",
            Self::Consult => "ask another authority first",
            Self::Inform => "tell the exporter that goods may need a licence",
            Self::Freeze => "keep the money",
            Self::Board => "board the ship",
            Self::Alert => "warn others",
            Self::Refer => "hand it to another agency",
            Self::Close => "nothing further",
        }
    }
}
