//! Desks that run: against a drill and a gateway that answer by a script, where the connection is lost and found again; and
//! two of them against a real gateway.

use portcullis_core::release::{Act, State};
use portcullis_proto::drill::v1 as wire;
use ratatui::crossterm::event::KeyCode;
use tonic::transport::Endpoint;

use super::super::message::Message;
use super::super::request::last_step;
use super::requests::{releases, step};
use super::server::{Fake, Seat, serve};
use super::{DECLARATION, record_type, told};
use crate::drill::clock::Exercise;
use crate::drill::host::Host;
use crate::drill::play::tests::tutorial;

const TAB: KeyCode = KeyCode::Tab;

#[tokio::test(flavor = "multi_thread")]
async fn a_player_asks_decides_loses_the_connection_and_goes_on() {
    let fake = Fake::told(told(wire::Role::Player));
    fake.happens("inject", "A tip about bearings");
    let running = serve(&fake, "127.0.0.1:0");
    let seat = Seat::at(running.address);
    seat.sees("1 of 1 matters open").await;
    seat.sees("(1 new)").await;
    seat.press(&[KeyCode::Char('a')]);
    seat.sees("policy: ALLOWED under AGR-1").await;
    seat.press(&[TAB, TAB, TAB, TAB, TAB, TAB, KeyCode::Char(' '), KeyCode::Enter]);
    seat.sees("X-0001").await;
    let asked = fake.with(|script| script.asked.clone());
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].query.as_ref().unwrap().fields, ["id"]);

    // The decision arrives, the answer to it does not: it is sent again, and counts once.
    seat.press(&[KeyCode::Char('1'), KeyCode::Char('d'), KeyCode::Char('h'), TAB, TAB]);
    seat.write("came back within days");
    seat.press(&[TAB, TAB, KeyCode::Char(' '), KeyCode::Enter]);
    seat.sees("not known whether it arrived").await;
    seat.sees("done: hold on matter 1").await;
    let (calls, decided) = fake.with(|script| (script.calls, script.decided.clone()));
    assert_eq!((calls, decided.len()), (2, 1));
    let decision = decided.values().next().unwrap();
    assert_eq!(
        (decision.decision.as_str(), decision.evidence.as_slice()),
        ("hold", &["X-0001".to_owned()][..])
    );

    // The server goes away while somebody types, and comes back.
    seat.press(&[KeyCode::Char('m'), TAB]);
    seat.write("How long");
    fake.with(|script| script.stopping = true);
    running.stop.send(()).unwrap();
    running.served.await.unwrap();
    seat.sees("CONNECTION LOST").await;
    seat.write(" may we hold");
    fake.with(|script| script.stopping = false);
    fake.happens("inject", "Another tip");
    let running = serve(&fake, &running.address.to_string());
    seat.sees("How long may we hold").await;
    seat.sees("new: Another tip").await;
    let watched = fake.with(|script| script.watched_from.clone());
    assert_eq!(watched, [0, 2], "it goes on behind the tip and the decision");
    seat.press(&[KeyCode::Esc, KeyCode::Char('2')]);
    seat.sees("A tip about bearings").await;

    seat.press(&[KeyCode::Char('q'), KeyCode::Char('y')]);
    let model = seat.left.await.unwrap().unwrap();
    assert!(model.outbox.is_empty());
    assert_eq!(model.news.len(), 3, "each event once");
    fake.with(|script| script.stopping = true);
    running.stop.send(()).unwrap();
    running.served.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trainer_sees_the_plan_and_why_a_command_was_refused() {
    let fake = Fake::told(told(wire::Role::Trainer));
    let running = serve(&fake, "127.0.0.1:0");
    let seat = Seat::at(running.address);
    seat.sees("next: inject 3 in 0:05:00").await;
    seat.press(&[KeyCode::Char('p')]);
    seat.sees("refused: pause: trainers only").await;
    seat.tell.send(Message::Stop).unwrap();
    seat.left.await.unwrap().unwrap();
    fake.with(|script| script.stopping = true);
    running.stop.send(()).unwrap();
    running.served.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_whose_answer_was_lost_is_taken_once() {
    let fake = Fake::told(told(wire::Role::Player));
    fake.with(|script| script.releases = releases());
    let running = serve(&fake, "127.0.0.1:0");
    let seat = Seat::at(running.address);
    seat.sees("5 Requests (3 wait)").await;
    seat.press(&[KeyCode::Char('5'), KeyCode::Char('b')]);
    seat.write("which two declarations?");
    seat.press(&[KeyCode::Enter, KeyCode::Enter]);
    seat.sees("not known whether it arrived").await;
    seat.sees("done: question back").await;
    seat.sees("ASKED BACK").await;
    let (steps, release) = fake.with(|script| (script.steps.clone(), script.releases[2].clone()));
    assert_eq!((steps.len(), last_step(&release)), (2, 2), "sent twice, taken once");
    assert_eq!((steps[0].clone(), steps[0].after_step), (steps[1].clone(), 1));
    // A later step of somebody else is another matter.
    seat.sees("5 Requests (2 wait)").await;
    seat.press(&[KeyCode::Home, KeyCode::Char('b')]);
    seat.write("which case?");
    seat.press(&[KeyCode::Enter]);
    seat.sees("Enter once more sends it").await;
    fake.with(|script| {
        script.listed = Some(script.releases.clone());
        let release = &mut script.releases[3];
        release.steps.push(step(2, Act::Withdraw, "jp-licence", "settled"));
        release.state = State::Withdrawn as i32;
    });
    seat.press(&[KeyCode::Enter]);
    seat.sees("RELEASE_CHANGED: a later step was taken").await;
    seat.sees("which case?").await;
    seat.tell.send(Message::Stop).unwrap();
    let model = seat.left.await.unwrap().unwrap();
    assert!(model.outbox.is_empty());
    fake.with(|script| script.stopping = true);
    running.stop.send(()).unwrap();
    running.served.await.unwrap();
}

/// What a drill tells a player of the tutorial's team.
fn tutorial_told(host: &Host, team: &str) -> wire::GetDrillResponse {
    let (scenario, _) = tutorial();
    let teams = scenario.teams.iter().map(|one| wire::Team {
        agency: one.agency.clone(),
        name: one.agency.clone(),
        record_types: host.holds(&one.agency),
        ..wire::Team::default()
    });
    let (teams, team) = (teams.collect(), team.to_owned());
    wire::GetDrillResponse { teams, team, ..told(wire::Role::Player) }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_team_asks_for_another_team_grants_at_its_desk_through_a_gateway() {
    let (scenario, plot) = tutorial();
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(scenario, plot, folder.path()).await.unwrap();
    host.now().set_all(plot.story.world(Exercise(600_000))).await.unwrap();
    let mut desks = vec![];
    for team in ["nv-customs", "vl-customs"] {
        let fake = Fake::told(tutorial_told(&host, team));
        let running = serve(&fake, "127.0.0.1:0");
        let drill = Endpoint::from_shared(format!("http://{}", running.address)).unwrap();
        let seat = Seat::between(drill.connect_lazy(), host.channels()[team].clone());
        seat.sees(team).await;
        desks.push((fake, running, seat));
    }
    let (norvia, velland) = (&desks[0].2, &desks[1].2);

    // Norvia asks, and sees a token where Velland's importer stands.
    norvia.press(&[KeyCode::Char('a')]);
    let chosen = tutorial_told(&host, "nv-customs").teams;
    let others = chosen.iter().filter(|team| team.agency != "nv-customs");
    for _ in others.take_while(|team| team.agency != "vl-customs") {
        norvia.press(&[KeyCode::Right]);
    }
    norvia.press(&[TAB, TAB, TAB, TAB]);
    norvia.write("items.hs_code prefix '84'");
    norvia.press(&[TAB]);
    norvia.write("goods of our case");
    norvia.press(&[TAB]);
    let declaration = record_type(DECLARATION).unwrap();
    let leaf = declaration.leaves().iter().position(|leaf| leaf.path == "importer.id").unwrap();
    norvia.press(&vec![KeyCode::Down; leaf]);
    norvia.press(&[KeyCode::Char(' ')]);
    norvia.sees("policy: ALLOWED under customs-assistance").await;
    norvia.press(&[KeyCode::Enter]);
    norvia.sees("connected  vl-customs: ").await;
    norvia.press(&[KeyCode::Enter, KeyCode::Enter]);
    norvia.sees("pseudonymise").await;
    norvia.press(&[KeyCode::Char('r')]);
    norvia.sees("Ask vl-customs to show importer.id").await;
    norvia.write("the same importer stands in our case");
    norvia.press(&[KeyCode::Enter]);
    norvia.sees("done: request to show more").await;

    // Velland asks back, Norvia answers, Velland grants.
    velland.sees("5 Requests (1 waits)").await;
    velland.press(&[KeyCode::Char('5'), KeyCode::Enter]);
    velland.sees("reason      the same importer stands in our case").await;
    velland.press(&[KeyCode::Char('b')]);
    velland.write("which case?");
    velland.press(&[KeyCode::Enter, KeyCode::Enter]);
    velland.sees("done: question back").await;
    norvia.press(&[KeyCode::Char('5')]);
    norvia.sees("ASKED BACK").await;
    norvia.press(&[KeyCode::Char('a')]);
    norvia.sees("“which case?”").await;
    norvia.write("the bearings of March");
    norvia.press(&[KeyCode::Enter, KeyCode::Enter]);
    norvia.sees("done: answer").await;
    velland.sees("ANSWER by nv-customs: the bearings of March").await;
    velland.press(&[KeyCode::Char('g'), KeyCode::Char(' '), TAB]);
    velland.write("for this case alone");
    velland.press(&[KeyCode::Enter]);
    velland.sees("nv-customs will see in clear, of this one record: importer.id.").await;
    velland.press(&[KeyCode::Enter]);
    velland.sees("GRANT by vl-customs: for this case alone").await;

    // Norvia uses it, and sees the one record's field as it is.
    norvia.sees("GRANTED").await;
    norvia.press(&[KeyCode::Char('a'), KeyCode::Enter]);
    norvia.sees("Declaration of vl-customs: 1 record;").await;
    norvia.press(&[KeyCode::Enter]);
    norvia.sees("GRANTED_BY_ORIGINATOR").await;

    // Velland takes it back; asked again, the gateway refuses.
    velland.press(&[KeyCode::Char('v')]);
    velland.write("given by mistake");
    velland.press(&[KeyCode::Enter, KeyCode::Enter]);
    velland.sees("asks us: REVOKED").await;
    norvia.press(&[KeyCode::Char('5')]);
    norvia.sees("REVOKED").await;
    for (fake, running, seat) in desks {
        seat.tell.send(Message::Stop).unwrap();
        seat.left.await.unwrap().unwrap();
        fake.with(|script| script.stopping = true);
        running.stop.send(()).unwrap();
        running.served.await.unwrap();
    }
    host.end(&Default::default()).await.unwrap();
}
