//! Release requests end to end: what is asked, who decides, what a grant shows and what it never does, and that
//! every step stands in the log.

use std::time::Duration;

use portcullis::audit::keys::SealPrivateKey;
use portcullis::audit::verify::{Outside, verify};
use portcullis::audit::{
    ExchangeId, Filter, LogVerifier, Part, Party, Unsealer, learn_epochs, list_entries,
};
use portcullis::clock::Clock;
use portcullis::command::playground::{OFFICER_KEY, World};
use portcullis::store::Store;
use portcullis_core::id::Moment;
use portcullis_core::release::Act;
use portcullis_proto::digest::decision_digest;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use portcullis_proto::query::v1::release_decision::Step;
use portcullis_proto::record::v1::{Declaration, DeclarationItem, TradeParty};
use portcullis_proto::source::v1 as source;
use portcullis_tests::officer::{by_officer, claims, sign};
use portcullis_tests::pair::{ALPHA, ASKER, BETA, OTHER, Pair, PairSpec, handling, opaque_id};
use portcullis_tests::{Answer, Exchange, RECORD, filter, query, reason, request};
use prost::Message as _;
use tonic::Status;
use tonic::transport::Channel;
use wire::{ReleaseAct, ReleaseState};

const CASE: &str = "C-1";
const ALPHA_DESK: (&str, &str) = (ALPHA, "desk");
const DAY: i64 = 24 * 60 * 60 * 1000;
const REMARKS: &str = "SECRETREMARK";

/// Alpha's declarations within a case: the importer's id is a token, its name and the officers' remarks withheld, the
/// value a band. Remarks are the gateway's own to forbid, whoever grants.
fn agreement(more: &str) -> String {
    format!(
        "id = \"pair\"\nversion = 1\ntitle = \"Pair\"\nlegal_basis = \"A test\"\n\
         parties = [\"{ALPHA}\", \"{BETA}\", \"{0}\", \"{1}\"]\n\
         valid_from = 2024-01-01\nvalid_until = 2035-12-31\n\n\
         [[flow]]\nfrom = \"{ALPHA}\"\nto = [\"{0}\", \"{1}\"]\n\
         record_types = [\"{RECORD}Declaration\"]\npurposes = [\"INVESTIGATION\"]\n\
         case_required = true\npermitted_use = [\"INVESTIGATION\"]\n\
         delete_after_days = 30\nrelease_by_originator = true\n{more}\n\
         [flow.release]\nanswer_within_days = 3\ngrant_holds_days = 2\n\
         [flow.budgets]\nqueries_per_day = 100_000\nrecords_per_day = 1_000_000\n\
         match_probes_per_day = 10\n\
         [[flow.ladder]]\nfields = [\"ucr\", \"items.sequence\"]\nrungs = [\"clear\", \"withhold\"]\n\
         [[flow.ladder]]\nfields = [\"importer.id\"]\nrungs = [\"pseudonymise\", \"withhold\"]\n\
         [[flow.ladder]]\nfields = [\"items.hs_code\"]\n\
         rungs = [\"generalise:chapter\", \"withhold\"]\n\
         [[flow.ladder]]\nfields = [\"officer_remarks\", \"exporter.id\"]\nrungs = [\"withhold\"]\n",
        ASKER.0, OTHER.0
    )
}

/// What no originator can lift at this gateway.
const POLICY: &str = "@id(\"here:remarks-stay\")\n\
    forbid (principal, action in Action::\"learn\", resource)\n\
    when { resource.path == \"officer_remarks\" };\n";

struct World1 {
    pair: Pair,
    clock: Clock,
}

async fn up() -> World1 {
    up_with("").await
}

