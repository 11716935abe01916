//! The desk that a console's menu of faults asks: orders become requests to the control port of the demo's folder.

use std::path::Path;

use super::client::{self, Control};
use super::error::SimError;
use crate::model::{DemoOrder, FaultState};
use crate::shell::demo::Desk;

/// A desk for every demo of this machine that this user may reach.
#[must_use]
pub fn desk() -> Desk {
    Desk::of(|folder, order| {
        Box::pin(async move { carried_out(&folder, order).await.map_err(|error| error.to_string()) })
    })
}

async fn carried_out(folder: &str, order: DemoOrder) -> Result<Vec<FaultState>, SimError> {
    let control = Control::of_folder(Path::new(folder))?;
    match order {
        DemoOrder::Tell => client::faults(&control).await,
        DemoOrder::Switch { system, name, on } => {
            client::set_fault(&control, &format!("{system}/{name}"), on).await?;
            client::faults(&control).await
        }
        DemoOrder::Cure { system } => client::cure(&control, system.as_deref()).await,
        DemoOrder::TellOn => {
            let faults = client::faults(&control).await?;
            Ok(faults.into_iter().filter(|fault| fault.on).collect())
        }
    }
}
