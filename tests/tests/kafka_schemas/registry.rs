//! Registries with the schemas of an order, and orders written by them.

use bytes::Bytes;
use lambda_esm_tests::variable;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::web_client::WebClient;

/// What a schema is written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    Avro,
    Protobuf,
    Json,
}

impl Format {
    pub(crate) const ALL: [Self; 3] = [Self::Avro, Self::Protobuf, Self::Json];

    /// Returns its name in registries and events.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Protobuf => "PROTOBUF",
            Self::Json => "JSON",
        }
    }

    /// Writes an order, without any framing.
    pub(crate) fn order(self, id: u8, kind: &str) -> Vec<u8> {
        match self {
            // Numbers have their sign in the lowest bit, texts their length before them.
            Self::Avro => [&[id * 2][..], &avro_text(kind), &avro_text("Oslo")].concat(),
            Self::Protobuf => {
                let place = protobuf_text(1, "Oslo");
                let place = [&[0x1a, length(&place)], &place[..]].concat();
                [&[0x08, id][..], &protobuf_text(2, kind), &place].concat()
            }
            Self::Json => order(id, kind).to_string().into_bytes(),
        }
    }
}

fn length(bytes: &[u8]) -> u8 {
    // In one byte, and doubled for the sign.
    assert!(bytes.len() < 64);
    u8::try_from(bytes.len()).unwrap()
}

pub(crate) fn avro_text(text: &str) -> Vec<u8> {
    [&[length(text.as_bytes()) * 2], text.as_bytes()].concat()
}

fn protobuf_text(field: u8, text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    [&[field << 3 | 2, length(bytes)], bytes].concat()
}

/// Returns what is made of an order.
pub(crate) fn order(id: u8, kind: &str) -> Value {
    json!({ "id": id, "kind": kind, "place": { "city": "Oslo" } })
}

const AVRO_PLACE: &str = r#"{"type":"record","name":"Place","namespace":"geo","fields":[{"name":"city","type":"string"}]}"#;
const AVRO_ORDER: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"int"},
    {"name":"kind","type":"string"},{"name":"place","type":PLACE}]}"#;
const PROTOBUF_PLACE: &str = "syntax = \"proto3\"; package geo; message Place { string city = 1; }";
const PROTOBUF_ORDER: &str = "syntax = \"proto3\"; package shop; import \"geo/place.proto\"; \
    message Order { int32 id = 1; string kind = 2; geo.Place place = 3; } message Second {}";
/// Glue's schemas import none of other files.
const PROTOBUF_ALONE: &str = "syntax = \"proto3\"; package shop; message First {} message Place { string city = 1; } \
    message Order { int32 id = 1; string kind = 2; Place place = 3; }";
const JSON_PLACE: &str =
    r#"{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}"#;
const JSON_ORDER: &str = r#"{"type":"object","properties":{"id":{"type":"integer"},"kind":{"type":"string"},
    "place":{"$ref":PLACE}},"required":["place"]}"#;

/// A schema that a registry has.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    format: Format,
    /// The id as an event shows it.
    pub(crate) id: String,
    /// What stands before what is written by it.
    pub(crate) framing: Vec<u8>,
    /// What Protobuf's says of which message it is, in that registry.
    message: Vec<u8>,
}

impl Schema {
    /// Writes an order with its framing.
    pub(crate) fn order(&self, id: u8, kind: &str) -> Bytes {
        [
            &self.framing[..],
            &self.message,
            &self.format.order(id, kind),
        ]
        .concat()
        .into()
    }

    /// Writes a text with its framing, by Avro's schema of a string.
    pub(crate) fn text(&self, text: &str) -> Bytes {
        [&self.framing[..], &avro_text(text)].concat().into()
    }
}

/// A registry, whose schemas are no other test's.
#[derive(Clone)]
pub(crate) enum Registry {
    /// Apicurio's Confluent API.
    Confluent { server: String, client: WebClient },
    /// Glue.
    Glue {
        endpoint: String,
        name: String,
        client: WebClient,
    },
}

impl Registry {
    /// Returns Apicurio, or says that the test is skipped.
    pub(crate) fn confluent() -> Option<Self> {
        let server = variable("LAMBDA_ESM_TEST_APICURIO")?;
        let client = WebClient::default();
        Some(Self::Confluent { server, client })
    }

    /// Creates a registry of Glue, or says that the test is skipped.
    pub(crate) async fn glue() -> Option<Self> {
        let endpoint = variable("LAMBDA_ESM_TEST_GLUE")?;
        let client = WebClient::default();
        let name = Uuid::new_v4().to_string();
        let registry = json!({ "RegistryName": name });
        client
            .aws(&endpoint, "AWSGlue.CreateRegistry", &registry)
            .await;
        Some(Self::Glue {
            endpoint,
            name,
            client,
        })
    }

