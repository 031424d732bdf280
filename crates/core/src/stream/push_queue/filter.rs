//! `FilterCriteria`: which messages are delivered (Lambda developer guide, "Filtering events from Amazon MQ").

use crate::event::mq::MqEncoder;
use crate::record::PushedContent;
use crate::stream::data_filter::FilteredRecord;

/// A message as filters see it: the body under `data`.
pub(super) struct FilteredMessage<'a> {
    pub(super) encoder: &'a MqEncoder,
    pub(super) content: &'a PushedContent,
}

impl FilteredRecord for FilteredMessage<'_> {
    const DATA_KEY: &'static str = "data";

    fn data(&self) -> Option<&[u8]> {
        match self.content {
            PushedContent::RabbitMq(message) => Some(&message.body),
            PushedContent::ActiveMq(message) => Some(&message.body),
            PushedContent::Unreadable(_) => None,
        }
    }

    fn write_metadata(&self, out: &mut Vec<u8>) {
        self.encoder.write_metadata(out, self.content);
    }
}
