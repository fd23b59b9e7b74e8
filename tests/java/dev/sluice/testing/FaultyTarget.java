package dev.sluice.testing;

import dev.sluice.block.Bio;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Target;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Predicate;

/** Passes bios on, but fails some: those chosen, or at random by a seed. Thread-safe. */
public final class FaultyTarget implements Target {
    /** How a bio fails. */
    public enum Fault {
        /** EIO, and nothing was done. */
        REFUSED,
        /** EIO, though all was done. */
        DONE_BUT_FAILED,
        /** EIO, and only the first half was done. */
        HALF_DONE,
        /** A runtime exception escapes, nothing was done. */
        THROWS,
        /** An assertion of the target breaks. */
        ASSERTION,
        /** The bio is ended twice. */
        TWICE
    }

    private final Target inner;
    private final Map<Fault, Predicate<Bio>> when = new EnumMap<>(Fault.class);
    private int injected;

    public FaultyTarget(Target inner) {
        this.inner = inner;
    }

    /** Lets bios fail so where the condition holds. */
    public synchronized FaultyTarget when(Fault fault, Predicate<Bio> condition) {
        when.put(fault, condition);
        return this;
    }

    /** Lets this share of all bios fail so. */
    public FaultyTarget sometimes(Fault fault, long seed, double share) {
        Random random = new Random(seed + fault.ordinal());
        return when(fault, bio -> random.nextDouble() < share);
    }

    /** Lets nothing fail from now on. */
    public synchronized void heal() {
        when.clear();
    }

    /** How many bios failed so far. */
    public synchronized int injected() {
        return injected;
    }

    private synchronized Fault choose(Bio bio) {
        for (Map.Entry<Fault, Predicate<Bio>> e : when.entrySet()) {
            if (e.getValue().test(bio)) {
                injected++;
                return e.getKey();
            }
        }
        return null;
    }

    @Override
    public Limits limits() {
        return inner.limits();
    }

    @Override
    public void submit(Bio bio) {
        Fault fault = choose(bio);
        if (fault == Fault.THROWS) {
            throw new IllegalStateException("planted exception");
        }
        if (fault == Fault.ASSERTION) {
            throw new AssertionError("planted assertion");
        }
        if (fault == Fault.REFUSED) {
            bio.fail(Errno.EIO);
            return;
        }
        long length = bio.length();
        long block = limits().blockSize();
        if (fault == Fault.HALF_DONE && length > block) {
            length = Math.max(block, length / 2 & -block);
        }
        inner.submit(bio.part(0, length, bio.offset()));
        if (fault == null) {
            bio.complete();
        } else if (fault == Fault.TWICE) {
            bio.complete();
            bio.complete();
        } else {
            bio.fail(Errno.EIO);
        }
    }

    @Override
    public void drain() {
        inner.drain();
    }

    @Override
    public String arguments() {
        return "";
    }
}
