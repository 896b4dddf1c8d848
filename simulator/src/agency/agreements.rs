//! Sample agreements of an exchange. They are where trainers begin, and meant to be changed: what each partner gets
//! stands in them rung by rung, in the language of `gateway/policies/README.md`.

use std::fmt::Write as _;

use crate::load::quoted;
use crate::world::{Office, World};

/// A text with its file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Id, and the file's name without its ending.
    pub id: String,
    /// The file.
    pub text: String,
}

fn list(names: &[&str]) -> String {
    format!("[{}]", names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "))
}

/// One flow: what `from` shows to `to`.
#[derive(Clone, Copy, Default)]
struct Flow<'a> {
    from: &'a str,
    to: &'a [&'a str],
    record_types: &'a [&'a str],
    clear: &'a [&'a str],
    /// Shown as tokens, and may be asked for by value.
    masked: &'a [&'a str],
    day: &'a [&'a str],
    band: &'a [&'a str],
}

impl Flow<'_> {
    fn write(&self, text: &mut String) {
        let types: Vec<String> =
            self.record_types.iter().map(|name| format!("portcullis.record.v1.{name}")).collect();
        let types: Vec<&str> = types.iter().map(String::as_str).collect();
        let matchable = match self.masked {
            [] => String::new(),
            masked => format!("matchable = {}\n", list(masked)),
        };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n[[flow]]\nfrom = {}\nto = {}\nrecord_types = {}\npurposes = [\"SHIPMENT_TARGETING\", \"INVESTIGATION\"]\n\
             case_required = true\npermitted_use = [\"SHIPMENT_TARGETING\", \"INVESTIGATION\"]\ndelete_after_days = 90\n\
             release_by_originator = true\n{}\n\
             [flow.budgets]\nqueries_per_day = 2000\nrecords_per_day = 200_000\nmatch_probes_per_day = 500\n",
            quoted(self.from),
            list(self.to),
            list(&types),
            matchable,
        );
        let mut ladder = |fields: &[&str], rungs: &[&str]| {
            if !fields.is_empty() {
                let _ = write!(
                    text,
                    "\n[[flow.ladder]]\nfields = {}\nrungs = {}\n",
                    list(fields),
                    list(rungs)
                );
            }
        };
        ladder(self.clear, &["clear", "withhold"]);
        ladder(self.day, &["generalise:day", "generalise:month", "withhold"]);
        ladder(self.band, &["generalise:band", "presence", "withhold"]);
        ladder(self.masked, &["pseudonymise", "presence", "withhold"]);
    }
}

/// All of an exchange, between the agencies of each kind in the order of their states.
pub fn all<'a>(of: impl Fn(Office) -> Vec<&'a str>) -> Vec<Agreement> {
    let customs = of(Office::Customs);
    let mut all = vec![self::customs(&customs)];
    all.extend(of(Office::Fiu).iter().map(|unit| payments(unit, &customs)));
    let pairs = |from: Office, to: Office| of(from).into_iter().zip(of(to));
    all.extend(pairs(Office::Licensing, Office::Customs).map(|(a, b)| licences(a, b)));
    // Offices of one state stand in the order of the states.
    all.extend(pairs(Office::Fiu, Office::Licensing).map(|(a, b)| ownership(a, b)));
    all.extend(pairs(Office::Intelligence, Office::Licensing).map(|(a, b)| listings(a, b)));
    let authorities = of(Office::Licensing);
    all.push(denials(&authorities));
    all.push(end_users(&authorities, &of(Office::Police)));
    all.extend(pairs(Office::Port, Office::Customs).map(|(a, b)| movements(a, b)));
    all.extend(pairs(Office::CoastGuard, Office::Customs).map(|(a, b)| tracks(a, b)));
    all.extend(pairs(Office::Police, Office::CoastGuard).map(|(a, b)| flags(a, b)));
    all.extend(pairs(Office::Police, Office::Intelligence).map(|(a, b)| journeys(a, b)));
    all.extend(pairs(Office::Licensing, Office::Intelligence).map(|(a, b)| holders(a, b)));
    all
}

