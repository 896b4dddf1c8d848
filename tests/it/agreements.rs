//! Agreements and cases as agencies live with them at a running gateway: what is signed by all flows, what ends
//! stops at once, open answers included, and what others agreed on goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use portcullis::agreements::signed;
use portcullis::audit::keys::read_log_key;
use portcullis::clock::Clock;
use portcullis_core::act::{Act, Exchange as Where, Statement};
use portcullis_core::handling::Environment;
use portcullis_core::id::{AgencyId, Digest, Moment};
use portcullis_core::policy::Take;
use portcullis_core::redact::Treatment;
use portcullis_proto::agreement::v1 as wire;
use portcullis_proto::agreement::v1::agreement_service_client::AgreementServiceClient;
use portcullis_proto::case::v1 as case;
use portcullis_proto::case::v1::case_service_client::CaseServiceClient;
use portcullis_proto::query::v1 as query;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use portcullis_proto::record::v1 as record;
use portcullis_tests::pair::{ALPHA, ASKER, BETA, OTHER, Pair, PairSpec, batch, end, sized};
use portcullis_tests::{Answer, Exchange, RECORD, reason, record_type_of, request};
use prost::Message as _;
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::Status;
use tonic::transport::Channel;

type Done = Result<wire::Agreement, Status>;

/// Three parties: alpha and beta give, the asker gets; open to the other police.
fn trio(version: u32, more: &str) -> String {
    let flow = |from: &str, case: &str| {
        format!(
            "[[flow]]\nfrom = \"{from}\"\nto = [\"{}\", \"{}\"]\n\
             record_types = [\"{RECORD}Declaration\"]\npurposes = [\"INVESTIGATION\"]\n\
             case_required = {case}\npermitted_use = [\"INVESTIGATION\"]\ndelete_after_days = 30\n\
             release_by_originator = true\n\n[flow.budgets]\nqueries_per_day = 100_000\n\
             records_per_day = 1_000_000\n\n[[flow.ladder]]\nfields = [\"ucr\", \"items.hs_code\"]\n\
             rungs = [\"clear\", \"presence\", \"withhold\"]\n\n",
            ASKER.0, OTHER.0
        )
    };
    format!(
        "id = \"trio\"\nversion = {version}\ntitle = \"Trio\"\nlegal_basis = \"A test\"\n\
         parties = [\"{ALPHA}\", \"{BETA}\", \"{}\"]\nopen_to = [\"{}\"]\n{more}\
         valid_from = 2024-01-01\nvalid_until = 2035-12-31\n\n{}{}",
        ASKER.0,
        OTHER.0,
        flow(ALPHA, "false"),
        flow(BETA, "false")
    )
}

async fn client(exchange: &Exchange, agency: &str) -> AgreementServiceClient<Channel> {
    AgreementServiceClient::new(exchange.channel(agency, "desk").await.unwrap())
}

async fn cases(exchange: &Exchange, agency: &str) -> CaseServiceClient<Channel> {
    CaseServiceClient::new(exchange.channel(agency, "desk").await.unwrap())
}

fn statement(exchange: &Exchange, agency: &str, text: &[u8], serial: u64, act: Act) -> Statement {
    let version = std::str::from_utf8(text).unwrap().split("version = ").nth(1).unwrap();
    Statement {
        exchange: Where {
            trust_domain: exchange.world.exchange.trust_domain.clone(),
            environment: Environment::Exercise,
        },
        agreement: "trio".into(),
        version: version.split('\n').next().unwrap().parse().unwrap(),
        text: Digest::of(text),
        by: AgencyId::new(agency),
        serial,
        at: Moment::from_seconds(exchange.clock.now().seconds()),
        act,
        reason: String::new(),
    }
}

fn sign(exchange: &Exchange, statement: &Statement) -> String {
    let agency = statement.by.as_str();
    let key = exchange.world.dir.join(format!("keys/{agency}.agreement.key"));
    signed::sign(statement, &read_log_key(&key, agency).unwrap())
}

fn schemas() -> Act {
    let declaration = record_type_of("Declaration").unwrap();
    Act::Sign(BTreeMap::from([(declaration.name().clone(), declaration.hash())]))
}

