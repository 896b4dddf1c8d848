//! A query, end to end.

use portcullis_proto::query::v1 as wire;
use portcullis_tests::{Exchange, filter, query, reason, request};

#[tokio::test(flavor = "multi_thread")]
async fn releases_what_the_agreement_gives_and_proves_it() {
    let exchange = Exchange::sample().await.unwrap();
    let mut asked = query("Declaration", wire::Purpose::ShipmentTargeting, "");
    asked.filter = Some(filter("Declaration", "items.hs_code prefix '85'").unwrap());
    asked.sources = vec!["nv-customs".into()];
    let answer = exchange.ask(("sm-customs", "targeting"), request(asked)).await.unwrap();
    assert!(!answer.records.is_empty());
    assert_eq!(answer.statuses.len(), 1);
    assert_eq!(answer.statuses[0].completeness(), wire::Completeness::Complete);
    let receipt = answer.receipt.unwrap();
    assert_eq!(receipt.records_released, answer.records.len() as u64);
    assert!(receipt.proof.is_some());
    exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn denies_a_purpose_that_the_agreement_does_not_know() {
    let exchange = Exchange::sample().await.unwrap();
    let asked = query("Declaration", wire::Purpose::ShipmentTargeting, "OP-LANTERN");
    let refused = exchange.ask(("sm-police", "desk"), request(asked)).await;
    assert_eq!(reason(&refused.err().unwrap()), "PURPOSE_NOT_PERMITTED");
    exchange.shut_down().await.unwrap();
}
