//! A client of AMQP 1.0 beside the one under test.

use std::time::Duration;

use fe2o3_amqp::connection::ConnectionHandle;
use fe2o3_amqp::sasl_profile::SaslProfile;
use fe2o3_amqp::session::SessionHandle;
use fe2o3_amqp::types::messaging::{Body, Message, Properties};
use fe2o3_amqp::types::primitives::{OrderedMap, Value};
use fe2o3_amqp::{Connection, Receiver, Sender, Session};
use tokio::net::TcpStream;
use tokio::time::timeout;
use uuid::Uuid;

use crate::scene::PATIENCE;
use crate::wait::until;

/// Longer than a greeting takes.
const GREETING: Duration = Duration::from_secs(5);

pub(crate) struct Amqp {
    session: SessionHandle<()>,
    _connection: ConnectionHandle<()>,
}

impl Amqp {
    /// Connects to the broker at `HOST:PORT`. One that has only just started may not answer its first client, ever.
    pub(crate) async fn to(broker: &str) -> Self {
        until("the broker greets a client", async || {
            timeout(GREETING, Self::greet(broker)).await.ok()
        })
        .await
    }

    async fn greet(broker: &str) -> Self {
        let mut connection = Connection::builder()
            .container_id(Uuid::new_v4().to_string())
            .sasl_profile(SaslProfile::Plain {
                username: "admin".to_owned(),
                password: "admin-secret".to_owned(),
            })
            .open_with_stream(TcpStream::connect(broker).await.unwrap())
            .await
            .unwrap();
        Self {
            session: Session::begin(&mut connection).await.unwrap(),
            _connection: connection,
        }
    }

    /// Publishes a message, and returns when the queue has it.
    pub(crate) async fn publish(&mut self, queue: &str, message: Message<Body<Value>>) {
        let name = Uuid::new_v4().to_string();
        let sender = Sender::attach(&mut self.session, name, format!("queue://{queue}"));
        let mut sender = sender.await.unwrap();
        let outcome = sender.send(message).await.unwrap();
        assert!(outcome.is_accepted(), "{outcome:?}");
        sender.close().await.unwrap();
    }

    /// Makes a queue that is not there.
    pub(crate) async fn make(&mut self, queue: &str) {
        let name = Uuid::new_v4().to_string();
        let made = Sender::attach(&mut self.session, name, format!("queue://{queue}"));
        made.await.unwrap().close().await.unwrap();
    }

    /// Returns how many messages wait in a queue that no consumer has.
    pub(crate) async fn ready(&mut self, queue: &str) -> usize {
        let reply = Uuid::new_v4().to_string();
        let mut replies = Receiver::attach(&mut self.session, reply.clone(), reply.clone())
            .await
            .unwrap();
        let properties = Properties::builder().reply_to(format!("queue://{reply}"));
        let message = Message::builder()
            .properties(properties.build())
            .body(Body::Empty)
            .build();
        let statistics = format!("ActiveMQ.Statistics.Destination.{queue}");
        self.publish(&statistics, message).await;
        let answer = timeout(PATIENCE, replies.recv::<OrderedMap<String, Value>>());
        let answer = answer.await.expect("the broker tells").unwrap();
        replies.accept(&answer).await.unwrap();
        let number = |name: &str| match answer.body().get(name) {
            Some(Value::Long(number)) => usize::try_from(*number).unwrap(),
            other => panic!("{name}: {other:?}"),
        };
        let ready = number("size") - number("inflightCount");
        replies.close().await.unwrap();
        ready
    }
}
