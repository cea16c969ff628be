//! CORS fields that fit the live origin: a page may read an answer that was recorded for another origin, or for none.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::{Method, Response, StatusCode};

use crate::message::Body;

/// Whether a request is a preflight (Fetch standard, "CORS-preflight request").
pub fn is_preflight(method: &Method, fields: &HeaderMap) -> bool {
    *method == Method::OPTIONS && fields.contains_key(ORIGIN) && fields.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// 204 with what the preflight asked for.
pub fn preflight_answer(request: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    allow_origin(response.headers_mut(), request);
    let fields = response.headers_mut();
    copy(request, ACCESS_CONTROL_REQUEST_METHOD, fields, ACCESS_CONTROL_ALLOW_METHODS);
    copy(request, ACCESS_CONTROL_REQUEST_HEADERS, fields, ACCESS_CONTROL_ALLOW_HEADERS);
    let private_network = HeaderName::from_static("access-control-request-private-network");
    if request.contains_key(&private_network) {
        let allow = HeaderName::from_static("access-control-allow-private-network");
        fields.insert(allow, HeaderValue::from_static("true"));
    }
    // Not remembered: the next run may answer from another archive.
    fields.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("0"));
    fields.remove(CONTENT_LENGTH);
    response
}

/// Makes an answer readable for the live origin.
///
/// Without `Access-Control-Allow-Origin` it gets one; with one that equalled the recorded `Origin` it gets the live
/// one. Another value, `*` included, stays.
pub fn fit<'a>(answer: &mut HeaderMap, request: &HeaderMap, recorded_origin: impl FnOnce() -> Option<&'a [u8]>) {
    let Some(live) = request.get(ORIGIN) else { return };
    match answer.get(ACCESS_CONTROL_ALLOW_ORIGIN) {
        None => allow_origin(answer, request),
        Some(allowed) if allowed != live && recorded_origin() == Some(allowed.as_bytes()) => {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, live.clone());
            vary_by_origin(answer);
        }
        Some(_) => {}
    }
}

/// Lets the live origin read an answer, with credentials.
pub fn allow_origin(answer: &mut HeaderMap, request: &HeaderMap) {
    let Some(origin) = request.get(ORIGIN) else { return };
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    vary_by_origin(answer);
}

/// Lets whoever asked read an answer whatever it said of others: the server that gave it knows the page by another origin.
/// A preflight is allowed what it asked for.
pub fn open(answer: &mut Response<Body>, request: &HeaderMap) {
    if !request.contains_key(ORIGIN) {
        return;
    }
    if request.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        if !answer.status().is_success() {
            *answer.status_mut() = StatusCode::NO_CONTENT;
            *answer.body_mut() = Body::Empty;
        }
        answer.headers_mut().extend(preflight_answer(request).into_parts().0.headers);
        return;
    }
    let fields = answer.headers_mut();
    let fits = |allowed: &HeaderValue| allowed == "*" || Some(allowed) == request.get(ORIGIN);
    if !fields.get(ACCESS_CONTROL_ALLOW_ORIGIN).is_some_and(fits) {
        allow_origin(fields, request);
    }
}

fn vary_by_origin(answer: &mut HeaderMap) {
    let names = |value: &HeaderValue| {
        value.to_str().is_ok_and(|text| text.split(',').any(|name| matches!(name.trim(), "*" | "Origin" | "origin")))
    };
    if !answer.get_all(VARY).iter().any(names) {
        answer.append(VARY, HeaderValue::from_static("Origin"));
    }
}

fn copy(from: &HeaderMap, name: HeaderName, to: &mut HeaderMap, as_name: HeaderName) {
    if let Some(value) = from.get(name) {
        to.insert(as_name, value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn an_answer_without_the_field_gets_the_live_origin() {
        let mut answer = HeaderMap::new();
        fit(&mut answer, &fields(&[("origin", "http://app")]), || None);
        let expected = fields(&[
            ("access-control-allow-origin", "http://app"),
            ("access-control-allow-credentials", "true"),
            ("vary", "Origin"),
        ]);
        assert_eq!(answer, expected);
    }

    #[test]
    fn the_recorded_origin_becomes_the_live_one() {
        let mut answer = fields(&[("access-control-allow-origin", "https://old"), ("vary", "accept, Origin")]);
        fit(&mut answer, &fields(&[("origin", "http://new")]), || Some(b"https://old"));
        assert_eq!(answer, fields(&[("access-control-allow-origin", "http://new"), ("vary", "accept, Origin")]));
    }

    #[test]
    fn a_wildcard_and_a_refusal_stay_as_recorded() {
        for value in ["*", "https://somebody.else"] {
            let mut answer = fields(&[("access-control-allow-origin", value)]);
            let before = answer.clone();
            fit(&mut answer, &fields(&[("origin", "http://app")]), || Some(b"https://old"));
            assert_eq!(answer, before);
        }
    }

    #[test]
    fn an_answer_for_another_origin_is_opened_and_a_refused_preflight_too() {
        let mut answer = Response::new(Body::Empty);
        answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("https://somebody.else"));
        open(&mut answer, &fields(&[("origin", "http://app")]));
        assert_eq!(answer.headers()["access-control-allow-origin"], "http://app");
        let mut answer = Response::new(Body::full("no such page"));
        *answer.status_mut() = StatusCode::NOT_FOUND;
        open(&mut answer, &fields(&[("origin", "http://app"), ("access-control-request-method", "PUT")]));
        assert_eq!((answer.status().as_u16(), answer.body().known_length()), (204, 0));
        assert_eq!(answer.headers()["access-control-allow-methods"], "PUT");
        let mut answer = Response::new(Body::Empty);
        open(&mut answer, &HeaderMap::new());
        assert!(answer.headers().is_empty());
    }

    #[test]
    fn a_preflight_is_answered_with_what_it_asks_for() {
        let request = fields(&[
            ("origin", "http://app"),
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", "x-a, x-b"),
        ]);
        assert!(is_preflight(&Method::OPTIONS, &request));
        let response = preflight_answer(&request);
        assert_eq!(response.status(), 204);
        assert_eq!(response.headers()["access-control-allow-methods"], "PUT");
        assert_eq!(response.headers()["access-control-allow-headers"], "x-a, x-b");
    }
}
