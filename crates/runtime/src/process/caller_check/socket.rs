//! Which socket the client's end of a connection is.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddrV4};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

use super::Ends;
use crate::process::resource_exhaustion::is_exhaustion;

/// A socket that somebody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Socket {
    /// Its number, by which `/proc/PID/fd` names it.
    pub(super) inode: u64,
    /// The user who made it.
    pub(super) user: u32,
}

/// Returns the client's socket; `None` if it is closed.
///
/// The kernel finds one among any number at once. Where it may not be asked, its table is read: 1 ms, and 2 ms
/// more for every thousand connections of the machine.
pub(super) fn of_client(ends: Ends) -> io::Result<Option<Socket>> {
    match ask(ends) {
        Err(error) if !is_exhaustion(&error) => look_up(ends),
        answer => answer,
    }
}

// Of `linux/netlink.h`, `linux/sock_diag.h` and `linux/inet_diag.h`; see sock_diag(7).
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLMSG_ERROR: u16 = 2;
const NLM_F_REQUEST: u16 = 1;
const IPPROTO_TCP: u8 = 6;
const AF_INET: u8 = 2;
const ENOENT: i32 = 2;
const HEADER: usize = 16;
const REQUEST: usize = HEADER + 56;
/// Where `idiag_uid` and `idiag_inode` stand in an answer.
const USER: usize = HEADER + 64;
const INODE: usize = HEADER + 68;

/// Asks the kernel for the one socket of these addresses. It finds a client's that is of IPv6 and bound to a
/// mapped address as well.
fn ask(ends: Ends) -> io::Result<Option<Socket>> {
    let kernel = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    send(&kernel, &request(ends), SendFlags::empty())?;
    let mut answer = [0; 1024];
    // The answer is there when the question is sent.
    let (_, size) = recv(&kernel, &mut answer, RecvFlags::DONTWAIT)?;
    read(answer.get(..size).unwrap_or_default())
}

fn request(Ends { client, server }: Ends) -> Vec<u8> {
    let mut request = Vec::with_capacity(REQUEST);
    // nlmsghdr: length, type, flags, sequence, port.
    request.extend((REQUEST as u32).to_ne_bytes());
    request.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request.extend(NLM_F_REQUEST.to_ne_bytes());
    request.extend([0; 8]);
    // inet_diag_req_v2: family, protocol, extensions, padding, all states.
    request.extend([AF_INET, IPPROTO_TCP, 0, 0]);
    request.extend(u32::MAX.to_ne_bytes());
    // inet_diag_sockid: ports, addresses of 16 bytes, interface, no cookie.
    request.extend(client.port().to_be_bytes());
    request.extend(server.port().to_be_bytes());
    for address in [client.ip(), server.ip()] {
        request.extend(address.octets());
        request.extend([0; 12]);
    }
    request.extend(0_u32.to_ne_bytes());
    request.extend([0xff; 8]);
    request
}

fn read(answer: &[u8]) -> io::Result<Option<Socket>> {
    let odd = || io::Error::new(io::ErrorKind::InvalidData, "sock_diag answered oddly");
    let at = |place| Some(u32::from_ne_bytes(*answer.get(place..)?.first_chunk()?));
    let kind = answer.get(4..).and_then(|rest| rest.first_chunk());
    match kind.copied().map(u16::from_ne_bytes) {
        Some(SOCK_DIAG_BY_FAMILY) => {
            let (inode, user) = at(INODE).zip(at(USER)).ok_or_else(odd)?;
            Ok(socket(inode.into(), user))
        }
        Some(NLMSG_ERROR) => match at(HEADER).map(|code| code.cast_signed().wrapping_neg()) {
            Some(ENOENT) => Ok(None),
            Some(code) => Err(io::Error::from_raw_os_error(code)),
            None => Err(odd()),
        },
        _ => Err(odd()),
    }
}

/// One that nobody has any more is there for a while, with no number.
fn socket(inode: u64, user: u32) -> Option<Socket> {
    (inode != 0).then_some(Socket { inode, user })
}

