//! What is generated: a table for each record type that an agency serves, its columns, and the field of the
//! record that each column fills. One definition makes the row's type, the order of its cells for every
//! writer, and the mapping that `portcullis source` reads: they cannot drift apart.

mod cargo;
mod licensing;
mod money;
mod movement;
mod other;
mod schema;

pub use cargo::{BillOfLading, Declaration, Inspection, Invoice, Transit};
pub use licensing::{Denial, EndUseCheck, EndUserCertificate, Licence, Ruling};
pub use money::{Company, Owner, Party, Payment};
pub use movement::{GateMove, SealEvent, Track, VesselEntry, Weighing};
pub use other::{Tip, Travel, WatchlistHit};
pub use schema::{Cells, Column, Kind, Out, Row, Table};
