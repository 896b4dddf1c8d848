//! `bench.proto` as prost generates it, written out; a test beside it holds the two together.

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Timestamp {
    /// Since 1970.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// And so many nanoseconds.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// `portcullis.record.v1.Money`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Money {
    /// ISO 4217.
    #[prost(string, tag = "1")]
    pub currency_code: String,
    /// Whole units.
    #[prost(int64, tag = "2")]
    pub units: i64,
    /// Billionths.
    #[prost(int32, tag = "3")]
    pub nanos: i32,
}

/// `portcullis.record.v1.Address`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Address {
    /// Street.
    #[prost(string, repeated, tag = "1")]
    pub lines: Vec<String>,
    /// City.
    #[prost(string, tag = "2")]
    pub city: String,
    /// Postcode.
    #[prost(string, tag = "3")]
    pub postcode: String,
    /// Country.
    #[prost(string, tag = "4")]
    pub country: String,
}

/// Where a consignment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Status {
    /// Not told.
    Unspecified = 0,
    /// Declared.
    Lodged = 1,
    /// Gone.
    Released = 2,
    /// Stopped.
    Held = 3,
}

/// A container of an item.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Container {
    /// ISO 6346.
    #[prost(string, tag = "1")]
    pub number: String,
    /// Seal number.
    #[prost(string, tag = "2")]
    pub seal: String,
    /// ISO size and type.
    #[prost(string, tag = "3")]
    pub size_type: String,
    /// Packages in it.
    #[prost(uint32, tag = "4")]
    pub packages: u32,
}

/// One kind of goods.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Item {
    /// Number of the item.
    #[prost(uint32, tag = "1")]
    pub number: u32,
    /// Commodity code.
    #[prost(string, tag = "2")]
    pub hs_code: String,
    /// Goods in words.
    #[prost(string, tag = "3")]
    pub description: String,
    /// Pieces.
    #[prost(uint64, tag = "4")]
    pub quantity: u64,
    /// Grams.
    #[prost(uint64, tag = "5")]
    pub net_mass: u64,
    /// Invoice value.
    #[prost(message, optional, tag = "6")]
    pub value: Option<Money>,
    /// Country.
    #[prost(string, tag = "7")]
    pub country_of_origin: String,
    /// Dual-use control code.
    #[prost(string, tag = "8")]
    pub control_code: String,
    /// Where it is packed.
    #[prost(message, repeated, tag = "9")]
    pub containers: Vec<Container>,
}

/// A party.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Party {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its registration.
    #[prost(string, tag = "2")]
    pub identifier: String,
    /// Telephone.
    #[prost(string, tag = "3")]
    pub phone: String,
    /// Country.
    #[prost(string, tag = "4")]
    pub country: String,
    /// Where it sits.
    #[prost(message, optional, tag = "5")]
    pub address: Option<Address>,
}

/// A consignment: the record.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Consignment {
    /// Key.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Unique consignment reference.
    #[prost(string, tag = "2")]
    pub ucr: String,
    /// Where it stands.
    #[prost(enumeration = "Status", tag = "3")]
    pub status: i32,
    /// When it was declared.
    #[prost(message, optional, tag = "4")]
    pub lodged_at: Option<Timestamp>,
    /// Value declared.
    #[prost(message, optional, tag = "5")]
    pub declared_value: Option<Money>,
    /// Grams.
    #[prost(uint64, tag = "6")]
    pub gross_mass: u64,
    /// Packages.
    #[prost(uint32, tag = "7")]
    pub packages: u32,
    /// Country.
    #[prost(string, tag = "8")]
    pub country_of_export: String,
    /// Country.
    #[prost(string, tag = "9")]
    pub country_of_destination: String,
    /// UN/LOCODE.
    #[prost(string, tag = "10")]
    pub port_of_loading: String,
    /// UN/LOCODE.
    #[prost(string, tag = "11")]
    pub port_of_discharge: String,
    /// Typed by the declarant.
    #[prost(string, tag = "12")]
    pub remarks: String,
    /// Dangerous goods?
    #[prost(bool, tag = "13")]
    pub dangerous: bool,
    /// Share of the value.
    #[prost(double, tag = "14")]
    pub duty_rate: f64,
    /// Who sends.
    #[prost(message, optional, tag = "15")]
    pub consignor: Option<Party>,
    /// Who receives.
    #[prost(message, optional, tag = "16")]
    pub consignee: Option<Party>,
    /// What is in it.
    #[prost(message, repeated, tag = "17")]
    pub items: Vec<Item>,
}
