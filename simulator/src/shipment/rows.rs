//! Rows of registers that the world, its background and cases fill alike: what one of them writes differently would
//! give the others away.

use super::Engine;
use super::checks::Certified;
use super::ids::numbered;
use super::licence::{Licence as Facts, Outcome, VALID_DAYS};
use crate::calendar::Moment;
use crate::table::{
    Company, Denial, EndUserCertificate, Licence, Out, Owner, Party, Payment, WatchlistHit,
};
use crate::world::Office;

/// What remittances say that pay for no consignment.
pub const REMITTANCES: [&str; 8] = [
    "services",
    "loan",
    "commission",
    "consulting",
    "licence fee",
    "rent and lease",
    "own funds",
    "settlement of account",
];

/// A payment that pays for no consignment of its own.
#[derive(Debug, Clone, Copy)]
pub struct Transfer<'a> {
    /// Its number, see [`Engine::transfer`] and [`Engine::case_transfer`].
    pub number: u64,
    /// Firm that pays.
    pub payer: u32,
    /// Firm that is paid.
    pub payee: u32,
    /// US cents.
    pub cents: i64,
    /// Value date, days since 1970.
    pub day: i64,
    /// Remittance information.
    pub reference: &'a str,
}

/// An application that was refused, or a notice that one would be.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// Its number among denials.
    pub number: u64,
    /// State that refused.
    pub state: u32,
    /// Who wanted to export.
    pub exporter: u32,
    /// To whom it was to be sent.
    pub consignee: u32,
    /// Who was to use it.
    pub end_user: u32,
    /// What.
    pub goods: u32,
    /// In the applicant's words.
    pub words: &'a str,
    /// Pieces that were asked for.
    pub pieces: i64,
    /// When it was decided.
    pub at: Moment,
}

/// A person or a firm on a list.
#[derive(Debug, Clone, Copy)]
pub struct Listing<'a> {
    /// Its id.
    pub id: &'a str,
    /// State whose service has the list.
    pub by: u32,
    /// Who.
    pub name: &'a str,
    /// When a person was born.
    pub born: Option<i64>,
    /// Other names, `;` between them.
    pub aliases: &'a str,
    /// State that they are of.
    pub of: u32,
    /// Why.
    pub ground: &'a str,
    /// Since, days since 1970.
    pub since: i64,
}

