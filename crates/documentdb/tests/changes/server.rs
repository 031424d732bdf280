//! A server of a test's own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mongodb::Client;
use mongodb::bson::{Document, doc};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::ports::free_ports;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server, which ends with this.
pub(crate) struct Server {
    program: String,
    folder: PathBuf,
    port: u16,
    child: Child,
}

impl Server {
    /// Starts a server with options of its own, or says that the test is skipped. What it has acknowledged survives it.
    pub(crate) async fn start(options: &[&str]) -> Option<Self> {
        let Ok(program) = std::env::var("LAMBDA_ESM_TEST_SECANTUSD") else {
            println!("skipped: LAMBDA_ESM_TEST_SECANTUSD is not set");
            return None;
        };
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(uuid::Uuid::new_v4().to_string());
        fs::create_dir_all(&folder).unwrap();
        let [port] = free_ports();
        let child = launch(&program, &folder, port, options);
        let mut server = Self {
            program,
            folder,
            port,
            child,
        };
        server.listens().await;
        Some(server)
    }

    /// Kills it, as a crash does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again with what it has stored.
    pub(crate) async fn start_again(&mut self, options: &[&str]) {
        self.child = launch(&self.program, &self.folder, self.port, options);
        self.listens().await;
    }

    async fn listens(&mut self) {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            let ended = self.child.try_wait().unwrap();
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(ended.is_none(), "the server ended: {}", log());
            assert!(begun.elapsed() < PATIENCE, "no server: {}", log());
            sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("mongodb://127.0.0.1:{}/?directConnection=true", self.port)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) async fn client(&self) -> Client {
        Client::with_uri_str(self.url()).await.unwrap()
    }

    /// Has the next commands of a kind fail, so many times.
    pub(crate) async fn fail(&self, command: &str, times: i32, how: Document) {
        let mut data = doc! {"failCommands": [command]};
        data.extend(how);
        let point =
            doc! {"configureFailPoint": "failCommand", "mode": {"times": times}, "data": data};
        let admin = self.client().await.database("admin");
        admin.run_command(point).await.unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.kill();
        }
        let removed = fs::remove_dir_all(&self.folder);
        assert!(removed.is_ok() || std::thread::panicking(), "{removed:?}");
    }
}

fn launch(program: &str, folder: &Path, port: u16, options: &[&str]) -> Child {
    let log = File::create(folder.join("log")).unwrap();
    Command::new(program)
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .arg("--storage-path")
        .arg(folder.join("data"))
        .args([
            "--cache-size",
            "64M",
            "--log-level",
            "WARNING",
            "--sync-on-commit",
            "--enable-test-commands",
        ])
        .args(options)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}
