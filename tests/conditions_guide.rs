//! What every mock server's guide shows of conditions: the 500 and the slow answer that no live server gives on demand.

use crate::support::{Harmock, Workspace, curl, curl_exit, entry, needs};

#[test]
fn a_mock_gives_a_500_and_an_answer_that_outlasts_its_client_when_it_is_asked_to() {
    needs!(Curl);
    let url = "http://api.example.test/get";
    let workspace = Workspace::new();
    workspace.write_har("api.har", &[entry("GET", url, 200, "got"), entry("GET", url, 500, "broken")]);
    let proxy = Harmock::replay(&workspace, &["--mock-headers"]);

    let usual = curl(&proxy, &[url]);
    assert_eq!((usual.status, usual.text().as_str()), (200, "got"));

    let broken = curl(&proxy, &["-H", "x-mock-response-code: 500", url]);
    assert_eq!((broken.status, broken.text().as_str()), (500, "broken"));

    // 28: curl's own number for an operation that took too long.
    assert_eq!(curl_exit(&proxy, &["--max-time", "1", "-H", "x-mock-delay: 2000", url]), Some(28));
    assert_eq!(curl(&proxy, &["--max-time", "30", "-H", "x-mock-delay: 2000", url]).text(), "got");

    proxy.interrupt().expect(0).says("[x-mock-response-code 500]").says("[x-mock-delay 2s]");
}
