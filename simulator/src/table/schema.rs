//! Tables, columns, and how a row gives its cells.

use crate::calendar::Moment;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Letters, digits, `-`, `.`, `;`, `/` and blanks: never to be quoted. Empty says nothing.
    Word,
    /// Any text. Empty says nothing.
    Text,
    /// A whole number.
    Integer,
    /// An amount in hundredths, written with two decimal places.
    Money,
    /// A number in millionths, written with six decimal places.
    Micro,
    /// A moment, RFC 3339 in UTC.
    Moment,
    /// A day, ISO 8601.
    Day,
    /// `true` or `false`.
    Flag,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name in every format.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// The field of the record that it fills; empty where it fills none.
    pub path: &'static str,
}

/// Takes the cells of a row, in the order of the columns.
pub trait Cells {
    /// A word; empty says nothing.
    fn word(&mut self, value: &str);
    /// A text; empty says nothing.
    fn text(&mut self, value: &str);
    /// A whole number.
    fn integer(&mut self, value: Option<i64>);
    /// Hundredths.
    fn money(&mut self, value: Option<i64>);
    /// Millionths.
    fn micro(&mut self, value: Option<i64>);
    /// A moment.
    fn moment(&mut self, value: Option<Moment>);
    /// Days since 1970.
    fn day(&mut self, value: Option<i64>);
    /// Yes or no.
    fn flag(&mut self, value: bool);
}

/// A row of a table.
pub trait Row {
    /// Its table.
    const TABLE: Table;
    /// The agency that holds it: its first cell.
    fn agency(&self) -> &str;
    /// Gives its other cells, in the order of the columns.
    fn rest<C: Cells>(&self, cells: &mut C);
    /// Gives all its cells, one for each column of the table, in their order.
    fn cells<C: Cells>(&self, cells: &mut C) {
        cells.word(self.agency());
        self.rest(cells);
    }
}

/// Takes rows of all tables.
pub trait Out {
    /// Takes a row.
    fn put<R: Row>(&mut self, row: &R);
}

/// Makes a row's type and its columns: `name: Kind "field.path"`, the agency first.
macro_rules! row {
    ($(#[$about:meta])* $row:ident of $table:ident {
        $(#[$holder:meta])* agency: Word "",
        $($(#[$doc:meta])* $name:ident: $kind:ident $path:literal),* $(,)?
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, Default, PartialEq)]
        pub struct $row<'a> {
            $(#[$holder])*
            pub agency: &'a str,
            $($(#[$doc])* pub $name: $crate::table::schema::row!(@type $kind 'a)),*
        }

        impl<'a> $row<'a> {
            /// Its columns.
            pub const COLUMNS: &'static [$crate::table::schema::Column] = &[$crate::table::schema::Column {
                name: "agency",
                kind: $crate::table::schema::Kind::Word,
                path: "",
            }, $($crate::table::schema::Column {
                name: stringify!($name),
                kind: $crate::table::schema::Kind::$kind,
                path: $path,
            }),*];
        }

        impl $crate::table::schema::Row for $row<'_> {
            const TABLE: $crate::table::schema::Table = $crate::table::schema::Table::$table;
            fn agency(&self) -> &str {
                self.agency
            }
            fn rest<C: $crate::table::schema::Cells>(&self, cells: &mut C) {
                $($crate::table::schema::row!(@put $kind cells self.$name));*
            }
        }
    };
    (@type Word $a:lifetime) => { &$a str };
    (@type Text $a:lifetime) => { &$a str };
    (@type Integer $a:lifetime) => { Option<i64> };
    (@type Money $a:lifetime) => { Option<i64> };
    (@type Micro $a:lifetime) => { Option<i64> };
    (@type Moment $a:lifetime) => { Option<$crate::calendar::Moment> };
    (@type Day $a:lifetime) => { Option<i64> };
    (@type Flag $a:lifetime) => { bool };
    (@put Word $cells:ident $value:expr) => { $cells.word($value) };
    (@put Text $cells:ident $value:expr) => { $cells.text($value) };
    (@put Integer $cells:ident $value:expr) => { $cells.integer($value) };
    (@put Money $cells:ident $value:expr) => { $cells.money($value) };
    (@put Micro $cells:ident $value:expr) => { $cells.micro($value) };
    (@put Moment $cells:ident $value:expr) => { $cells.moment($value) };
    (@put Day $cells:ident $value:expr) => { $cells.day($value) };
    (@put Flag $cells:ident $value:expr) => { $cells.flag($value) };
}
pub(crate) use row;

macro_rules! tables {
    ($($table:ident $name:literal $row:ident $record:literal),* $(,)?) => {
        /// A table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Table {
            $(#[doc = concat!("`", $name, "`, rows of `", $record, "`.")] $table),*
        }

        impl Table {
            /// All of them, in the order of their discriminants.
            pub const ALL: &'static [Self] = &[$(Self::$table),*];

            /// Its name in every format.
            pub fn name(self) -> &'static str {
                match self { $(Self::$table => $name),* }
            }

            /// Its columns, in order. The first is always the agency that holds the row.
            pub fn columns(self) -> &'static [Column] {
                match self { $(Self::$table => super::$row::COLUMNS),* }
            }

            /// Full name of the record type its rows are.
            pub fn record_type(self) -> &'static str {
                match self { $(Self::$table => concat!("portcullis.record.v1.", $record)),* }
            }
        }
    };
}

tables! {
    Declaration "declaration" Declaration "Declaration",
    Transit "transit_declaration" Transit "TransitDeclaration",
    BillOfLading "bill_of_lading" BillOfLading "BillOfLading",
    Invoice "invoice" Invoice "Invoice",
    Inspection "inspection" Inspection "Inspection",
    GateMove "gate_move" GateMove "GateMove",
    Weighing "weighing" Weighing "Weighing",
    SealEvent "seal_event" SealEvent "SealEvent",
    Track "vessel_track" Track "VesselTrack",
    VesselEntry "vessel_registry_entry" VesselEntry "VesselRegistryEntry",
    Payment "payment" Payment "Payment",
    Party "party" Party "Party",
    Company "company_registry_entry" Company "CompanyRegistryEntry",
    Owner "ownership" Owner "Ownership",
    Licence "export_licence" Licence "ExportLicence",
    EndUserCertificate "end_user_certificate" EndUserCertificate "EndUserCertificate",
    EndUseCheck "end_use_check" EndUseCheck "EndUseCheck",
    Denial "denial_notification" Denial "DenialNotification",
    Ruling "classification_ruling" Ruling "ClassificationRuling",
    Tip "tip" Tip "Tip",
    WatchlistHit "watchlist_hit" WatchlistHit "WatchlistHit",
    Travel "travel_event" Travel "TravelEvent",
}

impl Table {
    /// Its place in [`Table::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_begins_with_the_agency_and_has_an_id_and_no_name_twice() {
        let names: std::collections::BTreeSet<_> =
            Table::ALL.iter().map(|table| table.name()).collect();
        assert_eq!(names.len(), Table::ALL.len());
        for (index, table) in Table::ALL.iter().enumerate() {
            assert_eq!(table.index(), index);
            let columns = table.columns();
            assert_eq!((columns[0].name, columns[0].path), ("agency", ""), "{table:?}");
            assert_eq!((columns[1].name, columns[1].path), ("id", "id"), "{table:?}");
            let names: std::collections::BTreeSet<_> =
                columns.iter().map(|column| column.name).collect();
            assert_eq!(names.len(), columns.len(), "{table:?}");
        }
    }
}
