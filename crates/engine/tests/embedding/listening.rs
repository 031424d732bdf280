//! Listeners that are slow.

use lambda_esm_engine::Heard;
use serde_json::json;

use crate::support::{clock, engine, queue, request, seconds, send};

#[tokio::test(start_paused = true)]
async fn a_listener_that_does_not_read_is_told_how_much_it_missed_and_goes_on() {
    let clock = clock();
    let orders = queue(clock);
    let engine = engine(clock, &orders);
    let mut events = engine.events();
    engine
        .create(request(json!({ "BatchSize": 1 })))
        .await
        .unwrap();
    send(&orders, 0..2_000);
    seconds(60).await;
    let total = engine
        .recent(engine.status()[0].uuid)
        .unwrap()
        .last()
        .unwrap()
        .sequence;
    assert!(total > 5_000, "{total} decisions fit");
    let Some(Heard::Missed(missed)) = events.next().await else {
        panic!("nothing was missed");
    };
    let mut read = 0;
    while let Some(heard) = events.next_now() {
        let Heard::Event(event) = heard else {
            panic!("{heard:?}");
        };
        read += 1;
        assert_eq!(event.sequence, missed + read);
    }
    assert_eq!(missed + read, total);

    send(&orders, ["one more"]);
    assert!(matches!(events.next().await, Some(Heard::Event(_))));
    drop(engine);
    while let Some(heard) = events.next().await {
        assert!(matches!(heard, Heard::Event(_)), "{heard:?}");
    }
}
