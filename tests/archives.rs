//! `harmock har` on good, odd and hostile archives: what is printed, and the exit code.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const HAR: &str = r#"{"log":{"version":"1.2","creator":{"name":"t","version":"1"},"entries":[
{"request":{"method":"GET","url":"https://a.test/page","headers":[{"name":"Accept","value":"*/*"}]},
 "response":{"status":200,"statusText":"OK","headers":[{"name":"Content-Type","value":"application/json"}],
  "content":{"size":19,"mimeType":"application/json; charset=utf-8","text":"{\"b\":[1.0],\"a\":\"\\u001b[31m\"}"}}},
{"request":{"method":"POST","url":"https://a.test/api","headers":[],"postData":{"mimeType":"text/plain","text":"question"}},
 "response":{"status":200,"statusText":"","headers":[],"content":{"size":4,"mimeType":"image/png","_file":"x.png"}}},
{"request":{"method":"GET","url":"wss://a.test/live","headers":[]},"response":{"status":101}}
]}}"#;

struct Archives(TempDir);

impl Archives {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs `harmock har` in the folder.
    fn har(&self, args: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_harmock"))
            .arg("har")
            .args(args)
            .current_dir(self.0.path())
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        Ran::from(output)
    }
}

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// The one line that a failed command says.
    fn error(&self) -> &str {
        assert_eq!(self.code, Some(1), "{}{}", self.stdout, self.stderr);
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        assert_eq!(self.stdout, "");
        self.stderr.trim_end()
    }
}

#[test]
fn ls_prints_one_line_per_entry_and_marks_what_replay_does_not_use() {
    let archives = Archives::new();
    archives.file("a.har", HAR);
    let ran = archives.har(&["ls", "a.har"]);
    let lines: Vec<_> = ran.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines,
        [
            "0 GET 200 19 application/json https://a.test/page",
            "1 POST 200 4 image/png https://a.test/api",
            "2! GET 101 - - wss://a.test/live",
        ]
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
}

#[test]
fn ls_gives_json_for_machines() {
    let archives = Archives::new();
    archives.file("a.har", HAR);
    let rows: Value = serde_json::from_str(&archives.har(&["ls", "--json", "a.har", "a.har"]).stdout).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 6);
    assert_eq!(rows[1]["_file"], "x.png");
    assert_eq!((&rows[2]["usable"], &rows[2]["size"]), (&Value::Bool(false), &Value::Null));
}

#[test]
fn show_prints_heads_fields_and_decoded_bodies_safe_for_a_terminal() {
    let archives = Archives::new();
    archives.file("a.har", HAR);
    archives.file("x.png", b"\x89PNG");
    let expected = "GET https://a.test/page\naccept: */*\n\n200 OK\ncontent-type: application/json\n\n{\n  \"b\": [\n    1.0\n  ],\n  \"a\": \"\\u001b[31m\"\n}\n";
    assert_eq!(archives.har(&["show", "a.har", "page"]).stdout, expected);
    let shown = archives.har(&["show", "a.har", "1"]).stdout;
    assert_eq!(shown, "POST https://a.test/api\n\nquestion\n\n200 \n\n(4 bytes in x.png, not text)\n");
    let raw = Command::new(env!("CARGO_BIN_EXE_harmock"))
        .args(["har", "show", "--body"])
        .arg(archives.0.path().join("a.har"))
        .arg("https://a.test/api")
        .output()
        .unwrap();
    assert_eq!(raw.stdout, b"\x89PNG");
    assert_eq!(archives.har(&["show", "--payload", "a.har", "1"]).stdout, "question");
    let json = archives.har(&["show", "--json", "a.har", "0"]).stdout;
    assert!(HAR.contains(json.trim_end()), "{json}");
    assert!(archives.har(&["show", "a.har", "2"]).stdout.contains("\"url\": \"wss://a.test/live\""));

    archives.file("esc.har", HAR.replace("question", "\\u001b]0;x\\u0007 \\r\\n"));
    let shown = archives.har(&["show", "esc.har", "1"]).stdout;
    assert!(shown.contains("\\u{1b}]0;x\\u{7} \\r\n"), "{shown:?}");
}

