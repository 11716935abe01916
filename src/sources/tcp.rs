//! Whether something accepts connections on the endpoint's address, and how long that takes.
//!
//! Gives `probe_success` (1; 0 while the source fails) and `probe_duration_seconds`, as the blackbox exporter names
//! them. Nothing is sent: some services log every connection, none can mistake this one for a request.

use serde::{Deserialize, Serialize};

use super::kind::{Columns, Decoded, Fill, Kind, KindSpec, Own, mismatched};
use super::{BoundSource, Cursor, SourceKindSpec, seconds};
use crate::model::{Answer, Fetch, FetchFailure, Reply, TcpRequest};

const DURATION: &str = "probe_duration_seconds";

/// A connection to host and port of the endpoint's URL; `tcp://host:port` for an endpoint that speaks no HTTP.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TcpSpec {}

#[derive(Debug)]
struct Tcp {
    request: TcpRequest,
    columns: Columns,
}

impl KindSpec for TcpSpec {
    fn read(&self) -> String {
        "TCP connect".to_owned()
    }

    fn compile(&self, bound: &BoundSource) -> Result<Box<dyn Kind>, String> {
        let request = TcpRequest { address: address(&bound.base_url)?, timeout: seconds(bound.spec.timeout_seconds) };
        Ok(Box::new(Tcp { request, columns: Columns::new(bound, [Columns::of_source(bound, DURATION)])? }))
    }

    fn names(&self) -> Option<Vec<String>> {
        Some(vec![DURATION.to_owned()])
    }

    fn filled(&self, _fill: Fill<'_>) -> Result<SourceKindSpec, String> {
        Ok(SourceKindSpec::Tcp(self.clone()))
    }

    fn verdict(&self) -> Option<&'static str> {
        Some("probe_success")
    }
}

impl Kind for Tcp {
    fn fetch(&self, _cursor: &Cursor) -> Result<Fetch, FetchFailure> {
        Ok(Fetch::Tcp(self.request.clone()))
    }

    fn decode(&self, reply: &Reply, own: &Own<'_>, cursor: &mut Cursor) -> Result<Decoded, FetchFailure> {
        match &reply.answer {
            Answer::Tcp => Ok(self.columns.lay_out(own, cursor, &[(0, reply.took.as_secs_f64())])),
            Answer::Http(_) | Answer::File(_) | Answer::FileSystem(_) | Answer::Command(_) => Err(mismatched()),
        }
    }
}

/// Host and port of a URL.
fn address(base_url: &str) -> Result<String, String> {
    let url =
        url::Url::parse(base_url).map_err(|error| format!("the address {base_url:?} can not be used: {error}"))?;
    if !["tcp", "http", "https"].contains(&url.scheme()) {
        return Err(format!("the address {base_url:?} begins with none of tcp, http, https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the address carries a user name or a password, which would be shown".to_owned());
    }
    match (url.host_str().filter(|host| !host.is_empty()), url.port_or_known_default()) {
        (Some(host), Some(port)) => Ok(format!("{host}:{port}")),
        (Some(_), None) => Err(format!("the address {base_url:?} names no port")),
        (None, _) => Err(format!("the address {base_url:?} names no host")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_host_and_port_of_the_endpoint() {
        let check = |url: &str, want: Result<&str, &str>| match (address(url), want) {
            (Ok(found), Ok(want)) => assert_eq!(found, want),
            (Err(error), Err(word)) => assert!(error.contains(word), "{error}"),
            (found, _) => panic!("{url}: {found:?}"),
        };
        check("http://127.0.0.1:3001", Ok("127.0.0.1:3001"));
        check("https://node.example/behind", Ok("node.example:443"));
        check("tcp://[::1]:22", Ok("[::1]:22"));
        check("tcp://node.example", Err("names no port"));
        check("ftp://node.example", Err("none of tcp"));
        check("node.example:22", Err("none of tcp"));
        check("http://me:secret@node.example", Err("password"));
    }
}
