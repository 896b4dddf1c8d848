//! Consignments: what is sent, how it travels, and the rows that agencies hold of it. A consignment is a function
//! of its number: any worker can make any of them, in any order.

pub mod background;
pub mod checks;
pub mod classification;
pub mod detour;
mod disturb;
pub mod draft;
pub mod emit;
pub mod ids;
pub mod licence;
pub mod loose;
pub mod movement;
pub mod orders;
pub mod parties;
pub mod passing;
pub mod people;
pub mod registers;
pub mod rows;
mod shape;
pub mod temporary;
pub mod transit;
pub mod voyage;
pub mod yard;
pub mod young;
pub mod zone;

use std::borrow::Cow;

use crate::dirt::Dirt;
use crate::lanes::{Lanes, TooFew};
use crate::rng::Stream;
use crate::scheme::{Case, Cases};
use crate::world::{Firm, World};

use background::Background;
use draft::Draft;
use ids::Ids;
use licence::Licences;
use movement::Movement;
use voyage::{Ships, Voyage};

/// Everything that consignments are drawn from.
#[derive(Debug)]
pub struct Engine<'w> {
    /// The world they happen in.
    pub world: &'w World,
    /// How many there are.
    pub consignments: u64,
    /// Cases hidden among them.
    pub cases: Cases,
    /// Licences and which consignments draw on them.
    pub licences: Licences,
    /// Numbers of rows.
    pub ids: Ids,
    /// Ships of no liner service.
    pub ships: Ships,
    /// What registers hold beside trade and cases.
    pub background: Background,
    /// Slips of the clerks who enter its rows, in a dirty world.
    pub dirt: Option<Dirt>,
    pub(crate) streams: Streams,
}

/// Firms that a case may have of its own.
pub const CASE_FIRMS: u64 = 8;

/// One stream for each thing that is drawn of a consignment.
#[derive(Debug)]
pub(crate) struct Streams {
    pub pair: Stream,
    pub goods: Stream,
    pub parties: Stream,
    pub agents: Stream,
    pub standing: Stream,
    pub value: Stream,
    pub origin: Stream,
    pub time: Stream,
    pub mode: Stream,
    pub movement: Stream,
    pub boxes: Stream,
    pub fleet: Stream,
    pub mirror: Stream,
    pub fraud: Stream,
    pub check: Stream,
    pub payment: Stream,
    pub text: Stream,
    pub decoy: Stream,
    pub serial: Stream,
    pub odd: Stream,
    pub certificate: Stream,
    pub stamp: Stream,
    pub end_use_check: Stream,
    pub discharge: Stream,
    pub lesser: Stream,
    pub order: Stream,
    pub temporary: temporary::Streams,
    pub parties_named: parties::Streams,
    pub zone: zone::Streams,
    pub yard: yard::Streams,
}

impl<'w> Engine<'w> {
    /// An engine for so many consignments, with the cases and decoys of the world's schemes among them.
    ///
    /// # Errors
    /// When there are more cases than the consignments have room for.
    pub fn new(world: &'w World, consignments: u64, cases: Cases) -> Result<Self, TooFew> {
        let stream = |column: &str| Stream::new(world.seed, column);
        let licences = Licences::new(world, consignments);
        Ok(Self {
            world,
            consignments,
            ships: Ships::new(world, consignments, cases.count()),
            background: Background::new(world.seed, consignments, licences.count(), &cases),
            licences,
            ids: Ids::new(world.seed, consignments, cases.count()),
            cases,
            dirt: None,
            streams: Streams {
                pair: stream("consignment.pair"),
                goods: stream("consignment.goods"),
                parties: stream("consignment.parties"),
                standing: stream("consignment.standing"),
                agents: stream("firm.usual_forwarder"),
                value: stream("consignment.value"),
                origin: stream("consignment.origin"),
                time: stream("consignment.accepted_at"),
                mode: stream("consignment.mode"),
                movement: stream("consignment.movement"),
                boxes: stream("consignment.boxes"),
                fleet: stream("container"),
                mirror: stream("consignment.mirror"),
                fraud: stream("consignment.fraud"),
                check: stream("consignment.inspection"),
                payment: stream("consignment.payment"),
                text: stream("consignment.description"),
                decoy: stream("consignment.decoy"),
                serial: stream("consignment.serial_numbers"),
                odd: stream("consignment.payment_by_others"),
                certificate: stream("end_user_certificate"),
                stamp: stream("end_user_certificate.stamp_reference"),
                end_use_check: stream("end_use_check"),
                discharge: stream("transit_declaration.discharged_at"),
                lesser: stream("consignment.lesser_kind"),
                order: stream("licence.order"),
                temporary: temporary::Streams::new(stream),
                parties_named: parties::Streams::new(stream),
                zone: zone::Streams::new(stream),
                yard: yard::Streams::new(stream),
            },
        })
    }

