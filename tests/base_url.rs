//! Base-URL mode: clients that ask the proxy's own address, without a proxy to set.

use serde_json::json;
use tokio_tungstenite::tungstenite::{Message, client};

use crate::support::{
    Answer, Harmock, Origin, Wire, Workspace, chromium, curl, curl_exit, entry, needs, python, record_with, replay_with,
};

const API: &str = "https://api.test";

/// A GET in origin form of a client that takes the proxy for its server.
fn get(proxy: &Harmock, path: &str) -> Answer {
    get_with(proxy, path, "")
}

fn get_with(proxy: &Harmock, path: &str, fields: &str) -> Answer {
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{fields}\r\n", proxy.address()));
    wire.answer()
}

/// curl without a proxy.
fn direct(proxy: &Harmock, arguments: &[&str]) -> Answer {
    curl(proxy, &[&["--noproxy", "*"], arguments].concat())
}

fn workspace(entries: &[serde_json::Value]) -> Workspace {
    let workspace = Workspace::new();
    workspace.write_har("api.har", entries);
    workspace
}

/// The line that says where an origin is reached, and that place.
fn stands_for(proxy: &mut Harmock, origin: &str) -> String {
    let line = proxy.told(&format!(" stands for {origin}"));
    line.split_whitespace().nth(1).unwrap().to_owned()
}

#[test]
fn a_request_to_the_own_address_is_answered_by_the_entry_of_its_origin() {
    let workspace = workspace(&[
        entry("GET", "https://api.test/get?id=5", 200, "five"),
        entry("GET", "https://api.test/a%2Fb/%7Ec;x?q=%20+&a=", 200, "exact"),
    ]);
    let proxy = Harmock::replay(&workspace, &["--origin", API]);
    assert_eq!(get(&proxy, "/get?id=5").text(), "five");
    assert_eq!(get(&proxy, "/a%2Fb/%7Ec;x?q=%20+&a=").text(), "exact");
    let miss = get(&proxy, "/get?id=6");
    assert_eq!((miss.status, &miss.json()["url"]), (502, &json!("https://api.test/get?id=6")));
    proxy.interrupt().expect(3).says("MISS GET https://api.test/get?id=6");
}

#[test]
fn the_proxy_goes_on_serving_beside_the_origin() {
    needs!(Curl);
    let workspace =
        workspace(&[entry("GET", "https://api.test/x", 200, "x"), entry("GET", "http://b.test/y", 200, "y")]);
    let proxy = Harmock::replay(&workspace, &["--origin", API]);
    for _ in 0..2 {
        assert_eq!(get(&proxy, "/x").text(), "x");
        // By a CONNECT that is opened, in absolute form, and in absolute form to the proxy itself.
        assert_eq!(curl(&proxy, &["https://api.test/x"]).text(), "x");
        assert_eq!(curl(&proxy, &["http://b.test/y"]).text(), "y");
        assert_eq!(curl(&proxy, &[&format!("{}/x", proxy.url())]).text(), "x");
    }
    // One connection, in both ways.
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get("http://b.test/y").text(), "y");
    wire.send(format!("GET /x HTTP/1.1\r\nHost: {}\r\n\r\n", proxy.address()));
    assert_eq!(wire.answer().text(), "x");
    assert_eq!(wire.get("http://b.test/y").text(), "y");
    proxy.interrupt().expect(0);
}

#[test]
fn several_origins_lie_below_paths_or_at_addresses_of_their_own() {
    let workspace = workspace(&[
        entry("GET", "https://api.test/x", 200, "api"),
        entry("GET", "https://pay.test/v1/x", 200, "pay"),
        entry("GET", "https://pay.test/v1", 200, "base"),
        entry("GET", "https://id.test/pay/x", 200, "id"),
    ]);
    let arguments =
        ["--origin", API, "--origin", "/pay=https://pay.test/v1/", "--origin", "127.0.0.1:0=https://id.test"];
    let mut proxy = Harmock::replay(&workspace, &arguments);
    let pay = stands_for(&mut proxy, "https://pay.test/v1");
    assert_eq!(pay, format!("{}/pay", proxy.url()));
    let id = stands_for(&mut proxy, "https://id.test");
    for (path, expected) in [("/x", "api"), ("/pay/x", "pay"), ("/pay", "base")] {
        assert_eq!(get(&proxy, path).text(), expected, "{path}");
    }
    let address = id.strip_prefix("http://").unwrap();
    let mut wire = Wire::connect(address);
    wire.send(format!("GET /pay/x HTTP/1.1\r\nHost: {address}\r\n\r\n"));
    assert_eq!(wire.answer().text(), "id");
    proxy.interrupt().expect(0);
}