async fn up_with(more: &str) -> World1 {
    let case = |id: &str| {
        format!(
            "[[cases]]\nid = \"{id}\"\nmembers = [\"{}\", \"{}\"]\nopens = \"2024-01-01T00:00:00Z\"\n",
            ASKER.0, OTHER.0
        )
    };
    let clock = Clock::manual(Clock::system().now());
    let spec = PairSpec {
        agreement: Some(agreement(more)),
        cases: [CASE, "C-2"].map(case).join("\n"),
        policy: Some(POLICY.to_owned()),
        clock: clock.clone(),
        ..PairSpec::default()
    };
    let pair = Pair::up(spec).await.unwrap();
    pair.alpha.holds((1..=3).map(record).collect(), 10, Duration::ZERO);
    World1 { pair, clock }
}

fn record(number: u64) -> source::SourceRecord {
    let party = |name: &str| TradeParty { id: format!("{name}-{number}"), ..TradeParty::default() };
    let payload = Declaration {
        ucr: format!("ucr-{number}"),
        importer: Some(party("importer")),
        exporter: Some(party("exporter")),
        officer_remarks: REMARKS.to_owned(),
        items: vec![DeclarationItem {
            sequence: 1,
            hs_code: "854231".to_owned(),
            ..DeclarationItem::default()
        }],
        ..Declaration::default()
    };
    source::SourceRecord {
        opaque_id: opaque_id(number),
        handling: Some(handling(ALPHA)),
        payload: payload.encode_to_vec().into(),
    }
}

fn investigation() -> wire::Query {
    query("Declaration", wire::Purpose::Investigation, CASE)
}

fn read(answer: &Answer) -> Vec<Declaration> {
    answer.records.iter().map(|one| Declaration::decode(one.payload.clone()).unwrap()).collect()
}

/// A request for the first record's importer and exporter.
fn asking(reference: &str) -> wire::RequestReleaseRequest {
    let fields = ["importer.id", "exporter.id", "items.hs_code"].map(str::to_owned).to_vec();
    wire::RequestReleaseRequest {
        query: Some(wire::Query {
            references: vec![reference.to_owned()],
            fields,
            justification: "the same importer in two cases".to_owned(),
            officer: "o.rask".to_owned(),
            ..investigation()
        }),
        ..wire::RequestReleaseRequest::default()
    }
}

fn grant(fields: &[(&str, wire::Treatment, &str)]) -> Step {
    let of = |(path, treatment, level): &(&str, wire::Treatment, &str)| wire::ReleaseField {
        path: (*path).to_owned(),
        treatment: (*treatment).into(),
        level: (*level).to_owned(),
    };
    let (fields, remark) = (fields.iter().map(of).collect(), "as asked".to_owned());
    Step::Grant(wire::ReleaseGrant { fields, remark, until: None })
}

const CLEAR: wire::Treatment = wire::Treatment::Clear;

impl World1 {
    fn exchange(&self) -> &Exchange {
        &self.pair.exchange
    }

    async fn client(&self, who: (&str, &str)) -> QueryServiceClient<Channel> {
        QueryServiceClient::new(self.exchange().channel(who.0, who.1).await.unwrap())
    }

    async fn ask(&self, query: wire::Query) -> Result<Answer, Status> {
        self.exchange().ask(ASKER, request(query)).await
    }

    /// The reference of a record, as the asker knows it.
    async fn reference(&self, number: usize) -> String {
        let answer = self.ask(investigation()).await.unwrap();
        answer.records[number - 1].reference.clone()
    }

    async fn request(&self, ask: wire::RequestReleaseRequest) -> Result<wire::Release, Status> {
        let asked = self.client(ASKER).await.request_release(ask).await?;
        Ok(asked.into_inner().release.unwrap())
    }

    async fn decide(
        &self,
        who: (&str, &str),
        id: &str,
        step: Step,
    ) -> Result<wire::Release, Status> {
        let decision = wire::ReleaseDecision {
            release_id: id.to_owned(),
            step: Some(step),
            officer: "a.officer".to_owned(),
            after_step: 0,
        };
        let ask =
            wire::DecideReleaseRequest { decision: Some(decision), officer_token: String::new() };
        Ok(self.client(who).await.decide_release(ask).await?.into_inner().release.unwrap())
    }

