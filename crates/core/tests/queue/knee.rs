//! Eager pacing finds as many calls at a time as make the server faster, and stays there.

use std::time::Duration;

use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::queue::QueueConfig;

use super::server::{Server, Speed};
use super::world::config;

/// Messages one by one: it is the calls that count.
fn plain() -> QueueConfig {
    let mut config = config();
    config.detail = false;
    config.limits.count = 1;
    config.facts.receive_limit = 1;
    config
}

/// What is found within ten seconds, measured over the ten that follow: the share of the best throughput, and the calls
/// under way as a multiple of the knee.
fn found(speed: Speed) -> (f64, f64) {
    let mut server = Server::new(plain(), speed);
    server.run(10);
    shares(&mut server)
}

fn shares(server: &mut Server) -> (f64, f64) {
    let (rate, calls) = server.run(10);
    let speed = server.speed;
    (rate / speed.best(), calls / speed.knee as f64)
}

#[test]
fn the_knee_is_found_within_ten_seconds_and_kept() {
    for knee in [4, 16, 64] {
        for power in [1.0, 2.0] {
            let (throughput, calls) = found(Speed::with_knee(knee, power));
            println!("knee {knee}, power {power}: {throughput:.3} of the best, {calls:.2} calls");
            assert!(throughput >= 0.9, "{throughput} with {knee}, {power}");
            // Where more calls cost nothing but time, chance may bring some.
            let most = if power > 1.0 { 1.5 } else { 3.0 };
            assert!(calls <= most, "{calls} times the knee with {knee}, {power}");
        }
    }
}

#[test]
fn the_knee_is_found_where_receives_and_deletions_take_different_times() {
    for (receive, settle) in [(10.0, 40.0), (40.0, 10.0), (3.0, 2.0)] {
        for knee in [4, 16] {
            let speed = Speed {
                receive,
                settle,
                ..Speed::with_knee(knee, 1.5)
            };
            let (throughput, calls) = found(speed);
            println!("{receive}, {settle}, knee {knee}: {throughput:.3} of the best, {calls:.2}");
            assert!(
                throughput >= 0.85,
                "{throughput} with {receive}, {settle}, {knee}"
            );
        }
    }
}

#[test]
fn a_knee_that_moves_is_found_again_within_ten_seconds() {
    for power in [1.0, 1.5] {
        for (before, after) in [(64, 16), (64, 4), (4, 16), (4, 64)] {
            let mut server = Server::new(plain(), Speed::with_knee(before, power));
            server.run(10);
            server.speed.knee = after;
            server.run(10);
            let (throughput, calls) = shares(&mut server);
            println!("{before} -> {after}, power {power}: {throughput:.3}, {calls:.2} calls");
            assert!(throughput >= 0.9, "{throughput} from {before} to {after}");
            assert!(
                calls <= 4.0,
                "{calls} times the knee from {before} to {after}"
            );
            assert_eq!(server.timed_out, 0);
        }
    }
}

#[test]
fn a_server_that_is_slower_at_any_number_of_calls_keeps_its_knee() {
    let mut server = Server::new(plain(), Speed::with_knee(16, 1.5));
    server.run(20);
    (server.speed.receive, server.speed.settle) = (100.0, 100.0);
    server.run(10);
    let (throughput, calls) = shares(&mut server);
    assert!(throughput >= 0.85, "{throughput}, {calls}");
}

#[test]
fn a_server_without_a_knee_gets_as_many_calls_as_the_mapping_has() {
    let mut server = Server::new(plain(), Speed::with_knee(10_000, 1.0));
    (server.speed.receive, server.speed.settle) = (100.0, 100.0);
    server.run(10);
    let (_, calls) = server.run(1);
    assert!(calls > 500.0, "{calls} calls at a time");
}

#[test]
fn calls_that_time_out_bring_the_limit_down_to_where_they_do_not() {
    let mut server = Server::new(plain(), Speed::with_knee(64, 1.5));
    server.run(10);
    // Nothing is answered in time any more while as many calls are under way.
    server.speed = Speed::with_knee(4, 3.0);
    server.run(120);
    let before = server.timed_out;
    let (throughput, _) = shares(&mut server);
    assert!(before > 0, "the case is about calls that time out");
    assert_eq!(server.timed_out, before);
    assert!(throughput >= 0.85, "{throughput}");
}

#[test]
fn a_moment_of_slowness_costs_little() {
    let mut server = Server::new(plain(), Speed::with_knee(16, 1.5));
    server.run(10);
    let (usual, _) = server.run(5);
    let speed = server.speed;
    (server.speed.receive, server.speed.settle) = (1_000.0, 1_000.0);
    server.run(1);
    server.speed = speed;
    server.run(2);
    let (after, _) = server.run(3);
    assert!(after >= 0.85 * usual, "{after} after {usual}");
}

#[test]
fn a_slow_function_leaves_the_calls_as_they_are_needed() {
    let mut config = plain();
    config.function_concurrency = Some(3);
    let mut server = Server::new(config, Speed::with_knee(16, 1.5));
    server.function = Duration::from_millis(500);
    server.run(10);
    let (rate, calls) = server.run(10);
    // Each batch takes half a second, and its two calls.
    assert!(rate >= 3.0 / 0.55 * 0.95, "{rate}");
    assert!(calls <= 1.0, "{calls}");
}

#[test]
fn the_pacing_of_the_service_holds_no_call_back() {
    let mut config = plain();
    config.pacing = Pacing::Aws;
    let mut server = Server::new(config, Speed::with_knee(4, 1.0));
    server.run(120);
    let (_, calls) = server.run(1);
    assert!(calls > 100.0, "{calls} calls at a time");
    assert_eq!(server.limits, []);
}
