//! After disclosure: an originator is told every recipient of a record, and nobody else is told anything; the terms of
//! use travel with the answer.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use portcullis::source::adapter::IdKey;
use portcullis_proto::audit::v1 as audit;
use portcullis_proto::audit::v1::audit_service_client::AuditServiceClient;
use portcullis_proto::query::v1 as wire;
use portcullis_tests::pair::{
    ALPHA, ASKER, BETA, OTHER, Pair, PairSpec, declarations, handling, opaque_id, ucrs,
};
use portcullis_tests::{Answer, Exchange, RECORD, binary, filter, query, reason, request};
use serde_json::Value;
use tonic::Status;
use wire::Purpose::{Investigation, ShipmentTargeting};

const CASE: &str = "CASE-7";
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// Alpha and beta give to both police bureaus, alpha to beta too.
fn agreement() -> String {
    let flow = |from: &str, to: &[&str]| {
        let to = to.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", ");
        format!(
            "[[flow]]\nfrom = \"{from}\"\nto = [{to}]\nrecord_types = [\"{RECORD}Declaration\"]\n\
             purposes = [\"SHIPMENT_TARGETING\", \"INVESTIGATION\"]\ncase_required = false\n\
             permitted_use = [\"SHIPMENT_TARGETING\", \"JUDICIAL_USE\"]\ndelete_after_days = 30\n\
             release_by_originator = true\n\n\
             [flow.budgets]\nqueries_per_day = 1_000\nrecords_per_day = 1_000_000\n\
             [[flow.ladder]]\nfields = [\"ucr\", \"items.sequence\", \"items.hs_code\"]\n\
             rungs = [\"clear\", \"withhold\"]\n\n"
        )
    };
    format!(
        "id = \"pair\"\nversion = 3\ntitle = \"Pair\"\nlegal_basis = \"A test\"\n\
         parties = [\"{ALPHA}\", \"{BETA}\", \"{}\", \"{}\"]\n\
         valid_from = 2024-01-01\nvalid_until = 2035-12-31\n\n{}{}",
        ASKER.0,
        OTHER.0,
        flow(ALPHA, &[ASKER.0, OTHER.0, BETA]),
        flow(BETA, &[ASKER.0, OTHER.0])
    )
}

async fn pair() -> Pair {
    let cases = format!(
        "[[cases]]\nid = \"{CASE}\"\nmembers = [\"{}\", \"{ALPHA}\"]\nopens = \"2026-01-01T00:00:00Z\"\n",
        OTHER.0
    );
    let spec = PairSpec { agreement: Some(agreement()), cases, ..PairSpec::default() };
    Pair::up(spec).await.unwrap()
}

async fn ask(
    exchange: &Exchange,
    who: (&str, &str),
    purpose: wire::Purpose,
    case: &str,
    sources: &[&str],
) -> Answer {
    let mut asked = query("Declaration", purpose, case);
    asked.sources = sources.iter().map(|one| (*one).to_owned()).collect();
    asked.officer = "Inspector Kim".to_owned();
    exchange.ask(who, request(asked)).await.unwrap()
}

fn of(number: u64) -> audit::ListRecipientsRequest {
    audit::ListRecipientsRequest { record_id: opaque_id(number), ..Default::default() }
}

async fn listed(
    exchange: &Exchange,
    agency: &str,
    asked: audit::ListRecipientsRequest,
) -> Result<audit::ListRecipientsResponse, Status> {
    let channel = exchange.channel(agency, "desk").await.unwrap();
    AuditServiceClient::new(channel).list_recipients(asked).await.map(tonic::Response::into_inner)
}

async fn told(
    exchange: &Exchange,
    agency: &str,
    asked: audit::ListRecipientsRequest,
) -> Vec<audit::Recipient> {
    listed(exchange, agency, asked).await.unwrap().recipients
}

fn agencies(recipients: &[audit::Recipient]) -> Vec<&str> {
    recipients.iter().map(|one| one.agency.as_str()).collect()
}

async fn restarted(pair: Pair) -> Pair {
    let Pair { exchange, alpha, beta } = pair;
    let Exchange { world, gateway, clock, dir } = exchange;
    gateway.shut_down().await.unwrap();
    let gateway = world.start(clock.clone()).await.unwrap();
    Pair { exchange: Exchange { world, gateway, clock, dir }, alpha, beta }
}

