package dev.sluice.testing;

import dev.sluice.block.Bio;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.IntFunction;

/**
 * Watches a target. Each bio gets to it as one of its own that is never used again, over memory
 * that is poisoned at the end and looked at once more later; so a second end is always caught by
 * the bio, and a change of data after the end, or of data to be written, is caught here.
 * Thread-safe.
 */
public final class CheckedTarget implements Target {
    private static final byte POISON = (byte) 0xDB;
    private static final int QUARANTINE = 64;

    private final Target inner;
    private final IntFunction<Memory> memory;
    private final Deque<Held> quarantine = new ArrayDeque<>(); // guarded by this
    private final Deque<Memory> pool = new ArrayDeque<>(); // guarded by this
    private final List<String> complaints = new ArrayList<>(); // guarded by this
    private int unended; // guarded by this

    private record Held(Memory memory, int length, String bio) {}

    /** The source of memory must be one that the target can take. */
    public CheckedTarget(Target inner, IntFunction<Memory> memory) {
        this.inner = inner;
        this.memory = memory;
    }

    @Override
    public Limits limits() {
        return inner.limits();
    }

    @Override
    public void submit(Bio bio) {
        MemoryTarget.check(bio, inner.limits());
        Memory own = bio.op().hasData() ? take() : null;
        if (bio.op() == Op.WRITE) {
            own.copyFrom(0, bio.data(), bio.dataAt(), (int) bio.length());
        }
        Bio watched = new Bio(b -> ended(bio, b, own));
        watched.set(bio.op(), bio.offset(), bio.length(), bio.fua(), own, 0, bio.caller());
        try {
            inner.submit(watched);
        } catch (RuntimeException | Error e) {
            complain(e + " on " + watched);
            throw e;
        } finally {
            if (watched.release()) {
                ended(bio, watched, own);
            }
        }
    }

    private synchronized Memory take() {
        unended++;
        Memory m = pool.poll();
        return m == null ? memory.apply(Limits.MAX_DATA) : m;
    }

    private void ended(Bio bio, Bio watched, Memory own) {
        int length = (int) bio.length();
        if (own != null && bio.op() == Op.WRITE) {
            if (!same(own, bio.data(), bio.dataAt(), length)) {
                complain("the data to be written was changed: " + bio);
            }
        } else if (own != null && watched.outcome() == Errno.OK) {
            bio.data().copyFrom(bio.dataAt(), watched.answerMemory(), watched.answerAt(), length);
        }
        if (own != null) {
            quarantine(new Held(own, length, bio.toString()));
        }
        bio.fail(watched.outcome());
    }

    private static boolean same(Memory own, Memory data, int at, int length) {
        return own.bytes().slice(0, length).mismatch(data.bytes().slice(at, length)) < 0;
    }

    private synchronized void quarantine(Held held) {
        unended--;
        held.memory.bytes().put(0, poison(held.length));
        quarantine.add(held);
        if (quarantine.size() > QUARANTINE) {
            inspect(quarantine.poll());
        }
    }

    private static byte[] poison(int length) {
        byte[] poison = new byte[length];
        java.util.Arrays.fill(poison, POISON);
        return poison;
    }

    private void inspect(Held held) {
        byte[] now = new byte[held.length];
        held.memory.bytes().get(0, now);
        if (!java.util.Arrays.equals(now, poison(held.length))) {
            complain("data was touched after the end of " + held.bio);
        }
        pool.add(held.memory);
    }

    private synchronized void complain(String sentence) {
        complaints.add(sentence);
    }

    /** What was wrong so far; call it when nothing should be in flight. */
    public synchronized List<String> complaints() {
        while (!quarantine.isEmpty()) {
            inspect(quarantine.poll());
        }
        List<String> all = new ArrayList<>(complaints);
        if (unended != 0) {
            all.add(unended + " bios with data have not ended");
        }
        return all;
    }

    @Override
    public void drain() {
        inner.drain();
    }

    @Override
    public String arguments() {
        return inner.arguments();
    }
}
