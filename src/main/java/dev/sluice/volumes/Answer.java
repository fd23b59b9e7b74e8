package dev.sluice.volumes;

import java.util.function.Supplier;

/** Where a request is answered, once; from any thread. */
interface Answer {
    /** False when it came too late: the caller was told that it takes longer. */
    boolean send(Reply reply);

    /** Whether the caller still waits. */
    boolean waits();

    /** Says what the caller is told when it takes too long; asked for then. */
    void late(Supplier<String> sentence);
}
