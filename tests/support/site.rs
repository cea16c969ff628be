//! The pages that browsers open: a shop-window of many small files, a sign-in form, a caller of another origin.

use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::body::Incoming;
use serde_json::json;

use super::routes::{Answered, content, with, with_status};

/// What `/login` shows.
pub(crate) const LOGIN_FORM: &str = r#"<!doctype html><title>Sign in</title>
<form method=post action=/login><input name=user><input name=password type=password><button>Sign in</button></form>"#;

/// How many of each kind `/site/many` loads: 5 × 12 and some more are well above fifty requests.
const EACH: usize = 12;

/// The paths below `/site`.
pub(crate) async fn answer(path: &[&str], request: Request<Incoming>) -> Answered {
    match path {
        ["many"] => content("text/html; charset=utf-8", many()),
        ["plain"] => content("text/html; charset=utf-8", "<!doctype html><title>Plain</title><p id=out></p>"),
        ["frame"] => content("text/html; charset=utf-8", "<!doctype html><title>Frame</title><p>framed</p>"),
        ["style", name] => content("text/css", format!(".s{} {{ order: {}; }}", number(name), number(name))),
        ["script", name] => content("text/javascript", script(number(name))),
        ["image", name] => image(name),
        ["data", name] => data(number(name)),
        ["note", ..] => note(request).await,
        ["moved", name] => {
            with(with_status(content("text/plain", ""), 307), "location", &[&format!("/site/data/{name}")])
        }
        _ => with_status(content("text/plain", "no such file"), 404),
    }
}

/// A page whose document is the sum of what its files say; `window.finished` turns true when all have spoken.
fn many() -> String {
    let mut page = String::from("<!doctype html><html><head><title>Many</title>");
    for file in 0..EACH {
        page.push_str(&format!("<link rel=stylesheet href=/site/style/{file}.css>"));
    }
    page.push_str("</head><body><div id=out></div><iframe src=/site/frame></iframe>");
    for file in 0..EACH {
        let kind = if file % 2 == 0 { "svg" } else { "png" };
        page.push_str(&format!("<img alt={file} src=/site/image/{file}.{kind}>"));
        page.push_str(&format!("<p class=s{file} id=p{file}></p><script src=/site/script/{file}.js></script>"));
    }
    page.push_str("<script>const each = ");
    page.push_str(&EACH.to_string());
    page.push_str(MANY_SCRIPT);
    page.push_str("</script></body></html>");
    page
}

/// Fetches, posts, and writes down what came back; every line of the document is in an order of its own.
const MANY_SCRIPT: &str = r#";
const out = document.getElementById('out');
const say = (id, text) => { const p = document.createElement('p'); p.id = id; p.textContent = text; return p; };
const asked = [];
for (let i = 0; i < each; i++) {
  asked.push(fetch('/site/data/' + i + '.json?page=' + i + '&sort=name').then(r => r.json())
    .then(data => say('data' + i, JSON.stringify(data))));
  asked.push(fetch('/site/note/' + (i % 3), { method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ note: i }) }).then(r => r.text()).then(text => say('note' + i, text)));
}
asked.push(fetch('/site/moved/3.json').then(r => r.json()).then(data => say('moved', JSON.stringify(data))));
asked.push(fetch('/site/missing').then(r => say('missing', String(r.status))));
asked.push(fetch('/status/204').then(r => say('empty', String(r.status))));
asked.push(fetch('/coded/gzip').then(r => r.json()).then(data => say('gzip', data.coding)));
asked.push(fetch('/coded/br').then(r => r.json()).then(data => say('br', data.coding)));
asked.push(fetch('/bytes/50000').then(r => r.arrayBuffer()).then(bytes => crypto.subtle.digest('SHA-256', bytes))
  .then(hash => say('bytes', [...new Uint8Array(hash)].join(','))));
addEventListener('load', async () => {
  out.append(...await Promise.all(asked));
  for (const image of document.images) image.title = image.naturalWidth + 'x' + image.naturalHeight;
  for (const p of document.querySelectorAll('p[class]')) p.title = getComputedStyle(p).order;
  window.finished = true;
});
"#;

fn script(number: usize) -> String {
    format!("document.getElementById('p{number}').textContent = 'script {number} ran';")
}

fn image(name: &str) -> Answered {
    let size = number(name) + 1;
    match name.ends_with(".svg") {
        true => {
            let svg = format!("<svg xmlns='http://www.w3.org/2000/svg' width='{size}' height='{size}'></svg>");
            content("image/svg+xml", svg)
        }
        false => content("image/png", PNG),
    }
}

/// One grey pixel.
const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x7e, 0x9b, 0x55, 0x00, 0x00, 0x00, 0x0a, 0x49,
    0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x68, 0x00, 0x00, 0x00, 0x82, 0x00, 0x81, 0x77, 0xcd, 0x72, 0xb6, 0x00, 0x00,
    0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

fn data(number: usize) -> Answered {
    content("application/json", json!({ "item": number, "name": format!("thing {number}") }).to_string())
}

/// Says back what was noted, so that each body has an answer of its own.
async fn note(request: Request<Incoming>) -> Answered {
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    content("text/plain", format!("noted {}", String::from_utf8_lossy(&body)))
}

/// The number that a file's name begins with.
fn number(name: &str) -> usize {
    name.split('.').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}
