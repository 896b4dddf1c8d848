//! What becomes of a row.

use portcullis_proto::record::v1::{Declaration, Direction, Party};
use prost::Message as _;

use super::{Folder, request, search};

const MAPPING: &str = r#"
record_type = "portcullis.record.v1.Declaration"
files = ["data.csv"]
delimiter = ";"
id = ["No"]
null = ["", "NA"]
data_as_of = "2026-01-02T03:04:05Z"
only = [{ column = "State", not_in = ["draft"] }]

[handling]
tlp = "AMBER"
handling_code = "H1"
permitted_use = ["SHIPMENT_TARGETING", "INVESTIGATION"]
releasable_to_column = "Audience"
delete_after = { column = "When", format = "%d.%m.%Y %H:%M", offset = "+01:00", days = 10 }
version_column = "Version"
[[handling.when]]
column = "State"
equals = "hot"
compartments = ["OP-LANTERN"]
tlp = "AMBER_STRICT"

[[column]]
template = "XN-{No}/{{{State}}}"
to = "id"
[[column]]
from = "Way"
to = "direction"
map = { A = "EXPORT", E = "DIRECTION_IMPORT" }
[[column]]
from = "When"
to = "accepted_at"
convert = { kind = "timestamp", format = ["%Y-%m-%d", "%d.%m.%Y %H:%M"], offset = "+01:00" }
[[column]]
from = "Boxes"
to = "containers"
split = "+"
convert = { kind = "text", case = "upper", strip = " -" }
[[column]]
from = "Extra box"
to = "containers"
[[column]]
from = "Mass"
to = "items[0].net_mass_grams"
convert = { kind = "mass", unit = "lb", point = ",", group = "." }
[[column]]
from = "Price"
to = "items.value"
convert = { kind = "money", currency_column = "Currency" }
[[column]]
from = ["HS", "Old HS"]
to = "items[1].hs_code"
[[column]]
from = "Office"
to = "office"
convert = { kind = "text", pad = 3 }
[[column]]
from = ["Lat", "Lon"]
to = "examined_at"
[[column]]
from = "Hash"
to = "items[0].documents.sha256"
[[column]]
from = "City"
to = "importer.address.city"
[[constant]]
to = "items[0].sequence"
value = 1
"#;

const HEADER: &str = "No;State;Way;When;Boxes;Extra box;Mass;Price;Currency;HS;Old HS;Office;Lat;Lon;City;Hash;Audience;Version\n";

#[tokio::test]
async fn every_conversion_reaches_its_field() {
    let row = "7;hot;A;01.03.2021 00:30;tlnu 482930-1 + ;XNVU;1.000,5;241.58000000000004;EUR;NA;8542.31;7;-1.5;100;서울;00fF;xv-fiu; xs-customs;3\n";
    let row = row.replace("xv-fiu; xs-customs", "\"xv-fiu; xs-customs\"");
    let folder = Folder::new(&[
        ("m.toml", MAPPING),
        ("data.csv", &format!("{HEADER}{row}8;draft;;;;;;;;;;;;;;;;\n")),
    ]);
    let source = folder.load("m.toml").unwrap_or_else(|problems| panic!("{problems}"));
    let answer = search(&source, request("Declaration")).await.unwrap();
    let record = answer.records().next().unwrap();
    assert_eq!(answer.records().count(), 1, "the draft is not served");
    let got = Declaration::decode(record.payload.clone()).unwrap();
    assert_eq!(record.payload, got.encode_to_vec());
    assert_eq!(got.id, "XN-7/{hot}");
    assert!(got.direction() == Direction::Export);
    assert_eq!(got.accepted_at.unwrap().seconds, 1_614_555_000);
    assert_eq!(got.containers, ["TLNU4829301", "XNVU"]);
    assert_eq!(got.items.len(), 2);
    // 1000.5 lb are 453,819.096.. g.
    assert_eq!((got.items[0].sequence, got.items[0].net_mass_grams), (1, 453_819));
    let value = got.items[0].value.clone().unwrap();
    assert_eq!((value.currency_code.as_str(), value.units, value.nanos), ("EUR", 241, 580_000_000));
    assert_eq!(got.items[1].hs_code, "854231");
    assert_eq!(*got.items[0].documents[0].sha256, [0, 0xff]);
    assert_eq!(got.office, "007");
    let at = got.examined_at.unwrap();
    assert_eq!((at.latitude, at.longitude), (-1.5, 100.0));
    assert_eq!(got.importer.unwrap().address.unwrap().city, "서울");

    let handling = record.handling.clone().unwrap();
    assert_eq!(handling.originator, "nv-customs");
    assert_eq!(handling.releasable_to, ["xs-customs", "xv-fiu"]);
    assert_eq!(handling.compartments, ["OP-LANTERN"]);
    assert_eq!(
        (handling.tlp().as_str_name(), handling.handling_code.as_str()),
        ("TLP_AMBER_STRICT", "H1")
    );
    assert_eq!(handling.permitted_use, ["INVESTIGATION", "SHIPMENT_TARGETING"]);
    assert_eq!(handling.delete_by.unwrap().seconds, 1_614_555_000 + 10 * 86_400);
    assert_eq!((handling.version, handling.environment), (3, 2));
    assert_eq!(handling.data_as_of.unwrap().seconds, 1_767_323_045);
    assert_eq!(answer.end.unwrap().data_as_of.unwrap().seconds, 1_767_323_045);
}

#[tokio::test]
async fn payloads_are_canonical_and_absent_cells_are_absent() {
    let mapping = r#"
record_type = "portcullis.record.v1.Party"
files = ["p.csv"]
id = ["id"]
encoding = "euc-kr"
[[column]]
from = "id"
to = "id"
[[column]]
from = "listed"
to = "listed"
[[column]]
from = "born"
to = "birth_date"
convert = { kind = "date", format = "%Y/%m/%d" }
[[column]]
from = "director"
to = "officers[0].original"
[[column]]
from = "director 2"
to = "officers[1].original"
"#;
    let folder = Folder::new(&[("m.toml", mapping)]);
    let text = "id,listed,born,director,director 2\r\n1,no,1970/1/31,,김철수\r\n2,,,,\r\n";
    folder.write("p.csv", &*encoding_rs::EUC_KR.encode(text).0);
    let source = folder.load("m.toml").unwrap_or_else(|problems| panic!("{problems}"));
    let answer = search(&source, request("Party")).await.unwrap();
    let mut parties: Vec<(Vec<u8>, Party)> = answer
        .records()
        .map(|record| (record.payload.to_vec(), Party::decode(record.payload.clone()).unwrap()))
        .collect();
    parties.sort_by(|one, two| one.1.id.cmp(&two.1.id));
    let (bytes, first) = &parties[0];
    assert_eq!(*bytes, first.encode_to_vec(), "a flag that says no is left out, as everybody does");
    assert!(!first.listed);
    let born = first.birth_date.unwrap();
    assert_eq!((born.year, born.month, born.day), (1970, 1, 31));
    assert_eq!(first.officers.len(), 1, "an element without any value is no element");
    assert_eq!(first.officers[0].original, "김철수");
    assert_eq!(parties[1].0, [1 << 3 | 2, 1, b'2'], "nothing but the id");
}