    async fn list(&self, who: (&str, &str)) -> Vec<wire::Release> {
        let ask = wire::ListReleasesRequest::default();
        self.client(who).await.list_releases(ask).await.unwrap().into_inner().releases
    }

    fn forward(&self, millis: i64) {
        self.clock.set(Moment(self.clock.now().0 + millis));
    }

    /// The log of everything so far: sound, and the acts of a release by whoever may read them.
    async fn logged(&self, reader: &str, id: &str) -> Vec<(Act, bool)> {
        let world = &self.exchange().world;
        parts(world, reader, id).await.into_iter().fold(vec![], |mut acts, part| {
            match part {
                Part::Release(step) => acts.push((step.what.act(), false)),
                Part::Officer { .. } => acts.last_mut().unwrap().1 = true,
                other => panic!("{other:?}"),
            }
            acts
        })
    }

    async fn sound(&self) -> [u64; 5] {
        let world = &self.exchange().world;
        let store = Store::open_read_only(&world.dir.join("gateway.sqlite")).await.unwrap();
        let key = LogVerifier::parse(&self.exchange().gateway.log_public_key).unwrap();
        let report = verify(&store, &key, &Outside::default()).await;
        store.close().await;
        assert!(report.sound(), "{:?}", report.faults);
        report.kinds
    }

    async fn restarted(self) -> Self {
        let Self { pair, clock } = self;
        let Pair { exchange, alpha, beta } = pair;
        let Exchange { world, gateway, clock: own, dir } = exchange;
        gateway.shut_down().await.unwrap();
        let gateway = world.start(own.clone()).await.unwrap();
        let exchange = Exchange { world, gateway, clock: own, dir };
        Self { pair: Pair { exchange, alpha, beta }, clock }
    }
}

/// Every part of an exchange's entries that the key of a reader opens; empty: the auditor's.
async fn parts(world: &World, reader: &str, exchange_id: &str) -> Vec<Part> {
    let (file, party) = match reader {
        "" => ("keys/audit.key".to_owned(), Party::Gateway),
        agency => (format!("keys/{agency}.audit.key"), Party::Agency(agency.into())),
    };
    let key = SealPrivateKey::read(&world.dir.join(file)).unwrap();
    let store = Store::open_read_only(&world.dir.join("gateway.sqlite")).await.unwrap();
    let unsealer = Unsealer::new(party, key).unwrap();
    learn_epochs(&store, &unsealer).await.unwrap();
    let exchange = Some(ExchangeId::parse(exchange_id).unwrap());
    let filter = Filter { exchange, limit: 100, ..Filter::default() };
    let entries = list_entries(&store, &filter).await.unwrap();
    store.close().await;
    entries.iter().flat_map(|entry| entry.open(&unsealer).unwrap()).map(|one| one.part).collect()
}

