package io.rutile.pd.schedule.placement;

import io.rutile.pd.cluster.StoreInfo;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One reason for which stores are passed over.
 *
 * @param name for metrics and tests
 * @param test says why a store is passed over
 */
public record StoreFilter(String name, Test test) {

    /** Says why a store is passed over, as words that follow "store 3"; null if it is not. */
    @FunctionalInterface
    public interface Test {

        @Nullable String refusal(StoreInfo store);
    }

    /** Why the first filter that does not let the store through does not; null if all do. */
    public static @Nullable String refusal(List<StoreFilter> filters, StoreInfo store) {
        for (StoreFilter filter : filters) {
            String refusal = filter.test.refusal(store);
            if (refusal != null) {
                return refusal;
            }
        }
        return null;
    }
}
