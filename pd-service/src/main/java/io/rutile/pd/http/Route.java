package io.rutile.pd.http;

import java.util.concurrent.CompletableFuture;

/**
 * One line of the table: method, path, who may serve it, what does.
 *
 * @param path below {@link PdApi#PREFIX}; a segment in braces takes any one segment and names it
 * @param servedBy whether soft state or a decision is needed
 */
record Route(String method, String path, ServedBy servedBy, Command command) {

    /** Which members can answer. */
    enum ServedBy {
        /** Nothing but what every member has applied is needed. */
        ANY_MEMBER,
        /** Others relay to the leader. */
        LEADER
    }

    /** Answers one call. Must not block; a failure is an {@link ApiError} or what the log says. */
    interface Command {
        CompletableFuture<HttpAnswer> run(Request request);
    }

    /** A command that has its answer at once. */
    interface Query {
        HttpAnswer run(Request request);
    }

    static Route anywhere(String method, String path, Query query) {
        return new Route(method, path, ServedBy.ANY_MEMBER, now(query));
    }

    static Route onLeader(String method, String path, Query query) {
        return new Route(method, path, ServedBy.LEADER, now(query));
    }

    static Route change(String method, String path, Command command) {
        return new Route(method, path, ServedBy.LEADER, command);
    }

    /** Known to tools, not served here: said so, rather than "not found". */
    static Route notServed(String method, String path, String why) {
        return new Route(method, path, ServedBy.ANY_MEMBER, request -> {
            throw ApiError.notServed(why);
        });
    }

    private static Command now(Query query) {
        return request -> CompletableFuture.completedFuture(query.run(request));
    }
}
