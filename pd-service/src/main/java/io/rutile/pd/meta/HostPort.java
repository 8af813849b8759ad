package io.rutile.pd.meta;

import java.net.InetSocketAddress;

/**
 * An address as people write it.
 *
 * @param host a name or a literal address; IPv6 in brackets
 * @param port 0 to 65535; 0 asks for any free one where something listens
 */
public record HostPort(String host, int port) {

    /**
     * An address from its text.
     *
     * @throws IllegalArgumentException if the text is not {@code host:port}
     */
    public static HostPort parse(String text) {
        int colon = text.lastIndexOf(':');
        String digits = text.substring(colon + 1);
        if (colon <= 0
                || digits.isEmpty()
                || digits.length() > 5
                || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw new IllegalArgumentException("'" + text + "' is not an address of the form host:port");
        }
        int port = Integer.parseInt(digits);
        if (port > 65535) {
            throw new IllegalArgumentException("'" + text + "' has no valid port");
        }
        return new HostPort(text.substring(0, colon), port);
    }

    /** Looks the name up now; unresolved if it is unknown. */
    public InetSocketAddress resolve() {
        return new InetSocketAddress(host, port);
    }

    @Override
    public String toString() {
        return host + ":" + port;
    }
}