/// What an agency does with the trio, in the version that counts.
async fn act(exchange: &Exchange, agency: &str, act: Act) -> Done {
    let mut client = client(exchange, agency).await;
    let ask = wire::GetRequest { agreement_id: "trio".into(), version: 0 };
    let found = client.get(ask).await?.into_inner();
    let serial = found.agreement.unwrap().next_serial;
    let said = statement(exchange, agency, found.text.as_bytes(), serial, act);
    bring(exchange, agency, &said, sign(exchange, &said)).await
}

/// Brings a note to the call for an act, as some agency.
async fn bring(exchange: &Exchange, caller: &str, said: &Statement, statement: String) -> Done {
    let mut client = client(exchange, caller).await;
    let agreement_id = "trio".to_owned();
    macro_rules! call {
        ($method:ident, $request:ident) => {
            client
                .$method(wire::$request { agreement_id, statement })
                .await?
                .into_inner()
                .agreement
                .unwrap()
        };
    }
    Ok(match said.act {
        Act::Sign(_) => call!(sign, SignRequest),
        Act::Accede(_) => call!(accede, AccedeRequest),
        Act::Consent(_) => call!(consent, ConsentRequest),
        Act::Reserve(_) => call!(reserve, ReserveRequest),
        Act::Suspend => call!(suspend, SuspendRequest),
        Act::Resume => call!(resume, ResumeRequest),
        Act::Withdraw(_) => call!(withdraw, WithdrawRequest),
        Act::Terminate(_) => call!(terminate, TerminateRequest),
    })
}

async fn propose(exchange: &Exchange, agency: &str, text: &str, serial: u64) -> Done {
    let said = statement(exchange, agency, text.as_bytes(), serial, schemas());
    let ask = wire::ProposeRequest { text: text.to_owned(), statement: sign(exchange, &said) };
    let done = client(exchange, agency).await.propose(ask).await?;
    Ok(done.into_inner().agreement.unwrap())
}

async fn signed_by_all(exchange: &Exchange, text: &str) {
    propose(exchange, ALPHA, text, 1).await.unwrap();
    for agency in [BETA, ASKER.0] {
        act(exchange, agency, schemas()).await.unwrap();
    }
}

fn investigation(sources: &[&str], case: &str) -> query::QueryRequest {
    request(query::Query {
        sources: sources.iter().map(|&one| one.to_owned()).collect(),
        ..portcullis_tests::query("Declaration", query::Purpose::Investigation, case)
    })
}

fn word(done: &Done) -> String {
    done.as_ref().err().map(reason).unwrap_or_default()
}

async fn denial(exchange: &Exchange, who: (&str, &str), request: query::QueryRequest) -> String {
    exchange.ask(who, request).await.err().map(|status| reason(&status)).unwrap_or_default()
}

async fn up(settings: &str, cases: &str) -> Pair {
    let settings = format!("[limits]\nsource_idle_seconds = 600\nbatch_bytes = 1000\n{settings}");
    let spec = PairSpec { settings, cases: cases.into(), ..PairSpec::default() };
    let pair = Pair::up(spec).await.unwrap();
    for (fake, agency) in [(&pair.alpha, ALPHA), (&pair.beta, BETA)] {
        fake.sends(vec![Ok(batch(vec![sized(agency, 1, 2000)])), Ok(end(1))]);
    }
    pair
}

