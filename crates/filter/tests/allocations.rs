//! Matching allocates nothing once its working memory has grown.
#![expect(unsafe_code, reason = "counting allocations takes a global allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use lambda_esm_filter::{Dialect, Filters, Limits, Mismatch, Record, Scratch};

struct Counting;

thread_local! {
    /// Per thread, as the test harness allocates in its own.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PATTERNS: [&str; 5] = [
    r#"{"body":{"list":{"k":["never"],"l":[{"exists":false}]}}}"#,
    r#"{"body":{"text":[{"prefix":"never"},{"suffix":{"equals-ignore-case":"nÉver"}}]}}"#,
    r#"{"body":{"number":[{"numeric":[">",1e9]},9007199254740993]}}"#,
    r#"{"$or":[{"body":["never"]},{"id":[{"anything-but":["a","b","c"]}],"region":["never"]}]}"#,
    r#"{"body":{"text":[{"wildcard":"*a*b*"},{"cidr":"10.0.0.0/8"}]},"region":[{"exists":true}]}"#,
];

const BODY: &str = r#"{"skipped":{"a":[1,2,{"b":"c"}]},"number":0.12345678901234567890123,
    "list":[{"k":"x"},[{"l":1},{"k":"y","l":[2,3]}]],"text":"\u0061 long \"text\" with escapes",
    "te\u0078t":"again"}"#;

#[test]
fn a_record_costs_no_allocation() {
    let filters = Filters::compile(&PATTERNS, Dialect::EventBridge, Limits::default()).unwrap();
    let whole = format!("{{\"id\":\"a\",\"region\":\"eu\",\"body\":{BODY}}}");
    let metadata: &[&[u8]] = &[br#"{"id":"a","region":"eu"}"#];
    let mut scratch = Scratch::default();
    let mut work = || {
        let mut matched = 0;
        for data in [BODY, "text", "{\"broken\":", "[[[{\"list\":[{\"k\":1}]}]]]"] {
            for on_mismatch in [Mismatch::Drop, Mismatch::IgnoreData] {
                let record = Record {
                    data_key: "body",
                    data: data.as_bytes(),
                    metadata,
                    on_mismatch,
                };
                matched += usize::from(filters.matches_record(&record, &mut scratch).is_some());
            }
        }
        matched + usize::from(filters.is_match(whole.as_bytes(), &mut scratch))
    };
    work();
    let before = ALLOCATIONS.get();
    let matched: usize = (0..1000).map(|_| work()).sum();
    let after = ALLOCATIONS.get();
    assert_eq!(after - before, 0);
    assert!(matched > 0);
}
