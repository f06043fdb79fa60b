//! The kit, played through a client that keeps the books.

use std::sync::Arc;

use async_trait::async_trait;
use az_ai::decorate::{Booking, MeteredClient};
use az_ai::testing::llm_client;
use az_ai::testing::llm_client::{ClientFixture, Scene, Staged};
use az_core::clock::ManualClock;
use az_core::memory::MemoryStore;
use az_core::testing::sample::{at, task_id};

use super::scripted::Scripted;

#[derive(Debug, Default)]
struct Metered(Scripted);

#[async_trait]
impl ClientFixture for Metered {
    async fn set(&self, scene: Scene) -> Option<Staged> {
        let staged = self.0.set(scene).await?;
        let booking = Booking::new(task_id("t"), "c").unwrap();
        let (books, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::at(at(0))));
        let client = MeteredClient::new(staged.client, books, clock, booking);
        Some(Staged { client: Arc::new(client), ..staged })
    }

    async fn asked(&self) -> Option<usize> {
        self.0.asked().await
    }

    async fn given_up(&self) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn a_client_that_keeps_the_books_keeps_the_contract() {
    let report = llm_client(Metered::default).await;
    report.assert_passed();
    assert_eq!(
        report.skipped(),
        ["no_key_is_shown", "a_dropped_call_is_given_up", "a_dropped_stream_is_given_up"]
    );
}
