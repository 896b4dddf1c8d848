//! The life of a release request: a requester asks the originator of one record to show more of named fields; the
//! originator grants, in part or whole, refuses, asks back, or says nothing until it lapses. Pure: who may do
//! what in which state, and nothing else; steps are made durable and shown elsewhere.

use std::fmt;

use crate::id::Moment;
use crate::label::words;

/// Names a release request: a UUID of version 7, as exchanges have; lower-case hex without hyphens as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReleaseId(pub [u8; 16]);

impl ReleaseId {
    /// From its text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        // Upper case would be a second name of the same thing.
        let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        (lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(Self(bytes))
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who takes a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The agency that asks.
    Requester,
    /// The agency whose record it is.
    Originator,
    /// Nobody: time passed.
    Time,
}

words! {
    /// What is done. The numbers are those of `portcullis.query.v1.ReleaseAct`, and stand in the log.
    Act {
        /// The requester asks.
        Request = 1 "REQUEST",
        /// The originator wants to know more first.
        AskBack = 2 "ASK_BACK",
        /// The requester answers.
        Answer = 3 "ANSWER",
        /// The originator grants some or all of the fields.
        Grant = 4 "GRANT",
        /// The originator refuses.
        Refuse = 5 "REFUSE",
        /// Nobody answered in the time that the agreement gives.
        Lapse = 6 "LAPSE",
        /// The requester needs it no more.
        Withdraw = 7 "WITHDRAW",
        /// The originator takes its grant back: what was not fetched stays where it is.
        Revoke = 8 "REVOKE",
    }
}

impl Act {
    /// Whose act it is.
    pub fn side(self) -> Side {
        match self {
            Self::Request | Self::Answer | Self::Withdraw => Side::Requester,
            Self::AskBack | Self::Grant | Self::Refuse | Self::Revoke => Side::Originator,
            Self::Lapse => Side::Time,
        }
    }
}

words! {
    /// Where a request stands. The numbers are those of `portcullis.query.v1.ReleaseState`.
    State {
        /// The originator is asked.
        Pending = 1 "PENDING",
        /// The requester is asked back.
        AskedBack = 2 "ASKED_BACK",
        /// Granted, in part or whole.
        Granted = 3 "GRANTED",
        /// Refused.
        Refused = 4 "REFUSED",
        /// Nobody answered in time.
        Lapsed = 5 "LAPSED",
        /// Needed no more.
        Withdrawn = 6 "WITHDRAWN",
        /// Granted once, taken back since.
        Revoked = 7 "REVOKED",
    }
}

impl State {
    /// Does somebody have to say something yet?
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::AskedBack)
    }
}

words! {
    /// Why an originator refuses. The numbers are those of `portcullis.query.v1.RefusalGround`. The first
    /// are what articles on exemptions in agreements on mutual administrative assistance usually name; a text says more.
    Ground {
        /// Sovereignty, security or public order.
        NationalInterest = 1 "NATIONAL_INTEREST",
        /// It would harm an investigation or proceedings.
        OngoingInvestigation = 2 "ONGOING_INVESTIGATION",
        /// A law forbids it: secrecy, data protection, another agreement.
        LegalRestriction = 3 "LEGAL_RESTRICTION",
        /// The reason given does not carry it.
        NotNecessary = 4 "NOT_NECESSARY",
        /// It would be out of proportion to what it costs.
        Disproportionate = 5 "DISPROPORTIONATE",
        /// The data are not good enough to be relied on.
        Unreliable = 6 "UNRELIABLE",
        /// The text says why.
        Other = 7 "OTHER",
    }
}

/// A step that cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum StepError {
    /// The other side's to do.
    #[error("that step is the other agency's")]
    NotYours,
    /// Everything has been said already.
    #[error("the request is settled")]
    Settled,
    /// Not as it stands: an answer that nobody asked for, a grant taken back that was not given.
    #[error("the request does not stand so that this could be done")]
    OutOfOrder,
    /// The time for it is over.
    #[error("the time for an answer is over")]
    Late,
}

