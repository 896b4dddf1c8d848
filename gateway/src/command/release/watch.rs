//! `portcullis release watch`: a line per step, for as long as it is wanted. A connection that ends is made again
//! behind the last step that was shown.

use std::io::Write;
use std::time::Duration;

use portcullis_proto::query::v1 as wire;

use super::super::interrupted;
use super::super::query::tell;
use super::{WatchArgs, client, format, show};
use crate::client::render::text::safe;
use crate::client::{Profile, Refused, connect};

/// Pause before a connection is made again.
const AGAIN: Duration = Duration::from_secs(1);

pub(super) async fn run(args: WatchArgs, out: &mut (dyn Write + Send)) -> anyhow::Result<bool> {
    let profile = Profile::load(&args.profile)?;
    let stop = interrupted()?;
    tokio::select! {
        () = stop => Ok(true),
        done = follow(&args, &profile, out) => done,
    }
}

async fn follow(
    args: &WatchArgs,
    profile: &Profile,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<bool> {
    let (mut after, mut left) = (args.after, args.count);
    loop {
        let mut client = client(connect(profile).await?);
        let ask = wire::WatchReleasesRequest { after_position: after };
        let mut stream = match client.watch_releases(ask).await {
            Ok(stream) => stream.into_inner(),
            Err(status) => return tell(&Refused::of(&status), format(args.json), out),
        };
        while left != Some(0) {
            match stream.message().await {
                Ok(Some(told)) => {
                    after = told.position;
                    write(&told, args.json, out)?;
                    left = left.map(|left| left.saturating_sub(1));
                }
                // The gateway went down, or the connection grew too old.
                Ok(None) | Err(_) => break,
            }
        }
        if left == Some(0) {
            return Ok(true);
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn write(
    told: &wire::WatchReleasesResponse,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let release = told.release.clone().unwrap_or_default();
    if json {
        let document = serde_json::json!({
            "position": told.position, "step": told.step, "release": show::document(&release),
        });
        writeln!(out, "{document}")?;
    } else {
        let step = release.steps.iter().find(|step| step.number == told.step);
        let line = step.map(show::line).unwrap_or_default();
        writeln!(out, "{} {} {line}", told.position, safe(&release.id))?;
    }
    out.flush()?;
    Ok(())
}
