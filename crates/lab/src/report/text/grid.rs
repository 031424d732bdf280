//! Columns of text that wrap. What came from outside cannot steer the terminal.

use std::fmt::Display;

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets,
};
use lambda_esm_core::text::Plain;

/// A block of columns, without lines.
pub(crate) struct Grid {
    table: Table,
    indent: usize,
    first: Option<u16>,
}

impl Grid {
    /// Begins a block that is at most `width` wide, and begins `indent` from the left.
    pub(crate) fn new(width: usize, indent: usize) -> Self {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(width.saturating_sub(indent)).unwrap_or(u16::MAX));
        Self {
            table,
            indent,
            first: None,
        }
    }

    /// Makes the first column so wide.
    pub(crate) fn first_column(mut self, width: usize) -> Self {
        self.first = u16::try_from(width).ok();
        self
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: &[&dyn Display]) {
        self.table
            .add_row(cells.iter().map(|cell| Cell::new(Plain(cell).to_string())));
    }

    /// Adds a row, all but the first cell to the right.
    pub(crate) fn figures(&mut self, cells: &[&dyn Display]) {
        self.table
            .add_row(cells.iter().enumerate().map(|(at, cell)| {
                let cell = Cell::new(Plain(cell).to_string());
                if at > 0 {
                    cell.set_alignment(CellAlignment::Right)
                } else {
                    cell
                }
            }));
    }

    /// Writes the block, a newline at the end; nothing if it has no row.
    pub(crate) fn write(mut self, out: &mut String) {
        if self.table.is_empty() {
            return;
        }
        for (at, column) in self.table.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            if let (0, Some(width)) = (at, self.first) {
                column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
            }
        }
        for line in self.table.lines() {
            let line = line.trim_end();
            if !line.is_empty() {
                out.extend(std::iter::repeat_n(' ', self.indent));
                out.push_str(line);
            }
            out.push('\n');
        }
    }
}

/// Writes a heading after an empty line.
pub(crate) fn heading(out: &mut String, text: impl Display) {
    let text = Plain(text).to_string();
    out.push('\n');
    out.push_str(&text);
    out.push('\n');
}
