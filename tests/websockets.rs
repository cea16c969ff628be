//! WebSockets pass through while recording, and are a clear miss in replay.

use tokio_tungstenite::tungstenite::{Error, Message, client};

use crate::support::{Harmock, Origin, Wire, Workspace, entry};

#[test]
fn a_plain_websocket_passes_through_while_recording() {
    let origin = Origin::http();
    let workspace = Workspace::new();
    let proxy = Harmock::record::<&str>(&workspace, &[]);
    let wire = Wire::tunnel(proxy.address(), &origin.authority());
    echo_twice(wire, &format!("ws://{}/socket", origin.authority()));
}

#[test]
fn a_websocket_inside_tls_passes_through_while_recording() {
    let origin = Origin::https();
    let workspace = Workspace::new();
    let proxy = Harmock::record::<&str>(&workspace, &[]);
    let wire = Wire::tunnel(proxy.address(), &origin.authority()).tls(proxy.ca(), "localhost");
    echo_twice(wire, &format!("wss://{}/socket", origin.authority()));
}

fn echo_twice(wire: Wire, url: &str) {
    let (mut socket, response) = client(url, wire.into_io()).unwrap();
    assert_eq!(response.status(), 101);
    for message in [Message::text("hello"), Message::binary(vec![0, 255, 7])] {
        socket.send(message.clone()).unwrap();
        assert_eq!(socket.read().unwrap(), message);
    }
    socket.close(None).unwrap();
}

#[test]
fn a_websocket_is_a_miss_in_replay() {
    let workspace = Workspace::new();
    workspace.write_har("one.har", &[entry("GET", "http://api.example.test/socket", 200, "no socket")]);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let wire = Wire::tunnel(proxy.address(), "api.example.test:80");
    let Err(error) = client("ws://api.example.test/socket", wire.into_io()) else { panic!("it was opened") };
    let tokio_tungstenite::tungstenite::HandshakeError::Failure(Error::Http(response)) = error else {
        panic!("{error}")
    };
    assert_eq!(response.status(), 502);
    proxy.interrupt().expect(3).says("api.example.test/socket");
}
