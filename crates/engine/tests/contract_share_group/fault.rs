//! Faults that a source of share groups could have.

/// Something that a source does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    HidesTheLimit,
    ForgetsTheFacts,
    DropsHeaders,
    DropsNullValues,
    CountsFromZero,
    CountsNothing,
    NamesByDelivery,
    KeepsReceipts,
    IgnoresMax,
    AcceptsByReleasing,
    RejectsByReleasing,
    ReleasesByAccepting,
    ReleasesWithoutADeed,
    RenewsWithoutADeed,
    SettlesTheLostTwice,
    FailsAllForOne,
    ReversesResults,
    LosesTheLag,
    NeverCloses,
    TellsOfALongerLock,
    TellsOfAShorterLock,
}

impl Fault {
    pub(super) const ALL: [Self; 21] = [
        Self::HidesTheLimit,
        Self::ForgetsTheFacts,
        Self::DropsHeaders,
        Self::DropsNullValues,
        Self::CountsFromZero,
        Self::CountsNothing,
        Self::NamesByDelivery,
        Self::KeepsReceipts,
        Self::IgnoresMax,
        Self::AcceptsByReleasing,
        Self::RejectsByReleasing,
        Self::ReleasesByAccepting,
        Self::ReleasesWithoutADeed,
        Self::RenewsWithoutADeed,
        Self::SettlesTheLostTwice,
        Self::FailsAllForOne,
        Self::ReversesResults,
        Self::LosesTheLag,
        Self::NeverCloses,
        Self::TellsOfALongerLock,
        Self::TellsOfAShorterLock,
    ];

    /// Returns words of the promise that it breaks.
    pub(super) const fn breaks(self) -> &'static str {
        match self {
            Self::HidesTheLimit => "how often it delivers",
            Self::ForgetsTheFacts => "the same way each time",
            Self::DropsHeaders | Self::DropsNullValues => "delivered as they were put",
            Self::CountsFromZero | Self::CountsNothing => "delivery count is 1 at first",
            Self::KeepsReceipts => "a receipt of its own",
            Self::IgnoresMax => "more than max",
            Self::AcceptsByReleasing | Self::RejectsByReleasing => "does not come again",
            Self::ReleasesByAccepting | Self::NamesByDelivery => {
                "a released record is there at once"
            }
            Self::RenewsWithoutADeed => "whose lock is lost fails with Expired",
            Self::SettlesTheLostTwice | Self::ReleasesWithoutADeed => "cannot be settled",
            Self::FailsAllForOne => "only an unknown receipt fails",
            Self::ReversesResults => "in the order of the settlements",
            Self::LosesTheLag => "the lag is",
            Self::TellsOfALongerLock => "whose lock holds",
            Self::TellsOfAShorterLock => "whose lock has ended comes again",
            Self::NeverCloses => "that is closed goes to others",
        }
    }
}
