//! Purposes: why a requester asks.

use crate::label::words;

words! {
    /// Why a requester asks (`portcullis.query.v1.Purpose`). There is no unspecified: it is refused where
    /// it comes in.
    Purpose {
        /// Is this licence real, in force and not used up?
        LicenceVerification = 1 "LICENCE_VERIFICATION",
        /// Should this licence be granted?
        LicenceAssessment = 2 "LICENCE_ASSESSMENT",
        /// Was a like licence denied elsewhere?
        DenialConsultation = 3 "DENIAL_CONSULTATION",
        /// Is an unlisted item meant for a listed end use?
        CatchAllAssessment = 4 "CATCH_ALL_ASSESSMENT",
        /// Which shipments deserve an inspection?
        ShipmentTargeting = 5 "SHIPMENT_TARGETING",
        /// Did the goods stay with the declared end user?
        EndUseCheck = 6 "END_USE_CHECK",
        /// A named investigation.
        Investigation = 7 "INVESTIGATION",
        /// Stopping a shipment under way.
        Interdiction = 8 "INTERDICTION",
        /// Evidence in court.
        JudicialUse = 9 "JUDICIAL_USE",
        /// Is a party listed, or owned by one that is?
        SanctionsScreening = 10 "SANCTIONS_SCREENING",
        /// Figures about no one in particular.
        Statistics = 11 "STATISTICS",
    }
}
