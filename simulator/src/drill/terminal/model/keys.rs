//! Which keys do what, on which screen, for whom. The line at the bottom and the page of help are read from the same
//! list that keys are looked up in, so that what is shown is what works.

use portcullis_core::release::{Act, State as Stands};
use portcullis_proto::drill::v1 as wire;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use wire::{Role, State};

use super::{Effect, Model, Screen, Standing, standing};
use crate::drill::terminal::form::Took;

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Another screen, by its place.
    Show(usize),
    /// Up and down a list, by so many lines.
    Move(isize),
    /// To the first.
    First,
    /// To the last.
    Last,
    /// Sideways in an answer.
    Side(isize),
    /// Opens what is picked.
    Open,
    /// Back out of it.
    Back,
    /// To the next unread.
    NextUnread,
    /// The page of help.
    Help,
    /// Leaves.
    Quit,
    /// A decision.
    Decide,
    /// Evidence for a decision taken.
    Cite,
    /// A matter to another team.
    HandOver,
    /// A question about the picked matter.
    Ask,
    /// The same question once more, under its key.
    AskAgain,
    /// A request to show more of a field.
    Release,
    /// A step on the picked release request.
    Step(Act),
    /// What the picked release request was granted.
    UseGrant,
    /// Words.
    Message,
    /// Start, pause, resume.
    Run,
    /// Speed.
    Speed,
    /// To the next inject.
    Jump,
    /// The picked inject now.
    Trigger,
    /// The picked inject not at all.
    Skip,
    /// Everything later.
    Postpone,
    /// The end.
    End,
    /// A real emergency.
    NoDuff,
    /// An inject more.
    Add,
    /// The picked inject otherwise.
    Edit,
    /// The picked inject taken back.
    Withdraw,
    /// A rating.
    Rate,
}

/// A key and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// Which key.
    pub code: KeyCode,
    /// Its name.
    pub key: &'static str,
    /// What it does, in a word or two.
    pub what: &'static str,
    /// What it does.
    pub action: Action,
}

const fn on(code: KeyCode, key: &'static str, what: &'static str, action: Action) -> Binding {
    Binding { code, key, what, action }
}

const fn letter(key: &'static str, what: &'static str, action: Action) -> Binding {
    let code = match key.as_bytes() {
        [byte] => KeyCode::Char(*byte as char),
        _ => KeyCode::Null,
    };
    on(code, key, what, action)
}

/// Lines that a page key goes over.
const PAGE: isize = 10;
const DIGITS: [&str; 5] = ["1", "2", "3", "4", "5"];

impl Model {
    /// What keys do now, on the screen that is shown.
    pub fn bindings(&self) -> Vec<Binding> {
        let mut all = vec![];
        for ((place, screen), digit) in self.screens().iter().enumerate().zip(DIGITS) {
            all.push(letter(digit, screen.name(), Action::Show(place)));
        }
        self.movement(&mut all);
        match self.role() {
            Role::Player => self.players(&mut all),
            Role::Trainer => self.trainers(&mut all),
            Role::Evaluator => {
                all.push(letter("m", "message", Action::Message));
                all.push(letter("r", "rate", Action::Rate));
            }
            Role::Observer | Role::Unspecified => {}
        }
        all.push(letter("?", "help", Action::Help));
        all.push(letter("q", "leave", Action::Quit));
        all
    }

    fn movement(&self, all: &mut Vec<Binding>) {
        all.push(on(KeyCode::Up, "↑", "up", Action::Move(-1)));
        all.push(on(KeyCode::Down, "↓", "down", Action::Move(1)));
        all.push(on(KeyCode::PageUp, "PgUp", "page up", Action::Move(-PAGE)));
        all.push(on(KeyCode::PageDown, "PgDn", "page down", Action::Move(PAGE)));
        all.push(on(KeyCode::Home, "Home", "first", Action::First));
        all.push(on(KeyCode::End, "End", "last", Action::Last));
        if self.depth() < self.deepest() && self.pick().is_some() {
            all.push(on(KeyCode::Enter, "Enter", "open", Action::Open));
        }
        if self.depth() > 0 {
            all.push(on(KeyCode::Esc, "Esc", "back", Action::Back));
        }
        if self.screen == Screen::Answers && self.depth() == 1 {
            all.push(on(KeyCode::Left, "←", "left", Action::Side(-1)));
            all.push(on(KeyCode::Right, "→", "right", Action::Side(1)));
        }
        if self.screen == Screen::Inbox && self.unread() > 0 {
            all.push(letter("u", "next unread", Action::NextUnread));
        }
        if self.screen == Screen::Requests && self.requests.next_new(self.team()).is_some() {
            all.push(letter("u", "next new", Action::NextUnread));
        }
    }

    /// How deep things on this screen can be opened.
    pub(super) fn deepest(&self) -> u8 {
        match self.screen {
            Screen::Matters | Screen::Inbox | Screen::Requests | Screen::Injects | Screen::Log => 1,
            Screen::Answers => match self.picked_exchange().map(|one| &one.came) {
                Some(super::super::exchange::Came::Answer(answer))
                    if !answer.records.is_empty() =>
                {
                    2
                }
                _ => 1,
            },
            Screen::Ask | Screen::Scores => 0,
        }
    }