#[test]
fn a_path_without_an_origin_is_a_miss_that_names_those_there_are() {
    let workspace = workspace(&[entry("GET", "https://pay.test/x", 200, "pay")]);
    let proxy = Harmock::replay(&workspace, &["--origin", "/pay=https://pay.test"]);
    let nowhere = get(&proxy, "/payment");
    assert_eq!(nowhere.status, 404);
    assert!(nowhere.text().contains("/pay/ (https://pay.test)"), "{}", nowhere.text());
    proxy.interrupt().expect(3).says("/payment");
}

#[test]
fn own_pages_are_below_their_prefix_alone_and_the_host_must_be_this_one() {
    let workspace = workspace(&[
        entry("GET", "https://api.test/", 200, "home"),
        entry("GET", "https://api.test/ca.pem", 200, "theirs"),
    ]);
    let proxy =
        Harmock::replay(&workspace, &["--origin", API, "--name", "shop <mock>", "--allow-host", "mock.internal"]);
    assert_eq!(get(&proxy, "/").text(), "home");
    assert_eq!(get(&proxy, "/ca.pem").text(), "theirs");
    assert!(get(&proxy, "/__harmock/ca.pem").text().starts_with("-----BEGIN CERTIFICATE"));
    assert_eq!(get(&proxy, "/__harmock/health").json()["name"], "shop <mock>");
    let page = get(&proxy, "/__harmock/").text();
    assert!(page.contains("<h1>shop &lt;mock&gt;</h1>") && page.contains("https://api.test"), "{page}");
    for (host, status) in [
        ("localhost:1234", 200),
        ("app.localhost", 200),
        ("MOCK.internal:80", 200),
        ("evil.test", 403),
        ("10.1.2.3", 403),
    ] {
        let mut wire = Wire::connect(proxy.address());
        wire.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(wire.answer().status, status, "{host}");
    }
    proxy.interrupt().expect(0).says("harmock: shop <mock>: replaying 2 entries on ");
}

#[test]
fn what_is_recorded_is_what_the_upstream_got_and_sent_and_replays_both_ways() {
    needs!(Curl);
    let origin = Origin::https();
    let (base, authority) = (origin.url(""), origin.authority());
    let workspace = Workspace::new();
    let client = |proxy: &Harmock| {
        let path = format!("{}/echo/a%2Fb?x=%20&y", proxy.url());
        let referer = format!("Referer: {}/page", proxy.url());
        let own = format!("Origin: {}", proxy.url());
        let echo =
            direct(proxy, &["-H", &referer, "-H", &own, "-H", "X-Forwarded-For: 1.2.3.4", "--data", "n=1", &path]);
        (echo, direct(proxy, &[&format!("{}/strict-login", proxy.url())]))
    };
    let ((echo, login), _) = record_with(&workspace, &["--origin", &base, "--no-redact"], client);
    let seen = origin.last("/echo/a%2Fb?x=%20&y");
    assert_eq!(seen.header("referer"), Some(&*format!("{base}/page")));
    assert_eq!(seen.header("origin"), Some(&*base));
    assert_eq!(seen.header("x-forwarded-for"), Some("1.2.3.4"));
    assert!(seen.header("forwarded").is_none() && seen.header("x-forwarded-host").is_none());
    assert_eq!((&echo.json()["target"], &echo.json()["text"]), (&json!("/echo/a%2Fb?x=%20&y"), &json!("n=1")));
    // The client's side.
    let location = login.all("location")[0].to_owned();
    assert!(location.starts_with("http://127.0.0.1:") && location.ends_with("/account"), "{location}");
    assert_eq!(login.all("set-cookie")[0], "session=s3cr3t; Path=/; HttpOnly");
    // The archive's side.
    let archive = std::fs::read_to_string(workspace.join("hars/recording.har")).unwrap();
    assert!(!archive.contains("127.0.0.1"), "{archive}");
    assert!(archive.contains(&format!("\"url\": \"{base}/strict-login\"")), "{archive}");
    assert!(archive.contains(&format!("{base}/account")) && archive.contains("Domain=localhost; Path=/; Secure"));
    drop(origin.stop());
    let (replayed, _) = replay_with(&workspace, &["--origin", &base, "--redirects", "serve"], client);
    assert_eq!(replayed.0.json(), echo.json());
    assert_eq!(replayed.1.all("set-cookie"), login.all("set-cookie"));
    let (proxied, _) = replay_with(&workspace, &["--redirects", "serve"], |proxy: &Harmock| {
        curl(proxy, &[&format!("https://{authority}/strict-login")])
    });
    assert_eq!(proxied.all("location"), [format!("{base}/account")]);
    assert!(proxied.all("set-cookie")[0].contains("Domain=localhost; Path=/; Secure"));
}

