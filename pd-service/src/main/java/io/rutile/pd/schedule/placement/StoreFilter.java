package io.rutile.pd.schedule.placement;

import io.rutile.pd.cluster.StoreInfo;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One reason for which stores are passed over.
 *
 * @param name for metrics and tests
 * @param test says why a store is passed over
 * @param forNow true if what it says passes by itself, within minutes: a limit, work under way
 */
public record StoreFilter(String name, Test test, boolean forNow) {

    public StoreFilter(String name, Test test) {
        this(name, test, false);
    }

    static StoreFilter forNow(String name, Test test) {
        return new StoreFilter(name, test, true);
    }

    /** Says why a store is passed over, as words that follow "store 3"; null if it is not. */
    @FunctionalInterface
    public interface Test {

        @Nullable String refusal(StoreInfo store);
    }

    /** Why the first filter that does not let the store through does not; null if all do. */
    public static @Nullable String refusal(List<StoreFilter> filters, StoreInfo store) {
        return refusal(filters, store, new Refusals());
    }

    /** The same. @param refusals told of it */
    public static @Nullable String refusal(List<StoreFilter> filters, StoreInfo store, Refusals refusals) {
        for (StoreFilter filter : filters) {
            String refusal = filter.test.refusal(store);
            if (refusal != null) {
                refusals.add(store.id(), refusal, filter.forNow);
                return refusal;
            }
        }
        return null;
    }
}
