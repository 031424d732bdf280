//! Records that are read and not processed: those that were read before, and those that arrived before the time at
//! which reading was to begin.

use std::sync::Arc;

use super::Reader;
use crate::decision::Decision;
use crate::record::StreamRecord;
use crate::stream::checkpoint::compare_sequences;
use crate::stream::checkpoint::settled_prefix::SettledPrefix;
use crate::stream::context::Context;
use crate::stream::port::Start;

impl Reader {
    /// Takes note of the records of a page, and returns those that are to be processed.
    pub(in crate::stream) fn take(
        &mut self,
        ctx: &mut Context<'_>,
        prefix: &mut SettledPrefix,
        records: Vec<StreamRecord>,
    ) -> Vec<StreamRecord> {
        let Some(last) = records.last() else {
            return records;
        };
        let (last, arrival) = (last.sequence.clone(), last.arrival);
        for record in &records {
            ctx.clock.see(record.arrival);
        }
        let records = self.pass_over(ctx, prefix, records);
        self.resume = Start::After(last);
        self.reached = self.reached.max(Some(arrival));
        records
    }

    /// Goes on after a place up to which there is nothing else. What comes then is not too early: the source looks up times.
    pub(in crate::stream) fn skip_to(
        &mut self,
        prefix: &mut SettledPrefix,
        place: Option<Arc<str>>,
    ) {
        if let Some(place) = place {
            self.since = None;
            prefix.read(&place);
            self.resume = Start::After(place);
        }
    }

    fn pass_over(
        &mut self,
        ctx: &mut Context<'_>,
        prefix: &mut SettledPrefix,
        mut records: Vec<StreamRecord>,
    ) -> Vec<StreamRecord> {
        if let Some(known) = &self.known {
            let is_new = |record: &StreamRecord| compare_sequences(&record.sequence, known).is_gt();
            let first = records.iter().position(is_new);
            if first.is_some() {
                self.known = None;
            }
            records.drain(..first.unwrap_or(records.len()));
        }
        let Some(since) = self.since else {
            return records;
        };
        let begin = ctx.clock.cut(since);
        let first = records.iter().position(|record| record.arrival >= begin);
        let late = records.split_off(first.unwrap_or(records.len()));
        self.passed += records.len();
        if let Some(last) = records.pop() {
            self.resume = Start::After(last.sequence);
        }
        if first.is_some() {
            // From here on the beginning is a place in the shard, and no longer a time.
            if let Start::After(last) = &self.resume {
                prefix.read(last);
            }
            self.tell_passed_over(ctx);
            self.since = None;
        }
        late
    }

    /// Tells of the records that were passed over, once there are no more for now.
    pub(in crate::stream) fn tell_passed_over(&mut self, ctx: &mut Context<'_>) {
        let records = std::mem::take(&mut self.passed);
        if let (Some(since), Start::After(last)) = (self.since, &self.resume)
            && records > 0
        {
            ctx.report(Decision::PassedOver {
                shard: ctx.shard.clone(),
                records,
                sequence_number: last.to_string(),
                since_ms: ctx.clock.cut(since).millis(),
            });
        }
    }
}
