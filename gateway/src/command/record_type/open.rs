//! From a file to a descriptor set: a .proto file is compiled here, anything else is taken as a set. The
//! contract's own files are built in.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use miette::Diagnostic;
use portcullis_core::label::{Candidates, MAX_SET_BYTES, candidates};
use protox::file::{
    ChainFileResolver, DescriptorSetFileResolver, FileResolver, GoogleFileResolver,
    IncludeFileResolver,
};

use super::Reading;

/// A file that was read.
pub struct Opened {
    /// The descriptor set.
    pub set: Bytes,
    /// The record types in it that are meant.
    pub names: Vec<String>,
    /// Messages in which nothing is labelled.
    pub unlabelled: Vec<String>,
}

/// Reads a file.
///
/// # Errors
/// It cannot be read or compiled, or there is no record type in it.
pub fn open(file: &Path, reading: &Reading) -> anyhow::Result<Opened> {
    let named = file.display();
    let (set, files) = if file.extension().is_some_and(|extension| extension == "proto") {
        read(file)?;
        compile(file, &reading.include)?
    } else {
        (read(file)?, vec![])
    };
    if let Some(name) = &reading.name {
        return Ok(Opened { set, names: vec![name.clone()], unlabelled: vec![] });
    }
    let Candidates { record_types: names, unlabelled } =
        candidates(&set, &files).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            anyhow::anyhow!(
                "{named} is not a descriptor set that can be used:\n  {}",
                lines.join("\n  ")
            )
        })?;
    if names.is_empty() {
        bail!("{named}: no message in it carries labels; see portcullis/label/v1/label.proto");
    }
    Ok(Opened { set, names, unlabelled })
}

/// At most as much as is ever looked at, so that a wrong file does no harm.
fn read(file: &Path) -> anyhow::Result<Bytes> {
    let cannot = || format!("cannot read {}", file.display());
    let opened = std::fs::File::open(file).with_context(cannot)?;
    if opened.metadata().with_context(cannot)?.is_dir() {
        bail!("cannot read {}: it is a folder", file.display());
    }
    let mut bytes = vec![];
    let most = MAX_SET_BYTES as u64 + 1;
    opened.take(most).read_to_end(&mut bytes).with_context(cannot)?;
    if bytes.len() > MAX_SET_BYTES {
        bail!("{} is larger than {MAX_SET_BYTES} bytes", file.display());
    }
    if bytes.is_empty() {
        bail!("{} is empty", file.display());
    }
    Ok(bytes.into())
}

/// The set, and the names of the files that were asked for.
fn compile(file: &Path, include: &[PathBuf]) -> anyhow::Result<(Bytes, Vec<String>)> {
    let folder = || match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let include = if include.is_empty() { vec![folder()] } else { include.to_vec() };
    let mut files = ChainFileResolver::new();
    for folder in include {
        files.add(IncludeFileResolver::new(folder));
    }
    let name = files.resolve_path(file);
    files.add(DescriptorSetFileResolver::decode(portcullis_proto::DESCRIPTOR_SET)?);
    files.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(files);
    compiler.include_imports(true).include_source_info(true);
    compiler.open_file(file).map_err(|error| {
        let usual = format!("{}: {error}", file.display());
        anyhow::anyhow!("does not compile:\n{}", shown(&error, error.file()).unwrap_or(usual))
    })?;
    Ok((compiler.encode_file_descriptor_set().into(), name.into_iter().collect()))
}

/// `file:line:column: what`, the line, and a caret below it; and the same for what belongs to it.
fn shown(error: &dyn Diagnostic, file: Option<&str>) -> Option<String> {
    let label = error.labels().and_then(|mut labels| labels.next())?;
    // With a line around it, so that its own line is whole.
    let around = error.source_code()?.read_span(label.inner(), 1, 1).ok()?;
    let text = std::str::from_utf8(around.data()).ok()?;
    let at = label.offset().checked_sub(around.span().offset())?;
    let before = text.get(..at)?;
    let begin = before.rfind('\n').map_or(0, |newline| newline + 1);
    let (line, before) =
        (text.get(begin..)?.lines().next().unwrap_or_default(), before.get(begin..)?);
    let number = around.line() + 1 + text.get(..begin)?.matches('\n').count();
    let (number, column) = (number.to_string(), before.chars().count());
    let (rest, long) = (line.get(before.len()..).unwrap_or_default(), label.len());
    let width = rest.get(..long).unwrap_or(rest).chars().count().max(1);
    let mut out = String::new();
    let file = file.or(around.name()).unwrap_or_default();
    // Tabs stay tabs below tabs, so that the caret stands where it should.
    let indent: String = before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    write!(
        out,
        "{file}:{number}:{}: {error}\n  {number} | {line}\n  {:>pad$} | {indent}{}",
        column + 1,
        "",
        "^".repeat(width),
        pad = number.len(),
    )
    .ok()?;
    if let Some(help) = error.help() {
        write!(out, "\n  {help}").ok()?;
    }
    Some(out)
}
