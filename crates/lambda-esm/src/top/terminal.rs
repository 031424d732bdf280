//! The terminal: another screen while `top` runs, and the one before when it ends.

use rustix::termios::tcgetwinsize;

use super::Size;
use crate::failure::Failure;
use crate::output;

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

/// The alternate screen. Left when dropped.
pub(super) struct Terminal(());

impl Terminal {
    pub(super) fn enter() -> Result<Self, Failure> {
        output::bytes(ENTER.as_bytes())?;
        Ok(Self(()))
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

    /// Shows these lines, which must fit.
    pub(super) fn draw(&self, lines: &[String]) -> Result<(), Failure> {
        let rows = lines.join(&format!("{CLEAR_RIGHT}\r\n"));
        output::bytes(format!("{HOME}{rows}{CLEAR_RIGHT}{CLEAR_BELOW}").as_bytes())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A terminal that went away needs no restoring.
        drop(output::bytes(LEAVE.as_bytes()));
    }
}
