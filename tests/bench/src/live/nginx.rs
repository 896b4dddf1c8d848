//! nginx with `grpc_pass`, TLS 1.3 with certificates on both sides, one worker.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use portcullis_certs_dev::Exchange;

use super::child::{Process, free_address};
use super::world::{REQUESTER, SOURCE};

/// Where Debian puts it.
const BINARY: &str = "/usr/sbin/nginx";

/// Its version, if it is installed.
pub fn version() -> Option<String> {
    let told = std::process::Command::new(BINARY).arg("-v").output().ok()?;
    let text = String::from_utf8_lossy(&told.stderr).into_owned();
    text.trim().strip_prefix("nginx version: ").map(str::to_owned)
}

/// Starts it before the source.
///
/// # Errors
/// What it says.
pub async fn start(core: usize, dir: &Path, source: &str) -> anyhow::Result<(Process, String)> {
    let address = free_address()?;
    let folder = dir.join("nginx");
    std::fs::create_dir_all(&folder)?;
    let exchange = Exchange::load(&dir.join("certs"))?;
    let config = folder.join("nginx.conf");
    std::fs::write(&config, text(&exchange, &folder, &address, source)?)?;
    let told = [
        "-p",
        folder.to_str().context("a path that is no text")?,
        "-c",
        config.to_str().context("a path that is no text")?,
        "-e",
        "stderr",
    ];
    let process = Process::silent(core, &PathBuf::from(BINARY), &told, &address).await?;
    Ok((process, address))
}

fn text(exchange: &Exchange, folder: &Path, address: &str, source: &str) -> anyhow::Result<String> {
    let (ours, requester, theirs) =
        (exchange.gateway()?, exchange.agency(REQUESTER.0)?, exchange.agency(SOURCE)?);
    let (certificate, key) = (ours.certificate.display(), ours.key.display());
    let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("  {kind}_temp_path {}/{kind};\n", folder.display()))
        .collect();
    // One process is master and worker: the same event loop, and nothing left behind when it is killed.
    Ok(format!(
        "daemon off;\nmaster_process off;\nworker_processes 1;\npid {folder}/nginx.pid;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n  access_log off;\n  tcp_nodelay on;\n{temp}\
         \x20 upstream source {{\n    server {source};\n    keepalive 256;\n\
         \x20   keepalive_requests 1000000000;\n    keepalive_time 24h;\n  }}\n\
         \x20 server {{\n    listen {address} ssl http2;\n    keepalive_requests 1000000000;\n\
         \x20   http2_max_concurrent_streams 256;\n    http2_chunk_size 16k;\n\
         \x20   ssl_protocols TLSv1.3;\n    ssl_certificate {certificate};\n\
         \x20   ssl_certificate_key {key};\n    ssl_client_certificate {requester};\n\
         \x20   ssl_verify_client on;\n    ssl_session_tickets off;\n\
         \x20   location / {{\n      grpc_pass grpcs://source;\n      grpc_buffer_size 64k;\n\
         \x20     grpc_ssl_protocols TLSv1.3;\n      grpc_ssl_certificate {certificate};\n\
         \x20     grpc_ssl_certificate_key {key};\n      grpc_ssl_trusted_certificate {source_ca};\n\
         \x20     grpc_ssl_session_reuse off;\n    }}\n  }}\n}}\n",
        folder = folder.display(),
        requester = requester.ca.display(),
        source_ca = theirs.ca.display(),
    ))
}