/// A command that ends by itself: its status and what it printed.
fn command(words: &[&str]) -> (Option<i32>, String, String) {
    let done = Command::new(binary("portcullis").unwrap())
        .args(words)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Three requesters, two purposes, a case; records of the same id at both sources. The answers, by requester.
async fn three_ask(pair: &Pair) -> [Answer; 3] {
    let Pair { exchange, alpha, beta } = pair;
    alpha.holds(declarations(ALPHA, 1..=5), 2, Duration::ZERO);
    beta.holds(declarations(BETA, 1..=3), 2, Duration::ZERO);
    let asker = ask(exchange, ASKER, ShipmentTargeting, "", &[]).await;
    assert_eq!(ucrs(&asker).len(), 8);
    alpha.holds(declarations(ALPHA, [2, 3]), 2, Duration::ZERO);
    let other = ask(exchange, OTHER, Investigation, CASE, &[ALPHA]).await;
    alpha.holds(declarations(ALPHA, [3]), 2, Duration::ZERO);
    let beta = ask(exchange, (BETA, "desk"), ShipmentTargeting, "", &[ALPHA]).await;
    for answer in [&asker, &other, &beta] {
        pair.outcome(&answer.header.as_ref().unwrap().exchange_id).await.unwrap();
    }
    [asker, other, beta]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_originator_is_told_every_recipient_and_nobody_else_is_told_anything() {
    let pair = pair().await;
    let [asker, other, beta] = three_ask(&pair).await;
    let exchange = &pair.exchange;

    let all = told(exchange, ALPHA, of(3)).await;
    assert_eq!(agencies(&all), [ASKER.0, OTHER.0, BETA]);
    for (one, answer) in all.iter().zip([&asker, &other, &beta]) {
        let header = answer.header.as_ref().unwrap();
        assert_eq!(one.exchange_id, header.exchange_id);
        assert_eq!((one.system.as_str(), one.officer.as_str()), ("desk", "Inspector Kim"));
        assert!(!one.officer_proven);
        assert_eq!((one.agreement_id.as_str(), one.agreement_version), ("pair", 3));
        assert_eq!(one.record_type, format!("{RECORD}Declaration"));
        assert_eq!(one.permitted_use, header.permitted_use);
        assert_eq!(one.permitted_use, ["SHIPMENT_TARGETING", "JUDICIAL_USE"]);
        let told = header.delete_by.as_ref().unwrap();
        assert_eq!(one.delete_by_unix_millis / 1000, told.seconds);
        assert_eq!(one.ending(), audit::ExchangeEnding::Complete);
        assert_eq!(one.plan_hash, answer.plans[0].plan_hash);
        assert!(one.justification == "a test" && one.content_commitment.len() == 32);
    }
    let asked: Vec<_> =
        all.iter().map(|one| (one.purpose.as_str(), one.case_id.as_str())).collect();
    assert_eq!(
        asked,
        [("SHIPMENT_TARGETING", ""), ("INVESTIGATION", CASE), ("SHIPMENT_TARGETING", "")]
    );
    assert_eq!(agencies(&told(exchange, ALPHA, of(2)).await), [ASKER.0, OTHER.0]);
    assert_eq!(agencies(&told(exchange, ALPHA, of(1)).await), [ASKER.0]);
    // Beta's record of the same id is another one.
    assert_eq!(agencies(&told(exchange, BETA, of(3)).await), [ASKER.0]);

    // Page by page, the same.
    let (mut paged, mut asked) = (vec![], audit::ListRecipientsRequest { limit: 1, ..of(3) });
    loop {
        let page = listed(exchange, ALPHA, asked.clone()).await.unwrap();
        assert_eq!((page.recipients.len(), page.complete_from_index), (1, 0));
        paged.extend(page.recipients);
        if page.next_index == 0 {
            break;
        }
        asked.from_index = page.next_index;
    }
    assert_eq!(paged, all);

    // Only some of them.
    let typed = |name: &str| audit::ListRecipientsRequest {
        record_type: format!("{RECORD}{name}"),
        ..of(3)
    };
    assert_eq!(told(exchange, ALPHA, typed("Declaration")).await, all);
    assert!(told(exchange, ALPHA, typed("Consignment")).await.is_empty());
    let until =
        audit::ListRecipientsRequest { until_unix_millis: all[1].time_unix_millis, ..of(3) };
    assert_eq!(told(exchange, ALPHA, until).await, all[..1]);
    let since = audit::ListRecipientsRequest { from_unix_millis: all[1].time_unix_millis, ..of(3) };
    assert_eq!(told(exchange, ALPHA, since).await, all[1..]);

    // Not theirs, unknown, never disclosed: one answer. Beta, which received record 2's neighbours, has no record 5.
    let nobody = listed(exchange, ALPHA, of(99)).await.unwrap();
    assert_eq!(nobody, audit::ListRecipientsResponse::default());
    for (agency, number) in [(ASKER.0, 3), (OTHER.0, 3), (BETA, 5), (BETA, 4), (ASKER.0, 99)] {
        assert_eq!(
            listed(exchange, agency, of(number)).await.unwrap(),
            nobody,
            "{agency} {number}"
        );
    }
    for (asked, wanted) in [
        (audit::ListRecipientsRequest::default(), "RECORD_ID_MALFORMED"),
        (audit::ListRecipientsRequest { limit: 501, ..of(3) }, "LIMIT_TOO_LARGE"),
        (
            audit::ListRecipientsRequest { reference: Some(Default::default()), ..of(3) },
            "RECORD_NAMED_TWICE",
        ),
        (
            audit::ListRecipientsRequest {
                reference: Some(Default::default()),
                ..Default::default()
            },
            "REQUESTER_MISSING",
        ),
    ] {
        assert_eq!(reason(&listed(exchange, ALPHA, asked).await.unwrap_err()), wanted);
    }

    let pair = restarted(pair).await;
    assert_eq!(told(&pair.exchange, ALPHA, of(3)).await, all);
    pair.exchange.shut_down().await.unwrap();
}

/// What a partner quotes on the telephone leads its originator to the record, and nobody else to anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_quoted_reference_names_the_originators_own_record_alone() {
    let pair = pair().await;
    let [asker, other, _] = three_ask(&pair).await;
    let exchange = &pair.exchange;
    let quoted = |reference: &str, requester: &str, case: &str, agreement: &str| {
        audit::ListRecipientsRequest {
            reference: Some(audit::QuotedReference {
                reference: reference.to_owned(),
                requester: requester.to_owned(),
                case_id: case.to_owned(),
                agreement_id: agreement.to_owned(),
            }),
            ..Default::default()
        }
    };
    let all = told(exchange, ALPHA, of(3)).await;
    assert_eq!(all.len(), 3);
    // Record 3 is the second that the other bureau received, and the third of the asker's.
    let in_case = &other.records[1].reference;
    assert_eq!(told(exchange, ALPHA, quoted(in_case, OTHER.0, CASE, "")).await, all);
    let by_agreement = &asker.records[2].reference;
    assert_eq!(told(exchange, ALPHA, quoted(by_agreement, ASKER.0, "", "pair")).await, all);

    let nobody = audit::ListRecipientsResponse::default();
    let forged = format!("{}A", &in_case[..87]);
    for (agency, asked) in [
        (BETA, quoted(in_case, OTHER.0, CASE, "")),
        (OTHER.0, quoted(in_case, OTHER.0, CASE, "")),
        (ALPHA, quoted(in_case, ASKER.0, CASE, "")),
        (ALPHA, quoted(in_case, OTHER.0, "", "pair")),
        (ALPHA, quoted(by_agreement, ASKER.0, CASE, "")),
        (ALPHA, quoted(&forged, OTHER.0, CASE, "")),
        (ALPHA, quoted("nonsense", OTHER.0, CASE, "")),
        // Beta's record, as the asker knows it.
        (ALPHA, quoted(&asker.records[5].reference, ASKER.0, "", "pair")),
    ] {
        assert_eq!(listed(exchange, agency, asked).await.unwrap(), nobody);
    }
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_asks_a_gateway_and_a_store_and_says_the_same() {
    let pair = pair().await;
    three_ask(&pair).await;
    let world = &pair.exchange.world;
    let record = hex::encode(opaque_id(3));
    let profile = world.profile(ALPHA, "desk");
    let live = ["audit", "recipients", "--profile", path(&profile), "--record", &record];
    let (code, text, err) = command(&live);
    assert_eq!(code, Some(0), "{err}");
    for part in [
        ASKER.0,
        OTHER.0,
        "Inspector Kim (told)",
        CASE,
        "pair v3",
        "JUDICIAL_USE",
        "3 disclosures to 3 agencies",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    let json = |words: &[&str]| {
        let (code, text, err) = command(&[words, &["--json"]].concat());
        let document: Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text} {err}"));
        (code, document)
    };
    let (_, asked) = json(&live);
    assert_eq!(asked["recipients"].as_array().unwrap().len(), 3);
    assert_eq!(asked["recipients"][1]["case"], CASE);

    // From the store's file, with the originator's own key and with the auditor's: while the gateway runs.
    let (store, own) =
        (world.dir.join("gateway.sqlite"), world.dir.join(format!("keys/{ALPHA}.audit.key")));
    let auditor = world.dir.join("keys/audit.key");
    let bare = |document: &Value| {
        let one =
            |one: &Value| (one["index"].clone(), one["agency"].clone(), one["ending"].clone());
        document["recipients"].as_array().unwrap().iter().map(one).collect::<Vec<_>>()
    };
    for key in [&own, &auditor] {
        let offline = [
            "audit",
            "recipients",
            "--store",
            path(&store),
            "--key",
            path(key),
            "--agency",
            ALPHA,
            "--record",
            &record,
        ];
        for more in [&[][..], &["--full"]] {
            let (code, read) = json(&[&offline, more].concat());
            assert_eq!((code, bare(&read)), (Some(0), bare(&asked)), "{more:?}");
        }
        let (_, text, _) = command(&[&offline[..], &["--full"]].concat());
        assert!(text.contains("the index says the same"), "{text}");
    }
    let foreign = world.dir.join(format!("keys/{BETA}.audit.key"));
    let stolen = [
        "audit",
        "recipients",
        "--store",
        path(&store),
        "--key",
        path(&foreign),
        "--agency",
        ALPHA,
        "--record",
        &record,
    ];
    assert_eq!(command(&stolen).0, Some(1), "another agency's key opens nothing");
    for wrong in [
        &["audit", "recipients", "--record", &record][..],
        &["audit", "recipients", "--profile", path(&profile), "--record", "xyz"],
        &["audit", "recipients", "--profile", path(&profile)],
    ] {
        assert_eq!(command(wrong).0, Some(2), "{wrong:?}");
    }
    let (_, text, _) = command(&[
        "audit",
        "recipients",
        "--profile",
        path(&world.profile(ASKER.0, ASKER.1)),
        "--record",
        &record,
    ]);
    assert!(text.starts_with("nobody\n"), "{text}");
    pair.exchange.shut_down().await.unwrap();
}

/// From the key of a row in the originator's own system to who received it.
#[tokio::test(flavor = "multi_thread")]
async fn an_officer_gets_from_a_row_to_its_recipients() {
    let exchange = Exchange::sample().await.unwrap();
    let mut asked = query("Declaration", ShipmentTargeting, "CASE-2026-014");
    asked.sources = vec!["nv-customs".to_owned()];
    let answer = exchange.ask(("sm-customs", "targeting"), request(asked)).await.unwrap();
    assert!(!answer.records.is_empty());
    let world = &exchange.world;
    let operator = &world.exchange.gateway_agency;
    let domain = &world.exchange.trust_domain;
    let settings = world.dir.join("source.toml");
    std::fs::write(
        &settings,
        format!(
            "agency = \"nv-customs\"\nenvironment = \"EXERCISE\"\nlisten = \"127.0.0.1:0\"\n\
             certificate = \"certs/nv-customs/source.pem\"\nkey = \"certs/nv-customs/source.key\"\n\
             id_key = \"keys/nv-customs.id.key\"\n\
             mappings = [\"samples/nv-customs/inspections.toml\", \"samples/nv-customs/declarations.toml\"]\n\
             trust_domain = \"{domain}\"\n[[gateway]]\n\
             spiffe_id = \"spiffe://{domain}/agency/{operator}/system/gateway\"\n\
             bundle = \"certs/{operator}/ca.pem\"\ncrl = \"certs/{operator}/crl.pem\"\n"
        ),
    )
    .unwrap();
    let csv =
        std::fs::read_to_string(world.dir.join("samples/nv-customs/declarations.csv")).unwrap();
    let rows: Vec<&str> = csv.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    let record_type = format!("{RECORD}Declaration");
    let id_of = |row: &str| {
        let words = ["source", "id", "--config", path(&settings), "--type", &record_type, row];
        let (code, text, err) = command(&words);
        assert_eq!(code, Some(0), "{err}");
        text.trim().to_owned()
    };
    let profile = world.profile("nv-customs", "targeting");
    let key = IdKey::read(&world.dir.join("keys/nv-customs.id.key")).unwrap();
    let channel = exchange.channel("nv-customs", "targeting").await.unwrap();
    let mut log = AuditServiceClient::new(channel);
    let mut received = 0;
    for (at, row) in rows.iter().enumerate() {
        let id = key.opaque(&record_type, [*row].into_iter());
        let asked =
            audit::ListRecipientsRequest { record_id: id.to_vec().into(), ..Default::default() };
        let recipients = log.list_recipients(asked).await.unwrap().into_inner().recipients;
        assert!(recipients.iter().all(|one| one.agency == "sm-customs"));
        received += recipients.len();
        if at < 3 {
            assert_eq!(id_of(row), hex::encode(id));
            let record = hex::encode(id);
            let (code, text, err) =
                command(&["audit", "recipients", "--profile", path(&profile), "--record", &record]);
            assert_eq!(code, Some(0), "{err}");
            assert!(text.contains(&format!("{} disclosures", recipients.len())), "{text}");
        }
    }
    assert_eq!(received, answer.records.len(), "each record of the answer, and no other row");

    // The same of a mapping of a table, whose database nobody asks.
    let table = world.dir.join("table.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let one = text.replace("\"samples/nv-customs/inspections.toml\", ", "");
    std::fs::write(
        &table,
        one.replace("samples/nv-customs/declarations.toml", "table.mapping.toml"),
    )
    .unwrap();
    let mapping = "record_type = \"portcullis.record.v1.Declaration\"\ntable = \"x.declarations\"\n\
                   database = \"postgres://nobody@127.0.0.1:1/nothing\"\nid = [\"entry_no\"]\n";
    std::fs::write(world.dir.join("table.mapping.toml"), mapping).unwrap();
    let words = ["source", "id", "--config", path(&table), "--type", &record_type, rows[0]];
    let (code, text, err) = command(&words);
    assert_eq!((code, text.trim()), (Some(0), id_of(rows[0]).as_str()), "{err}");

    for (words, said) in [
        (
            &["source", "id", "--config", path(&settings), "--type", &record_type, "a", "b"][..],
            "Entry No",
        ),
        (&["source", "id", "--config", path(&settings), "--type", "x.Y", "a"], "Inspection"),
        (&["source"], "--config"),
    ] {
        let (code, _, err) = command(words);
        assert!(code == Some(2) && err.contains(said), "{words:?}: {err}");
    }
    exchange.shut_down().await.unwrap();
}

/// Permitted use, delete-by and onward audience as a record's own handling narrows them.
#[tokio::test(flavor = "multi_thread")]
async fn the_terms_of_use_travel_with_each_record() {
    let pair = pair().await;
    let exchange = &pair.exchange;
    let tomorrow = exchange.clock.now().0 + DAY_MILLIS;
    let tomorrow = prost_types::Timestamp { seconds: tomorrow / 1000, nanos: 0 };
    let mut held = declarations(ALPHA, 1..=3);
    held[1].handling = Some(portcullis_proto::handling::v1::Handling {
        releasable_to: vec![OTHER.0.into(), ASKER.0.into()],
        permitted_use: vec!["SHIPMENT_TARGETING".into(), "STATISTICS".into()],
        delete_by: Some(tomorrow),
        ..handling(ALPHA)
    });
    // May be used for nothing that the agreement allows: it is not released.
    held[2].handling = Some(portcullis_proto::handling::v1::Handling {
        permitted_use: vec!["STATISTICS".into()],
        ..handling(ALPHA)
    });
    pair.alpha.holds(held, 10, Duration::ZERO);
    let answer = ask(exchange, ASKER, ShipmentTargeting, "", &[ALPHA]).await;
    let header = answer.header.as_ref().unwrap();
    assert_eq!(header.permitted_use, ["SHIPMENT_TARGETING", "JUDICIAL_USE"]);
    let [ordinary, narrowed] = answer.records.as_slice() else { panic!("{:?}", ucrs(&answer)) };
    assert_eq!(ordinary.permitted_use, header.permitted_use);
    assert_eq!(ordinary.delete_by, header.delete_by);
    assert_eq!(narrowed.permitted_use, ["SHIPMENT_TARGETING"]);
    assert_eq!(narrowed.delete_by, Some(tomorrow));
    let audience = |record: &wire::ReleasedRecord| {
        let plan = answer.plans.iter().find(|plan| plan.index == record.plan).unwrap();
        plan.releasable_to.clone()
    };
    assert!(audience(ordinary).is_empty());
    assert_eq!(audience(narrowed), [OTHER.0, ASKER.0], "sorted");

    // A filter or a page changes nothing of it.
    let mut again = query("Declaration", ShipmentTargeting, "");
    again.sources = vec![ALPHA.to_owned()];
    again.filter = Some(filter("Declaration", "items.hs_code prefix 8542").unwrap());
    again.limit = 1;
    let page = exchange.ask(ASKER, request(again.clone())).await.unwrap();
    let next = wire::QueryRequest {
        query: Some(again),
        resume_token: page.resume_token,
        ..Default::default()
    };
    let next = exchange.ask(ASKER, next).await.unwrap();
    assert_eq!(next.records[0].permitted_use, narrowed.permitted_use);
    assert_eq!(next.records[0].delete_by, narrowed.delete_by);
    assert_eq!(next.plans[0].releasable_to, audience(narrowed));
    pair.exchange.shut_down().await.unwrap();
}
