//! What to do about a read that brought nothing: by its cause, because what helps a node that is down does nothing for
//! one that answers with something else.

use crate::model::FetchFailure;

/// Where another system answers at a configured address.
pub(super) const OTHER_SYSTEM: &str =
    "put the address at which the node answers into the endpoint, or the system that answers there into the target";

/// One sentence.
pub(super) fn of(failure: &FetchFailure) -> &'static str {
    match failure {
        FetchFailure::Refused => "see whether the node runs, and whether it listens on this port",
        FetchFailure::HostNotFound => {
            "see whether the name in the endpoint's url is right, and whether this machine resolves it"
        }
        FetchFailure::Unreachable | FetchFailure::ConnectTimeout { .. } => {
            "see whether the node's machine is up, and whether a firewall or a route keeps this machine from it"
        }
        FetchFailure::Timeout { .. } => {
            "the node took the connection and did not finish its answer: see how busy it is, on its own machine"
        }
        FetchFailure::TooLarge { .. } => {
            "see whether the endpoint's url leads to this node, and to nothing that answers more"
        }
        FetchFailure::Closed => "see the node's log: it, or a proxy before it, ended the connection",
        FetchFailure::Redirected { .. } => {
            "put the address that it leads to into the endpoint's url, if that is the node; a login page is not"
        }
        FetchFailure::Status { status: 401 | 403 | 407 } => {
            "give the endpoint an auth that the node takes, as opsconsole config init shows it"
        }
        FetchFailure::Status { status: 404 | 405 | 410 } => {
            "see whether the endpoint's url leads to this kind of node: what answers there does not know this read"
        }
        FetchFailure::Status { status: 429 } => {
            "read less often: raise interval_seconds or lower requests_per_second of the target"
        }
        FetchFailure::Status { status: 500.. } => {
            "see the node's log: it, or a proxy before it, answers that it can not answer"
        }
        FetchFailure::Status { .. } => "see whether the endpoint's url leads to this kind of node",
        FetchFailure::Html { .. } => {
            "see whether the endpoint's url leads to the node itself: a web page answers there, often that of a proxy or a login"
        }
        FetchFailure::Malformed { .. } => {
            "see whether the endpoint's url leads to this kind of node and version: what answers there is not what it says"
        }
        FetchFailure::Tls { .. } => {
            "see whether the node's certificate is valid for the name in the url, and trusted on this machine"
        }
        FetchFailure::Secret { .. } => {
            "see the endpoint's auth: where its secret is kept, and that it is sent over https"
        }
        FetchFailure::Address { .. } => "put the endpoint's url right, then: opsconsole config check",
        // Nothing is wrong, so that nothing is to be done; asked for all the same where a list is complete.
        FetchFailure::NotRead { .. } => "nothing, unless the console runs on the node's machine",
        FetchFailure::NoFile { .. } => {
            "see whether the node writes this file, and whether the target's settings name the right one"
        }
        FetchFailure::Denied { .. } => "let this user read it, for instance through the group that it belongs to",
        FetchFailure::NotRegular { .. } | FetchFailure::File { .. } => {
            "see what stands at this path, and whether the target's settings name the right one"
        }
        FetchFailure::NotRun { .. } => "see whether the program is installed on this machine",
        FetchFailure::StillRunning { .. } => "run it by hand on this machine and see what it waits for",
        FetchFailure::Exit { .. } | FetchFailure::Signalled { .. } => {
            "run it by hand as this user and see what it complains about"
        }
        FetchFailure::TooOften { .. } => {
            "wait until the node lets this machine in again, and see what else on it reads this node"
        }
        FetchFailure::Late { .. } => "nothing, unless it stays so: then see how many consoles run on this machine",
        FetchFailure::Rpc { .. } => "see the node's log, and whether its configuration lets this machine read this",
        FetchFailure::Overrun { .. } => {
            "the answer is unusually large or deep: look at it; the source rests until the console is started again"
        }
        FetchFailure::Other { .. } => "see whether the node runs and lets this machine in",
        FetchFailure::OtherSystem { .. } => OTHER_SYSTEM,
    }
}
