//! The files of a pack: from its folder or built in, their hash, and mistakes in them by line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use serde::de::DeserializeOwned;

use super::PackError;

/// Files of a pack, in the order in which its hash takes them.
pub(super) const FILES: [&str; 9] = [
    "carriers.toml",
    "commodities.csv",
    "countries.toml",
    "lanes.toml",
    "names.toml",
    "pack.toml",
    "ports.toml",
    "schemes.toml",
    "spelling.toml",
];

macro_rules! built_in {
    ($($name:literal),*) => {
        /// Packs that come with the program.
        pub(super) const BUILT_IN: [(&str, [&str; FILES.len()]); 2] = [$(($name, [
            include_str!(concat!("../../../packs/", $name, "/carriers.toml")),
            include_str!(concat!("../../../packs/", $name, "/commodities.csv")),
            include_str!(concat!("../../../packs/", $name, "/countries.toml")),
            include_str!(concat!("../../../packs/", $name, "/lanes.toml")),
            include_str!(concat!("../../../packs/", $name, "/names.toml")),
            include_str!(concat!("../../../packs/", $name, "/pack.toml")),
            include_str!(concat!("../../../packs/", $name, "/ports.toml")),
            include_str!(concat!("../../../packs/", $name, "/schemes.toml")),
            include_str!(concat!("../../../packs/", $name, "/spelling.toml")),
        ])),*];
    };
}
built_in!("demo", "default");

/// The files of a pack, read.
pub(super) struct Files {
    texts: BTreeMap<&'static str, (PathBuf, String)>,
    pub(super) hash: String,
}

impl Files {
    pub(super) fn read(folder: &Path) -> Result<Self, PackError> {
        let mut texts = BTreeMap::new();
        for name in FILES {
            let path = folder.join(name);
            let text = std::fs::read_to_string(&path)
                .map_err(|cause| PackError::Read { path: path.clone(), cause })?;
            texts.insert(name, (path, text));
        }
        Ok(Self::hashed(texts))
    }

    pub(super) fn built_in(pack: &str, files: &[&str; FILES.len()]) -> Self {
        let texts = FILES.iter().zip(files);
        let path = |name: &str| PathBuf::from(format!("{pack}/{name}"));
        Self::hashed(texts.map(|(name, text)| (*name, (path(name), (*text).to_owned()))).collect())
    }

    fn hashed(texts: BTreeMap<&'static str, (PathBuf, String)>) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        for (_, text) in texts.values() {
            // Length first, so that no text can move from one file to the next.
            context.update(&(text.len() as u64).to_le_bytes());
            context.update(text.as_bytes());
        }
        Self { texts, hash: hex::encode(context.finish().as_ref()) }
    }

    pub(super) fn text(&self, name: &str) -> (&Path, &str) {
        self.texts
            .get(name)
            .map_or((Path::new(""), ""), |(path, text)| (path.as_path(), text.as_str()))
    }

    pub(super) fn toml<T: DeserializeOwned>(&self, name: &str) -> Result<T, PackError> {
        let (path, text) = self.text(name);
        toml::from_str(text).map_err(|error| PackError::Content {
            path: path.to_owned(),
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            problem: error.message().to_owned(),
        })
    }

    pub(super) fn csv<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>, PackError> {
        let (path, text) = self.text(name);
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .flexible(true)
            .from_reader(text.as_bytes());
        let bad = |line: usize, problem: String| PackError::Content {
            path: path.to_owned(),
            line,
            problem,
        };
        let names = reader.headers().map_err(|error| bad(1, error.to_string()))?.clone();
        // A row begins where the last one ended: comments may stand before it.
        let line = |row: &csv::StringRecord| {
            let start = row.position().map_or(0, csv::Position::byte);
            let start = usize::try_from(start).unwrap_or(0);
            let rest = text.get(start..).unwrap_or_default();
            let before =
                rest.lines().take_while(|line| line.starts_with('#') || line.is_empty()).count();
            line_of(text, start) + before
        };
        let mut all = vec![];
        for row in reader.records() {
            let row = row.map_err(|error| bad(1, error.to_string()))?;
            if row.len() != names.len() {
                let problem = format!("{} cells under {} names", row.len(), names.len());
                return Err(bad(line(&row), problem));
            }
            all.push(row.deserialize(Some(&names)).map_err(|error| match error.kind() {
                csv::ErrorKind::Deserialize { err, .. } => bad(line(&row), err.to_string()),
                _ => bad(line(&row), "not a row of this table".to_owned()),
            })?);
        }
        Ok(all)
    }
}

pub(super) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
