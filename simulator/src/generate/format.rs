//! What a file format does with rows, and which file a row goes to.

use std::io;

use super::Output;
use crate::table::{Cells, Row, Table};

/// How files lie in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `TABLE/part-I-of-N.EXT`, the agency a column.
    Flat,
    /// `records/table=TABLE/agency=AGENCY/part-I-of-N.EXT` (Apache Hive's partitions): the agency is in the path
    /// and no column.
    Hive,
}

impl Layout {
    /// Its word in a manifest.
    pub fn word(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Hive => "hive",
        }
    }

    /// Which cells a row of it gives.
    pub fn columns(self) -> Columns {
        match self {
            Self::Flat => Columns::All,
            Self::Hive => Columns::WithoutAgency,
        }
    }
}

/// Which columns a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// All of the table's.
    All,
    /// All but the first.
    WithoutAgency,
}

impl Columns {
    /// Those of a table.
    pub fn of(self, table: Table) -> &'static [crate::table::Column] {
        match self {
            Self::All => table.columns(),
            Self::WithoutAgency => table.columns().get(1..).unwrap_or_default(),
        }
    }

    /// Gives their cells of a row.
    pub fn give<R: Row, C: Cells>(self, row: &R, cells: &mut C) {
        match self {
            Self::All => row.cells(cells),
            Self::WithoutAgency => row.rest(cells),
        }
    }
}

/// Which rows a file holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Rows of this table.
    pub table: Table,
    /// And of this agency, where the layout parts them.
    pub agency: Option<String>,
}

/// A file format. Rows become blocks in memory, one for each piece of work and file; some blocks, one after the
/// other, are encoded and appended to their file. Which ones follows from the rows, not from the threads.
pub trait Format: Sync {
    /// Rows of one file in memory.
    type Block: Default + Send;
    /// Blocks as they go to the file; made by any thread.
    type Encoded: Send;
    /// An open file.
    type File: Send;

    /// Ending of its files, and its name.
    fn extension(&self) -> &'static str;
    /// Adds a row to a block.
    fn put<R: Row>(&self, row: &R, columns: Columns, block: &mut Self::Block);
    /// Bytes of memory that a block takes, about.
    fn size(&self, block: &Self::Block) -> usize;
    /// Whether so many rows in so many bytes are enough to be encoded.
    fn enough(&self, rows: u64, size: usize) -> bool;
    /// Encodes blocks.
    ///
    /// # Errors
    /// What cannot be encoded.
    fn encode(
        &self,
        table: Table,
        columns: Columns,
        blocks: Vec<Self::Block>,
    ) -> io::Result<Self::Encoded>;
    /// Begins a file.
    ///
    /// # Errors
    /// What the file system says.
    fn begin(&self, table: Table, columns: Columns, output: Output) -> io::Result<Self::File>;
    /// Adds to a file.
    ///
    /// # Errors
    /// What the file system says.
    fn append(&self, file: &mut Self::File, encoded: Self::Encoded) -> io::Result<()>;
    /// Ends a file.
    ///
    /// # Errors
    /// What the file system says.
    fn finish(&self, file: Self::File) -> io::Result<Output>;
}
