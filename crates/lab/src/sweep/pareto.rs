//! The configurations between which there is something to choose.

use std::cmp::Ordering;

/// Returns the places of the points that no other point beats: of those with the same or less of one figure, none has less of
/// the other. Points that are equal are all among them. In ascending order of the first figure; points that are no numbers
/// are left out.
#[must_use]
pub fn pareto_front(points: &[(f64, f64)]) -> Vec<usize> {
    let numbers = |index: &usize| {
        points
            .get(*index)
            .is_some_and(|(x, y)| !x.is_nan() && !y.is_nan())
    };
    let mut order: Vec<usize> = (0..points.len()).filter(numbers).collect();
    order.sort_by(|&one, &other| {
        let ((x, y), (other_x, other_y)) = (points[one], points[other]);
        let figures = x.partial_cmp(&other_x).zip(y.partial_cmp(&other_y));
        figures
            .map_or(Ordering::Equal, |(x, y)| x.then(y))
            .then(one.cmp(&other))
    });
    let mut front: Vec<usize> = Vec::new();
    for index in order {
        let beaten = front.last().is_some_and(|&last| {
            let ((best_x, best_y), (x, y)) = (points[last], points[index]);
            y > best_y || (y >= best_y && x > best_x)
        });
        if !beaten {
            front.push(index);
        }
    }
    front
}

/// Returns the place in a front where it bends most: the point that is farthest below the line from its first to its last one,
/// both figures measured by how much of them the front spans. `None` where it does not bend.
pub(super) fn knee(points: &[(f64, f64)], front: &[usize]) -> Option<usize> {
    let ends = (points.get(*front.first()?)?, points.get(*front.last()?)?);
    let ((left, top), (right, bottom)) = ends;
    let (width, height) = (right - left, top - bottom);
    if width <= 0.0 || height <= 0.0 {
        return None;
    }
    let depth = |(x, y): (f64, f64)| 1.0 - (x - left) / width - (y - bottom) / height;
    let deepest = front.iter().copied().max_by(|&one, &other| {
        let depths = (depth(points[one]), depth(points[other]));
        depths.0.total_cmp(&depths.1).then(other.cmp(&one))
    });
    deepest.filter(|&index| depth(points[index]) > 0.0)
}
