package io.rutile.pd.http;

import io.rutile.pd.meta.MetaOutcome;
import io.rutile.pd.meta.MetaOutcome.Reason;
import io.rutile.pd.meta.MetaRecord;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** Decisions on the hard state: proposed in the request's term, a refusal turned into a status. */
final class Decisions {

    private Decisions() {}

    /** The answer once a majority has the record and it was not refused. */
    static CompletableFuture<HttpAnswer> decide(
            Request request, MetaRecord record, Function<MetaOutcome, HttpAnswer> answer) {
        return request.term().propose(record).thenApply(outcome -> answer.apply(accepted(outcome)));
    }

    static CompletableFuture<HttpAnswer> decide(Request request, MetaRecord record, String done) {
        return decide(request, record, outcome -> HttpAnswer.said(done));
    }

    static MetaOutcome accepted(MetaOutcome outcome) {
        if (outcome instanceof MetaOutcome.Refused refused) {
            throw error(refused.reason(), refused.message());
        }
        return outcome;
    }

    private static ApiError error(Reason reason, String message) {
        return switch (reason) {
            case NOT_FOUND -> ApiError.notFound(message);
            case STORE_TOMBSTONE, STORE_DESTROYED, MEMBER_REMOVED -> ApiError.gone(message);
            case STORE_UP, STORES_NOT_ENOUGH, MEMBERS_NOT_ENOUGH -> ApiError.refused(message);
            case CONFLICT -> ApiError.unavailable(message);
            default -> ApiError.badRequest(message);
        };
    }
}
