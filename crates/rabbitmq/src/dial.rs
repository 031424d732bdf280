//! Connections to a broker.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::Mutex;

use lambda_esm_core::fault::SourceError;
use lapin::tcp::OwnedTLSConfig;
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use lapin::{AsyncTcpStream, Connection, ConnectionProperties, runtime};
use tokio::net::lookup_host;

use crate::address::BrokerAddress;
use crate::place::Place;
use crate::problem;
use lambda_esm_engine::credentials::Credentials;

/// How often each side says that it lives, in seconds; one that said nothing for twice as long is gone.
const HEARTBEAT: u16 = 10;
/// The largest frame, in bytes, which is RabbitMQ's default. The client sets memory aside by it.
const LARGEST_FRAME: u32 = 128 * 1024;

/// The socket of a connection, which is cut when this is dropped: a client that waits for its broker waits no longer then.
#[derive(Debug)]
pub(crate) struct Wire(TcpStream);

impl Wire {
    pub(crate) fn cut(&self) {
        // One that is closed already is as it should be.
        self.0.shutdown(Shutdown::Both).ok();
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.cut();
    }
}

/// Connects, logs in and enters the virtual host. `name` is what the broker's operator sees.
pub(crate) async fn dial(
    address: &BrokerAddress,
    place: &Place,
    credentials: &Credentials,
    name: &str,
) -> Result<(Connection, Wire), SourceError> {
    let runtime = runtime::default_runtime().map_err(|error| problem::consuming(&error, place))?;
    let unreachable = |error| problem::unreachable(&error, place);
    let addresses = lookup_host((address.host.as_str(), address.port)).await;
    let addresses: Vec<_> = addresses.map_err(unreachable)?.collect();
    let stream = AsyncTcpStream::connect(&runtime, addresses).await;
    let stream = stream.map_err(unreachable)?;
    let AsyncTcpStream::Plain(plain) = &stream else {
        return Err(unreachable(io::ErrorKind::Unsupported.into()));
    };
    let socket = plain.get_ref().as_fd().try_clone_to_owned();
    let wire = Wire(socket.map_err(unreachable)?.into());
    let stream = if address.tls {
        let trust = OwnedTLSConfig {
            identity: None,
            cert_chain: address.root_ca.as_deref().map(str::to_owned),
        };
        let secured = stream.into_tls(&address.host, trust.as_ref()).await;
        secured.map_err(|error| problem::tls(&error, place))?
    } else {
        stream
    };
    // The client asks for its stream once, as it does not connect again.
    let stream = Mutex::new(Some(stream));
    let connect = async move |_, _| {
        let taken = stream.lock().ok().and_then(|mut stream| stream.take());
        taken.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected).into())
    };
    let options = ConnectionProperties::default().with_connection_name(name.into());
    let uri = uri(address, place, credentials);
    let connection = Connection::connector(uri, runtime, connect, options).await;
    let connection =
        connection.map_err(|error| problem::login(&error, &credentials.username, place))?;
    Ok((connection, wire))
}

fn uri(address: &BrokerAddress, place: &Place, credentials: &Credentials) -> AMQPUri {
    AMQPUri {
        scheme: if address.tls {
            AMQPScheme::AMQPS
        } else {
            AMQPScheme::AMQP
        },
        authority: AMQPAuthority {
            userinfo: AMQPUserInfo {
                username: credentials.username.clone(),
                password: credentials.password.clone(),
            },
            host: address.host.clone(),
            port: address.port,
        },
        vhost: place.virtual_host.clone(),
        query: AMQPQueryString {
            frame_max: Some(LARGEST_FRAME),
            heartbeat: Some(HEARTBEAT),
            ..AMQPQueryString::default()
        },
    }
}
