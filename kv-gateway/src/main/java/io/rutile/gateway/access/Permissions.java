package io.rutile.gateway.access;

import io.rutile.gateway.kv.PrefixRange;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What somebody may touch: decided from grants and bytes alone. Whatever is allowed here lies inside the prefixes that were granted, to
 * the byte. Immutable; equal if the same is allowed.
 */
public final class Permissions {

    public static final Permissions NONE = of(List.of(), null);
    public static final Permissions EVERYTHING =
            of(Arrays.stream(Permission.values()).map(Grant::everywhere).toList(), null);

    /** In key order; none overlaps or touches another one, so that what is inside of several is inside of one. */
    private final Map<Permission, Map<Api, List<KeyRange>>> ranges;

    private final boolean admin;

    private Permissions(Map<Permission, Map<Api, List<KeyRange>>> ranges, boolean admin) {
        this.ranges = ranges;
        this.admin = admin;
    }

    /**
     * The sum of grants.
     *
     * @param keyspace of the gateway's keys; null if its cluster has none. Grants for another one count for nothing
     */
    public static Permissions of(Collection<Grant> grants, @Nullable String keyspace) {
        List<Grant> here = grants.stream()
                .filter(grant -> grant.keyspace() == null || grant.keyspace().equals(keyspace))
                .toList();
        Map<Permission, Map<Api, List<KeyRange>>> ranges = new EnumMap<>(Permission.class);
        for (Permission permission : Permission.values()) {
            Map<Api, List<KeyRange>> byApi = new EnumMap<>(Api.class);
            for (Api api : Api.values()) {
                byApi.put(api, ranges(here, permission, api));
            }
            ranges.put(permission, byApi);
        }
        return new Permissions(ranges, here.stream().anyMatch(grant -> grant.permission() == Permission.ADMIN));
    }

    private static List<KeyRange> ranges(List<Grant> grants, Permission permission, Api api) {
        return merged(grants.stream()
                .filter(grant ->
                        grant.permission() == permission && grant.apis().contains(api))
                .map(grant -> PrefixRange.of(grant.prefix()))
                .toList());
    }

    private static List<KeyRange> merged(List<KeyRange> ranges) {
        List<KeyRange> merged = new ArrayList<>();
        for (KeyRange range :
                ranges.stream().sorted(Comparator.comparing(KeyRange::start)).toList()) {
            KeyRange last = merged.isEmpty() ? null : merged.get(merged.size() - 1);
            if (last == null || isBehind(range.start(), last)) {
                merged.add(range);
            } else if (endsBefore(last.end(), range.end())) {
                merged.set(merged.size() - 1, new KeyRange(last.start(), range.end()));
            }
        }
        return List.copyOf(merged);
    }

    /** Whether a key of its own lies between the range and this one. */
    private static boolean isBehind(ByteKey start, KeyRange range) {
        return !range.end().isEmpty() && start.compareTo(range.end()) > 0;
    }

    /** Of ends, of which the empty one is behind every key. */
    private static boolean endsBefore(ByteKey end, ByteKey other) {
        return !end.isEmpty() && (other.isEmpty() || end.compareTo(other) < 0);
    }

    /** Whether it may be done to this key. */
    public boolean allows(Permission permission, Api api, ByteKey key) {
        for (KeyRange allowed : ranges(permission, api)) {
            if (allowed.contains(key)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Whether it may be done to all keys of a range, whether or not there are any. Of a range that is empty or the wrong way round, both
     * borders have to be inside: nobody has to think about what it would mean further down.
     */
    public boolean allows(Permission permission, Api api, KeyRange range) {
        for (KeyRange allowed : ranges(permission, api)) {
            boolean startInside = allowed.contains(range.start());
            boolean endInside = !endsBefore(allowed.end(), range.end())
                    && (range.end().isEmpty() || range.end().compareTo(allowed.start()) >= 0);
            if (startInside && endInside) {
                return true;
            }
        }
        return false;
    }

    /** Whether anything at all may be done to keys of this API. */
    public boolean touches(Api api) {
        return !ranges(Permission.READ, api).isEmpty()
                || !ranges(Permission.WRITE, api).isEmpty();
    }

    public boolean isAdmin() {
        return admin;
    }

    /** In key order; none overlaps or touches another one. */
    public List<KeyRange> ranges(Permission permission, Api api) {
        return ranges.getOrDefault(permission, Map.of()).getOrDefault(api, List.of());
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Permissions that && admin == that.admin && ranges.equals(that.ranges);
    }

    @Override
    public int hashCode() {
        return ranges.hashCode();
    }
}