fn fetching(id: &str) -> wire::Query {
    wire::Query { release_id: id.to_owned(), ..investigation() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_shows_what_it_says_of_one_record_and_nothing_else_moves() {
    let world = up().await;
    let before = world.ask(investigation()).await.unwrap();
    let plain = read(&before);
    assert_eq!((plain.len(), plain[0].items[0].hs_code.as_str()), (3, "85"));
    assert!(plain.iter().all(|one| one.exporter.is_none() && one.officer_remarks.is_empty()));
    let ask = |path: &str| before.plans[0].fields.iter().find(|one| one.path == path).unwrap();
    assert_eq!(ask("exporter.id").ask, ALPHA);
    assert_eq!(ask("officer_remarks").ask, "", "what no grant can show is nobody's to ask for");

    let release = world.request(asking(&before.records[0].reference)).await.unwrap();
    assert_eq!(release.state(), ReleaseState::Pending);
    assert_eq!(release.reference, before.records[0].reference);
    assert!(release.record_id.is_empty(), "the source's own name is not the requester's to know");
    // The originator sees its own record, not the requester's reference.
    let theirs = world.list(ALPHA_DESK).await;
    assert_eq!(theirs[0].record_id, opaque_id(1));
    assert_eq!(
        (theirs[0].reference.as_str(), theirs[0].steps[0].text.as_str()),
        ("", "the same importer in two cases")
    );

    let fields =
        [("importer.id", CLEAR, ""), ("items.hs_code", wire::Treatment::Generalise, "heading")];
    let granted = world.decide(ALPHA_DESK, &release.id, grant(&fields)).await.unwrap();
    assert_eq!((granted.state(), granted.granted.len()), (ReleaseState::Granted, 2), "in part");

    let answer = world.ask(fetching(&release.id)).await.unwrap();
    let [one] = read(&answer).try_into().unwrap();
    assert_eq!(one.ucr, "ucr-1");
    assert_eq!(one.importer.unwrap().id, "importer-1");
    assert_eq!(one.items[0].hs_code, "8542");
    assert!(one.exporter.is_none(), "asked for, not granted");
    let plan = &answer.plans[0].fields;
    let field = plan.iter().find(|field| field.path == "importer.id").unwrap();
    assert_eq!(
        (field.reason.as_str(), field.rule.clone()),
        ("GRANTED_BY_ORIGINATOR", format!("release:{}", release.id))
    );
    assert!(answer.receipt.is_some());
    // The intent says on which grant it rests.
    let exchange = &answer.header.as_ref().unwrap().exchange_id;
    let logged = parts(&world.exchange().world, "", exchange).await;
    let step = &granted.steps[1].leaf_hash;
    let rests = logged.iter().any(|part| {
        matches!(part, Part::Grant { release: id, step: at }
            if id.to_string() == release.id && at.0.as_slice() == step.as_ref())
    });
    assert!(rests, "{logged:?}");

    // Without the grant everything is as before, whatever else is asked.
    let after = world.ask(investigation()).await.unwrap();
    assert_eq!(read(&after), plain);
    let [intents, disclosures, _, denials, steps] = world.sound().await;
    assert_eq!((intents, disclosures, denials, steps), (3, 3, 0, 2));
    world.pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_in_the_log_for_both_agencies_and_survives_a_restart() {
    let world = up().await;
    let release = world.request(asking(&world.reference(1).await)).await.unwrap();
    let id = release.id.clone();
    let question = Step::Question("which two cases?".to_owned());
    assert_eq!(
        world.decide(ALPHA_DESK, &id, question).await.unwrap().state(),
        ReleaseState::AskedBack
    );
    let world = world.restarted().await;
    let answered = Step::Answer("C-1 and the one of last year".to_owned());
    assert_eq!(world.decide(ASKER, &id, answered).await.unwrap().state(), ReleaseState::Pending);
    world.decide(ALPHA_DESK, &id, grant(&[("exporter.id", CLEAR, "")])).await.unwrap();
    let one = read(&world.ask(fetching(&id)).await.unwrap());
    assert_eq!(one[0].exporter.as_ref().unwrap().id, "exporter-1");
    let world = world.restarted().await;
    assert_eq!(read(&world.ask(fetching(&id)).await.unwrap()), one, "a grant outlives the process");
    let revoked = Step::Revocation("given by mistake".to_owned());
    assert_eq!(
        world.decide(ALPHA_DESK, &id, revoked).await.unwrap().state(),
        ReleaseState::Revoked
    );
    let refused = world.ask(fetching(&id)).await.err().unwrap();
    assert_eq!(reason(&refused), "RELEASE_NOT_USABLE");
    let acts = [Act::Request, Act::AskBack, Act::Answer, Act::Grant, Act::Revoke];
    let acts: Vec<_> = acts.map(|act| (act, false)).to_vec();
    for reader in ["", ALPHA, ASKER.0] {
        assert_eq!(world.logged(reader, &id).await, acts, "{reader}");
    }
    assert_eq!(world.logged_by_others(&id).await, 0);
    world.sound().await;
    world.pair.exchange.shut_down().await.unwrap();
}

impl World1 {
    /// Parts of a release that an agency opens which is none of its two.
    async fn logged_by_others(&self, id: &str) -> usize {
        let world = &self.exchange().world;
        let key =
            SealPrivateKey::read(&world.dir.join(format!("keys/{}.audit.key", OTHER.0))).unwrap();
        let store = Store::open_read_only(&world.dir.join("gateway.sqlite")).await.unwrap();
        let unsealer = Unsealer::new(Party::Agency(OTHER.0.into()), key).unwrap();
        learn_epochs(&store, &unsealer).await.unwrap();
        let exchange = Some(ExchangeId::parse(id).unwrap());
        let filter = Filter { exchange, limit: 100, ..Filter::default() };
        let entries = list_entries(&store, &filter).await.unwrap();
        store.close().await;
        entries.iter().map(|entry| entry.open(&unsealer).unwrap_or_default().len()).sum()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_good_for_its_requester_purpose_case_and_time_alone() {
    let world = up().await;
    let reference = world.reference(1).await;
    let release = world.request(asking(&reference)).await.unwrap();
    let id = release.id.clone();
    let unusable = async |who: (&str, &str), query: wire::Query| {
        let refused = world.exchange().ask(who, request(query)).await.err().unwrap();
        reason(&refused)
    };
    assert_eq!(unusable(ASKER, fetching(&id)).await, "RELEASE_NOT_USABLE", "not granted yet");
    world.decide(ALPHA_DESK, &id, grant(&[("importer.id", CLEAR, "")])).await.unwrap();
    let other_case = wire::Query { case_id: "C-2".to_owned(), ..fetching(&id) };
    assert_eq!(unusable(ASKER, other_case).await, "RELEASE_NOT_USABLE");
    assert_eq!(unusable(OTHER, fetching(&id)).await, "RELEASE_NOT_USABLE", "another agency's");
    for nothing in ["00".repeat(16), "no id".to_owned(), id.to_uppercase()] {
        assert_eq!(unusable(ASKER, fetching(&nothing)).await, "RELEASE_NOT_USABLE");
    }
    // A grant opens no way to ask about values: neither a filter nor other records come with it.
    let with_filter = wire::Query {
        filter: Some(filter("Declaration", "importer.id = 'importer-1'").unwrap()),
        ..fetching(&id)
    };
    assert_eq!(unusable(ASKER, with_filter).await, "RELEASE_STANDS_ALONE");
    let with_record = wire::Query { references: vec![reference], ..fetching(&id) };
    assert_eq!(unusable(ASKER, with_record).await, "RELEASE_STANDS_ALONE");
    assert_eq!(world.ask(fetching(&id)).await.unwrap().records.len(), 1);
    world.forward(2 * DAY - 1000);
    assert_eq!(world.ask(fetching(&id)).await.unwrap().records.len(), 1);
    world.forward(1000);
    assert_eq!(unusable(ASKER, fetching(&id)).await, "RELEASE_NOT_USABLE", "two days");
    world.pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forbidden_cannot_be_asked_for_and_what_was_not_asked_for_cannot_be_granted() {
    let world = up().await;
    let reference = world.reference(1).await;
    let asked = |change: &dyn Fn(&mut wire::Query)| {
        let mut ask = asking(&reference);
        change(ask.query.as_mut().unwrap());
        ask
    };
    type Change<'a> = &'a dyn Fn(&mut wire::Query);
    let cases: [(Change<'_>, &str); 9] = [
        (&|q| q.fields = vec!["officer_remarks".into()], "FIELD_NOT_ASKABLE"),
        (&|q| q.fields = vec!["ucr".into()], "FIELD_NOT_ASKABLE"),
        (&|q| q.fields = vec!["no_such_field".into()], "FIELD_NOT_USABLE"),
        (&|q| q.fields = vec!["*".into()], "FIELDS_NOT_NAMED"),
        (&|q| q.references = vec!["made up".into()], "REFERENCE_NOT_USABLE"),
        (&|q| q.references.clear(), "REFERENCE_NOT_USABLE"),
        (&|q| q.case_id = "C-2".into(), "REFERENCE_NOT_USABLE"),
        (&|q| q.justification = " ".into(), "REASON_MISSING"),
        (&|q| q.limit = 1, "FIELD_OUT_OF_PLACE"),
    ];
    for (change, word) in cases {
        let refused = world.request(asked(change)).await.err().unwrap();
        assert_eq!(reason(&refused), word);
    }
    let late = wire::RequestReleaseRequest {
        due: Some(Moment(world.clock.now().0 + 4 * DAY).to_proto()),
        ..asking(&reference)
    };
    assert_eq!(reason(&world.request(late).await.err().unwrap()), "DUE_NOT_POSSIBLE");

    let id = world.request(asking(&reference)).await.unwrap().id;
    let decide = async |who, step| reason(&world.decide(who, &id, step).await.err().unwrap());
    let remarks = grant(&[("officer_remarks", CLEAR, "")]);
    assert_eq!(decide(ALPHA_DESK, remarks).await, "FIELD_NOT_ASKED");
    // Less than, or beside, what is shown already is no grant.
    let coarse = grant(&[("items.hs_code", wire::Treatment::Generalise, "chapter")]);
    assert_eq!(decide(ALPHA_DESK, coarse).await, "FIELD_NOT_GRANTABLE");
    let odd = grant(&[("importer.id", wire::Treatment::Generalise, "month")]);
    assert_eq!(decide(ALPHA_DESK, odd).await, "FIELD_NOT_GRANTABLE");
    let whole = grant(&[("importer.id", CLEAR, "")]);
    assert_eq!(
        decide(ASKER, whole.clone()).await,
        "RELEASE_STEP_NOT_YOURS",
        "nobody grants itself"
    );
    assert_eq!(decide(OTHER, whole.clone()).await, "RELEASE_NOT_FOUND_OR_NOT_YOURS");
    assert_eq!(decide((BETA, "desk"), whole.clone()).await, "RELEASE_NOT_FOUND_OR_NOT_YOURS");
    assert_eq!(decide(ASKER, Step::Answer("nobody asked".into())).await, "RELEASE_OUT_OF_ORDER");
    let refusal = wire::ReleaseRefusal { ground: 7, text: String::new() };
    assert_eq!(
        decide(ALPHA_DESK, Step::Refusal(refusal)).await,
        "FIELD_MISSING",
        "OTHER needs a text"
    );
    let refusal = wire::ReleaseRefusal { ground: 2, text: String::new() };
    let refused = world.decide(ALPHA_DESK, &id, Step::Refusal(refusal)).await.unwrap();
    assert_eq!(refused.state(), ReleaseState::Refused);
    assert_eq!(decide(ALPHA_DESK, whole).await, "RELEASE_SETTLED");
    assert_eq!(world.list(OTHER).await, []);
    world.pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_answers_lapses_as_the_agreement_says_and_shows_nothing() {
    let world = up().await;
    let ask = wire::RequestReleaseRequest {
        due: Some(Moment(world.clock.now().0 + DAY).to_proto()),
        ..asking(&world.reference(1).await)
    };
    let id = world.request(ask).await.unwrap().id;
    assert!(!world.list(ALPHA_DESK).await[0].overdue);
    world.forward(DAY);
    let overdue = wire::ListReleasesRequest { overdue: true, ..Default::default() };
    for who in [ALPHA_DESK, ASKER] {
        let listed = world.client(who).await.list_releases(overdue.clone()).await.unwrap();
        assert_eq!(listed.into_inner().releases.len(), 1, "an overdue one is listed");
    }
    world.forward(2 * DAY);
    let late = world.decide(ALPHA_DESK, &id, grant(&[("importer.id", CLEAR, "")])).await;
    let late = reason(&late.err().unwrap());
    assert!(["RELEASE_LATE", "RELEASE_SETTLED"].contains(&late.as_str()), "{late}");
    let mut watch = world
        .client(ASKER)
        .await
        .watch_releases(wire::WatchReleasesRequest { after_position: 1 })
        .await
        .unwrap()
        .into_inner();
    let told = tokio::time::timeout(Duration::from_secs(20), watch.message()).await.unwrap();
    let told = told.unwrap().unwrap();
    let release = told.release.unwrap();
    assert_eq!((told.position, release.state()), (2, ReleaseState::Lapsed));
    assert_eq!(release.steps[1].act(), ReleaseAct::Lapse);
    assert_eq!(release.steps[1].agency, "");
    assert_eq!(world.logged(ALPHA, &id).await, [(Act::Request, false), (Act::Lapse, false)]);
    let refused = world.ask(fetching(&id)).await.err().unwrap();
    assert_eq!(reason(&refused), "RELEASE_NOT_USABLE");
    drop(watch);
    world.pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_arrives_where_it_is_watched_for_and_positions_have_no_gaps() {
    let world = up().await;
    let reference = world.reference(1).await;
    let open = async |who, after_position| {
        let ask = wire::WatchReleasesRequest { after_position };
        world.client(who).await.watch_releases(ask).await.unwrap().into_inner()
    };
    let (mut asker, mut alpha) = (open(ASKER, 0).await, open(ALPHA_DESK, 0).await);
    let mut other = open(OTHER, 0).await;
    let (first, second) = (
        world.request(asking(&reference)).await.unwrap(),
        world.request(asking(&reference)).await.unwrap(),
    );
    world.decide(ALPHA_DESK, &second.id, grant(&[("importer.id", CLEAR, "")])).await.unwrap();
    world.decide(ASKER, &first.id, Step::Withdrawal(String::new())).await.unwrap();
    let wanted = [(1, &first.id, 1), (2, &second.id, 1), (3, &second.id, 2), (4, &first.id, 2)];
    for stream in [&mut asker, &mut alpha] {
        for (position, id, step) in wanted {
            let told = tokio::time::timeout(Duration::from_secs(20), stream.message()).await;
            let told = told.unwrap().unwrap().unwrap();
            let release = told.release.unwrap();
            assert_eq!((told.position, &release.id, told.step), (position, id, step));
        }
    }
    // Who has nothing to do with it hears nothing, and not that there was something.
    let quiet = tokio::time::timeout(Duration::from_millis(300), other.message()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    // The streams end with the gateway, and do not hold it up.
    world.pair.exchange.shut_down().await.unwrap();
    assert!(asker.message().await.map_or(true, |told| told.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_under_one_key_is_made_once() {
    let world = up().await;
    let reference = world.reference(1).await;
    let ask = wire::RequestReleaseRequest { idempotency_key: "once".into(), ..asking(&reference) };
    let at_once = futures::future::join_all((0..8).map(|_| world.request(ask.clone()))).await;
    let first = at_once[0].as_ref().unwrap().clone();
    assert!(at_once.iter().all(|one| one.as_ref().unwrap().id == first.id), "eight at once");
    assert_eq!(world.request(ask.clone()).await.unwrap().id, first.id);
    let mut other = ask.clone();
    other.query.as_mut().unwrap().justification = "something else".into();
    let refused = world.request(other).await.err().unwrap();
    assert_eq!(reason(&refused), "IDEMPOTENCY_KEY_REUSED");
    let world = world.restarted().await;
    assert_eq!(world.request(ask).await.unwrap().id, first.id, "after a restart too");
    assert_eq!(world.list(ALPHA_DESK).await.len(), 1);
    world.pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_agreement_wants_officers_they_ask_and_decide_with_tokens() {
    const OFFICER: &str = "o.rask";
    let world = up_with("officer_required = true").await;
    let sample =
        |query: wire::Query| by_officer(&world.exchange().world, ASKER.0, OFFICER, query).unwrap();
    let answer = world.exchange().ask(ASKER, sample(investigation())).await.unwrap();
    let reference = answer.records[0].reference.clone();
    let refused = world.request(asking(&reference)).await.err().unwrap();
    assert_eq!(reason(&refused), "OFFICER_REQUIRED", "a name alone asks for nothing");
    let ask = asking(&reference);
    let token = sample(ask.query.clone().unwrap()).officer_token;
    let ask = wire::RequestReleaseRequest { officer_token: token, ..ask };
    let release = world.request(ask).await.unwrap();
    assert!(release.steps[0].officer_proven);

    let step = grant(&[("importer.id", CLEAR, "")]);
    let refused = world.decide(ALPHA_DESK, &release.id, step.clone()).await.err().unwrap();
    assert_eq!(reason(&refused), "OFFICER_REQUIRED");
    let decision = wire::ReleaseDecision {
        release_id: release.id.clone(),
        step: Some(step),
        officer: "a.officer".to_owned(),
        after_step: 1,
    };
    let token = |decision: &wire::ReleaseDecision| {
        let mut claims = claims(ALPHA, "a.officer", &investigation());
        claims.query_digest = hex::encode(decision_digest(decision));
        sign(&world.exchange().world, ALPHA, OFFICER_KEY, &claims).unwrap()
    };
    let decide = async |decision: &wire::ReleaseDecision, officer_token: String| {
        let ask = wire::DecideReleaseRequest { decision: Some(decision.clone()), officer_token };
        world.client(ALPHA_DESK).await.decide_release(ask).await
    };
    // A token for another decision proves nothing, and an old look decides nothing.
    let other = wire::ReleaseDecision { after_step: 7, ..decision.clone() };
    let wrong = decide(&decision, token(&other)).await.err().unwrap();
    assert_eq!(reason(&wrong), "OFFICER_TOKEN_WRONG_QUERY");
    let stale = decide(&other, token(&other)).await.err().unwrap();
    assert_eq!(reason(&stale), "RELEASE_CHANGED");
    let good = token(&decision);
    let granted = decide(&decision, good.clone()).await.unwrap().into_inner().release.unwrap();
    assert!(granted.steps[1].officer_proven);
    assert_eq!(
        world.logged("", &release.id).await,
        [(Act::Request, true), (Act::Grant, true)],
        "the log shows who was proven"
    );
    // The grant is for officers, too.
    let refused = world.ask(fetching(&release.id)).await.err().unwrap();
    assert_eq!(reason(&refused), "OFFICER_REQUIRED");
    let fetched = sample(fetching(&release.id));
    assert_eq!(world.exchange().ask(ASKER, fetched).await.unwrap().records.len(), 1);
    // The token of the grant takes nothing back.
    let replayed = decide(&decision, good).await.err().unwrap();
    assert_eq!(reason(&replayed), "RELEASE_CHANGED");
    world.pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_was_taken_away_is_missed_at_the_next_start() {
    let world = up().await;
    let id = world.request(asking(&world.reference(1).await)).await.unwrap().id;
    world.decide(ALPHA_DESK, &id, grant(&[("importer.id", CLEAR, "")])).await.unwrap();
    let World1 { pair, clock } = world;
    let Exchange { world, gateway, dir, .. } = pair.exchange;
    gateway.shut_down().await.unwrap();
    let file = world.dir.join("gateway.sqlite");
    let mut run = std::process::Command::new("python3");
    let script = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); \
                  c.execute('DELETE FROM release_step WHERE number = 2'); c.commit()";
    assert!(run.args(["-c", script]).arg(&file).status().unwrap().success());
    let refused = world.start(clock).await.err().unwrap();
    assert!(format!("{refused:#}").contains("steps of release requests"), "{refused:#}");
    drop(dir);
}
