package io.rutile.pd.http;

/** A request that cannot be served, with the status and the sentence for whoever sent it. Expected; carries no stack trace. */
final class ApiError extends RuntimeException {

    private final int status;

    private ApiError(int status, String message) {
        super(message, null, false, false);
        this.status = status;
    }

    static ApiError badRequest(String message) {
        return new ApiError(400, message);
    }

    static ApiError notFound(String message) {
        return new ApiError(404, message);
    }

    /** It was there and will not come back. */
    static ApiError gone(String message) {
        return new ApiError(410, message);
    }

    /** As the cluster is now, this must not be done. */
    static ApiError refused(String message) {
        return new ApiError(403, message);
    }

    static ApiError methodNotAllowed(String message) {
        return new ApiError(405, message);
    }

    static ApiError notServed(String message) {
        return new ApiError(501, message);
    }

    static ApiError unavailable(String message) {
        return new ApiError(503, message);
    }

    int status() {
        return status;
    }

    String sentence() {
        return String.valueOf(getMessage());
    }
}
