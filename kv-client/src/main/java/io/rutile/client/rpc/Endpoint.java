package io.rutile.client.rpc;

/**
 * Where a server listens.
 *
 * @param host a name or an address; IPv6 without brackets
 * @param port 1 to 65535
 */
public record Endpoint(String host, int port) {

    public Endpoint {
        if (host.isEmpty()) {
            throw new IllegalArgumentException("an endpoint without a host");
        }
        if (port < 1 || port > 65_535) {
            throw new IllegalArgumentException("port out of range: " + port);
        }
    }

    /**
     * Reads {@code host:port} or {@code [v6]:port}; a scheme in front and a path behind are dropped.
     *
     * @throws IllegalArgumentException if there is no host or no port in it
     */
    public static Endpoint parse(String text) {
        String authority = text.strip();
        int scheme = authority.indexOf("://");
        if (scheme >= 0) {
            authority = authority.substring(scheme + 3);
        }
        int path = authority.indexOf('/');
        if (path >= 0) {
            authority = authority.substring(0, path);
        }
        int colon = authority.lastIndexOf(':');
        if (colon <= 0) {
            throw new IllegalArgumentException("not host:port: '" + text + "'");
        }
        String host = authority.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        } else if (host.indexOf(':') >= 0) {
            throw new IllegalArgumentException("an IPv6 address wants brackets: '" + text + "'");
        }
        try {
            return new Endpoint(host, Integer.parseInt(authority.substring(colon + 1)));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("not host:port: '" + text + "'", e);
        }
    }

    @Override
    public String toString() {
        return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
    }
}
