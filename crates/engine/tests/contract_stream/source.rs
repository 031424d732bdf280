//! The port of a stream with a fault.

use std::future::pending;

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_engine::ports::{Cursor, FetchRequest, Listing, Page, ShardId, Start, StreamSource};

use crate::fault::Fault;
use crate::faulty::Faulty;
use crate::{listing, pages, records, starts};

#[async_trait]
impl StreamSource for Faulty {
    async fn list(&self) -> Result<Listing, SourceError> {
        let beside = self.is(Fault::ListHangsBesideAFetch) && self.state().under_way > 0;
        if self.is(Fault::ListHangs) || beside {
            pending::<()>().await;
        }
        let mut listing = self.inner().list().await?;
        listing::alter(self, &mut listing);
        Ok(listing)
    }

    async fn open(&self, shard: &ShardId, from: &Start) -> Result<Cursor, SourceError> {
        if self.is(Fault::OpenHangs) {
            pending::<()>().await;
        }
        starts::open(self, shard, from).await
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Page, SourceError> {
        pages::delay(self, &request).await;
        let mut page = pages::fetch(self, request).await?;
        if let Some(fault) = self.fault() {
            let found = page.records.into_iter();
            page.records = found
                .filter_map(|each| records::alter(fault, each))
                .collect();
        }
        Ok(page)
    }
}
