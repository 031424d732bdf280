//! What the environment and the AWS profile say, as every AWS SDK reads them (AWS SDKs and Tools reference
//! guide, "Service-specific endpoints" and "AWS Region").

use std::collections::BTreeMap;

use aws_config::profile::ProfileSet;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_runtime::env_config::property::PropertiesKey;
use aws_types::os_shim_internal::{Env, Fs};

use crate::endpoint::{EndpointError, EndpointUrl};

/// The services that are called: what we call them, and what variables and profiles do.
const SERVICES: [(&str, &str); 7] = [
    ("sqs", "sqs"),
    ("kinesis", "kinesis"),
    ("dynamodb", "dynamodb"),
    ("dynamodbstreams", "dynamodb_streams"),
    ("sns", "sns"),
    ("s3", "s3"),
    ("lambda", "lambda"),
];

/// Endpoints and a region that nobody configured here, and who named them.
///
/// The variables come first: `AWS_ENDPOINT_URL_<SERVICE>`, then `AWS_ENDPOINT_URL`; then the section that
/// `services` of the profile names, then `endpoint_url` of the profile. Nothing of that counts with
/// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true`, or `ignore_configured_endpoint_urls` in the profile. The
/// profile is the one that `AWS_PROFILE` names, or `default`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsEnvironment {
    /// Of the environment, and of the profile.
    layers: Vec<Layer>,
    region: Option<(String, String)>,
    variant: Variant,
    unreadable: Option<String>,
}

/// Which of the endpoints that AWS has for a service (AWS SDKs and Tools reference guide, "FIPS and dual-stack
/// endpoints").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Variant {
    pub(crate) fips: bool,
    pub(crate) dual_stack: bool,
}

/// What one of the two says of endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Layer {
    services: BTreeMap<&'static str, (EndpointUrl, String)>,
    all: Option<(EndpointUrl, String)>,
}

impl AwsEnvironment {
    /// Reads the environment, and the profile's files.
    ///
    /// # Errors
    /// Fails if one of the endpoints is none.
    pub async fn load() -> Result<Self, AwsEnvironmentError> {
        let variable = |name: &str| std::env::var(name).ok();
        Self::of(&variable, profiles().await)
    }

    fn of(
        variable: &dyn Fn(&str) -> Option<String>,
        profiles: Result<ProfileSet, String>,
    ) -> Result<Self, AwsEnvironmentError> {
        let (profiles, unreadable) = match profiles {
            Ok(profiles) => (profiles, None),
            Err(why) => (ProfileSet::default(), Some(why)),
        };
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let named = |name: &str| variable(name).map(|value| (value, name.to_owned()));
        let profile = profiles.selected_profile();
        let region = named("AWS_REGION")
            .or_else(|| named("AWS_DEFAULT_REGION"))
            .or_else(|| {
                let region = profiles.get("region")?;
                Some((region.to_owned(), format!("region of profile {profile}")))
            });
        let is_set = |name: &str| {
            let value = variable(&format!("AWS_{}", name.to_ascii_uppercase()));
            let value = value.as_deref().or_else(|| profiles.get(name));
            value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
        };
        let variant = Variant {
            fips: is_set("use_fips_endpoint"),
            dual_stack: is_set("use_dualstack_endpoint"),
        };
        let layers = if is_set("ignore_configured_endpoint_urls") {
            Vec::new()
        } else {
            let environment = Layer::read(|service| match service {
                Some(service) => {
                    let service = service.to_ascii_uppercase();
                    named(&format!("AWS_ENDPOINT_URL_{service}"))
                }
                None => named("AWS_ENDPOINT_URL"),
            });
            vec![
                environment?,
                Layer::read(|service| of_profile(&profiles, service))?,
            ]
        };
        Ok(Self {
            layers,
            region,
            variant,
            unreadable,
        })
    }

    /// Returns the region, and what named it: `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile.
    #[must_use]
    pub fn region(&self) -> Option<(&str, &str)> {
        let (region, origin) = self.region.as_ref()?;
        Some((region, origin))
    }

