//! curl records, and sees the same again when the origin is gone.

use std::fs;
use std::thread;

use crate::support::{Answer, Harmock, Origin, Workspace, curl, needs, record_with, replay_with, same_when_replayed};

/// One request with further arguments, recorded and replayed.
#[track_caller]
fn same(origin: Origin, path: &str, arguments: &[&str]) -> Answer {
    let url = origin.url(path);
    same_when_replayed(origin, |proxy: &Harmock| curl(proxy, &[arguments, &[&url]].concat()))
}

#[test]
fn plain_http_is_replayed_as_it_was_recorded() {
    needs!(Curl);
    let answer = same(Origin::http(), "/json", &[]);
    assert_eq!((answer.status, answer.version.as_str()), (200, "HTTP/1.1"));
    assert_eq!(answer.json()["answer"], 42);
    assert_eq!(answer.all("date"), ["Mon, 01 Jan 2024 00:00:00 GMT"], "the origin's date, not the proxy's");
}

#[test]
fn https_over_http1_is_replayed_as_it_was_recorded() {
    needs!(Curl);
    let answer = same(Origin::https_h1(), "/json", &["--http1.1"]);
    assert_eq!((answer.status, answer.version.as_str()), (200, "HTTP/1.1"));
    assert_eq!(answer.json()["answer"], 42);
}

#[test]
fn https_over_http2_is_replayed_as_it_was_recorded() {
    needs!(Curl);
    let answer = same(Origin::https(), "/echo?over=h2", &["--http2"]);
    assert_eq!(answer.version, "HTTP/2");
    assert_eq!(answer.json()["version"], "HTTP/2.0", "HTTP/2 on the origin's side too");
}

#[test]
fn client_and_origin_may_speak_different_versions() {
    needs!(Curl);
    let answer = same(Origin::https_h1(), "/echo", &["--http2"]);
    assert_eq!((answer.version.as_str(), answer.json()["version"].as_str()), ("HTTP/2", Some("HTTP/1.1")));
    let answer = same(Origin::https(), "/echo", &["--http1.1"]);
    assert_eq!(answer.version, "HTTP/1.1");
}

#[test]
fn http2_by_prior_knowledge_is_understood_inside_a_tunnel() {
    needs!(Curl);
    let answer = same(Origin::http(), "/json", &["--proxytunnel", "--http2-prior-knowledge"]);
    assert_eq!((answer.status, answer.version.as_str()), (200, "HTTP/2"));
}

#[test]
fn plain_http_is_understood_inside_a_tunnel() {
    needs!(Curl);
    let answer = same(Origin::http(), "/json", &["--proxytunnel"]);
    assert_eq!(answer.json()["who"], "origin");
}

#[test]
fn an_http10_client_gets_an_answer_that_it_can_read() {
    needs!(Curl);
    let answer = same(Origin::http(), "/json", &["-0"]);
    assert_eq!(answer.json()["answer"], 42);
    assert!(answer.all("transfer-encoding").is_empty(), "HTTP/1.0 knows no chunks: {:?}", answer.framing);
    let answer = same(Origin::http(), "/trailers", &["-0"]);
    assert_eq!(answer.text(), "first second");
    assert!(answer.all("transfer-encoding").is_empty());
}

#[test]
fn https_by_ip_address_is_opened_although_the_client_names_no_server() {
    needs!(Curl);
    assert_eq!(same(Origin::https_by_address(), "/json", &[]).json()["answer"], 42);
}

#[test]
fn an_ipv6_origin_is_reached_and_replayed() {
    needs!(Curl, Ipv6);
    let answer = same(Origin::http_ipv6(), "/echo", &["-g"]);
    let host = answer.json()["headers"].to_string();
    assert!(host.contains("[::1]:"), "{host}");
}

#[test]
fn head_keeps_the_length_and_has_no_body() {
    needs!(Curl);
    for origin in [Origin::http(), Origin::https()] {
        let answer = same(origin, "/json", &["-I"]);
        assert_eq!(answer.all("content-length"), ["28"]);
        assert!(answer.body.is_empty());
    }
}

#[test]
fn statuses_without_a_body_and_failures_of_the_server_come_back() {
    needs!(Curl);
    let origin = Origin::http();
    let urls: Vec<_> =
        ["204", "304", "400", "404", "500", "503", "599"].map(|status| origin.url(&format!("/status/{status}"))).into();
    let answers = same_when_replayed(origin, |proxy| urls.iter().map(|url| curl(proxy, &[url])).collect::<Vec<_>>());
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [204, 304, 400, 404, 500, 503, 599]);
}

