//! Tables: columns as wide as what stands in them wants, rows that go on over the page with their heads repeated.

use super::flow::Flow;
use super::line::{Line, Style, span, wrap};
use super::{counted, whole};
use crate::drill::document::{Cell, Colour, Table, Text};

const SIZE: f64 = 8.0;
const LEADING: f64 = 10.4;
const ASIDE: f64 = 3.5;
const ABOVE: f64 = 2.4;
/// A word longer than this, in points, breaks before it makes its column wide.
const LONGEST: f64 = 96.0;
/// A text no longer than this, in points, stays on one line where it can.
const SHORT: f64 = 84.0;
const GRID: Colour = Colour(0xdd_dddd);

/// A row with its text broken into lines.
struct Laid<'t> {
    cells: Vec<(Vec<Line>, &'t Cell, bool)>,
    lines: usize,
}

impl Laid<'_> {
    fn height(&self) -> f64 {
        height(self.lines)
    }
}

fn height(lines: usize) -> f64 {
    counted(lines) * LEADING + 2.0 * ABOVE
}

fn style() -> Style {
    Style::new(SIZE, Colour::INK)
}

/// Draws a table where the flow is.
pub(super) fn draw(flow: &mut Flow, table: &Table) {
    let columns = columns(flow, table);
    let head_cells = head(table);
    let heads = table.has_head().then(|| laid(flow, table, &head_cells, &columns));
    let heads_height = heads.as_ref().map_or(0.0, Laid::height);
    let first = table.rows.first().map_or(0.0, |row| laid(flow, table, row, &columns).height());
    if flow.room() < heads_height + first.min(height(3)) {
        flow.turn();
    }
    let begin = |flow: &mut Flow| {
        if let Some(heads) = &heads {
            row(flow, heads, &columns, 0, heads.lines, table.ruled);
            flow.rule_here(0.9, Colour::INK);
        }
    };
    begin(flow);
    for cells in &table.rows {
        let laid = laid(flow, table, cells, &columns);
        let (mut from, mut fresh) = (0, false);
        loop {
            let (left, fit) = (laid.lines - from, fitting(flow.room()));
            if left <= fit || (fresh && fit == 0) {
                row(flow, &laid, &columns, from, left, table.ruled);
                break;
            }
            let page = fitting(flow.whole_room() - heads_height);
            if !fresh && ((from == 0 && left <= page) || fit < 3) {
                flow.turn();
                begin(flow);
                fresh = true;
                continue;
            }
            row(flow, &laid, &columns, from, fit, table.ruled);
            from += fit;
            flow.turn();
            begin(flow);
            fresh = true;
        }
    }
    flow.down(8.0);
}

/// Height of the head and the first rows: what a heading above the table wants to have on its page.
pub(super) fn least(flow: &Flow, table: &Table) -> f64 {
    let columns = columns(flow, table);
    let head = laid(flow, table, &head(table), &columns).height();
    let rows = table.rows.iter().take(2);
    let rows: f64 = rows.map(|row| laid(flow, table, row, &columns).height()).sum();
    (head + rows).min(160.0)
}

fn fitting(room: f64) -> usize {
    whole((room - 2.0 * ABOVE) / LEADING)
}

fn head(table: &Table) -> Vec<Cell> {
    table.head.iter().map(|(head, _)| Text::default().bold(head.clone()).into()).collect()
}

/// Widths of the columns. Where all have room they get what they want, and one of them the rest. Otherwise each gets what
/// its longest word needs (short texts all they want, where that can be), and the rest is shared by what they still want.
fn columns(flow: &Flow, table: &Table) -> Vec<f64> {
    let wants: Vec<(f64, f64)> = (0..table.head.len()).map(|at| wants(flow, table, at)).collect();
    let all = flow.width();
    let most: f64 = wants.iter().map(|(_, high)| high).sum();
    if most <= all {
        let open = open(table, &wants);
        let spare = |at: usize| if at == open { all - most } else { 0.0 };
        return wants.iter().enumerate().map(|(at, (_, high))| high + spare(at)).collect();
    }
    let whole = |(low, high): &(f64, f64)| if *high <= SHORT { *high } else { *low };
    let mut least: Vec<f64> = wants.iter().map(whole).collect();
    if least.iter().sum::<f64>() > all {
        least = wants.iter().map(|(low, _)| *low).collect();
    }
    let sum: f64 = least.iter().sum();
    if sum > all {
        return least.iter().map(|low| low * all / sum).collect();
    }
    let share = (all - sum) / (most - sum).max(1.0);
    wants.iter().zip(&least).map(|((_, high), low)| low + share * (high - low)).collect()
}

