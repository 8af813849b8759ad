package io.rutile.pd.meta;

import io.rutile.protocol.pdpb.Member;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where members are: what the settings say of those that they name, what this member knew when it began, and what the hard state says now.
 * Any of these may be out of date: settings are changed on one machine after the other, and who was asleep has an old hard state. So all of
 * them are tried in turn; the Raft port itself says whether it is the member that is looked for. Safe from any thread.
 */
public final class MemberDirectory {

    private final Map<Long, InitialCluster.Entry> known;
    private final Map<String, String> bySettings;
    private final Supplier<MetaState> state;
    /** How often a member was looked up, so that its addresses have their turn. As many entries as there are members. */
    private final Map<Long, AtomicInteger> lookups = new ConcurrentHashMap<>();

    /**
     * Begins with what is known.
     *
     * @param identity whose members' addresses are used where nobody knows better
     * @param settings members as the settings name them, with their Raft addresses
     */
    public MemberDirectory(MemberIdentity identity, List<InitialCluster.Entry> settings, Supplier<MetaState> state) {
        this.known = identity.known();
        this.bySettings = new ConcurrentHashMap<>();
        settings.forEach(entry -> bySettings.put(entry.name(), entry.raftAddress()));
        this.state = state;
    }

    /** Where to try next to find a member's Raft port, looked up now; null if nobody has heard of it. */
    public @Nullable InetSocketAddress resolve(long memberId) {
        List<String> addresses = addresses(memberId);
        if (addresses.isEmpty()) {
            return null;
        }
        int lookup =
                lookups.computeIfAbsent(memberId, first -> new AtomicInteger()).getAndIncrement();
        return HostPort.parse(addresses.get(Math.floorMod(lookup, addresses.size())))
                .resolve();
    }

    /** Name and Raft address of a member; empty if nobody has heard of it. */
    public Optional<InitialCluster.Entry> entry(long memberId) {
        List<String> addresses = addresses(memberId);
        return name(memberId)
                .filter(name -> !addresses.isEmpty())
                .map(name -> new InitialCluster.Entry(name, addresses.get(0)));
    }

    public Optional<String> name(long memberId) {
        Member said = state.get().members().get(memberId);
        if (said != null) {
            return Optional.of(said.getName());
        }
        return Optional.ofNullable(known.get(memberId)).map(InitialCluster.Entry::name);
    }

    /** The greatest id of those that it knew when it began. */
    public long greatestId() {
        return known.keySet().stream().mapToLong(Long::longValue).max().orElse(0);
    }

    private List<String> addresses(long memberId) {
        Set<String> addresses = new LinkedHashSet<>();
        Member said = state.get().members().get(memberId);
        InitialCluster.Entry began = known.get(memberId);
        String set = began == null ? null : bySettings.get(began.name());
        if (set != null) {
            addresses.add(set);
        }
        if (said != null) {
            said.getPeerUrlsList().forEach(url -> addressOf(url).ifPresent(addresses::add));
        }
        if (began != null) {
            addresses.add(began.raftAddress());
        }
        return List.copyOf(addresses);
    }

    /** {@code host:port} of a URL; empty if it has none. */
    public static Optional<String> addressOf(String url) {
        try {
            String authority = URI.create(url).getAuthority();
            return authority == null
                    ? Optional.empty()
                    : Optional.of(HostPort.parse(authority).toString());
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