#[test]
fn a_chunked_upload_arrives_whole_and_is_matched_by_its_body() {
    needs!(Curl);
    let answer = same(Origin::http(), "/echo", &["-H", "Transfer-Encoding: chunked", "-d", "piece by piece"]);
    assert_eq!(answer.json()["text"], "piece by piece");
}

#[test]
fn expect_100_continue_is_answered_for_a_large_upload() {
    needs!(Curl);
    let workspace = Workspace::new();
    let upload = workspace.write("upload.bin", vec![7; 2 << 20]);
    let data = format!("@{}", upload.display());
    let arguments = ["--http1.1", "-H", "Expect: 100-continue", "--expect100-timeout", "50", "--data-binary", &data];
    for origin in [Origin::http(), Origin::https_h1()] {
        assert_eq!(same(origin, "/length", &arguments).text(), "2097152 bytes");
    }
}

#[test]
fn a_form_is_matched_by_its_fields() {
    needs!(Curl);
    let answer = same(Origin::https(), "/echo", &["-d", "name=ada&role=admin"]);
    assert_eq!(answer.json()["text"], "name=ada&role=admin");
}

#[test]
fn a_multipart_form_is_matched_whatever_its_boundary() {
    needs!(Curl);
    let workspace = Workspace::new();
    let file = workspace.write("photo.bin", b"\x00\x01\xff binary");
    let part = format!("photo=@{}", file.display());
    let answer = same(Origin::http(), "/echo", &["-F", "title=cat", "-F", &part]);
    assert!(answer.json()["text"].as_str().unwrap().contains("photo.bin"));
}

#[test]
fn bodies_of_put_patch_and_delete_reach_the_origin() {
    needs!(Curl);
    for method in ["PUT", "PATCH", "DELETE"] {
        let answer = same(Origin::https(), "/echo", &["-X", method, "-d", "{\"set\":1}"]);
        assert_eq!(
            (answer.json()["method"].as_str(), answer.json()["text"].as_str()),
            (Some(method), Some("{\"set\":1}"))
        );
    }
}

#[test]
fn posts_to_one_url_are_told_apart_by_their_bodies() {
    needs!(Curl);
    let origin = Origin::http();
    let url = origin.url("/echo");
    let answers =
        same_when_replayed(origin, |proxy| ["one", "two", "three"].map(|body| curl(proxy, &["-d", body, &url])));
    assert_eq!(answers.map(|answer| answer.json()["text"].as_str().unwrap().to_owned()), ["one", "two", "three"]);
}

#[test]
fn every_content_coding_comes_back_as_the_same_document() {
    needs!(Curl);
    let origin = Origin::https();
    let urls = ["gzip", "br", "deflate", "zstd"].map(|coding| (coding, origin.url(&format!("/coded/{coding}"))));
    let answers = same_when_replayed(origin, |proxy| urls.clone().map(|(_, url)| curl(proxy, &["--compressed", &url])));
    for ((coding, _), answer) in urls.iter().zip(&answers) {
        assert_eq!(answer.json()["coding"], *coding);
    }
}

#[test]
fn text_that_is_not_utf8_and_large_binaries_lose_no_byte() {
    needs!(Curl);
    assert_eq!(same(Origin::http(), "/latin1", &[]).body, b"caf\xe9 \xff");
    assert_eq!(same(Origin::https(), "/bytes/5000000", &[]).body.len(), 5_000_000);
}

#[test]
fn trailers_reach_the_client_in_record_and_in_replay() {
    needs!(Curl);
    for (origin, version) in [(Origin::http(), "--http1.1"), (Origin::https(), "--http2")] {
        let workspace = Workspace::new();
        let url = origin.url("/trailers");
        let (answer, _) = record_with(&workspace, &[], |proxy| curl(proxy, &[version, "-H", "TE: trailers", &url]));
        assert_eq!(answer.text(), "first second");
        assert_eq!(answer.trailers, [("x-checksum".to_owned(), "abc123".to_owned())], "{version}");
        assert_eq!(origin.last("/trailers").header("te"), Some("trailers"));
        drop(origin);
        let (answer, _) = replay_with(&workspace, &[], |proxy| curl(proxy, &[version, "-H", "TE: trailers", &url]));
        assert_eq!(answer.text(), "first second");
        assert_eq!(answer.trailers, [("x-checksum".to_owned(), "abc123".to_owned())], "{version}");
    }
}

#[test]
fn repeated_fields_stay_apart_and_in_order() {
    needs!(Curl);
    for origin in [Origin::http(), Origin::https()] {
        let (cookies, repeated) = (origin.url("/cookies"), origin.url("/repeated"));
        let (cookies, repeated) =
            same_when_replayed(origin, |proxy| (curl(proxy, &[&cookies]), curl(proxy, &[&repeated])));
        assert_eq!(cookies.all("set-cookie"), ["b=2; Path=/", "a=1; Path=/", "c=3"]);
        assert_eq!(repeated.all("x-part"), ["one", "two, three", "", "one"]);
    }
}

