//! Opens a connection and closes it again.

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::{connection_failure, shown};
use crate::model::{FetchFailure, TcpRequest};

/// Connects to the first of the name's addresses that answers.
///
/// # Errors
/// The name stands for nothing, or nothing accepts the connection in time.
pub async fn connect(request: &TcpRequest) -> Result<(), FetchFailure> {
    let attempt = async {
        let mut failure = FetchFailure::HostNotFound;
        for address in lookup_host(&request.address).await.map_err(|_| FetchFailure::HostNotFound)? {
            match TcpStream::connect(address).await {
                Ok(_closed_at_once) => return Ok(()),
                Err(error) => {
                    let other = || FetchFailure::Other { detail: shown(&error.to_string()) };
                    failure = connection_failure(&error).unwrap_or_else(other);
                }
            }
        }
        Err(failure)
    };
    match timeout(request.timeout, attempt).await {
        Ok(done) => done,
        Err(_) => Err(FetchFailure::ConnectTimeout { after: request.timeout }),
    }
}