impl Engine<'_> {
    /// The number of a transfer of the background.
    pub fn transfer(&self, number: u64) -> u64 {
        self.consignments + number
    }

    /// The number of a transfer that a case alone has.
    pub fn case_transfer(&self, case: u64, place: u64) -> u64 {
        self.consignments
            + super::background::transfers(self.consignments)
            + case * super::ids::CASE_RECORDS
            + place % super::ids::CASE_RECORDS
    }

    /// The number of a licence that a case alone has.
    pub fn case_licence(&self, case: u64, place: u64) -> u64 {
        self.consignments + case * super::ids::CASE_RECORDS + place % super::ids::CASE_RECORDS
    }

    /// The id of a transfer: as those of payments for consignments, of which some are a first and some a second part.
    pub fn transfer_id(&self, number: u64) -> String {
        self.payment_id(
            number,
            if self.ids.payment.apply(number).is_multiple_of(5) { 1 } else { 2 },
        )
    }

    /// The id of a denial.
    pub fn denial_id(&self, number: u64, state: u32) -> String {
        numbered(&format!("DN-{}-", self.world.countries.id(state).code), number, "")
    }

    /// Ids of what the registers hold of who owns a firm.
    pub fn owner_ids(&self, firm: u32) -> [String; 2] {
        let number = &self.firm(firm).company_number;
        [format!("OW-{number}-1"), format!("OW-{number}-2")]
    }

    /// A firm in the company registry of its state with who owns it, and with customs where it deals with them.
    pub fn put_firm<O: Out>(&self, number: u32, with_customs: bool, out: &mut O) {
        let world = self.world;
        let firm = self.firm(number);
        let state = world.countries.id(firm.country);
        let (customs, fiu) = (state.agency(Office::Customs), state.agency(Office::Fiu));
        if with_customs {
            out.put(&Party {
                agency: customs,
                id: &firm.id,
                kind: "ORGANISATION",
                name: &firm.name,
                street: &firm.street,
                city: &firm.city,
                postcode: &firm.postcode,
                country: &state.code,
                // Firms come to customs some weeks after they were founded.
                registered_on: Some(firm.founded + 20),
                registration_number: &firm.company_number,
                phone: &firm.phone,
                director: &firm.director,
            });
        }
        out.put(&Company {
            agency: fiu,
            id: &format!("CR-{}", firm.company_number),
            registration_number: &firm.company_number,
            name: &firm.name,
            registered_on: Some(firm.founded),
            status: "ACTIVE",
            street: &firm.street,
            city: &firm.city,
            country: &state.code,
            director: &firm.director,
            phone: &firm.phone,
        });
        let parent = firm.parent.map(|parent| self.firm(parent));
        let [first, second] = self.owner_ids(number);
        let row = Owner {
            agency: fiu,
            id: &first,
            owned_id: &firm.company_number,
            owned_name: &firm.name,
            since: Some(firm.founded),
            ..Owner::default()
        };
        let share = |percent: i64| Some(percent * 1_000_000);
        match (&parent, &firm.partner) {
            (Some(parent), _) => out.put(&Owner {
                owner_id: &parent.company_number,
                owner_name: &parent.name,
                share_percent: share(firm.share),
                // It may have bought it later, but cannot have held it before either was founded.
                since: Some(firm.founded.max(parent.founded)),
                ..row
            }),
            (None, Some(partner)) => out.put(&Owner {
                owner_name: &partner.name,
                owner_birth_date: Some(partner.born),
                share_percent: share(firm.share),
                ..row
            }),
            (None, None) => {}
        }
        if firm.share < 100 {
            out.put(&Owner {
                id: &second,
                owner_name: &firm.director,
                owner_birth_date: Some(firm.director_born),
                share_percent: share(100 - firm.share),
                ..row
            });
        }
    }

    /// A licence with the certificate of its end user, and its denial where it was denied; the applicant's words are
    /// drawn where none are given.
    pub fn put_licence<O: Out>(&self, facts: &Facts, words: Option<&str>, out: &mut O) {
        self.put_certified(facts, words, Certified::Genuine, out);
    }

    /// The same of a licence whose certificate may be forged.
    pub fn put_certified<O: Out>(
        &self,
        facts: &Facts,
        words: Option<&str>,
        certified: Certified,
        out: &mut O,
    ) {
        let world = self.world;
        let goods = world.commodities.id(facts.goods);
        let (exporter, consignee) = (self.firm(facts.exporter), self.firm(facts.consignee));
        let end_user = self.firm(facts.end_user);
        let to = &world.countries.id(facts.to).code;
        let agency = world.countries.id(facts.from).agency(Office::Licensing);
        let id = self.licence_id(facts.number, facts.from);
        let mut cell = self.streams.certificate.row(facts.number);
        let stamp = self.stamp(facts, cell.whole(0, 9999), certified);
        let certificate = self.certificate_id(facts.number, facts.from);
        let drawn = goods.words.at(cell.place(goods.words.len()));
        let words = words.unwrap_or(drawn);
        let (status, granted) = match facts.outcome {
            Outcome::Granted => ("GRANTED", true),
            Outcome::Returned => ("RETURNED", false),
            Outcome::Denied => ("REFUSED", false),
        };
        let decided = facts.decided();
        let condition = self.condition(facts);
        out.put(&Licence {
            agency,
            id: &id,
            kind: "INDIVIDUAL",
            status,
            applied_at: Some(facts.applied),
            decided_at: Some(decided),
            granted_at: granted.then_some(decided),
            expires_at: granted.then(|| decided.plus_days(VALID_DAYS)),
            exporter_id: &exporter.id,
            exporter_name: &exporter.name,
            consignee_id: &consignee.id,
            consignee_name: &consignee.name,
            end_user_name: &end_user.name,
            country_of_destination: to,
            hs_code: &goods.hs,
            control_code: &goods.control_code,
            description: words,
            quantity: Some(facts.pieces),
            drawn_quantity: granted.then(|| self.written_off(facts)),
            technical_parameters: "",
            end_use: "own production at the end user's premises",
            condition: if granted { &condition } else { "" },
            assessment: "",
            certificate_id: &certificate,
        });
        out.put(&EndUserCertificate {
            agency,
            id: &certificate,
            licence_id: &id,
            end_user_name: &end_user.name,
            end_user_country: to,
            issued_on: Some(facts.applied.day() - cell.whole(3, 40)),
            stamp: &stamp,
            end_use: "own production at the end user's premises",
        });
        self.put_check(facts, certified, out);
        if facts.outcome == Outcome::Denied {
            self.put_refusal(
                &Refusal {
                    number: self.background.denials.of(facts.number),
                    state: facts.from,
                    exporter: facts.exporter,
                    consignee: facts.consignee,
                    end_user: facts.end_user,
                    goods: facts.goods,
                    words,
                    pieces: facts.pieces,
                    at: decided,
                },
                out,
            );
        }
    }

    /// A denial.
    pub fn put_refusal<O: Out>(&self, refusal: &Refusal, out: &mut O) {
        self.put_denial(refusal, "REFUSED", out);
    }

    /// A notice to an exporter that what it is about to send needs a licence, for its use or its user.
    pub fn put_notice<O: Out>(&self, notice: &Refusal, out: &mut O) {
        self.put_denial(notice, "CATCH_ALL", out);
    }

    fn put_denial<O: Out>(&self, refusal: &Refusal, kind: &str, out: &mut O) {
        let world = self.world;
        let (exporter, end_user) = (self.firm(refusal.exporter), self.firm(refusal.end_user));
        let goods = world.commodities.id(refusal.goods);
        out.put(&Denial {
            agency: world.countries.id(refusal.state).agency(Office::Licensing),
            id: &self.denial_id(refusal.number, refusal.state),
            kind,
            denied_at: Some(refusal.at),
            exporter_id: &exporter.id,
            exporter_name: &exporter.name,
            consignee_name: &self.firm(refusal.consignee).name,
            end_user_name: &end_user.name,
            country_of_destination: &world.countries.id(end_user.country).code,
            hs_code: &goods.hs,
            control_code: &goods.control_code,
            description: refusal.words,
            quantity: Some(refusal.pieces),
        });
    }

    /// A transfer, as the units of both ends have it.
    pub fn put_transfer<O: Out>(&self, transfer: &Transfer, out: &mut O) {
        self.put_paid(transfer, "", out);
    }

    /// The same, for an invoice.
    pub fn put_paid<O: Out>(&self, transfer: &Transfer, invoice: &str, out: &mut O) {
        let world = self.world;
        let (payer, payee) = (self.firm(transfer.payer), self.firm(transfer.payee));
        let (from, to) = (world.countries.id(payer.country), world.countries.id(payee.country));
        let mut row = Payment {
            agency: from.agency(Office::Fiu),
            id: &self.transfer_id(transfer.number),
            payer_id: &payer.id,
            payer_name: &payer.name,
            payer_country: &from.code,
            payer_bank: from.banks.at(payer.bank),
            payee_id: &payee.id,
            payee_name: &payee.name,
            payee_country: &to.code,
            payee_bank: to.banks.at(payee.bank),
            currency: "USD",
            amount: Some(transfer.cents),
            value_date: Some(transfer.day),
            invoice_id: invoice,
            reference: transfer.reference,
        };
        out.put(&row);
        if payer.country != payee.country {
            row.agency = to.agency(Office::Fiu);
            out.put(&row);
        }
    }

    /// The id of a listing.
    pub fn listing_id(&self, number: u64) -> String {
        numbered("WL-", number, "")
    }

    /// A person or a firm on a list.
    pub fn put_listing<O: Out>(&self, listing: &Listing, out: &mut O) {
        let world = self.world;
        out.put(&WatchlistHit {
            agency: world.countries.id(listing.by).agency(Office::Intelligence),
            id: listing.id,
            listed_name: listing.name,
            aliases: listing.aliases,
            country: &world.countries.id(listing.of).code,
            birth_date: listing.born,
            ground: listing.ground,
            listed_on: Some(listing.since),
        });
    }
}
