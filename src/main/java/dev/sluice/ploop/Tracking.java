package dev.sluice.ploop;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Units;
import dev.sluice.work.Host;
import dev.sluice.work.Timer;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.IntPredicate;

/**
 * Tells somebody who copies the disk in use which clusters of it are still to be copied: first all
 * that have data, then those that have changed since. A change counts when it has ended, before its
 * owner knows: so who is told of a cluster and reads it then, sees every change that was answered
 * before, and is told again of any that was not.
 *
 * <table>
 * <caption>States</caption>
 * <tr><th>state</th><th>goes on by</th></tr>
 * <tr><td>off</td><td>tracking_start: on</td></tr>
 * <tr><td>on</td><td>tracking_hold: held; tracking_stop: off</td></tr>
 * <tr><td>held: no change begins</td><td>tracking_release, its time: on; tracking_stop: off</td>
 * </tr>
 * </table>
 *
 * <table>
 * <caption>States of a hold: whoever ends it has it to himself until it is over</caption>
 * <tr><th>state</th><th>goes on by</th></tr>
 * <tr><td>NONE</td><td>tracking_hold: TAKING</td></tr>
 * <tr><td>TAKING: what had begun is waited for</td><td>{@link #hold}: HELD, NONE; tracking_stop:
 *     DROPPED</td></tr>
 * <tr><td>DROPPED: the same, for nobody</td><td>{@link #hold}: NONE</td></tr>
 * <tr><td>HELD</td><td>tracking_release, its time, tracking_stop: ENDING</td></tr>
 * <tr><td>ENDING: what was held begins</td><td>{@link #letGo}: NONE</td></tr>
 * </table>
 */
final class Tracking {
    /** The most that are told at a time. */
    static final int MOST = 4096;

    private static final long QUIET_MILLIS = 5000;
    private static final int ENDING_STEPS = 50;
    private static final long ENDING_STEP_MILLIS = 100;
    private static final long MOST_HOLD_NANOS = 60_000_000_000L;
    private static final String HOLD = "10s";

    private enum Hold { NONE, TAKING, DROPPED, HELD, ENDING }

    private final Host host;
    private final String path;
    private final long cluster;
    /** Whether something is at work that tells of other clusters, or of another disk. */
    private final BooleanSupplier reshapes;
    /** Held while the disk's clusters are looked at; never while waiting, nor by the data path. */
    private final Object looking = new Object();
    private Device device;
    private boolean on; // guarded by this
    private boolean closed; // guarded by this
    private Hold hold = Hold.NONE; // guarded by this
    private boolean armed; // guarded by this
    private long heldUntil; // guarded by this
    private String id = ""; // guarded by this
    /** What was to be told at the start. */
    private IntPredicate first = index -> true; // guarded by this
    private int clusters; // guarded by this
    /** Still to be told. */
    private Bits next; // guarded by this
    /** Changed since the start, whether told or not. */
    private Bits changed; // guarded by this
    private int cursor; // guarded by this
    private String told = ""; // guarded by this

    private final Timer.Entry alarm = new Timer.Entry() {
        @Override
        protected void expired() {
            synchronized (Tracking.this) {
                armed = false;
            }
            host.queues().of(device.name()).run(0, Tracking.this::over);
        }
    };

    /** Of a disk in clusters of so many bytes; its image's path is for the log. */
    Tracking(Host host, String path, long cluster, BooleanSupplier reshapes) {
        this.reshapes = reshapes;
        this.host = host;
        this.path = path;
        this.cluster = cluster;
    }

    /** Whose changes they are. */
    void attached(Device to) {
        device = to;
    }

    /**
     * Acts on a message that begins with tracking_.
     *
     * @param data whether a cluster has data, in the levels that a name stands for
     */
    void message(List<String> words, Since data) throws BlockException {
        String first = words.get(0);
        int most = first.equals("tracking_stop") || first.equals("tracking_release") ? 1 : 2;
        if (words.size() > most) {
            throw wrong(first + " must have " + (most == 1 ? "nothing" : "one word") + " behind it,"
                    + " not " + String.join(" ", words.subList(1, words.size())));
        }
        String word = words.size() == 2 ? words.get(1) : null;
        switch (first) {
            case "tracking_start" -> start(data.of(word));
            case "tracking_get_next" -> take(word == null ? 1 : number(first, word, 1, MOST));
            case "tracking_rewind" -> rewind(number(first, word == null ? "0" : word, 0,
                    Integer.MAX_VALUE));
            case "tracking_hold" -> hold(Units.parseDuration(first, word == null ? HOLD : word));
            case "tracking_release" -> release();
            case "tracking_stop" -> stop();
            default -> throw wrong("the message " + first + " is unknown; there are tracking_start,"
                    + " tracking_get_next, tracking_rewind, tracking_hold, tracking_release and"
                    + " tracking_stop");
        }
    }