/// Finds the socket in the kernel's tables (proc_pid_net(5)).
fn look_up(ends: Ends) -> io::Result<Option<Socket>> {
    let plain = |address: SocketAddrV4| (hexadecimal(*address.ip()), address.port());
    let mapped = |address: SocketAddrV4| {
        let ip = hexadecimal(*address.ip());
        let prefix = hexadecimal(Ipv4Addr::new(0, 0, 0xff, 0xff));
        (format!("{:016}{prefix}{ip}", 0), address.port())
    };
    let (client, server) = (plain(ends.client), plain(ends.server));
    if let Some(found) = row("/proc/net/tcp", &client, &server)? {
        return Ok(found);
    }
    let (client, server) = (mapped(ends.client), mapped(ends.server));
    match row("/proc/net/tcp6", &client, &server) {
        Ok(found) => Ok(found.flatten()),
        // A machine without IPv6.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Four bytes of an address, as the tables show them: as a number of this machine.
fn hexadecimal(address: Ipv4Addr) -> String {
    format!("{:08X}", u32::from_ne_bytes(address.octets()))
}

fn row(
    table: &str,
    client: &(String, u16),
    server: &(String, u16),
) -> io::Result<Option<Option<Socket>>> {
    let ends = format!(
        " {}:{:04X} {}:{:04X} ",
        client.0, client.1, server.0, server.1
    );
    for line in BufReader::new(File::open(table)?).lines() {
        let line = line?;
        if line.contains(&ends) {
            let mut words = line.split_whitespace();
            let user = words.nth(7).and_then(|word| word.parse().ok());
            let inode = words.nth(1).and_then(|word| word.parse().ok());
            return Ok(Some(
                inode
                    .zip(user)
                    .and_then(|(inode, user)| socket(inode, user)),
            ));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, TcpListener, TcpStream};
    use std::os::fd::AsRawFd;

    use super::*;

    fn ends(server: &TcpStream) -> Ends {
        match (server.peer_addr().unwrap(), server.local_addr().unwrap()) {
            (SocketAddr::V4(client), SocketAddr::V4(server)) => Ends { client, server },
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_clients_socket_is_found_whichever_way_the_kernel_is_asked() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
        let mapped = SocketAddrV6::new(mapped, address.port(), 0, 0);
        for address in [address, mapped.into()] {
            let client = match TcpStream::connect(address) {
                Err(_) if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() => continue,
                connected => connected.unwrap(),
            };
            let (server, _) = listener.accept().unwrap();
            let ends = ends(&server);
            let link = std::fs::read_link(format!("/proc/self/fd/{}", client.as_raw_fd())).unwrap();
            let found = look_up(ends).unwrap().unwrap();
            assert_eq!(link.to_str(), Some(&*format!("socket:[{}]", found.inode)));
            assert_eq!(found.user, rustix::process::geteuid().as_raw());
            if let Ok(asked) = ask(ends) {
                assert_eq!(asked, Some(found));
            }
            // Our own end is another socket.
            let turned = Ends {
                client: ends.server,
                server: ends.client,
            };
            assert_ne!(look_up(turned).unwrap(), Some(found));
            drop(client);
            assert_eq!(of_client(ends).unwrap(), None);
            assert_eq!(look_up(ends).unwrap(), None);
        }
    }

    #[test]
    fn a_refusal_of_the_kernel_is_an_error_and_an_unknown_socket_is_none() {
        let refusal = |code: i32| {
            let mut answer = vec![0; 36];
            answer[4..6].copy_from_slice(&NLMSG_ERROR.to_ne_bytes());
            answer[16..20].copy_from_slice(&(-code).to_ne_bytes());
            read(&answer)
        };
        assert_eq!(refusal(ENOENT).unwrap(), None);
        let error = refusal(1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        for short in [0, 5, 17, 60] {
            let mut answer = vec![0; short];
            if let Some(kind) = answer.get_mut(4..6) {
                kind.copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
            }
            assert!(read(&answer).is_err(), "{short}");
        }
    }
}
