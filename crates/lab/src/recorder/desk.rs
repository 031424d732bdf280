//! Who takes in what a recorder is told: the one who tells it, or, once there is much, a thread of its own.

use std::sync::mpsc::{Receiver, SendError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::books::{Books, Inner};
use super::note::Note;

/// So many notes are taken in as they are told: no thread is worth its start for less.
const FIRST: usize = 20_000;

/// How many notes are handed to the thread at a time, and how many bytes of events they may have.
const CHUNK: usize = 1_024;
const CHUNK_BYTES: usize = 1024 * 1024;

/// How many chunks it may be behind.
const BEHIND: usize = 4;

/// Takes notes in, in their order.
pub(super) struct Desk {
    books: Arc<Books>,
    inner: Arc<Mutex<Inner>>,
    pile: Mutex<Pile>,
}

struct Pile {
    /// How many notes are taken in before a thread begins to; `None` if none ever does.
    first: Option<usize>,
    notes: Vec<Note>,
    bytes: usize,
    clerk: Option<SyncSender<Load>>,
}

enum Load {
    Notes(Vec<Note>),
    /// To be answered once all before it are taken in.
    Question(SyncSender<()>),
}

impl Desk {
    /// With `aside`, a thread takes notes in once there are many.
    pub(super) fn new(books: Arc<Books>, inner: Inner, aside: bool) -> Self {
        Self {
            books,
            inner: Arc::new(Mutex::new(inner)),
            pile: Mutex::new(Pile {
                first: aside.then_some(FIRST),
                notes: Vec::new(),
                bytes: 0,
                clerk: None,
            }),
        }
    }

    fn pile(&self) -> MutexGuard<'_, Pile> {
        self.pile.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a note taken in, now or later.
    pub(super) fn tell(&self, note: Note) {
        let mut pile = self.pile();
        if pile.clerk.is_none() && pile.first == Some(0) {
            pile.first = None;
            pile.clerk = self.begin();
        }
        if pile.clerk.is_none() {
            pile.first = pile.first.map(|first| first - 1);
            self.books.take_in(&mut lock(&self.inner), note);
            return;
        }
        if let Note::Began(begun) = &note {
            pile.bytes += begun.payload.len();
        }
        pile.notes.push(note);
        if pile.notes.len() >= CHUNK || pile.bytes >= CHUNK_BYTES {
            self.hand_over(&mut pile);
        }
    }

    /// Runs `look` on all that was told so far.
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        let mut pile = self.pile();
        if pile.clerk.is_some() {
            self.hand_over(&mut pile);
            let (answer, answered) = sync_channel(1);
            let clerk = pile.clerk.as_ref();
            if clerk.is_some_and(|clerk| clerk.send(Load::Question(answer)).is_ok()) {
                // An error means that the thread is gone, and takes in nothing any more.
                answered.recv().ok();
            }
        }
        look(&mut lock(&self.inner))
    }

    fn hand_over(&self, pile: &mut Pile) {
        let notes = std::mem::replace(&mut pile.notes, Vec::with_capacity(CHUNK));
        pile.bytes = 0;
        let Some(clerk) = &pile.clerk else {
            return;
        };
        if let Err(SendError(Load::Notes(notes))) = clerk.send(Load::Notes(notes)) {
            self.books.take_in_all(&mut lock(&self.inner), notes);
        }
    }

    /// Begins a thread. Without one, notes are taken in by those who tell them.
    fn begin(&self) -> Option<SyncSender<Load>> {
        let (clerk, loads) = sync_channel(BEHIND);
        let (books, inner) = (self.books.clone(), self.inner.clone());
        let thread = thread::Builder::new().name("recorder".to_owned());
        let spawned = thread.spawn(move || take_in_all(&books, &inner, &loads));
        spawned.ok().map(|_| clerk)
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes in all that comes, until nobody is left who tells.
fn take_in_all(books: &Books, inner: &Mutex<Inner>, loads: &Receiver<Load>) {
    for load in loads {
        match load {
            Load::Notes(notes) => books.take_in_all(&mut lock(inner), notes),
            // Who asks waits.
            Load::Question(answer) => drop(answer.send(())),
        }
    }
}
