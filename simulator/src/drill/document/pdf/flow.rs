//! Blocks down the pages: what does not fit goes on overleaf, and a heading stays with what it heads.

use super::face::Faces;
use super::line::{Style, wrap};
use super::sheet::Sheet;
use super::{PdfError, counted, figure, table};
use crate::drill::document::{Block, Colour, Document, Figure, Table, Text};

const ASIDE: f64 = 42.0;
const TOP: f64 = 58.0;
const BOTTOM: f64 = 52.0;
const SHORT: f64 = 595.28;
const LONG: f64 = 841.89;
const BODY: f64 = 9.5;
const CAPTION: f64 = 8.0;
const LINE: f64 = 24.0;
/// Height of a line of text, of the size of its letters.
const LEADING: f64 = 1.36;

/// Pages so far, and where on the last one.
pub(super) struct Flow<'d> {
    /// The letters.
    pub faces: Faces,
    /// Pages.
    pub sheets: Vec<Sheet>,
    /// Sections: title, page from 0, place on it.
    pub sections: Vec<(String, usize, f64)>,
    document: &'d Document,
    y: f64,
}

impl<'d> Flow<'d> {
    pub fn new(document: &'d Document) -> Result<Self, PdfError> {
        let faces = Faces::new()?;
        let mut flow = Self { faces, sheets: vec![], sections: vec![], document, y: TOP };
        flow.turn();
        Ok(flow)
    }

    /// Width and height of a page.
    pub fn size(&self) -> (f64, f64) {
        if self.document.landscape { (LONG, SHORT) } else { (SHORT, LONG) }
    }

    pub fn left(&self) -> f64 {
        ASIDE
    }

    pub fn y(&self) -> f64 {
        self.y
    }

    pub fn width(&self) -> f64 {
        self.size().0 - 2.0 * ASIDE
    }

    /// What is left of the page.
    pub fn room(&self) -> f64 {
        self.size().1 - BOTTOM - self.y
    }

    /// What there is of an empty page.
    pub fn whole_room(&self) -> f64 {
        self.size().1 - BOTTOM - TOP
    }

    /// The page that is drawn on, and its letters.
    pub fn drawing(&mut self) -> Option<(&mut Sheet, &mut Faces)> {
        Some((self.sheets.last_mut()?, &mut self.faces))
    }

    pub fn down(&mut self, points: f64) {
        self.y += points;
    }

    /// A new page.
    pub fn turn(&mut self) {
        self.sheets.push(Sheet::new(self.size().1));
        self.y = TOP;
    }

    /// A line across, where the flow is.
    pub fn rule_here(&mut self, wide: f64, colour: Colour) {
        let (from, to) = ((ASIDE, self.y), (self.size().0 - ASIDE, self.y));
        if let Some(sheet) = self.sheets.last_mut() {
            sheet.rule(from, to, wide, colour);
        }
    }

    fn is_fresh(&self) -> bool {
        self.y <= TOP
    }

    /// Text down the page, and overleaf where it is long.
    pub fn text(&mut self, text: &Text, style: Style) {
        let leading = style.size * LEADING;
        for line in wrap(text, style, self.width(), &self.faces) {
            if self.room() < leading {
                self.turn();
            }
            let at = (ASIDE, self.y + style.size);
            if let Some((sheet, faces)) = self.drawing() {
                sheet.line(faces, at, &line);
            }
            self.down(leading);
        }
    }

    /// All that a document says, without its title.
    pub fn blocks(&mut self) {
        let document = self.document;
        let mut rest = document.body.as_slice();
        while let [block, after @ ..] = rest {
            self.block(block, after);
            rest = after;
        }
    }

    fn block(&mut self, block: &Block, after: &[Block]) {
        match block {
            Block::Section(title) => self.section(title, after),
            Block::Heading(text) => {
                let least = self.least(std::slice::from_ref(block)) + self.least(after);
                self.keep(least.min(self.whole_room() / 2.0));
                if !self.is_fresh() {
                    self.down(8.0);
                }
                let style = Style::bold(10.5, Colour::INK);
                self.text(text, style);
                self.down(2.0);
            }
            Block::Paragraph(text) => {
                self.text(text, Style::new(BODY, Colour::INK));
                self.down(5.0);
            }
            Block::Table(rows) => table::draw(self, rows),
            Block::Figure(drawing) => self.figure(drawing),
            Block::Page => {
                if !self.is_fresh() {
                    self.turn();
                }
            }
            Block::Lines(count) => {
                for _ in 0..*count {
                    self.keep(LINE);
                    self.down(LINE);
                    self.rule_here(0.5, Colour::FAINT);
                }
                self.down(8.0);
            }
        }
    }

    fn keep(&mut self, points: f64) {
        if self.room() < points && !self.is_fresh() {
            self.turn();
        }
    }

    fn section(&mut self, title: &str, after: &[Block]) {
        let least = 44.0 + self.least(after);
        self.keep(least.min(self.whole_room()));
        if !self.is_fresh() {
            self.down(16.0);
        }
        self.sections.push((title.to_owned(), self.sheets.len().saturating_sub(1), self.y));
        self.text(&title.into(), Style::bold(13.5, Colour::INK));
        self.rule_here(1.2, Colour::INK);
        self.down(7.0);
    }

