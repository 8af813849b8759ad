package io.rutile.raft.log;

import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.conf.ConfigurationEntry;
import com.alipay.sofa.jraft.conf.ConfigurationManager;
import com.alipay.sofa.jraft.entity.EnumOutter.EntryType;
import com.alipay.sofa.jraft.entity.LogEntry;
import com.alipay.sofa.jraft.entity.LogId;
import com.alipay.sofa.jraft.entity.codec.LogEntryDecoder;
import com.alipay.sofa.jraft.entity.codec.LogEntryEncoder;
import com.alipay.sofa.jraft.entity.codec.v2.LogEntryV2CodecFactory;
import com.alipay.sofa.jraft.option.LogStorageOptions;
import com.alipay.sofa.jraft.storage.LogStorage;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Slice;
import org.rocksdb.WriteBatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One group's stretch of the shared log.
 *
 * <p>Appended to and cut by the group's log thread; read by any. {@code first - 1 ≤ last} once it holds something; an empty log
 * answers 1 and 0, as JRaft expects.
 */
public final class GroupLog implements LogStorage {

    private static final Logger LOG = LoggerFactory.getLogger(GroupLog.class);
    /** Up to so many cut entries are deleted with the cut; more are left to the purge thread. */
    private static final int INLINE_DELETES_MAX = 512;

    private static final int PURGE_BATCH = 2_000;

    /** A larger entry is read from the disk each time: a thousand groups keep one each. */
    static final int TAIL_BYTES_MAX = 8 << 10;

    private final RaftLog log;
    private final long groupId;
    private LogEntryEncoder encoder = LogEntryV2CodecFactory.getInstance().encoder();
    private LogEntryDecoder decoder = LogEntryV2CodecFactory.getInstance().decoder();
    private volatile long first = 1;
    private volatile long last;

    /** The entry at {@link #last}; null if it is too large to keep. */
    private volatile @Nullable LogTail tail;

    /** Of entries, encoded; an estimate behind a cut and a restart. */
    private volatile long bytes;

    private final Object purgeLock = new Object();
    private boolean closed;

    GroupLog(RaftLog log, long groupId) {
        this.log = log;
        this.groupId = groupId;
    }

    @Override
    public boolean init(LogStorageOptions options) {
        encoder = options.getLogEntryCodecFactory().encoder();
        decoder = options.getLogEntryCodecFactory().decoder();
        try {
            loadBounds();
            loadMemberships(options.getConfigurationManager());
            return true;
        } catch (IOException | RocksDBException e) {
            LOG.error("log not readable group={} cause={}", groupId, e.getMessage());
            return false;
        }
    }

    private void loadBounds() throws IOException, RocksDBException {
        byte[] kept = log.get(LogKeys.of(LogKeys.FIRST, groupId));
        first = kept == null ? 1 : LogKeys.number(kept);
        last = 0;
        try (Slice end = new Slice(LogKeys.of(LogKeys.ENTRY, groupId, -1));
                ReadOptions options = new ReadOptions().setIterateUpperBound(end);
                RocksIterator entries = log.iterator(options)) {
            entries.seekForPrev(LogKeys.of(LogKeys.ENTRY, groupId, Long.MAX_VALUE));
            if (entries.isValid() && ofThisGroup(entries.key(), LogKeys.ENTRY)) {
                last = Math.max(0, LogKeys.index(entries.key()));
                byte[] newest = entries.value();
                tail = newest.length <= TAIL_BYTES_MAX ? LogTail.found(last, newest) : null;
            }
            entries.status();
            if (last < first) {
                last = 0;
            }
            entries.seek(LogKeys.of(LogKeys.ENTRY, groupId, 0));
            if (entries.isValid() && ofThisGroup(entries.key(), LogKeys.ENTRY)) {
                long oldest = LogKeys.index(entries.key());
                if (oldest < first) {
                    purgeLater(oldest, first);
                } else if (kept == null) {
                    first = oldest;
                }
            }
            entries.status();
        }
        bytes = last == 0
                ? 0
                : log.estimateBytes(
                        LogKeys.of(LogKeys.ENTRY, groupId, first), LogKeys.of(LogKeys.ENTRY, groupId, last + 1));
    }