#[test]
fn a_login_is_kept_by_a_cookie_jar_in_record_and_replay() {
    needs!(Python);
    let origin = Origin::http();
    let base = origin.url("");
    let workspace = Workspace::new();
    let client = |proxy: &Harmock| python(proxy, "base_url_login.py", &[proxy.url(), proxy.ca().to_str().unwrap()]);
    let check = |seen: &serde_json::Value| {
        assert!(seen["text"].as_str().unwrap().contains("ada"), "{seen}");
        assert!(seen["again"].as_str().unwrap().contains("ada"), "{seen}");
        assert!(seen["cookies"].as_array().unwrap().contains(&json!("session")), "{seen}");
    };
    let (recorded, ended) = record_with(&workspace, &["--origin", &base], client);
    check(&recorded);
    let told = ended.stderr.matches("do not keep the cookie __Host-csrf without TLS").count();
    assert_eq!(told, 1, "{}", ended.stderr);
    drop(origin.stop());
    let (replayed, _) = replay_with(&workspace, &["--origin", &base, "--redirects", "serve"], client);
    check(&replayed);
}

#[test]
fn a_redirect_to_another_origin_leads_to_where_that_is_reached() {
    let (first, second, third) = (Origin::http(), Origin::http(), Origin::http());
    let workspace = Workspace::new();
    let at_path = format!("/pay={}", second.url("/v1"));
    let at_port = format!("127.0.0.1:0={}", third.url(""));
    let arguments = ["--origin", &first.url(""), "--origin", &at_path, "--origin", &at_port];
    let mut proxy = Harmock::record(&workspace, &arguments);
    let own = proxy.url().to_owned();
    let third_here = stands_for(&mut proxy, &third.url(""));
    let led = |path: &str, target: &str| {
        let answer = get(&proxy, &format!("{path}/leads-to/{}", target.replacen("://", "/", 1)));
        answer.all("location")[0].to_owned()
    };
    assert_eq!(led("", &first.url("/x?y")), format!("{own}/x?y"));
    assert_eq!(led("", &second.url("/v1/x")), format!("{own}/pay/x"));
    assert_eq!(led("", &second.url("/v2/x")), second.url("/v2/x"));
    assert_eq!(led("", &third.url("/x")), format!("{third_here}/x"));
    for _ in 0..2 {
        assert_eq!(led("", "https://elsewhere.test/x"), "https://elsewhere.test/x");
    }
    let ended = proxy.interrupt().expect(0);
    assert_eq!(ended.stderr.matches("leads to https://elsewhere.test,").count(), 1, "{}", ended.stderr);
}

#[test]
fn relative_redirects_and_cookies_stay_below_the_path_of_their_origin() {
    needs!(Curl);
    let origin = Origin::http();
    let workspace = Workspace::new();
    let mount = format!("/pay={}", origin.url(""));
    let client = |proxy: &Harmock| {
        let followed = direct(proxy, &["-L", &format!("{}/pay/hop/2", proxy.url())]);
        let login = direct(proxy, &["--data", "user=ada&password=secret", &format!("{}/pay/login", proxy.url())]);
        (followed.text(), login.all("location")[0].to_owned(), login.all("set-cookie")[1].to_owned())
    };
    let expected = ("at the end".to_owned(), "/pay/account".to_owned(), "theme=dark; Path=/pay".to_owned());
    assert_eq!(record_with(&workspace, &["--origin", &mount, "--no-redact"], client).0, expected);
    drop(origin.stop());
    assert_eq!(replay_with(&workspace, &["--origin", &mount, "--redirects", "serve"], client).0, expected);
}