    /** What has data. */
    interface Since {
        /** Whether a cluster of the disk has data above a snapshot; null for all there is. */
        IntPredicate of(String snapshot) throws BlockException;
    }

    private static BlockException wrong(String sentence) {
        return new BlockException(Errno.EINVAL, sentence);
    }

    private static int number(String what, String word, int least, int most)
            throws BlockException {
        if (!word.matches("\\d{1,9}") || Integer.parseInt(word) < least
                || Integer.parseInt(word) > most) {
            throw wrong(what + " " + word + " is not possible; write a number from " + least
                    + " to " + most);
        }
        return Integer.parseInt(word);
    }

    private void start(IntPredicate data) throws BlockException {
        String mine;
        synchronized (this) {
            if (closed || reshapes.getAsBoolean()) {
                throw new BlockException(Errno.EBUSY, "changes cannot be tracked now: "
                        + (closed ? "the device is being closed" : "the disk is becoming another"
                        + " one; see status for the work that is to end first"));
            }
            if (on) {
                throw new BlockException(Errno.EEXIST, "changes are tracked already, as " + id
                        + "; whoever began that ends it with the message tracking_stop");
            }
            clusters = (int) ((device.limits().size() + cluster - 1) / cluster);
            next = new Bits(host.arena(), clusters);
            changed = new Bits(host.arena(), clusters);
            id = UUID.randomUUID().toString();
            mine = id;
            first = data;
            told = "";
            cursor = 0;
            on = true;
        }
        // Before it is seen what has data: what changes meanwhile is told either way.
        device.watch(this::ended);
        mark(mine, 0, data);
    }

    /** Ends where the tracking ends that it is for: its disk may be gone then. */
    private void mark(String mine, int from, IntPredicate data) {
        for (int i = from; i < count(mine); i++) {
            synchronized (looking) {
                if (i < count(mine) && data.test(i)) {
                    add(mine, i);
                }
            }
        }
    }

    private synchronized int count(String mine) {
        return on && id.equals(mine) ? clusters : 0;
    }

    private synchronized void add(String mine, int index) {
        if (index < count(mine)) {
            add(next, index);
        }
    }

    private static void add(Bits to, int index) {
        if (!to.has(index)) {
            to.add(index);
        }
    }

    /** Under the device's lock. */
    private synchronized void ended(Bio bio) {
        if (!on || bio.offset() < 0 || bio.length() <= 0) {
            return;
        }
        long end = Math.min(clusters * cluster, bio.until());
        for (int i = (int) Math.min(clusters, bio.offset() / cluster); i * cluster < end; i++) {
            add(next, i);
            add(changed, i);
        }
    }

    private void check() throws BlockException {
        if (!on) {
            throw new BlockException(Errno.ENOENT, "changes are not tracked; begin with the message"
                    + " tracking_start");
        }
    }

    private synchronized void take(int count) throws BlockException {
        check();
        told = "";
        if (next.count() == 0) {
            throw new BlockException(Errno.EAGAIN, "nothing has changed that was not told; ask"
                    + " again later");
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count && next.count() > 0; i++) {
            int found = next.next(cursor);
            if (found < 0) {
                if (i > 0) {
                    // Those that are told together go up, so that their reader sees a turn end.
                    break;
                }
                found = next.next(0);
            }
            next.remove(found);
            text.append(found).append('\n');
            cursor = found + 1;
        }
        if (next.next(cursor) < 0) {
            cursor = 0;
        }
        told = text.toString();
    }