    private void loadMemberships(ConfigurationManager memberships) throws IOException, RocksDBException {
        try (Slice end = new Slice(LogKeys.of(LogKeys.CONF, groupId, Long.MAX_VALUE));
                ReadOptions options = new ReadOptions().setIterateUpperBound(end);
                RocksIterator confs = log.iterator(options)) {
            for (confs.seek(LogKeys.of(LogKeys.CONF, groupId, first)); confs.isValid(); confs.next()) {
                LogEntry entry = decoder.decode(confs.value());
                if (entry == null) {
                    throw new IOException("membership entry " + LogKeys.index(confs.key()) + " is damaged");
                }
                ConfigurationEntry conf = new ConfigurationEntry(
                        entry.getId().copy(),
                        new Configuration(entry.getPeers(), entry.getLearners()),
                        entry.getOldPeers() == null
                                ? new Configuration()
                                : new Configuration(entry.getOldPeers(), entry.getOldLearners()));
                memberships.add(conf);
            }
            confs.status();
        }
    }

    private boolean ofThisGroup(byte[] key, byte kind) {
        if (key.length != 17 || key[0] != kind) {
            return false;
        }
        byte[] prefix = LogKeys.of(kind, groupId);
        return Arrays.equals(key, 0, 9, prefix, 0, 9);
    }

    @Override
    public int appendEntries(List<LogEntry> entries) {
        if (entries.isEmpty()) {
            return 0;
        }
        long added = 0;
        byte[] newest = {};
        try (WriteBatch batch = new WriteBatch()) {
            for (LogEntry entry : entries) {
                newest = put(batch, entry);
                added += newest.length;
            }
            log.write(batch, log.sync());
        } catch (LogFailure | RocksDBException e) {
            LOG.error(
                    "entries not saved group={} first={} cause={}",
                    groupId,
                    entries.get(0).getId(),
                    e.getMessage());
            return 0;
        }
        if (last == 0) {
            first = Math.max(first, entries.get(0).getId().getIndex());
        }
        long index = entries.get(entries.size() - 1).getId().getIndex();
        tail = newest.length <= TAIL_BYTES_MAX ? LogTail.written(index, newest) : null;
        bytes = (last == 0 ? 0 : bytes) + added;
        last = index;
        log.metrics.appendEntries.record(entries.size());
        log.metrics.appendBytes.record(added);
        return entries.size();
    }

    private byte[] put(WriteBatch batch, LogEntry entry) throws RocksDBException {
        long index = entry.getId().getIndex();
        byte[] value = encoder.encode(entry);
        batch.put(LogKeys.of(LogKeys.ENTRY, groupId, index), value);
        if (entry.getType() == EntryType.ENTRY_TYPE_CONFIGURATION) {
            batch.put(LogKeys.of(LogKeys.CONF, groupId, index), value);
        }
        return value;
    }

    @Override
    public boolean appendEntry(LogEntry entry) {
        return appendEntries(List.of(entry)) == 1;
    }

    @Override
    public @Nullable LogEntry getEntry(long index) {
        if (index < first || index > last) {
            return null;
        }
        LogTail newest = tail;
        if (newest != null && newest.index() == index) {
            return newest.entry(decoder);
        }
        try {
            byte[] value = log.get(LogKeys.of(LogKeys.ENTRY, groupId, index));
            return value == null ? null : decoder.decode(value);
        } catch (IOException e) {
            LOG.error("entry not readable group={} index={} cause={}", groupId, index, e.getMessage());
            return null;
        }
    }

    @Override
    public long getTerm(long index) {
        LogEntry entry = getEntry(index);
        return entry == null ? 0 : entry.getId().getTerm();
    }

    @Override
    public long getFirstLogIndex() {
        return first;
    }

    /** About how much it holds; any thread. */
    public long sizeBytes() {
        return bytes;
    }

    /** What some of the entries have of what all have, as if they were of one size. */
    private long share(long kept, long of) {
        return of <= 0 || kept <= 0 ? 0 : (long) ((double) bytes * Math.min(kept, of) / of);
    }

    @Override
    public long getLastLogIndex() {
        return last;
    }

