//! Licensing authorities: licences, certificates, denials, rulings; and what was found out about end users.

use super::schema::row;

row! {
    /// An export licence or an application for one.
    Licence of Licence {
        /// Authority.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// `INDIVIDUAL`, `GLOBAL`, ..
        kind: Word "kind",
        /// `GRANTED`, `REFUSED`, `APPLIED`, ..
        status: Word "status",
        /// When it was applied for.
        applied_at: Moment "",
        /// When it was decided, whichever way.
        decided_at: Moment "",
        /// When it was granted.
        granted_at: Moment "granted_at",
        /// When it ends.
        expires_at: Moment "expires_at",
        /// Holder.
        exporter_id: Word "exporter.id",
        /// Holder's name.
        exporter_name: Text "exporter.name.original",
        /// Consignee.
        consignee_id: Word "consignee.id",
        /// Consignee's name.
        consignee_name: Text "consignee.name.original",
        /// End user's name.
        end_user_name: Text "end_user.name.original",
        /// Country of destination.
        country_of_destination: Word "country_of_destination",
        /// HS 2022, six digits.
        hs_code: Word "items.hs_code",
        /// Control code.
        control_code: Word "items.control_code",
        /// What it covers.
        description: Text "items.description",
        /// Pieces it allows.
        quantity: Integer "items.quantity",
        /// Pieces written off so far.
        drawn_quantity: Integer "items.drawn_quantity",
        /// Parameters that decide the control.
        technical_parameters: Text "items.technical_parameters",
        /// End use in the applicant's words.
        end_use: Text "end_use",
        /// A condition of the grant.
        condition: Text "conditions",
        /// The authority's reasons.
        assessment: Text "assessment",
        /// End-user certificate.
        certificate_id: Word "documents.id",
    }
}

row! {
    /// What an end user is said to have signed.
    EndUserCertificate of EndUserCertificate {
        /// Authority that has it on file.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// Licence it belongs to.
        licence_id: Word "licence_id",
        /// End user's name.
        end_user_name: Text "end_user.name.original",
        /// End user's country.
        end_user_country: Word "end_user.country",
        /// When it was signed.
        issued_on: Day "issued_on",
        /// Stamp, by the number that its picture was filed under.
        stamp: Word "stamp_reference",
        /// End use.
        end_use: Text "end_use",
    }
}

row! {
    /// What a police bureau found when it asked an end user.
    EndUseCheck of EndUseCheck {
        /// Bureau.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// End user's name.
        end_user_name: Text "end_user.name.original",
        /// Certificate that was asked about.
        certificate_id: Word "certificate_id",
        /// When.
        checked_on: Day "checked_on",
        /// `FAVOURABLE`, `UNFAVOURABLE`, `UNABLE`.
        outcome: Word "outcome",
        /// What was found.
        findings: Text "findings",
    }
}

row! {
    /// A denial as the denying state files it.
    Denial of Denial {
        /// Authority.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// `REFUSED`, `REVOKED`, `CATCH_ALL`.
        kind: Word "kind",
        /// When it was decided.
        denied_at: Moment "denied_at",
        /// Applicant.
        exporter_id: Word "exporter.id",
        /// Applicant's name.
        exporter_name: Text "exporter.name.original",
        /// Consignee's name.
        consignee_name: Text "consignee.name.original",
        /// End user's name.
        end_user_name: Text "end_user.name.original",
        /// Country of destination.
        country_of_destination: Word "country_of_destination",
        /// HS 2022.
        hs_code: Word "items.hs_code",
        /// Control code.
        control_code: Word "items.control_code",
        /// What was asked for.
        description: Text "items.description",
        /// Pieces that were asked for.
        quantity: Integer "items.quantity",
    }
}

row! {
    /// A binding ruling on a classification.
    Ruling of Ruling {
        /// Authority.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// Applicant.
        applicant_id: Word "applicant.id",
        /// Goods.
        description: Text "description",
        /// Code that was ruled.
        hs_code: Word "hs_code",
        /// Control code that follows.
        control_code: Word "control_code",
        /// When.
        issued_on: Day "issued_on",
    }
}
