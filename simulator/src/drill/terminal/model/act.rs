//! What keys do: going about the screens, and commands that need no form.

use portcullis_proto::drill::v1 as wire;
use portcullis_proto::query::v1 as query;
use wire::control_request::Command;

use super::{Action, Call, Confirm, Effect, Model, Screen, Task, Then};
use crate::drill::terminal::exchange::{Came, Exchange, lines};
use crate::drill::terminal::message::{Fetch, Schema};
use crate::drill::terminal::question::record_type;

impl Model {
    pub(super) fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Show(place) => {
                if let Some(screen) = self.screens().get(place).copied() {
                    self.show(screen);
                }
            }
            Action::Move(by) => self.move_by(by),
            Action::First => self.move_by(isize::MIN / 2),
            Action::Last => self.move_by(isize::MAX / 2),
            Action::Side(by) => {
                self.column = self.column.saturating_add_signed(by).min(self.columns())
            }
            Action::Open => self.deeper(1),
            Action::Back => self.deeper(-1),
            Action::NextUnread if self.screen == Screen::Requests => self.next_request(),
            Action::NextUnread => self.next_unread(),
            Action::Help => {
                self.help = true;
                self.scroll = 0;
            }
            Action::Quit => self.confirm = Some(self.leave()),
            Action::Ask => self.ask_about(),
            Action::AskAgain => return self.ask_again(),
            Action::Run => return self.run(),
            Action::Jump => return vec![self.control(Command::Jump(wire::Empty {}))],
            Action::End => {
                let text = "End the exercise, for good and for everybody?";
                self.sure(text, Command::End(wire::Empty {}));
            }
            Action::Trigger => {
                if let Some(number) = self.picked_inject().map(|inject| inject.number) {
                    self.sure(format!("Let inject {number} happen now?"), Command::Trigger(number));
                }
            }
            Action::Skip => {
                if let Some(number) = self.picked_inject().map(|inject| inject.number) {
                    self.sure(
                        format!("Take inject {number} out of the plan?"),
                        Command::Skip(number),
                    );
                }
            }
            Action::Decide => {
                let by_phone = self.role() != wire::Role::Player;
                self.with_matter(|matter| Task::Decide {
                    matter: matter.number,
                    team: if by_phone { matter.team.clone() } else { String::new() },
                });
            }
            Action::HandOver => self.with_matter(|matter| Task::HandOver { matter: matter.number }),
            Action::Cite => self.open(Task::Cite),
            Action::Message => self.open(Task::Send),
            Action::Speed => self.open(Task::Speed),
            Action::Postpone => self.open(Task::Postpone),
            Action::NoDuff => self.open(Task::NoDuff),
            Action::Add => self.open(Task::Inject { number: 0 }),
            Action::Edit => self.with_inject(|number| Task::Inject { number }),
            Action::Withdraw => self.with_inject(|number| Task::Withdraw { number }),
            Action::Rate => self.open(Task::Rate),
            Action::Release => self.ask_release(),
            Action::Step(act) => self.begin_step(act),
            Action::UseGrant => return self.use_grant(),
        }
        vec![]
    }

    /// Shows a screen.
    pub(super) fn show(&mut self, screen: Screen) {
        self.screen = screen;
        (self.scroll, self.row, self.column) = (0, 0, 0);
        if screen == Screen::Scores {
            self.want(Fetch::Scores);
        }
        // What is picked by default stays picked when another one comes before it.
        if screen == Screen::Requests
            && let Some(number) = self.pick()
        {
            self.picked.insert(screen, number);
        }
    }

    fn move_by(&mut self, by: isize) {
        let deep = self.depth();
        match (self.screen, deep) {
            (Screen::Answers, 1) => self.row = step(self.row, by, self.records()),
            (Screen::Answers, 2) => self.scroll = step(self.scroll, by, self.fields()),
            (Screen::Scores, _) | (_, 1..) => self.scroll = step(self.scroll, by, 1_000),
            _ => {
                let listed = self.listed();
                let place = step(self.place(), by, listed.len());
                if let Some(number) = listed.get(place) {
                    self.picked.insert(self.screen, *number);
                }
            }
        }
    }

    fn answer(&self) -> Option<&portcullis::client::Answer> {
        match self.picked_exchange().map(|exchange| &exchange.came) {
            Some(Came::Answer(answer)) => Some(answer),
            _ => None,
        }
    }

    fn records(&self) -> usize {
        self.answer().map_or(0, |answer| answer.records.len())
    }

    fn columns(&self) -> usize {
        self.answer().map_or(0, |answer| crate::drill::terminal::exchange::grid(answer).head.len())
    }

    fn fields(&self) -> usize {
        self.answer().map_or(0, |answer| lines(answer, self.row, &[]).len())
    }

    fn deeper(&mut self, by: i8) {
        // What is picked by default is picked for good once it is opened.
        if let Some(number) = self.pick() {
            self.picked.insert(self.screen, number);
        }
        let depth = self.depth().saturating_add_signed(by);
        self.depth.insert(self.screen, depth);
        self.scroll = 0;
        if self.screen == Screen::Answers && depth <= 1 && by > 0 {
            (self.row, self.column) = (0, 0);
        }
        if self.screen == Screen::Inbox && depth > 0 {
            self.read();
        }
        if self.screen == Screen::Requests && depth > 0 {
            self.read_request();
        }
    }

    fn read(&mut self) {
        let picked = self.pick();
        let one = self.news.iter_mut().find(|one| Some(one.number) == picked);
        if let Some(one) = one {
            one.unread = false;
        }
    }

    fn next_unread(&mut self) {
        // Oldest first: so things are read in the order in which they came.
        let next = self.news.iter().find(|one| one.mail && one.unread).map(|one| one.number);
        if let Some(number) = next {
            self.picked.insert(Screen::Inbox, number);
            self.depth.insert(Screen::Inbox, 1);
            self.scroll = 0;
            self.read();
        }
    }

    fn run(&mut self) -> Vec<Effect> {
        use wire::State;
        let empty = wire::Empty {};
        let command = match self.clock.state() {
            State::Ready | State::Unspecified => Command::Start(empty),
            State::Running => Command::Pause(empty),
            State::Paused | State::NoDuff => Command::Resume(empty),
            State::Ended => return vec![],
        };
        vec![self.control(command)]
    }

    pub(super) fn control(&mut self, command: Command) -> Effect {
        let key = self.new_key();
        self.make(Call::Control(wire::ControlRequest { key, command: Some(command) }))
    }

    fn sure(&mut self, text: impl Into<String>, command: Command) {
        self.confirm = Some(Confirm { text: text.into(), then: Then::Control(command) });
    }

    fn with_matter(&mut self, task: impl Fn(&wire::Matter) -> Task) {
        if let Some(task) = self.picked_matter().map(task) {
            self.open(task);
        }
    }

    fn with_inject(&mut self, task: impl Fn(u32) -> Task) {
        if let Some(number) = self.picked_inject().map(|inject| inject.number) {
            self.open(task(number));
        }
    }

    fn ask_about(&mut self) {
        let matter = self.picked_matter().map_or(0, |matter| matter.number);
        if let Some(question) = &mut self.question {
            question.matter = matter;
        }
        self.show(Screen::Ask);
    }

    fn ask_again(&mut self) -> Vec<Effect> {
        let Some(number) = self.picked_exchange().map(|one| one.number) else { return vec![] };
        let Some(exchange) = self.exchanges.iter_mut().find(|one| one.number == number) else {
            return vec![];
        };
        let Some(known) = record_type(&exchange.query.record_type) else { return vec![] };
        exchange.came = Came::Nothing;
        let request = query::QueryRequest {
            query: Some(exchange.query.clone()),
            idempotency_key: exchange.key.clone(),
            ..query::QueryRequest::default()
        };
        vec![Effect::Ask { number, request, record_type: Schema(known) }]
    }

    fn ask_release(&mut self) {
        let Some(exchange) = self.picked_exchange() else { return };
        let Came::Answer(answer) = &exchange.came else { return };
        let all = lines(answer, self.row, &exchange.query.fields);
        let Some(line) = all.get(self.scroll) else { return };
        if line.ask.is_empty() {
            self.notice = format!("{}: nobody can be asked to show more of it", line.path);
            return;
        }
        let Some(record) = answer.records.get(self.row) else { return };
        let task = Task::Release {
            ask: line.ask.clone(),
            query: release_query(exchange, &record.released.reference, &line.path, answer),
        };
        self.open(task);
    }
}

fn release_query(
    exchange: &Exchange,
    reference: &str,
    path: &str,
    answer: &portcullis::client::Answer,
) -> Box<query::Query> {
    let header = answer.header.as_ref();
    Box::new(query::Query {
        purpose: exchange.query.purpose,
        case_id: exchange.query.case_id.clone(),
        agreement_id: header.map(|header| header.agreement_id.clone()).unwrap_or_default(),
        record_type: exchange.query.record_type.clone(),
        fields: vec![path.to_owned()],
        references: vec![reference.to_owned()],
        ..query::Query::default()
    })
}

fn step(place: usize, by: isize, count: usize) -> usize {
    place.saturating_add_signed(by).min(count.saturating_sub(1))
}