    @Override
    public boolean truncatePrefix(long firstKept) {
        long from = first;
        if (firstKept <= from && last != 0) {
            return true;
        }
        boolean inline = last == 0 || Math.min(firstKept, last + 1) - from <= INLINE_DELETES_MAX;
        try (WriteBatch batch = new WriteBatch()) {
            batch.put(LogKeys.of(LogKeys.FIRST, groupId), LogKeys.number(firstKept));
            if (inline) {
                delete(batch, from, Math.min(firstKept, last + 1));
            }
            // Not synced: a log that is longer than it need be after a power cut is cut again.
            log.write(batch, false);
        } catch (LogFailure | RocksDBException e) {
            LOG.error("log not cut group={} first={} cause={}", groupId, firstKept, e.getMessage());
            return false;
        }
        long purgeTo = Math.min(firstKept, last + 1);
        bytes = share(last + 1 - purgeTo, last + 1 - from);
        first = firstKept;
        if (last < firstKept) {
            last = 0;
        }
        if (!inline) {
            purgeLater(from, purgeTo);
        }
        return true;
    }

    private void delete(WriteBatch batch, long from, long to) throws RocksDBException {
        for (long index = from; index < to; index++) {
            batch.delete(LogKeys.of(LogKeys.ENTRY, groupId, index));
            batch.delete(LogKeys.of(LogKeys.CONF, groupId, index));
        }
    }

    /** Point deletes in small batches: range tombstones would pile up under every later read of this group. */
    private void purgeLater(long from, long to) {
        log.purgeLater(() -> {
            for (long index = from; index < to; index += PURGE_BATCH) {
                if (Thread.currentThread().isInterrupted() || !purge(index, Math.min(to, index + PURGE_BATCH))) {
                    return;
                }
            }
        });
    }

    private boolean purge(long from, long to) {
        synchronized (purgeLock) {
            if (closed) {
                // The next incarnation may write to these indexes.
                return false;
            }
            try (WriteBatch batch = new WriteBatch()) {
                delete(batch, from, to);
                log.write(batch, false);
                return true;
            } catch (LogFailure | RocksDBException e) {
                LOG.warn("cut entries not purged group={} cause={}", groupId, e.getMessage());
                return false;
            }
        }
    }

    /** Drops a tail that another leader overruled; durable before anything new is appended behind it. */
    @Override
    public boolean truncateSuffix(long lastKept) {
        tail = null;
        try (WriteBatch batch = new WriteBatch()) {
            delete(batch, Math.max(first, lastKept + 1), last + 1);
            log.write(batch, log.sync());
        } catch (LogFailure | RocksDBException e) {
            LOG.error("tail not dropped group={} last={} cause={}", groupId, lastKept, e.getMessage());
            return false;
        }
        bytes = share(lastKept + 1 - first, last + 1 - first);
        last = lastKept < first ? 0 : lastKept;
        return true;
    }

    /** Drops everything but the entry at {@code next}, which JRaft wants to find; an empty one takes its place if there is none. */
    @Override
    public boolean reset(long next) {
        LogEntry kept = getEntry(next);
        if (kept == null) {
            kept = new LogEntry(EntryType.ENTRY_TYPE_NO_OP);
            kept.setId(new LogId(next, 0));
        }
        try (WriteBatch batch = new WriteBatch()) {
            batch.deleteRange(LogKeys.of(LogKeys.ENTRY, groupId, 0), LogKeys.of(LogKeys.ENTRY, groupId, -1));
            batch.deleteRange(LogKeys.of(LogKeys.CONF, groupId, 0), LogKeys.of(LogKeys.CONF, groupId, -1));
            batch.put(LogKeys.of(LogKeys.FIRST, groupId), LogKeys.number(next));
            put(batch, kept);
            log.write(batch, log.sync());
        } catch (LogFailure | RocksDBException e) {
            LOG.error("log not reset group={} next={} cause={}", groupId, next, e.getMessage());
            return false;
        }
        tail = null;
        bytes = 0;
        first = next;
        last = next;
        return true;
    }

    @Override
    public void shutdown() {
        // The shared log outlives the group; what is left to purge is found at the next opening.
        synchronized (purgeLock) {
            closed = true;
        }
    }
}
