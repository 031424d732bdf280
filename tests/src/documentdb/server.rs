//! Servers of a test's own, which it may kill.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;

use mongodb::Client;
use mongodb::bson::{Document, doc};
use tokio::process::{Child, Command};
use uuid::Uuid;

use crate::ports::free_ports;
use crate::servers::variable;
use crate::wait::until;

/// A server of change streams with a port and a folder of its own, which keeps what it has acknowledged. Its process is
/// killed and its data removed when it is dropped.
#[derive(Debug)]
pub struct SecantusDb {
    program: String,
    folder: PathBuf,
    port: u16,
    process: Option<Child>,
}

impl SecantusDb {
    /// Starts a server with options of its own, and returns when it can be used; or says that the test is skipped.
    pub async fn start(options: &[&str]) -> Option<Self> {
        let program = variable("LAMBDA_ESM_TEST_SECANTUSD")?;
        let folder = std::env::temp_dir().join(format!("secantusdb-{}", Uuid::new_v4().simple()));
        fs::create_dir(&folder).unwrap();
        let [port] = free_ports();
        let mut server = Self {
            program,
            folder,
            port,
            process: None,
        };
        server.restart(options).await;
        Some(server)
    }

    /// Returns its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mongodb://127.0.0.1:{}/?directConnection=true", self.port)
    }

    /// Returns a client of its own.
    pub async fn client(&self) -> Client {
        Client::with_uri_str(self.url()).await.unwrap()
    }

    /// Kills it without a chance to clean up.
    pub async fn kill(&mut self) {
        self.process.take().unwrap().kill().await.unwrap();
    }

    /// Starts it again with what it has kept, and returns when it can be used.
    pub async fn restart(&mut self, options: &[&str]) {
        let log = File::create(self.folder.join("log")).unwrap();
        let process = Command::new(&self.program)
            .args(["--host", "127.0.0.1", "--port", &self.port.to_string()])
            .arg("--storage-path")
            .arg(self.folder.join("data"))
            .args(["--cache-size", "64M", "--log-level", "WARNING"])
            .args(["--sync-on-commit", "--enable-test-commands"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        self.process = Some(process);
        let url = format!("{}&serverSelectionTimeoutMS=500", self.url());
        let client = Client::with_uri_str(url).await.unwrap();
        until("SecantusDB answers", async || {
            self.assert_runs();
            let admin = client.database("admin");
            admin.run_command(doc! {"hello": 1}).await.ok()
        })
        .await;
    }

    fn assert_runs(&mut self) {
        let process = self.process.as_mut().unwrap();
        if let Some(status) = process.try_wait().unwrap() {
            let log = fs::read_to_string(self.folder.join("log"));
            panic!("the server ended with {status}: {}", log.unwrap());
        }
    }

    /// Has the next commands of a kind fail, so many times: `how` is what the command `configureFailPoint` takes.
    pub async fn fail(&self, command: &str, times: i32, how: Document) {
        let mut data = doc! {"failCommands": [command]};
        data.extend(how);
        let point =
            doc! {"configureFailPoint": "failCommand", "mode": {"times": times}, "data": data};
        let admin = self.client().await.database("admin");
        admin.run_command(point).await.unwrap();
    }

    /// Has it forget the changes that are beyond what its options have it keep.
    pub async fn prune(&self) {
        let admin = self.client().await.database("admin");
        let prune = doc! {"secantusAdmin.pruneOplog": 1};
        admin.run_command(prune).await.unwrap();
    }
}

impl Drop for SecantusDb {
    fn drop(&mut self) {
        // Killed now, so that it does not write into the folder while that is removed.
        if let Some(mut process) = self.process.take() {
            process.start_kill().ok();
            while matches!(process.try_wait(), Ok(None)) {
                std::thread::yield_now();
            }
        }
        fs::remove_dir_all(&self.folder).ok();
    }
}
