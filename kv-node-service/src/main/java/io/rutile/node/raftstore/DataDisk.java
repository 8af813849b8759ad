package io.rutile.node.raftstore;

import io.rutile.storage.engine.EngineBatch;

/** Where applied batches go: the engine; the seam through which tests bring a data disk that fails. */
@FunctionalInterface
public interface DataDisk {

    /**
     * All of the batch or nothing.
     *
     * @param sync durable on return
     * @throws io.rutile.storage.engine.EngineException if the disk fails
     */
    void write(EngineBatch batch, boolean sync);
}