/// Those of a world whose agencies all take part.
pub fn of_world(world: &World) -> Vec<Agreement> {
    let states = world.participants();
    let countries = || states.iter().map(|state| world.countries.id(*state));
    all(|office| countries().map(|country| country.agency(office)).collect())
}

/// Mutual assistance between the customs of several states: goods, ways and serial numbers clear, parties as tokens.
pub fn customs(members: &[&str]) -> Agreement {
    let mut text = head(
        "customs-assistance",
        "Mutual administrative assistance between customs",
        "Agreement on mutual administrative assistance in customs matters (WCO model, 2004), sample",
        members,
    );
    for from in members {
        let to: Vec<&str> = members.iter().copied().filter(|other| other != from).collect();
        Flow {
            from,
            to: &to,
            record_types: &["Declaration"],
            clear: &[
                "direction",
                "ucr",
                "regime",
                "transport_mode",
                "country_of_departure",
                "country_of_destination",
                "port_of_loading",
                "port_of_discharge",
                "vessel_imo",
                "containers",
                "items.hs_code",
                "items.description",
                "items.country_of_origin",
                "items.net_mass_grams",
                "items.gross_mass_grams",
                "items.quantity",
                "end_user.name.original",
                "importer.country",
                "exporter.country",
            ],
            masked: &[
                "exporter.id",
                "importer.id",
                "exporter.name.original",
                "importer.name.original",
            ],
            day: &["accepted_at"],
            band: &["items.value"],
        }
        .write(&mut text);
        Flow {
            from,
            to: &to,
            record_types: &["TransitDeclaration"],
            clear: &[
                "ucr",
                "office_of_departure",
                "office_of_destination",
                "discharge_reference",
                "items.hs_code",
                "gross_mass_grams",
                "containers",
                "country_of_destination",
            ],
            masked: &["principal.id"],
            day: &["opened_at", "due_at", "discharged_at"],
            band: &[],
        }
        .write(&mut text);
    }
    Agreement { id: "customs-assistance".to_owned(), text }
}

/// What a financial intelligence unit tells customs of payments behind a case.
pub fn payments(unit: &str, customs: &[&str]) -> Agreement {
    let id = format!("payments-{unit}");
    let mut members = vec![unit];
    members.extend(customs);
    let mut text = head(
        &id,
        "Payments behind a consignment",
        "Recommendation 40 of the FATF, other forms of cooperation, sample",
        &members,
    );
    Flow {
        from: unit,
        to: customs,
        record_types: &["Payment"],
        clear: &["invoice_id", "payer.country", "payee.country"],
        masked: &["payer.id", "payee.id"],
        day: &[],
        band: &["amount"],
    }
    .write(&mut text);
    Agreement { id, text }
}

/// What a licensing authority tells the customs of its state.
pub fn licences(authority: &str, customs: &str) -> Agreement {
    let id = format!("licences-{authority}");
    let mut text = head(
        &id,
        "Verification of export licences",
        "National export control act, sample",
        &[authority, customs],
    );
    Flow {
        from: authority,
        to: &[customs],
        record_types: &["ExportLicence"],
        clear: &[
            "id",
            "kind",
            "status",
            "country_of_destination",
            "items.hs_code",
            "items.control_code",
            "items.description",
            "items.quantity",
            "items.drawn_quantity",
            "exporter.id",
            "exporter.name.original",
            "consignee.name.original",
            "end_user.name.original",
            "conditions",
        ],
        masked: &["consignee.id"],
        day: &["granted_at", "expires_at"],
        band: &[],
    }
    .write(&mut text);
    Flow {
        from: authority,
        to: &[customs],
        record_types: &["ClassificationRuling"],
        clear: &["description", "hs_code", "control_code", "issued_on"],
        masked: &["applicant.id"],
        ..Flow::default()
    }
    .write(&mut text);
    Agreement { id, text }
}