/// The column that takes what room is left: that of bars, or else the widest of text.
fn open(table: &Table, wants: &[(f64, f64)]) -> usize {
    let bars = |at: &usize| {
        table.rows.iter().any(|row| row.get(*at).is_some_and(|cell| cell.bar.is_some()))
    };
    let text = |at: &usize| table.head.get(*at).is_some_and(|(_, number)| !number);
    let wide = |at: &usize| wants.get(*at).map_or(0.0, |(_, high)| *high);
    let widest = (0..wants.len())
        .filter(text)
        .reduce(|one, other| if wide(&other) > wide(&one) { other } else { one });
    (0..wants.len()).find(bars).or(widest).unwrap_or_default()
}

/// What a column needs and what it wants, with the room at its sides.
fn wants(flow: &Flow, table: &Table, at: usize) -> (f64, f64) {
    let head = table.head.get(at);
    let number = head.is_some_and(|(_, number)| *number);
    let name = Text::default().bold(head.map_or("", |(head, _)| head.as_str()));
    let (mut low, mut high) = span(&name, style(), &flow.faces);
    for cell in table.rows.iter().filter_map(|row| row.get(at)) {
        for line in &cell.lines {
            let (word, all) = span(line, style(), &flow.faces);
            low = low.max(if number { all } else { word });
            high = high.max(all);
        }
        if cell.bar.is_some() {
            (low, high) = (low.max(50.0), high.max(110.0));
        }
    }
    let low = if number { low } else { low.min(LONGEST) };
    (low + 2.0 * ASIDE, high.max(low) + 2.0 * ASIDE)
}

fn laid<'t>(flow: &Flow, table: &Table, cells: &'t [Cell], columns: &[f64]) -> Laid<'t> {
    let broken = |(place, cell): (usize, &'t Cell)| {
        let width = columns.get(place).copied().unwrap_or_default() - 2.0 * ASIDE;
        let number = table.head.get(place).is_some_and(|(_, number)| *number);
        let lines = cell.lines.iter().flat_map(|line| wrap(line, style(), width, &flow.faces));
        (lines.collect::<Vec<_>>(), cell, number)
    };
    let cells: Vec<_> = cells.iter().enumerate().map(broken).collect();
    let lines = cells.iter().map(|(lines, ..)| lines.len()).max().unwrap_or(0).max(1);
    Laid { cells, lines }
}

/// Draws lines of a row, from one on so many.
fn row(flow: &mut Flow, laid: &Laid, columns: &[f64], from: usize, count: usize, ruled: bool) {
    let (top, height) = (flow.y(), height(count));
    let mut x = flow.left();
    let Some((sheet, faces)) = flow.drawing() else { return };
    for ((lines, cell, number), width) in laid.cells.iter().zip(columns) {
        if let Some(ground) = cell.ground {
            sheet.fill((x, top), *width, height, ground);
        }
        if let Some(share) = cell.bar {
            let long = (width - 2.0 * ASIDE) * share;
            sheet.fill((x + ASIDE, top + ABOVE + 1.5), long, SIZE * 0.85, Colour::BLUE);
        }
        for (place, line) in lines.iter().skip(from).take(count).enumerate() {
            let aside = if *number { width - ASIDE - line.width } else { ASIDE };
            let base = top + ABOVE + counted(place) * LEADING + SIZE;
            sheet.line(faces, (x + aside, base), line);
        }
        x += width;
    }
    if ruled {
        let bottom = top + height;
        let left = x - columns.iter().sum::<f64>();
        let mut at = left;
        sheet.rule((left, top), (x, top), 0.6, Colour::INK);
        for width in std::iter::once(&0.0).chain(columns) {
            at += width;
            sheet.rule((at, top), (at, bottom), 0.6, Colour::INK);
        }
    }
    flow.down(height);
    flow.rule_here(if ruled { 0.6 } else { 0.4 }, if ruled { Colour::INK } else { GRID });
}
