package io.rutile.gateway.access;

import io.rutile.gateway.kv.Failure;
import io.rutile.gateway.kv.FailureException;
import io.rutile.gateway.kv.GatewayLimits.Permit;
import io.rutile.gateway.kv.PrefixRange;
import io.rutile.gateway.kv.ReservedKeys;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;

/**
 * One call: who makes it, and what they may touch with it. Whatever is refused is counted and written to the audit log, with neither the key
 * that was asked for nor the prefixes that are allowed: those are told to the caller alone. Safe from any thread.
 */
public final class CallAccess {

    private static final int TOLD_RANGES_MAX = 8;
    private static final int TOLD_BYTES_MAX = 48;

    private final Caller caller;
    private final CallOrigin origin;
    private final BooleanSupplier valid;
    private final AuditLog audit;

    /** @param valid whether the caller would be let in now, as the same one */
    CallAccess(Caller caller, CallOrigin origin, BooleanSupplier valid, AuditLog audit) {
        this.caller = caller;
        this.origin = origin;
        this.valid = valid;
        this.audit = audit;
    }

    public Caller caller() {
        return caller;
    }

    /**
     * Counts what the call holds for its caller.
     *
     * @throws FailureException if they have as much as they may; it is written down who
     */
    public void enter(Permit permit) {
        try {
            permit.countFor(caller.name(), caller.quota());
        } catch (FailureException tooMuch) {
            audit.refused(Refusal.TOO_MANY_REQUESTS, caller, origin, "");
            throw tooMuch;
        }
    }

    /**
     * The call operates the gateway: it is written down who does.
     *
     * @throws FailureException if the caller may not
     */
    public void requireAdmin() {
        requireAdminToLook();
        // Where nobody is asked there are no admins, and strangers would write as much as they like.
        if (!caller.equals(Caller.ANYONE)) {
            audit.admin(caller, origin);
        }
    }

    /**
     * The call looks at the cluster and changes nothing. Only a refusal is written down: who watches asks every few seconds, and would
     * drown what admins do.
     *
     * @throws FailureException if the caller may not
     */
    public void requireAdminToLook() {
        if (!caller.permissions().isAdmin()) {
            audit.refused(Refusal.NOT_ADMIN, caller, origin, "");
            throw new FailureException(Refusal.NOT_ADMIN.failure());
        }
    }

    /** @throws FailureException if it may not be done to this key */
    void require(Permission permission, Api api, ByteKey key) {
        if (api == Api.TXN && ReservedKeys.contains(key)) {
            throw new FailureException(
                    Failure.Kind.INVALID_REQUEST.because("keys from ffffffff (hex) on are the gateway's own"));
        }
        if (!caller.permissions().allows(permission, api, key)) {
            throw notAllowed(permission, api);
        }
    }

    /** @throws FailureException if it may not be done to one of these keys */
    void require(Permission permission, Api api, Iterable<ByteKey> keys) {
        for (ByteKey key : keys) {
            require(permission, api, key);
        }
    }

    /** @throws FailureException if it may not be done to every key of the range */
    void require(Permission permission, Api api, KeyRange range) {
        if (!caller.permissions().allows(permission, api, range)) {
            throw notAllowed(permission, api);
        }
    }

    /** @throws FailureException if nothing at all may be done to keys of this API */
    void requireAny(Api api) {
        if (!caller.permissions().touches(api)) {
            audit.refused(Refusal.NOT_ALLOWED, caller, origin, api.label());
            throw new FailureException(Failure.Kind.PERMISSION_DENIED.because(
                    "the caller may touch no key of the " + api.label() + " API"));
        }
    }

    /** @throws FailureException if the caller's right ended after the call was let in */
    void requireStillValid() {
        if (!valid.getAsBoolean()) {
            audit.refused(Refusal.NO_LONGER_VALID, caller, origin, "");
            throw new FailureException(Refusal.NO_LONGER_VALID.failure());
        }
    }

    private FailureException notAllowed(Permission permission, Api api) {
        String what = permission.label() + " " + api.label();
        audit.refused(Refusal.NOT_ALLOWED, caller, origin, what);
        List<KeyRange> ranges = caller.permissions().ranges(permission, api);
        String told = ranges.isEmpty()
                ? "no key"
                : ranges.stream().limit(TOLD_RANGES_MAX).map(CallAccess::told).collect(Collectors.joining(", "))
                        + (ranges.size() > TOLD_RANGES_MAX ? " and more" : "");
        return new FailureException(Failure.Kind.PERMISSION_DENIED.because(
                "the caller may " + permission.label() + ", of the " + api.label() + " API, " + told));
    }

    private static String told(KeyRange range) {
        if (range.equals(KeyRange.ALL)) {
            return "all keys";
        }
        return range.equals(PrefixRange.of(range.start()))
                ? "keys that begin with " + told(range.start())
                : "keys from " + told(range.start())
                        + (range.end().isEmpty() ? " on" : " to before " + told(range.end()));
    }

    private static String told(ByteKey key) {
        byte[] bytes = key.bytes();
        boolean isReadable = true;
        for (byte one : bytes) {
            isReadable &= one > ' ' && one < 0x7f && one != '\'';
        }
        if (bytes.length > TOLD_BYTES_MAX) {
            return HexFormat.of().formatHex(bytes, 0, TOLD_BYTES_MAX) + "… (hex)";
        }
        return isReadable
                ? "'" + new String(bytes, StandardCharsets.US_ASCII) + "'"
                : HexFormat.of().formatHex(bytes) + " (hex)";
    }
}
