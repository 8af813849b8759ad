package io.rutile.gateway.console;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The files that the console is made of, from the jar, read once. They say nothing about the cluster, so everybody may have them; what
 * they show is asked for over the REST API. Immutable.
 */
public final class ConsolePages {

    /** Where they are. */
    public static final String BASE = "/console/";

    /** Names below {@link #BASE}: exactly these are served, and no path is ever made of a request. */
    static final List<String> NAMES = List.of(
            "index.html",
            "console.css",
            "icon.svg",
            "app.js",
            "api.js",
            "bytes.js",
            "dom.js",
            "cluster.js",
            "regions.js",
            "heat.js",
            "operators.js",
            "data.js",
            "txn.js",
            "try.js");

    /**
     * Scripts and styles from here and nowhere else, nothing inline, requests to this gateway alone, in nobody's frame; and text never
     * becomes markup, for browsers that know trusted types: whatever a key or a label says, it is shown.
     */
    static final String CONTENT_SECURITY_POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none';"
                    + " form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    private static final Map<String, String> HEADERS = headers();

    private final Map<String, Page> pages = new LinkedHashMap<>();

    /** A file. */
    public record Page(byte[] content, String mediaType) {}

    public ConsolePages() {
        for (String name : NAMES) {
            pages.put(BASE + name, new Page(read(name), mediaType(name)));
        }
    }

    private static Map<String, String> headers() {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("Content-Security-Policy", CONTENT_SECURITY_POLICY);
        headers.put("X-Content-Type-Options", "nosniff");
        headers.put("X-Frame-Options", "DENY");
        headers.put("Referrer-Policy", "no-referrer");
        headers.put("Cross-Origin-Opener-Policy", "same-origin");
        headers.put("Cross-Origin-Resource-Policy", "same-origin");
        // Asked about each time, answered 304 while it is the same: a new gateway shows its own console at once.
        headers.put("Cache-Control", "no-cache");
        return Map.copyOf(headers);
    }

    /** Of every answer below {@link #BASE}. */
    public static Map<String, String> responseHeaders() {
        return HEADERS;
    }

    /**
     * Whether this is the path of a page, and so for everybody.
     *
     * @param rawPath as it came
     */
    public static boolean isPage(String rawPath) {
        return rawPath.equals("/console")
                || rawPath.equals(BASE)
                || (rawPath.startsWith(BASE) && NAMES.contains(rawPath.substring(BASE.length())));
    }

    /** @param path {@link #BASE} alone is the first page */
    public Optional<Page> find(String path) {
        return Optional.ofNullable(pages.get(path.equals(BASE) ? BASE + NAMES.get(0) : path));
    }

    private static byte[] read(String name) {
        try (InputStream file = ConsolePages.class.getResourceAsStream("/console/" + name)) {
            if (file == null) {
                throw new IllegalStateException("the jar has no console/" + name);
            }
            return file.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String mediaType(String name) {
        return switch (name.substring(name.lastIndexOf('.') + 1)) {
            case "html" -> "text/html;charset=UTF-8";
            case "css" -> "text/css;charset=UTF-8";
            case "js" -> "text/javascript;charset=UTF-8";
            case "svg" -> "image/svg+xml";
            default -> throw new IllegalArgumentException(name);
        };
    }
}
