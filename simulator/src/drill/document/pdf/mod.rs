//! A document as PDF: A4, letters embedded, drawings as vectors, sections as bookmarks. Written here and not by a browser,
//! so that the same document gives the same bytes everywhere.

mod face;
mod figure;
mod flow;
mod line;
#[cfg(test)]
pub(crate) mod read;
mod sheet;
mod table;
#[cfg(test)]
mod tests;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{ActionType, AnnotationType};
use pdf_writer::{Filter, Finish as _, Pdf, Rect, Ref, TextStr};

use super::Document;
use face::{BOX, Faces};
use flow::Flow;

/// Why there is no PDF.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PdfError {
    /// The letters.
    #[error("face `{0}` cannot be read")]
    Face(&'static str),
    /// Compression.
    #[error("cannot compress: {0}")]
    Compress(#[from] std::io::Error),
}

/// The file.
///
/// # Errors
/// When the letters that come with this program cannot be read.
pub(crate) fn file(document: &Document) -> Result<Vec<u8>, PdfError> {
    let mut flow = Flow::new(document)?;
    flow.title();
    let contents = flow.y() + 10.0;
    if document.cover {
        flow.turn();
    }
    flow.blocks();
    if flow.faces.boxed {
        let note = format!(
            "{BOX} stands for a letter that this print has no shape for; the page for browsers shows it."
        );
        flow.text(&super::Text::default().small(note), line::Style::new(9.5, super::Colour::INK));
    }
    if document.cover {
        flow.contents(contents);
    }
    flow.furnish();
    write(document, flow)
}

const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const INFO: Ref = Ref::new(3);
const OUTLINE: Ref = Ref::new(4);
const FACES: i32 = 5;

fn write(document: &Document, flow: Flow) -> Result<Vec<u8>, PdfError> {
    let mut pdf = Pdf::with_settings(pdf_writer::Settings { pretty: false });
    let (width, height) = flow.size();
    let first = FACES + Faces::OBJECTS;
    let count = i32::try_from(flow.sheets.len()).unwrap_or(i32::MAX);
    let page_of = |place: usize| Ref::new(first + 2 * i32::try_from(place).unwrap_or_default());
    let sections = flow.sections;
    let outline = first + 2 * count;
    let links = outline + i32::try_from(sections.len()).unwrap_or_default();
    let name = format!("EXERCISE {}: {}", document.title, document.edition);
    pdf.document_info(INFO).title(TextStr(&name)).creator(TextStr("portcullis-sim"));
    let mut catalog = pdf.catalog(CATALOG);
    catalog.pages(PAGES).lang(TextStr("en-GB"));
    if !sections.is_empty() {
        catalog.outlines(OUTLINE);
    }
    catalog.viewer_preferences().display_doc_title(true);
    catalog.finish();
    pdf.pages(PAGES).kids((0..flow.sheets.len()).map(page_of)).count(count);
    let target = |place: usize| {
        let (_, page, y) = sections.get(place)?;
        Some((page_of(*page), points(height - y + 4.0)))
    };
    flow.faces.embed(&mut pdf, FACES)?;
    let mut next = links;
    for (place, sheet) in flow.sheets.into_iter().enumerate() {
        let (id, content) = (page_of(place), Ref::new(page_of(place).get() + 1));
        let areas = sheet.links.clone();
        let notes: Vec<Ref> = areas.iter().zip(next..).map(|(_, id)| Ref::new(id)).collect();
        let mut page = pdf.page(id);
        page.parent(PAGES).contents(content);
        page.media_box(Rect::new(0.0, 0.0, points(width), points(height)));
        let mut resources = page.resources();
        let mut fonts = resources.fonts();
        fonts.pair(Faces::resource(false), Ref::new(FACES));
        fonts.pair(Faces::resource(true), Ref::new(FACES + 1));
        fonts.finish();
        resources.finish();
        if !notes.is_empty() {
            page.annotations(notes.iter().copied());
        }
        page.finish();
        for (([left, top, right, bottom], section), id) in areas.iter().zip(&notes) {
            let area = [*left, height - bottom, *right, height - top].map(points);
            let [left, low, right, high] = area;
            let mut note = pdf.annotation(*id);
            note.subtype(AnnotationType::Link).rect(Rect::new(left, low, right, high));
            note.border(0.0, 0.0, 0.0, None);
            if let Some((page, y)) = target(*section) {
                note.action()
                    .action_type(ActionType::GoTo)
                    .destination()
                    .page(page)
                    .xyz(0.0, y, None);
            }
        }
        next += i32::try_from(notes.len()).unwrap_or_default();
        let (bytes, _) = deflated(&sheet.finish())?;
        pdf.stream(content, &bytes).filter(Filter::FlateDecode);
    }
    bookmarks(&mut pdf, outline, &sections, target);
    Ok(pdf.finish())
}

/// Sections beside the pages.
fn bookmarks(
    pdf: &mut Pdf,
    first: i32,
    sections: &[(String, usize, f64)],
    target: impl Fn(usize) -> Option<(Ref, f32)>,
) {
    let Some(last) = sections.len().checked_sub(1) else { return };
    let id = |place: usize| Ref::new(first + i32::try_from(place).unwrap_or_default());
    let count = i32::try_from(sections.len()).unwrap_or_default();
    pdf.outline(OUTLINE).first(id(0)).last(id(last)).count(count);
    for (place, (title, ..)) in sections.iter().enumerate() {
        let mut item = pdf.outline_item(id(place));
        item.title(TextStr(title)).parent(OUTLINE);
        if place > 0 {
            item.prev(id(place - 1));
        }
        if place < last {
            item.next(id(place + 1));
        }
        if let Some((page, y)) = target(place) {
            item.dest().page(page).xyz(0.0, y, None);
        }
    }
}

/// Compressed, and how long it was.
fn deflated(bytes: &[u8]) -> Result<(Vec<u8>, i32), PdfError> {
    let mut encoder = ZlibEncoder::new(vec![], Compression::default());
    encoder.write_all(bytes)?;
    Ok((encoder.finish()?, i32::try_from(bytes.len()).unwrap_or(i32::MAX)))
}

/// A length as files have it: hundredths of a point are finer than any printer.
fn points(length: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "lengths of a page")]
    let short = (libm::round(length * 100.0) / 100.0) as f32;
    short
}

/// How many whole ones.
fn whole(count: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lines of a page")]
    let whole = count.max(0.0) as usize;
    whole
}

/// A count to reckon lengths with.
fn counted(count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "lines of a page")]
    let counted = count as f64;
    counted
}
