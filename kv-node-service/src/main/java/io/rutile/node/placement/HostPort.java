package io.rutile.node.placement;

import java.net.InetSocketAddress;

/**
 * {@code host:port} as it is written in configuration and in PD; a host with colons stands in brackets.
 *
 * @param host name or address, without brackets
 * @param port 0 to 65535
 */
public record HostPort(String host, int port) {

    public HostPort {
        if (host.isEmpty() || port < 0 || port > 65_535) {
            throw new IllegalArgumentException("not host:port: " + host + ":" + port);
        }
    }

    /** Reads it back. @throws IllegalArgumentException if this is no {@code host:port} */
    public static HostPort parse(String text) {
        int colon = text.lastIndexOf(':');
        if (colon <= 0) {
            throw new IllegalArgumentException("not host:port: '" + text + "'");
        }
        String host = text.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        }
        try {
            return new HostPort(host, Integer.parseInt(text.substring(colon + 1)));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("not host:port: '" + text + "'", e);
        }
    }

    /** Looks the name up now: it may mean another address later. */
    public InetSocketAddress resolve() {
        return new InetSocketAddress(host, port);
    }

    public HostPort withPort(int other) {
        return new HostPort(host, other);
    }

    @Override
    public String toString() {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }
}
