//! The desk of a demo: what a console's menu asks of the simulated systems, carried out beside the loop.
//!
//! What simulates stands above the shell, so it hands its desk in. A console without one says how to get it.
//!
//! Must never: be asked for anything that is not simulated.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::model::{DemoOrder, FaultState};

/// Every fault as it then is, or why that is not known.
pub type Answered = Pin<Box<dyn Future<Output = Result<Vec<FaultState>, String>> + Send>>;

/// Carries out orders on the demo of a folder.
#[derive(Clone, Default)]
pub struct Desk(Option<Arc<dyn Fn(String, DemoOrder) -> Answered + Send + Sync>>);

impl Desk {
    /// A desk that does this with the demo's folder and the order.
    pub fn of(carry_out: impl Fn(String, DemoOrder) -> Answered + Send + Sync + 'static) -> Desk {
        Desk(Some(Arc::new(carry_out)))
    }

    /// Carries out an order, and tells every fault as it is afterwards.
    ///
    /// # Errors
    /// Why it could not be done or told, for people.
    pub async fn ask(&self, folder: String, order: DemoOrder) -> Result<Vec<FaultState>, String> {
        match &self.0 {
            Some(carry_out) => carry_out(folder, order).await,
            None => Err("this console was started without a way to the demo".to_owned()),
        }
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Desk" } else { "no Desk" })
    }
}