#[test]
fn show_says_which_entries_a_text_could_mean() {
    let archives = Archives::new();
    archives.file("a.har", HAR);
    let ambiguous = archives.har(&["show", "a.har", "https://a.test"]);
    assert!(
        ambiguous.error().contains("\"https://a.test\" is ambiguous: 0 GET https://a.test/page, 1 POST"),
        "{}",
        ambiguous.stderr
    );
    assert!(archives.har(&["show", "a.har", "nowhere"]).error().contains("no entry's URL contains \"nowhere\""));
    assert!(archives.har(&["show", "a.har", "3"]).error().contains("there is no entry 3; it has 3, counted from 0"));
}

#[test]
fn check_finds_what_replay_would_stumble_over() {
    let archives = Archives::new();
    archives.file("hars/a.har", HAR);
    let ran = archives.har(&["check"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stdout.contains("error: hars/a.har: entry 1: response.content._file: payload \"x.png\" of "),
        "{}",
        ran.stdout
    );
    assert!(ran.stderr.starts_with("1 archive, 3 entries: 1 error, 0 warnings, 1 note"), "{}", ran.stderr);
    archives.file("hars/x.png", "png");
    let ran = archives.har(&["check", "hars/a.har"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
}

#[test]
fn check_names_each_kind_of_trouble_with_entry_and_field() {
    let archives = Archives::new();
    let entries = [
        r#"{"request":{"method":"GET","url":"https://a.test/esc"},"response":{"status":200,"content":{"_file":"../x"}}}"#,
        r#"{"request":{"method":"GET","url":"https://a.test/b64"},"response":{"status":200,"content":{"text":"{","encoding":"base64"}}}"#,
        r#"{"request":{"method":"GET","url":"https://a.test/gone"},"response":{"status":200,"content":{"size":9}}}"#,
        r#"{"request":{"method":"POST","url":"https://a.test/any"},"response":{"status":200}}"#,
        r#"{"request":{"method":"POST","url":"https://a.test/any"},"response":{"status":200}}"#,
        r#"{"request":{"method":"GET","url":"https://a.test/hop"},"response":{"status":302,"headers":[{"name":"location","value":"/nowhere"}]}}"#,
        r#"{"request":{"method":"GET","url":"https://a.test/early"},"response":{"status":103}}"#,
        r#"{"request":{"method":"GET","url":"https://a.test/none"},"response":{"status":0,"_error":"net::ERR_FAILED"}}"#,
        r#"{"request":{"method":"POST","url":"https://a.test/cut","headers":[{"name":"content-length","value":"9"}],"postData":{"text":"12345"}},"response":{"status":200}}"#,
        r#"{"request":{"url":"https://a.test/"},"response":{"status":200}}"#,
    ];
    archives.file("a.har", format!("{{\"log\":{{\"entries\":[{}]}}}}", entries.join(",")));
    let ran = archives.har(&["check", "--json", "a.har"]);
    assert_eq!(ran.code, Some(1));
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let found: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}: {}", text("severity"), finding["entry"], text("field"), &text("message")[..20])
        })
        .collect();
    assert_eq!(
        found,
        [
            "error 0 response.content._file: payload path \"../x\" ",
            "error 1 response.content.text: a body in a.har is m",
            "warning 2 response.content.text: the body of 9 bytes ",
            "warning 3 request.postData: a POST without paylo",
            "warning 4 request.postData: a POST without paylo",
            "note 4 -: repeats entry 3, whi",
            "warning 5 response.headers: the redirect leads t",
            "warning 6 response.status: 103 is an interim st",
            "warning 7 response.status: no answer was record",
            "warning 8 request.postData: 5 bytes are stored a",
            "warning 9 request.method: is missing; the entr",
        ]
    );
    assert_eq!((&report["errors"], &report["warnings"], &report["notes"]), (&2.into(), &8.into(), &1.into()));
}

