//! Which process listens on an address of this machine, as the kernel tells it.

#![allow(clippy::disallowed_methods, reason = "the shell is where /proc is read and sockets are opened")]

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::Path;

/// The state of a listening socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";

/// A listening socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    pub address: SocketAddr,
    pub inode: u64,
}

/// The addresses that `127.0.0.1:3001`, `[::1]:3001` or `name:3001` stands for. A name is asked of the resolver of
/// this host, so this may block.
///
/// # Errors
/// It stands for none.
pub fn addresses(text: &str) -> Result<Vec<SocketAddr>, String> {
    let found: Vec<SocketAddr> = text.to_socket_addrs().map_err(|error| error.to_string())?.collect();
    if found.is_empty() { Err("it stands for no address".to_owned()) } else { Ok(found) }
}

/// Whether an address belongs to this machine: only then can a socket be bound to it. Nothing is sent.
pub fn is_local(address: IpAddr) -> bool {
    address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

/// Every listening TCP socket that the kernel shows in this network namespace.
///
/// # Errors
/// Neither table can be read.
pub fn listening() -> Result<Vec<Listening>, String> {
    let read = |path: &str| std::fs::read_to_string(path).map_err(|error| format!("{path} can not be read: {error}"));
    let four = read("/proc/net/tcp")?;
    // A kernel without IPv6 has no second table.
    let six = read("/proc/net/tcp6").unwrap_or_default();
    Ok(four.lines().chain(six.lines()).filter_map(parse).collect())
}

/// The sockets that answer on `address`: those bound to it, else those bound to every address.
#[must_use]
pub fn answering(sockets: &[Listening], address: SocketAddr) -> Vec<Listening> {
    let bound_to = |wanted: SocketAddr| -> Vec<Listening> {
        sockets.iter().filter(|socket| socket.address == wanted).cloned().collect()
    };
    let any_four = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
    let any_six = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), address.port());
    let mut order = vec![address];
    if let IpAddr::V4(four) = address.ip() {
        order.push(SocketAddr::new(four.to_ipv6_mapped().into(), address.port()));
        order.push(any_four);
    }
    // A socket on every IPv6 address takes IPv4 connections too, unless it was told not to.
    order.push(any_six);
    order.into_iter().map(bound_to).find(|found| !found.is_empty()).unwrap_or_default()
}

/// The processes that hold any of these sockets, as far as this user may see.
#[must_use]
pub fn holders(inodes: &BTreeSet<u64>) -> BTreeSet<u32> {
    let links: BTreeSet<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let Ok(processes) = std::fs::read_dir("/proc") else { return BTreeSet::new() };
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| holds(*pid, &links))
        .collect()
}

fn holds(pid: u32, links: &BTreeSet<String>) -> bool {
    let folder = Path::new("/proc").join(pid.to_string()).join("fd");
    let Ok(files) = std::fs::read_dir(folder) else { return false };
    files.flatten().any(|file| {
        std::fs::read_link(file.path()).is_ok_and(|link| link.to_str().is_some_and(|link| links.contains(link)))
    })
}

/// One line of `/proc/net/tcp` or `tcp6`, if it is a listening socket.
fn parse(line: &str) -> Option<Listening> {
    let mut fields = line.split_whitespace();
    let local = fields.nth(1)?;
    let state = fields.nth(1)?;
    let inode = fields.nth(5)?.parse().ok()?;
    let (address, port) = local.split_once(':')?;
    let address = SocketAddr::new(ip(address)?, u16::from_str_radix(port, 16).ok()?);
    (state == LISTEN).then_some(Listening { address, inode })
}

/// Addresses are printed as 32-bit words in the machine's own byte order.
fn ip(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let digits = hex.get(at * 8..at * 8 + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for at in 0..4 {
                bytes[at * 4..at * 4 + 4].copy_from_slice(&word(at)?);
            }
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::shell::eventually::eventually;

    #[test]
    fn lines_of_the_kernel_are_read() {
        let check = |line: &str, want: Option<(&str, u64)>| {
            let found = parse(line).map(|found| (found.address.to_string(), found.inode));
            assert_eq!(found, want.map(|(address, inode)| (address.to_owned(), inode)), "{line}");
        };
        let rest = "00000000:00000000 00:00000000 00000000     0        0";
        let four = |local: &str, state: &str| format!("   0: {local} 00000000:0000 {state} {rest} 630 1 0000 100");
        let six = |local: &str| format!("   1: {local} {:032}:0000 0A {rest} 77 1 0000", 0);
        if cfg!(target_endian = "little") {
            check(&four("0100007F:0BB9", "0A"), Some(("127.0.0.1:3001", 630)));
            check(&six("00000000000000000000000001000000:0BB9"), Some(("[::1]:3001", 77)));
            check(&six("0000000000000000FFFF00000100007F:0BB9"), Some(("[::ffff:127.0.0.1]:3001", 77)));
        }
        check(&four("00000000:07E8", "0A"), Some(("0.0.0.0:2024", 630)));
        check(&four("0100007F:0BB9", "01"), None);
        check("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when", None);
        check("", None);
    }

    #[test]
    fn the_nearest_socket_answers() {
        let socket = |address: &str, inode| Listening { address: address.parse().expect("an address"), inode };
        let all = [
            socket("127.0.0.1:80", 1),
            socket("0.0.0.0:80", 2),
            socket("[::]:80", 3),
            socket("[::]:81", 4),
            socket("[::ffff:127.0.0.1]:82", 5),
        ];
        let check = |address: &str, want: &[u64]| {
            let found = answering(&all, address.parse().expect("an address"));
            assert_eq!(found.iter().map(|socket| socket.inode).collect::<Vec<_>>(), want, "{address}");
        };
        check("127.0.0.1:80", &[1]);
        check("127.0.0.2:80", &[2]);
        check("[::1]:80", &[3]);
        check("127.0.0.1:81", &[4]);
        check("127.0.0.1:82", &[5]);
        check("127.0.0.1:83", &[]);
    }

    #[tokio::test]
    async fn our_own_socket_is_found_as_ours() {
        // An address of its own: elsewhere the port may be taken again as soon as it is free.
        let ours = TcpListener::bind("127.61.7.3:0").expect("a port is free");
        let address = ours.local_addr().expect("it is bound");
        let found = answering(&listening().expect("the tables can be read"), address);
        let inodes: BTreeSet<u64> = found.iter().map(|socket| socket.inode).collect();
        assert_eq!(inodes.len(), 1);
        assert!(holders(&inodes).contains(&std::process::id()));
        drop(ours);
        let gone = async || answering(&listening().expect("the tables can be read"), address).is_empty();
        assert!(eventually(gone).await, "{address} is still listed");
    }

    #[test]
    fn only_addresses_of_this_machine_are_local() {
        let check = |address: &str, want| assert_eq!(is_local(address.parse().expect("an address")), want, "{address}");
        check("127.0.0.1", true);
        check("127.9.9.9", true);
        check("::1", true);
        check("192.0.2.1", false);
    }
}
