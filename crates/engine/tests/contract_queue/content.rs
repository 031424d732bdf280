//! Faults in what a message carries.

use lambda_esm_core::record::{AttributeValue, QueueContent, QueueMessage, Receipt, SqsMessage};
use lambda_esm_engine::ports::{Received, UnreadableMessage};

use crate::fault::Fault;
use crate::faulty::Faulty;

const COUNT: &str = "ApproximateReceiveCount";
const SENT: &str = "SentTimestamp";
const FIRST: &str = "ApproximateFirstReceiveTimestamp";

impl Faulty {
    /// Delivers what was received, with the fault in it.
    pub(crate) fn carry(&self, received: &mut Received) {
        for message in &mut received.messages {
            self.note(message);
            let QueueContent::Sqs(content) = &mut message.content else {
                unreachable!("{message:?}");
            };
            self.system_attributes(content);
            self.body(content);
            self.message_attributes(content);
            self.names(message);
        }
        let unreadable = self.has(Fault::AttributesUnreadable);
        let carries = |message: &QueueMessage| {
            let content = message.content.sqs().unwrap();
            !content.message_attributes.is_empty()
        };
        let messages = std::mem::take(&mut received.messages);
        for message in messages {
            if unreadable && carries(&message) {
                received.unreadable.push(UnreadableMessage::new(
                    message.id,
                    "it has attributes".to_owned(),
                ));
            } else {
                received.messages.push(message);
            }
        }
    }

    fn note(&self, message: &QueueMessage) {
        let mut state = self.state();
        state.in_flight.push(message.receipt.clone());
        let new = (message.receipt.clone(), message.receipt.clone());
        let (_, latest) = state.receipts.entry(message.id.clone()).or_insert(new);
        *latest = message.receipt.clone();
    }

    fn system_attributes(&self, content: &mut SqsMessage) {
        let now = self.clock.now().millis().to_string();
        let value = |name| get(content, name).unwrap_or_default();
        let (count, sent) = (value(COUNT), value(SENT));
        match self.fault {
            Some(Fault::CountStaysOne) => set(content, COUNT, "1"),
            Some(Fault::CountBeginsWithZero) => {
                let count = count.parse::<u32>().unwrap() - 1;
                set(content, COUNT, &count.to_string());
            }
            Some(Fault::CountGrowsByTwo) => {
                let count = count.parse::<u32>().unwrap() * 2 - 1;
                set(content, COUNT, &count.to_string());
            }
            Some(Fault::NoFirstReceive) => unset(content, FIRST),
            Some(Fault::NoCount) => unset(content, COUNT),
            Some(Fault::NoSentTimestamp) => unset(content, SENT),
            Some(Fault::SentTimestampInSeconds) => set(content, SENT, &sent[..sent.len() - 3]),
            Some(Fault::SentTimestampOfTheReceive) => set(content, SENT, &now),
            Some(Fault::FirstReceiveOfEachReceive) => set(content, FIRST, &now),
            Some(Fault::FirstReceiveIsTheSending) => set(content, FIRST, &sent),
            Some(Fault::NoSenderId) => unset(content, "SenderId"),
            Some(Fault::NoDeduplicationId) => unset(content, "MessageDeduplicationId"),
            Some(Fault::NoMessageGroupId) => unset(content, "MessageGroupId"),
            _ => {}
        }
    }

    fn body(&self, content: &mut SqsMessage) {
        let body = &*content.body;
        let changed = match self.fault {
            Some(Fault::BodyTrimmed) => body.trim().to_owned(),
            Some(Fault::BodyTrimmedOnceReleased) if is_again(content) => body.trim().to_owned(),
            Some(Fault::NewlinesNormalized) => body.replace("\r\n", "\n"),
            Some(Fault::BodyParsedAsJson) => {
                let json = serde_json::from_str::<serde_json::Value>(body);
                json.map_or_else(|_| body.to_owned(), |json| json.to_string())
            }
            Some(Fault::CharactersBeyondTheFirstPlaneLost) => {
                let plane = |each| if each > '\u{FFFF}' { '\u{FFFD}' } else { each };
                body.chars().map(plane).collect()
            }
            Some(Fault::ByteOrderMarkLost) => body.trim_start_matches('\u{FEFF}').to_owned(),
            Some(Fault::BodyDecoded) => body.replace("&amp;", "&").replace("%20", " "),
            Some(Fault::BodyCutAt64Kib) => body.chars().take(65_536).collect(),
            _ => body.to_owned(),
        };
        content.body = changed.into();
        let md5 = content.md5_of_body.to_string();
        match self.fault {
            Some(Fault::BodyMd5OfTheTrimmed) if content.body.trim() != &*content.body => {
                content.md5_of_body = "900150983cd24fb0d6963f7d28e17f72".into();
            }
            Some(Fault::BodyMd5InUpperCase) => content.md5_of_body = md5.to_uppercase().into(),
            Some(Fault::NoBodyMd5) => content.md5_of_body = "".into(),
            _ => {}
        }
    }

