package io.rutile.pd.meta;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.rutile.pd.meta.MetaOutcome.Applied;
import io.rutile.pd.meta.MetaOutcome.Reason;
import io.rutile.pd.meta.MetaOutcome.Refused;
import io.rutile.protocol.keyspacepb.KeyspaceMeta;
import io.rutile.protocol.keyspacepb.KeyspaceState;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class KeyspaceRecordTest {

    @Test
    void defaultKeyspaceIsThereFromTheBeginning() {
        assertThat(MetaState.EMPTY.keyspaces().all())
                .extracting(KeyspaceMeta::getId, KeyspaceMeta::getName)
                .containsExactly(tuple(0, "DEFAULT"));
    }

    @Test
    void idsOfKeyspacesNeverRepeatT2() {
        MetaRecord.Transition a = create(MetaState.EMPTY, "a");
        MetaRecord.Transition b = create(a.state(), "b");

        assertThat(a.outcome()).isEqualTo(new Applied(1));
        assertThat(b.outcome()).isEqualTo(new Applied(2));
        assertThat(reason(create(b.state(), "a"))).isEqualTo(Reason.DUPLICATE_NAME);
        assertThat(reason(create(b.state(), "DEFAULT"))).isEqualTo(Reason.DUPLICATE_NAME);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "a/b", "é", "01234567890123456789012345678901234567890123456789012345678901234"})
    void nameThatIsNoneIsRefused(String name) {
        assertThat(reason(create(MetaState.EMPTY, name))).isEqualTo(Reason.INVALID_VALUE);
    }

    @ParameterizedTest
    @CsvSource({
        "ENABLED, DISABLED, true",
        "ENABLED, ARCHIVED, false",
        "ENABLED, TOMBSTONE, false",
        "DISABLED, ENABLED, true",
        "DISABLED, ARCHIVED, true",
        "DISABLED, TOMBSTONE, false",
        "ARCHIVED, ENABLED, false",
        "ARCHIVED, DISABLED, false",
        "ARCHIVED, TOMBSTONE, true",
        "TOMBSTONE, ENABLED, false",
        "TOMBSTONE, ARCHIVED, false",
        "TOMBSTONE, TOMBSTONE, true",
    })
    void statesFollowEachOther(KeyspaceState from, KeyspaceState to, boolean allowed) {
        MetaState created = create(MetaState.EMPTY, "a").state();
        MetaState state = created.withKeyspaces(created.keyspaces()
                .with(created.keyspaces().byId(1).orElseThrow().toBuilder()
                        .setState(from)
                        .build()));

        MetaRecord.Transition changed = new KeyspaceRecord.ChangeKeyspaceState(1, to, 99).applyTo(state);

        assertThat(changed.outcome() instanceof Applied).isEqualTo(allowed);
        assertThat(changed.state().keyspaces().byId(1).orElseThrow().getState()).isEqualTo(allowed ? to : from);
    }

    @Test
    void defaultKeyspaceStaysAndOneThatIsNotThereIsSaidToBe() {
        assertThat(reason(
                        new KeyspaceRecord.ChangeKeyspaceState(0, KeyspaceState.DISABLED, 9).applyTo(MetaState.EMPTY)))
                .isEqualTo(Reason.INVALID_VALUE);
        assertThat(reason(
                        new KeyspaceRecord.ChangeKeyspaceState(5, KeyspaceState.DISABLED, 9).applyTo(MetaState.EMPTY)))
                .isEqualTo(Reason.NOT_FOUND);
    }

    @Test
    void keyspacesAreBounded() {
        Map<Integer, KeyspaceMeta> many = new TreeMap<>();
        for (int id = 0; id < Keyspaces.KEYSPACES_MAX; id++) {
            many.put(id, KeyspaceMeta.newBuilder().setId(id).setName("k" + id).build());
        }

        assertThat(reason(create(MetaState.EMPTY.withKeyspaces(new Keyspaces(many)), "more")))
                .isEqualTo(Reason.EXHAUSTED);
    }

    private static MetaRecord.Transition create(MetaState state, String name) {
        return new KeyspaceRecord.CreateKeyspace(name, 50).applyTo(state);
    }

    private static Reason reason(MetaRecord.Transition transition) {
        assertThat(transition.outcome()).isInstanceOf(Refused.class);
        return ((Refused) transition.outcome()).reason();
    }
}
