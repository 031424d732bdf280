//! Who takes in what a recorder is told: the one who tells it, or, once there is much, a thread of its own.

use std::sync::mpsc::{Receiver, SendError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::books::{Books, Inner};
use super::note::Note;

/// So many notes are taken in as they are told: no thread is worth its start for less.
const FIRST: usize = 20_000;

/// How many notes are handed to the thread at a time, and how many bytes of events they may have. To free 64 KB at once has
/// malloc tidy up each time.
const CHUNK: usize = 256;
const CHUNK_BYTES: usize = 1024 * 1024;

/// How many chunks it may be behind.
const BEHIND: usize = 16;

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
    Question(Question),
}

type Question = Box<dyn FnOnce(&mut Inner) + Send>;

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
        // An error means that the thread is gone, and takes in nothing any more.
        self.ask(|_| ()).recv().ok();
        look(&mut lock(&self.inner))
    }

    /// Has `look` run on all that was told so far, and returns where its answer comes. It need not be waited for.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Inner) -> T + Send + 'static,
    ) -> Receiver<T> {
        let (answer, answered) = sync_channel(1);
        // Who has asked may have gone.
        let question: Question = Box::new(move |inner| drop(answer.send(look(inner))));
        let mut pile = self.pile();
        self.hand_over(&mut pile);
        let Some(clerk) = &pile.clerk else {
            question(&mut lock(&self.inner));
            return answered;
        };
        if let Err(SendError(Load::Question(question))) = clerk.send(Load::Question(question)) {
            question(&mut lock(&self.inner));
        }
        answered
    }

    /// Hands what has piled up to the thread, if there is one.
    fn hand_over(&self, pile: &mut Pile) {
        let Some(clerk) = &pile.clerk else {
            return;
        };
        let notes = std::mem::replace(&mut pile.notes, Vec::with_capacity(CHUNK));
        pile.bytes = 0;
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
            Load::Question(question) => question(&mut lock(inner)),
        }
    }
}