#[test]
fn only_codings_that_can_be_decoded_are_asked_for() {
    needs!(Curl);
    let answer = same(Origin::http(), "/echo", &["-H", "Accept-Encoding: gzip, compress, br, dcz"]);
    let asked = &answer.json()["headers"];
    let asked =
        asked.as_array().unwrap().iter().find(|pair| pair[0] == "accept-encoding").unwrap()[1].as_str().unwrap();
    assert!(asked.contains("gzip") && asked.contains("br"), "{asked}");
    assert!(!asked.contains("compress") && !asked.contains("dcz"), "{asked}");
}

#[test]
fn redirects_are_followed_by_the_client_first_and_inside_the_archive_later() {
    needs!(Curl);
    let origin = Origin::https();
    let answer = same(origin, "/hop/3", &["-L"]);
    assert_eq!((answer.status, answer.text().as_str()), (200, "at the end"));
}

#[test]
fn a_redirect_is_served_as_recorded_when_asked_for() {
    needs!(Curl);
    let origin = Origin::http();
    let (url, workspace) = (origin.url("/hop/1"), Workspace::new());
    record_with(&workspace, &[], |proxy| curl(proxy, &["-L", &url]));
    drop(origin);
    let (answer, _) = replay_with(&workspace, &["--redirects", "serve"], |proxy| curl(proxy, &[&url]));
    assert_eq!((answer.status, answer.all("location")), (302, vec!["/hop/0"]));
}

#[test]
fn server_sent_events_are_replayed() {
    needs!(Curl);
    let answer = same(Origin::https(), "/events", &["-N"]);
    assert!(answer.text().ends_with("data: end\n\n"));
}

#[test]
fn urls_are_compared_whole_with_query_and_encoding() {
    needs!(Curl);
    let origin = Origin::http();
    let urls = ["/echo?q=%C3%A9&x=a%20b+c", "/echo?q=%c3%a9", "/echo/%2F..%2f", "/echo?", "/echo/a;b=c?x=[1]"]
        .map(|path| origin.url(path));
    let answers =
        same_when_replayed(origin, |proxy| urls.clone().map(|url| curl(proxy, &["-g", &url]).json()["target"].clone()));
    assert_eq!(answers[0], "/echo?q=%C3%A9&x=a%20b+c");
}

#[test]
fn many_at_once_each_get_their_own_answer() {
    needs!(Curl);
    let origin = Origin::https();
    let urls: Vec<_> = (0..24).map(|number| origin.url(&format!("/site/data/{number}"))).collect();
    let bodies = same_when_replayed(origin, |proxy| {
        thread::scope(|scope| {
            let curls: Vec<_> = urls.iter().map(|url| scope.spawn(move || curl(proxy, &[url]).text())).collect();
            curls.into_iter().map(|curl| curl.join().unwrap()).collect::<Vec<_>>()
        })
    });
    for (number, body) in bodies.iter().enumerate() {
        assert!(body.contains(&format!("\"item\":{number},")), "{body}");
    }
}

#[test]
fn every_way_of_storing_bodies_replays() {
    needs!(Curl);
    for arguments in
        [&["--content", "embed"][..], &["--content", "attach", "--mode", "full"], &["--har", "hars/packed.zip"]]
    {
        let origin = Origin::http();
        let (json, binary) = (origin.url("/json"), origin.url("/bytes/300"));
        let (workspace, client) =
            (Workspace::new(), |proxy: &Harmock| (curl(proxy, &[&json]), curl(proxy, &[&binary])));
        let (recorded, _) = record_with(&workspace, arguments, client);
        drop(origin);
        let (replayed, _) = replay_with(&workspace, &[], client);
        assert_eq!(replayed, recorded, "{arguments:?}");
        assert_eq!(replayed.1.body.len(), 300);
    }
}

#[test]
fn the_same_traffic_recorded_twice_gives_the_same_bytes() {
    needs!(Curl);
    let origin = Origin::https();
    let workspace = Workspace::new();
    let (json, echo) = (origin.url("/json"), origin.url("/echo"));
    let mut archives = Vec::new();
    for _ in 0..2 {
        record_with(&workspace, &[], |proxy| (curl(proxy, &[&echo, "-d", "a"]), curl(proxy, &[&json])));
        archives.push(fs::read_to_string(workspace.join("hars/recording.har")).unwrap());
    }
    assert_eq!(archives[0], archives[1]);
    assert_eq!(workspace.entries("hars/recording.har").len(), 2);
}
