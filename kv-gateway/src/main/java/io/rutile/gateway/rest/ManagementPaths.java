package io.rutile.gateway.rest;

import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which paths are the management's, and which of those are for everybody.
 *
 * @param base of all of them, such as {@code /actuator}; empty if they are at the root, null if they are on another port
 * @param open whole paths of endpoints below it that nobody is asked for, and everything below those
 */
public record ManagementPaths(@Nullable String base, Set<String> open) {

    /** What no container takes for another path than it looks like. */
    private static final Pattern PLAIN = Pattern.compile("(/[-A-Za-z0-9_]+)*/?");

    private static final Pattern TOLD = Pattern.compile("[-A-Za-z0-9_./]{1,128}");

    public ManagementPaths {
        open = Set.copyOf(open);
    }

    boolean isManagement(String rawPath) {
        return base != null && (rawPath.equals(base) || rawPath.startsWith(base + "/"));
    }

    boolean isOpen(String rawPath) {
        return PLAIN.matcher(rawPath).matches()
                && open.stream().anyMatch(path -> rawPath.equals(path) || rawPath.startsWith(path + "/"));
    }

    /** A path as logs may have it: those of endpoints are no secret, but whoever takes the wrong port may spell a key. */
    String told(String rawPath) {
        return base != null
                        && !base.isEmpty()
                        && isManagement(rawPath)
                        && TOLD.matcher(rawPath).matches()
                ? rawPath
                : "other";
    }
}
