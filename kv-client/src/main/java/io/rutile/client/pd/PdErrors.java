package io.rutile.client.pd;

import io.grpc.Status;
import io.rutile.client.pd.PdException.Kind;
import io.rutile.protocol.pdpb.Error;
import io.rutile.protocol.pdpb.ErrorType;
import io.rutile.protocol.pdpb.ResponseHeader;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Reads PD's refusals: gRPC statuses, and the errors that travel in response headers under an OK status. */
final class PdErrors {

    /** What a failed attempt means for the next one. */
    enum Verdict {
        /** Another member may be able to: ask who leads, then try there. */
        TRY_LEADER,
        /** The same member may be able to, a little later. */
        TRY_LATER,
        /** Nobody will. */
        GIVE_UP
    }

    private PdErrors() {}

    static Verdict judge(Status status) {
        return switch (status.getCode()) {
            case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED -> Verdict.TRY_LEADER;
            case RESOURCE_EXHAUSTED -> Verdict.TRY_LATER;
            default -> saysNotLeader(status.getDescription()) ? Verdict.TRY_LEADER : Verdict.GIVE_UP;
        };
    }

    /** PD's own words when a member is not the one to ask; part of the protocol. */
    static boolean saysNotLeader(Status status) {
        return saysNotLeader(status.getDescription());
    }

    private static boolean saysNotLeader(@Nullable String text) {
        if (text == null) {
            return false;
        }
        String lower = text.toLowerCase(Locale.ROOT);
        return lower.contains("not leader") || lower.contains("no leader") || lower.contains("is not served");
    }

    static PdException refused(String method, Status status) {
        String text = status.getDescription() == null ? status.getCode().name() : status.getDescription();
        Kind kind = status.getCode() == Status.Code.UNIMPLEMENTED ? Kind.UNSUPPORTED : kindOf(text);
        return new PdException(kind, method + ": " + text);
    }

    private static Kind kindOf(String text) {
        String lower = text.toLowerCase(Locale.ROOT);
        if (lower.contains("mismatch cluster id") || lower.contains("cluster id mismatch")) {
            return Kind.CLUSTER_MISMATCH;
        }
        if (lower.contains("invalid store id") && lower.contains("not found")) {
            return Kind.NOT_FOUND;
        }
        return Kind.REFUSED;
    }

    /** True if the header says that this member does not lead: old members say it under an OK status. */
    static boolean saysNotLeader(ResponseHeader header) {
        return header.hasError()
                && header.getError().getType() == ErrorType.UNKNOWN
                && saysNotLeader(header.getError().getMessage());
    }

    /** What the header refuses, null if it refuses nothing. */
    static @Nullable PdException refusal(String method, ResponseHeader header) {
        if (!header.hasError() || header.getError().getType() == ErrorType.OK) {
            return null;
        }
        Error error = header.getError();
        Kind kind = switch (error.getType()) {
            case NOT_BOOTSTRAPPED -> Kind.NOT_BOOTSTRAPPED;
            case ALREADY_BOOTSTRAPPED -> Kind.ALREADY_BOOTSTRAPPED;
            case STORE_TOMBSTONE -> Kind.STORE_TOMBSTONE;
            case REGION_NOT_FOUND, ENTRY_NOT_FOUND -> Kind.NOT_FOUND;
            default -> kindOf(error.getMessage());
        };
        String text = error.getMessage().isEmpty() ? error.getType().name() : error.getMessage();
        return new PdException(kind, method + ": " + text);
    }
}
