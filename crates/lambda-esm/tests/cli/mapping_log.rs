//! The log that a Kafka mapping keeps of itself.

use crate::daemon::{Daemon, wait_for};
use crate::support::file;

#[test]
fn a_mapping_with_a_log_level_logs_what_it_decides_under_its_uuid() {
    // Nobody listens at port 1.
    let text = "
functions: {f: {backend: simulated}, g: {backend: simulated}}
mappings:
  - SelfManagedEventSource: {Endpoints: {KAFKA_BOOTSTRAP_SERVERS: ['127.0.0.1:1']}}
    SourceAccessConfigurations: []
    FunctionName: f
    Topics: [logged]
    StartingPosition: TRIM_HORIZON
    ProvisionedPollerConfig: {MinimumPollers: 1}
    LoggingConfig: {SystemLogLevel: WARN}
  - SelfManagedEventSource: {Endpoints: {KAFKA_BOOTSTRAP_SERVERS: ['127.0.0.1:1']}}
    SourceAccessConfigurations: []
    FunctionName: g
    Topics: [silent]
    StartingPosition: TRIM_HORIZON
";
    let daemon = Daemon::start(&[&file("mapping-log.yaml", text)]);
    let is_decision = |line: &str| line.contains("cannot read the source");
    // Of the other mapping everybody is told its problem, and nobody what it decides.
    let (mut logged, mut told) = (None, false);
    while logged.is_none() || !told {
        let line = wait_for(&daemon.err, |line| {
            is_decision(line) || line.contains("function=g")
        });
        if is_decision(&line) {
            assert!(line.contains("function=f"), "{line}");
            logged = Some(line);
        } else {
            told = true;
        }
    }
    let line = logged.unwrap();
    assert!(
        line.contains(" WARN cannot read the source") && line.contains(" mapping="),
        "{line}"
    );
    daemon.signal("-TERM");
    let others = |line: &String| is_decision(line) && line.contains("function=g");
    assert_eq!(daemon.err.iter().find(others), None);
    assert_eq!(daemon.code(), Some(0));
}