    fn message_attributes(&self, content: &mut SqsMessage) {
        let again = is_again(content);
        let attributes = &mut content.message_attributes;
        let has_some = !attributes.is_empty();
        match self.fault {
            Some(Fault::AttributesLostOnceReleased) if again => attributes.clear(),
            Some(Fault::AttributesLost) => attributes.clear(),
            Some(Fault::BinaryAttributesLost) => {
                attributes.retain(|(_, each)| matches!(each.value, AttributeValue::Text(_)));
            }
            Some(Fault::NoAttributesMd5) => content.md5_of_message_attributes = None,
            Some(Fault::AttributesMd5OfNone) if !has_some => {
                content.md5_of_message_attributes = Some(String::new());
            }
            Some(Fault::AttributesMd5OfTheBody) if has_some => {
                content.md5_of_message_attributes = Some(content.md5_of_body.to_string());
            }
            _ => {}
        }
        for (_, attribute) in &mut content.message_attributes {
            let suffixed = attribute.data_type.split_once('.');
            match (self.fault, &mut attribute.value) {
                (Some(Fault::BinaryAttributesAsText), AttributeValue::Binary(bytes)) => {
                    let text = String::from_utf8_lossy(bytes).into_owned();
                    attribute.value = AttributeValue::Text(text);
                }
                (Some(Fault::NumbersNormalized), AttributeValue::Text(text))
                    if attribute.data_type.starts_with("Number") =>
                {
                    *text = text.parse::<f64>().unwrap().to_string();
                }
                (Some(Fault::AttributeValuesTrimmed), AttributeValue::Text(text)) => {
                    *text = text.trim().to_owned();
                }
                (Some(Fault::AttributeTypesWithoutSuffix), _) => {
                    if let Some((kind, _)) = suffixed {
                        attribute.data_type = kind.to_owned();
                    }
                }
                _ => {}
            }
        }
    }

    fn names(&self, message: &mut QueueMessage) {
        let first = self.state().receipts[&message.id].0.clone();
        match self.fault {
            Some(Fault::SameReceiptAgain) => message.receipt = first,
            Some(Fault::OneReceiptForAll) => message.receipt = Receipt("the one".to_owned()),
            Some(Fault::EmptyReceipt) => message.receipt = Receipt(String::new()),
            Some(Fault::NewIdOnEachDelivery) => message.id.push_str(&message.receipt.0),
            Some(Fault::OneIdForAll) => message.id = "the one".to_owned(),
            Some(Fault::GroupLost) => message.group = None,
            Some(Fault::GroupOfAnother) => {
                let mut state = self.state();
                state.groups.extend(message.group.clone());
                message.group = state.groups.first().cloned();
            }
            Some(Fault::GroupOnAStandardQueue) => message.group = Some("default".to_owned()),
            _ => {}
        }
    }
}

fn get(content: &SqsMessage, name: &str) -> Option<String> {
    let mut attributes = content.attributes.iter();
    let found = attributes.find(|(each, _)| each == name);
    found.map(|(_, value)| value.clone())
}

fn is_again(content: &SqsMessage) -> bool {
    get(content, COUNT).is_some_and(|count| count != "1")
}

fn set(content: &mut SqsMessage, name: &str, value: &str) {
    for (each, old) in &mut content.attributes {
        if each == name {
            value.clone_into(old);
        }
    }
}

fn unset(content: &mut SqsMessage, name: &str) {
    content.attributes.retain(|(each, _)| each != name);
}
