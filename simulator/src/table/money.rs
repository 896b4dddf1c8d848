//! Firms and who owns them, and who pays whom.

use super::schema::row;

row! {
    /// A party as a customs registry knows it.
    Party of Party {
        /// Customs that holds it.
        agency: Word "",
        /// Its number with customs.
        id: Word "id",
        /// `ORGANISATION` or `NATURAL_PERSON`.
        kind: Word "kind",
        /// Name.
        name: Text "organisation_name.original",
        /// Street.
        street: Text "",
        /// City.
        city: Text "",
        /// Postcode.
        postcode: Word "",
        /// Country.
        country: Word "country",
        /// When it entered the registry.
        registered_on: Day "registered_on",
        /// Company number.
        registration_number: Word "registration_number",
        /// E.164.
        phone: Text "phone",
        /// Who acts for it.
        director: Text "officers.original",
    }
}

row! {
    /// A company in a registry, as the financial intelligence unit sees it.
    Company of Company {
        /// Unit that holds it.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// Company number.
        registration_number: Word "registration_number",
        /// Name.
        name: Text "name.original",
        /// When it was founded.
        registered_on: Day "registered_on",
        /// `ACTIVE` or `DISSOLVED`.
        status: Word "status",
        /// Street.
        street: Text "",
        /// City.
        city: Text "",
        /// Country.
        country: Word "country",
        /// Director.
        director: Text "directors.original",
        /// E.164.
        phone: Text "phone",
    }
}

row! {
    /// A share in a company.
    Owner of Owner {
        /// Unit that holds it.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// Company number of what is owned.
        owned_id: Word "owned.id",
        /// Name of what is owned.
        owned_name: Text "owned.name.original",
        /// Company number of the owner, of a legal person.
        owner_id: Word "owner.id",
        /// Name of the owner.
        owner_name: Text "owner.name.original",
        /// When the owner was born, of a person.
        owner_birth_date: Day "owner_birth_date",
        /// Share, percent.
        share_percent: Micro "share_percent",
        /// Since.
        since: Day "since",
    }
}

row! {
    /// A cross-border payment as reported to a financial intelligence unit.
    Payment of Payment {
        /// Unit that holds it.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// Who pays.
        payer_id: Word "payer.id",
        /// Who pays, by name.
        payer_name: Text "payer.name.original",
        /// Where the payer is established.
        payer_country: Word "payer.country",
        /// Bank of the payer, BIC.
        payer_bank: Word "payer_bank",
        /// Who is paid.
        payee_id: Word "payee.id",
        /// Who is paid, by name.
        payee_name: Text "payee.name.original",
        /// Where the payee is established.
        payee_country: Word "payee.country",
        /// Bank of the payee, BIC.
        payee_bank: Word "payee_bank",
        /// ISO 4217.
        currency: Word "",
        /// Amount.
        amount: Money "amount",
        /// Value date.
        value_date: Day "value_date",
        /// Invoice it names.
        invoice_id: Word "invoice_id",
        /// Remittance information.
        reference: Text "reference",
    }
}
