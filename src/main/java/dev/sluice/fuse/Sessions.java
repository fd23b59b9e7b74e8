package dev.sluice.fuse;

import dev.sluice.block.Device;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The session threads of a mount: those it starts with, and spare ones for when all of them are
 * away or stuck. Thread-safe.
 */
final class Sessions {
    /** However many are stuck, there are no more. */
    static final int MOST = 64;

    private final Factory factory;
    private final Readers readers;
    private final Device.Log log;
    private final List<Session> all = new CopyOnWriteArrayList<>();
    private final List<Thread> threads = new CopyOnWriteArrayList<>();

    /** Makes a session and starts its thread. */
    interface Factory {
        Session make(int number);

        Thread start(int number, Session session);
    }

    Sessions(Factory factory, Readers readers, Device.Log log) {
        this.log = log;
        this.factory = factory;
        this.readers = readers;
    }

    /** One more thread; the first always reads, the others when they are asked in. */
    synchronized void add() {
        Session session = factory.make(all.size());
        Thread thread = factory.start(all.size(), session);
        all.add(session);
        threads.add(thread);
    }

    /** A reader goes away for a while: another reads, a new one if need be. Throws nothing. */
    void away() {
        if (readers.away()) {
            return;
        }
        synchronized (this) {
            if (all.size() < MOST && readers.more()) {
                try {
                    add();
                } catch (RuntimeException | Error e) {
                    readers.less();
                    log.error("no thread to read requests while others are stuck: " + e, e);
                }
            }
        }
    }

    List<Session> all() {
        return all;
    }

    List<Thread> threads() {
        return threads;
    }
}
