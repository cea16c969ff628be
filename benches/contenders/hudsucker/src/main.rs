//! Passes everything on, as hudsucker does with no handler of one's own, and writes its address as its first line.

use hudsucker::Proxy;
use hudsucker::certificate_authority::RcgenAuthority;
use hudsucker::rcgen::{CertificateParams, Issuer, KeyPair};
use hudsucker::rustls::crypto::aws_lc_rs;
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("http://{}", listener.local_addr()?);
    let issuer = Issuer::new(CertificateParams::default(), KeyPair::generate()?);
    let authority = RcgenAuthority::new(issuer, 100, aws_lc_rs::default_provider());
    let proxy = Proxy::builder()
        .with_listener(listener)
        .with_ca(authority)
        .with_rustls_connector(aws_lc_rs::default_provider())
        .build()?;
    Ok(proxy.start().await?)
}