    /// Returns why the profile cannot be read, in words, if it cannot.
    #[must_use]
    pub fn unreadable(&self) -> Option<&str> {
        self.unreadable.as_deref()
    }

    /// Returns which of AWS's endpoints is meant where nothing stands in for it.
    #[cfg(any(feature = "signed", feature = "sdk"))]
    pub(crate) const fn variant(&self) -> Variant {
        self.variant
    }

    /// Returns the endpoint of the first of `services` that has one, and what named it.
    pub(crate) fn endpoint(&self, services: &[&str]) -> Option<(&EndpointUrl, String)> {
        self.layers.iter().find_map(|layer| {
            let mut services = services.iter();
            let own = services.find_map(|service| layer.services.get(*service));
            let (endpoint, origin) = own.or(layer.all.as_ref())?;
            Some((endpoint, origin.clone()))
        })
    }
}

impl Layer {
    /// Reads what `value` says of each service, and of all.
    fn read(
        value: impl Fn(Option<&str>) -> Option<(String, String)>,
    ) -> Result<Self, AwsEnvironmentError> {
        let read = |service| {
            let Some((value, origin)) = value(service) else {
                return Ok(None);
            };
            match value.parse() {
                Ok(endpoint) => Ok(Some((endpoint, origin))),
                Err(error) => Err(AwsEnvironmentError { origin, error }),
            }
        };
        let mut services = BTreeMap::new();
        for (service, name) in SERVICES {
            services.extend(read(Some(name))?.map(|found| (service, found)));
        }
        let all = read(None)?;
        Ok(Self { services, all })
    }
}

/// Returns what the selected profile says of a service, or of all.
fn of_profile(profiles: &ProfileSet, service: Option<&str>) -> Option<(String, String)> {
    let profile = profiles.selected_profile();
    let Some(service) = service else {
        let endpoint = profiles.get("endpoint_url")?;
        let origin = format!("endpoint_url of profile {profile}");
        return Some((endpoint.to_owned(), origin));
    };
    let section = profiles.get("services")?;
    let key = PropertiesKey::builder()
        .section_key("services")
        .section_name(section)
        .property_name(service)
        .sub_property_name("endpoint_url");
    let endpoint = profiles.other_sections().get(&key.build().ok()?)?;
    let origin = format!("services {section} of profile {profile}");
    Some((endpoint.to_owned(), origin))
}

/// Reads the profiles of this user; without any file there are none. Fails in words.
pub(crate) async fn profiles() -> Result<ProfileSet, String> {
    let files = EnvConfigFiles::default();
    let profiles = aws_config::profile::load(&Fs::real(), &Env::real(), &files, None).await;
    profiles.map_err(|error| crate::text::with_causes(&error))
}

/// An endpoint that the environment or the profile names is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {error}")]
pub struct AwsEnvironmentError {
    /// What named it, e.g. `AWS_ENDPOINT_URL_SQS`.
    pub origin: String,
    /// What is wrong with it.
    pub error: EndpointError,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "\
[profile dev]
region = eu-west-3
endpoint_url = http://profile-all
services = local
[services local]
sqs =
  endpoint_url = http://profile-sqs
dynamodb_streams =
  endpoint_url = http://profile-streams
";

    async fn profiles(text: &str) -> ProfileSet {
        let fs = Fs::from_slice(&[("config", text)]);
        let env = Env::from_slice(&[("AWS_CONFIG_FILE", "config"), ("AWS_PROFILE", "dev")]);
        let files = EnvConfigFiles::default();
        let loaded = aws_config::profile::load(&fs, &env, &files, None).await;
        loaded.unwrap()
    }

