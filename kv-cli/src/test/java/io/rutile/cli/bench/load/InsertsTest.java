package io.rutile.cli.bench.load;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class InsertsTest {

    @Test
    void anInsertUnderWayHidesWhatIsBehindIt() {
        Inserts inserts = new Inserts(5);
        long first = inserts.begin();
        long second = inserts.begin();

        inserts.succeeded(second);
        assertThat(inserts.visible()).isEqualTo(5);
        inserts.succeeded(first);

        assertThat(inserts.visible()).isEqualTo(7);
    }

    @Test
    void whatFailedIsInsertedByTheNext() {
        Inserts inserts = new Inserts(5);
        long failed = inserts.begin();
        inserts.succeeded(inserts.begin());
        inserts.failed(failed);

        assertThat(inserts.begin()).isEqualTo(failed);
        inserts.succeeded(failed);

        assertThat(inserts.visible()).isEqualTo(7);
    }
}
