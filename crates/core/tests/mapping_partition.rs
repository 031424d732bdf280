//! Partitions: of regions, in ARNs, and by host names.

use lambda_esm_core::mapping::{FunctionRef, Partition};

/// The partition of each region, and what its host names end with.
const REGIONS: [(&str, &str, &str); 12] = [
    ("us-east-1", "aws", "amazonaws.com"),
    ("il-central-1", "aws", "amazonaws.com"),
    ("elsewhere", "aws", "amazonaws.com"),
    ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
    ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
    ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
    ("us-iso-west-1", "aws-iso", "c2s.ic.gov"),
    ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
    ("eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk"),
    ("us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov"),
    ("us-isof-east-1", "aws-iso-f", "csp.hci.ic.gov"),
    ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
];

#[test]
fn a_name_is_completed_with_the_partition_of_its_region() {
    for (region, partition, suffix) in REGIONS {
        let found = Partition::of_region(region);
        assert_eq!((found.name, found.dns_suffix), (partition, suffix));
        let arn = format!("arn:{partition}:lambda:{region}:000000000000:function:f:live");
        for text in ["f:live", &arn] {
            let function = FunctionRef::parse(text).unwrap();
            assert_eq!(function.qualifier(), Some("live"), "{text}");
            assert_eq!(function.arn(region, "000000000000"), arn, "{text}");
        }
    }
}

#[test]
fn hosts_of_every_partition_are_aws_and_no_others_are() {
    for partition in Partition::ALL {
        for suffix in [partition.dns_suffix, partition.dual_stack_suffix] {
            for host in [
                format!("sqs.r.{suffix}"),
                format!("VPCE-1.sqs.r.vpce.{suffix}."),
            ] {
                assert!(Partition::owns_host(&host), "{host}");
            }
            for host in [format!("sqs.{suffix}.example"), format!("not{suffix}")] {
                assert!(!Partition::owns_host(&host), "{host}");
            }
        }
    }
    for host in [
        "localhost",
        "localstack",
        "host.docker.internal",
        "sqs.us-east-1.localhost.localstack.cloud",
        "169.254.169.254",
        "",
    ] {
        assert!(!Partition::owns_host(host), "{host}");
    }
}
