//! The words that `query` and `explain` share, and the query that they make.

use std::path::PathBuf;

use clap::Args;
use portcullis_core::filter::parse_expression;
use portcullis_core::label::RecordType;
use portcullis_core::policy::Purpose;
use portcullis_proto::query::v1 as wire;

use super::{Format, UsageError};
use crate::service::filter::to_wire;

/// What is asked, and of whom.
#[derive(Args, Debug, Clone)]
pub struct QueryWords {
    /// How to reach the gateway (TOML).
    #[arg(long, value_name = "FILE")]
    pub profile: PathBuf,
    /// Record type: `Declaration`, or the full name of any type.
    #[arg(value_name = "TYPE")]
    pub record_type: String,
    /// Which records, as in `items.hs_code prefix 8471 and accepted_at >= 2021-04-01`.
    #[arg(long = "where", value_name = "EXPR")]
    pub filter: Option<String>,
    /// Only this record, by its reference in an earlier answer; may be given several times.
    #[arg(long = "reference", value_name = "TOKEN")]
    pub references: Vec<String>,
    /// A release that was granted: its record, as granted.
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub release: String,
    /// Fields wanted, separated by commas; a message stands for all its fields [default: all you may see].
    #[arg(long, value_name = "a,b.c", value_delimiter = ',')]
    pub fields: Vec<String>,
    /// Why you ask, as INVESTIGATION or shipment-targeting.
    #[arg(long, value_name = "PURPOSE", value_parser = parse_purpose)]
    pub purpose: Purpose,
    /// The case it is asked for.
    #[arg(long, value_name = "CASE", default_value = "", hide_default_value = true)]
    pub case: String,
    /// The agreement relied on [default: the only one that fits].
    #[arg(long, value_name = "AGREEMENT", default_value = "", hide_default_value = true)]
    pub agreement: String,
    /// Agencies to ask, separated by commas [default: all that the agreement covers].
    #[arg(long, value_name = "AGENCY", value_delimiter = ',')]
    pub from: Vec<String>,
    /// Most records wanted [default: the gateway's].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Why, in your own words; kept in the log, sealed.
    #[arg(
        long,
        visible_alias = "reason",
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub justification: String,
    /// The officer on whose behalf you ask.
    #[arg(long, value_name = "OFFICER", default_value = "", hide_default_value = true)]
    pub officer: String,
}

/// How the answer is shown.
#[derive(Args, Debug, Clone, Copy)]
pub struct FormatWord {
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

impl QueryWords {
    /// The query over a record type.
    ///
    /// # Errors
    /// The expression or a field does not fit the type; the text shows where.
    pub fn query(&self, record_type: &RecordType) -> Result<wire::Query, UsageError> {
        let filter = self
            .filter
            .as_deref()
            .map(|text| parse_expression(text, record_type))
            .transpose()
            .map_err(|error| UsageError(format!("--where: {}", error.render())))?;
        for path in self.fields.iter().filter(|path| *path != "*") {
            if record_type.leaves_under(path).next().is_none() {
                let name = record_type.name();
                return Err(UsageError(format!("--fields: `{name}` has no field `{path}`")));
            }
        }
        let all = || vec!["*".to_owned()];
        Ok(wire::Query {
            purpose: self.purpose as i32,
            case_id: self.case.clone(),
            agreement_id: self.agreement.clone(),
            record_type: record_type.name().to_string(),
            filter: filter.as_ref().map(to_wire),
            fields: if self.fields.is_empty() { all() } else { self.fields.clone() },
            sources: self.from.clone(),
            limit: self.limit.unwrap_or(0),
            justification: self.justification.clone(),
            officer: self.officer.clone(),
            deadline: None,
            references: self.references.clone(),
            release_id: self.release.clone(),
        })
    }
}

fn parse_purpose(text: &str) -> Result<Purpose, String> {
    let word = text.to_ascii_uppercase().replace('-', "_");
    Purpose::from_word(word.strip_prefix("PURPOSE_").unwrap_or(&word)).ok_or_else(|| {
        let known: Vec<&str> = Purpose::ALL.iter().map(|purpose| purpose.word()).collect();
        format!("no such purpose; there are {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        words: QueryWords,
    }

    fn query(line: &str) -> Result<wire::Query, String> {
        let words = line.split('|');
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        let set = Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
        let declaration = RecordType::register(&set, "portcullis.record.v1.Declaration").unwrap();
        line.words.query(&declaration).map_err(|error| error.to_string())
    }

    #[test]
    fn words_become_a_query() {
        let query = query(
            "query|--profile|p.toml|Declaration|--where|office = a|--fields|id,items|--from|kcs,jc|\
             --purpose|shipment-targeting|--case|c1|--limit|5|--reference|r1|--reference|r2",
        )
        .unwrap();
        assert_eq!(query.purpose, wire::Purpose::ShipmentTargeting as i32);
        assert_eq!(query.fields, ["id", "items"]);
        assert_eq!(query.sources, ["kcs", "jc"]);
        assert_eq!((query.limit, query.case_id.as_str()), (5, "c1"));
        assert_eq!(query.references, ["r1", "r2"]);
        assert!(query.filter.is_some());
    }

    #[test]
    fn mistakes_are_usage() {
        let base = "query|--profile|p.toml|Declaration|--purpose|INVESTIGATION";
        assert_eq!(query(base).unwrap().fields, ["*"]);
        let cases = [
            (
                format!("{base}|--where|offise = a"),
                "did you mean `office`\n  | offise = a\n  | ^^^^^^",
            ),
            (format!("{base}|--fields|id,nope"), "has no field `nope`"),
            (format!("{base}|--limit|0"), "0 is not in"),
            ("query|--profile|p|T|--purpose|FUN".to_owned(), "there are LICENCE_VERIFICATION"),
        ];
        for (line, part) in cases {
            let error = query(&line).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
