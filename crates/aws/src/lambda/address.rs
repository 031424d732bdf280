//! The URLs of the Lambda API.

use lambda_esm_core::mapping::FunctionRef;

use crate::service_endpoint::ServiceEndpoint;
use crate::signed::{aws_url, push_encoded};

/// Where functions are invoked.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// The endpoint is the URL of one function's invocations, whatever the function is called here.
    whole: bool,
    endpoint: ServiceEndpoint,
    account: String,
}

impl Address {
    pub(super) fn new(endpoint: ServiceEndpoint, account: &str) -> Self {
        let url = endpoint.url.as_ref();
        Self {
            whole: url.is_some_and(|url| url.path().ends_with("/invocations")),
            account: account.to_owned(),
            endpoint,
        }
    }

    /// Returns the endpoint for `function`.
    pub(super) fn base(&self, function: &FunctionRef) -> String {
        let url = self.endpoint.url.as_ref();
        url.map_or_else(
            || aws_url("lambda", &self.endpoint, self.region(function)),
            ToString::to_string,
        )
    }

    /// Returns the region of `function`, where it is called and for which calls are signed.
    pub(super) fn region<'a>(&'a self, function: &'a FunctionRef) -> &'a str {
        function.region().unwrap_or(&self.endpoint.region)
    }

    /// Tells whether the endpoint is that of one function.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Tells whether something stands in for AWS.
    pub(super) fn is_stand_in(&self) -> bool {
        !self.endpoint.is_aws()
    }

    /// Returns the URL of `Invoke` (Lambda API reference).
    pub(super) fn invoke(&self, function: &FunctionRef) -> String {
        if self.whole {
            return self.base(function);
        }
        self.of(function, "invocations")
    }

    /// Returns the URL of `GetFunctionConfiguration` (Lambda API reference), if there can be one.
    pub(super) fn configuration(&self, function: &FunctionRef) -> Option<String> {
        (!self.whole).then(|| self.of(function, "configuration"))
    }

    fn of(&self, function: &FunctionRef, what: &str) -> String {
        let mut url = format!("{}/2015-03-31/functions/", self.base(function));
        push_encoded(&mut url, &self.name(function));
        url.push('/');
        url.push_str(what);
        // It says nothing, and there are stand-ins that refuse every query.
        let says_something = |qualifier: &&str| *qualifier != "$LATEST";
        if let Some(qualifier) = function.qualifier().filter(says_something) {
            url.push_str("?Qualifier=");
            push_encoded(&mut url, qualifier);
        }
        url
    }

    /// Returns the bare name, which every server understands, or for a function that is not ours the
    /// ARN without a qualifier.
    fn name(&self, function: &FunctionRef) -> String {
        let arn = function.arn(&self.endpoint.region, &self.account);
        let ours = arn
            .splitn(6, ':')
            .skip(3)
            .take(2)
            .eq([&self.endpoint.region, &self.account]);
        if ours {
            return function.name().to_owned();
        }
        let unqualified: Vec<_> = arn.splitn(8, ':').take(7).collect();
        unqualified.join(":")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AwsConfig;
    use crate::environment::Variant;

    fn address(endpoint: Option<&str>) -> Address {
        let endpoint = endpoint.map(|url| url.parse().unwrap());
        let endpoint = AwsConfig::default().lambda_endpoint(endpoint.as_ref(), "us-east-1");
        Address::new(endpoint, "000000000000")
    }

    fn function(text: &str) -> FunctionRef {
        FunctionRef::parse(text).unwrap()
    }

    #[test]
    fn our_functions_go_by_their_name() {
        let here = address(Some("http://127.0.0.1:3001/"));
        let path = "http://127.0.0.1:3001/2015-03-31/functions/orders";
        for ours in [
            "orders",
            "000000000000:function:orders",
            "arn:aws:lambda:us-east-1:000000000000:function:orders",
        ] {
            assert_eq!(
                here.invoke(&function(ours)),
                format!("{path}/invocations"),
                "{ours}"
            );
        }
        assert_eq!(
            here.configuration(&function("orders:live")).unwrap(),
            format!("{path}/configuration?Qualifier=live")
        );
    }

    #[test]
    fn functions_of_others_go_by_their_arn() {
        let there = "arn:aws:lambda:us-east-1:123456789012:function:orders:$LATEST";
        assert_eq!(
            address(None).invoke(&function(there)),
            "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/\
             arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Aorders/invocations"
        );
    }

    #[test]
    fn a_function_of_another_region_is_called_there() {
        let there = function("arn:aws:lambda:eu-west-1:000000000000:function:orders:7");
        let path = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Afunction\
                    %3Aorders/invocations?Qualifier=7";
        let aws = address(None);
        assert_eq!(
            aws.invoke(&there),
            format!("https://lambda.eu-west-1.amazonaws.com{path}")
        );
        assert_eq!(aws.region(&there), "eu-west-1");
        assert_eq!(aws.region(&function("orders")), "us-east-1");
        let local = address(Some("http://127.0.0.1:4566"));
        assert_eq!(local.invoke(&there), format!("http://127.0.0.1:4566{path}"));
        assert_eq!(local.region(&there), "eu-west-1");
    }

    #[test]
    fn an_endpoint_that_is_an_invoke_url_is_taken_as_it_is() {
        let url = "http://127.0.0.1:9000/2015-03-31/functions/function/invocations";
        let here = address(Some(url));
        assert_eq!(here.invoke(&function("orders:live")), url);
        assert_eq!(here.configuration(&function("orders")), None);
    }

    #[test]
    fn each_partition_has_its_own_domain() {
        let endpoint = |region: &str, fips, dual_stack| {
            let mut endpoint = AwsConfig::default().lambda_endpoint(None, region);
            endpoint.variant = Variant { fips, dual_stack };
            aws_url("lambda", &endpoint, region)
        };
        for (region, expected) in [
            ("cn-north-1", "https://lambda.cn-north-1.amazonaws.com.cn"),
            (
                "us-gov-west-1",
                "https://lambda.us-gov-west-1.amazonaws.com",
            ),
            ("us-iso-east-1", "https://lambda.us-iso-east-1.c2s.ic.gov"),
            (
                "eusc-de-east-1",
                "https://lambda.eusc-de-east-1.amazonaws.eu",
            ),
        ] {
            assert_eq!(endpoint(region, false, false), expected);
        }
        let fips = endpoint("us-east-1", true, false);
        assert_eq!(fips, "https://lambda-fips.us-east-1.amazonaws.com");
        let both = endpoint("us-east-1", true, true);
        assert_eq!(both, "https://lambda-fips.us-east-1.api.aws");
    }
}
