//! Drawing messages into the batches of lanes: into one that has begun to gather, and else into an idle one.

use super::machine::{PushQueueMachine, Pushed};
use crate::batching::Oversized;
use crate::event::RECORDS;
use crate::on_failure_record::Condition;
use crate::stream::lane::Lane;

impl PushQueueMachine {
    /// Draws what waits, as long as a lane gathers.
    pub(super) fn draw(&mut self) {
        while !self.draining
            && let Some(lane) = self.gathering_lane()
            && let Some(pushed) = self.buffer.pop_front()
        {
            self.gather(lane, pushed);
        }
    }

    /// Returns the lane whose batch is to be filled next; `None` if all are at work.
    fn gathering_lane(&self) -> Option<usize> {
        let has_begun = |lane: &Lane| !lane.is_empty() && lane.accepts();
        let begun = self.lanes.iter().position(has_begun);
        begun.or_else(|| self.lanes.iter().position(Lane::is_empty))
    }

    fn gather(&mut self, lane: usize, pushed: Pushed) {
        let Pushed {
            item,
            content,
            size,
        } = pushed;
        self.buffered -= size;
        let encoder = &self.config.encoder;
        let envelope = RECORDS.prefix.len() + RECORDS.suffix.len();
        let around = encoder.envelope_bytes().saturating_sub(envelope);
        let lane = &mut self.lanes[lane];
        lane.reserve(around, around);
        // The window begins when the first record came, though it may have waited for a lane.
        let came = item.arrival;
        let gathered = lane.gather(came, item, |out| {
            encoder.write(out, &content);
            0
        });
        if let Err(Oversized { item, bytes }) = gathered {
            let batch = self.shared.next_batch();
            let because = format!("its event alone is {} bytes", bytes + around);
            let condition = Condition::MaximumPayloadSizeExceeded;
            self.give_up(batch, &[item], condition, because);
        }
    }
}
