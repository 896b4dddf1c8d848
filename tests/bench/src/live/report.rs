//! From slices to a table and one JSON document. Medians over the rounds; ratios of CPU time to the peers'.

use std::time::Duration;

use comfy_table::Table;
use serde_json::{Value, json};

use super::Measured;
use super::nginx;

/// One contestant under one load.
struct Row {
    name: &'static str,
    load: &'static str,
    /// Records of an answer.
    records: u32,
    queries: usize,
    /// Queries a second.
    rate: f64,
    p50: Duration,
    p99: Duration,
    /// CPU microseconds of the server a query.
    cpu: f64,
    /// Of that the share that is user time.
    user: f64,
    /// Spread of `cpu` over the rounds.
    cpu_range: (f64, f64),
    /// Bytes received a query.
    bytes: u64,
}

/// Everything.
pub struct Report {
    rows: Vec<Row>,
    memory: Vec<(String, u64, u64)>,
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = values.len() / 2;
    if values.len() % 2 == 1 { values[at] } else { (values[at - 1] + values[at]) / 2.0 }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

impl Report {
    /// Of all slices.
    pub fn new(all: &[Measured], memory: &[(&str, u64, u64)]) -> Self {
        let mut keys: Vec<(&str, &str)> = vec![];
        for one in all {
            if !keys.contains(&(one.load, one.name)) {
                keys.push((one.load, one.name));
            }
        }
        let rows = keys
            .into_iter()
            .map(|(load, name)| {
                row(&all
                    .iter()
                    .filter(|one| (one.load, one.name) == (load, name))
                    .collect::<Vec<_>>())
            })
            .collect();
        let memory =
            memory.iter().map(|(name, now, most)| ((*name).to_owned(), *now, *most)).collect();
        Self { rows, memory }
    }

    fn ratio(&self, row: &Row, peer: &str) -> Option<f64> {
        let of = self.rows.iter().find(|other| other.load == row.load && other.name == peer)?;
        Some(row.cpu / of.cpu)
    }

    /// For a terminal.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::ASCII_MARKDOWN);
        table.set_header([
            "load",
            "server",
            "queries/s",
            "records/s",
            "p50 ms",
            "p99 ms",
            "CPU us/query",
            "CPU us/record",
            "user %",
            "x proxy",
            "x nginx",
            "x floor",
        ]);
        let times = |ratio: Option<f64>| ratio.map_or("-".into(), |ratio| format!("{ratio:.2}"));
        for row in &self.rows {
            table.add_row([
                row.load.to_owned(),
                row.name.to_owned(),
                format!("{:.0}", row.rate),
                format!("{:.0}", row.rate * f64::from(row.records)),
                format!("{:.2}", micros(row.p50) / 1e3),
                format!("{:.2}", micros(row.p99) / 1e3),
                format!("{:.0}", row.cpu),
                format!("{:.2}", row.cpu / f64::from(row.records)),
                format!("{:.0}", row.user * 100.0),
                times(self.ratio(row, "byte proxy")),
                times(self.ratio(row, "nginx")),
                times(self.ratio(row, "floor")),
            ]);
        }
        let memory: Vec<String> = self
            .memory
            .iter()
            .map(|(name, now, most)| format!("{name} {} MiB (most {})", now >> 10, most >> 10))
            .collect();
        format!("{table}\nmemory: {}\n", memory.join(", "))
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "load": row.load,
                    "server": row.name,
                    "records_per_query": row.records,
                    "queries": row.queries,
                    "queries_per_second": row.rate,
                    "records_per_second": row.rate * f64::from(row.records),
                    "p50_micros": micros(row.p50),
                    "p99_micros": micros(row.p99),
                    "cpu_micros_per_query": row.cpu,
                    "cpu_micros_per_query_range": [row.cpu_range.0, row.cpu_range.1],
                    "cpu_micros_per_record": row.cpu / f64::from(row.records),
                    "cpu_user_share": row.user,
                    "bytes_received_per_query": row.bytes,
                    "cpu_ratio_to_byte_proxy": self.ratio(row, "byte proxy"),
                    "cpu_ratio_to_nginx": self.ratio(row, "nginx"),
                    "cpu_ratio_to_floor": self.ratio(row, "floor"),
                })
            })
            .collect();
        let memory: Vec<Value> = self
            .memory
            .iter()
            .map(|(name, now, most)| {
                json!({ "process": name, "resident_kib": now, "most_resident_kib": most })
            })
            .collect();
        json!({ "bench": "live", "machine": machine(), "rows": rows, "memory": memory })
    }
}

fn row(rounds: &[&Measured]) -> Row {
    let mut latencies: Vec<Duration> =
        rounds.iter().flat_map(|one| one.slice.latencies.iter().copied()).collect();
    latencies.sort();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    let queries = |one: &Measured| one.slice.latencies.len() as f64;
    let cpu: Vec<f64> =
        rounds.iter().map(|one| one.cpu.nanos as f64 / 1e3 / queries(one)).collect();
    let (user, system) = rounds
        .iter()
        .fold((0, 0), |(user, system), one| (user + one.cpu.user, system + one.cpu.system));
    let bytes: u64 = rounds.iter().map(|one| one.slice.bytes).sum();
    Row {
        name: rounds[0].name,
        load: rounds[0].load,
        records: rounds[0].spec.records,
        queries: latencies.len(),
        rate: median(
            rounds.iter().map(|one| queries(one) / one.slice.wall.as_secs_f64()).collect(),
        ),
        p50: at(0.5),
        p99: at(0.99),
        cpu_range: (
            cpu.iter().copied().fold(f64::MAX, f64::min),
            cpu.iter().copied().fold(0.0, f64::max),
        ),
        cpu: median(cpu),
        user: user as f64 / ((user + system).max(1)) as f64,
        bytes: bytes / latencies.len() as u64,
    }
}

/// What it ran on.
fn machine() -> Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let model = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1).map(str::to_owned));
    json!({
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "cores_online": read("/proc/cpuinfo").matches("processor\t").count(),
        "cpu": model,
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        "profile": if cfg!(debug_assertions) { "dev" } else { "release" },
        "portcullis": env!("CARGO_PKG_VERSION"),
        "nginx": nginx::version(),
        "load_average": read("/proc/loadavg").trim(),
    })
}
