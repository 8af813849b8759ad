package io.rutile.gateway.access;

import io.rutile.gateway.kv.Failure;
import io.rutile.gateway.kv.Failure.Kind;
import java.util.Locale;

/** Why somebody is not let in, or not allowed to. Names are part of the metrics and of the audit log. */
public enum Refusal {
    NO_CREDENTIALS(Kind.UNAUTHENTICATED, "the call has no credentials: send 'Authorization: Bearer <token>'"),
    MALFORMED(Kind.UNAUTHENTICATED, "the credentials are not of the form 'Bearer <token>'"),
    UNKNOWN_TOKEN(Kind.UNAUTHENTICATED, "the token is not known here"),
    BAD_SIGNATURE(Kind.UNAUTHENTICATED, "the token's signature does not fit"),
    UNKNOWN_KEY(Kind.UNAUTHENTICATED, "the token is signed with a key or in a way that is not known here"),
    EXPIRED(Kind.UNAUTHENTICATED, "the token has expired"),
    NOT_YET_VALID(Kind.UNAUTHENTICATED, "the token is not valid yet"),
    WRONG_ISSUER(Kind.UNAUTHENTICATED, "the token is of another issuer"),
    WRONG_AUDIENCE(Kind.UNAUTHENTICATED, "the token is meant for another audience"),
    INCOMPLETE(Kind.UNAUTHENTICATED, "the token does not say whose it is (sub) or until when it is valid (exp)"),
    NO_LONGER_VALID(Kind.UNAUTHENTICATED, "the token has expired or was taken away during the call"),
    KEYS_UNAVAILABLE(Kind.UNAVAILABLE, "the issuer's keys could not be read yet"),
    NOT_ALLOWED(Kind.PERMISSION_DENIED, "the caller may not do this"),
    TOO_MANY_REQUESTS(Kind.TOO_MANY_REQUESTS, "the caller has as much as one may have"),
    NOT_ADMIN(Kind.PERMISSION_DENIED, "this needs the permission admin");

    private final Failure failure;

    Refusal(Kind kind, String detail) {
        this.failure = kind.because(detail);
    }

    /** What the caller is told. */
    public Failure failure() {
        return failure;
    }

    /** Its name in metrics and logs. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