    /// Height that should stay together with a heading before these.
    fn least(&self, blocks: &[Block]) -> f64 {
        match blocks {
            [Block::Heading(_), after @ ..] => 28.0 + self.least(after),
            [Block::Paragraph(_), after @ ..] => {
                let follows = matches!(after, [Block::Table(_) | Block::Figure(_), ..]);
                32.0 + if follows { self.least(after) } else { 0.0 }
            }
            [Block::Table(rows), ..] => table::least(self, rows),
            [Block::Figure(drawing), ..] => drawing.height * self.scale(drawing) + 30.0,
            [Block::Lines(_), ..] => LINE * 2.0,
            _ => 0.0,
        }
    }

    /// Points to a unit of a drawing, so that it fits in width and height.
    fn scale(&self, figure: &Figure) -> f64 {
        let across = self.width() * figure.share.clamp(0.1, 1.0) / figure.width.max(1.0);
        across.min((self.whole_room() - 90.0) / figure.height.max(1.0))
    }

    fn figure(&mut self, drawing: &Figure) {
        let scale = self.scale(drawing);
        let height = drawing.height * scale;
        self.keep(height + 30.0);
        let at = (ASIDE, self.y);
        if let Some((sheet, faces)) = self.drawing() {
            figure::draw(sheet, faces, drawing, at, scale);
        }
        self.down(height + 4.0);
        self.text(&drawing.caption, Style::new(CAPTION, Colour::INK));
        self.down(8.0);
    }

    /// Title, edition, what it is about and what is known of it.
    pub fn title(&mut self) {
        let document = self.document;
        let (title, edition) = if document.cover { (25.0, 13.0) } else { (17.0, 11.0) };
        if document.cover {
            self.down(70.0);
            self.text(&"EXERCISE".into(), Style::bold(15.0, Colour::BAD));
            self.down(8.0);
        }
        self.text(&document.title.as_str().into(), Style::bold(title, Colour::INK));
        self.text(&document.edition.as_str().into(), Style::bold(edition, Colour::FAINT));
        self.down(6.0);
        if !document.about.is_empty() {
            self.text(&document.about.as_str().into(), Style::new(BODY + 0.5, Colour::INK));
            self.down(6.0);
        }
        if !document.facts.is_empty() {
            let mut facts = Table::new(&["", ""]);
            for (name, fact) in &document.facts {
                facts.row([Text::default().bold(*name).into(), fact.clone().into()]);
            }
            table::draw(self, &facts);
        }
    }

    /// The list of sections, on the first page from a place on.
    pub fn contents(&mut self, from: f64) {
        let right = self.size().0 - ASIDE;
        let (style, size) = (Style::new(BODY, Colour::INK), BODY);
        let sections = std::mem::take(&mut self.sections);
        let bottom = self.size().1 - BOTTOM;
        if let Some(sheet) = self.sheets.first_mut() {
            let faces = &mut self.faces;
            sheet.text(faces, (ASIDE, from + size), "Contents", Style::bold(11.0, Colour::INK));
            for (place, (title, page, _)) in sections.iter().enumerate() {
                let base = from + size + (counted(place) + 1.4) * size * 1.6;
                if base > bottom {
                    break;
                }
                let page = (page + 1).to_string();
                let across = right - faces.measure(&page, false, size);
                sheet.text(faces, (ASIDE, base), title, style);
                sheet.text(faces, (across, base), &page, style);
                let begin = ASIDE + faces.measure(title, false, size) + 4.0;
                sheet.pen(0.5, Some(Colour(0x99_9999)), true);
                sheet.path(&[(begin, base), (across - 4.0, base)], false);
                sheet.paint(false, true);
                sheet.links.push(([ASIDE, base - size, right, base + 3.0], place));
            }
        }
        self.sections = sections;
    }

    /// EXERCISE above and below, and the page's number out of all, on every page.
    pub fn furnish(&mut self) {
        let ((width, height), pages) = (self.size(), self.sheets.len());
        let faces = &mut self.faces;
        let band = Style::bold(9.0, Colour::WHITE);
        let (small, strong) = (Style::new(7.5, Colour::FAINT), Style::bold(7.5, Colour::INK));
        let banner = "EXERCISE · EXERCISE · EXERCISE";
        let across = (width - faces.measure(banner, true, band.size)) / 2.0;
        for (place, sheet) in self.sheets.iter_mut().enumerate() {
            sheet.fill((ASIDE, 24.0), width - 2.0 * ASIDE, 16.0, Colour::INK);
            sheet.text(faces, (across, 35.3), banner, band);
            let base = height - 28.0;
            sheet.rule((ASIDE, base - 11.0), (width - ASIDE, base - 11.0), 0.5, Colour::FAINT);
            let left = "EXERCISE · every record is synthetic";
            sheet.text(faces, (ASIDE, base), left, strong);
            let number = format!("page {} of {pages}", place + 1);
            let number_at = width - ASIDE - faces.measure(&number, false, small.size);
            sheet.text(faces, (number_at, base), &number, small);
            let begin = ASIDE + faces.measure(left, true, strong.size) + 14.0;
            let name = format!("{} · {}", self.document.title, self.document.edition);
            let name = wrap(&name.into(), small, number_at - begin - 14.0, faces);
            if let Some(line) = name.first() {
                sheet.line(faces, (begin, base), line);
            }
        }
    }
}
