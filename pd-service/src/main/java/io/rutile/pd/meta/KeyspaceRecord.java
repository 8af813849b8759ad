package io.rutile.pd.meta;

import io.rutile.pd.meta.MetaOutcome.Reason;
import io.rutile.protocol.keyspacepb.KeyspaceMeta;
import io.rutile.protocol.keyspacepb.KeyspaceState;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Decisions about keyspaces. Their times are the leader's, as seconds of the wall clock.
 *
 * <pre>
 * record := type (1) body            docs/formats/pd-meta.md
 * </pre>
 */
public sealed interface KeyspaceRecord extends MetaRecord {

    /** Whether a keyspace may be called that. */
    static boolean isName(String text) {
        return Pattern.matches("[-A-Za-z0-9_]{1,64}", text);
    }

    /** Gives a name the next id; ids are never given twice (T2), for a keyspace stays here as a tombstone. */
    record CreateKeyspace(String name, long atSeconds) implements KeyspaceRecord {

        static final byte TYPE = 13;

        @Override
        public Transition applyTo(MetaState state) {
            if (!isName(name)) {
                return Transition.refused(
                        state, Reason.INVALID_VALUE, "a keyspace's name is 1 to 64 letters, digits, '-' or '_'");
            }
            if (state.keyspaces().named(name).isPresent()) {
                return Transition.refused(state, Reason.DUPLICATE_NAME, "keyspace " + name + " exists already");
            }
            if (state.keyspaces().isFull()) {
                return Transition.refused(
                        state, Reason.EXHAUSTED, "there are " + Keyspaces.KEYSPACES_MAX + " keyspaces already");
            }
            KeyspaceMeta created = KeyspaceMeta.newBuilder()
                    .setId(state.keyspaces().nextId())
                    .setName(name)
                    .setState(KeyspaceState.ENABLED)
                    .setCreatedAt(atSeconds)
                    .setStateChangedAt(atSeconds)
                    .build();
            return new Transition(
                    state.withKeyspaces(state.keyspaces().with(created)), new MetaOutcome.Applied(created.getId()));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeUTF(name);
            out.writeLong(atSeconds);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** Moves a keyspace one step between its states; to stay is allowed and changes nothing. */
    record ChangeKeyspaceState(int id, KeyspaceState to, long atSeconds) implements KeyspaceRecord {

        static final byte TYPE = 14;

        @Override
        public Transition applyTo(MetaState state) {
            KeyspaceMeta known = state.keyspaces().byId(id).orElse(null);
            if (known == null) {
                return Transition.refused(state, Reason.NOT_FOUND, "no keyspace has the id " + id);
            }
            if (known.getState() == to) {
                return Transition.done(state);
            }
            if (id == Keyspaces.DEFAULT_ID) {
                return Transition.refused(
                        state, Reason.INVALID_VALUE, "the state of keyspace " + known.getName() + " cannot be changed");
            }
            if (!next(known.getState()).contains(to)) {
                return Transition.refused(
                        state,
                        Reason.INVALID_VALUE,
                        "keyspace " + known.getName() + " cannot go from " + known.getState() + " to " + to);
            }
            KeyspaceMeta changed =
                    known.toBuilder().setState(to).setStateChangedAt(atSeconds).build();
            return Transition.done(state.withKeyspaces(state.keyspaces().with(changed)));
        }

        private static Set<KeyspaceState> next(KeyspaceState from) {
            return switch (from) {
                case ENABLED -> Set.of(KeyspaceState.DISABLED);
                case DISABLED -> Set.of(KeyspaceState.ENABLED, KeyspaceState.ARCHIVED);
                case ARCHIVED -> Set.of(KeyspaceState.TOMBSTONE);
                case TOMBSTONE, UNRECOGNIZED -> Set.of();
            };
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeInt(id);
            out.writeByte(to.getNumber());
            out.writeLong(atSeconds);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    static MetaRecord read(byte type, DataInputStream in) throws IOException {
        return type == CreateKeyspace.TYPE
                ? new CreateKeyspace(in.readUTF(), in.readLong())
                : new ChangeKeyspaceState(in.readInt(), state(in.readByte()), in.readLong());
    }

    private static KeyspaceState state(byte number) throws IOException {
        KeyspaceState state = KeyspaceState.forNumber(number);
        if (state == null) {
            throw new IOException("unknown keyspace state " + number);
        }
        return state;
    }
}
