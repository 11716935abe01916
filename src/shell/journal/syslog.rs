//! The head of every journal also goes to syslog, where there is one: a copy that whoever may write the state root
//! can not take back.

use std::os::unix::net::UnixDatagram;
use std::path::Path;

use super::line::Link;

/// `authpriv.notice`: security messages that only administrators read.
const PRIORITY: u8 = 10 * 8 + 5;

/// Tells syslog how far a journal has come. Never waits and never fails: the journal itself is what counts.
pub fn announce(journal: &Path, link: &Link) {
    // Tests must not write into the log of the machine they run on.
    if !cfg!(test) {
        send(Path::new("/dev/log"), journal, link);
    }
}

/// Tells syslog something that the journal could not take.
pub fn say(text: &str) {
    if !cfg!(test) {
        let _ = datagram(Path::new("/dev/log"), text);
    }
}

fn send(socket: &Path, journal: &Path, link: &Link) {
    let text = format!("journal {} record {} head {}", journal.display(), link.seq, link.hash);
    let _ = datagram(socket, &text);
}

fn datagram(socket: &Path, text: &str) -> std::io::Result<()> {
    let sender = UnixDatagram::unbound()?;
    sender.set_nonblocking(true)?;
    let line = format!("<{PRIORITY}>opsconsole[{}]: {text}", std::process::id());
    sender.send_to(line.as_bytes(), socket).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_arrives_where_somebody_listens() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let socket = place.path().join("log");
        send(&socket, Path::new("/j"), &Link::start());
        let listener = UnixDatagram::bind(&socket).expect("it can listen");
        send(&socket, Path::new("/j"), &Link::start());
        let mut buffer = [0; 512];
        let length = listener.recv(&mut buffer).expect("one message is waiting");
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        assert!(text.starts_with("<85>opsconsole["), "{text}");
        assert!(text.contains("journal /j record 0 head 0000"), "{text}");
    }
}
