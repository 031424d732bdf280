//! Where reading starts.

use crate::mapping::settings::StartingPosition;

pub(super) fn starts(start: StartingPosition) -> String {
    match start {
        StartingPosition::TrimHorizon => "starts at the oldest record".to_owned(),
        StartingPosition::Latest => "starts after the newest record".to_owned(),
        StartingPosition::AtTimestamp(at) => {
            format!("starts at the first record since {}", at.iso_seconds())
        }
    }
}
