//! Processes under test: started on their core, watched through /proc, ended with us.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

/// A process of ours. Dropping it kills it; it also dies with us.
pub struct Process {
    child: Child,
    pid: u32,
    _stdin: Option<ChildStdin>,
}

/// CPU time that a process used.
#[derive(Clone, Copy, Default, Debug)]
pub struct Cpu {
    /// All of it, in nanoseconds.
    pub nanos: u64,
    /// User time, in clock ticks of 10 ms.
    pub user: u64,
    /// System time, the same.
    pub system: u64,
}

impl Cpu {
    /// What was used since `before`.
    pub fn since(self, before: Self) -> Self {
        Self {
            nanos: self.nanos.saturating_sub(before.nanos),
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
        }
    }
}

/// Is there such a program?
pub fn program(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).chain(["/usr/sbin".into()]).any(|dir| dir.join(name).is_file())
    })
}

/// The command that runs something on a core and lets it die with us, as far as the machine has the means.
fn on_core(core: usize, binary: &Path) -> Command {
    let mut words: Vec<std::ffi::OsString> = vec![];
    if program("setpriv") {
        words.extend(["setpriv", "--pdeathsig", "KILL"].map(Into::into));
    }
    if program("taskset") {
        words.extend(["taskset".into(), "-c".into(), core.to_string().into()]);
    }
    words.push(binary.into());
    let mut command = Command::new(words.remove(0));
    command.args(words).kill_on_drop(true);
    command
}

impl Process {
    /// Starts something that says `.. listens on ADDRESS, ..` when it is ready.
    ///
    /// # Errors
    /// When it ends before that.
    pub async fn listening(
        core: usize,
        binary: &Path,
        args: &[&str],
    ) -> anyhow::Result<(Self, String)> {
        let mut child = on_core(core, binary)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line())
            .await
            .context("it does not say that it listens")??
            .with_context(|| format!("{} ended at once", binary.display()))?;
        let address = line
            .split("listens on ")
            .nth(1)
            .and_then(|rest| rest.split(',').next())
            .with_context(|| format!("no address in `{line}`"))?
            .to_owned();
        let (stdin, pid) = (child.stdin.take(), child.id().context("it ended")?);
        Ok((Self { child, pid, _stdin: stdin }, address))
    }

    /// Starts something that says nothing, and waits until it takes connections.
    ///
    /// # Errors
    /// When it does not.
    pub async fn silent(
        core: usize,
        binary: &Path,
        args: &[&str],
        address: &str,
    ) -> anyhow::Result<Self> {
        let mut child = on_core(core, binary).args(args).stdin(Stdio::null()).spawn()?;
        let pid = child.id().context("it ended")?;
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return Ok(Self { child, pid, _stdin: None });
            }
            if let Some(status) = child.try_wait()? {
                anyhow::bail!("{} ended: {status}", binary.display());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        anyhow::bail!("{} does not listen", binary.display())
    }

    /// CPU time used so far.
    ///
    /// # Errors
    /// When it is gone.
    pub fn cpu(&self) -> anyhow::Result<Cpu> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        // The name stands in parentheses and may hold anything; user and system time are fields 14 and 15.
        let after: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| after.get(at).and_then(|text| text.parse().ok()).unwrap_or(0);
        let (user, system) = (ticks(11), ticks(12));
        let mut nanos = 0_u64;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.pid))? {
            // A thread may end meanwhile.
            let text = std::fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
            nanos += text.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0);
        }
        if nanos == 0 {
            nanos = (user + system) * 10_000_000;
        }
        Ok(Cpu { nanos, user, system })
    }

    /// Resident memory now and at most, in KiB.
    pub fn memory(&self) -> (u64, u64) {
        let text =
            std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let of = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name))
                .and_then(|rest| rest.split_whitespace().next())
                .and_then(|number| number.parse().ok())
                .unwrap_or(0)
        };
        (of("VmRSS:"), of("VmHWM:"))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Ends it.
    pub async fn end(mut self) {
        let _ = self.child.kill().await;
    }
}

/// A port that was free a moment ago.
///
/// # Errors
/// When there is none.
pub fn free_address() -> anyhow::Result<String> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
