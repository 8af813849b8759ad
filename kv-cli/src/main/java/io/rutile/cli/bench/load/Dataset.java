package io.rutile.cli.bench.load;

/**
 * A subject's data.
 *
 * @param keys what was loaded
 * @param inserts what is there now
 */
public record Dataset(KeySpace keys, Inserts inserts) {

    public static Dataset loaded(KeySpace keys) {
        return new Dataset(keys, new Inserts(keys.count()));
    }
}
