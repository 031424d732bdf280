//! Metrics on an embedder's own page.

use lambda_esm_engine::Metrics;
use serde_json::json;

use crate::support::{clock, engine, queue, request, seconds, send};

#[tokio::test(start_paused = true)]
async fn the_metrics_of_several_engines_are_one_part_of_a_page() {
    let clock = clock();
    let mut engines = Vec::new();
    for messages in [1, 2] {
        let orders = queue(clock);
        let engine = engine(clock, &orders);
        engine.create(request(json!({}))).await.unwrap();
        send(&orders, 0..messages);
        engines.push(engine);
    }
    seconds(5).await;
    let labels = [[("region", "us-east-1")], [("region", "a\"b\\c\n")]];
    let parts = engines.iter().zip(&labels);
    let text = Metrics::render_all(parts.map(|(engine, labels)| (engine.metrics(), &labels[..])));
    assert!(!text.contains("# EOF"), "{text}");
    let described = text.matches("# TYPE aws_lambda_PolledEventCount counter\n");
    assert_eq!(described.count(), 1, "{text}");
    for (region, polled) in [("us-east-1", 1), (r#"a\"b\\c\n"#, 2)] {
        let begins = format!("aws_lambda_PolledEventCount_total{{region=\"{region}\",");
        let mut lines = text.lines().filter(|line| line.starts_with(&begins));
        let line = lines.next().unwrap_or_else(|| panic!("{begins} in {text}"));
        assert!(
            line.ends_with(&format!("function=\"f\"}} {polled}")),
            "{line}"
        );
        assert_eq!(lines.next(), None);
    }
    let whole = engines[0].metrics().render();
    assert!(whole.ends_with("\n# EOF\n"), "{whole}");
    assert!(!whole.contains("region="), "{whole}");
}