    /// Returns where its server is, without a path.
    pub(crate) fn server(&self) -> &str {
        match self {
            Self::Confluent { server, .. } => server,
            Self::Glue { endpoint, .. } => endpoint,
        }
    }

    /// Returns its `SchemaRegistryURI`.
    pub(crate) fn uri(&self) -> String {
        match self {
            Self::Confluent { server, .. } => format!("{server}/apis/ccompat/v7"),
            Self::Glue { name, .. } => {
                format!("arn:aws:glue:us-east-1:123456789012:registry/{name}")
            }
        }
    }

    /// Registers the schema of orders, which refers to that of places where the registry has references.
    pub(crate) async fn orders(&self, format: Format) -> Schema {
        let message: &[u8] = match (self, format) {
            // Short for the first message of the file: Powertools does not read the path of another one as Confluent's
            // serializers write it.
            (Self::Confluent { .. }, Format::Protobuf) => &[0],
            // First, Order, Place.
            (Self::Glue { .. }, Format::Protobuf) => &[1],
            _ => &[],
        };
        let (name, place, order) = match format {
            Format::Avro => (
                "geo.Place",
                AVRO_PLACE,
                AVRO_ORDER.replace("PLACE", "\"geo.Place\""),
            ),
            Format::Protobuf => ("geo/place.proto", PROTOBUF_PLACE, PROTOBUF_ORDER.to_owned()),
            Format::Json => (
                "place.json",
                JSON_PLACE,
                JSON_ORDER.replace("PLACE", "\"place.json\""),
            ),
        };
        let schema = match self {
            Self::Confluent { .. } => {
                let subject = format!("places-{}", Uuid::new_v4());
                self.register(format, &subject, place, &Value::Null).await;
                let references = json!([{ "name": name, "subject": subject, "version": 1 }]);
                let subject = format!("orders-{}", Uuid::new_v4());
                self.register(format, &subject, &order, &references).await
            }
            Self::Glue { .. } => {
                let order = match format {
                    Format::Avro => AVRO_ORDER.replace("PLACE", AVRO_PLACE),
                    Format::Protobuf => PROTOBUF_ALONE.to_owned(),
                    Format::Json => JSON_ORDER.replace("{\"$ref\":PLACE}", JSON_PLACE),
                };
                self.create(format, &order).await
            }
        };
        Schema {
            message: message.to_vec(),
            ..schema
        }
    }

    /// Registers Avro's schema of a string.
    pub(crate) async fn texts(&self) -> Schema {
        let text = r#"{"type":"string"}"#;
        match self {
            Self::Confluent { .. } => {
                let subject = format!("texts-{}", Uuid::new_v4());
                self.register(Format::Avro, &subject, text, &Value::Null)
                    .await
            }
            Self::Glue { .. } => self.create(Format::Avro, text).await,
        }
    }

    async fn register(
        &self,
        format: Format,
        subject: &str,
        text: &str,
        references: &Value,
    ) -> Schema {
        let Self::Confluent { client, .. } = self else {
            panic!("Glue has no subjects")
        };
        let mut schema = json!({ "schema": text, "schemaType": format.name() });
        if !references.is_null() {
            schema["references"] = references.clone();
        }
        let url = format!("{}/subjects/{subject}/versions", self.uri());
        let (status, answer) = client.json("POST", &url, &schema).await;
        assert_eq!(status, 200, "{answer}");
        let id = u32::try_from(answer["id"].as_u64().unwrap()).unwrap();
        Schema {
            format,
            id: id.to_string(),
            framing: [&[0], &id.to_be_bytes()[..]].concat(),
            message: Vec::new(),
        }
    }

    async fn create(&self, format: Format, text: &str) -> Schema {
        let Self::Glue {
            endpoint,
            name,
            client,
        } = self
        else {
            panic!("only Glue creates schemas")
        };
        let schema = json!({
            "RegistryId": { "RegistryName": name },
            "SchemaName": Uuid::new_v4(),
            "DataFormat": format.name(),
            "Compatibility": "NONE",
            "SchemaDefinition": text,
        });
        let made = client.aws(endpoint, "AWSGlue.CreateSchema", &schema).await;
        let id: Uuid = made["SchemaVersionId"].as_str().unwrap().parse().unwrap();
        Schema {
            format,
            id: id.to_string(),
            // The version of the framing, and no compression.
            framing: [&[3, 0], &id.as_bytes()[..]].concat(),
            message: Vec::new(),
        }
    }
}
