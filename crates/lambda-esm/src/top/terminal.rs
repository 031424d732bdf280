//! The terminal: another screen while `top` runs, and the one before when it ends.

use rustix::termios::tcgetwinsize;

use crate::background_writer::BackgroundWriter;
use crate::failure::Failure;

const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
/// Rows are drawn over the old ones, so that nothing flickers: each clears what is right of it, and the
/// last what is below.
const HOME: &str = "\x1b[H";
const CLEAR_RIGHT: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";
/// What a terminal has that does not say.
const USUAL: Size = Size {
    columns: 80,
    rows: 24,
};

/// The size of a terminal in letters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// The alternate screen.
pub(super) struct Terminal(BackgroundWriter);

impl Terminal {
    pub(super) fn enter() -> Result<Self, Failure> {
        // Screens are drawn one at a time, so that nothing is dropped.
        let writer = BackgroundWriter::start(std::io::stdout(), |_| {})?;
        writer.put(ENTER.into());
        Ok(Self(writer))
    }

    /// Returns the size as it is now.
    pub(super) fn size(&self) -> Size {
        match tcgetwinsize(std::io::stdout()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Size {
                columns: size.ws_col.into(),
                rows: size.ws_row.into(),
            },
            _ => USUAL,
        }
    }

    /// Shows these lines, which must fit; not if the terminal has not taken earlier ones yet.
    ///
    /// # Errors
    /// Fails if the terminal went away.
    pub(super) async fn draw(&self, lines: &[String]) -> Result<(), Failure> {
        if self.0.is_idle() {
            self.0.has_room().await?;
            let rows = lines.join(&format!("{CLEAR_RIGHT}\r\n"));
            self.0
                .put(format!("{HOME}{rows}{CLEAR_RIGHT}{CLEAR_BELOW}").into());
        }
        Ok(())
    }

    /// Goes back to the screen before.
    pub(super) async fn leave(self) {
        self.0.put(LEAVE.into());
        // A terminal that went away needs no restoring, and for one that stands still nobody waits long.
        drop(self.0.flushed().await);
    }
}
