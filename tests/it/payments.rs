//! Record types of the contract that no sample has, from CSV files of two agencies through a gateway: payments of
//! a financial intelligence unit, invoices of a customs. One number, under one pseudonym, joins them.

use portcullis::clock::Clock;
use portcullis::command::playground::{WorldAgency, WorldSource, WorldSpec};
use portcullis::source::adapter::MappingRef;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use portcullis_proto::record::v1::{Invoice, Payment};
use portcullis_tests::{Exchange, RECORD, filter, query, request};
use prost::Message as _;

const ASKER: (&str, &str) = ("zz-police", "desk");
const PURPOSE: wire::Purpose = wire::Purpose::Investigation;

const PAYMENTS: &str = r#"No,Payer,Payer Name,Bank,Payee,Amount,Invoice,Text
P-1,XA-77,Gulf of None Trading,XV,XN-1,184500.00,INV-9,SECRETWORD one
P-2,XA-78,Lantern Holding,XS,XN-2,310.20,INV-8,SECRETWORD two
"#;
const PAYMENT_COLUMNS: &str = r#"[
    { from = "No", to = "id" }, { from = "Payer", to = "payer.id" }, { from = "Payer Name", to = "payer.name.original" },
    { from = "Bank", to = "payer_bank_country" }, { from = "Payee", to = "payee.id" }, { from = "Invoice", to = "invoice_id" },
    { from = "Amount", to = "amount", convert = { kind = "money", currency = "EUR" } }, { from = "Text", to = "reference" } ]"#;
const PAYMENT_LADDERS: &str = r#"[
    { fields = ["payer.id", "invoice_id"], rungs = ["pseudonymise", "withhold"] },
    { fields = ["payer_bank_country"], rungs = ["clear", "withhold"] }, { fields = ["reference"], rungs = ["withhold"] },
    { fields = ["amount"], rungs = ["generalise:band", "withhold"] } ]"#;
const INVOICE_COLUMNS: &str =
    r#"[{ from = "No", to = "id" }, { from = "Buyer", to = "buyer.id" }]"#;
const INVOICE_LADDERS: &str =
    r#"[{ fields = ["id", "buyer.id"], rungs = ["pseudonymise", "withhold"] }]"#;

fn agency(id: &str, source: Option<WorldSource>) -> WorldAgency {
    let [id, name, country, kind] = [id, id, "XA", "customs"].map(str::to_owned);
    let (max_sensitivity, systems) = ("CONFIDENTIAL".into(), vec!["desk".into()]);
    WorldAgency { id, name, country, kind, max_sensitivity, systems, source }
}

/// An agency that serves a CSV file as a record type.
fn source(dir: &std::path::Path, id: &str, name: &str, csv: &str, columns: &str) -> WorldAgency {
    let mapping = format!(
        "record_type = \"{RECORD}{name}\"\nfiles = [\"{id}.csv\"]\nid = [\"No\"]\n\
         data_as_of = \"2026-04-20T06:00:00Z\"\ncolumn = {columns}\n[handling]\nenvironment = \"EXERCISE\"\n"
    );
    std::fs::write(dir.join(format!("{id}.csv")), csv).unwrap();
    std::fs::write(dir.join(format!("{id}.toml")), mapping).unwrap();
    let mappings = vec![MappingRef { file: dir.join(format!("{id}.toml")), data_dir: None }];
    agency(id, Some(WorldSource::Files { mappings, record_types: vec![format!("{RECORD}{name}")] }))
}

fn flow(from: &str, name: &str, ladders: &str) -> String {
    format!(
        "[[flow]]\nfrom = \"{from}\"\nto = [\"{}\"]\nrecord_types = [\"{RECORD}{name}\"]\n\
         purposes = [\"INVESTIGATION\"]\ncase_required = true\npermitted_use = [\"INVESTIGATION\"]\n\
         delete_after_days = 30\nrelease_by_originator = true\nladder = {ladders}\n\
         budgets = {{ queries_per_day = 100, records_per_day = 100 }}\n",
        ASKER.0
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_and_invoices_are_mapped_treated_and_joined_by_a_pseudonym() {
    let dir = tempfile::tempdir().unwrap();
    let parties = [ASKER.0, "zz-fiu", "zz-customs"];
    let agreement = format!(
        "id = \"money\"\nversion = 1\ntitle = \"Money\"\nlegal_basis = \"A test\"\nparties = {parties:?}\n\
         valid_from = 2024-01-01\nvalid_until = 2035-12-31\n{}{}",
        flow("zz-fiu", "Payment", PAYMENT_LADDERS),
        flow("zz-customs", "Invoice", INVOICE_LADDERS)
    );
    let spec = WorldSpec {
        agencies: vec![
            source(dir.path(), "zz-fiu", "Payment", PAYMENTS, PAYMENT_COLUMNS),
            source(dir.path(), "zz-customs", "Invoice", "No,Buyer\nINV-9,XA-70\n", INVOICE_COLUMNS),
            agency(ASKER.0, None),
        ],
        cases: format!(
            "[[cases]]\nid = \"C-1\"\nmembers = {parties:?}\nopens = \"2020-01-01T00:00:00Z\"\n"
        ),
        agreements: vec![("money.toml".into(), agreement)],
        record_types: ["Payment", "Invoice"].map(|name| format!("{RECORD}{name}")).to_vec(),
        ..WorldSpec::default()
    };
    let exchange = Exchange::build(dir, &spec, Clock::system()).await.unwrap();
    let mut asked = query("Payment", PURPOSE, "C-1");
    asked.filter = Some(filter("Payment", "payer_bank_country = 'XV'").unwrap());
    let answer = exchange.ask(ASKER, request(asked.clone())).await.unwrap();
    assert_eq!(answer.records.len(), 1);
    let payload = &answer.records[0].payload;
    let payment = Payment::decode(payload.clone()).unwrap();
    let payer = payment.payer.unwrap();
    assert!(payment.payer_bank_country == "XV" && payment.amount.unwrap().units == 100_000);
    assert!(payer.id.len() == 88 && payer.name.is_none());
    assert!(payment.reference.is_empty() && payment.id.is_empty() && payment.payee.is_none());
    for hidden in ["SECRETWORD", "XA-77", "Gulf", "INV-9", "P-1", "XN-1"] {
        assert!(!payload.windows(hidden.len()).any(|part| part == hidden.as_bytes()), "{hidden}");
    }

    // Another agency's record of another type: the same number has the same token.
    let answer = exchange.ask(ASKER, request(query("Invoice", PURPOSE, "C-1"))).await.unwrap();
    let invoice = Invoice::decode(answer.records[0].payload.clone()).unwrap();
    assert!(invoice.id == payment.invoice_id && invoice.id.len() == 88, "the join");
    assert!(invoice.buyer.unwrap().id != payer.id, "somebody else paid");

    // Every leaf is explained beforehand, as the answer bore out.
    let mut client = QueryServiceClient::new(exchange.channel(ASKER.0, ASKER.1).await.unwrap());
    let explain = wire::ExplainRequest { query: Some(asked), ..Default::default() };
    let plan = client.explain(explain).await.unwrap().into_inner().plans.remove(0);
    for (path, expected) in [
        ("payer_bank_country", wire::Treatment::Clear),
        ("amount", wire::Treatment::Generalise),
        ("invoice_id", wire::Treatment::Pseudonymise),
        ("reference", wire::Treatment::Withhold),
    ] {
        let field = plan.fields.iter().find(|field| field.path == path).unwrap();
        assert_eq!(field.treatment(), expected, "{path}");
    }
    exchange.shut_down().await.unwrap();
}
