package io.rutile.tls;

import java.security.cert.CertPathBuilderException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Says in words what is wrong with a connection that could not be secured. What libraries say of it names their classes instead. */
public final class TlsFailures {

    private static final int CAUSES_MAX = 16;
    private static final Pattern ALERT = Pattern.compile("(?:Received fatal alert: |\\()(\\w+)\\)?");
    /** The first bytes of an alert, where HTTP/2 wanted its first frame: RFC 8446, 5.1. */
    private static final String ALERT_BYTES = "Hex dump for first 5 bytes: 1503";

    /** What gRPC says of a connection that ended before anybody spoke: a server's TLS does so with plaintext. */
    private static final String SILENCE = "Network closed for unknown reason";

    private TlsFailures() {}

    /** The same of the first connection to somebody, who may just hang up. */
    public static @Nullable String firstReason(Throwable failure) {
        String reason = reason(failure);
        return reason == null && String.valueOf(failure.getMessage()).contains(SILENCE)
                ? "closes the connection without a word, as a port does that speaks TLS"
                : reason;
    }

    /**
     * What the other end does or shows, as the rest of a sentence that begins with its address.
     *
     * @return null if it is none of TLS
     */
    public static @Nullable String reason(Throwable failure) {
        Throwable cause = failure;
        String weak = null;
        for (int i = 0; cause != null && i < CAUSES_MAX; i++, cause = cause.getCause()) {
            String message = String.valueOf(cause.getMessage());
            if (message.contains(ALERT_BYTES)) {
                return "speaks TLS, and this connection does not";
            }
            if (cause.getClass().getSimpleName().equals("NotSslRecordException")
                    || (cause instanceof SSLException && message.contains("unrecognized SSL message"))) {
                return "does not speak TLS";
            }
            if (cause instanceof CertificateExpiredException) {
                return "shows a certificate that has expired";
            }
            if (cause instanceof CertificateNotYetValidException) {
                return "shows a certificate that is not valid yet";
            }
            if (cause instanceof CertPathBuilderException) {
                return "shows a certificate of a CA that is not trusted";
            }
            if (cause instanceof CertificateException) {
                // One that names more may be below it.
                weak = message.startsWith("No ")
                        ? "shows a certificate for another name: " + message
                        : "shows a certificate that is not trusted: " + message;
            } else if (weak == null && cause instanceof SSLException) {
                weak = alert(message);
            }
        }
        return weak;
    }

    private static String alert(String message) {
        Matcher alert = ALERT.matcher(message);
        if (!alert.find()) {
            return "cannot be spoken to over TLS: " + message;
        }
        return switch (alert.group(1)) {
            case "certificate_required", "bad_certificate", "handshake_failure" ->
                "asks for a certificate that it trusts, and got none (alert " + alert.group(1) + ")";
            case "certificate_unknown", "certificate_expired", "unknown_ca", "access_denied", "certificate_revoked" ->
                "refuses the certificate that it was shown (alert " + alert.group(1) + ")";
            default -> "ends the TLS handshake (alert " + alert.group(1) + ")";
        };
    }
}
