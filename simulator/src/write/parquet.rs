//! Parquet: a file of row groups, each column typed, Snappy inside. Threads encode row groups in memory; the file
//! only takes them over.
//!
//! | column of | physical | logical |
//! |---|---|---|
//! | words, texts | BYTE_ARRAY | STRING |
//! | whole numbers | INT64 | |
//! | amounts | INT64 | DECIMAL(18,2) |
//! | degrees, knots, percent | INT64 | DECIMAL(12,6) |
//! | moments | INT64 | TIMESTAMP in milliseconds, UTC |
//! | days | INT32 | DATE |
//! | flags | BOOLEAN | |
//!
//! What is an empty cell in CSV is null. Names are those of the CSV header.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::column::writer::{ColumnCloseResult, ColumnWriter, get_column_writer};
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use parquet::schema::types::{ColumnPath, SchemaDescPtr, SchemaDescriptor, Type, TypePtr};

use super::columns::{Block, Cell};
use crate::generate::{Columns, Format, Origin, Output};
use crate::table::{Column, Kind, Row, Table};

/// Rows of a row group, where memory allows so many.
const ROWS: u64 = 1 << 16;
/// Bytes of a row group in memory, before it is encoded.
const BYTES: usize = 16 << 20;
/// Columns whose words seldom come twice: a dictionary would be of no use.
const UNIQUE: [&str; 9] = [
    "id",
    "ucr",
    "containers",
    "container",
    "seal",
    "description",
    "declaration_id",
    "invoice_id",
    "reference",
];

/// Parquet.
pub struct ParquetFiles {
    schemas: Vec<(Schema, Schema)>,
}

struct Schema {
    root: TypePtr,
    columns: SchemaDescPtr,
    properties: WriterPropertiesPtr,
}

impl ParquetFiles {
    /// Files that say in their metadata which world they are of.
    ///
    /// # Errors
    /// A column that Parquet does not have.
    pub fn new(origin: &Origin) -> io::Result<Self> {
        let schemas = Table::ALL.iter().map(|table| {
            let schema = |columns: Columns| Schema::new(*table, columns, origin).map_err(failed);
            Ok((schema(Columns::All)?, schema(Columns::WithoutAgency)?))
        });
        Ok(Self { schemas: schemas.collect::<io::Result<_>>()? })
    }

    fn schema(&self, table: Table, columns: Columns) -> io::Result<&Schema> {
        let both = self.schemas.get(table.index()).ok_or_else(|| failed("no such table"))?;
        Ok(match columns {
            Columns::All => &both.0,
            Columns::WithoutAgency => &both.1,
        })
    }
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::other(error)
}

impl Schema {
    fn new(table: Table, columns: Columns, origin: &Origin) -> Result<Self, ParquetError> {
        let fields = columns.of(table).iter().map(|column| field(column).map(Arc::new));
        let root = Type::group_type_builder(table.name())
            .with_fields(fields.collect::<Result<_, _>>()?)
            .build()?;
        let root = Arc::new(root);
        let mut properties = WriterProperties::builder()
            .set_created_by(format!("portcullis-sim version {}", origin.engine))
            .set_key_value_metadata(Some(metadata(table, origin)))
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::Chunk);
        for column in columns.of(table) {
            let often = matches!(column.kind, Kind::Word | Kind::Text | Kind::Day);
            properties = properties.set_column_dictionary_enabled(
                ColumnPath::from(column.name),
                often && !UNIQUE.contains(&column.name),
            );
        }
        let columns = Arc::new(SchemaDescriptor::new(root.clone()));
        Ok(Self { root, columns, properties: Arc::new(properties.build()) })
    }
}

fn field(column: &Column) -> Result<Type, ParquetError> {
    let decimal = |precision, scale| {
        let logical = LogicalType::decimal(scale, precision);
        (Physical::INT64, Some(logical), precision, scale)
    };
    let (physical, logical, precision, scale) = match column.kind {
        Kind::Word | Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String), -1, -1),
        Kind::Integer => (Physical::INT64, None, -1, -1),
        Kind::Money => decimal(18, 2),
        Kind::Micro => decimal(12, 6),
        Kind::Moment => {
            (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS)), -1, -1)
        }
        Kind::Day => (Physical::INT32, Some(LogicalType::Date), -1, -1),
        Kind::Flag => (Physical::BOOLEAN, None, -1, -1),
    };
    let repetition =
        if column.kind == Kind::Flag { Repetition::REQUIRED } else { Repetition::OPTIONAL };
    Type::primitive_type_builder(column.name, physical)
        .with_repetition(repetition)
        .with_logical_type(logical)
        .with_precision(precision)
        .with_scale(scale)
        .build()
}

