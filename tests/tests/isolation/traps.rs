//! Who is called: the metadata services, whatever there is at port 443, and which names are looked up.

use std::io::Read as _;
use std::net::{TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What was called so far. Every name leads to this machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traps {
    touched: Arc<Mutex<Vec<String>>>,
}

impl Traps {
    pub(crate) fn set() -> Self {
        let traps = Self::default();
        for address in ["169.254.169.254:80", "169.254.170.2:80", "0.0.0.0:443"] {
            traps.listen(address);
        }
        traps.answer_names();
        traps
    }

    /// Returns and forgets what was called: an address and the beginning of what it was sent (for TLS that
    /// has the server's name), or `name` and the name that was looked up.
    pub(crate) fn touched(&self) -> Vec<String> {
        std::mem::take(&mut *self.touched.lock().unwrap())
    }

    fn listen(&self, address: &'static str) {
        let listener = TcpListener::bind(address).unwrap();
        let touched = self.touched.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let patience = Some(Duration::from_secs(1));
                stream.set_read_timeout(patience).unwrap();
                let mut bytes = [0; 2048];
                let length = stream.read(&mut bytes).unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes[..length]);
                touched.lock().unwrap().push(format!("{address} {text}"));
            }
        });
    }

    /// Answers every question about a name with the address of this machine (RFC 1035).
    fn answer_names(&self) {
        let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
        let touched = self.touched.clone();
        thread::spawn(move || {
            let mut packet = [0; 512];
            loop {
                let (length, client) = socket.recv_from(&mut packet).unwrap();
                let (name, end) = name(&packet[12..length]);
                let question = &packet[12..12 + end + 4];
                let is_ipv4 = question[end..end + 2] == [0, 1];
                let mut answer = packet[..2].to_vec();
                answer.extend([0x81, 0x80, 0, 1, 0, u8::from(is_ipv4), 0, 0, 0, 0]);
                answer.extend(question);
                if is_ipv4 {
                    answer.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
                }
                socket.send_to(&answer, client).unwrap();
                touched.lock().unwrap().push(format!("name {name}"));
            }
        });
    }
}

/// Returns the name that a question begins with, and its length there.
fn name(question: &[u8]) -> (String, usize) {
    let mut labels = Vec::new();
    let mut at = 0;
    while question[at] != 0 {
        let length = usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..=at + length]));
        at += length + 1;
    }
    (labels.join("."), at + 1)
}
