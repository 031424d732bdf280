//! Ways to a broker that can be cut.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A way to a broker.
pub(crate) struct Line {
    /// Where it begins.
    pub(crate) address: String,
    task: JoinHandle<()>,
}

impl Line {
    /// Returns a way to the broker at `HOST:PORT`.
    pub(crate) async fn to(broker: &str) -> Self {
        Self::from("127.0.0.1:0", broker).await
    }

    /// Returns a way that begins at `HOST:PORT`.
    pub(crate) async fn from(begin: &str, broker: &str) -> Self {
        let listener = TcpListener::bind(begin).await.unwrap();
        let address = format!("amqp://{}", listener.local_addr().unwrap());
        let broker = broker.to_owned();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let mut server = TcpStream::connect(&broker).await.unwrap();
                connections
                    .spawn(async move { copy_bidirectional(&mut client, &mut server).await });
            }
        });
        Self { address, task }
    }

    /// Ends whatever goes by it, without a word.
    pub(crate) async fn cut(self) {
        self.task.abort();
        drop(self.task.await);
    }
}