/// What a unit tells the licensing authority of its state of who owns an applicant: people by name and day of birth,
/// without which nobody finds a listed one behind a chain of firms.
pub fn ownership(unit: &str, authority: &str) -> Agreement {
    let both = [unit, authority];
    Sample {
        id: format!("ownership-{unit}"),
        title: "Owners of applicants for export licences",
        basis: "Recommendation 24 of the FATF, beneficial ownership of legal persons, sample",
    }
    .of(&both, |text| {
        let flow = Flow { from: unit, to: &[authority], ..Flow::default() };
        let clear = ["registration_number", "name.original", "registered_on", "status", "country"];
        Flow { record_types: &["CompanyRegistryEntry"], clear: &clear, ..flow }.write(text);
        let clear = [
            "owned.id",
            "owned.name.original",
            "owner.id",
            "owner.name.original",
            "owner_birth_date",
            "share_percent",
            "since",
        ];
        Flow { record_types: &["Ownership"], clear: &clear, ..flow }.write(text);
    })
}

/// What a service tells the licensing authority of its state of persons on a list.
pub fn listings(service: &str, authority: &str) -> Agreement {
    Sample {
        id: format!("listings-{service}"),
        title: "Listed persons, for the screening of applicants",
        basis: "National export control act, screening of applicants, sample",
    }
    .of(&[service, authority], |text| {
        Flow {
            from: service,
            to: &[authority],
            record_types: &["WatchlistHit"],
            clear: &["listed_name.original", "aliases", "country", "birth_date", "listed_on"],
            ..Flow::default()
        }
        .write(text);
    })
}

/// What licensing authorities tell each other of what they denied. Who had applied is a token.
pub fn denials(authorities: &[&str]) -> Agreement {
    Sample {
        id: "denial-consultation".to_owned(),
        title: "No-undercut consultation on denied exports",
        basis: "Wassenaar Arrangement, Initial Elements, appendix 4, sample",
    }
    .of(authorities, |text| {
        for from in authorities {
            let to: Vec<&str> = authorities.iter().copied().filter(|other| other != from).collect();
            let flow = Flow { from, to: &to, ..Flow::default() };
            Flow {
                record_types: &["DenialNotification"],
                clear: &[
                    "kind",
                    "consignee.name.original",
                    "end_user.name.original",
                    "country_of_destination",
                    "items.hs_code",
                    "items.control_code",
                    "items.description",
                    "items.quantity",
                ],
                masked: &["exporter.id", "exporter.name.original"],
                day: &["denied_at"],
                ..flow
            }
            .write(text);
        }
    })
}

/// Licensing authorities show police bureaus the certificates of end users, and are told what these say of them.
pub fn end_users(authorities: &[&str], bureaus: &[&str]) -> Agreement {
    Sample {
        id: "end-use-checks".to_owned(),
        title: "Checks of end users",
        basis: "Wassenaar Arrangement, end-user assurances commonly used, sample",
    }
    .of(&[authorities, bureaus].concat(), |text| {
        for authority in authorities {
            Flow {
                from: authority,
                to: bureaus,
                record_types: &["EndUserCertificate"],
                clear: &[
                    "id",
                    "end_user.name.original",
                    "end_user.country",
                    "issued_on",
                    "stamp_reference",
                    "end_use",
                ],
                ..Flow::default()
            }
            .write(text);
        }
        for bureau in bureaus {
            Flow {
                from: bureau,
                to: authorities,
                record_types: &["EndUseCheck"],
                clear: &["end_user.name.original", "certificate_id", "checked_on", "outcome"],
                ..Flow::default()
            }
            .write(text);
        }
    })
}

/// What a port tells the customs of its state: moves, weighings, seals, bills.
pub fn movements(port: &str, customs: &str) -> Agreement {
    Sample {
        id: format!("movements-{port}"),
        title: "Movements of containers through a port",
        basis: "WCO SAFE Framework of Standards, pillar 1, sample",
    }
    .of(&[port, customs], |text| {
        let flow = Flow { from: port, to: &[customs], ..Flow::default() };
        let clear = ["container", "kind", "at", "port", "seal_number", "vessel_imo", "voyage"];
        Flow { record_types: &["GateMove"], clear: &clear, ..flow }.write(text);
        let clear =
            ["container", "weighed_at", "port", "verified_gross_mass_grams", "tare_mass_grams"];
        Flow { record_types: &["Weighing"], clear: &clear, ..flow }.write(text);
        let clear = ["container", "seal_number", "kind", "at", "port"];
        Flow { record_types: &["SealEvent"], clear: &clear, ..flow }.write(text);
        Flow {
            record_types: &["BillOfLading"],
            clear: &[
                "ucr",
                "port_of_loading",
                "port_of_discharge",
                "vessel_imo",
                "voyage",
                "containers",
                "gross_mass_grams",
                "description",
                "switched_from",
            ],
            masked: &["shipper.id", "consignee.id"],
            day: &["issued_at"],
            ..flow
        }
        .write(text);
    })
}