#[tokio::test(flavor = "multi_thread")]
async fn three_agencies_sign_and_then_the_first_query_is_permitted() {
    let pair = up("", "").await;
    let exchange = &pair.exchange;
    let text = trio(1, "");
    let asked = || investigation(&[], "");
    assert_eq!(denial(exchange, ASKER, asked()).await, "PURPOSE_NOT_PERMITTED");

    let proposed = propose(exchange, ALPHA, &text, 1).await.unwrap();
    assert_eq!(proposed.phase(), wire::Phase::Proposed);
    assert_eq!(denial(exchange, ASKER, asked()).await, "AGREEMENT_NOT_SIGNED");
    act(exchange, BETA, schemas()).await.unwrap();
    assert_eq!(denial(exchange, ASKER, asked()).await, "AGREEMENT_NOT_SIGNED");
    let signed = act(exchange, ASKER.0, schemas()).await.unwrap();
    assert_eq!(signed.phase(), wire::Phase::InForce);
    let answer = exchange.ask(ASKER, asked()).await.unwrap();
    assert_eq!(answer.records.len(), 2);
    assert_eq!(answer.header.unwrap().agreement_id, "trio");

    // Every party is told, in order; nobody else is.
    let mut told = client(exchange, BETA)
        .await
        .watch(wire::WatchRequest { after: 0 })
        .await
        .unwrap()
        .into_inner();
    for by in [ALPHA, BETA, ASKER.0] {
        let one = told.message().await.unwrap().unwrap();
        assert_eq!((one.agency.as_str(), one.act.as_str()), (by, "sign"));
    }
    act(exchange, ALPHA, Act::Suspend).await.unwrap();
    let one = tokio::time::timeout(Duration::from_secs(5), told.message()).await.unwrap();
    assert_eq!(one.unwrap().unwrap().act, "suspend");
    assert_eq!(denial(exchange, ASKER, asked()).await, "AGREEMENT_SUSPENDED");
    // Only who suspended can resume.
    assert_eq!(word(&act(exchange, BETA, Act::Resume).await), "NOT_SUSPENDED_BY_YOU");
    act(exchange, ALPHA, Act::Resume).await.unwrap();
    assert_eq!(exchange.ask(ASKER, asked()).await.unwrap().records.len(), 2);

    // A party accedes when all have agreed; a reservation takes away from its agency alone.
    assert_eq!(denial(exchange, OTHER, asked()).await, "PURPOSE_NOT_PERMITTED");
    let Act::Sign(names) = schemas() else { unreachable!() };
    act(exchange, OTHER.0, Act::Accede(names)).await.unwrap();
    for agency in [ALPHA, BETA] {
        act(exchange, agency, Act::Consent(OTHER.0.into())).await.unwrap();
        assert_eq!(denial(exchange, OTHER, asked()).await, "PURPOSE_NOT_PERMITTED");
    }
    act(exchange, ASKER.0, Act::Consent(OTHER.0.into())).await.unwrap();
    assert_eq!(exchange.ask(OTHER, asked()).await.unwrap().records.len(), 2);
    let ucr = Take::Field { path: "ucr".into(), at_most: Treatment::Presence };
    act(exchange, OTHER.0, Act::Reserve(vec![(None, ucr)])).await.unwrap();
    for (who, empty) in [(OTHER, true), (ASKER, false)] {
        let answer = exchange.ask(who, asked()).await.unwrap();
        let ucrs = portcullis_tests::pair::ucrs(&answer);
        assert_eq!(ucrs.iter().all(String::is_empty), empty, "{who:?}");
    }
    let typo = Take::Field { path: "ucrr".into(), at_most: Treatment::Presence };
    let refused = act(exchange, OTHER.0, Act::Reserve(vec![(None, typo)])).await;
    assert_eq!(word(&refused), "NOTHING_TO_TAKE_AWAY");

    // One leaves: its records stop, the others' go on. And all of it is so after a restart.
    act(exchange, BETA, Act::Withdraw(None)).await.unwrap();
    let left = exchange.ask(ASKER, asked()).await.unwrap();
    assert_eq!(left.statuses.iter().map(|one| one.agency.as_str()).collect::<Vec<_>>(), [ALPHA]);
    assert_eq!(denial(exchange, ASKER, investigation(&[BETA], "")).await, "SOURCE_NOT_COVERED");
    let stands = listed(exchange, ALPHA).await;
    let Pair { exchange: Exchange { world, gateway, clock, dir }, .. } = pair;
    gateway.shut_down().await.unwrap();
    let gateway = world.start(clock.clone()).await.unwrap();
    let exchange = Exchange { world, gateway, clock, dir };
    assert_eq!(listed(&exchange, ALPHA).await, stands);
    let again = exchange.ask(ASKER, asked()).await.unwrap();
    assert_eq!(again.statuses.len(), 1);
    assert!(again.records.len() == 1 && exchange.ask(OTHER, asked()).await.is_ok());
    exchange.shut_down().await.unwrap();
}

