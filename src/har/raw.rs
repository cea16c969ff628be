//! An entry as it stands in the text, every value unread: what reading, checking and showing start from.

use crate::har::json::{Json, lenient_object};

lenient_object! {
    /// HAR `entry`.
    RawEntry<'a> {
        started: Json<'a> = "startedDateTime",
        timings: RawTimings<'a> = "timings",
        request: RawRequest<'a> = "request",
        response: RawResponse<'a> = "response",
        resource_type: Json<'a> = "_resourceType",
        error: Json<'a> = "_error",
        failure_text: Json<'a> = "_failureText",
        comment: Json<'a> = "comment",
        harmock: RawHarmock<'a> = "_harmock",
    }
}

lenient_object! {
    /// HAR `timings`.
    RawTimings<'a> {
        blocked: Json<'a> = "blocked",
        dns: Json<'a> = "dns",
        connect: Json<'a> = "connect",
        send: Json<'a> = "send",
        wait: Json<'a> = "wait",
        receive: Json<'a> = "receive",
    }
}

lenient_object! {
    /// HAR `request`.
    RawRequest<'a> {
        method: Json<'a> = "method",
        url: Json<'a> = "url",
        http_version: Json<'a> = "httpVersion",
        headers: Json<'a> = "headers",
        post_data: RawPostData<'a> = "postData",
        content: RawContent<'a> = "_content",
        body_size: Json<'a> = "bodySize",
    }
}

lenient_object! {
    /// The lists of a request or a response that replay has no use for.
    RawLists<'a> {
        query: Json<'a> = "queryString",
        cookies: Json<'a> = "cookies",
        redirect: Json<'a> = "redirectURL",
    }
}

lenient_object! {
    /// An entry for its lists alone.
    RawSides<'a> {
        request: RawLists<'a> = "request",
        response: RawLists<'a> = "response",
    }
}

lenient_object! {
    /// `_harmock` as a whole.
    RawOwn<'a> {
        own: Json<'a> = "_harmock",
    }
}

lenient_object! {
    /// HAR `postData`.
    RawPostData<'a> {
        mime_type: Json<'a> = "mimeType",
        text: Json<'a> = "text",
        encoding: Json<'a> = "encoding",
        params: Json<'a> = "params",
        file: Json<'a> = "_file",
    }
}

lenient_object! {
    /// HAR `response`.
    RawResponse<'a> {
        status: Json<'a> = "status",
        status_text: Json<'a> = "statusText",
        http_version: Json<'a> = "httpVersion",
        headers: Json<'a> = "headers",
        content: RawContent<'a> = "content",
        body_size: Json<'a> = "bodySize",
        error: Json<'a> = "_error",
        failure_text: Json<'a> = "_failureText",
    }
}

lenient_object! {
    /// HAR `content`, and HTTP Toolkit's `request._content`.
    RawContent<'a> {
        size: Json<'a> = "size",
        mime_type: Json<'a> = "mimeType",
        text: Json<'a> = "text",
        encoding: Json<'a> = "encoding",
        file: Json<'a> = "_file",
        comment: Json<'a> = "comment",
    }
}

lenient_object! {
    /// HAR `header` and `param`.
    RawItem<'a> {
        name: Json<'a> = "name",
        value: Json<'a> = "value",
        file_name: Json<'a> = "fileName",
        harmock: RawItemMark<'a> = "_harmock",
    }
}

lenient_object! {
    /// `_harmock` on a header item.
    RawItemMark<'a> {
        latin1: Json<'a> = "latin1",
    }
}

lenient_object! {
    /// `_harmock` on an entry.
    RawHarmock<'a> {
        hash: Json<'a> = "hash",
        name: Json<'a> = "name",
        delay: Json<'a> = "delay",
        template: Json<'a> = "template",
        end: Json<'a> = "end",
        trailers: Json<'a> = "trailers",
        encoded: Json<'a> = "encoded",
        payload: Json<'a> = "payload",
        redacted: Json<'a> = "redacted",
        failure: RawFailure<'a> = "failure",
        chunks: Json<'a> = "chunks",
        example: Json<'a> = "example",
        callback: Json<'a> = "callback",
    }
}

lenient_object! {
    /// `_harmock.chunks`, one of them.
    RawChunk<'a> {
        length: Json<'a> = "length",
        offset: Json<'a> = "offset",
    }
}

lenient_object! {
    /// `_harmock.callback`.
    RawCallback<'a> {
        method: Json<'a> = "method",
        url: Json<'a> = "url",
        headers: Json<'a> = "headers",
        body: Json<'a> = "body",
        sign: Json<'a> = "sign",
    }
}

lenient_object! {
    /// `_harmock.failure`.
    RawFailure<'a> {
        cause: Json<'a> = "cause",
    }
}

lenient_object! {
    /// `_harmock` on a log.
    RawLogMark<'a> {
        kind: Json<'a> = "kind",
    }
}

lenient_object! {
    /// HAR `creator`.
    RawCreator<'a> {
        name: Json<'a> = "name",
    }
}