/// Where a request stands after an act; `None`: there is none yet. `lapses_at` is when it lapses.
///
/// # Errors
/// The act is not the side's, or not possible as it stands.
pub fn next(
    state: Option<State>,
    act: Act,
    side: Side,
    now: Moment,
    lapses_at: Moment,
) -> Result<State, StepError> {
    if act.side() != side {
        return Err(StepError::NotYours);
    }
    let late = now >= lapses_at;
    match (state, act) {
        (None, Act::Request) => Ok(State::Pending),
        (None, _) | (Some(_), Act::Request) => Err(StepError::OutOfOrder),
        (Some(State::Granted), Act::Revoke) => Ok(State::Revoked),
        (Some(State::Pending | State::AskedBack), Act::Revoke) => Err(StepError::OutOfOrder),
        (Some(State::Pending | State::AskedBack), Act::Lapse) if late => Ok(State::Lapsed),
        (Some(State::Pending | State::AskedBack), Act::Lapse) => Err(StepError::OutOfOrder),
        (Some(State::Pending | State::AskedBack), Act::Withdraw) => Ok(State::Withdrawn),
        (Some(State::Pending | State::AskedBack), _) if late => Err(StepError::Late),
        (Some(State::Pending | State::AskedBack), Act::Grant) => Ok(State::Granted),
        (Some(State::Pending | State::AskedBack), Act::Refuse) => Ok(State::Refused),
        (Some(State::Pending), Act::AskBack) => Ok(State::AskedBack),
        (Some(State::AskedBack), Act::Answer) => Ok(State::Pending),
        (Some(State::Pending | State::AskedBack), _) => Err(StepError::OutOfOrder),
        (Some(_), _) => Err(StepError::Settled),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const END: Moment = Moment(100);

    fn sides() -> [Side; 3] {
        [Side::Requester, Side::Originator, Side::Time]
    }

    #[test]
    fn a_request_is_asked_about_answered_granted_and_taken_back() {
        let mut state = None;
        for (act, after) in [
            (Act::Request, State::Pending),
            (Act::AskBack, State::AskedBack),
            (Act::Answer, State::Pending),
            (Act::Grant, State::Granted),
            (Act::Revoke, State::Revoked),
        ] {
            state = Some(next(state, act, act.side(), Moment(0), END).unwrap());
            assert_eq!(state, Some(after));
        }
    }

    #[test]
    fn time_alone_lapses_and_only_when_it_is_over() {
        let lapse = |now| next(Some(State::Pending), Act::Lapse, Side::Time, Moment(now), END);
        assert_eq!(lapse(99), Err(StepError::OutOfOrder));
        assert_eq!(lapse(100), Ok(State::Lapsed));
        let late = |act: Act| next(Some(State::Pending), act, act.side(), END, END);
        assert_eq!(late(Act::Grant), Err(StepError::Late), "silence is not made good later");
        assert_eq!(late(Act::Refuse), Err(StepError::Late));
        assert_eq!(late(Act::Withdraw), Ok(State::Withdrawn));
    }

    #[test]
    fn names_are_one_way_of_writing() {
        let id = ReleaseId([0xab; 16]);
        assert_eq!(ReleaseId::parse(&id.to_string()), Some(id));
        assert_eq!(ReleaseId::parse(&id.to_string().to_uppercase()), None);
        assert_eq!(ReleaseId::parse("ab"), None);
        for act in Act::ALL.iter().copied() {
            assert_eq!(Act::from_number(act as i32), Some(act));
        }
        for ground in Ground::ALL.iter().copied() {
            assert_eq!(Ground::from_number(ground as i32), Some(ground));
            assert_eq!(Ground::from_word(ground.word()), Some(ground));
        }
    }

    proptest! {
        /// Whatever is tried in whatever order: nobody takes the other's step, a grant is the originator's and
        /// in time, and what is settled moves no more, but for a grant that is taken back.
        #[test]
        fn only_the_originator_in_time_grants(
            script in prop::collection::vec((0..8_usize, 0..3_usize, 0..200_i64), 0..40),
        ) {
            let (mut state, mut clock) = (None, 0);
            for (act, side, at) in script {
                let (act, side) = (Act::ALL[act], sides()[side]);
                clock = at.max(clock);
                let after = next(state, act, side, Moment(clock), END);
                if let Ok(after) = after {
                    prop_assert_eq!(act.side(), side);
                    prop_assert_ne!(Some(after), state);
                    let open = state.is_none_or(State::is_open);
                    prop_assert!(open || (state, after) == (Some(State::Granted), State::Revoked));
                    if after == State::Granted {
                        prop_assert_eq!(side, Side::Originator);
                        prop_assert!(clock < END.0);
                    }
                    state = Some(after);
                }
            }
        }
    }
}
