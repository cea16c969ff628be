//! The pages as requests see them: who is refused, what is served, that nothing breaks out of the page.

use http::Request;
use http_body_util::BodyExt;

use super::*;

struct Scene {
    temp: tempfile::TempDir,
    facts: PageFacts,
}

fn scene() -> Scene {
    let temp = tempfile::tempdir().unwrap();
    let ca = CertAuthority::load_or_create(Some(&temp.path().join("my ca"))).unwrap();
    let facts = PageFacts::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 8123)), PageMode::Replay, &ca);
    Scene { temp, facts }
}

fn ask(facts: &PageFacts, method: &str, uri: &str, fields: &[(&str, &str)]) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let arrival = if parts.uri.authority().is_some() { Arrival::Proxied } else { Arrival::Direct };
    respond(&parts, arrival, facts)
}

fn body(response: Response<Body>) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(response.into_body().collect()).unwrap().to_bytes().to_vec()
}

fn text(response: Response<Body>) -> String {
    String::from_utf8(body(response)).unwrap()
}

mod content {
    use super::*;

    #[test]
    fn the_page_says_whether_traffic_arrives() {
        let Scene { facts, .. } = &scene();
        assert!(text(ask(facts, "GET", "http://harmock.test/", &[])).contains("Traffic arrives."));
        let direct = text(ask(facts, "GET", "/", &[("host", "127.0.0.1:8123")]));
        assert!(direct.contains("you asked it directly") && !direct.contains("Traffic arrives"));
    }

    #[test]
    fn every_client_is_shown_with_the_real_port_and_path() {
        let Scene { facts, .. } = &scene();
        let page = text(ask(facts, "GET", "http://harmock.test/", &[]));
        for id in [
            "shell",
            "curl",
            "wget",
            "git",
            "node",
            "python",
            "go",
            "java",
            "ruby",
            "dotnet",
            "chrome",
            "firefox",
            "playwright",
            "cypress",
            "systems",
        ] {
            let section = page.split(&format!("<section id=\"{id}\">")).nth(1).unwrap_or_else(|| panic!("{id}"));
            let section = section.split("</section>").next().unwrap();
            let port = section.contains("127.0.0.1:8123") || section.contains("8123");
            assert!(port || id == "systems", "{id}: {section}");
        }
        let quoted = format!("&#39;{}&#39;", facts.ca_path.display());
        assert!(page.contains(&quoted), "a path with a space must be quoted for the shell");
        assert!(page.contains(&facts.spki));
    }

    #[test]
    fn the_certificate_is_served_as_pem_and_as_der_under_both_paths() {
        let Scene { facts, .. } = &scene();
        for prefix in ["", "/__harmock"] {
            let pem = ask(facts, "GET", &format!("http://harmock.test{prefix}/ca.pem"), &[]);
            assert_eq!(pem.headers()["content-type"], "application/x-pem-file");
            assert_eq!(pem.headers()["content-disposition"], "attachment; filename=\"harmock-ca.pem\"");
            assert_eq!(text(pem), facts.ca_pem);
            let der = ask(facts, "GET", &format!("http://harmock.test{prefix}/ca.der"), &[]);
            assert_eq!(der.headers()["content-type"], "application/x-x509-ca-cert");
            assert_eq!(body(der), facts.ca_der);
        }
    }

    #[test]
    fn the_private_key_is_on_no_page() {
        let Scene { temp, facts } = &scene();
        let key = std::fs::read_to_string(temp.path().join("my ca/ca-key.pem")).unwrap();
        let secret = key.lines().nth(1).unwrap();
        for path in ["/", "/ca.pem", "/ca.der", "/__harmock/", "/__harmock/health", "/ca-key.pem", "/../ca-key.pem"] {
            let served = body(ask(facts, "GET", &format!("http://harmock.test{path}"), &[]));
            let served = String::from_utf8_lossy(&served).into_owned();
            assert!(!served.contains(secret) && !served.contains("PRIVATE KEY"), "{path}");
        }
    }

    #[test]
    fn health_is_json_below_the_prefix_alone() {
        let Scene { facts, .. } = &scene();
        let health = ask(facts, "GET", "/__harmock/health", &[("host", "localhost:8123")]);
        assert_eq!(health.headers()["content-type"], "application/json");
        let health: serde_json::Value = serde_json::from_str(&text(health)).unwrap();
        assert_eq!((&health["status"], &health["mode"]), (&json!("ok"), &json!("replay")));
        assert_eq!(health["url"], json!("http://127.0.0.1:8123"));
        assert_eq!(ask(facts, "GET", "http://harmock.test/health", &[]).status(), 404);
    }

    #[test]
    fn what_comes_from_outside_is_escaped() {
        let Scene { mut facts, .. } = scene();
        let evil = "<script>alert(1)</script>\"'&".to_owned();
        facts.archives = vec![evil.clone()];
        facts.glob = vec![evil.clone()];
        facts.ca_name = evil.clone();
        facts.ca_path = PathBuf::from(format!("/{evil}"));
        facts.bundle_path = Some(PathBuf::from(format!("/b/{evil}")));
        facts.java_store_path = Some(PathBuf::from(format!("/j/{evil}")));
        let page = text(ask(&facts, "GET", "http://harmock.test/", &[]));
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
    }

    #[test]
    fn a_listener_on_every_address_shows_the_one_that_was_asked() {
        let Scene { mut facts, .. } = scene();
        facts.listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8123));
        let page = text(ask(&facts, "GET", "/", &[("host", "192.168.7.9:8123")]));
        assert!(page.contains("curl -x http://192.168.7.9:8123 "));
        let page = text(ask(&facts, "GET", "http://harmock.test/", &[]));
        assert!(page.contains("curl -x http://127.0.0.1:8123 "));
        facts.listen = SocketAddr::from((Ipv6Addr::LOCALHOST, 8123));
        let page = text(ask(&facts, "GET", "http://harmock.test/", &[]));
        assert!(page.contains("curl -x http://[::1]:8123 ") && page.contains("-Dhttp.proxyHost=::1 "));
    }
}

