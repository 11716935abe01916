//! Waiting, in tests, for what is true soon but not at once: a socket, a pipe or a file that one test closes stays
//! open in a process that another test is just starting, until that process runs its program.

use std::time::Duration;

/// Whether it comes to hold within ten seconds.
pub async fn eventually(mut holds: impl AsyncFnMut() -> bool) -> bool {
    for _ in 0..1000 {
        if holds().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}
