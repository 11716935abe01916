//! Proofs before acting: that commands act on the node that is shown, and that they may run as configured.
//!
//! Both are taken when the console is armed or a sequence is prepared, and again by the runner right before the first
//! act. Nothing here changes anything, and nothing here asks anybody for a password.
//!
//! Must never: take silence for a proof. What can not be seen is *not proven*, and shown as that; what is seen to be
//! wrong is *contradicted*, and refused.
//!
//! To add a way of elevation: its proof in [`privilege`], its argv in `resolve`. What a kind of act needs: [`prove_acts`].

mod host;
mod listener;
mod privilege;

pub use host::{HostProof, prove_host};
pub use privilege::{prove_acts, prove_privilege};