    async fn environment(
        variables: &[(&str, &str)],
        profile: &str,
    ) -> Result<AwsEnvironment, AwsEnvironmentError> {
        let variable = |name: &str| {
            let mut variables = variables.iter();
            let found = variables.find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        AwsEnvironment::of(&variable, Ok(profiles(profile).await))
    }

    fn found(environment: &AwsEnvironment, services: &[&str]) -> (String, String) {
        let found = environment.endpoint(services);
        found.map_or_else(Default::default, |(endpoint, origin)| {
            (endpoint.to_string(), origin)
        })
    }

    #[tokio::test]
    async fn the_environment_comes_before_the_profile_and_a_service_before_all() {
        let bare = environment(&[], "").await.unwrap();
        assert_eq!(found(&bare, &["sqs"]), Default::default());
        let profile = environment(&[], PROFILE).await.unwrap();
        for (services, endpoint, origin) in [
            (
                &["sqs"][..],
                "http://profile-sqs",
                "services local of profile dev",
            ),
            (
                &["lambda"],
                "http://profile-all",
                "endpoint_url of profile dev",
            ),
            (
                &["dynamodbstreams", "dynamodb"],
                "http://profile-streams",
                "services local of profile dev",
            ),
        ] {
            let expected = (endpoint.to_owned(), origin.to_owned());
            assert_eq!(found(&profile, services), expected);
        }
        let variables = [
            ("AWS_ENDPOINT_URL", "http://env-all"),
            ("AWS_ENDPOINT_URL_LAMBDA", "http://env-lambda"),
            ("AWS_ENDPOINT_URL_SQS", ""),
            ("AWS_ENDPOINT_URL_DYNAMODB", "http://env-dynamodb"),
        ];
        let both = environment(&variables, PROFILE).await.unwrap();
        for (services, endpoint, origin) in [
            (&["sqs"][..], "http://env-all", "AWS_ENDPOINT_URL"),
            (&["lambda"], "http://env-lambda", "AWS_ENDPOINT_URL_LAMBDA"),
            (
                &["dynamodbstreams", "dynamodb"],
                "http://env-dynamodb",
                "AWS_ENDPOINT_URL_DYNAMODB",
            ),
        ] {
            let expected = (endpoint.to_owned(), origin.to_owned());
            assert_eq!(found(&both, services), expected);
        }
    }

    #[tokio::test]
    async fn endpoints_can_be_ignored_and_the_region_stays() {
        let ignore = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        let variables = [ignore, ("AWS_ENDPOINT_URL", "http://env")];
        let ignored = environment(&variables, PROFILE).await.unwrap();
        assert_eq!(found(&ignored, &["sqs"]), Default::default());
        let expected = Some(("eu-west-3", "region of profile dev"));
        assert_eq!(ignored.region(), expected);
        let profile = format!("{PROFILE}[profile dev]\nignore_configured_endpoint_urls = true\n");
        let ignored = environment(&variables[1..], &profile).await.unwrap();
        assert_eq!(found(&ignored, &["sqs"]), Default::default());
    }

    #[tokio::test]
    async fn the_region_is_the_environments_before_the_profiles() {
        let both = [("AWS_DEFAULT_REGION", "b"), ("AWS_REGION", "a")];
        for (variables, expected) in [
            (&both[..], ("a", "AWS_REGION")),
            (&both[..1], ("b", "AWS_DEFAULT_REGION")),
            (&[], ("eu-west-3", "region of profile dev")),
        ] {
            let found = environment(variables, PROFILE).await.unwrap();
            assert_eq!(found.region(), Some(expected));
        }
        assert_eq!(environment(&[], "").await.unwrap().region(), None);
    }

    #[tokio::test]
    async fn what_is_no_endpoint_is_refused_by_the_name_of_who_said_it() {
        let variables = [("AWS_ENDPOINT_URL_SNS", "nonsense")];
        let error = environment(&variables, "").await.unwrap_err();
        assert_eq!(error.origin, "AWS_ENDPOINT_URL_SNS");
        let profile = "[profile dev]\nendpoint_url = localhost\n";
        let error = environment(&[], profile).await.unwrap_err();
        assert_eq!(error.origin, "endpoint_url of profile dev");
    }

    #[test]
    fn a_profile_that_cannot_be_read_says_nothing_but_why() {
        let found = AwsEnvironment::of(&|_| None, Err("line 3".to_owned())).unwrap();
        assert_eq!(found.unreadable(), Some("line 3"));
        assert_eq!(found.region(), None);
    }
}