    /// The case a consignment belongs to, and its role there.
    pub fn role(&self, consignment: u64) -> Option<(Case, usize)> {
        let place = self.cases.lanes().place(consignment)?;
        let case = self.cases.case(self, place.case);
        let role = case
            .roles
            .iter()
            .position(|role| role.step == place.step && role.spot == place.spot)?;
        Some((case, role))
    }

    /// The consignment that plays a role of a case.
    pub fn of_role(&self, case: &Case, role: usize) -> Option<u64> {
        let role = case.roles.get(role)?;
        self.cases.lanes().consignment(crate::lanes::Place {
            case: case.number,
            step: role.step,
            spot: role.spot,
        })
    }

    /// A firm: one of the world's, one that a case has of its own, or one of the registers' idle ones.
    pub fn firm(&self, number: u32) -> Cow<'_, Firm> {
        let Some(beyond) = u64::from(number).checked_sub(self.world.firms.len() as u64) else {
            return Cow::Borrowed(self.world.firms.id(number));
        };
        let of_cases = self.cases.count() * CASE_FIRMS;
        let founding = match beyond.checked_sub(of_cases) {
            None => {
                let (case, place) = (beyond / CASE_FIRMS, beyond % CASE_FIRMS);
                self.cases.kind(case).map(|kind| kind.firm(self, case, place)).unwrap_or_default()
            }
            Some(idle) => self.idle_founding(idle / CASE_FIRMS, idle % CASE_FIRMS),
        };
        Cow::Owned(self.world.registrar.firm(number, &self.world.countries, founding))
    }

    /// The number of a firm that a case has of its own, by its place there, below [`CASE_FIRMS`].
    pub fn case_firm(&self, case: u64, place: u64) -> u32 {
        let own = self.world.firms.len() as u64;
        u32::try_from(own + case * CASE_FIRMS + place % CASE_FIRMS).unwrap_or(u32::MAX)
    }

    /// The number of an idle firm, by its group and its place there.
    pub fn idle_firm(&self, group: u64, place: u64) -> u32 {
        self.case_firm(self.cases.count() + group, place)
    }

    /// A consignment.
    pub fn consignment(&self, number: u64) -> Consignment {
        match self.role(number) {
            None => {
                let mut draft = self.draft(number);
                self.licences.shape(self, &mut draft);
                self.shape_order(&mut draft);
                let mut consignment = self.send(draft);
                self.disturb(&mut consignment);
                self.lessen(&mut consignment);
                self.name_others(&mut consignment);
                self.lend(&mut consignment);
                self.store(&mut consignment);
                consignment
            }
            Some((case, role)) => {
                let mut draft = self.draft(number);
                case.shape(self, role, &mut draft);
                let mut consignment = self.send(draft);
                case.twist(self, role, &mut consignment);
                consignment.case = Some((case.number, role));
                consignment
            }
        }
    }

    fn send(&self, draft: Draft) -> Consignment {
        let movement = self.move_it(&draft);
        Consignment {
            draft,
            movement,
            twist: Twist::default(),
            fraud: None,
            decoy: None,
            case: None,
        }
    }
}

/// A consignment with everything that happened to it.
#[derive(Debug, Clone)]
pub struct Consignment {
    /// What is sent, from whom to whom.
    pub draft: Draft,
    /// How it travelled.
    pub movement: Movement,
    /// How its papers differ from what an honest trader would write.
    pub twist: Twist,
    /// Ordinary fraud.
    pub fraud: Option<Fraud>,
    /// Something lawful that looks like a scheme.
    pub decoy: Option<Decoy>,
    /// Case and role.
    pub case: Option<(u64, usize)>,
}

/// Ordinary customs fraud: the rest of the illicit share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fraud {
    /// The import side declares less value.
    Undervalued,
    /// The import side declares other goods.
    Misdescribed,
    /// The import side declares another origin.
    FalseOrigin,
    /// The import side declares less mass.
    ShortMass,
}

impl Fraud {
    /// Its word in the truth.
    pub fn word(self) -> &'static str {
        match self {
            Self::Undervalued => "UNDERVALUED",
            Self::Misdescribed => "MISDESCRIBED",
            Self::FalseOrigin => "FALSE_ORIGIN",
            Self::ShortMass => "SHORT_MASS",
        }
    }
}

/// Lawful things that look like schemes and need no more than one consignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoy {
    /// Both sides classify in good faith, and differ.
    HonestClassification,
    /// The parent pays for its subsidiary.
    ParentPays,
    /// A consolidator stands as consignee.
    Consolidator,
    /// A seal was replaced after a lawful opening.
    SealReplaced,
}

impl Decoy {
    /// Its word in the truth and in the pack.
    pub fn word(self) -> &'static str {
        match self {
            Self::HonestClassification => "honest_classification",
            Self::ParentPays => "parent_pays",
            Self::Consolidator => "consolidator",
            Self::SealReplaced => "seal_replaced",
        }
    }
}

