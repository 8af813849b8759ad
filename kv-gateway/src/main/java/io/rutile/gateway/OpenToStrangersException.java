package io.rutile.gateway;

import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/** A gateway that would let in whoever reaches it. It does not start. */
final class OpenToStrangersException extends RuntimeException {

    OpenToStrangersException(String property, @Nullable InetAddress address) {
        super(property + " is " + (address == null ? "not set, which means every address" : address.getHostAddress())
                + ": others than this machine could call, and nobody would be asked who they are");
    }
}
