//! What the console would have seen in the last minutes before the demo began.
//!
//! Must never: keep the demo from beginning: without its past it runs all the same.

use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use color_eyre::eyre::Result;

use crate::model::{Batch, Fetch};
use crate::shell::clock;
use crate::sim;
use crate::sim::client::PastRead;
use crate::sim::{Control, Request};
use crate::sources::{BoundSource, Cursor, Source};

/// What the console would have seen in the last minutes, decoded by the real sources. Without it the demo still runs,
/// only without a past; the reason is said when the
/// screen is free again.
pub(super) async fn history(folder: &Path, setup: crate::app::Setup, trouble: &RefCell<Option<String>>) -> Vec<Batch> {
    match fetch_history(folder, &setup).await {
        Ok(batches) => batches,
        Err(error) => {
            *trouble.borrow_mut() = Some(error.to_string());
            Vec::new()
        }
    }
}

async fn fetch_history(folder: &Path, setup: &crate::app::Setup) -> Result<Vec<Batch>> {
    let control = Control::of_folder(folder)?;
    let systems = setup.load_systems()?;
    let mut batches = Vec::new();
    for target in &setup.config.targets {
        let Some(system) = systems.get(&target.system) else { continue };
        for bound in target.bind(&system.spec) {
            batches.extend(source_history(&control, target.system.as_str(), bound).await?);
        }
    }
    Ok(batches)
}

async fn source_history(control: &Control, system: &str, bound: BoundSource) -> Result<Vec<Batch>> {
    let source = Source::compile(bound)?;
    let mut cursor = Cursor::default();
    // Only what answers lives its past again; its machine has none.
    let Ok(Fetch::Http(request)) = source.fetch(&cursor) else { return Ok(Vec::new()) };
    let read = PastRead {
        system,
        node: source.bound.labels.get("node"),
        endpoint: source.bound.spec.endpoint.as_str(),
        request: &Request::of(&request),
    };
    let past = sim::client::history(control, read, source.interval()).await?;
    let now = clock::now();
    Ok(past.into_iter().map(|past| source.decode(&mut cursor, &past.reply(now, Duration::ZERO))).collect())
}
