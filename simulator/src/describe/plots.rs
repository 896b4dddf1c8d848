//! Which plots the page shows.

use super::Reading;
use super::declared::below;
use super::goods::CHAPTERS;
use super::imports::Figures;
use super::leaks;
use super::page::{Bar, Kind, Plot, Series};
use super::ppml::{Fit, Pair};
use super::sample::Tally;
use super::stat::{self, Histogram, normal_below};
use crate::world::World;

const SHARE: &str = "share of consignments (%)";

/// All of them.
pub(super) fn all(
    reading: &Reading,
    world: Option<&World>,
    fit: Option<&(Vec<Pair>, Fit)>,
    theirs: Option<&Figures>,
) -> Vec<Plot> {
    let mut all = vec![leak_tests(&reading.figures, theirs)];
    all.extend(sizes(reading, world));
    all.extend(times(reading, world));
    all.extend(shares(reading));
    all.extend(waits(reading, world));
    all.extend(fit.map(|(pairs, fit)| gravity(pairs, fit)));
    all.push(ranks(reading));
    all
}

fn plot(title: &str, x: &str, y: &str, about: &str, kind: Kind) -> Plot {
    Plot {
        title: title.to_owned(),
        x: x.to_owned(),
        y: y.to_owned(),
        about: about.to_owned(),
        kind,
    }
}

fn histogram(
    bins: &Histogram,
    law: Option<(&str, &dyn Fn(f64) -> f64)>,
    marks: Vec<(f64, String)>,
) -> Kind {
    let total: f64 = bins.bins.iter().sum::<f64>().max(1.0);
    let edge = |place: usize| bins.low + bins.step * place as f64;
    let by_law = law.map(|(name, below)| {
        let share = |place: usize| below(edge(place + 1)) - below(edge(place));
        (name.to_owned(), (0..bins.bins.len()).map(share).collect())
    });
    Kind::Histogram {
        low: bins.low,
        step: bins.step,
        shares: bins.bins.iter().map(|count| count / total).collect(),
        law: by_law,
        marks,
    }
}

fn sizes(reading: &Reading, world: Option<&World>) -> [Plot; 2] {
    let value = world.map(|world| world.declared().value);
    let declared = |ln: f64| value.map_or(0.0, |law| below(law, libm::exp(ln)));
    [
        plot(
            "Net mass",
            "ln of net mass in kilograms",
            SHARE,
            "Bars: exports. Dashed: a normal law with the mean and deviation of the Korean declarations.",
            histogram(
                &reading.goods.masses,
                Some(("KCS 4.82 ± 3.41", &|ln| normal_below((ln - 4.82) / 3.41))),
                vec![],
            ),
        ),
        plot(
            "Value",
            "ln of value in US dollars",
            SHARE,
            "Bars: exports. Dashed: the lognormal law that the pack declares.",
            histogram(
                &reading.goods.prices,
                value.map(|_| ("declared", &declared as &dyn Fn(f64) -> f64)),
                vec![],
            ),
        ),
    ]
}

fn bars(names: &[&str], counts: &[f64], wanted: Option<&[f64]>) -> Kind {
    let total: f64 = counts.iter().sum::<f64>().max(1.0);
    let bar = |(place, (name, count)): (usize, (&&str, &f64))| Bar {
        name: (*name).to_owned(),
        share: count / total,
        wanted: wanted.and_then(|wanted| wanted.get(place)).copied(),
    };
    Kind::Bars(names.iter().zip(counts).enumerate().map(bar).collect())
}