    fn players(&self, all: &mut Vec<Binding>) {
        match self.screen {
            Screen::Matters => {
                if let Some(matter) = self.picked_matter() {
                    all.push(letter("d", "decide", Action::Decide));
                    all.push(letter("a", "ask", Action::Ask));
                    if standing(matter, self.now()) == Standing::Decided {
                        all.push(letter("c", "cite", Action::Cite));
                    }
                    all.push(letter("h", "hand over", Action::HandOver));
                }
            }
            Screen::Answers => {
                if self.picked_exchange().is_some_and(|one| !one.id().is_empty()) {
                    all.push(letter("c", "cite", Action::Cite));
                }
                if self.picked_exchange().is_some_and(|one| one.is_unsure()) {
                    all.push(letter("a", "ask again", Action::AskAgain));
                }
                if self.depth() == 2 {
                    all.push(letter("r", "request more", Action::Release));
                }
            }
            Screen::Requests => self.requests_keys(all),
            _ => {}
        }
        all.push(letter("m", "message", Action::Message));
    }

    fn requests_keys(&self, all: &mut Vec<Binding>) {
        let Some(request) = self.picked_request() else { return };
        for act in request.steps(self.team()) {
            let (key, what) = super::step_key(*act);
            all.push(letter(key, what, Action::Step(*act)));
        }
        if !request.is_asked_of(self.team()) && request.state() == Some(Stands::Granted) {
            all.push(letter("a", "ask again", Action::UseGrant));
        }
    }

    fn trainers(&self, all: &mut Vec<Binding>) {
        let run = match self.clock.state() {
            State::Ready | State::Unspecified => Some("start"),
            State::Running => Some("pause"),
            State::Paused | State::NoDuff => Some("resume"),
            State::Ended => None,
        };
        if let Some(what) = run {
            all.push(letter("p", what, Action::Run));
            all.push(letter("x", "speed", Action::Speed));
            all.push(letter("j", "jump", Action::Jump));
            all.push(letter("o", "postpone", Action::Postpone));
            all.push(letter("E", "end", Action::End));
            all.push(letter("!", "NO-DUFF", Action::NoDuff));
        }
        if self.screen == Screen::Injects {
            if let Some(inject) = self.picked_inject().filter(|inject| !inject.skipped) {
                if inject.happened.is_none() {
                    all.push(letter("t", "trigger", Action::Trigger));
                    all.push(letter("k", "skip", Action::Skip));
                    all.push(letter("e", "edit", Action::Edit));
                }
                all.push(letter("w", "withdraw", Action::Withdraw));
            }
            all.push(letter("n", "new", Action::Add));
        }
        if self.picked_matter().is_some() {
            all.push(letter("d", "decision by phone", Action::Decide));
        }
        all.push(letter("m", "message", Action::Message));
        all.push(letter("r", "rate", Action::Rate));
    }

    /// Keys of a form, or of writing a question: pairs of key and what it does.
    pub fn form_keys(&self) -> Vec<(&'static str, &'static str)> {
        use super::super::form::Kind;
        let form = match (&self.dialog, &self.question) {
            (Some(dialog), _) => Some(&dialog.form),
            (None, Some(question)) => Some(&question.form),
            (None, None) => None,
        };
        let mut all = vec![("Tab", "next field"), ("Shift-Tab", "previous")];
        match form.and_then(|form| form.fields.get(form.focus)).map(|field| &field.kind) {
            Some(Kind::Text(_)) => {
                all.extend([("← →", "move"), ("Ctrl-U", "clear"), ("Ctrl-W", "clear word")])
            }
            Some(Kind::Choice { .. }) => all.extend([("← →", "choose"), ("letter", "choose")]),
            Some(Kind::Ticks { .. }) => {
                all.extend([("↑ ↓", "move"), ("Space", "tick"), ("-", "untick all")]);
            }
            None => {}
        }
        match self.dialog {
            Some(_) => all.extend([("Enter", "send"), ("Esc", "close")]),
            None => all.extend([("Enter", "ask"), ("F1", "help"), ("Esc", "back")]),
        }
        all
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        if key.kind == KeyEventKind::Release {
            return vec![];
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if control && key.code == KeyCode::Char('c') {
            return self.interrupt();
        }
        if self.help {
            self.help_key(key.code);
            return vec![];
        }
        if self.confirm.is_some() {
            return self.confirm_key(key.code);
        }
        if self.dialog.is_some() {
            return self.dialog_key(key);
        }
        if self.screen == Screen::Ask {
            return self.ask_key(key);
        }
        let found = self.bindings().into_iter().find(|binding| binding.code == key.code);
        match found.filter(|_| !control) {
            Some(binding) => self.act(binding.action),
            None => vec![],
        }
    }

    pub(super) fn paste(&mut self, text: &str) -> Vec<Effect> {
        if self.help || self.confirm.is_some() {
            return vec![];
        }
        if let Some(dialog) = &mut self.dialog {
            if dialog.key.is_none() && dialog.form.paste(text) == Took::Changed {
                dialog.changed();
            }
        } else if self.screen == Screen::Ask
            && let Some(question) = &mut self.question
        {
            let took = question.form.paste(text);
            return self.ask_took(took);
        }
        vec![]
    }

    fn help_key(&mut self, code: KeyCode) {
        match code {
            KeyCode::Down => self.scroll = self.scroll.saturating_add(1),
            KeyCode::PageDown => self.scroll = self.scroll.saturating_add(PAGE.unsigned_abs()),
            KeyCode::Up => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(PAGE.unsigned_abs()),
            _ => {
                self.help = false;
                self.scroll = 0;
            }
        }
    }
}
