package io.rutile.pd.http;

import java.nio.charset.StandardCharsets;
import tools.jackson.databind.JsonNode;

/**
 * One answer: a status and JSON, or nothing.
 *
 * @param body UTF-8
 */
@SuppressWarnings("ArrayRecordComponent") // Never compared; nobody changes the bytes.
record HttpAnswer(int status, byte[] body) {

    static HttpAnswer ok(JsonNode json) {
        return new HttpAnswer(200, Json.bytes(json));
    }

    /** What tools show to people: a JSON string, as PD answers. */
    static HttpAnswer said(String sentence) {
        return text(200, sentence);
    }

    static HttpAnswer empty() {
        return new HttpAnswer(200, new byte[0]);
    }

    static HttpAnswer failed(int status, String sentence) {
        return text(status, sentence);
    }

    private static HttpAnswer text(int status, String sentence) {
        return new HttpAnswer(status, Json.bytes(Json.text(sentence)));
    }

    @Override
    public String toString() {
        return status + " " + new String(body, StandardCharsets.UTF_8);
    }
}