#[test]
fn check_goes_on_after_an_archive_that_does_not_open() {
    let archives = Archives::new();
    archives.file("hars/a.har", "{\"log\":");
    archives.file("hars/b.har", "{\"log\":{\"entries\":[]}}");
    archives.file("hars/c.har", "{\"log\":\n!}");
    let ran = archives.har(&["check"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("\nerror: hars/c.har: 2:1: not JSON at byte 8: "), "{}", ran.stdout);
    assert!(ran.stdout.starts_with("error: hars/a.har: ends in the middle of `log`"), "{}", ran.stdout);
    assert!(ran.stderr.starts_with("3 archives, 0 entries: 2 errors"), "{}", ran.stderr);
}

#[test]
fn what_cannot_be_opened_is_one_line_and_exit_code_1() {
    let archives = Archives::new();
    archives.file("cut.har", &HAR[..HAR.len() - 200]);
    archives.file("text.har", "hello");
    archives.file("empty.har", "");
    archives.file("other.har", "{\"logs\":{}}");
    archives.file("broken.zip", "PK\x03\x04 and no more");
    archives.file("folder/readme.txt", "");
    for (file, says) in [
        ("cut.har", "cut.har: ends in the middle of log.entries[1] (byte "),
        ("text.har", "text.har:1:1: not JSON at byte 0: "),
        ("empty.har", "empty.har: not a HAR: the file is empty"),
        ("other.har", "other.har: not a HAR: it has no `log`"),
        ("broken.zip", "broken.zip: not a usable zip: "),
        ("missing.har", "missing.har: there is no such file or folder; "),
        ("folder", "folder: holds no archive (*.har, *.zip); "),
    ] {
        let ran = archives.har(&["ls", file]);
        assert!(ran.error().starts_with(&format!("harmock: {says}")), "{}", ran.stderr);
    }
    assert!(archives.har(&["show", "folder", "0"]).error().contains("folder: is a folder, not an archive; "));
    assert!(archives.har(&["check", "folder"]).error().contains("folder: holds no archive"));
    assert!(archives.har(&["check"]).error().contains("hars: there is no such file or folder"));
}

#[test]
fn a_byte_order_mark_is_read_over() {
    let archives = Archives::new();
    archives.file("a.har", format!("\u{FEFF}{HAR}"));
    let with_bom = archives.har(&["show", "a.har", "0"]);
    archives.file("a.har", HAR);
    assert_eq!(with_bom.stdout, archives.har(&["show", "a.har", "0"]).stdout);
    assert_eq!(with_bom.code, Some(0));
}

#[test]
fn a_zip_bomb_ends_in_an_error_and_not_in_memory() {
    use std::io::Write;
    let archives = Archives::new();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("har.har", options).unwrap();
    zip.write_all(HAR.as_bytes()).unwrap();
    zip.start_file("x.png", options.compression_level(Some(9))).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..16 {
        zip.write_all(&zeros).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    archives.file("bomb.zip", bytes);
    let ran = archives.har(&["check", "bomb.zip"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("payload \"x.png\" of bomb.zip is compressed more than 1000:1"), "{}", ran.stdout);
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_and_a_fifo_are_refused_at_once() {
    let archives = Archives::new();
    archives.file("hars/a.har", HAR);
    archives.file("secret.png", "secret");
    let payload = archives.0.path().join("hars/x.png");
    std::os::unix::fs::symlink("../secret.png", &payload).unwrap();
    let ran = archives.har(&["check", "hars"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("leads out of the archive's folder through a link"), "{}", ran.stdout);
    let shown = archives.har(&["show", "hars/a.har", "1"]);
    assert!(!shown.stdout.contains("secret\n") && shown.stdout.contains("through a link"), "{}", shown.stdout);

    fs::remove_file(&payload).unwrap();
    assert!(Command::new("mkfifo").arg(&payload).status().unwrap().success());
    let ran = archives.har(&["check", "hars"]);
    assert!(ran.stdout.contains("payload \"x.png\" of hars/a.har is not a regular file"), "{}", ran.stdout);

    let fifo = archives.0.path().join("b.har");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    assert!(archives.har(&["ls", "b.har"]).error().contains("b.har: is not a regular file"));
}
