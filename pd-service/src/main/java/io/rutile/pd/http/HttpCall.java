package io.rutile.pd.http;

import java.util.Map;
import java.util.Optional;

/**
 * One request, whole.
 *
 * @param method in capitals
 * @param target path and query as they came, still percent-encoded
 * @param headers the few that mean something here, by lower-case name
 */
@SuppressWarnings("ArrayRecordComponent") // Never compared; nobody changes the bytes.
record HttpCall(String method, String target, Map<String, String> headers, byte[] body) {

    Optional<String> header(String lowerCaseName) {
        return Optional.ofNullable(headers.get(lowerCaseName));
    }
}
