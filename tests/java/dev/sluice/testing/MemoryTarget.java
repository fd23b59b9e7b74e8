package dev.sluice.testing;

import dev.sluice.block.Bio;
import dev.sluice.block.Limits;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import java.util.ArrayList;
import java.util.List;

/**
 * Bytes in an array behind any limits, with a volatile cache: what was neither flushed nor written
 * with FUA is lost by {@link #crash}. It asserts that its device keeps what limits promise.
 * Thread-safe; each bio is carried out in one go.
 */
public final class MemoryTarget implements Target {
    private final Limits limits;
    private final byte[] bytes;
    private final byte[] durable;
    private final List<String> taken = new ArrayList<>();

    public MemoryTarget(Limits limits) {
        this.limits = limits;
        this.bytes = new byte[Math.toIntExact(limits.size())];
        this.durable = new byte[bytes.length];
    }

    /** Limits of a target that imposes a block size. */
    public static Limits limits(long size, int blockSize, boolean fua, boolean zeroes) {
        return new Limits(size, blockSize, false, fua, zeroes, false, false);
    }

    @Override
    public Limits limits() {
        return limits;
    }

    @Override
    public synchronized void submit(Bio bio) {
        check(bio, limits);
        if (taken.size() < 100) {
            taken.add(bio.toString());
        }
        int at = (int) bio.offset();
        int length = (int) bio.length();
        switch (bio.op()) {
            case READ -> bio.data().bytes().put(bio.dataAt(), bytes, at, length);
            case WRITE -> bio.data().bytes().get(bio.dataAt(), bytes, at, length);
            case DISCARD, WRITE_ZEROES ->
                java.util.Arrays.fill(bytes, at, at + length, (byte) 0);
            case FLUSH -> System.arraycopy(bytes, 0, durable, 0, bytes.length);
        }
        if (bio.fua()) {
            System.arraycopy(bytes, at, durable, at, length);
        }
        bio.complete();
    }

    /** What every bio that reaches a target must be. */
    static void check(Bio bio, Limits limits) {
        boolean flush = bio.op() == Op.FLUSH;
        boolean inRange = bio.offset() >= 0 && bio.length() > 0 && bio.until() <= limits.size();
        long mask = limits.inherited() ? 0 : limits.blockSize() - 1;
        boolean aligned = ((bio.offset() | bio.length()) & mask) == 0;
        boolean data = !bio.op().hasData() || bio.length() <= Limits.MAX_DATA
                && bio.data().size() - bio.dataAt() >= bio.length();
        boolean zeroes = bio.op() != Op.DISCARD && bio.op() != Op.WRITE_ZEROES
                || limits.zeroes() || limits.inherited();
        boolean fua = !bio.fua() || limits.fua() || limits.inherited();
        if (!(flush ? bio.length() == 0 : inRange && aligned) || !data || !zeroes || !fua) {
            throw new AssertionError("this must not reach a target of " + limits + ": " + bio);
        }
    }

    /** The first hundred bios taken, as text. */
    public synchronized List<String> taken() {
        return List.copyOf(taken);
    }

    /** Forgets what was taken. */
    public synchronized void forget() {
        taken.clear();
    }

    /** The power fails: what was not durable is gone. */
    public synchronized void crash() {
        System.arraycopy(durable, 0, bytes, 0, bytes.length);
    }

    /** The bytes themselves, for a look or a planted fault. */
    public byte[] bytes() {
        return bytes;
    }

    @Override
    public String arguments() {
        return "";
    }
}
