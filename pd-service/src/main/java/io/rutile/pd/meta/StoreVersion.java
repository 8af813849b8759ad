package io.rutile.pd.meta;

import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The {@code major.minor.patch} of a store's version text; a leading {@code v} and what follows a dash or plus are ignored. */
public record StoreVersion(int major, int minor, int patch) implements Comparable<StoreVersion> {

    /** No store has said anything yet. */
    public static final StoreVersion NONE = new StoreVersion(0, 0, 0);

    private static final Pattern TEXT = Pattern.compile("v?(\\d{1,6})\\.(\\d{1,6})\\.(\\d{1,6})([-+].*)?");
    private static final Comparator<StoreVersion> ORDER = Comparator.comparingInt(StoreVersion::major)
            .thenComparingInt(StoreVersion::minor)
            .thenComparingInt(StoreVersion::patch);

    /** Empty if the text is not a version. */
    public static Optional<StoreVersion> parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        return Optional.of(new StoreVersion(
                Integer.parseInt(matcher.group(1)),
                Integer.parseInt(matcher.group(2)),
                Integer.parseInt(matcher.group(3))));
    }

    /** A store may join a cluster whose version it understands: not older in major and minor. */
    public boolean canJoin(StoreVersion cluster) {
        return major > cluster.major || (major == cluster.major && minor >= cluster.minor);
    }

    @Override
    public int compareTo(StoreVersion other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return major + "." + minor + "." + patch;
    }
}
