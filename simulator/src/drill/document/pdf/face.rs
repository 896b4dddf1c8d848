//! The letters: DejaVu Sans Condensed, upright and bold, cut down to what a document uses and embedded.
//!
//! It draws Latin, Greek, Cyrillic, Armenian and Georgian, and the signs that reports use. Scripts that are written from
//! right to left or whose letters change shape beside each other, and those that it lacks (Chinese, Japanese, Korean, the
//! scripts of India, Thai and others), are drawn as boxes; whoever copies or searches the text finds the true letters.

use std::collections::BTreeMap;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Name, Pdf, Rect, Ref, Str};
use subsetter::GlyphRemapper;

use super::{PdfError, deflated, points};

/// What stands for a letter that cannot be drawn.
pub(super) const BOX: char = '□';

const SYSTEM: SystemInfo =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// Both faces.
pub(super) struct Faces {
    upright: Face,
    bold: Face,
    /// Whether a box was drawn anywhere.
    pub boxed: bool,
}

/// A face and what is used of it.
pub(super) struct Face {
    name: &'static str,
    data: &'static [u8],
    font: ttf_parser::Face<'static>,
    used: GlyphRemapper,
    letters: BTreeMap<u16, char>,
}

impl Faces {
    pub fn new() -> Result<Self, PdfError> {
        Ok(Self {
            upright: Face::new("PORTCS+DejaVuSansCondensed", dejavu::sans_condensed::regular())?,
            bold: Face::new("PORTCS+DejaVuSansCondensed-Bold", dejavu::sans_condensed::bold())?,
            boxed: false,
        })
    }

    fn of(&self, bold: bool) -> &Face {
        if bold { &self.bold } else { &self.upright }
    }

    /// Width of a letter as it is drawn, in points.
    pub fn width(&self, letter: char, bold: bool, size: f64) -> f64 {
        let face = self.of(bold);
        face.advance(face.glyph(letter).unwrap_or_default()) * size
    }

    /// Width of words, in points.
    pub fn measure(&self, text: &str, bold: bool, size: f64) -> f64 {
        text.chars().map(|letter| self.width(letter, bold, size)).sum()
    }

    /// Whether a letter is drawn as itself.
    pub fn draws(&self, letter: char, bold: bool) -> bool {
        !needs_shaping(letter) && self.of(bold).font.glyph_index(letter).is_some()
    }

    /// Numbers of the glyphs of words, as a page's content has them.
    pub fn encode(&mut self, text: &str, bold: bool) -> Vec<u8> {
        let face = if bold { &mut self.bold } else { &mut self.upright };
        let mut codes = vec![];
        for letter in text.chars() {
            let glyph = face.glyph(letter).unwrap_or_default();
            let code = face.used.remap(glyph);
            let shown = if needs_shaping(letter) { BOX } else { letter };
            face.letters.entry(code).or_insert(shown);
            codes.extend(code.to_be_bytes());
        }
        codes
    }

    /// Name of a face among a page's resources.
    pub fn resource(bold: bool) -> Name<'static> {
        Name(if bold { b"B" } else { b"R" })
    }

    /// Writes both into a file, from a number on: the faces are then at that number and at the one after it.
    pub fn embed(&self, pdf: &mut Pdf, first: i32) -> Result<(), PdfError> {
        self.upright.embed(pdf, Ref::new(first), first + 2)?;
        self.bold.embed(pdf, Ref::new(first + 1), first + 6)
    }

    /// So many objects are written by [`Faces::embed`].
    pub const OBJECTS: i32 = 10;
}

/// Hebrew, Arabic, Syriac, Thaana, N'Ko and the forms of them.
fn needs_shaping(letter: char) -> bool {
    matches!(u32::from(letter), 0x590..=0x8ff | 0xfb1d..=0xfdff | 0xfe70..=0xfefe | 0x1e800..=0x1eeff)
}

impl Face {
    fn new(name: &'static str, data: &'static [u8]) -> Result<Self, PdfError> {
        let font = ttf_parser::Face::parse(data, 0).map_err(|_| PdfError::Face(name))?;
        Ok(Self { name, data, font, used: GlyphRemapper::new(), letters: BTreeMap::new() })
    }

    /// The glyph that is drawn for a letter.
    fn glyph(&self, letter: char) -> Option<u16> {
        let own = if needs_shaping(letter) { None } else { self.font.glyph_index(letter) };
        own.or_else(|| self.font.glyph_index(BOX)).map(|glyph| glyph.0)
    }

    /// Advance of a glyph, of an em.
    fn advance(&self, glyph: u16) -> f64 {
        let units = f64::from(self.font.units_per_em().max(1));
        let advance = self.font.glyph_hor_advance(ttf_parser::GlyphId(glyph));
        f64::from(advance.unwrap_or_default()) / units
    }

    fn embed(&self, pdf: &mut Pdf, id: Ref, next: i32) -> Result<(), PdfError> {
        let subset = subsetter::subset(self.data, 0, &self.used);
        let subset = subset.map_err(|_| PdfError::Face(self.name))?;
        let (cid, descriptor, map, file) =
            (Ref::new(next), Ref::new(next + 1), Ref::new(next + 2), Ref::new(next + 3));
        let name = Name(self.name.as_bytes());
        pdf.type0_font(id)
            .base_font(name)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(cid)
            .to_unicode(map);
        let mut font = pdf.cid_font(cid);
        font.subtype(CidFontType::Type2).base_font(name).system_info(SYSTEM);
        font.font_descriptor(descriptor).default_width(0.0);
        font.cid_to_gid_map_predefined(Name(b"Identity"));
        let widths = self.used.remapped_gids().map(|glyph| points(self.advance(glyph) * 1_000.0));
        font.widths().consecutive(0, widths);
        drop(font);
        self.describe(pdf, descriptor, file);
        let mut unicode = UnicodeCmap::<u16>::new(Name(b"Portcullis"), SYSTEM);
        for (code, letter) in &self.letters {
            unicode.pair(*code, *letter);
        }
        let (bytes, _) = deflated(unicode.finish().as_slice())?;
        pdf.stream(map, &bytes).filter(Filter::FlateDecode);
        let (bytes, length) = deflated(&subset)?;
        let mut stream = pdf.stream(file, &bytes);
        stream.filter(Filter::FlateDecode).pair(Name(b"Length1"), length);
        Ok(())
    }

    fn describe(&self, pdf: &mut Pdf, id: Ref, file: Ref) {
        let units = f64::from(self.font.units_per_em().max(1));
        let scaled = |length: i16| points(f64::from(length) * 1_000.0 / units);
        let bounds = self.font.global_bounding_box();
        let bounds = Rect::new(
            scaled(bounds.x_min),
            scaled(bounds.y_min),
            scaled(bounds.x_max),
            scaled(bounds.y_max),
        );
        pdf.font_descriptor(id)
            .name(Name(self.name.as_bytes()))
            .flags(FontFlags::SYMBOLIC)
            .bbox(bounds)
            .italic_angle(0.0)
            .ascent(scaled(self.font.ascender()))
            .descent(scaled(self.font.descender()))
            .cap_height(scaled(self.font.capital_height().unwrap_or(self.font.ascender())))
            .stem_v(if self.name.ends_with("Bold") { 140.0 } else { 80.0 })
            .font_file2(file);
    }
}