async fn listed(exchange: &Exchange, agency: &str) -> Vec<wire::Agreement> {
    let mut client = client(exchange, agency).await;
    client.list(wire::ListRequest {}).await.unwrap().into_inner().agreements
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_by_its_agency_for_this_act_now_is_refused_by_name() {
    let pair = up("", "").await;
    let exchange = &pair.exchange;
    let text = trio(1, "");
    signed_by_all(exchange, &text).await;
    let good = statement(exchange, ALPHA, text.as_bytes(), 2, Act::Suspend);
    let note = sign(exchange, &good);
    let bring = |caller: &'static str, said: Statement, note: String| async move {
        word(&bring(exchange, caller, &said, note).await)
    };
    // Each for itself, at the call that is meant, about the agreement that is meant.
    assert_eq!(bring(BETA, good.clone(), note.clone()).await, "ACT_NOT_YOURS");
    let resume = Statement { act: Act::Resume, ..good.clone() };
    assert_eq!(bring(ALPHA, resume, note.clone()).await, "OTHER_ACT");
    let other = Statement { agreement: "pair".into(), ..good.clone() };
    assert_eq!(bring(ALPHA, good.clone(), sign(exchange, &other)).await, "OTHER_AGREEMENT");
    for (said, refusal) in [
        (Statement { text: Digest::of(b"?"), ..good.clone() }, "TEXT_DIFFERS"),
        (Statement { version: 2, ..good.clone() }, "VERSION_UNKNOWN"),
        (Statement { serial: 1, ..good.clone() }, "ACT_REPLAYED"),
        (Statement { serial: 9, ..good.clone() }, "ACT_OUT_OF_ORDER"),
    ] {
        assert_eq!(bring(ALPHA, said.clone(), sign(exchange, &said)).await, refusal);
    }
    let forged = note.replace("serial: 2", "serial: 3");
    assert_eq!(bring(ALPHA, good.clone(), forged).await, "SIGNATURE_WRONG");
    let stolen =
        read_log_key(&exchange.world.dir.join(format!("keys/{BETA}.agreement.key")), ALPHA);
    let stolen = signed::sign(&good, &stolen.unwrap());
    assert_eq!(bring(ALPHA, good.clone(), stolen).await, "KEY_UNKNOWN");
    // None of it changed anything; the good one does, once.
    assert_eq!(listed(exchange, ALPHA).await.last().unwrap().phase(), wire::Phase::InForce);
    assert_eq!(bring(ALPHA, good.clone(), note.clone()).await, "");
    assert_eq!(bring(ALPHA, good, note).await, "ACT_REPLAYED");

    // Who is no party hears of nothing; a text with a mistake is told where.
    let ask = wire::GetRequest { agreement_id: "nothing".into(), version: 0 };
    let unknown = client(exchange, ALPHA).await.get(ask).await.err().unwrap();
    assert_eq!(reason(&unknown), "AGREEMENT_NOT_FOUND_OR_NOT_PARTY");
    let wrong = trio(2, "").replace("\"ucr\"", "\"ucrr\"");
    let refused = propose(exchange, BETA, &wrong, 2).await.err().unwrap();
    assert_eq!(reason(&refused), "AGREEMENT_TEXT_REFUSED");
    assert!(
        refused.message().contains("version 2:") && refused.message().contains("ucrr"),
        "{refused}"
    );
    // A new version counts once all have signed it; then the old one cannot be acted on.
    propose(exchange, BETA, &trio(2, ""), 2).await.unwrap();
    let old = statement(exchange, ALPHA, text.as_bytes(), 3, Act::Resume);
    for agency in [ALPHA, ASKER.0] {
        let serial = if agency == ALPHA { 3 } else { 2 };
        let said = statement(exchange, agency, trio(2, "").as_bytes(), serial, schemas());
        self::bring(exchange, agency, &said, sign(exchange, &said)).await.unwrap();
    }
    let old = Statement { serial: 4, ..old };
    assert_eq!(
        word(&self::bring(exchange, ALPHA, &old, sign(exchange, &old)).await),
        "VERSION_SUPERSEDED"
    );
    let answer = exchange.ask(ASKER, investigation(&[], "")).await.unwrap();
    assert_eq!(answer.header.unwrap().agreement_version, 2);
    pair.exchange.shut_down().await.unwrap();
}

