//! The Pareto front against what its definition says.

use lambda_esm_lab::sweep::pareto_front;
use proptest::prelude::*;

fn beats(one: (f64, f64), other: (f64, f64)) -> bool {
    one.0 <= other.0 && one.1 <= other.1 && one != other
}

proptest! {
    #[test]
    fn the_front_is_what_nothing_beats(
        points in prop::collection::vec((-5_i8..5, -5_i8..5), 0..40)
    ) {
        let points: Vec<(f64, f64)> =
            points.iter().map(|&(x, y)| (f64::from(x), f64::from(y))).collect();
        let mut wanted: Vec<usize> = (0..points.len())
            .filter(|&at| !points.iter().any(|&other| beats(other, points[at])))
            .collect();
        let front = pareto_front(&points);
        prop_assert!(front.is_sorted_by(|&one, &next| points[one].0 <= points[next].0));
        let mut sorted = front;
        sorted.sort_unstable();
        wanted.sort_unstable();
        prop_assert_eq!(sorted, wanted);
    }
}

#[test]
fn what_is_no_number_is_on_no_front() {
    let points = [(f64::NAN, 0.0), (1.0, 1.0), (0.0, f64::NAN)];
    assert_eq!(pareto_front(&points), [1]);
}
