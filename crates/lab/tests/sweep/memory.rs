//! What memory does to durations.

use lambda_esm_lab::scenario::{Distribution, Scenario};
use lambda_esm_lab::sweep::{FunctionMemory, MemoryEffect};

use crate::world::{Seen, plan, queue, swept};

fn costs_its_duration(scenario: &Scenario) -> Seen {
    let Distribution::Fixed(seconds) = scenario.functions[0].duration else {
        panic!("another distribution");
    };
    Seen {
        cost: seconds,
        ..Seen::default()
    }
}

fn durations(effect: MemoryEffect, axis: &str) -> Vec<f64> {
    let mut plan = plan(&[axis]);
    plan.memory = vec![FunctionMemory {
        function: None,
        effect,
    }];
    let mut scenario = queue();
    scenario.functions[0].duration = Distribution::Fixed(1.0);
    let report = swept(&scenario, &plan, costs_its_duration).unwrap();
    let figures = report.configurations.iter().map(|one| {
        let figures = one.result.figures().unwrap();
        figures[&lambda_esm_lab::scenario::Metric::Cost]
    });
    figures.collect()
}

#[test]
fn the_share_of_the_processor_takes_less_time_up_to_a_whole_one() {
    let seen = durations(MemoryEffect::CpuShare(0.5), "memory_mb=256,1024,1769,4096");
    let whole = 0.5 + 0.5 * 512.0 / 1_769.0;
    assert_eq!(seen, [1.0, 1.5, 0.75, whole, whole]);
}

#[test]
fn durations_that_were_measured_are_interpolated_and_end_where_they_end() {
    let points = vec![(256, 4.0), (512, 2.0), (1_024, 1.0)];
    let seen = durations(
        MemoryEffect::Measured(points),
        "memory_mb=128,256,384,768,1024,4096",
    );
    assert_eq!(seen, [1.0, 2.0, 2.0, 1.5, 0.75, 0.5, 0.5]);
}

#[test]
fn effects_that_are_none_are_refused() {
    let cases = [
        MemoryEffect::CpuShare(1.5),
        MemoryEffect::Measured(Vec::new()),
        MemoryEffect::Measured(vec![(128, 0.0)]),
        MemoryEffect::Measured(vec![(256, 1.0), (128, 2.0)]),
    ];
    for effect in cases {
        let mut plan = plan(&["memory_mb=256"]);
        plan.memory = vec![FunctionMemory {
            function: None,
            effect,
        }];
        assert!(swept(&queue(), &plan, costs_its_duration).is_err());
    }
}