/// Differences between papers and facts, and between the papers of two sides. The default is an honest
/// consignment whose sides agree.
#[derive(Debug, Clone, PartialEq)]
pub struct Twist {
    /// Goods as the export side declares them, where they are others.
    pub export_goods: Option<u32>,
    /// Goods as the import side declares them, where they are others.
    pub import_goods: Option<u32>,
    /// Text that takes the place of the description on both sides.
    pub description: Option<String>,
    /// Added to the description, such as a serial number.
    pub serials: Option<String>,
    /// Factor on the value that the export side declares.
    pub export_value: f64,
    /// Factor on the value that the import side declares.
    pub import_value: f64,
    /// Factor on the mass that the export side declares.
    pub export_mass: f64,
    /// Factor on the mass that the import side declares.
    pub import_mass: f64,
    /// Origin as the import side declares it.
    pub import_origin: Option<u32>,
    /// Licence the export side names.
    pub licence: Option<String>,
    /// End user the export side names.
    pub end_user: Option<String>,
    /// Consignee that the papers name in place of the importer.
    pub consignee: Option<u32>,
    /// It leaves its last change of ship for somewhere else: nothing arrives.
    pub lost_in_transit: bool,
    /// A discharge that was never given by the office of destination, so many days after the transit was opened.
    pub forged_discharge: Option<f64>,
    /// It never was: no movement at all.
    pub phantom: bool,
    /// The import side sees nothing.
    pub no_import: bool,
    /// The state that the papers name as that of export has no record: it never was there.
    pub no_export: bool,
    /// Regime that the import side declares.
    pub import_regime: Option<&'static str>,
    /// Where its ship was, where that is not what the papers say.
    pub voyage: Option<Voyage>,
    /// Who stands as shipper on the bill, where it is another than the exporter.
    pub shipper: Option<u32>,
    /// Who pays in place of the importer.
    pub payer: Option<u32>,
    /// Factor on what is paid.
    pub paid: f64,
    /// Grams that scales at the port of loading find beyond the declared mass.
    pub hidden_grams: i64,
    /// Grams that scales at the port of discharge find beyond those at loading.
    pub added_grams: i64,
    /// Seal read on arrival, where it is another.
    pub arrival_seal: Option<String>,
    /// The seal on arrival was put on by customs after an opening, and that is written down.
    pub seal_explained: bool,
    /// Bill of lading that the one on arrival took the place of.
    pub switched: Option<String>,
    /// Regime that the export side declares.
    pub regime: Option<&'static str>,
    /// Numbers of containers in place of those drawn.
    pub containers: Option<Vec<String>>,
    /// Office of export, by place among those of the state, where it is not the usual one.
    pub office: Option<usize>,
    /// The export side gives no serial numbers.
    pub unnumbered: bool,
    /// How the stay of goods that left for a time ends; none where nobody sees them again.
    pub stay: Option<temporary::Stay>,
    /// To whom the bill is made out, where that is another than the declared consignee.
    pub bill_consignee: Option<u32>,
    /// Whom the carrier is to tell of the arrival, in place of who declares the import.
    pub notify: Option<u32>,
    /// The boxes go on by the next ship from where they are landed.
    pub onward: bool,
    /// Bill that payments cite, in place of its own or of none.
    pub cited_bill: Option<String>,
    /// What leaves the free zone that the goods enter.
    pub zone: Option<zone::Exit>,
    /// The import side writes down no serial numbers.
    pub plain_import: bool,
    /// Grams that are put into the first box while it stands in the yard, where somebody reaches it.
    pub reached: Option<i64>,
    /// Customs at the port of discharge read the seal of the first box for certain.
    pub seal_read: bool,
}

impl Default for Twist {
    fn default() -> Self {
        Self {
            export_goods: None,
            import_goods: None,
            description: None,
            serials: None,
            export_value: 1.0,
            import_value: 1.0,
            export_mass: 1.0,
            import_mass: 1.0,
            import_origin: None,
            licence: None,
            end_user: None,
            consignee: None,
            lost_in_transit: false,
            forged_discharge: None,
            phantom: false,
            no_import: false,
            no_export: false,
            import_regime: None,
            voyage: None,
            shipper: None,
            payer: None,
            paid: 1.0,
            hidden_grams: 0,
            added_grams: 0,
            arrival_seal: None,
            seal_explained: false,
            switched: None,
            regime: None,
            containers: None,
            office: None,
            unnumbered: false,
            stay: None,
            bill_consignee: None,
            notify: None,
            onward: false,
            cited_bill: None,
            zone: None,
            plain_import: false,
            reached: None,
            seal_read: false,
        }
    }
}

impl Engine<'_> {
    /// The lanes of its cases.
    pub fn lanes(&self) -> &Lanes {
        self.cases.lanes()
    }
}
