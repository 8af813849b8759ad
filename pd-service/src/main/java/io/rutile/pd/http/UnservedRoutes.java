package io.rutile.pd.http;

import java.util.ArrayList;
import java.util.List;

/** What tools of the field know and Rutile does not serve (yet): answered so, and not as if the address were wrong. */
final class UnservedRoutes {

    private UnservedRoutes() {}

    static List<Route> routes() {
        List<Route> routes = new ArrayList<>();
        notServed(routes, "operators that have ended are not kept", "GET /operators/records");
        notServed(routes, "stores have no weights", "POST /store/{id}/weight");
        notServed(
                routes,
                "stores do not report queries and processor time of Regions yet",
                "GET /regions/cpu",
                "GET /regions/readquery",
                "GET /regions/writequery",
                "GET /hotspot/regions/history",
                "GET /hotspot/buckets");
        notServed(routes, "members have no priorities: whoever is elected leads", "POST /members/name/{name}");
        notServed(
                routes,
                "this is not set over HTTP: see the settings of the service",
                "GET /config/pd-server",
                "GET /config/label-property",
                "GET /config/replication-mode",
                "POST /config/cluster-version",
                "POST /admin/log");
        notServed(
                routes,
                "unsafe recovery is not served",
                "POST /admin/unsafe/remove-failed-stores",
                "GET /admin/unsafe/remove-failed-stores/show");
        return routes;
    }

    private static void notServed(List<Route> routes, String why, String... methodsAndPaths) {
        for (String methodAndPath : methodsAndPaths) {
            int space = methodAndPath.indexOf(' ');
            routes.add(Route.notServed(methodAndPath.substring(0, space), methodAndPath.substring(space + 1), why));
        }
    }
}