#[test]
fn clients_speak_tls_to_the_own_address_in_http_1_and_2_and_others_do_not() {
    needs!(Curl);
    let mut login = entry("GET", "https://api.test/login", 200, "in");
    login["response"]["headers"] = json!([
        { "name": "set-cookie", "value": "sid=12345678; Domain=api.test; Path=/; Secure; SameSite=None" },
        { "name": "set-cookie", "value": "__Host-csrf=12345678; Path=/; Secure" },
    ]);
    let workspace = workspace(&[entry("GET", "https://api.test/x?y=%2F", 200, "x"), login]);
    let mut proxy = Harmock::replay(&workspace, &["--origin", API, "--tls"]);
    let base = stands_for(&mut proxy, API);
    assert_eq!(base, format!("https://{}", proxy.address()));
    let port = base.rsplit(':').next().unwrap().to_owned();
    for (flag, version) in [("--http1.1", "HTTP/1.1"), ("--http2", "HTTP/2")] {
        // By address, which sends no server name, and by name.
        for host in ["127.0.0.1", "localhost"] {
            let answer = direct(&proxy, &[flag, &format!("https://{host}:{port}/x?y=%2F")]);
            assert_eq!((answer.version.as_str(), answer.text().as_str()), (version, "x"));
        }
        let cookies = direct(&proxy, &[flag, &format!("https://localhost:{port}/login")]);
        let expected = ["sid=12345678; Path=/; Secure; SameSite=None", "__Host-csrf=12345678; Path=/; Secure"];
        assert_eq!(cookies.all("set-cookie"), expected);
        let health = direct(&proxy, &[flag, &format!("https://localhost:{port}/__harmock/health")]);
        assert_eq!(health.json()["status"], "ok");
    }
    assert_eq!(get(&proxy, "/x?y=%2F").text(), "x");
    assert_eq!(curl(&proxy, &["https://api.test/x?y=%2F"]).text(), "x");
    assert_eq!(get(&proxy, "/login").all("set-cookie")[0], "sid=12345678; Path=/");
    proxy.interrupt().expect(0);
}

#[test]
fn http_2_without_tls_is_served_to_clients_that_know_of_it() {
    needs!(Curl);
    let origin = Origin::http();
    let workspace = Workspace::new();
    let base = origin.url("");
    let client = |proxy: &Harmock| {
        // What forwards to the listener has a port of its own.
        let other = "Host: localhost:1";
        let json = direct(proxy, &["--http2-prior-knowledge", "-H", other, &format!("{}/json", proxy.url())]);
        (json.version.clone(), json.json())
    };
    let (recorded, _) = record_with(&workspace, &["--origin", &base], client);
    assert_eq!(recorded.0, "HTTP/2");
    drop(origin.stop());
    assert_eq!(replay_with(&workspace, &["--origin", &base], client).0, recorded);
}

#[test]
fn a_websocket_passes_through_the_own_address_while_recording() {
    let origin = Origin::http();
    let workspace = Workspace::new();
    let proxy = Harmock::record(&workspace, &["--origin", &origin.url("")]);
    let wire = Wire::connect(proxy.address());
    let (mut socket, response) = client(format!("ws://{}/socket", proxy.address()), wire.into_io()).unwrap();
    assert_eq!(response.status(), 101);
    socket.send(Message::text("hello")).unwrap();
    assert_eq!(socket.read().unwrap(), Message::text("hello"));
    assert_eq!(origin.last("/socket").header("host"), Some(&*origin.authority()));
    socket.close(None).unwrap();
}