/// A source that sends a record and then waits to be told to send the last one.
fn waits(pair: &Pair) -> watch::Sender<bool> {
    let (go, told) = watch::channel(false);
    for (fake, agency) in [(&pair.alpha, ALPHA), (&pair.beta, BETA)] {
        let told = told.clone();
        fake.answers(move |_| {
            use futures::StreamExt as _;
            let mut told = told.clone();
            let last = futures::stream::once(async move {
                let _ = told.wait_for(|go| *go).await;
                Ok(batch(vec![sized(agency, 2, 2000)]))
            });
            futures::stream::iter([Ok(batch(vec![sized(agency, 1, 2000)]))])
                .chain(last)
                .chain(futures::stream::iter([Ok(end(2))]))
                .boxed()
        });
    }
    go
}

/// An answer that is read to its end, and when its last byte came.
type Open = tokio::task::JoinHandle<(Answer, Instant)>;

/// Opens so many answers and waits until the first record of each is here.
async fn open(
    exchange: &Exchange,
    who: (&str, &str),
    request: query::QueryRequest,
    many: usize,
) -> Vec<Open> {
    let channel = exchange.channel(who.0, who.1).await.unwrap();
    let (begun, mut first) = tokio::sync::mpsc::channel(many);
    let mut all = vec![];
    for _ in 0..many {
        let (mut client, request, begun) =
            (QueryServiceClient::new(channel.clone()), request.clone(), begun.clone());
        all.push(tokio::spawn(async move {
            let mut stream = client.query(request).await.unwrap().into_inner();
            let (mut answer, mut told) = (Answer::default(), false);
            while let Ok(Some(message)) = stream.message().await {
                answer.take(message);
                if !told && !answer.records.is_empty() {
                    told = true;
                    begun.send(()).await.unwrap();
                }
            }
            (answer, Instant::now())
        }));
    }
    for _ in 0..many {
        tokio::time::timeout(Duration::from_secs(60), first.recv()).await.unwrap().unwrap();
    }
    all
}

