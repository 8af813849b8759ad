package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;

import com.alipay.sofa.jraft.util.Recyclers;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.raft.transport.ByteBudget;
import org.junit.jupiter.api.Test;

class RaftMemoryTest {

    private static final int MIB = 1 << 20;

    @Test
    void whatGoesBeyondTheBudgetIsRefused() {
        ByteBudget budget = new ByteBudget(100);

        assertThat(budget.take(60)).isTrue();
        assertThat(budget.take(41)).isFalse();
        assertThat(budget.take(40)).isTrue();
        budget.giveBack(60);
        assertThat(budget.take(60)).isTrue();
        assertThat(budget.taken()).isEqualTo(100);
    }

    @Test
    void oneThatIsLargerThanAllOfItGoesAlone() {
        ByteBudget budget = new ByteBudget(100);

        assertThat(budget.take(500)).isTrue();
        assertThat(budget.take(1)).isFalse();
        budget.giveBack(500);
        assertThat(budget.take(1)).isTrue();
        assertThat(budget.take(500)).isFalse();
    }

    /** However many groups there are: all purposes together leave more than half of the heap to others. */
    @Test
    void budgetsFollowTheHeap() {
        RaftMemory memory = new RaftMemory(384L * MIB, new SimpleMeterRegistry());

        assertThat(memory.proposals.bytesMax() + memory.outbound.bytesMax() + memory.inbound.bytesMax())
                .isEqualTo(72L * MIB);
        assertThat(new RaftMemory(16L * MIB, new SimpleMeterRegistry()).outbound.bytesMax())
                .isEqualTo(8L * MIB);
    }

    /** Buffers that JRaft keeps for each of its threads have no bound that a small heap could bear. */
    @Test
    void jRaftKeepsNothingToUseItAgain() throws ClassNotFoundException {
        Class<?> unused = Class.forName(RaftServer.class.getName());
        Recyclers<Object> recyclers = new Recyclers<>() {
            @Override
            protected Object newObject(Handle handle) {
                assertThat(handle).isSameAs(NOOP_HANDLE);
                return new Object();
            }
        };

        Object first = recyclers.get();

        assertThat(recyclers.get()).isNotSameAs(first);
    }
}