fn times(reading: &Reading, world: Option<&World>) -> [Plot; 2] {
    let declared = world.map(World::declared);
    let about = "Bars: exports by the day they were accepted. Lozenges: as the pack declares.";
    [
        plot(
            "Weekday",
            "weekday of acceptance",
            SHARE,
            about,
            bars(
                &["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
                &reading.goods.weekdays,
                declared.as_ref().map(|declared| &declared.weekdays[..]),
            ),
        ),
        plot(
            "Month",
            "month of acceptance",
            SHARE,
            about,
            bars(
                &[
                    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
                    "Dec",
                ],
                &reading.goods.months,
                declared.as_ref().map(|declared| &declared.months[..]),
            ),
        ),
    ]
}

fn shares(reading: &Reading) -> [Plot; 3] {
    let goods = &reading.goods;
    let named = |tally: &Tally, most: usize, word: &dyn Fn(&str) -> String| {
        let total = tally.total().max(1.0);
        let rows = tally.named();
        let bar = |(name, count): &(&str, f64)| Bar {
            name: word(name),
            share: count / total,
            wanted: None,
        };
        Kind::Bars(rows.iter().take(most).map(bar).collect())
    };
    let mode = |code: &str| {
        match code {
            "1" => "sea",
            "3" => "road",
            "4" => "air",
            other => other,
        }
        .to_owned()
    };
    let chapters = CHAPTERS.map(|(chapter, wanted)| Bar {
        name: chapter.to_owned(),
        share: goods.chapters.share(chapter),
        wanted: Some(wanted),
    });
    [
        plot("Mode of transport", "mode", SHARE, "Bars: exports.", named(&goods.modes, 6, &mode)),
        plot(
            "Value by HS chapter",
            "HS chapter",
            "share of export value (%)",
            "Bars: exports. Lozenges: world trade in 2022. 27 fuels, 85 electrical, 84 machines, 39 plastics, 90 \
             instruments, 72 steel, 29 organic and 38 other chemicals, 94 furniture, 76 aluminium.",
            Kind::Bars(chapters.to_vec()),
        ),
        plot(
            "Ports",
            "port of discharge (UN/LOCODE), the largest nine",
            "share of boxes landed (%)",
            "The largest port of the world has 5.3 % of all boxes, the second 4.5 %: a small world has fewer ports.",
            named(&reading.boxes.ports, 9, &str::to_owned),
        ),
    ]
}

fn waits(reading: &Reading, world: Option<&World>) -> [Plot; 2] {
    let waits = stat::sorted(reading.boxes.waits.clone());
    let mean = waits.iter().sum::<f64>() / waits.len().max(1) as f64;
    let days = &reading.licences.days;
    let law = world.map(|world| world.declared().licence_days);
    let declared = |days: f64| law.map_or(0.0, |law| below(law, days));
    let at = |share| stat::quantile(days, share).unwrap_or_default();
    [
        plot(
            "Dwell from truck to ship",
            "days from gate to ship",
            "share of boxes (%)",
            "Vermilion lines: mean of these boxes, and of terminal statistics.",
            histogram(
                &reading.boxes.dwell,
                None,
                vec![(mean, format!("mean {mean:.1} d")), (6.5, "terminals 6.5 d".to_owned())],
            ),
        ),
        plot(
            "Licences: days to decide",
            "days from application to decision",
            "share of decided applications (%)",
            "Dashed: the lognormal law that the pack declares. Public statistics: median 27 to 35 days, 95th \
             percentile 90.",
            histogram(
                &reading.licences.processing,
                law.map(|_| ("declared", &declared as &dyn Fn(f64) -> f64)),
                vec![
                    (at(0.5), format!("median {:.0} d", at(0.5))),
                    (at(0.95), format!("95 % {:.0} d", at(0.95))),
                ],
            ),
        ),
    ]
}

fn gravity(pairs: &[Pair], fit: &Fit) -> Plot {
    let both = pairs.iter().zip(&fit.fitted);
    let points = both
        .filter(|(pair, fitted)| pair.value > 0.0 && **fitted > 0.0)
        .map(|(pair, fitted)| (libm::log10(*fitted), libm::log10(pair.value)))
        .collect();
    let [distance, border, agreement] = fit.coefficients;
    plot(
        "Gravity: trade of pairs of states",
        "fitted value of a year (USD)",
        "observed value of a year (USD)",
        &format!(
            "A dot for each ordered pair that trades. PPML with effects of exporters and importers: distance \
             {distance:.2}, border {border:.2}, agreement {agreement:.2}."
        ),
        Kind::Diagonal(points),
    )
}

fn ranks(reading: &Reading) -> Plot {
    let series = |name: &str, tally: Option<&Tally>, slope: bool| {
        let ranked = tally.map(Tally::ranked).unwrap_or_default();
        let total: f64 = ranked.iter().sum::<f64>().max(1.0);
        Series {
            name: name.to_owned(),
            slope: stat::rank_slope(&ranked).filter(|_| slope),
            shares: ranked.into_iter().map(|count| count / total).collect(),
        }
    };
    plot(
        "Rank and frequency",
        "rank",
        "share of all",
        "HS6 codes and declarants by consignments, exporters by value. Korean declarations: slopes -1.05 and -1.01.",
        Kind::Ranks(vec![
            series("HS6 codes", Some(&reading.goods.codes), true),
            series("declarants", reading.goods.declarants(), true),
            series("exporters", Some(&reading.goods.exporters), false),
        ]),
    )
}

fn leak_tests(figures: &Figures, theirs: Option<&Figures>) -> Plot {
    let area = |measures: Vec<super::Measure>| -> Vec<super::Measure> {
        measures.into_iter().filter(|measure| measure.name.contains("AUC")).collect()
    };
    let of = |figures: &Figures| {
        let mut all = area(leaks::leaks(figures));
        all.extend(area(leaks::entities(figures).to_vec()));
        all
    };
    let others = theirs.map(of).unwrap_or_default();
    let rows = of(figures).into_iter().map(|measure| {
        let other = others.iter().find(|other| other.name == measure.name);
        let other = other.and_then(|other| other.value);
        (measure, other)
    });
    plot(
        "Leak tests",
        "area under the curve (AUC): 0.5 tells nothing, 1 tells all",
        "",
        "Dots: ours. Green bands: what is accepted. Lozenges: Korean declarations, by the same code.",
        Kind::Bounds(rows.collect()),
    )
}
