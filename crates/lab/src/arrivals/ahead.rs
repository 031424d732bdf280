//! Records are drawn ahead by a thread of their own, once there are many.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::workload::{Drawer, Drawn};

/// So many records are drawn as they are asked for: no thread is worth its start for less.
const FIRST: usize = 20_000;

/// How many records come at a time. To free 64 KB at once has malloc tidy up each time.
const CHUNK: usize = 512;

/// How many chunks are drawn ahead.
const AHEAD: usize = 16;

/// Records in the order in which they are drawn, whoever draws them.
pub(super) struct Ahead {
    drawer: Arc<Mutex<Drawer>>,
    first: usize,
    chunks: Option<Receiver<Vec<Drawn>>>,
    chunk: std::vec::IntoIter<Drawn>,
}

impl Ahead {
    pub(super) fn new(drawer: Drawer) -> Self {
        Self {
            drawer: Arc::new(Mutex::new(drawer)),
            first: FIRST,
            chunks: None,
            chunk: Vec::new().into_iter(),
        }
    }

    /// Has a thread draw from now on. Without one, records are drawn here.
    fn begin(&mut self) {
        let (chunks, receiver) = sync_channel(AHEAD);
        let drawer = self.drawer.clone();
        let thread = thread::Builder::new().name("arrivals".to_owned());
        if thread.spawn(move || draw_all(&drawer, &chunks)).is_ok() {
            self.chunks = Some(receiver);
        }
        self.first = usize::MAX;
    }
}

/// Draws until all is drawn, or nobody wants more.
fn draw_all(drawer: &Mutex<Drawer>, chunks: &SyncSender<Vec<Drawn>>) {
    let mut drawer = drawer.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let chunk: Vec<Drawn> = drawer.by_ref().take(CHUNK).collect();
        if chunk.is_empty() || chunks.send(chunk).is_err() {
            return;
        }
    }
}

impl Iterator for Ahead {
    type Item = Drawn;

    fn next(&mut self) -> Option<Drawn> {
        if self.first == 0 {
            self.begin();
        }
        let Some(chunks) = &self.chunks else {
            self.first -= 1;
            let mut drawer = self.drawer.lock().unwrap_or_else(PoisonError::into_inner);
            return drawer.next();
        };
        if let Some(drawn) = self.chunk.next() {
            return Some(drawn);
        }
        // The thread is gone when all is drawn.
        self.chunk = chunks.recv().ok()?.into_iter();
        self.chunk.next()
    }
}
