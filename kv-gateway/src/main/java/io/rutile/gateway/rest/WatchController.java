package io.rutile.gateway.rest;

import io.rutile.client.feed.FeedPosition;
import io.rutile.client.rpc.Futures;
import io.rutile.gateway.access.FrontDoor;
import io.rutile.protocol.KeyRange;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.RestController;

/** Watching over HTTP: parses, calls the front door once, and hands over to {@link WatchResponse}. */
@RestController
final class WatchController implements WatchApi {

    private static final String NOW = "now";

    private final FrontDoor door;

    WatchController(FrontDoor door) {
        this.door = door;
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> watch(
            HttpServletRequest request,
            HttpServletResponse response,
            @Nullable String start,
            @Nullable String end,
            @Nullable String prefix,
            @Nullable String from,
            @Nullable String enc,
            @Nullable String lastEventId)
            throws IOException {
        KeyEncoding encoding = KeyEncoding.of(enc);
        KeyRange range = RequestKeys.range(start, end, prefix, encoding);
        if (range.isEmpty()) {
            throw ProblemType.INVALID_REQUEST.because("no key is in the range");
        }
        FeedPosition position = position(lastEventId == null || lastEventId.isEmpty() ? from : lastEventId, range);
        WatchResponse answer = new WatchResponse(request, response, encoding);
        return door.watches(CallerFilter.access(request))
                .watch(range, position)
                .thenCompose(answer::run)
                .exceptionallyCompose(failure -> {
                    Throwable cause = Futures.causeOf(failure);
                    return CompletableFuture.failedFuture(
                            cause instanceof IOException ? cause : new ProblemException(Problems.of(cause)));
                });
    }

    private static @Nullable FeedPosition position(@Nullable String text, KeyRange range) {
        if (text == null || text.equals(NOW)) {
            return null;
        }
        try {
            return FeedPosition.parse(text, range);
        } catch (IllegalArgumentException e) {
            throw ProblemType.INVALID_REQUEST.because(
                    "from is now, or the id of an event of the same watch: " + e.getMessage());
        }
    }
}
