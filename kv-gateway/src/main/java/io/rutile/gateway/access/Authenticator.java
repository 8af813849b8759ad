package io.rutile.gateway.access;

import com.nimbusds.jose.jwk.JWKSet;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.gateway.kv.CallerQuota;
import io.rutile.protocol.ByteKey;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out who calls (E2), in the same way for every door. A caller shows an API token, whose hash the access file has, or a JWT. A token
 * that has been checked once is known by its hash until it expires, so that a call costs one hash and one look-up; at most {@value
 * #KNOWN_MAX} are. Whatever a caller's right depends on is in one snapshot, which is replaced when file or keys change: then everybody is
 * looked at anew.
 *
 * <p>Safe from any thread, never blocks. {@code gateway-access} reads the file again when it has changed, and the issuer's keys from time
 * to time, and when a token names one that is not known; what cannot be read leaves things as they were.
 */
public final class Authenticator implements AutoCloseable {

    static final int KNOWN_MAX = 10_000;

    private static final Logger log = LoggerFactory.getLogger(Authenticator.class);
    private static final Pattern BEARER = Pattern.compile("(?i:bearer) +([-A-Za-z0-9._~+/]+=*)");
    /** Shorter ones could be guessed from their hash, so they are none. */
    private static final int TOKEN_CHARS_MIN = 32;

    private static final int TOKEN_CHARS_MAX = 8 << 10;
    private static final Duration KEYS_AGAIN_MIN = Duration.ofSeconds(10);
    private static final Duration RETRY_MIN = Duration.ofSeconds(1);
    private static final Duration RETRY_MAX = Duration.ofMinutes(1);

    /**
     * Whom to believe.
     *
     * @param accessFile roles and API tokens; null if there is none
     * @param jwt null if no JWT is believed
     * @param keyspace of this gateway's keys, by name; null if its cluster has none
     * @param quota how much of the gateway each caller may have whose roles say nothing else
     * @param reloadInterval how often it is looked whether the file has changed
     */
    public record Settings(
            @Nullable Path accessFile,
            @Nullable JwtSettings jwt,
            @Nullable String keyspace,
            CallerQuota quota,
            Duration reloadInterval) {

        /** Whether anybody is asked at all. */
        public boolean asks() {
            return accessFile != null || jwt != null;
        }
    }

    /** Somebody who was recognised, until when. */
    private record Known(Caller caller, Instant until) {}

    /** What a caller's right depends on, and who was recognised by it. */
    private final class Snapshot {
        final AccessPolicy policy;
        final @Nullable JwtVerifier verifier;
        /** By the hash of the token; the one used last goes last. Guarded by itself. */
        final Map<ByteKey, Known> known = new LinkedHashMap<>(16, 0.75f, true) {
            @Override
            protected boolean removeEldestEntry(Map.Entry<ByteKey, Known> eldest) {
                boolean full = size() > KNOWN_MAX;
                if (full) {
                    forgotten.increment();
                }
                return full;
            }
        };

        Snapshot(AccessPolicy policy, @Nullable JwtVerifier verifier) {
            this.policy = policy;
            this.verifier = verifier;
        }
    }

    private final Settings settings;
    private final @Nullable IssuerKeys issuerKeys;
    private final AuditLog audit;
    private final Clock clock;
    private final MeterRegistry metrics;
    private final Counter forgotten;
    private final ScheduledThreadPoolExecutor reader;

    private volatile Snapshot snapshot;
    private volatile boolean keyMissed;

    // Only for gateway-access, once it runs.
    private byte[] fileRead = new byte[0];
    private @Nullable JWKSet keysRead;
    private Instant keysReadAt = Instant.MIN;
    private Instant keysDueAt = Instant.MIN;
    private Duration retryAfter = RETRY_MIN;

    /**
     * Reads what is in files.
     *
     * @throws IllegalArgumentException if a file cannot be read or is not what it should be
     */
    public Authenticator(Settings settings, AuditLog audit, MeterRegistry metrics) {
        this(settings, audit, metrics, Clock.systemUTC());
    }

    Authenticator(Settings settings, AuditLog audit, MeterRegistry metrics, Clock clock) {
        this.settings = settings;
        this.audit = audit;
        this.metrics = metrics;
        this.clock = clock;
        this.issuerKeys = settings.jwt() == null ? null : new IssuerKeys(settings.jwt());
        this.forgotten = Counter.builder("kv.gateway.auth.known.forgotten")
                .description("Tokens that will be checked again before they expire, because too many are in use")
                .register(metrics);
        this.reader = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "gateway-access");
            thread.setDaemon(true);
            return thread;
        });
        this.snapshot = new Snapshot(firstPolicy(), null);
        readLocalKeys();
        Gauge.builder("kv.gateway.auth.known", this, Authenticator::knownCount)
                .description("JWTs that were checked and are remembered")
                .register(metrics);
    }

    private AccessPolicy firstPolicy() {
        if (settings.accessFile() == null) {
            return AccessPolicy.builtIn(settings.keyspace(), settings.quota());
        }
        try {
            fileRead = readFile(settings.accessFile());
            return AccessPolicy.parse(fileRead, settings.keyspace(), settings.quota());
        } catch (IOException | IllegalArgumentException e) {
            throw new IllegalArgumentException("the access file " + settings.accessFile() + ": " + reason(e), e);
        }
    }

    private void readLocalKeys() {
        if (issuerKeys == null || !issuerKeys.areLocal()) {
            return;
        }
        try {
            takeKeys(issuerKeys.read());
        } catch (IOException e) {
            throw new IllegalArgumentException("the public keys for JWTs: " + reason(e), e);
        }
    }

    /** Begins to look for changes. */
    public void start() {
        if (settings.asks()) {
            long everyMs = settings.reloadInterval().toMillis();
            var unused = reader.scheduleWithFixedDelay(this::look, 0, everyMs, TimeUnit.MILLISECONDS);
        }
    }

    /** Whether anybody is asked who they are. */
    public boolean asks() {
        return settings.asks();
    }

    // ---- who calls

    /**
     * Lets a call in.
     *
     * @param authorization the value of the header {@code Authorization}; null if there is none
     * @throws AccessException if it is not known who calls; it is counted and written to the audit log
     */
    public CallAccess authenticate(@Nullable String authorization, CallOrigin origin) {
        if (!settings.asks()) {
            return new CallAccess(Caller.ANYONE, origin, () -> true, audit);
        }
        try {
            String token = token(authorization);
            Caller caller = recognise(token);
            return new CallAccess(caller, origin, () -> isStill(caller, token), audit);
        } catch (AccessException refused) {
            audit.refused(refused.refusal(), null, origin, "");
            throw refused;
        }
    }

    private static String token(@Nullable String authorization) {
        if (authorization == null || authorization.isEmpty()) {
            throw new AccessException(Refusal.NO_CREDENTIALS);
        }
        Matcher bearer = BEARER.matcher(authorization);
        if (authorization.length() > TOKEN_CHARS_MAX || !bearer.matches()) {
            throw new AccessException(Refusal.MALFORMED);
        }
        return String.valueOf(bearer.group(1));
    }

    private Caller recognise(String token) {
        if (token.length() < TOKEN_CHARS_MIN) {
            throw new AccessException(Refusal.UNKNOWN_TOKEN);
        }
        Snapshot now = snapshot;
        Instant time = clock.instant();
        byte[] hash = sha256(token);
        Caller owner = now.policy.callerOf(hash, time);
        return owner != null
                ? owner
                : settings.jwt() == null ? unknown() : signed(token, ByteKey.wrap(hash), now, time);
    }

    private static Caller unknown() {
        throw new AccessException(Refusal.UNKNOWN_TOKEN);
    }

    private Caller signed(String token, ByteKey hash, Snapshot now, Instant time) {
        Known known;
        synchronized (now.known) {
            known = now.known.get(hash);
        }
        if (known == null) {
            known = verified(token, now, time);
            synchronized (now.known) {
                now.known.put(hash, known);
            }
        } else if (!time.isBefore(known.until)) {
            synchronized (now.known) {
                now.known.remove(hash);
            }
            throw new AccessException(Refusal.EXPIRED);
        }
        return known.caller;
    }

    private Known verified(String token, Snapshot now, Instant time) {
        if (now.verifier == null) {
            throw new AccessException(Refusal.KEYS_UNAVAILABLE);
        }
        try {
            JwtVerifier.Verified said = now.verifier.verify(token, time);
            return new Known(now.policy.caller("jwt:" + said.name(), said.roles()), said.until());
        } catch (AccessException refused) {
            if (refused.refusal() == Refusal.UNKNOWN_KEY) {
                keyMissed = true;
            }
            throw refused;
        }
    }

    /** For calls that take long: whether who was let in would be let in now. */
    private boolean isStill(Caller caller, String token) {
        try {
            return recognise(token).equals(caller);
        } catch (AccessException refused) {
            return false;
        }
    }

    private static byte[] sha256(String token) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.US_ASCII));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }

    private int knownCount() {
        Map<ByteKey, Known> known = snapshot.known;
        synchronized (known) {
            return known.size();
        }
    }

    // ---- what changes

    private void look() {
        try {
            lookAtFile();
            lookAtKeys();
        } catch (RuntimeException bug) {
            // The next look comes whatever happened to this one.
            log.error("looking for changes of who may call failed", bug);
        }
    }

    private void lookAtFile() {
        if (settings.accessFile() == null) {
            return;
        }
        byte[] file;
        try {
            file = readFile(settings.accessFile());
        } catch (IOException e) {
            if (fileRead.length > 0) {
                fileRead = new byte[0];
                notUsable(e);
            }
            return;
        }
        if (Arrays.equals(file, fileRead)) {
            return;
        }
        fileRead = file;
        try {
            AccessPolicy policy = AccessPolicy.parse(file, settings.keyspace(), settings.quota());
            snapshot = new Snapshot(policy, snapshot.verifier);
            log.info("access file read again file={} tokens={}", settings.accessFile(), policy.tokenCount());
            changed("file", "changed");
        } catch (IllegalArgumentException e) {
            notUsable(e);
        }
    }

    private void notUsable(Exception why) {
        log.error(
                "access file not usable, what it said before holds file={} reason={}",
                settings.accessFile(),
                reason(why));
        changed("file", "failed");
    }

    private static byte[] readFile(Path file) throws IOException {
        try (var in = Files.newInputStream(file)) {
            // One byte too much is for the parser to refuse.
            return in.readNBytes(AccessPolicy.FILE_BYTES_MAX + 1);
        }
    }

    private void lookAtKeys() {
        JwtSettings jwt = settings.jwt();
        if (issuerKeys == null || jwt == null) {
            return;
        }
        Instant now = clock.instant();
        Duration againMin =
                jwt.refreshInterval().compareTo(KEYS_AGAIN_MIN) < 0 ? jwt.refreshInterval() : KEYS_AGAIN_MIN;
        boolean wanted = keyMissed && now.isAfter(keysReadAt.plus(againMin));
        if (!wanted && now.isBefore(keysDueAt)) {
            return;
        }
        keyMissed = false;
        try {
            JWKSet keys = issuerKeys.read();
            keysReadAt = now;
            keysDueAt = now.plus(jwt.refreshInterval());
            retryAfter = RETRY_MIN;
            if (takeKeys(keys)) {
                log.info("keys of the issuer read keys={}", keys.size());
                changed("keys", "changed");
            }
        } catch (IOException e) {
            keysReadAt = now;
            keysDueAt = now.plus(retryAfter);
            log.warn(
                    "keys of the issuer not read, tried again retryAfterMs={} reason={}",
                    retryAfter.toMillis(),
                    reason(e));
            Duration next = retryAfter.multipliedBy(2);
            retryAfter = next.compareTo(RETRY_MAX) > 0 ? RETRY_MAX : next;
            count("keys", "failed");
        }
    }

    /** @return whether they are others than before */
    private boolean takeKeys(JWKSet keys) {
        JWKSet before = keysRead;
        JwtSettings jwt = settings.jwt();
        if (jwt == null || (before != null && before.toJSONObject().equals(keys.toJSONObject()))) {
            return false;
        }
        keysRead = keys;
        snapshot = new Snapshot(snapshot.policy, new JwtVerifier(jwt, keys));
        return true;
    }

    private void changed(String what, String outcome) {
        audit.changed(what, outcome);
        count(what, outcome);
    }

    private void count(String what, String outcome) {
        Counter.builder("kv.gateway.auth.reloads")
                .tag("what", what)
                .tag("outcome", outcome)
                .description("Changes of the access file and of the issuer's keys that were met")
                .register(metrics)
                .increment();
    }

    private static String reason(Exception failure) {
        return failure instanceof IOException
                ? failure.getClass().getSimpleName() + ": " + failure.getMessage()
                : String.valueOf(failure.getMessage());
    }

    @Override
    public void close() {
        reader.shutdownNow();
    }
}
