//! The partitions of AWS: separate clouds, each with its own regions, ARNs and host names.

/// A partition. Every AWS SDK has the same table (`partitions.json`), and there is no other list here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its name, the second part of an ARN.
    pub name: &'static str,
    /// What host names of its services end with.
    pub dns_suffix: &'static str,
    /// What host names that also have IPv6 addresses end with.
    pub dual_stack_suffix: &'static str,
    /// How the names of its regions begin.
    regions: &'static str,
}

impl Partition {
    /// All partitions. The first is also that of regions which no other one knows.
    pub const ALL: [Self; 8] = [
        Self::new("aws", "amazonaws.com", "api.aws", ""),
        Self::new(
            "aws-cn",
            "amazonaws.com.cn",
            "api.amazonwebservices.com.cn",
            "cn-",
        ),
        Self::new("aws-us-gov", "amazonaws.com", "api.aws", "us-gov-"),
        Self::new("aws-iso", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-"),
        Self::new("aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-"),
        Self::new(
            "aws-iso-e",
            "cloud.adc-e.uk",
            "api.cloud-aws.adc-e.uk",
            "eu-isoe-",
        ),
        Self::new(
            "aws-iso-f",
            "csp.hci.ic.gov",
            "api.aws.hci.ic.gov",
            "us-isof-",
        ),
        Self::new(
            "aws-eusc",
            "amazonaws.eu",
            "api.amazonwebservices.eu",
            "eusc-",
        ),
    ];

    const fn new(
        name: &'static str,
        dns_suffix: &'static str,
        dual_stack_suffix: &'static str,
        regions: &'static str,
    ) -> Self {
        Self {
            name,
            dns_suffix,
            dual_stack_suffix,
            regions,
        }
    }

    /// Returns the partition that a region is part of.
    #[must_use]
    pub fn of_region(region: &str) -> Self {
        let others = Self::ALL.iter().skip(1);
        let mut others = others.filter(|partition| region.starts_with(partition.regions));
        others.next().copied().unwrap_or(Self::ALL[0])
    }

    /// Tells whether a host name is AWS's own, in any partition. Case and a dot at the end do not matter.
    #[must_use]
    pub fn owns_host(host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let below = |suffix: &str| {
            host.strip_suffix(suffix)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let mut all = Self::ALL.iter();
        all.any(|partition| below(partition.dns_suffix) || below(partition.dual_stack_suffix))
    }
}
