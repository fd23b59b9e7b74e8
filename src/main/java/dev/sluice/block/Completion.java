package dev.sluice.block;

/**
 * Where the completion of a bio runs: in the thread that ended it, which then sends the reply, or
 * by a worker, where more is owed than a thread that must not block can give. The rules are those
 * of the kernel's direct I/O (fs/iomap/direct-io.c): to complete at once is the rule, and what is
 * owed the exception; an error is always one.
 */
public final class Completion {
    /** The write filled blocks that were allocated but not written: they must be marked. */
    public static final int UNWRITTEN = 1;
    /** The write filled blocks allocated for it: they must be entered. */
    public static final int ALLOCATED = 2;
    /** The write went to a copy of what others share: it must be put in its place. */
    public static final int SHARED = 4;
    /** The write ended behind the size at its submission: the size must be changed. */
    public static final int SIZE = 8;
    /** The write must be durable, and neither FUA nor a device without a cache has seen to it. */
    public static final int SYNC = 16;
    /** Pages of the file are cached, and must be dropped, which may sleep. */
    public static final int CACHED = 32;

    private Completion() {}

    /** How completions run. */
    public enum Mode {
        /** As the rules say. */
        AUTO,
        /** In the thread that ended the bio, whatever is owed: to measure the difference. */
        CALLER,
        /** Always by a worker: to measure the difference. */
        WORKER
    }

    /**
     * Whether a bio is completed by the thread that ended it.
     *
     * @param outcome how its I/O ended
     * @param owed what is left to do, of the above; see {@link Bio#owe}
     * @param mayBlock the thread is a worker: then nobody else could do it better
     */
    public static boolean inCaller(Mode mode, Errno outcome, int owed, boolean mayBlock) {
        return switch (mode) {
            case CALLER -> true;
            case WORKER -> false;
            case AUTO -> mayBlock || outcome == Errno.OK && owed == 0;
        };
    }
}
