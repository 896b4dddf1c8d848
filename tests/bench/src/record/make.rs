//! Records by number: no two alike, all of the same shape.

use super::message::{Address, Consignment, Container, Item, Money, Party, Status, Timestamp};

const COUNTRIES: [&str; 8] = ["KR", "DE", "NL", "SG", "US", "FR", "JP", "GB"];
const PORTS: [&str; 8] = ["KRPUS", "DEHAM", "NLRTM", "SGSIN", "USLAX", "FRLEH", "JPYOK", "GBFXT"];
const CODES: [&str; 8] = [
    "84581120", "85423190", "90275000", "84798997", "28444000", "88062100", "84141025", "85261000",
];
const CONTROLS: [&str; 4] = ["2B201.b.1", "3A001.a.2", "6A003.b.4", "0C003.a.1"];
const GOODS: [&str; 4] = [
    "turning machine with numerical control, five axes, high-speed spindle, with tool changer",
    "integrated circuits, gallium nitride, in trays, tested, for radio frequency amplifiers",
    "Messgerät für Spektren, gekühlter Detektor, mit Zubehör und Bedienungsanleitung",
    "vacuum pump, corrosion resistant, for process chambers, magnetic bearing, with control",
];
const FIRMS: [&str; 4] = [
    "Hanbit Precision Co., Ltd.",
    "Müller Feinwerk GmbH",
    "Straits Trading Pte",
    "Oranje Marine B.V.",
];
const CITIES: [&str; 4] = ["Busan", "Hamburg", "Rotterdam", "Singapore"];

/// SplitMix64, one step: spreads a number.
fn spread(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn pick<'a>(from: &[&'a str], seed: u64) -> &'a str {
    from[usize::try_from(seed % from.len() as u64).unwrap_or(0)]
}

fn money(seed: u64, nanos: bool) -> Option<Money> {
    Some(Money {
        currency_code: "EUR".into(),
        units: 1_000 + i64::from(seed as u32 % 900_000),
        nanos: if nanos { 500_000_000 } else { 0 },
    })
}

fn party(seed: u64) -> Option<Party> {
    Some(Party {
        name: format!("{} {:04}", pick(&FIRMS, seed), seed % 10_000),
        identifier: format!("REG-{:012}", seed % 1_000_000_000_000),
        phone: format!("+49 40 {:08}", seed % 100_000_000),
        country: pick(&COUNTRIES, seed >> 8).into(),
        address: Some(Address {
            lines: vec![
                format!("Harbour Road {:03}", 100 + seed % 900),
                format!("Building {}, 3rd floor", seed % 9 + 1),
            ],
            city: pick(&CITIES, seed >> 16).into(),
            postcode: format!("{:05}", seed % 100_000),
            country: pick(&COUNTRIES, seed >> 8).into(),
        }),
    })
}

fn container(seed: u64) -> Container {
    Container {
        number: format!("MSKU{:07}", seed % 10_000_000),
        seal: format!("SL{:08}", spread(seed) % 100_000_000),
        size_type: "45G1".into(),
        packages: 1 + seed as u32 % 99,
    }
}

fn item(number: u32, seed: u64, containers: u64) -> Item {
    Item {
        number,
        hs_code: pick(&CODES, seed).into(),
        description: format!("{}, lot {:05}", pick(&GOODS, seed >> 4), seed % 100_000),
        quantity: 1 + seed % 5_000,
        net_mass: 1_000 + seed % 9_000_000,
        value: money(seed, number == 1),
        country_of_origin: pick(&COUNTRIES, seed >> 12).into(),
        control_code: pick(&CONTROLS, seed >> 20).into(),
        containers: (0..containers).map(|at| container(spread(seed + at))).collect(),
    }
}

/// One record.
pub fn consignment(number: u64) -> Consignment {
    let seed = spread(number);
    Consignment {
        id: format!("26DE{:014}", seed % 100_000_000_000_000),
        ucr: format!("6DE{:09}-{:016X}", number % 1_000_000_000, seed),
        status: Status::Held.into(),
        lodged_at: Some(Timestamp {
            seconds: 1_760_000_000 + i64::from(seed as u32 % 10_000_000),
            nanos: 250_000_000,
        }),
        declared_value: money(seed, true),
        gross_mass: 10_000 + seed % 20_000_000,
        packages: 1 + seed as u32 % 400,
        country_of_export: pick(&COUNTRIES, seed >> 24).into(),
        country_of_destination: pick(&COUNTRIES, seed >> 28).into(),
        port_of_loading: pick(&PORTS, seed >> 32).into(),
        port_of_discharge: pick(&PORTS, seed >> 36).into(),
        remarks: format!(
            "documents checked at the gate, weight differs by {} kg, seals intact, released to the carrier after a call",
            seed % 1_000
        ),
        dangerous: true,
        duty_rate: 0.037,
        consignor: party(spread(seed ^ 1)),
        consignee: party(spread(seed ^ 2)),
        items: vec![
            item(1, spread(seed ^ 3), 1),
            item(2, spread(seed ^ 4), 1),
            item(3, spread(seed ^ 5), 2),
        ],
    }
}
