package io.rutile.gateway.rest;

import io.rutile.client.txn.TxnOptions;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Reads the options of a transaction; no body is no options.
 *
 * <pre>
 * begin := { ["pessimistic": boolean] [, "lockWait": duration] }      duration as in {@link TimeParameters}
 * </pre>
 */
final class BeginJson {

    private final TimeParameters times;

    private boolean pessimistic;
    private @Nullable Duration lockWait;

    private BeginJson(TimeParameters times) {
        this.times = times;
    }

    /**
     * @param timeout of each call of the transaction
     * @throws ProblemException if the body is anything but options
     */
    static TxnOptions options(byte[] body, Duration timeout, TimeParameters times) {
        BeginJson begin = new BeginJson(times);
        return body.length == 0
                ? begin.options(timeout)
                : JsonBody.read(body, json -> {
                    JsonBody.object(json, "the body", (name, value) -> {
                        switch (name) {
                            case "pessimistic" -> begin.pessimistic = JsonBody.bool(value, "\"pessimistic\"");
                            case "lockWait" ->
                                begin.lockWait = begin.times.lockWait(JsonBody.string(value, "\"lockWait\""));
                            default -> throw JsonBody.bad("the body has pessimistic and lockWait, nothing else");
                        }
                    });
                    return begin.options(timeout);
                });
    }

    private TxnOptions options(Duration timeout) {
        TxnOptions options =
                (pessimistic ? TxnOptions.pessimistic() : TxnOptions.optimistic()).withTimeouts(timeout, timeout);
        return lockWait == null ? options : options.withLocks(options.lockTtl(), lockWait, options.maxLifetime());
    }
}
