//! TCP towards a host: resolving the name, racing its addresses, never reaching this proxy itself.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use socket2::TcpKeepalive;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout_at};

use super::{Failure, own};

/// RFC 8305 §8 recommends this head start for each address before the next one is tried beside it.
const HEAD_START: Duration = Duration::from_millis(250);

/// Silence on a connection after which the system asks whether the peer is still there.
const PROBE_AFTER: Duration = Duration::from_secs(60);

/// An open TCP connection, and how long its parts took.
pub(super) struct Dialled {
    pub(super) stream: TcpStream,
    /// `None` for an IP address.
    pub(super) dns: Option<Duration>,
    pub(super) connect: Duration,
}

/// Connects to `host:port` within `limit`, DNS included. `whom` is how failures call it.
pub(super) async fn dial(
    host: &str,
    port: u16,
    whom: &str,
    limit: Duration,
    own: &[SocketAddr],
) -> Result<Dialled, Failure> {
    let start = Instant::now();
    let deadline = (start + limit).into();
    let (addresses, dns) = match host.parse::<IpAddr>() {
        Ok(ip) => (vec![SocketAddr::new(ip, port)], None),
        Err(_) => {
            let found = timeout_at(deadline, resolve(host, port)).await;
            let found = found.map_err(|_| Failure::slow(&format!("{host} did not resolve"), limit))?;
            let addresses = found.map_err(|error| Failure::unresolved(host, &error))?;
            (addresses, Some(start.elapsed()))
        }
    };
    if addresses.iter().any(|&target| own.iter().any(|&own| own::same(target, own))) {
        return Err(Failure::own_address(whom));
    }
    let resolved = Instant::now();
    let stream = timeout_at(deadline, race(by_turns(addresses)))
        .await
        .map_err(|_| Failure::slow(&format!("no connection to {whom}"), limit))?
        .map_err(|error| Failure::unconnected(whom, &error))?;
    if let (Ok(local), Ok(remote)) = (stream.local_addr(), stream.peer_addr())
        && own.iter().any(|&own| own::same_machine(local, remote, own))
    {
        return Err(Failure::own_address(whom));
    }
    Ok(Dialled { stream, dns, connect: resolved.elapsed() })
}

async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    // RFC 6761 §6.3 keeps these names on the machine; browsers do so without asking, few system resolvers do.
    if host.ends_with(".localhost") {
        return Ok(vec![(Ipv6Addr::LOCALHOST, port).into(), (Ipv4Addr::LOCALHOST, port).into()]);
    }
    let addresses: Vec<_> = tokio::net::lookup_host((host, port)).await?.collect();
    if addresses.is_empty() { Err(io::Error::other("it has no address")) } else { Ok(addresses) }
}

/// The address families in turn, the first one first, so that a broken family costs one head start and not many.
fn by_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut second = second.into_iter();
    let mut turns = Vec::new();
    for address in first {
        turns.push(address);
        turns.extend(second.next());
    }
    turns.extend(second);
    turns
}

/// The first address that accepts; the error of the last one that refused.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    if let [only] = addresses[..] {
        return connect(only).await;
    }
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut last = io::Error::other("it has no address");
    spawn_next(&mut attempts, &mut waiting);
    while !attempts.is_empty() {
        tokio::select! {
            done = attempts.join_next() => match done {
                Some(Ok(Ok(stream))) => return Ok(stream),
                Some(Ok(Err(error))) => last = error,
                Some(Err(_)) | None => {}
            },
            () = sleep(HEAD_START), if waiting.len() > 0 => {}
        }
        spawn_next(&mut attempts, &mut waiting);
    }
    Err(last)
}

fn spawn_next(attempts: &mut JoinSet<io::Result<TcpStream>>, waiting: &mut impl Iterator<Item = SocketAddr>) {
    if let Some(address) = waiting.next() {
        attempts.spawn(connect(address));
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    // An idle connection whose peer vanished without a word ends by this; not every system can do it.
    let _ = socket2::SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(PROBE_AFTER));
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_families_take_turns() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let turns = by_turns(vec![at("[::1]:1"), at("[::2]:1"), at("[::3]:1"), at("1.1.1.1:1")]);
        assert_eq!(turns, [at("[::1]:1"), at("1.1.1.1:1"), at("[::2]:1"), at("[::3]:1")]);
    }

    #[tokio::test]
    async fn an_address_that_refuses_gives_way_to_the_next() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let stream = race(vec![closed, open]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
        assert!(stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn names_under_localhost_stay_on_the_machine() {
        let addresses = resolve("app.localhost", 80).await.unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback()));
    }
}