    private void rewind(int from) throws BlockException {
        String mine;
        IntPredicate data;
        synchronized (this) {
            check();
            mine = id;
            data = first;
            for (int i = changed.next(0); i >= 0; i = changed.next(i + 1)) {
                add(next, i);
            }
            cursor = 0;
        }
        mark(mine, from, data);
    }

    private void hold(long nanos) throws BlockException {
        synchronized (this) {
            awaitEnding();
            check();
            if (nanos <= 0 || nanos > MOST_HOLD_NANOS) {
                throw wrong("changes must be held for at most " + Units.duration(MOST_HOLD_NANOS)
                        + ", not for " + Units.duration(nanos));
            }
            if (hold != Hold.NONE) {
                throw new BlockException(Errno.EEXIST, "changes are held already; let them go with"
                        + " the message tracking_release");
            }
            hold = Hold.TAKING;
        }
        boolean quiet = false;
        try {
            quiet = device.hold(QUIET_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        boolean mine;
        synchronized (this) {
            mine = hold == Hold.TAKING;
            hold = !quiet ? Hold.NONE : mine ? Hold.HELD : Hold.ENDING;
            if (hold == Hold.HELD) {
                heldUntil = host.clock().nanos() + nanos;
                armed = true;
                host.timer().add(alarm, heldUntil);
            }
        }
        if (quiet && !mine) {
            letGo();
        }
        if (!quiet || !mine) {
            throw new BlockException(Errno.EBUSY, !mine ? "changes are not tracked any more;"
                    + " begin anew with the message tracking_start"
                    : "changes that had begun did not end within "
                    + Units.duration(QUIET_MILLIS * 1_000_000) + ", so nothing is held; see status"
                    + " for what they wait for");
        }
    }

    /** Whoever ends a hold is about to be done. */
    private void awaitEnding() {
        assert Thread.holdsLock(this);
        try {
            for (int i = 0; i < ENDING_STEPS && hold == Hold.ENDING; i++) {
                wait(ENDING_STEP_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void release() throws BlockException {
        synchronized (this) {
            check();
            if (hold != Hold.HELD) {
                throw new BlockException(Errno.ETIMEDOUT, "changes are not held, or not any more:"
                        + " what was read is not of one moment; hold them anew and read again");
            }
            hold = Hold.ENDING;
        }
        letGo();
    }

    private void over() {
        synchronized (this) {
            // It may have been let go, and held again.
            if (hold != Hold.HELD || host.clock().nanos() < heldUntil) {
                return;
            }
            hold = Hold.ENDING;
        }
        letGo();
        host.log().error(path + ": changes were held until their time was over", null);
    }

    /** By whom has made it ENDING, and nobody else. */
    private void letGo() {
        synchronized (this) {
            if (armed && host.timer().remove(alarm)) {
                armed = false;
            }
        }
        device.release();
        synchronized (this) {
            hold = Hold.NONE;
            notifyAll();
        }
    }

    private void stop() throws BlockException {
        synchronized (this) {
            check();
        }
        end();
    }

    /** Nothing is tracked any more, nor looks at the disk. */
    void close() {
        synchronized (this) {
            closed = true;
        }
        end();
        synchronized (looking) {
            // Who looked at the disk has done so, and nobody does any more.
        }
    }

    /** What is known is forgotten, and nothing is held. */
    private void end() {
        boolean held;
        synchronized (this) {
            if (!on) {
                return;
            }
            on = false;
            next.close();
            changed.close();
            told = "";
            id = "";
            held = hold == Hold.HELD;
            hold = held ? Hold.ENDING : hold == Hold.TAKING ? Hold.DROPPED : hold;
        }
        if (held) {
            letGo();
        }
        device.watch(null);
    }

    /** Refuses what would make other clusters of all there are. */
    synchronized void refuse(String what) throws BlockException {
        if (on) {
            throw new BlockException(Errno.EBUSY, what + " has to wait while changes are tracked,"
                    + " for a backup; end that with the message tracking_stop");
        }
    }

    /** What was told last, a number a line. */
    synchronized String told() {
        return told;
    }

    synchronized void status(Map<String, Object> all) {
        all.put("tracking", hold == Hold.HELD ? "held" : on ? "on" : "off");
        if (on) {
            all.put("tracking_id", id);
            all.put("tracking_left", next.count());
            all.put("tracking_changed", changed.count());
        }
    }
}
