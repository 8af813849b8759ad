package io.rutile.gateway.console;

import io.rutile.protocol.ByteKey;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/** Which Regions to list. */
public sealed interface RegionQuery {

    int LIMIT_DEFAULT = 50;
    int LIMIT_MAX = 500;

    /** What a Region may be checked for, as PD names it. */
    List<String> CHECKS = List.of(
            "miss-peer",
            "extra-peer",
            "down-peer",
            "pending-peer",
            "learner-peer",
            "offline-peer",
            "empty-region",
            "oversized-region",
            "undersized-region");

    /** The path below PD's API. */
    String path(int limit);

    /** In key order, from the one that holds this key on. */
    record From(ByteKey border) implements RegionQuery {

        @Override
        public String path(int limit) {
            return "/regions/key?format=hex&limit=" + limit + "&key="
                    + HexFormat.of().formatHex(border.bytes());
        }
    }

    /** Those with a replica there. */
    record OnStore(long storeId) implements RegionQuery {

        @Override
        public String path(int limit) {
            return "/regions/store/" + storeId + "?limit=" + limit;
        }
    }

    /** Those that something is to be said of. */
    record Checked(String check) implements RegionQuery {

        public Checked {
            if (!CHECKS.contains(check)) {
                throw new IllegalArgumentException("check is one of " + String.join(", ", CHECKS));
            }
        }

        @Override
        public String path(int limit) {
            return "/regions/check/" + check + "?limit=" + limit;
        }
    }

    /** The greatest first. */
    record Top(Order order) implements RegionQuery {

        /** By what; flow is what the last report counted. */
        public enum Order {
            WRITTEN("writeflow"),
            READ("readflow"),
            SIZE("size"),
            KEYS("keys");

            private final String route;

            Order(String route) {
                this.route = route;
            }

            /** Its name in requests. */
            public String label() {
                return name().toLowerCase(Locale.ROOT);
            }
        }

        @Override
        public String path(int limit) {
            return "/regions/" + order.route + "?limit=" + limit;
        }
    }
}