fn metadata(table: Table, origin: &Origin) -> Vec<KeyValue> {
    let pairs = [
        ("portcullis.table", table.name().to_owned()),
        ("portcullis.record_type", table.record_type().to_owned()),
        ("portcullis.pack", origin.pack.clone()),
        ("portcullis.pack_hash", origin.pack_hash.clone()),
        ("portcullis.seed", origin.seed.to_string()),
        ("portcullis.engine", origin.engine.clone()),
        ("portcullis.consignments", origin.consignments.to_string()),
    ];
    pairs.map(|(key, value)| KeyValue::new(key.to_owned(), value)).to_vec()
}

/// A row group: its columns as they will stand in the file.
pub type RowGroup = Vec<(Bytes, ColumnCloseResult)>;

impl Format for ParquetFiles {
    type Block = Block;
    type Encoded = RowGroup;
    type File = SerializedFileWriter<Output>;

    fn extension(&self) -> &'static str {
        "parquet"
    }

    fn put<R: Row>(&self, row: &R, columns: Columns, block: &mut Block) {
        block.put(row, columns);
    }

    fn size(&self, block: &Block) -> usize {
        block.size()
    }

    fn enough(&self, rows: u64, size: usize) -> bool {
        rows >= ROWS || size >= BYTES
    }

    fn encode(&self, table: Table, columns: Columns, blocks: Vec<Block>) -> io::Result<RowGroup> {
        let schema = self.schema(table, columns)?;
        let mut blocks: Vec<_> = blocks.into_iter().map(Block::columns).collect();
        let each = schema.columns.columns().iter().map(|column| {
            let mut sink = TrackedWrite::new(vec![]);
            let pages = Box::new(SerializedPageWriter::new(&mut sink));
            let mut writer = get_column_writer(column.clone(), schema.properties.clone(), pages);
            for block in &mut blocks {
                let cells = block.next().ok_or_else(|| failed("a block lacks a column"))?;
                write(&mut writer, cells)?;
            }
            let closed = writer.close().map_err(failed)?;
            Ok((Bytes::from(sink.into_inner().map_err(failed)?), closed))
        });
        each.collect()
    }

    fn begin(
        &self,
        table: Table,
        columns: Columns,
        output: Output,
    ) -> io::Result<SerializedFileWriter<Output>> {
        let schema = self.schema(table, columns)?;
        let mut file =
            SerializedFileWriter::new(output, schema.root.clone(), schema.properties.clone())
                .map_err(failed)?;
        file.flush()?;
        Ok(file)
    }

    fn append(&self, file: &mut SerializedFileWriter<Output>, encoded: RowGroup) -> io::Result<()> {
        let mut group = file.next_row_group().map_err(failed)?;
        for (bytes, closed) in encoded {
            group.append_column(&bytes, closed).map_err(failed)?;
        }
        group.close().map_err(failed)?;
        file.flush()
    }

    fn finish(&self, file: SerializedFileWriter<Output>) -> io::Result<Output> {
        file.into_inner().map_err(failed)
    }
}

fn write(writer: &mut ColumnWriter<'_>, cells: Cell) -> io::Result<()> {
    let written = match (writer, cells) {
        (ColumnWriter::ByteArrayColumnWriter(writer), Cell::Text { bytes, ends, said }) => {
            let bytes = Bytes::from(bytes);
            let mut start = 0;
            let slice = |end: u32| {
                let end = end as usize;
                ByteArray::from(bytes.slice(std::mem::replace(&mut start, end)..end))
            };
            let values: Vec<ByteArray> = ends.into_iter().map(slice).collect();
            writer.write_batch(&values, Some(&said), None)
        }
        (ColumnWriter::Int64ColumnWriter(writer), Cell::Number { values, said }) => {
            writer.write_batch(&values, Some(&said), None)
        }
        (ColumnWriter::Int32ColumnWriter(writer), Cell::Day { values, said }) => {
            writer.write_batch(&values, Some(&said), None)
        }
        (ColumnWriter::BoolColumnWriter(writer), Cell::Flag(values)) => {
            writer.write_batch(&values, None, None)
        }
        _ => return Err(failed("a column of another type")),
    };
    written.map(drop).map_err(failed)
}
