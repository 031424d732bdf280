//! Traps in filters.

use super::pages;
use super::trap::Trap;
use super::twice::twice;
use crate::excerpt::cut;
use crate::mapping::model::{Mapping, Source};

pub(super) fn look(mapping: &Mapping, found: &mut Vec<Trap>) {
    let Some(filters) = &mapping.filters else {
        return;
    };
    let patterns = filters.patterns();
    let trap = |index: usize, says: String, way_out: &str, source| Trap {
        field: "FilterCriteria",
        value: cut(&patterns[index]).to_string(),
        says: format!("filter {index} {says}"),
        way_out: way_out.to_owned(),
        source,
    };
    for (index, reason) in filters.in_vain(mapping.source.kind()) {
        let way_out = "`lambda-esm filter test` shows what a record looks like to filters";
        let says = format!("can never match: {reason}");
        found.push(trap(index, says, way_out, pages::FILTERS));
    }
    for (index, pattern) in patterns.iter().enumerate() {
        if let Some(key) = twice(pattern) {
            let key = cut(&key);
            let says = format!("names {key} twice in one object, and only the last one counts");
            let way_out = "merge the two";
            found.push(trap(index, says, way_out, pages::FILTERS));
        }
    }
    if matches!(mapping.source, Source::Sqs(_)) {
        for index in filters.compiled().naming("body") {
            let says = "asks for a plain text as the body: every message whose body is JSON, a bare number too, is \
                        deleted by it";
            let way_out = "give body an object if messages are JSON";
            found.push(trap(index, says.to_owned(), way_out, pages::SQS_FILTERS));
        }
    }
}