/// Every one of these was cut, none of them told a record more; how long it took.
async fn were_cut(open: Vec<Open>, since: Instant, what: &str) {
    let mut took = vec![];
    for one in open {
        let (answer, at) =
            tokio::time::timeout(Duration::from_secs(90), one).await.unwrap().unwrap();
        assert_eq!(answer.records.len(), 1, "{what}");
        assert_eq!(answer.receipt.unwrap().cut_reason, "PERMIT_ENDED", "{what}");
        took.push(at.saturating_duration_since(since));
    }
    took.sort();
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    println!(
        "{what}: {} streams, last byte p50 {:?}, p99 {:?}, max {:?}",
        took.len(),
        at(50),
        at(99),
        at(100)
    );
    assert!(at(100) < Duration::from_secs(60), "{what}: {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn termination_cuts_a_hundred_waiting_answers_and_no_other() {
    let pair = up("query_seconds = 600\n", "").await;
    let exchange = &pair.exchange;
    signed_by_all(exchange, &trio(1, "")).await;
    let go = waits(&pair);
    let ended = open(exchange, ASKER, investigation(&[ALPHA], ""), 100).await;
    let usual =
        request(query::Query { sources: vec![ALPHA.into()], ..portcullis_tests::pair::all(10) });
    let others = open(exchange, OTHER, usual, 10).await;
    let since = Instant::now();
    let done = act(exchange, BETA, Act::Terminate(None)).await.unwrap();
    assert_eq!(done.phase(), wire::Phase::Ended);
    were_cut(ended, since, "termination").await;
    assert_eq!(denial(exchange, ASKER, investigation(&[], "")).await, "AGREEMENT_LAPSED");
    go.send_replace(true);
    for one in others {
        let (answer, _) = one.await.unwrap();
        assert_eq!(answer.records.len(), 2, "another agreement's goes on");
        assert_eq!(answer.receipt.unwrap().cut_reason, "");
    }
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawal_and_suspension_cut_what_is_theirs_alone() {
    let pair = up("query_seconds = 600\n", "").await;
    let exchange = &pair.exchange;
    signed_by_all(exchange, &trio(1, "accession = \"any\"\n")).await;
    let Act::Sign(names) = schemas() else { unreachable!() };
    act(exchange, OTHER.0, Act::Accede(names)).await.unwrap();
    let go = waits(&pair);
    let leaving = open(exchange, ASKER, investigation(&[BETA], ""), 10).await;
    let going = open(exchange, OTHER, investigation(&[BETA], ""), 10).await;
    let staying = open(exchange, OTHER, investigation(&[ALPHA], ""), 10).await;
    let since = Instant::now();
    act(exchange, ASKER.0, Act::Withdraw(None)).await.unwrap();
    were_cut(leaving, since, "withdrawal of the requester").await;
    assert_eq!(word(&act(exchange, ASKER.0, Act::Suspend).await), "PARTY_WITHDRAWN");
    // One that names its moment ends then, although nobody does anything more.
    let soon = Moment(exchange.clock.now().0 + 2000);
    let (at, since) = (Moment::from_seconds(soon.seconds()), Instant::now());
    act(exchange, BETA, Act::Withdraw(Some(at))).await.unwrap();
    were_cut(going, since, "withdrawal of the source, about 1.5 s ahead").await;
    go.send_replace(true);
    for one in staying {
        assert_eq!(one.await.unwrap().0.records.len(), 2, "what does not touch who left goes on");
    }
    go.send_replace(false);
    let waiting = open(exchange, OTHER, investigation(&[ALPHA], ""), 10).await;
    let since = Instant::now();
    act(exchange, ALPHA, Act::Suspend).await.unwrap();
    were_cut(waiting, since, "suspension").await;
    pair.exchange.shut_down().await.unwrap();
}

/// Goods codes of an answer's records, as far as they are told.
fn codes(answer: &Answer) -> Vec<String> {
    let of = |one: &query::ReleasedRecord| {
        let declaration = record::Declaration::decode(one.payload.clone()).unwrap();
        declaration.items.into_iter().map(|item| item.hs_code).collect::<String>()
    };
    answer.records.iter().map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_joined_caps_what_is_told_and_ends_what_is_open() {
    let pair = up("query_seconds = 600\n", "").await;
    let exchange = &pair.exchange;
    signed_by_all(exchange, &trio(1, "")).await;
    let asked = || investigation(&[ALPHA], "OP-TRIO");
    assert_eq!(denial(exchange, ASKER, asked()).await, "CASE_NOT_OPEN_TO_YOU");
    let later = |seconds: i64| Moment(exchange.clock.now().0 + seconds * 1000).to_proto();
    let opening = || case::OpenRequest {
        id: "OP-TRIO".into(),
        room: true,
        closes: Some(later(3600)),
        template: vec!["field ucr clear".into()],
        invite: vec![ASKER.0.into()],
        ..case::OpenRequest::default()
    };
    let mut alpha = cases(exchange, ALPHA).await;
    for (wrong, refusal) in [
        (case::OpenRequest { closes: None, ..opening() }, "CASE_DATES_WRONG"),
        (case::OpenRequest { id: "a b".into(), ..opening() }, "CASE_ID_MALFORMED"),
        (case::OpenRequest { invite: vec!["nobody".into()], ..opening() }, "AGENCY_UNKNOWN"),
        (case::OpenRequest { template: vec!["field x".into()], ..opening() }, "TEMPLATE_MALFORMED"),
    ] {
        assert_eq!(reason(&alpha.open(wrong).await.err().unwrap()), refusal);
    }
    alpha.open(opening()).await.unwrap();
    assert_eq!(reason(&alpha.open(opening()).await.err().unwrap()), "CASE_ID_TAKEN");
    // Invited is not joined; who is not invited hears of nothing.
    assert_eq!(denial(exchange, ASKER, asked()).await, "CASE_NOT_OPEN_TO_YOU");
    let join = || case::JoinRequest { id: "OP-TRIO".into() };
    let stranger = cases(exchange, BETA).await.join(join()).await.err().unwrap();
    assert_eq!(reason(&stranger), "CASE_NOT_FOUND_OR_NOT_YOURS");
    let joined =
        cases(exchange, ASKER.0).await.join(join()).await.unwrap().into_inner().case.unwrap();
    assert_eq!(joined.members, [ALPHA, ASKER.0]);
    let answer = exchange.ask(ASKER, asked()).await.unwrap();
    assert_eq!(codes(&answer), [""], "the template caps");
    assert_eq!(portcullis_tests::pair::ucrs(&answer), [format!("{ALPHA}-000001")]);
    let answer = exchange.ask(ASKER, investigation(&[ALPHA], "")).await.unwrap();
    assert_eq!(codes(&answer), ["854231"], "and nothing outside of the room");

    let go = waits(&pair);
    let inside = open(exchange, ASKER, asked(), 10).await;
    let outside = open(exchange, ASKER, investigation(&[ALPHA], ""), 10).await;
    let close = || case::CloseRequest { id: "OP-TRIO".into() };
    let not_mine = cases(exchange, ASKER.0).await.close(close()).await.err().unwrap();
    assert_eq!(reason(&not_mine), "CASE_NOT_YOURS");
    let since = Instant::now();
    alpha.close(close()).await.unwrap();
    were_cut(inside, since, "closing a case").await;
    assert_eq!(denial(exchange, ASKER, asked()).await, "CASE_NOT_OPEN_TO_YOU");
    go.send_replace(true);
    for one in outside {
        assert_eq!(one.await.unwrap().0.records.len(), 2, "outside of the case it goes on");
    }
    // What was opened stays used, and closed, after a restart.
    let Pair { exchange: Exchange { world, gateway, clock, dir }, .. } = pair;
    gateway.shut_down().await.unwrap();
    let gateway = world.start(clock.clone()).await.unwrap();
    let exchange = Exchange { world, gateway, clock, dir };
    let mut alpha = cases(&exchange, ALPHA).await;
    let all = alpha.list(case::ListRequest {}).await.unwrap().into_inner().cases;
    assert!(all.len() == 1 && !all[0].open && all[0].room);
    assert_eq!(denial(&exchange, ASKER, asked()).await, "CASE_NOT_OPEN_TO_YOU");
    exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_wants_signatures_takes_no_unsigned_agreement_and_no_changed_one() {
    let dir = tempfile::tempdir().unwrap();
    let set = portcullis_tests::pair::Set::build(dir.path(), PairSpec::default()).await.unwrap();
    let world = &set.world;
    let config = std::fs::read_to_string(&world.config).unwrap();
    let line = "agreements = [\"agreements\"]\n";
    let signed = config.replace(line, &format!("require_signed_agreements = true\n{line}"));
    std::fs::write(&world.config, signed).unwrap();
    let refused = || async {
        let error = world.start(Clock::system()).await.err().map(|error| format!("{error:#}"));
        error.unwrap_or_default()
    };
    let error = refused().await;
    assert!(error.contains("pair.toml") && error.contains("has not signed it"), "{error}");
    let file = world.dir.join("agreements/pair.toml");
    let agencies = [ALPHA, BETA, ASKER.0, OTHER.0];
    for agency in agencies {
        let done = std::process::Command::new(portcullis_tests::binary("portcullis").unwrap())
            .args(["agreement", "sign", "--offline", "--agency", agency, "--exchange"])
            .arg(format!("{} EXERCISE", world.exchange.trust_domain))
            .arg("--key")
            .arg(world.dir.join(format!("keys/{agency}.agreement.key")))
            .arg(&file)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let gateway = world.start(Clock::system()).await.unwrap();
    gateway.shut_down().await.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("title = \"Pair\"", "title = \"Bair\"")).unwrap();
    let error = refused().await;
    assert!(error.contains("TEXT_DIFFERS"), "{error}");
}

/// The trial of `gateway/policies/README.md`, as it stands there: every command is run, and says what the README
/// says it does. A line that ends in `..` may go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_from_nothing_to_a_first_permitted_query() {
    let exchange = Exchange::sample().await.unwrap();
    let work = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(&exchange.world.dir, work.path().join("trial")).unwrap();
    let readme = include_str!("../../gateway/policies/README.md");
    let steps = portcullis_tests::transcript::steps(readme, "portcullis playground").unwrap();
    // What comes first is the playground itself, which stands already.
    for step in &steps[1..] {
        portcullis_tests::transcript::run(step, work.path()).await.unwrap();
    }
    assert!(steps.len() >= 8, "{}", steps.len());
    exchange.shut_down().await.unwrap();
}
