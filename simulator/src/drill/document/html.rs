//! A document as a page for a browser: self-contained, printable, no script, nothing fetched.

use std::fmt::Write as _;

use super::figure::LETTERS;
use super::{Anchor, Block, Cell, Document, Figure, Form, Shape, Table, Text, Tone};
use crate::describe::page::escape;

const STYLE: &str = "
body{font:15px/1.45 system-ui,'DejaVu Sans',sans-serif;color:#222;background:#fff;max-width:1140px;margin:1.5em auto;padding:0 1em}
.banner{background:#222;color:#fff;font-weight:700;text-align:center;padding:.3em;letter-spacing:.08em}
h1{font-size:1.6em;margin:.6em 0 .2em}h2{font-size:1.2em;margin:1.8em 0 .5em;border-bottom:2px solid #222}h3{font-size:1em;margin:1.3em 0 .3em}
table{border-collapse:collapse;width:100%;font-size:.86em;margin:.4em 0}
th,td{text-align:left;padding:.25em .55em;border-bottom:1px solid #ddd;vertical-align:top}
th{border-bottom:1.5px solid #222}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
table.ruled th,table.ruled td{border:1px solid #222}
td div{min-height:1.45em}small{color:#555}.good{color:#006b4f;font-weight:700}.bad{color:#a84300;font-weight:700}
figure{margin:.8em 0}figcaption{font-size:.85em;color:#444}svg{width:100%;height:auto;font:10px system-ui,'DejaVu Sans',sans-serif}
code{font-size:.85em;overflow-wrap:anywhere}.bar{background:#0072b2;height:.75em;display:inline-block}
.line{border-bottom:1px solid #777;height:2em}.running{display:none}
@page{size:A4;margin:14mm}
@media print{body{font-size:10.5px}th,td{padding:.25em .4em}
.sheet{display:table;width:100%}.sheet>.body{display:table-row-group}.sheet>.room{display:table-footer-group;break-inside:avoid}.room div{height:2.4em}
h2,h3{break-after:avoid}figure,tr{break-inside:avoid}body{margin:0;max-width:none}.page{break-before:page}
.running{display:block;position:fixed;bottom:0;width:100%;text-align:center;font-weight:700;font-size:.7em;letter-spacing:.08em}}
";

/// The page.
pub(crate) fn page(document: &Document) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>EXERCISE {0}: {1}</title><style>{STYLE}</style></head><body><div class=\"sheet\"><div class=\"body\">\
         <div class=\"banner\">EXERCISE · EXERCISE · EXERCISE</div><h1>{0}</h1><p><b>{1}</b></p>",
        escape(&document.title),
        escape(&document.edition),
    );
    // Writing to a String cannot fail, here and below.
    if !document.about.is_empty() {
        let _ = write!(out, "<p>{}</p>", escape(&document.about));
    }
    if !document.facts.is_empty() {
        let mut facts = Table::new(&["", ""]);
        for (name, fact) in &document.facts {
            facts.row([Text::default().bold(*name).into(), fact.clone().into()]);
        }
        table(&mut out, &facts);
    }
    for block in &document.body {
        write_block(&mut out, block);
    }
    // On paper each page keeps room for its last line, which says what it is.
    out += "<div class=\"banner\">EXERCISE · every record is synthetic</div></div>\
            <div class=\"room\"><div></div></div></div>\
            <div class=\"running\">EXERCISE · EXERCISE · EXERCISE</div></body></html>\n";
    out
}

fn write_block(out: &mut String, block: &Block) {
    let _ = match block {
        Block::Section(title) => write!(out, "<h2>{}</h2>", escape(title)),
        Block::Heading(heading) => write!(out, "<h3>{}</h3>", text(heading)),
        Block::Paragraph(words) => write!(out, "<p>{}</p>", text(words)),
        Block::Page => write!(out, "<div class=\"page\"></div>"),
        Block::Lines(count) => {
            out.push_str(&"<div class=\"line\"></div>".repeat(*count));
            Ok(())
        }
        Block::Table(rows) => {
            table(out, rows);
            Ok(())
        }
        Block::Figure(drawing) => {
            figure(out, drawing);
            Ok(())
        }
    };
}

fn text(words: &Text) -> String {
    let mut out = String::new();
    for span in &words.0 {
        let said = escape(&span.text);
        let _ = match span.tone {
            Tone::Plain => write!(out, "{said}"),
            Tone::Bold => write!(out, "<b>{said}</b>"),
            Tone::Small => write!(out, "<small>{said}</small>"),
            Tone::Good => write!(out, "<span class=\"good\">{said}</span>"),
            Tone::Bad => write!(out, "<span class=\"bad\">{said}</span>"),
            Tone::Code => write!(out, "<code>{said}</code>"),
            Tone::In(colour) => write!(out, "<span style=\"color:{colour}\">{said}</span>"),
        };
    }
    out
}

fn table(out: &mut String, table: &Table) {
    out.push_str(if table.ruled { "<table class=\"ruled\">" } else { "<table>" });
    if table.has_head() {
        out.push_str("<thead><tr>");
        for (head, number) in &table.head {
            let class = if *number { " class=\"n\"" } else { "" };
            let _ = write!(out, "<th{class}>{}</th>", escape(head));
        }
        out.push_str("</tr></thead>");
    }
    out.push_str("<tbody>");
    for row in &table.rows {
        out.push_str("<tr>");
        for (place, one) in row.iter().enumerate() {
            cell(out, one, table.head.get(place).is_some_and(|(_, number)| *number));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table>");
}

fn cell(out: &mut String, cell: &Cell, number: bool) {
    out.push_str(if number { "<td class=\"n\"" } else { "<td" });
    if let Some(ground) = cell.ground {
        let _ = write!(out, " style=\"background:{ground}\"");
    }
    out.push('>');
    match cell.lines.as_slice() {
        [line] => out.push_str(&text(line)),
        lines => {
            for line in lines {
                let _ = write!(out, "<div>{}</div>", text(line));
            }
        }
    }
    if let Some(share) = cell.bar {
        let _ = write!(out, "<span class=\"bar\" style=\"width:{:.1}em\"></span>", 16.0 * share);
    }
    out.push_str("</td>");
}

fn figure(out: &mut String, figure: &Figure) {
    let _ = write!(
        out,
        "<figure style=\"max-width:{:.0}%\"><svg viewBox=\"0 0 {:.0} {:.0}\" role=\"img\" aria-label=\"{}\">",
        figure.share * 100.0,
        figure.width,
        figure.height,
        escape(figure.label)
    );
    for shape in &figure.shapes {
        draw(out, shape);
    }
    let _ = write!(out, "</svg><figcaption>{}</figcaption></figure>", text(&figure.caption));
}

fn draw(out: &mut String, shape: &Shape) {
    let name = match &shape.form {
        Form::Line { from, to } => {
            let ((x1, y1), (x2, y2)) = (from, to);
            let _ =
                write!(out, "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"");
            "line"
        }
        Form::Rectangle { at: (x, y), width, height } => {
            let _ = write!(
                out,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\""
            );
            "rect"
        }
        Form::Diamond { at: (x, y), radius } => {
            let _ = write!(
                out,
                "<path d=\"M{:.1} {y:.1}L{x:.1} {:.1}L{:.1} {y:.1}L{x:.1} {:.1}Z\"",
                x - radius,
                y - radius,
                x + radius,
                y + radius
            );
            "path"
        }
        Form::Disc { at: (x, y), radius } => {
            let _ = write!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"");
            "circle"
        }
        Form::Words { at: (x, y), anchor, upwards, .. } => {
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            let _ = write!(
                out,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{LETTERS}\" text-anchor=\"{anchor}\""
            );
            if *upwards {
                let _ = write!(out, " transform=\"rotate(-90 {x:.1} {y:.1})\"");
            }
            "text"
        }
    };
    let fill = shape.fill.map_or_else(|| "none".to_owned(), |colour| colour.to_string());
    let _ = write!(out, " fill=\"{fill}\"");
    if let Some(stroke) = shape.stroke {
        let _ = write!(out, " stroke=\"{stroke}\"");
    }
    if shape.dashed {
        out.push_str(" stroke-dasharray=\"3 3\"");
    }
    out.push('>');
    if let Form::Words { text, .. } = &shape.form {
        out.push_str(&escape(text));
    }
    if !shape.hint.is_empty() {
        let _ = write!(out, "<title>{}</title>", escape(&shape.hint));
    }
    let _ = write!(out, "</{name}>");
}