/// What a coast guard tells the customs of its state of where ships were.
pub fn tracks(guard: &str, customs: &str) -> Agreement {
    Sample {
        id: format!("tracks-{guard}"),
        title: "Tracks of ships",
        basis: "SOLAS V/19, automatic identification systems, sample",
    }
    .of(&[guard, customs], |text| {
        Flow {
            from: guard,
            to: &[customs],
            record_types: &["VesselTrack"],
            clear: &[
                "vessel_imo",
                "points.at",
                "points.position",
                "points.speed_knots",
                "points.draught_centimetres",
                "points.silent_since",
                "points.source",
            ],
            ..Flow::default()
        }
        .write(text);
    })
}

/// What a police bureau tells the coast guard of its state of the flags that ships flew.
pub fn flags(bureau: &str, guard: &str) -> Agreement {
    Sample {
        id: format!("flags-{bureau}"),
        title: "Flags of ships",
        basis: "IMO Assembly resolution A.1142(31), fraudulent registration of ships, sample",
    }
    .of(&[bureau, guard], |text| {
        Flow {
            from: bureau,
            to: &[guard],
            record_types: &["VesselRegistryEntry"],
            clear: &["vessel_imo", "vessel_name", "flag", "former_flags", "registered_on"],
            ..Flow::default()
        }
        .write(text);
    })
}

/// What a police bureau tells the service of its state of the journeys of people whom a tip speaks of. Documents are tokens.
pub fn journeys(bureau: &str, service: &str) -> Agreement {
    Sample {
        id: format!("journeys-{bureau}"),
        title: "Journeys of persons whom a tip names",
        basis: "National export control act, goods and assistance carried abroad by persons, sample",
    }
    .of(&[bureau, service], |text| {
        Flow {
            from: bureau,
            to: &[service],
            record_types: &["TravelEvent"],
            clear: &[
                "kind",
                "person_name.original",
                "country_of_departure",
                "country_of_arrival",
                "employer_name",
            ],
            masked: &["document_id"],
            day: &["at"],
            ..Flow::default()
        }
        .write(text);
    })
}

/// What a licensing authority tells the service of its state of who holds a licence for what.
pub fn holders(authority: &str, service: &str) -> Agreement {
    Sample {
        id: format!("holders-{authority}"),
        title: "Holders of export licences",
        basis: "National export control act, technical assistance, sample",
    }
    .of(&[authority, service], |text| {
        Flow {
            from: authority,
            to: &[service],
            record_types: &["ExportLicence"],
            clear: &[
                "kind",
                "status",
                "exporter.name.original",
                "country_of_destination",
                "items.hs_code",
                "items.control_code",
            ],
            day: &["granted_at", "expires_at"],
            ..Flow::default()
        }
        .write(text);
    })
}

/// What an agreement says of itself.
struct Sample {
    id: String,
    title: &'static str,
    basis: &'static str,
}

impl Sample {
    fn of(self, members: &[&str], flows: impl FnOnce(&mut String)) -> Agreement {
        let mut text = head(&self.id, self.title, self.basis, members);
        flows(&mut text);
        Agreement { id: self.id, text }
    }
}

fn head(id: &str, title: &str, basis: &str, members: &[&str]) -> String {
    format!(
        "# {title}. A sample that `portcullis-sim exchange` wrote: change it, check it with `portcullis agreement check`.\n\
         id = {}\nversion = 1\ntitle = {}\nlegal_basis = {}\nparties = {}\nvalid_from = 2026-01-01\nvalid_until = 2035-12-31\n",
        quoted(id),
        quoted(title),
        quoted(basis),
        list(members),
    )
}