#[test]
fn chromium_reads_answers_of_the_own_address_from_a_page_elsewhere() {
    needs!(Playwright, Chromium, Certutil);
    let (site, origin) = (Origin::http(), Origin::http());
    let base = origin.url("");
    let workspace = Workspace::new();
    let client = |proxy: &Harmock| {
        // Its answer allows an origin that is not the page's, as an interface in production does.
        let requests = ["GET", "PUT"].map(|method| format!("{method} {}/cors", proxy.url()));
        let plain = format!("GET {}/json", proxy.url());
        let page = site.url("/json");
        let seen = chromium(Some(proxy), proxy.scratch(), "base_url.mjs", &[&page, &requests[0], &requests[1], &plain]);
        seen["got"]
            .as_array()
            .unwrap()
            .iter()
            .map(|got| (got["status"].clone(), got["text"].clone()))
            .collect::<Vec<_>>()
    };
    let (recorded, _) = record_with(&workspace, &["--origin", &base], client);
    assert_eq!(recorded[0], (json!(200), json!(r#"{"allowed":true,"method":"GET"}"#)), "{recorded:?}");
    assert_eq!(recorded[1].0, 200, "{recorded:?}");
    assert_eq!(recorded[2].0, 200, "{recorded:?}");
    drop(origin.stop());
    assert_eq!(replay_with(&workspace, &["--origin", &base], client).0, recorded);
}

#[test]
fn chromium_uses_an_application_at_the_own_address_as_if_it_were_its_server() {
    needs!(Playwright, Chromium, Certutil);
    let origin = Origin::http();
    let base = origin.url("");
    let workspace = Workspace::new();
    let client = |proxy: &Harmock| {
        let (page, post) = (format!("{}/strict-login", proxy.url()), "POST /cors");
        let seen = chromium(Some(proxy), proxy.scratch(), "base_url.mjs", &[&page, post]);
        assert_eq!(seen["at"], format!("{}/account", proxy.url()));
        (seen["got"][0]["status"].clone(), seen["cookies"].clone())
    };
    let (recorded, _) = record_with(&workspace, &["--origin", &base], client);
    assert_eq!(recorded.0, 200);
    assert!(recorded.1.as_array().unwrap().contains(&json!("session")), "{recorded:?}");
    // The page's own origin reached the server as the server's.
    assert_eq!(origin.last("/cors").header("origin"), Some(&*base));
    assert_eq!(origin.last("/account").header("referer"), None);
    drop(origin.stop());
    assert_eq!(replay_with(&workspace, &["--origin", &base], client).0, recorded);
}

#[test]
fn an_upstream_that_cannot_answer_is_told_of_to_the_page_too() {
    let workspace = Workspace::new();
    let proxy = Harmock::record(&workspace, &["--origin", "http://127.0.0.1:1"]);
    let answer = get_with(&proxy, "/x", "Origin: http://localhost:3000\r\n");
    assert_eq!(answer.status, 502);
    assert_eq!(answer.all("access-control-allow-origin"), ["http://localhost:3000"]);
}

#[test]
fn an_edited_archive_answers_anew_and_sessions_are_told_apart_by_their_field() {
    let workspace = workspace(&[
        entry("GET", "https://api.test/step", 200, "one"),
        entry("GET", "https://api.test/step", 200, "two"),
    ]);
    let proxy = Harmock::replay(&workspace, &["--origin", API, "--sessions", "--rules", "repeat = \"sequence\""]);
    let step = |session: &str| get_with(&proxy, "/step", &format!("X-Harmock-Session: {session}\r\n"));
    assert_eq!((step("a").text(), step("a").text(), step("b").text()), ("one".into(), "two".into(), "one".into()));
    assert_eq!(get(&proxy, "/step").status, 400);
    workspace.write_har("api.har", &[entry("GET", "https://api.test/step", 200, "new")]);
    let answers = (0..).map(|number| step(&format!("c{number}")).text());
    assert_eq!(answers.into_iter().find(|answer| answer != "one").as_deref(), Some("new"));
    proxy.interrupt().expect(0);
}

#[test]
fn two_origins_at_one_place_and_what_is_no_origin_stop_the_start() {
    let workspace = Workspace::new();
    for (arguments, said) in [
        (&["--origin", "https://a.test", "--origin", "https://b.test"][..], "two origins are at /"),
        (&["--origin", "api.test"], "expected the address of a server"),
        (&["--origin", "/__harmock=https://a.test"], "/__harmock is for harmock's own pages"),
    ] {
        Harmock::run(&workspace, "replay", arguments).expect(2).says(said);
    }
}

#[test]
fn a_command_is_told_the_base_url() {
    needs!(Curl);
    let workspace = workspace(&[entry("GET", "https://api.test/x", 200, "by base URL")]);
    let line = "curl -sS --noproxy '*' \"$HARMOCK_BASE_URL/x\"";
    let ended = Harmock::run(&workspace, "replay", &["--origin", API, "--", "sh", "-c", line]);
    let ended = ended.expect(0);
    assert!(ended.stdout.contains("by base URL"), "{}", ended.stdout);
}

#[test]
fn curl_is_refused_by_a_certificate_that_it_does_not_trust() {
    needs!(Curl);
    let workspace = workspace(&[entry("GET", "https://api.test/x", 200, "x")]);
    let proxy = Harmock::replay(&workspace, &["--origin", API, "--tls"]);
    let url = format!("https://{}/x", proxy.address());
    assert_eq!(curl_exit(&proxy, &["--noproxy", "*", "--cacert", "/dev/null", &url]).map(|code| code > 0), Some(true));
}
