package io.rutile.pd.http;

import java.time.Duration;

/**
 * Bounds of what speaks HTTP/1.1 (E1, R10).
 *
 * @param connectionsMax open at once; one more is answered 503 and closed
 * @param lineBytesMax request line: a key of 8 KiB, percent-encoded, and its path fit in
 * @param headerBytesMax all headers of a request
 * @param bodyBytesMax body of a request
 * @param pipelinedMax requests of one connection that may wait for their turn; with more the connection ends
 * @param requestTimeout from a request's first byte to its last
 * @param idleTimeout between two requests
 * @param answerTimeout for a command, the log included
 * @param writeTimeout for a client to take its answer
 * @param answersBytesMax answers that clients have not taken yet, over all connections
 * @param threads that make answers
 * @param queueMax requests that may wait for such a thread
 */
public record HttpOptions(
        int connectionsMax,
        int lineBytesMax,
        int headerBytesMax,
        int bodyBytesMax,
        int pipelinedMax,
        Duration requestTimeout,
        Duration idleTimeout,
        Duration answerTimeout,
        Duration writeTimeout,
        long answersBytesMax,
        int threads,
        int queueMax) {

    public static final HttpOptions DEFAULTS = new HttpOptions(
            256,
            32 << 10,
            16 << 10,
            256 << 10,
            16,
            Duration.ofSeconds(10),
            Duration.ofMinutes(1),
            Duration.ofSeconds(10),
            Duration.ofSeconds(30),
            64L << 20,
            2,
            256);

    public HttpOptions withConnectionsMax(int max) {
        return new HttpOptions(
                max,
                lineBytesMax,
                headerBytesMax,
                bodyBytesMax,
                pipelinedMax,
                requestTimeout,
                idleTimeout,
                answerTimeout,
                writeTimeout,
                answersBytesMax,
                threads,
                queueMax);
    }

    public HttpOptions withTimeouts(Duration request, Duration idle) {
        return new HttpOptions(
                connectionsMax,
                lineBytesMax,
                headerBytesMax,
                bodyBytesMax,
                pipelinedMax,
                request,
                idle,
                answerTimeout,
                writeTimeout,
                answersBytesMax,
                threads,
                queueMax);
    }

    public HttpOptions withAnswerTimeout(Duration answer) {
        return new HttpOptions(
                connectionsMax,
                lineBytesMax,
                headerBytesMax,
                bodyBytesMax,
                pipelinedMax,
                requestTimeout,
                idleTimeout,
                answer,
                writeTimeout,
                answersBytesMax,
                threads,
                queueMax);
    }
}
