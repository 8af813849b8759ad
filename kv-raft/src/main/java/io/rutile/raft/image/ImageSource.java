package io.rutile.raft.image;

import java.io.IOException;
import java.nio.file.Path;

/** Makes an image; see {@code ReplicatedStateMachine.writeImage}. */
@FunctionalInterface
public interface ImageSource {

    /** Writes the files and returns the applied index that they show. */
    long write(Path emptyDirectory) throws IOException;
}
