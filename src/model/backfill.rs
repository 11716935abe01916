//! What a server remembers of a target from before the console looked, ready to be linked into the store.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::batch::exact;
use super::{FetchFailure, Layout};
use crate::base::{At, TargetId, Wall};

/// The answer of one server for one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Backfill {
    pub target: TargetId,
    /// When it was asked, which is before any source of the target was polled: nothing of it counts from then on.
    pub asked: At,
    pub took: Duration,
    pub scrapes: Vec<Scraped>,
    /// Series that came and are not used, because nothing tells which node they are of.
    pub untold: usize,
    /// Which limit was reached, in words; what is here is then not all.
    pub limit: Option<String>,
    pub failure: Option<FetchFailure>,
}

/// Series that were measured together: at each time, those that are missing were gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scraped {
    pub layouts: Vec<Arc<Layout>>,
    /// Oldest first.
    pub rows: Vec<PastRow>,
}

/// What was measured at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastRow {
    pub at: Wall,
    /// Place in [`Scraped::layouts`].
    pub layout: usize,
    /// One value per column of the layout.
    #[serde(with = "exact")]
    pub values: Arc<[f64]>,
}

impl Backfill {
    /// Nothing came, and why.
    #[must_use]
    pub fn failed(target: TargetId, asked: At, took: Duration, failure: FetchFailure) -> Backfill {
        let failure = Some(failure);
        Backfill { target, asked, took, scrapes: Vec::new(), untold: 0, limit: None, failure }
    }
}
