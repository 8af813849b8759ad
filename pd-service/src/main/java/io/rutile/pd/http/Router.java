package io.rutile.pd.http;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The table of routes: finds the one for a path, a literal segment before one in braces. Immutable. */
final class Router {

    private final Node root = new Node();
    private final List<Route> routes;

    private static final class Node {
        private final Map<String, Node> literals = new HashMap<>();
        private @Nullable Node any;
        private final Map<String, Route> byMethod = new HashMap<>();
    }

    /** @param parameters segments that were taken by names in braces, decoded */
    record Found(Route route, Map<String, String> parameters) {}

    /** @throws IllegalArgumentException if two routes have the same method and path */
    Router(List<Route> routes) {
        this.routes = List.copyOf(routes);
        for (Route route : routes) {
            Node node = root;
            for (String segment : segments(route.path())) {
                if (segment.startsWith("{")) {
                    node.any = node.any == null ? new Node() : node.any;
                    node = node.any;
                } else {
                    node = node.literals.computeIfAbsent(segment, first -> new Node());
                }
            }
            if (node.byMethod.put(route.method(), route) != null) {
                throw new IllegalArgumentException("two routes for " + route.method() + " " + route.path());
            }
        }
    }

    List<Route> routes() {
        return routes;
    }

    /**
     * The route for a call.
     *
     * @param path still percent-encoded, below the prefix
     * @throws ApiError 404 if nothing is there, 405 if something is, for other methods
     */
    Found find(String method, String path) {
        List<String> segments = segments(path);
        Node node = at(root, segments, 0)
                .orElseThrow(() -> ApiError.notFound("there is nothing at " + Request.shown(PdApi.PREFIX + path)));
        Route route = node.byMethod.get(method);
        if (route == null) {
            Set<String> served = new TreeSet<>(node.byMethod.keySet());
            throw ApiError.methodNotAllowed(Request.shown(PdApi.PREFIX + path) + " takes " + served);
        }
        return new Found(route, parameters(route, segments));
    }

    private static Optional<Node> at(Node node, List<String> segments, int depth) {
        if (depth == segments.size()) {
            return node.byMethod.isEmpty() ? Optional.empty() : Optional.of(node);
        }
        Node literal = node.literals.get(segments.get(depth));
        Optional<Node> found = literal == null ? Optional.empty() : at(literal, segments, depth + 1);
        Node any = node.any;
        return found.isPresent() || any == null ? found : at(any, segments, depth + 1);
    }

    private static Map<String, String> parameters(Route route, List<String> segments) {
        Map<String, String> parameters = new LinkedHashMap<>();
        List<String> pattern = segments(route.path());
        for (int i = 0; i < pattern.size(); i++) {
            String name = pattern.get(i);
            if (name.startsWith("{")) {
                parameters.put(name.substring(1, name.length() - 1), PercentText.decode(segments.get(i)));
            }
        }
        return parameters;
    }

    /** A slash at the end changes nothing, except that an empty last segment is a key. */
    private static List<String> segments(String path) {
        List<String> segments = new ArrayList<>(List.of(path.split("/", -1)));
        segments.remove(0);
        if (segments.size() > 1 && segments.get(segments.size() - 1).isEmpty() && !path.startsWith("/region/key/")) {
            segments.remove(segments.size() - 1);
        }
        return segments;
    }
}
