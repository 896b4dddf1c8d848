//! The report as one page: no script, nothing fetched, plots drawn here.

mod plot;
mod svg;

use std::fmt::Write as _;

use super::Report;
use super::measure::{Measure, Verdict};
use super::text::value;

pub use plot::{Bar, Kind, Plot, Series};
pub use svg::escape;

const STYLE: &str = "
body{font:16px/1.45 system-ui,'DejaVu Sans',sans-serif;color:#222;background:#fff;max-width:1140px;margin:2em auto;padding:0 1em}
h1{font-size:1.6em;margin-bottom:.2em}h2{font-size:1.2em;margin:2em 0 .5em}
table{border-collapse:collapse;width:100%;font-size:.88em}
th,td{text-align:left;padding:.28em .6em;border-bottom:1px solid #ddd;vertical-align:top}
th{border-bottom:2px solid #222}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.pass{color:#006b4f}.fail{color:#a84300;font-weight:700}.skipped{color:#666}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(480px,1fr));gap:1.2em}
figure{margin:0}figure.wide{grid-column:1/-1}figcaption{font-size:.85em;color:#444}figcaption b{color:#222;font-size:1.1em;display:block}
svg{width:100%;height:auto;font:12px system-ui,'DejaVu Sans',sans-serif}svg text{fill:#222}svg .label{font-size:13px}
@media print{figure,tr{break-inside:avoid}}
";

/// The page.
pub fn write(report: &Report) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>Synthetic trade, measured</title><style>{STYLE}</style></head><body>\
         <h1>Synthetic trade, measured</h1>"
    );
    if let Some(folder) = &report.folder {
        let _ = write!(out, "<p>{}: {} export declarations", escape(folder), report.exports);
        if let Some(pack) = &report.pack {
            let _ = write!(out, ", pack {}", escape(pack));
        }
        let _ = write!(
            out,
            ".<br><span class=\"pass\">✓ {} pass</span>, <span class=\"fail\">✗ {} fail</span>, \
             <span class=\"skipped\">– {} skipped</span>. Every row is synthetic.</p>",
            report.count(Verdict::Pass),
            report.count(Verdict::Fail),
            report.count(Verdict::Skipped)
        );
    }
    comparison(&mut out, report);
    plots(&mut out, report);
    for group in report.measures.chunk_by(|a, b| a.group == b.group) {
        measures(&mut out, group);
    }
    out += "</body></html>\n";
    out
}

fn comparison(out: &mut String, report: &Report) {
    if report.leak_table.iter().all(|row| row.theirs.is_none()) {
        *out += "<h2>Beside the Korean declarations</h2><p class=\"skipped\">skipped: not given (--kcs)</p>";
        return;
    }
    *out += "<h2>Beside the Korean declarations (KCS), by the same code</h2>\
             <table><tr><th>part<th>measure<th class=\"n\">ours<th class=\"n\">KCS<th>ours better</tr>";
    for row in &report.leak_table {
        let (class, word) = match row.better {
            Some(true) => ("pass", "✓ yes"),
            Some(false) => ("fail", "✗ no"),
            None => ("skipped", "–"),
        };
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"{class}\">{word}</tr>",
            row.part,
            escape(row.name),
            value(row.unit, row.ours),
            value(row.unit, row.theirs)
        );
    }
    *out += "</table>";
}

fn plots(out: &mut String, report: &Report) {
    if report.plots.is_empty() {
        return;
    }
    *out += "<h2>Plots</h2><div class=\"plots\">";
    for plot in &report.plots {
        let wide = if matches!(plot.kind, Kind::Bounds(_)) { " class=\"wide\"" } else { "" };
        let _ = write!(
            out,
            "<figure{wide}><figcaption><b>{}</b></figcaption>{}<figcaption>{}</figcaption></figure>",
            escape(&plot.title),
            plot.draw(),
            escape(&plot.about)
        );
    }
    *out += "</div>";
}

fn measures(out: &mut String, group: &[Measure]) {
    let heading = group.first().map_or("", |measure| measure.group.heading());
    let _ = write!(
        out,
        "<h2>{heading}</h2><table><tr><th>measure<th class=\"n\">measured<th>bound<th>verdict\
         <th>source<th>note</tr>"
    );
    for measure in group {
        let (class, sign) = match measure.verdict {
            Verdict::Pass => ("pass", "✓ "),
            Verdict::Fail => ("fail", "✗ "),
            Verdict::Skipped => ("skipped", "– "),
            Verdict::Shown => ("", ""),
        };
        let _ = write!(
            out,
            "<tr><td>{}<td class=\"n\">{}<td>{}<td class=\"{class}\">{sign}{}<td>{}<td>{}</tr>",
            escape(&measure.name),
            value(measure.unit, measure.value),
            escape(&measure.bound.write(measure.unit)),
            measure.verdict.word(),
            escape(measure.source),
            escape(&measure.note)
        );
    }
    *out += "</table>";
}
