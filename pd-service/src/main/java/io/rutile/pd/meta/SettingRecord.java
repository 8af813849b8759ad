package io.rutile.pd.meta;

import io.rutile.pd.meta.MetaOutcome.Reason;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;

/** Decisions about settings. */
public sealed interface SettingRecord extends MetaRecord {

    /** Settings that the hard state keeps, those of newer versions included. */
    int SETTINGS_MAX = 256;

    /**
     * Sets one. Whoever decides has checked it: a member that does not know the setting keeps it all the same, so that all
     * members stay alike.
     *
     * @param name {@link Setting#fullName}
     * @param value as {@link Setting.Form} has it
     */
    record ChangeSetting(String name, String value) implements SettingRecord {

        static final byte TYPE = 0x28;

        public static ChangeSetting of(Setting setting, String value) {
            if (!setting.allows(value)) {
                throw new IllegalArgumentException(setting.fullName() + " cannot be " + value);
            }
            return new ChangeSetting(setting.fullName(), value);
        }

        @Override
        public Transition applyTo(MetaState state) {
            if (!state.settings().containsKey(name) && state.settings().size() >= SETTINGS_MAX) {
                return Transition.refused(state, Reason.EXHAUSTED, "there are " + SETTINGS_MAX + " settings already");
            }
            return Transition.done(state.withSetting(name, value));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeUTF(name);
            out.writeUTF(value);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** Back to what holds while nobody has set it; of one that is not set, nothing. */
    record ClearSetting(String name) implements SettingRecord {
        static final byte TYPE = 0x29;

        @Override
        public Transition applyTo(MetaState state) {
            return Transition.done(state.settings().containsKey(name) ? state.withoutSetting(name) : state);
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeUTF(name);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** The record whose body follows. */
    static SettingRecord read(byte type, DataInputStream in) throws IOException {
        return switch (type) {
            case ChangeSetting.TYPE -> new ChangeSetting(in.readUTF(), in.readUTF());
            case ClearSetting.TYPE -> new ClearSetting(in.readUTF());
            default -> throw new IOException("no record about settings has the type " + type);
        };
    }
}