mod answers {
    use super::*;

    #[test]
    fn every_answer_carries_the_protective_fields() {
        let Scene { facts, .. } = &scene();
        for (method, uri, status) in [
            ("GET", "http://harmock.test/", 200),
            ("GET", "http://harmock.test/ca.pem", 200),
            ("GET", "http://harmock.test/no-such-page", 404),
            ("POST", "http://harmock.test/", 405),
            ("GET", "http://evil.example/", 403),
        ] {
            let response = ask(facts, method, uri, &[]);
            assert_eq!(response.status(), status, "{method} {uri}");
            let fields = response.headers();
            assert!(fields["content-security-policy"].to_str().unwrap().starts_with("default-src 'none';"));
            assert_eq!(fields["x-content-type-options"], "nosniff");
            assert_eq!(fields["referrer-policy"], "no-referrer");
            assert_eq!(fields["cache-control"], "no-store");
            assert!(!fields.contains_key("access-control-allow-origin"));
        }
    }

    #[test]
    fn the_policy_names_the_hash_of_the_style_that_the_page_has() {
        use base64::Engine as _;
        use sha2::{Digest, Sha256};
        let Scene { facts, .. } = &scene();
        let response = ask(facts, "GET", "http://harmock.test/", &[]);
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let page = text(response);
        let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style));
        assert!(policy.contains(&format!("style-src 'sha256-{hash}'")));
        assert!(!page.contains(" style=") && !page.contains("<script"));
    }

    #[test]
    fn only_get_and_head_are_answered() {
        let Scene { facts, .. } = &scene();
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "MADE-UP"] {
            let response = ask(facts, method, "http://harmock.test/ca.pem", &[]);
            assert_eq!(
                (response.status(), &response.headers()["allow"]),
                (StatusCode::METHOD_NOT_ALLOWED, &"GET, HEAD".parse().unwrap())
            );
        }
    }

    #[test]
    fn head_has_the_fields_of_get_and_no_body() {
        let Scene { facts, .. } = &scene();
        let (get, head) =
            (ask(facts, "GET", "http://harmock.test/", &[]), ask(facts, "HEAD", "http://harmock.test/", &[]));
        assert_eq!(get.headers(), head.headers());
        assert!(body(head).is_empty());
        let length: usize = get.headers()["content-length"].to_str().unwrap().parse().unwrap();
        assert_eq!(body(get).len(), length);
    }
}

mod refusals {
    use super::*;

    fn status(facts: &PageFacts, uri: &str, fields: &[(&str, &str)]) -> u16 {
        ask(facts, "GET", uri, fields).status().as_u16()
    }

    #[test]
    fn own_hosts_are_served() {
        let Scene { mut facts, .. } = scene();
        facts.allowed_hosts = vec!["Mock.internal".to_owned()];
        for host in [
            "127.0.0.1:8123",
            "127.0.0.1",
            "localhost:8123",
            "LOCALHOST:9000",
            "app.localhost",
            "[::1]:8123",
            "127.8.8.8",
            "harmock.test",
            "harmock.test:80",
            "Harmock.Test.",
            "mock.internal:8123",
        ] {
            assert_eq!(status(&facts, "/", &[("host", host)]), 200, "{host}");
        }
        for uri in ["http://harmock.test/", "https://harmock.test/", "http://127.0.0.1:8123/"] {
            assert_eq!(status(&facts, uri, &[]), 200, "{uri}");
        }
    }

    #[test]
    fn a_foreign_host_is_refused() {
        let Scene { facts, .. } = &scene();
        for host in [
            "evil.example",
            "evil.example:8123",
            "harmock.test.evil.example",
            "xharmock.test",
            "localhost.evil.example",
            "192.168.0.1:8123",
            "",
            "a b",
            "user@evil.example",
            "2130706433.evil",
        ] {
            assert_eq!(status(facts, "/", &[("host", host)]), 403, "{host}");
        }
        assert_eq!(status(facts, "http://evil.example/", &[]), 403);
        assert_eq!(status(facts, "http://harmock.test/", &[("host", "evil.example")]), 403);
        assert_eq!(status(facts, "/", &[("host", "localhost"), ("host", "evil.example")]), 403);
        assert_eq!(status(facts, "/", &[]), 403);
    }

    #[test]
    fn a_foreign_origin_is_refused() {
        let Scene { facts, .. } = &scene();
        for origin in
            ["http://evil.example", "null", "http://localhost:3000", "http://localhost", "localhost:8123", "", "\u{e9}"]
        {
            assert_eq!(status(facts, "/", &[("host", "localhost:8123"), ("origin", origin)]), 403, "{origin}");
        }
        assert_eq!(status(facts, "/", &[("host", "localhost:8123"), ("origin", "http://localhost:8123")]), 200);
        assert_eq!(status(facts, "http://harmock.test/", &[("origin", "http://harmock.test")]), 200);
    }

    #[test]
    fn another_site_that_leads_here_is_refused() {
        let Scene { facts, .. } = &scene();
        for (site, expected) in
            [("cross-site", 403), ("same-site", 403), ("odd", 403), ("same-origin", 200), ("none", 200)]
        {
            assert_eq!(status(facts, "http://harmock.test/", &[("sec-fetch-site", site)]), expected, "{site}");
        }
    }
}
