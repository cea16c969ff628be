//! Where a proxy listens, and which origins clients reach there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;

use super::config::{Config, ListenAt};
use super::engine::{Engine, Listening};
use super::listener::{Door, Listener};
use super::start_error::StartError;
use crate::message::Scheme;
use crate::route::{Mount, MountPoint, Mounted, Mounts, check_mounts};

/// An origin, and where clients reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachedAt {
    /// The base URL for clients of this machine, such as `http://127.0.0.1:8899/pay`.
    pub url: String,
    /// The base URL that it stands for, such as `https://pay.example.com`.
    pub origin: String,
    /// The place of its listener among all.
    pub listener: usize,
}

/// Every address to listen on, before anything listens.
pub(super) struct Places {
    addresses: Vec<ListenAt>,
    origins: Vec<(Option<usize>, Mount)>,
}

impl Places {
    /// Those of the settings. An origin with an address of its own has a listener there, which may be one that is named for
    /// another reason.
    pub(super) fn of(config: &Config) -> Result<Self, StartError> {
        check_mounts(&config.origins)?;
        let first = ListenAt { address: config.listen, session: config.session.clone() };
        let mut addresses: Vec<_> = std::iter::once(first).chain(config.more.iter().cloned()).collect();
        let mut origins = Vec::new();
        for mount in &config.origins {
            let listener = match mount.at {
                MountPoint::Path(_) => None,
                MountPoint::Address(address) => {
                    let named = addresses.iter().position(|place| place.address == address && address.port() != 0);
                    Some(named.unwrap_or_else(|| {
                        addresses.push(ListenAt { address, session: None });
                        addresses.len() - 1
                    }))
                }
            };
            origins.push((listener, mount.clone()));
        }
        Ok(Self { addresses, origins })
    }

    /// An address that other machines can reach.
    pub(super) fn exposed(&self) -> Option<SocketAddr> {
        self.addresses.iter().map(|place| place.address).find(|address| !address.ip().is_loopback())
    }

    /// Which origin is where.
    pub(super) fn mounts(&self) -> Mounts {
        let mounted = |(listener, mount): &(Option<usize>, Mount)| {
            let prefix = if let MountPoint::Path(path) = &mount.at { path.clone() } else { String::new() };
            Mounted { listener: *listener, prefix, to: mount.to.clone() }
        };
        Mounts::new(self.origins.iter().map(mounted).collect())
    }

    /// Listens everywhere, or nowhere.
    pub(super) async fn bind(self) -> Result<(Vec<Listener>, Vec<Listening>), StartError> {
        let (mut listeners, mut listening) = (Vec::new(), Vec::new());
        for (number, ListenAt { address, session }) in self.addresses.into_iter().enumerate() {
            let listen_error = |source| StartError::Listen { address, source };
            let tcp = TcpListener::bind(address).await.map_err(listen_error)?;
            let address = tcp.local_addr().map_err(listen_error)?;
            let door = Door { number, session: session.as_deref().map(Arc::from) };
            listeners.push(Listener { tcp, door });
            listening.push(Listening { address, session });
        }
        Ok((listeners, listening))
    }
}

/// Each origin once: at its own listener, or at the first that has none of its own.
pub(super) fn reached(engine: &Engine) -> Vec<ReachedAt> {
    let scheme = if engine.tls { Scheme::Https } else { Scheme::Http };
    let of_all =
        (0..engine.listeners.len()).find(|number| engine.mounts.on(*number).any(|mount| mount.listener.is_none()));
    let at = |mount: &Mounted| {
        let listener = mount.listener.or(of_all)?;
        let address = engine.listeners.get(listener)?.address;
        let url = format!("{scheme}://{}{}", destination(address), mount.prefix);
        Some(ReachedAt { url, origin: mount.to.to_string(), listener })
    };
    engine.mounts.iter().filter_map(at).collect()
}

/// An address on all interfaces is no destination; clients of this machine are sent to loopback.
fn destination(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}
