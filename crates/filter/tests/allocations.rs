//! Matching allocates nothing once its working memory has grown, and compiling no more than its patterns' size.
#![expect(unsafe_code, reason = "counting allocations takes a global allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use lambda_esm_filter::{Dialect, Filters, Limits, Mismatch, Record, Scratch};

struct Counting;

thread_local! {
    /// Per thread, as the test harness allocates in its own.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        BYTES.set(BYTES.get() + layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        BYTES.set(BYTES.get() + size);
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

/// Patterns of 31 × 32 alternatives, each of which needs so many fields besides.
fn product(patterns: usize, fields: usize) -> Vec<String> {
    let or = |name: &str, branches: usize| {
        let branches: Vec<String> = (0..branches)
            .map(|branch| format!(r#"{{"{name}{branch}":[1]}}"#))
            .collect();
        format!(r#""$or":[{}]"#, branches.join(","))
    };
    let pattern = |pattern: usize| {
        let fields: String = (0..fields)
            .map(|field| format!(r#","{pattern}f{field}":[1]"#))
            .collect();
        format!(
            r#"{{"body":{{{},"z":{{{}}}{fields}}}}}"#,
            or("a", 31),
            or("b", 32)
        )
    };
    (0..patterns).map(pattern).collect()
}

/// Returns the bytes that a call allocates, altogether.
fn bytes<T>(call: impl FnOnce() -> T) -> (usize, T) {
    let before = BYTES.get();
    let result = call();
    (BYTES.get() - before, result)
}

#[test]
fn alternatives_do_not_multiply_what_patterns_take() {
    let limits = Limits::default().with_max_filters(10);
    let compile = |patterns: usize, fields: usize| {
        let patterns = product(patterns, fields);
        let (bytes, filters) =
            bytes(|| Filters::compile(&patterns, Dialect::Lambda, limits).unwrap());
        (bytes, filters)
    };
    // Half as much again, as buffers that grow are doubled.
    let small = compile(1, 100).0;
    let many_fields = compile(1, 240).0;
    assert!(many_fields < small * 36 / 10, "{small} {many_fields}");
    let many_patterns = compile(10, 100).0;
    assert!(many_patterns < small * 15, "{small} {many_patterns}");
    let (most, filters) = compile(10, 240);
    assert!(most < 20_000_000, "{most}");
    let event = format!(r#"{{"body":[{}]}}"#, ["{}"; 1000].join(","));
    let (explained, explanation) = bytes(|| filters.explain(event.as_bytes()));
    assert!(!explanation.is_match());
    assert!(explained < 12_000_000, "{explained}");
}
