//! Intelligence and police: tips, hits on lists, travel.

use super::schema::row;

row! {
    /// A tip with its reliability.
    Tip of Tip {
        /// Service that holds it.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// When it came.
        received_at: Moment "received_at",
        /// `OUTREACH`, `OPEN_SOURCE`, `HUMAN`, `TECHNICAL`, `PARTNER`, `ANONYMOUS`.
        origin: Word "origin",
        /// Source, `A` to `F`.
        source_reliability: Word "source_reliability",
        /// Content, `1` to `6`.
        information_credibility: Word "information_credibility",
        /// Name of the firm it speaks of.
        subject_name: Text "subjects.name.original",
        /// Name of the person it speaks of.
        subject_person: Text "subject_persons.original",
        /// What it says.
        content: Text "content",
        /// Goods it speaks of, HS 2022, six digits.
        hs_code: Word "items.hs_code",
    }
}

row! {
    /// A name on a list.
    WatchlistHit of WatchlistHit {
        /// Service that holds it.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// Listed name.
        listed_name: Text "listed_name.original",
        /// Other names, `;` between them.
        aliases: Text "aliases",
        /// Country.
        country: Word "country",
        /// When the person was born.
        birth_date: Day "birth_date",
        /// Why.
        ground: Text "ground",
        /// Since.
        listed_on: Day "listed_on",
    }
}

row! {
    /// A person crossing a border.
    Travel of Travel {
        /// Bureau that holds it.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// `ENTRY`, `EXIT`.
        kind: Word "kind",
        /// Person.
        person_name: Text "person_name.original",
        /// When the person was born.
        birth_date: Day "birth_date",
        /// Nationality.
        nationality: Word "nationality",
        /// Travel document.
        document_id: Word "document_id",
        /// When.
        at: Moment "at",
        /// From.
        country_from: Word "country_of_departure",
        /// To.
        country_to: Word "country_of_arrival",
        /// Flight or vehicle.
        conveyance: Word "conveyance",
        /// For whom the person works, as told.
        employer_name: Text "employer_name",
    }
}
