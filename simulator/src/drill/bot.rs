//! Who plays how. Bots stand in for agencies that nobody plays, and are what good play is measured against.

use super::event::Decision;
use super::playbook::{ALL, Found, Judgement, Lead, Own, Playbook};
use crate::table::Table;

/// A way to play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bot {
    /// Asks partners what a matter gives cause for, and nothing else; decides by the answers.
    Good,
    /// Asks nobody. Looks at what is most likely and holds nothing on suspicion alone.
    SoloCareful,
    /// Asks nobody, and holds what is most likely.
    SoloBold,
    /// Asks everybody for everything, cause or no cause.
    Greedy,
    /// Does nothing.
    Silent,
    /// Holds everything.
    HoldEverything,
    /// Knows the truth.
    Oracle,
}

impl Bot {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Good,
        Self::SoloCareful,
        Self::SoloBold,
        Self::Greedy,
        Self::Silent,
        Self::HoldEverything,
        Self::Oracle,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::SoloCareful => "solo-careful",
            Self::SoloBold => "solo-bold",
            Self::Greedy => "greedy",
            Self::Silent => "silent",
            Self::HoldEverything => "hold-everything",
            Self::Oracle => "oracle",
        }
    }

    /// From its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bot| bot.word() == word)
    }

    /// Whether it asks through the gateway.
    pub fn asks(self) -> bool {
        matches!(self, Self::Good | Self::Greedy)
    }

    /// Suspicion from which on it stops a matter.
    fn stops_from(self) -> f64 {
        match self {
            Self::Greedy => 0.5,
            Self::SoloBold => 0.15,
            Self::SoloCareful => 2.0,
            _ => 0.8,
        }
    }

    /// Suspicion from which on it has a matter opened, where it still can.
    fn inspects_from(self) -> f64 {
        match self {
            Self::SoloBold | Self::SoloCareful => 0.06,
            _ => 0.3,
        }
    }
}

/// What a bot does about a matter now.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// What.
    pub decision: Decision,
    /// How sure it is that something is wrong, 0 to 100.
    pub confidence: u8,
    /// Why.
    pub reason: String,
}

/// Playbooks that have something to say of a matter, with what the agency alone makes of it.
pub fn called_for(own: &Own) -> Vec<(&'static dyn Playbook, Judgement)> {
    let fit = ALL.iter().filter(|book| book.table() == own.at.table);
    fit.filter_map(|book| Some((*book, book.alone(own)?))).collect()
}

/// The most suspicious of several judgements.
pub fn worst(all: impl IntoIterator<Item = Judgement>) -> Option<Judgement> {
    all.into_iter().reduce(|worst, one| if one.suspicion > worst.suspicion { one } else { worst })
}

/// Confidence in hundredths.
pub fn percent(suspicion: f64) -> u8 {
    let whole = (0_u8..=100).find(|percent| f64::from(*percent) >= suspicion * 100.0 - 0.5);
    whole.unwrap_or(100)
}

impl Bot {
    /// What it does about a matter that it suspects so much. `last`: there will be no other look.
    pub fn act(self, table: Table, made: &Judgement, can_inspect: bool, last: bool) -> Option<Act> {
        let act = |decision| {
            let reason = made.why.to_owned();
            Some(Act { decision, confidence: percent(made.suspicion), reason })
        };
        if made.suspicion >= self.stops_from() {
            act(stop(table))
        } else if table == Table::Declaration
            && can_inspect
            && made.suspicion >= self.inspects_from()
        {
            act(Decision::Inspect)
        } else if last {
            act(let_go(table))
        } else {
            None
        }
    }
}

/// How agencies stop what a record is about.
pub fn stop(table: Table) -> Decision {
    match table {
        Table::Licence => Decision::Deny,
        Table::Payment => Decision::Freeze,
        _ => Decision::Hold,
    }
}

/// How agencies let it go.
pub fn let_go(table: Table) -> Decision {
    match table {
        Table::Licence => Decision::Approve,
        Table::Payment => Decision::Close,
        _ => Decision::Release,
    }
}

/// A question as the greedy ask it: everything of the type.
pub fn everything(lead: &Lead) -> Lead {
    Lead { of: lead.of.clone(), table: lead.table, tests: vec![], fields: &["*"] }
}

/// What of everything the question had been about.
pub fn fitting(lead: &Lead, found: Found) -> Found {
    use super::playbook::Test;
    let fits = |row: &super::playbook::Row| {
        lead.tests.iter().all(|(path, test)| {
            let cell = row.get(*path).map_or("", String::as_str);
            match test {
                Test::Is(text) => cell == text || cell.ends_with(&format!("_{text}")),
                Test::Begins(text) => cell.starts_with(text.as_str()),
            }
        })
    };
    found.map(|rows| rows.into_iter().filter(fits).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_is_rounded_to_whole_percent() {
        assert_eq!([0.0, 0.004, 0.93, 0.999, 1.5].map(percent), [0, 0, 93, 100, 100]);
    }

    #[test]
    fn words_come_back_as_what_they_were() {
        for bot in Bot::ALL {
            assert_eq!(Bot::parse(bot.word()), Some(bot));
        }
        assert_eq!(Bot::parse("clever"), None);
    }

    #[test]
    fn nobody_decides_twice_what_is_between_before_the_last_look() {
        let made = Judgement { suspicion: 0.1, why: "" };
        assert_eq!(Bot::Good.act(Table::Declaration, &made, true, false), None);
        let last = Bot::Good.act(Table::Declaration, &made, true, true).unwrap();
        assert_eq!(last.decision, Decision::Release);
        let bold = Judgement { suspicion: 0.2, why: "" };
        let held = Bot::SoloBold.act(Table::Licence, &bold, true, false).unwrap();
        assert_eq!(held.decision, Decision::Deny);
    }
}
