//! A PostgreSQL of the test run's own: made when a test first needs it, in a temporary folder, as an
//! unprivileged user, on a loopback port; ended by its id when the run ends, however that ends.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};

/// Password of the reader; with a sign in it that an address would have to escape.
pub const PASSWORD: &str = "sesame@%41";
/// A user that owns nothing, on every Unix.
const NOBODY: u32 = 65_534;

/// A server that runs.
pub struct Server {
    /// Folder of its Unix socket.
    pub folder: PathBuf,
    /// Its port on 127.0.0.1, part of the socket's name too.
    pub port: u16,
}

/// The server; none: PostgreSQL is not installed here, which is said.
pub fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(start);
    if server.is_none() {
        eprintln!("skipped: no initdb and postgres on PATH or below /usr/lib/postgresql");
    }
    server.as_ref()
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    std::env::split_paths(&path)
        .chain(debian.map(|version| version.path().join("bin")))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// PostgreSQL will not run as root.
fn unprivileged(program: &Path) -> Vec<String> {
    let root = std::fs::metadata("/proc/self").is_ok_and(|of| {
        use std::os::unix::fs::MetadataExt as _;
        of.uid() == 0
    });
    let program = program.display().to_string();
    if !root {
        return vec![program];
    }
    let user = format!("--reuid={NOBODY}");
    let group = format!("--regid={NOBODY}");
    ["setpriv", &user, &group, "--clear-groups", "--"]
        .map(str::to_owned)
        .into_iter()
        .chain([program])
        .collect()
}

fn start() -> Option<Server> {
    let (initdb, postgres) = (program("initdb")?, program("postgres")?);
    let folder = tempfile::Builder::new().prefix("pgt").tempdir().unwrap().keep();
    let _ = std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY));
    let secret = folder.join("secret");
    std::fs::write(&secret, "owner").unwrap();
    let data = folder.join("data").display().to_string();
    let words = unprivileged(&initdb);
    let made = Command::new(&words[0])
        .args(&words[1..])
        .args(["-D", &data, "-U", "owner", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
        // Words in the order of a dictionary: not that of bytes.
        .args(["--locale-provider=icu", "--icu-locale=en-US", "--auth=scram-sha-256"])
        .arg(format!("--pwfile={}", secret.display()))
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    // The shell waits for the end of its input, which comes when this process ends, and ends the server by
    // its id.
    let command = format!(
        "{} -D '{data}' -p {port} -k '{}' -c listen_addresses=127.0.0.1 -c fsync=off \
         -c max_connections=60 >'{}' 2>&1 & pid=$!; cat >/dev/null; kill -INT $pid; wait $pid; \
         rm -rf '{}'",
        unprivileged(&postgres).join(" "),
        folder.display(),
        folder.join("log").display(),
        folder.display(),
    );
    let shell = Command::new("sh")
        .args(["-c", &command])
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Its input stays open as long as this process lives.
    std::mem::forget(shell);
    Some(Server { folder, port })
}

/// What the agency does is not for the log that tests look at.
async fn connect(url: &str) -> Result<PgConnection, sqlx::Error> {
    url.parse::<PgConnectOptions>()?.disable_statement_logging().connect().await
}

/// A database of a test's own, and a role that may only read.
pub struct Database {
    server: &'static Server,
    name: String,
    /// A connection of the owner.
    pub owner: PgConnection,
}

impl Database {
    /// Makes one; none: there is no server.
    pub async fn new() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = server()?;
        let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let url = |name: &str| format!("postgres://owner:owner@127.0.0.1:{}/{name}", server.port);
        let mut first = loop {
            match connect(&url("postgres")).await {
                Ok(connection) => break connection,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        // Another test of this process may have made the role.
        let role = format!("CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'");
        let _ = sqlx::query(AssertSqlSafe(role)).execute(&mut first).await;
        let create = format!("CREATE DATABASE {name}");
        sqlx::query(AssertSqlSafe(create)).execute(&mut first).await.unwrap();
        let owner = connect(&url(&name)).await.unwrap();
        let mut database = Self { server, name, owner };
        database.run("CREATE SCHEMA x; GRANT USAGE ON SCHEMA x TO reader").await;
        database.run("ALTER DEFAULT PRIVILEGES IN SCHEMA x GRANT SELECT ON TABLES TO reader").await;
        Some(database)
    }

    /// Runs statements as the owner.
    pub async fn run(&mut self, sql: &str) {
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.owner).await;
        done.unwrap_or_else(|error| panic!("{error}: {sql}"));
    }

    /// What a mapping says to reach it as the reader; writes the password beside it.
    pub fn spelled(&self, folder: &Path) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let secret = folder.join("reader.password");
        std::fs::write(&secret, format!("{PASSWORD}\n")).unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        format!("{{ url = \"{}\", password_file = \"reader.password\" }}", self.url())
    }

    /// Its address, for the reader.
    pub fn url(&self) -> String {
        format!("postgres://reader@127.0.0.1:{}/{}", self.server.port, self.name)
    }

    /// Its address by the Unix socket.
    pub fn socket_url(&self) -> String {
        let folder = self.server.folder.display().to_string().replace('/', "%2F");
        format!("postgres://reader@/{}?host={folder}&port={}", self.name, self.server.port)
    }
}
